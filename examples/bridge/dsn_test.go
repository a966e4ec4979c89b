package main

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"unicode/utf16"

	"github.com/stretchr/testify/require"
)

// A password with characters that end it in an address is told, without any part of it;
// what the driver reads as it is meant is left alone.
func TestUnencodedPasswords(t *testing.T) {
	t.Parallel()
	for dsn, driver := range map[string]string{
		"postgres://ecology:Abc@Sup3rS3cret@127.0.0.1:5432/ecology":              "postgres",
		"postgresql://ecology:Abc/Sup3rS3cret@127.0.0.1:5432/ecology":            "postgres",
		"postgres://ecology:123/Sup3rS3cret@127.0.0.1:5432/ecology":              "postgres",
		"postgres://ecology:Abc?Sup3rS3cret@127.0.0.1:5432/ecology":              "postgres",
		"postgres://ecology:12?Sup3rS3cret@127.0.0.1:5432/ecology":               "postgres",
		"postgres://ecology:Abc#Sup3rS3cret@127.0.0.1:5432/ecology":              "postgres",
		"postgres://ecology:Abc%Sup3rS3cret@127.0.0.1:5432/ecology":              "postgres",
		"postgres://ecology:Sup3rS3cret%@127.0.0.1:5432/ecology":                 "postgres",
		"postgres://ecology:Abc Sup3rS3cret@127.0.0.1:5432/ecology":              "postgres",
		"postgres://ecology:Abc[Sup3rS3cret@127.0.0.1:5432/ecology":              "postgres",
		"postgres://ecology:Abc@x/Sup3rS3cret@127.0.0.1:5432/ecology":            "postgres",
		"postgres://127.0.0.1/ecology?user=ecology&password=Abc%Sup3rS3cret":     "postgres",
		"postgres://127.0.0.1/ecology?user=ecology&password=Abc#Sup3rS3cret":     "postgres",
		"postgres://127.0.0.1/ecology?user=ecology&password=Abc;Sup3rS3cret":     "postgres",
		"sqlserver://sa:Abc@Sup3rS3cret@127.0.0.1:1433?database=ecology":         "sqlserver",
		"sqlserver://sa:Abc/Sup3rS3cret@127.0.0.1:1433?database=ecology":         "sqlserver",
		"sqlserver://sa:Abc?Sup3rS3cret@127.0.0.1:1433?database=ecology":         "sqlserver",
		"oracle://ecology:Abc@Sup3rS3cret@127.0.0.1:1521/service":                "oracle",
		"oracle://ecology:Abc/Sup3rS3cret@127.0.0.1:1521/service":                "oracle",
		"oracle://ecology:Abc%zzSup3rS3cret@127.0.0.1:1521/service":              "oracle",
		"POSTGRES://ecology:Abc@Sup3rS3cret@127.0.0.1:5432/ecology":              "postgres",
		"postgres://ecology:Abc\\Sup3rS3cret^@127.0.0.1:5432/ecology":            "postgres",
		"postgres://ecology:Sup3rS3cret@x@y@127.0.0.1:5432/ecology?sslmode=none": "postgres",
	} {
		require.True(t, unencoded(driver, dsn), dsn)
		_, fault := completed(driver, dsn, "", "")
		require.NotNil(t, fault)
		text := fault.what + fault.mend.String()
		require.Contains(t, text, "percent-encode the password")
		for _, piece := range []string{"Abc", "S3cret"} {
			require.NotContains(t, text, piece)
		}
	}
	for dsn, driver := range map[string]string{
		"postgres://ecology:Abc%40Sup3rS3cret@127.0.0.1:5432/ecology":            "postgres",
		"postgres://ecology@127.0.0.1:5432/ecology":                              "postgres",
		"postgres://127.0.0.1/ecology":                                           "postgres",
		"postgres:///ecology?host=/var/run/postgresql":                           "postgres",
		"postgres://u:p@[::1]:5432/ecology?application_name=a@b":                 "postgres",
		"postgres://[::1]:5432/ecology?application_name=a@b":                     "postgres",
		"postgres://u:p@h1:5432,h2:5433/ecology":                                 "postgres",
		"postgres://h/ecology?user=u&password=a@b":                               "postgres",
		"postgres://user@server:p@127.0.0.1:5432/ecology":                        "postgres",
		"host=127.0.0.1 user=u password=a@b/c dbname=x":                          "postgres",
		"sqlserver://sa:p@127.0.0.1/SQLEXPRESS?database=ecology":                 "sqlserver",
		"sqlserver://sa@server:p@127.0.0.1?database=ecology":                     "sqlserver",
		"server=127.0.0.1;user id=sa;password=a@b/c#d;database=ecology":          "sqlserver",
		"odbc:server=127.0.0.1;user id=sa;password={a;b}};database=x":            "sqlserver",
		"oracle://u:p@127.0.0.1:1521/service?TRACE+FILE=x":                       "oracle",
		"root:a@b/c#d?e%@tcp(127.0.0.1:3306)/ecology":                            "mysql",
		"root:a://b@c@tcp(127.0.0.1:3306)/ecology?charset=utf8mb4":               "mysql",
		"root@unix(/var/run/mysqld/mysqld.sock)/ecology?loc=Asia%2FShanghai":     "mysql",
		"root:postgres://x:a@b@c@tcp(127.0.0.1:3306)/ecology?parseTime=true":     "mysql",
		"postgres://ecology:a:b!$&'()*+,;=~-_.@127.0.0.1:5432/ecology?sslmode=a": "postgres",
	} {
		require.False(t, unencoded(driver, dsn), dsn)
	}
}

