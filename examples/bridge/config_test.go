package main

import (
	"bytes"
	"context"
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/punchbridge/punchbridge/oasink"
)

const goodFile = `time_zone: Asia/Shanghai
oa:
  driver: sqlite
  dsn: "file:oa.db"
providers:
  - name: ding
    kind: dingtalk
    app_key: "${KEY}"
    app_secret: "${SECRET}"
  - name: wx
    kind: wecom
    corp_id: corp
    agent_id: 3010011
    secret: shh
jobs:
  - name: 日常
    provider: ding
    binding:
      by: workcode
`

// edit replaces one line (found by its beginning, after the indent) by others.
func edit(t *testing.T, text, begin string, lines ...string) string {
	t.Helper()
	var out []string
	found := false
	for line := range strings.Lines(text) {
		trimmed := strings.TrimLeft(line, " -")
		if !found && strings.HasPrefix(trimmed, begin) {
			found = true
			out = append(out, lines...)
			continue
		}
		out = append(out, strings.TrimSuffix(line, "\n"))
	}
	require.True(t, found, "no line %q", begin)
	return strings.Join(out, "\n") + "\n"
}

func testLookup(name string) (string, bool) {
	value, ok := map[string]string{"KEY": "key-1", "SECRET": "s3cret-value", "EMPTY": "", "N": "25:00"}[name]
	return value, ok
}

// call runs the program in this process, without the real environment.
func call(t *testing.T, args ...string) (code int, stdout, stderr string) {
	t.Helper()
	var out, errOut bytes.Buffer
	p := &program{out: &out, err: &errOut, lookup: testLookup}
	code = p.main(context.Background(), args)
	return code, out.String(), errOut.String()
}

func writeFile(t *testing.T, name, text string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), name)
	require.NoError(t, os.WriteFile(path, []byte(text), 0o600))
	return path
}

