package oasink

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestNamesInSeveralLanguages(t *testing.T) {
	for stored, want := range map[string][]string{ // the displayed form first
		"`~`~`7 张三`~`8 Zhang San`~`~`":                {"张三", "Zhang San"},
		"`~`~`8 Zhang San`~`7 张三`~`~`":                {"张三", "Zhang San"},
		"`~`~`7 张三`~`8 Zhang San`~`9 張三`~`~`":         {"张三", "Zhang San", "張三"},
		"`~`~`7 张三`~`~`":                              {"张三"},
		"`~`~`7 张三`~`8 `~`~`":                         {"张三"},
		"`~`~`7 `~`8 Zhang San`~`~`":                  {"Zhang San"},
		"`~`~`8 Zhang San`~`9 張三`~`~`":                {"張三", "Zhang San"},
		"`~`~`12 Чжан`~`~`":                           {"Чжан"},
		"`~`~`7  张三 `~`8 Zhang  San `~`~`":            {"张三", "Zhang  San"},
		" `~`~`7 研发部`~`8 R&D`~`~` ":                   {"研发部", "R&D"},
		"`~`~`7 研发`~`8 R&D`~`~`/`~`~`7 一部`~`8 1`~`~`": {"研发/一部", "R&D/1"},
		"集团 `~`~`7 研发部`~`8 R&D`~`~` (新)":              {"集团 研发部 (新)", "集团 R&D (新)"},
		"`~`~`7 a`b~c`~`8 d`~`~`":                     {"a`b~c", "d"},
		"`~`~`7 `~`8 `~`~`":                           {""},

		// As they are: no form for several languages, or a broken one.
		"":                               {""},
		"张三":                             {"张三"},
		" 张三 ":                           {" 张三 "},
		"`~`":                            {"`~`"},
		"`~`~`":                          {"`~`~`"},
		"`~`~``~`~`":                     {"`~`~``~`~`"},
		"`~`~`7 张三`~`8 Zhang Sa":         {"`~`~`7 张三`~`8 Zhang Sa"}, // cut by the column
		"`~`~`7 张三`~`Zhang`~`~`":         {"`~`~`7 张三`~`Zhang`~`~`"},
		"`~`~`7张三`~`~`":                  {"`~`~`7张三`~`~`"},
		"`~`~`x 张三`~`~`":                 {"`~`~`x 张三`~`~`"},
		"`~`~` 张三`~`~`":                  {"`~`~` 张三`~`~`"},
		"`~`~`7 张三`~`8 Z`~`~`  `~`~`7 李": {"`~`~`7 张三`~`8 Z`~`~`  `~`~`7 李"},
		"7 张三`~`8 Zhang San":             {"7 张三`~`8 Zhang San"},
	} {
		require.Equal(t, want[0], displayName(stored), stored)
		require.Equal(t, want, nameForms(stored), stored)
	}
}

// Whatever stands in the column: names are made of it alone, and of one that was put
// together as the OA does every wording is found again.
func FuzzNames(f *testing.F) {
	f.Add("`~`~`7 张三`~`8 Zhang San`~`~`", "张三", "Zhang San")
	f.Add("`~`~`7 `~`~`~`", "", "x")
	f.Add("`~", "~`", "`")
	f.Fuzz(func(t *testing.T, stored, chinese, foreign string) {
		for i, form := range nameForms(stored) {
			if i == 0 && form != displayName(stored) {
				t.Fatalf("%q is displayed as %q, not %q", stored, displayName(stored), form)
			}
			if len(form) > len(stored) {
				t.Fatalf("%q became the longer %q", stored, form)
			}
		}
		if !strings.Contains(stored, groupMark) && displayName(stored) != stored {
			t.Fatalf("%q became %q", stored, displayName(stored))
		}
		if strings.ContainsAny(chinese+foreign, "`") || trim(chinese) == "" || trim(foreign) == "" {
			return
		}
		both := groupMark + "7 " + chinese + wordingMark + "8 " + foreign + groupMark
		if got := displayName(both); got != trim(chinese) {
			t.Fatalf("%q is displayed as %q", both, got)
		}
		if forms := nameForms(both); forms[len(forms)-1] != trim(foreign) {
			t.Fatalf("%q has the forms %q", both, forms)
		}
	})
}
