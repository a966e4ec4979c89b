package oasink

import (
	"testing"

	"github.com/stretchr/testify/require"
)

func TestVisible(t *testing.T) {
	for in, want := range map[string][2]string{ // visible, and narrow
		"": {"", ""}, " a ": {"a", "a"}, "a b": {"a b", "a b"}, "0421\u200b": {"0421", "0421"}, "\ufeff04\u00a021": {"0421", "0421"}, "a\u202ab\u202c": {"ab", "ab"},
		"a\tb\r\n": {"ab", "ab"}, "\u30000421\u3000": {"0421", "0421"}, "a\ufe0f": {"a", "a"}, "０４２１": {"０４２１", "0421"}, "Ａ－１＠ｂ": {"Ａ－１＠ｂ", "A-1@b"}, "张 三": {"张 三", "张 三"}, "\u200b": {"", ""},
		"a_b.c-d@e": {"a_b.c-d@e", "a_b.c-d@e"},
	} {
		require.Equal(t, want, [2]string{visible(in), narrow(in)}, "%q", in)
	}
}

func FuzzVisible(f *testing.F) {
	f.Add("０421\u200b \u00a0x")
	f.Fuzz(func(t *testing.T, s string) {
		if once := visible(s); visible(once) != once {
			t.Fatalf("%q: %q, then %q", s, once, visible(once))
		}
		if once := narrow(s); narrow(once) != once {
			t.Fatalf("%q: %q, then %q", s, once, narrow(once))
		}
	})
}

func known(fold bool, ids ...string) *knownAccounts {
	k := &knownAccounts{spelling: (&Binding{Fold: fold}).spelling, ids: map[string]string{}, whole: true}
	for _, id := range ids {
		k.ids[k.spelling(id)] = id
	}
	return k
}

func TestMeantAccounts(t *testing.T) {
	for _, test := range []struct {
		known *knownAccounts
		text  string
		want  string
		found bool
	}{
		{known(false, "0421"), " 0421 ", "0421", true},
		{known(false, "0421"), "0421\u200b", "0421", true},
		{known(false, "0421"), "０４２１", "0421", true},
		{known(false, "0421", "0421\u200b"), "0421\u200b", "0421\u200b", true}, // the directory's own is first
		{known(false, "0421"), "421", "421", false},
		{known(false, "abc"), "ABC", "ABC", false},
		{known(true, "abc"), "ABC", "ABC", true}, // platforms without case
		{known(false), "\u200b", "", false},
		{nil, "04\u00a021\u200b", "0421", false},
		{nil, "０４２１", "０４２１", false}, // nobody knows
		{nil, "a b", "a b", false},
	} {
		account, found := test.known.meant(test.text)
		require.Equal(t, test.want, account, "%q", test.text)
		require.Equal(t, test.found, found, "%q", test.text)
	}
}

func TestWhatLooksLikeAnAccount(t *testing.T) {
	k := known(false, "0321", "00321", "321x", "abc", "0", "ZhangSan")
	like := k.likeness([]string{"321", "ABC", "zhangsan", "none", "000"})
	for account, want := range map[string][2]string{
		"321":      {" (the directory has 00321, 0321; a spreadsheet drops the zeros in front: format the column as text)", "（通讯录中有 00321, 0321；电子表格会去掉前导零：请将该列设为文本格式）"},
		"ABC":      {" (the directory has abc)", "（通讯录中有 abc）"},
		"zhangsan": {" (the directory has ZhangSan)", "（通讯录中有 ZhangSan）"},
		"none":     {"", ""},
		"000":      {" (the directory has 0)", "（通讯录中有 0）"},
	} {
		hint := hintOf(account, like[alike(account)])
		require.Equal(t, want, [2]string{hint.EN, hint.ZH}, account)
	}
	for text, want := range map[string]bool{"1.23457E+17": true, "1E+5": true, "1.2e+17": true, "E+17": false, "1.2.3E+4": false, "abcE+4": false, "1E+": false, "1E5": false} {
		require.Equal(t, want, isScientific(text), text)
		require.Equal(t, want, hintOf(text, nil).EN != "", text)
	}
}
