package main

import (
	"testing"

	"github.com/stretchr/testify/require"
)

// Texts leave the program as UTF-8: a dsn that calls them anything else is refused
// before anything is touched.
func TestOtherCharacterSetsAreRefused(t *testing.T) {
	for _, c := range []struct{ driver, dsn, parameter string }{
		{"mysql", "root@tcp(h:1)/oa?charset=gbk", "charset=gbk"},
		{"mysql", "root@tcp(h:1)/oa?charset=gbk&interpolateParams=true", "charset=gbk"},
		{"mysql", "root@tcp(h:1)/oa?charset=utf8mb4,latin1", "charset=latin1"},
		{"mysql", "root@tcp(h:1)/oa?parseTime=true&charset=GB18030", "charset=GB18030"},
		{"mysql", "root@tcp(h:1)/oa?collation=gbk_chinese_ci", "collation=gbk_chinese_ci"},
		{"mysql", "root@tcp(h:1)/oa?character_set_results=gbk", "character_set_results=gbk"},
		{"mysql", "root:a/b?charset=gbk@tcp(h:1)/oa", ""},
		{"mysql", "root@tcp(h:1)/oa", ""},
		{"mysql", "root@tcp(h:1)/oa?charset=utf8", ""},
		{"mysql", "root@tcp(h:1)/oa?charset=UTF8MB4&collation=utf8mb4_unicode_ci", ""},
		{"mysql", "root@tcp(h:1)/oa?charset=utf8mb4,utf8", ""},
		{"postgres", "postgres://u@h:1/oa?client_encoding=GBK", "client_encoding=GBK"},
		{"postgres", "postgres://u@h:1/oa?client_encoding=utf8", ""},
		{"postgres", "postgres://u@h:1/oa", ""},
	} {
		oa := edit(t, goodFile, "dsn", "  dsn: '"+c.dsn+"'")
		oa = edit(t, oa, "driver", "  driver: "+c.driver)
		state := edit(t, goodFile, "oa:", "state: {driver: "+c.driver+", dsn: '"+c.dsn+"'}", "oa:")
		for key, text := range map[string]string{"oa.dsn: ": oa, "state.dsn: ": state} {
			_, err := readConfig(writeFile(t, "file.yaml", text), testLookup)
			if c.parameter == "" {
				require.NoError(t, err, c.dsn)
				continue
			}
			require.ErrorContains(t, err, key+c.parameter+":", c.dsn)
			require.Regexp(t, "write (charset=utf8mb4|client_encoding=UTF8)", err.Error())
		}
	}
}
