package oasink

import (
	"testing"

	"github.com/stretchr/testify/require"
)

func TestEncryptedNumbers(t *testing.T) {
	for value, want := range map[string]bool{
		"13800000001": false, "+86 138-0000-0001": false, "": false, "138****0001": true, "0571-88888888 ext 12": false, "无": false, "n/a": false,
		"Wm9uZSBvZiBzaWxlbmNlIQ==": true, "9f86d081884c7d659a2feaa0c55ad015": true, "enc_9f86d081884c7d659a2f": true,
	} {
		require.Equal(t, want, notPlain(value), value)
	}
}

func TestNormalMobile(t *testing.T) {
	for in, want := range map[string]string{
		"13800138000": "13800138000", "138 0013-8000": "13800138000", "+86 138-0013-8000": "13800138000", "008613800138000": "13800138000",
		"8613800138000": "13800138000", "+8613800138000": "13800138000", "+85291234567": "+85291234567", "86 10 1234 5678": "861012345678",
		"(138)00138000": "13800138000", "": "", "+86": "+86", "１３８ ００１３ ８０００": "13800138000", "＋86\u00a0138\u200b00138000": "13800138000", "138–0013−8000": "13800138000",
		"0085261234567": "+85261234567", "+852 6123 4567": "+85261234567", "852-61234567": "+85261234567", "(852) 6123-4567": "+85261234567", "85261234567": "+85261234567", "+00852 61234567": "+85261234567",
		"00853-66123456": "+85366123456", "853 6612 3456": "+85366123456", "+886-912-345-678": "+886912345678", "00886 0912 345 678": "+886912345678", "886912345678": "+886912345678", "8860912345678": "+886912345678",
		"001 380 013 8000": "+13800138000", "+1 380-013-8000": "+13800138000", "0044 7911 123456": "+447911123456",
		// Nobody knows of where these are: they stay what they are.
		"61234567": "61234567", "66123456": "66123456", "0912345678": "0912345678", "8526123456": "8526123456", "852612345678": "852612345678", "00123": "00123", "886212345678": "886212345678", "无": "无",
	} {
		require.Equal(t, want, normalMobile(in), in)
		require.Equal(t, want, normalMobile(want), "a form that stays")
	}
}

func FuzzNormalMobile(f *testing.F) {
	f.Add("+86 138-0013-8000")
	f.Fuzz(func(t *testing.T, s string) {
		once := normalMobile(s)
		if len(once) == 11 && onlyDigits(once) && normalMobile("+86"+once) != once && once[0] == '1' {
			t.Fatalf("%q differs with its country code", once)
		}
		if again := normalMobile(once); again != once {
			t.Fatalf("%q is %q, and that is %q", s, once, again)
		}
	})
}

func TestTableNames(t *testing.T) {
	names, err := newTableNames("ecology", map[string]string{"hrmresource": "hr.V_STAFF", "MOBILE_SIGN": "Mobile_Sign"})
	require.NoError(t, err)
	require.Equal(t, tableName{"hr", "V_STAFF"}, names[tableResource])
	require.Equal(t, tableName{"ecology", "Mobile_Sign"}, names[tableMobile])
	require.Equal(t, "ecology.HrmScheduleSign", names[tableSign].String())
	_, err = newTableNames("", map[string]string{"HrmRessource": "x"})
	require.ErrorContains(t, err, "HrmRessource")
	_, err = newTableNames("", map[string]string{"HrmResource": "hr."})
	require.Error(t, err)
}

func TestValidSignFrom(t *testing.T) {
	for _, good := range []string{"", "from_dd", "EMSyn", "来源", "a card"} {
		require.NoError(t, validSignFrom(good), good)
	}
	for _, bad := range []string{"card", "Card_x", "CARDS", "a|b", "一二三四五六七八九十一二三四五六七", " from_dd", "a\x00", "\xff"} {
		require.Error(t, validSignFrom(bad), bad)
	}
}

func TestUpwardEndsAtCyclesAndGaps(t *testing.T) {
	tree := map[int64]unit{1: {parent: 2}, 2: {parent: 3}, 3: {parent: 1}, 4: {parent: 99}}
	var seen []int64
	walk := func(id int64, _ unit) bool { seen = append(seen, id); return true }
	upward(tree, 1, walk)
	upward(tree, 4, walk)
	upward(tree, 0, walk)
	require.Equal(t, []int64{1, 2, 3, 4}, seen)
}