func TestConfigErrors(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name  string
		begin string
		lines []string
		key   string // "file.yaml:LINE: KEY: " is expected at the beginning
		mend  string
	}{
		{"unknown key", "time_zone", []string{"timezone: Asia/Shanghai"}, ":1: timezone: ", "did you mean time_zone"},
		{"unknown key in a job", "provider: ding", []string{"    provider: ding", "    at_all: 1"}, ":18: jobs[0].at_all: ", "remove it"},
		{"key twice", "time_zone", []string{"time_zone: UTC", "time_zone: UTC"}, ":2: time_zone: ", "keep one"},
		{"bad zone", "time_zone", []string{"time_zone: Asia/Peking"}, ":1: time_zone: ", "IANA"},
		{"machine's zone", "time_zone", []string{"time_zone: Local"}, ":1: time_zone: ", "IANA"},
		{"job's zone", "provider: ding", []string{"    provider: ding", "    time_zone: Mars"}, ":18: jobs[0].time_zone: ", "IANA"},
		{"unset variable", "app_key", []string{`    app_key: "${NOWHERE}"`}, ":8: providers[0].app_key: ", "NOWHERE is not set"},
		{"unset variable elsewhere", "dsn", []string{"  dsn: file:${DIR}/oa.db"}, ":4: oa.dsn: ", "DIR is not set"},
		{"open variable", "app_key", []string{`    app_key: "${KEY"`}, ":8: providers[0].app_key: ", "${NAME}"},
		{"empty credential", "app_secret", []string{"    app_secret: ${EMPTY}"}, ":9: providers[0].app_secret: ", "Client Secret"},
		{"missing credential", "app_secret", nil, ":6: providers[0].app_secret: ", "Client Secret"},
		{"missing key", "app_key", nil, ":6: providers[0].app_key: ", "Client ID"},
		{"missing secret of wecom", "secret: shh", nil, ":10: providers[1].secret: ", "check-ins"},
		{"kind", "kind: dingtalk", []string{"    kind: dingding"}, ":7: providers[0].kind: ", "dingtalk, wecom"},
		{"no kind", "kind: dingtalk", nil, ":6: providers[0].kind: ", "dingtalk or wecom"},
		{"key of the other kind", "app_key", []string{"    app_key: x", "    corp_id: x"}, ":9: providers[0].corp_id: ", "remove it"},
		{"doubled provider", "kind: wecom", []string{"    kind: wecom"}, "", ""},
		{"bad url", "app_key", []string{"    app_key: x", "    base_url: 127.0.0.1:9001"}, ":9: providers[0].base_url: ", "http://host"},
		{"bad api url", "app_key", []string{"    app_key: x", "    api_base_url: ftp://x"}, ":9: providers[0].api_base_url: ", "http://host"},
		{"rate 0", "app_key", []string{"    app_key: x", "    requests_per_second: 0"}, ":9: providers[0].requests_per_second: ", "above 0"},
		{"rate text", "app_key", []string{"    app_key: x", "    requests_per_second: many"}, ":9: providers[0].requests_per_second: ", "above 0"},
		{"quota", "app_key", []string{"    app_key: x", "    monthly_quota: -1"}, ":9: providers[0].monthly_quota: ", "whole number"},
		{"field_check_ins", "app_key", []string{"    app_key: x", "    field_check_ins: maybe"}, ":9: providers[0].field_check_ins: ", "true, false"},
		{"no oa", "oa:", []string{"state:"}, ":1: oa: ", "the OA database"},
		{"no dsn", "dsn", nil, ":3: oa.dsn: ", "oa.db"},
		{"driver", "driver", []string{"  driver: db2"}, ":3: oa.driver: ", "sqlite, mysql"},
		{"dsn of no SQL Server", "driver", []string{"  driver: sqlserver"}, ":4: oa.dsn: ", "sqlserver://user:password@host:1433?database=ecology"},
		{"dsn of no Oracle", "driver", []string{"  driver: oracle"}, ":4: oa.dsn: ", "oracle://user:password@host:1521/service"},
		{"dsn of another driver", "driver", []string{"  driver: mysql"}, ":4: oa.dsn: ", "user:password@tcp(host:3306)/ecology"},
		{"generation", "dsn", []string{"  dsn: x", "  generation: e10"}, ":5: oa.generation: ", "auto, e7, e8, e9"},
		{"recalculate", "dsn", []string{"  dsn: x", "  recalculate: sometimes"}, ":5: oa.recalculate: ", "auto, pool"},
		{"recalculate without a url", "dsn", []string{"  dsn: x", "  recalculate: http"}, ":3: oa.recalculate_url: ", "recalculate is http"},
		{"recalculate_url", "dsn", []string{"  dsn: x", "  recalculate: http", "  recalculate_url: ftp://h/?s3cret-value"}, ":6: oa.recalculate_url: ", "http://host"},
		{"recalculate_url for nothing", "dsn", []string{"  dsn: x", "  recalculate: pool", "  recalculate_url: http://h/?s3cret-value"}, ":6: oa.recalculate_url: ", "recalculate: http"},
		{"recalculate_token", "dsn", []string{"  dsn: x", "  recalculate: http", "  recalculate_url: http://h", "  recalculate_token: Bearer s3cret-value"}, ":7: oa.recalculate_token: ", "after Bearer"},
		{"ledger", "dsn", []string{"  dsn: x", "  ledger: perhaps"}, ":5: oa.ledger: ", "true, false"},
		{"tables", "dsn", []string{"  dsn: x", "  tables: {HrmStaff: x}"}, ":5: oa.tables.HrmStaff: ", "remove it"},
		{"table without name", "dsn", []string{"  dsn: x", "  tables: {HrmResource: ''}"}, ":5: oa.tables.HrmResource: ", "table's name"},
		{"state driver", "oa:", []string{"state: {driver: redis}", "oa:"}, ":2: state.driver: ", "sqlite, mysql"},
		{"state key", "oa:", []string{"state: {path: x}", "oa:"}, ":2: state.path: ", "remove it"},
		{"http", "oa:", []string{"http: 9100", "oa:"}, ":2: http: ", "host:port"},
		{"notify", "oa:", []string{"notify: hook", "oa:"}, ":2: notify: ", "http://host"},
		{"contact_sync_at", "oa:", []string{`contact_sync_at: "2"`, "oa:"}, ":2: contact_sync_at: ", "HH:MM"},
		{"no job name", "name: 日常", []string{"  - enabled: true"}, ":16: jobs[0].name: ", "job's name"},
		{"no provider", "provider: ding", nil, ":16: jobs[0].provider: ", "ding, wx"},
		{"unknown provider", "provider: ding", []string{"    provider: dong"}, ":17: jobs[0].provider: ", "ding, wx"},
		{"no binding", "binding", []string{"    scope:", "      descend: true", "    xbinding:"}, ":20: jobs[0].xbinding: ", "did you mean binding"},
		{"no by", "by:", []string{"      bound_only: true"}, ":19: jobs[0].binding.by: ", "workcode"},
		{"by", "by:", []string{"      by: name"}, ":19: jobs[0].binding.by: ", "workcode"},
		{"a kind of application", "agent_id", []string{"    app: marketplace"}, ":13: providers[1].app: ", "delegated"},
		{"by file without file", "by:", []string{"      by: file"}, ":19: jobs[0].binding.file: ", "CSV"},
		{"bound_only", "by:", []string{"      by: id", "      bound_only: 'no'"}, ":20: jobs[0].binding.bound_only: ", "true, false"},
		{"inactive", "by:", []string{"      by: id", "      inactive: maybe"}, ":20: jobs[0].binding.inactive: ", "skip, include"},
		{"at", "provider: ding", []string{"    provider: ding", `    at: "25:00"`}, ":18: jobs[0].at: ", "HH:MM"},
		{"at from the environment", "provider: ding", []string{"    provider: ding", `    at: "${N}"`}, ":18: jobs[0].at: ", "HH:MM"},
		{"at in a list", "provider: ding", []string{"    provider: ding", `    at: ["12:30", "12:60"]`}, ":18: jobs[0].at[1]: ", "HH:MM"},
		{"enabled", "provider: ding", []string{"    provider: ding", "    enabled: 1"}, ":18: jobs[0].enabled: ", "true, false"},
		{"look back", "provider: ding", []string{"    provider: ding", "    look_back_days: -1"}, ":18: jobs[0].look_back_days: ", "whole number"},
		{"look back text", "provider: ding", []string{"    provider: ding", "    look_back_days: a week"}, ":18: jobs[0].look_back_days: ", "whole number"},
		{"long tag", "provider: ding", []string{"    provider: ding", "    sign_from: " + strings.Repeat("钉", 17)}, ":18: jobs[0].sign_from: ", "50 bytes"},
		{"tag with |", "provider: ding", []string{"    provider: ding", "    sign_from: 'a|b'"}, ":18: jobs[0].sign_from: ", "|"},
		{"tag of make-up cards", "provider: ding", []string{"    provider: ding", "    sign_from: Card_dd"}, ":18: jobs[0].sign_from: ", "from_dd"},
		{"withdrawn", "provider: ding", []string{"    provider: ding", "    withdrawn: maybe"}, ":18: jobs[0].withdrawn: ", "keep, delete"},
		{"withdrawn without a ledger", "provider: ding", []string{"    provider: ding", "    withdrawn: delete"}, ":18: jobs[0].withdrawn: ", "set oa.ledger to true"},
		{"outside", "provider: ding", []string{"    provider: ding", "    outside: here"}, ":18: jobs[0].outside: ", "mobile_sign, sign, both"},
		{"outside", "provider: ding", []string{"    provider: ding", "    outside: nowhere"}, ":18: jobs[0].outside: ", "mobile_sign, sign, both"},
		{"undirected", "provider: ding", []string{"    provider: ding", "    undirected: in"}, ":18: jobs[0].undirected: ", "skip, null"},
		{"abnormal", "provider: ding", []string{"    provider: ding", "    abnormal: outside"}, ":18: jobs[0].abnormal: ", "sign, skip"},
		{"abnormal of DingTalk", "provider: ding", []string{"    provider: ding", "    abnormal: skip"}, ":18: jobs[0].abnormal: ", "outside"},
		{"freeze", "provider: ding", []string{"    provider: ding", "    freeze_after_day: 40"}, ":18: jobs[0].freeze_after_day: ", "whole number"},
		{"scope key", "provider: ding", []string{"    provider: ding", "    scope: {employees: [1]}"}, ":18: jobs[0].scope.employees: ", "remove it"},
		{"department", "provider: ding", []string{"    provider: ding", "    scope: {departments: [0]}"}, ":18: jobs[0].scope.departments[0]: ", "ids"},
		{"departments", "provider: ding", []string{"    provider: ding", "    scope: {departments: 11}"}, ":18: jobs[0].scope.departments: ", "list"},
		{"doubled job", "provider: ding", []string{"    provider: ding", "    binding: {by: id}", "  - name: 日常", "    provider: ding"}, ":19: jobs[1].name: ", "rename"},
		{"not yaml", "time_zone", []string{"time_zone: [", "x"}, ":", "YAML"},
	}
	for _, test := range tests {
		if test.key == "" {
			continue
		}
		t.Run(test.name, func(t *testing.T) {
			path := writeFile(t, "file.yaml", edit(t, goodFile, test.begin, test.lines...))
			code, stdout, stderr := call(t, "-config", path, "check")
			require.Equal(t, exitUsage, code, stderr)
			require.Empty(t, stdout)
			require.Equal(t, 1, strings.Count(stderr, "\n"), "one line: %s", stderr)
			require.True(t, strings.HasPrefix(stderr, "bridge: "+path+test.key), stderr)
			require.Contains(t, stderr, test.mend)
			require.NotContains(t, stderr, "s3cret-value")
		})
	}
}