// The key password puts any password into any form of dsn, so that the driver reads it
// as it is.
func TestPasswordBesideTheDSN(t *testing.T) {
	t.Parallel()
	printable := ""
	for r := ' '; r <= '~'; r++ {
		printable += string(r)
	}
	passwords := []string{"simple", "Abc@Sup3rS3cret", "a/b?c#d%e", `quote'and"and\`, "a;b=c}d{e", " blanks ", "口令 密码", "%41%zz", "://@:", "{x}", `"x"`, `''`, "x\\", printable}
	for driver, dsns := range map[string][]string{
		"mysql": {"root@tcp(127.0.0.1:3306)/ecology", "root:@tcp(127.0.0.1:3306)/ecology?charset=utf8mb4&loc=Asia%2FShanghai", "tcp(h)/ecology", "root@unix(/run/mysqld.sock)/ecology"},
		"postgres": {"postgres://ecology@127.0.0.1:5432/ecology?sslmode=disable", "postgresql://ecology:@h1:1,h2:2/ecology", "postgres://127.0.0.1/ecology?user=u",
			"host=127.0.0.1 user=u dbname=x", "user=u dbname='a b' application_name='it\\'s'"},
		"sqlserver": {"sqlserver://sa@127.0.0.1:1433?database=ecology", "sqlserver://sa:@127.0.0.1/SQLEXPRESS?database=ecology", "server=127.0.0.1;user id=sa;database=ecology",
			"server=127.0.0.1;user id=sa;database=ecology;", "odbc:server=127.0.0.1;user id=sa;database=ecology"},
		"oracle": {"oracle://ecology@127.0.0.1:1521/service", "oracle://ecology:@127.0.0.1:1521/service?TIMEOUT=5"},
	} {
		for _, dsn := range dsns {
			for _, password := range passwords {
				full, fault := completed(driver, dsn, password, "")
				require.Nil(t, fault, "%s %s %q", driver, dsn, password)
				require.Equal(t, password, readPassword(driver, full), "%s %s", driver, dsn)
			}
			require.Empty(t, passwordOf(driver, dsn))
		}
	}
	for dsn, driver := range map[string]string{
		"root:Sup3rS3cret@tcp(h)/x": "mysql", "postgres://u:Sup3rS3cret@h/x": "postgres", "postgres://h/x?password=Sup3rS3cret": "postgres", "host=h password=Sup3rS3cret": "postgres",
		"sqlserver://u:Sup3rS3cret@h?database=x": "sqlserver", "oracle://u:Sup3rS3cret@h:1/x": "oracle",
	} {
		_, fault := completed(driver, dsn, "other", "")
		require.NotNil(t, fault, dsn)
		require.Equal(t, "password", fault.key)
		require.Contains(t, fault.what, "the dsn holds a password too")
	}
	_, fault := completed("sqlite", "file:x.db", "p", "")
	require.Equal(t, "password", fault.key)
}

// A password that the environment has for the driver is none of the dsn's.
func TestPasswordOfTheEnvironment(t *testing.T) {
	t.Setenv("PGPASSWORD", "Sup3rS3cret")
	for _, dsn := range []string{"postgres://u@h/x", "host=h user=u"} {
		full, fault := completed("postgres", dsn, "", "")
		require.Nil(t, fault)
		require.Equal(t, dsn, full)
		full, fault = completed("postgres", dsn, "other", "")
		require.Nil(t, fault)
		require.Equal(t, "other", readPassword("postgres", full))
	}
	for dsn, driver := range map[string]string{"postgres://u:a:b%25@h/x": "postgres", "sqlserver://u:a:b%25@h?database=x": "sqlserver", "oracle://u:a:b%25@h:1/x": "oracle"} {
		full, fault := completed(driver, dsn, "", "")
		require.Nil(t, fault, dsn)
		require.Equal(t, "a:b%", readPassword(driver, full))
	}
}

// Whatever is wrong about a dsn, for the OA or the state, it is exit 2, and no part of
// the password stands anywhere.
func TestNoPartOfAPasswordInTheFilesFaults(t *testing.T) {
	t.Parallel()
	for _, lines := range []string{
		"oa: {driver: postgres, dsn: 'postgres://ecology:${DB_PASS}@127.0.0.1:5432/ecology'}",
		"oa: {driver: postgres, dsn: 'postgres://ecology:${file:pass.txt}@127.0.0.1:5432/ecology'}",
		"oa: {dsn: 'file:oa.db'}\nstate: {driver: postgres, dsn: 'postgres://ecology:${DB_PASS}@127.0.0.1:5432/ecology'}",
		"oa: {driver: sqlserver, dsn: 'sqlserver://sa:${DB_PASS}@127.0.0.1?database=x'}",
		"oa: {driver: oracle, dsn: 'oracle://ecology:${DB_PASS}@127.0.0.1:1521/x'}",
		"oa: {driver: mysql, dsn: 'root:${DB_PASS}@tcp(127.0.0.1:3306'}",
		"oa: {driver: postgres, dsn: 'root:${DB_PASS}@tcp(127.0.0.1:3306)/x'}",
		"oa: {driver: postgres, dsn: 'postgres://u:x@h/x', password: '${DB_PASS}'}",
		"oa: {driver: postgres, dsn: 'postgres://u:Abc@Sup3rS3cret@h/x'}",
		"oa: 'root:Abc@Sup3rS3cret@tcp(h)/x'",
		"oa: {dsn: ['Abc@Sup3rS3cret']}",
		"oa: {dsn: 'file:oa.db', password: Abc@Sup3rS3cret}",
		"oa: {dsn: 'file:oa.db', schema: *Sup3rS3cret}",
		"oa: {dsn: 'file:oa.db', ledger: 'Abc@Sup3rS3cret'}",
		"oa: {dsn: 'file:oa.db'}\nnotify: 'htp://u:Abc@Sup3rS3cret@h'",
		"oa: {dsn: 'file:oa.db'}\nhttp: 'http://u:Abc@Sup3rS3cret@h'",
		"oa: {dsn: 'file:oa.db', recalculate: http, recalculate_url: 'ftp://Sup3rS3cret'}",
	} {
		dir := t.TempDir()
		file := filepath.Join(dir, "bridge.yaml")
		require.NoError(t, os.WriteFile(file, []byte(lines+"\n"), 0o600))
		require.NoError(t, os.WriteFile(filepath.Join(dir, "pass.txt"), []byte("Abc@Sup3rS3cret\r\n"), 0o600))
		for _, json := range []bool{false, true} {
			var out, errOut strings.Builder
			p := &program{out: &out, err: &errOut, lookup: func(name string) (string, bool) { return "Abc@Sup3rS3cret", name == "DB_PASS" }}
			args := []string{"-config", file}
			if json {
				args = append(args, "-json")
			}
			code := p.main(t.Context(), append(args, "check"))
			require.Equal(t, 2, code, lines+out.String())
			for _, piece := range []string{"Sup3r", "S3cret", "Abc@"} {
				require.NotContains(t, out.String()+errOut.String(), piece, lines)
			}
			if strings.Contains(lines, "://ecology:$") {
				require.Contains(t, errOut.String(), "percent-encode the password")
				require.Contains(t, errOut.String(), ".dsn: ")
			}
		}
	}
}

// A file in another encoding is told as such, with the line; a byte order mark is fine.
func TestEncodingOfTheFile(t *testing.T) {
	t.Parallel()
	text := strings.ReplaceAll(strings.ReplaceAll(goodFile, "${KEY}", "k"), "${SECRET}", "s")
	_, err := readConfig(writeFile(t, "b.yaml", "# \xc5\xe4\xd6\xc3\xce\xc4\xbc\xfe\n"+text), testLookup)
	require.ErrorContains(t, err, "save the file as UTF-8")
	require.ErrorContains(t, err, "b.yaml:1: ")
	_, err = readConfig(writeFile(t, "b.yaml", text+"# \xce\xf7\n"), testLookup)
	require.ErrorContains(t, err, "save the file as UTF-8")
	_, err = readConfig(writeFile(t, "b.yaml", "\ufeff"+text), testLookup)
	require.NoError(t, err)

	units := utf16.Encode([]rune(text))
	var little, big []byte
	for _, u := range units {
		little, big = append(little, byte(u), byte(u>>8)), append(big, byte(u>>8), byte(u))
	}
	for _, file := range []string{"\xff\xfe" + string(little), "\xfe\xff" + string(big)} {
		c, err := readConfig(writeFile(t, "b.yaml", file), testLookup)
		require.NoError(t, err)
		require.Equal(t, "日常", c.jobs[0].name)
	}
	for _, file := range []string{string(little), string(big)} {
		_, err := readConfig(writeFile(t, "b.yaml", file), testLookup)
		require.ErrorContains(t, err, "save the file as UTF-8")
	}
}

// ${file:PATH} works everywhere: beside the file, without the last line end, also from
// Windows' editors; a file that cannot be read is named with the key, never its content.
func TestSecretsFromFiles(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	write := func(name, text string) string {
		path := filepath.Join(dir, name)
		require.NoError(t, os.WriteFile(path, []byte(text), 0o600))
		return path
	}
	absolute := write("secret", "s3cret-of-a-file\n")
	write("key", "\ufeffkey 1\r\n")
	write("utf16", "\xff\xfea\x00b\x00\n\x00")
	write("pw", " p@ss \n")
	text := `oa: {driver: mysql, dsn: "root@tcp(127.0.0.1:1)/x", password: "${file:pw}"}
providers: [{name: p, kind: dingtalk, app_key: "${file:key}", app_secret: "x-${file:` + absolute + `}-y"}, {name: w, kind: wecom, corp_id: "${file:utf16}", secret: "$${file:pw}"}]
jobs: [{name: j, provider: p, binding: {by: id}}]
`
	c, err := readConfig(write("bridge.yaml", text), testLookup)
	require.NoError(t, err)
	require.Equal(t, []string{" p@ss ", "key 1", "x-s3cret-of-a-file-y", "ab", "${file:pw}"},
		[]string{c.oas[0].password, c.providers[0].appKey, c.providers[0].appSecret, c.providers[1].corpID, c.providers[1].secret})
	require.Equal(t, " p@ss ", readPassword("mysql", c.oas[0].dsn))

	write("gbk", "s3cret\xce\xf7")
	require.NoError(t, os.WriteFile(filepath.Join(dir, "large"), []byte(strings.Repeat("s3cret", 20000)), 0o600))
	for name, want := range map[string]string{"missing": "no such file", "gbk": "UTF-8", "large": "longer than", ".": "cannot be read", "": "names no file"} {
		_, err = readConfig(write("bridge.yaml", strings.Replace(text, "${file:key}", "${file:"+name+"}", 1)), testLookup)
		require.ErrorContains(t, err, "providers[0].app_key: ")
		require.ErrorContains(t, err, want)
		require.NotContains(t, fmt.Sprint(err), "s3cret")
		if name != "" {
			require.ErrorContains(t, err, filepath.Join(dir, name))
		}
	}
}

// A folder that cannot be written is named, for the state, the OA and the log.
func TestFoldersThatCannotBeWrittenAreNamed(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	require.NoError(t, os.WriteFile(filepath.Join(dir, "file"), nil, 0o600))
	for _, folder := range []string{filepath.Join(dir, "none"), filepath.Join(dir, "file")} {
		trouble := folderTrouble(filepath.Join(folder, "bridge-state.db"))
		require.NotNil(t, trouble)
		require.Contains(t, trouble.Detail, "the folder "+folder)
		require.Contains(t, trouble.Mend.EN, folder)
		require.ErrorContains(t, logTrouble(filepath.Join(folder, "b.log"), os.ErrPermission), "in the folder "+folder)
	}
	require.Contains(t, folderTrouble(dir).Detail, "is a folder")
	require.Nil(t, folderTrouble(filepath.Join(dir, "x.db")))
	entries, err := os.ReadDir(dir)
	require.NoError(t, err)
	require.Len(t, entries, 1, "the try leaves nothing behind")
	if os.Getuid() != 0 && os.PathSeparator == '/' {
		require.NoError(t, os.Chmod(dir, 0o500))
		require.Contains(t, folderTrouble(filepath.Join(dir, "x.db")).Detail, "cannot be written: permission denied")
	}
}