func TestSeveralOAs(t *testing.T) {
	t.Parallel()
	list := edit(t, goodFile, "oa:", "oa:", "  - {name: hq, dsn: hq.db}", "  - {name: branch, dsn: branch.db}")
	list = edit(t, edit(t, list, "driver: sqlite"), `dsn: "file:oa.db"`)
	load := func(text string) (*config, error) {
		return readConfig(writeFile(t, "file.yaml", text), testLookup)
	}
	_, err := load(list)
	require.ErrorContains(t, err, "jobs[0].oa: missing")
	require.ErrorContains(t, err, "branch, hq")
	_, err = load(edit(t, list, "provider: ding", "    provider: ding", "    oa: nowhere"))
	require.ErrorContains(t, err, `there is no oa "nowhere"`)
	c, err := load(edit(t, list, "provider: ding", "    provider: ding", "    oa: branch"))
	require.NoError(t, err)
	require.Equal(t, "branch.db", c.jobs[0].oa.dsn)
	_, err = load(edit(t, list, "{name: branch", "  - {name: hq, dsn: x}"))
	require.ErrorContains(t, err, "oa[1].name")
	_, err = load(edit(t, list, "{name: branch", "  - {dsn: x}"))
	require.ErrorContains(t, err, "oa[1].name")

	// The one OA of a mapping goes by the name that the jobs call it.
	c, err = load(edit(t, goodFile, "provider: ding", "    provider: ding", "    oa: hq"))
	require.NoError(t, err)
	o, err := c.oaNamed("hq")
	require.NoError(t, err)
	require.Same(t, c.jobs[0].oa, o)
	named := edit(t, goodFile, "driver: sqlite", "  name: head")
	_, err = load(edit(t, named, "provider: ding", "    provider: ding", "    oa: hq"))
	require.ErrorContains(t, err, `there is no oa "hq"`)
}

func TestDefaultsAndForms(t *testing.T) {
	t.Parallel()
	c, err := readConfig(writeFile(t, "file.yaml", "\ufeff"+goodFile), testLookup)
	require.NoError(t, err)
	j := c.jobs[0]
	require.Equal(t, "日常", j.name)
	require.True(t, j.enabled && j.descend && j.binding.boundOnly)
	require.Equal(t, 6, j.lookBack)
	require.Equal(t, "from_dd", j.signFrom)
	require.Equal(t, "skip", j.undirected)
	require.Equal(t, "skip", j.binding.inactive)
	require.Equal(t, "Asia/Shanghai", j.zone.String())
	require.Equal(t, "key-1", j.provider.appKey)
	require.Equal(t, "s3cret-value", j.provider.appSecret)
	require.Equal(t, "3010011", c.providers[1].agentID)

	full := edit(t, goodFile, "provider: ding",
		"    provider: ding", "    undirected: null", `    at: ["12:30", 23:30]`, "    time_zone: Europe/Paris", "    enabled: false",
		"    scope: {subcompanies: [1], departments: [11, 12], descend: false}", "    sign_from: $${tag}", "    look_back_days: 0",
		"    withdrawn: keep", "    outside: mobile_sign", "    freeze_after_day: 0")
	full = edit(t, full, "time_zone: Asia", "contact_sync_at: '02:00'", "http:", "notify: ''", "state: {driver: none, dsn: ''}")
	full = edit(t, full, "app_key", "    app_key: x", "    base_url: http://127.0.0.1:9001/", "    requests_per_second: 2.5", "    monthly_quota: 5000", "    is_i18n: false", "    field_check_ins: true")
	full = edit(t, full, "driver: sqlite", "  tables: {HrmResource: V_STAFF, kq_format_pool: POOL}", "  schema: dbo", "  generation: e9", "  recalculate: pool", "  ledger: false")
	c, err = readConfig(writeFile(t, "file.yaml", full), testLookup)
	require.NoError(t, err)
	j = c.jobs[0]
	require.Equal(t, "null", j.undirected)
	require.Equal(t, []clockTime{12*60 + 30, 23*60 + 30}, j.times)
	require.Equal(t, "Europe/Paris", j.zone.String())
	require.Equal(t, []int64{11, 12}, j.departments)
	require.Equal(t, []int64{1}, j.subcompanies)
	require.False(t, j.enabled || j.descend)
	require.Zero(t, j.lookBack)
	require.Equal(t, "${tag}", j.signFrom)
	require.Equal(t, "http://127.0.0.1:9001", j.provider.baseURL)
	require.InDelta(t, 2.5, j.provider.perSecond, 0)
	require.Equal(t, 5000, j.provider.monthlyQuota)
	require.True(t, j.provider.fieldCheckIns)
	require.Equal(t, map[string]string{"HrmResource": "V_STAFF", "kq_format_pool": "POOL"}, j.oa.tables)
	require.Equal(t, clockTime(120), *c.contactSync)

	_, err = readConfig(writeFile(t, "file.yaml", edit(t, full, "generation", "  generation: e8")), testLookup)
	require.ErrorContains(t, err, "jobs[0].undirected: null needs e9")
}

func TestCommandLine(t *testing.T) {
	t.Parallel()
	path := writeFile(t, "file.yaml", goodFile)
	days := []string{"-from", "2026-03-01", "-to", "2026-03-31"}
	tests := []struct {
		args []string
		want string
	}{
		{nil, "no command"},
		{[]string{"-config", path}, "no command"},
		{[]string{"-config", path, "frobnicate"}, "unknown command"},
		{[]string{"-config", path, "-frobnicate", "check"}, "not defined"},
		{[]string{"-config", path, "check", "now"}, "no arguments"},
		{[]string{"-config", path, "run"}, "needs the name of a job"},
		{[]string{"-config", path, "run", "日常", "x"}, "one job"},
		{[]string{"-config", path, "run", "日常", "-from", "2026-03-01"}, "not defined"},
		{[]string{"-config", path, "run", "other"}, `there is no job "other"`},
		{[]string{"-config", path, "backfill", "日常"}, "-from and -to"},
		{[]string{"-config", path, "backfill", "日常", "-from", "2026-03-01"}, "-from and -to"},
		{[]string{"-config", path, "backfill", "日常", "-from", "1.3.2026", "-to", "2026-03-01"}, "write a day"},
		{[]string{"-config", path, "backfill", "日常", "-from", "2026-03-02", "-to", "2026-03-01"}, "swap"},
		{append([]string{"-config", path, "backfill", "日常", "-departments", "a"}, days...), "ids of the OA"},
		{append([]string{"-config", path, "backfill", "日常", "-employees", ""}, days...), "ids of the OA"},
		{append([]string{"-config", path, "backfill", "日常", "-bound-only", "false"}, days...), "one job"},
		{append([]string{"-config", path, "backfill", "日常", "-oa", "nowhere"}, days...), "no oa named"},
		{append([]string{"-now", "2026-09-30T12:00:00+08:00", "-config", path, "backfill", "日常"}, days...), "the first day that can is 2026-04-04"},
		{[]string{"-config", path, "-now", "yesterday", "check"}, "RFC 3339"},
		{[]string{"-config", filepath.Join(t.TempDir(), "none.yaml"), "check"}, "none.yaml: the configuration file cannot be read"},
		{[]string{"-config", path, "serve", "日常"}, "no arguments"},
		{[]string{"-config", path, "-now", "2026-03-02T12:00:00+08:00", "serve"}, "real clock"},
		{[]string{"-config", path, "jobs", "日常"}, "no arguments"},
		{[]string{"-config", path, "history", "other"}, "no job"},
		{[]string{"-config", path, "preview", "日常", "-from", "2026-03-01"}, "needs -from and -to"},
	}
	for _, test := range tests {
		t.Run(strings.Join(test.args, " "), func(t *testing.T) {
			code, stdout, stderr := call(t, test.args...)
			require.Equal(t, exitUsage, code, stderr)
			require.Empty(t, stdout)
			require.Contains(t, stderr, test.want)
			require.Equal(t, 1, strings.Count(stderr, "\n"), stderr)
		})
	}
	code, stdout, _ := call(t, "-h")
	require.Zero(t, code)
	require.Contains(t, stdout, "backfill JOB")
	code, stdout, _ = call(t, "-json", "-config", path, "run", "other")
	require.Equal(t, exitUsage, code)
	var document struct {
		Error struct{ Code, Message string }
	}
	require.NoError(t, json.Unmarshal([]byte(stdout), &document))
	require.Equal(t, "config", document.Error.Code)
	require.Contains(t, document.Error.Message, "there is no job")
}

func TestPairs(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	yaml := filepath.Join(dir, "file.yaml")
	require.NoError(t, os.WriteFile(yaml, []byte(edit(t, goodFile, "by:", "      by: file", "      file: pairs.csv")), 0o600))
	read := func(csv string) ([]oasink.Pair, error) {
		require.NoError(t, os.WriteFile(filepath.Join(dir, "pairs.csv"), []byte(csv), 0o600))
		c, err := readConfig(yaml, testLookup)
		require.NoError(t, err)
		return c.readPairs(c.jobs[0].binding)
	}
	pairs, err := read("\ufeffemployee_id, account\r\n 17 , staff017 \r\n\r\n18,\r\n19,\"a,b\"\r\n")
	require.NoError(t, err)
	require.Equal(t, []oasink.Pair{{Person: "17", Account: "staff017"}, {Person: "19", Account: "a,b"}}, pairs)
	for csv, want := range map[string]string{
		"":                                 "empty",
		"employee_id,account\n17,\xd5\xc5": "UTF-8",
		"id,account\n":                     "header",
		"employee_id,account\nx,y":         "line 2",
		"employee_id,account\n17\n":        "line 2",
		"employee_id,account\n17,\"a\n":    "line",
	} {
		_, err := read(csv)
		require.ErrorContains(t, err, want, csv)
		require.ErrorContains(t, err, "jobs[0].binding.file")
		require.NotContains(t, err.Error(), "\n")
	}
	require.NoError(t, os.Remove(filepath.Join(dir, "pairs.csv")))
	code, _, stderr := call(t, "-config", yaml, "run", "日常")
	require.Equal(t, exitUsage, code)
	require.Contains(t, stderr, "pairs.csv cannot be read")
}

func TestNothingSecretInConfigErrors(t *testing.T) {
	t.Parallel()
	for _, line := range []string{`    kind: "${SECRET}"`, `    requests_per_second: ${SECRET}`, `    base_url: ${SECRET}`, `    monthly_quota: ${SECRET}`} {
		key, _, _ := strings.Cut(strings.TrimSpace(line), ":")
		text := goodFile
		if key == "kind" {
			text = edit(t, text, "kind: dingtalk", line)
		} else {
			text = edit(t, text, "kind: dingtalk", "    kind: dingtalk", line)
		}
		_, _, stderr := call(t, "-config", writeFile(t, "file.yaml", text), "check")
		require.Contains(t, stderr, key)
		require.NotContains(t, stderr, "s3cret-value")
	}
}

func FuzzConfig(f *testing.F) {
	f.Add(goodFile)
	f.Add("oa: &a [*a]\njobs: [{}]\n")
	f.Add("oa:\n- {name: ${KEY}, dsn: x}\n")
	f.Add("? {a: b}\n: c\n")
	f.Fuzz(func(t *testing.T, text string) {
		path := filepath.Join(t.TempDir(), "f.yaml")
		require.NoError(t, os.WriteFile(path, []byte(text), 0o600))
		c, err := readConfig(path, testLookup)
		if err != nil {
			require.NotContains(t, err.Error(), "\n")
			require.Contains(t, err.Error(), "f.yaml")
			return
		}
		require.NotEmpty(t, c.oas)
	})
}

func TestExampleFileIsValid(t *testing.T) {
	t.Parallel()
	lookup := func(string) (string, bool) { return "x", true }
	c, err := readConfig("bridge.example.yaml", lookup)
	require.NoError(t, err)
	require.Len(t, c.jobs, 2)
}
