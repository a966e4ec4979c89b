package main

import (
	"bytes"
	"database/sql"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"log"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/punchbridge/punchbridge/dingtalk/dingtalktest"
)

// asProgram makes the test binary be the program itself: a real process with its
// own signals and exit code, without another build.
const asProgram = "BRIDGE_TEST_AS_PROGRAM"

func TestMain(m *testing.M) {
	if os.Getenv(asProgram) != "" {
		main()
		return
	}
	log.SetOutput(io.Discard) //nolint:forbidigo // as main does
	flag.Parse()
	if flag.Lookup("test.parallel").Value.String() == fmt.Sprint(runtime.GOMAXPROCS(0)) { // nobody has said how many
		_ = flag.Set("test.parallel", "12") // most of a test is waiting for another process
	}
	os.Exit(m.Run())
}

// beijing is the zone of the tests; noon is their now, a Monday.
func beijing() *time.Location { return time.FixedZone("Asia/Shanghai", 8*3600) }
func noon() time.Time         { return time.Date(2026, 3, 9, 12, 0, 0, 0, beijing()) }

// at is a moment of March 2026 in Beijing: "02 08:55:10".
func at(t testing.TB, clock string) time.Time {
	t.Helper()
	moment, err := time.ParseInLocation("2006-01-02 15:04:05", "2026-03-"+clock, beijing())
	require.NoError(t, err)
	return moment
}

// site is an OA with its database, a fake DingTalk behind a real socket, and the
// configuration file between them.
type site struct {
	t           testing.TB
	environment []string // of its programs, beside this process's
	dir         string
	db          *sql.DB
	ding        *dingtalktest.Server
	handler     atomic.Pointer[http.Handler] // what answers instead of ding
	url         string
	// The parts of the file.
	kind              string
	oa, provider, job []string
	state             string    // of the file; "" is the default
	head              string    // further lines of the file, before its providers
	now               time.Time // noon unless a test moves it
}

// The tables of e-cology as far as they matter here, in their three generations.
const (
	sharedTables = `
CREATE TABLE mobile_sign (id INTEGER PRIMARY KEY AUTOINCREMENT, operater INTEGER NOT NULL, operate_type VARCHAR(50) NOT NULL, operate_date CHAR(10) NOT NULL,
  operate_time CHAR(8) NOT NULL, longitude VARCHAR(50) NOT NULL, latitude VARCHAR(50) NOT NULL, address VARCHAR(500), remark VARCHAR(1000), attachment VARCHAR(500));
CREATE TABLE HrmResource (id INTEGER NOT NULL, loginid VARCHAR(60), account VARCHAR(60), workcode VARCHAR(60), lastname VARCHAR(60), mobile VARCHAR(60), telephone VARCHAR(60),
  email VARCHAR(60), certificatenum VARCHAR(60), departmentid INTEGER, subcompanyid1 INTEGER, managerid INTEGER, status INTEGER, accounttype INTEGER, belongto INTEGER, dsporder INTEGER);
CREATE TABLE HrmDepartment (id INTEGER NOT NULL, departmentmark VARCHAR(60), departmentname VARCHAR(200), subcompanyid1 INTEGER, supdepid INTEGER, canceled CHAR(1));
CREATE TABLE HrmSubCompany (id INTEGER NOT NULL, subcompanyname VARCHAR(200), supsubcomid INTEGER DEFAULT 0, canceled CHAR(1));
`
	signE7 = `id INTEGER PRIMARY KEY AUTOINCREMENT, userId INTEGER, userType CHAR(1), signType CHAR(1), signDate CHAR(10), signTime CHAR(8), clientAddress VARCHAR(15), isInCom CHAR(1)`
	signE8 = signE7 + `, signFrom VARCHAR(400), LONGITUDE VARCHAR(400), LATITUDE VARCHAR(400), ADDR VARCHAR(1000), wxsignaddress VARCHAR(1000), eb_deviceid VARCHAR(64), eb_deviceid_change INTEGER, suuid VARCHAR(1000)`
	signE9 = signE8 + `, isimport INTEGER, timeZone VARCHAR(400), belongdate VARCHAR(10), deviceInfo VARCHAR(1000), memo VARCHAR(1000)`
	poolE9 = `CREATE TABLE kq_format_pool (id INTEGER PRIMARY KEY AUTOINCREMENT, resourceid INTEGER NOT NULL, kqdate VARCHAR(10) NOT NULL, status INTEGER NOT NULL DEFAULT 0, created TIMESTAMP NOT NULL DEFAULT CURRENT_TIMESTAMP, exectime TIMESTAMP);`
)

// newSite builds a site of the generation e7, e8 or e9. Its company: departments
// 11 (研发) with 111 below it and 12 (销售) of sub-company 1, 21 of sub-company 2;
// people 17 and 18 in 11, 19 in 111, 20 in 12, 21 in 21, each bound by workcode
// W<id> to the account staff0<id>.
func newSite(t testing.TB, generation string) *site {
	s := &site{t: t, dir: t.TempDir(), kind: "dingtalk", now: noon()}
	s.db = openRaw(t, filepath.Join(s.dir, "oa.db"))
	createTables(t, s.db, generation)
	s.exec(`INSERT INTO HrmSubCompany (id, subcompanyname, supsubcomid, canceled) VALUES (1, '总部', 0, NULL), (2, '分公司', 0, '0')`)
	s.exec(`INSERT INTO HrmDepartment (id, departmentname, subcompanyid1, supdepid, canceled) VALUES (11, '研发', 1, 0, NULL), (111, '平台', 1, 11, '0'), (12, '销售', 1, 0, NULL), (21, '分部', 2, 0, NULL)`)
	s.ding = dingtalktest.New(&dingtalktest.Options{Now: func() time.Time { return s.clock() }, QPS: -1})
	s.ding.AddDepartment(dingtalktest.Department{ID: 50, Parent: 1, Name: "全体"})
	for _, p := range []struct {
		id, department int
		name           string
	}{{17, 11, "张三"}, {18, 11, "李四"}, {19, 111, "王五"}, {20, 12, "赵六"}, {21, 21, "钱七"}} {
		s.person(p.id, p.department, p.name)
		s.user(p.id, p.name)
	}
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if h := s.handler.Load(); h != nil {
			(*h).ServeHTTP(w, r)
			return
		}
		s.ding.ServeHTTP(w, r)
	}))
	t.Cleanup(server.Close)
	s.url = server.URL
	s.oa = []string{`dsn: "file:oa.db"`}
	s.provider = []string{"app_key: " + dingtalktest.DefaultAppKey, "app_secret: " + dingtalktest.DefaultAppSecret,
		"base_url: " + s.url, "api_base_url: " + s.url, "requests_per_second: 10000"}
	s.job = []string{"binding: {by: workcode}"}
	return s
}

func createTables(t testing.TB, db *sql.DB, generation string) {
	t.Helper()
	sign := map[string]string{"e7": signE7, "e8": signE8, "e9": signE9}[generation]
	script := sharedTables + "CREATE TABLE HrmScheduleSign (" + sign + ");"
	if generation == "e9" {
		script += poolE9
	}
	_, err := db.Exec(script)
	require.NoError(t, err)
}

func openRaw(t testing.TB, path string) *sql.DB {
	t.Helper()
	db, err := sql.Open("sqlite", "file:"+path+"?_pragma=busy_timeout(20000)")
	require.NoError(t, err)
	t.Cleanup(func() { db.Close() })
	return db
}

func (s *site) exec(query string, args ...any) {
	s.t.Helper()
	_, err := s.db.Exec(query, args...)
	require.NoError(s.t, err)
}

// clock is the fake platform's time: the test's, unless it lives on the real clock.
func (s *site) clock() time.Time {
	if s.now.IsZero() {
		return time.Now()
	}
	return s.now
}

// person adds a person to the OA.
func (s *site) person(id, department int, name string) {
	s.t.Helper()
	s.exec(`INSERT INTO HrmResource (id, loginid, account, workcode, lastname, mobile, email, departmentid, subcompanyid1, status, accounttype) VALUES (?,?,?,?,?,?,?,?,?,1,0)`,
		id, fmt.Sprintf("login%d", id), fmt.Sprintf("acc%d", id), fmt.Sprintf("W%d", id), name, fmt.Sprintf("1380000%04d", id), fmt.Sprintf("p%d@example.com", id), department, map[bool]int{true: 2, false: 1}[department == 21])
}

// user adds the account of a person to DingTalk.
func (s *site) user(id int, name string) {
	s.ding.AddUser(dingtalktest.User{ID: account(id), Name: name, JobNumber: fmt.Sprintf("W%d", id), Mobile: fmt.Sprintf("1380000%04d", id), StateCode: "86",
		OrgEmail: fmt.Sprintf("p%d@example.com", id), Departments: []int64{50}})
}

func account(id int) string { return fmt.Sprintf("staff0%d", id) }

func (s *site) punch(id int, clock, checkType string, change ...func(*dingtalktest.Punch)) {
	s.t.Helper()
	p := dingtalktest.Punch{UserID: account(id), Time: at(s.t, clock), CheckType: checkType}
	for _, f := range change {
		f(&p)
	}
	s.ding.AddPunch(p)
}

// ordinary gives everybody an in and an out on the 2nd to the 6th.
func (s *site) ordinary() {
	for day := 2; day <= 6; day++ {
		for id := 17; id <= 21; id++ {
			s.punch(id, fmt.Sprintf("%02d 08:5%d:%02d", day, id%10, id), "OnDuty")
			s.punch(id, fmt.Sprintf("%02d 18:0%d:%02d", day, id%10, id), "OffDuty")
		}
	}
}

const ordinaryRows = 5 * 5 * 2

// write writes the configuration file.
func (s *site) write() string {
	var b strings.Builder
	b.WriteString("oa:\n")
	for _, line := range s.oa {
		b.WriteString("  " + line + "\n")
	}
	b.WriteString(s.head)
	b.WriteString("providers:\n  - name: platform\n    kind: " + s.kind + "\n")
	for _, line := range s.provider {
		b.WriteString("    " + line + "\n")
	}
	b.WriteString("jobs:\n  - name: daily\n    provider: platform\n")
	for _, line := range s.job {
		b.WriteString("    " + line + "\n")
	}
	if s.state != "" {
		b.WriteString("state: " + s.state + "\n")
	}
	path := filepath.Join(s.dir, "bridge.yaml")
	// At once: a program that was started just before may be reading it.
	require.NoError(s.t, os.WriteFile(path+".new", []byte(b.String()), 0o600))
	require.NoError(s.t, os.Rename(path+".new", path))
	return path
}

// set replaces the line of the list that begins with the key, or adds it.
func set(lines []string, line string) []string {
	key, _, _ := strings.Cut(line, ":")
	for i := range lines {
		if strings.HasPrefix(lines[i], key+":") {
			lines[i] = line
			return lines
		}
	}
	return append(lines, line)
}

// result is what a call of the program left.
type result struct {
	code           int
	stdout, stderr string
	document       document
}

// document is any of the program's JSON documents.
type document struct {
	Job              string
	Run              *string
	From, To         string
	Read, Written    int
	Present          int
	PresentFromOther int `json:"present_from_other"`
	Superseded       int
	Removed          int
	PoolRows         int `json:"pool_rows"`
	Calls            int
	Skipped          map[string]int
	LeftOut          []struct {
		Employee              string `json:"employee_id"`
		Name, Account, Reason string
	} `json:"left_out"`
	Failed []struct {
		Employees               []string
		From, To, Code, Message string
	}
	Warnings []struct{ Code, Message string }
	Findings []struct{ Code, Level, Message, Mend string }
	Error    *struct{ Code, Message, Mend string }
}

func (d document) warning(code string) string {
	for _, w := range d.Warnings {
		if w.Code == code {
			return w.Message
		}
	}
	return ""
}

// errors are the findings of level error, by code.
func (d document) errors() map[string]string {
	found := map[string]string{}
	for _, f := range d.Findings {
		if f.Level == "error" {
			found[f.Code] = f.Message + " | " + f.Mend
		}
	}
	return found
}

func (d document) leftOut() map[string]string {
	out := map[string]string{}
	for _, m := range d.LeftOut {
		out[m.Employee] = m.Reason
	}
	return out
}

func (s *site) command(args ...string) *exec.Cmd {
	full := []string{"-config", s.write(), "-json"}
	if !s.now.IsZero() {
		full = append(full, "-now", s.now.Format(time.RFC3339))
	}
	full = append(full, args...)
	cmd := exec.Command(os.Args[0], full...)
	cmd.Env = append(append(os.Environ(), asProgram+"=1"), s.environment...)
	cmd.Dir = s.t.TempDir()
	return cmd
}

// lookup finds a variable of the site's environment.
func (s *site) lookup(name string) (string, bool) {
	for _, v := range s.environment {
		if value, ok := strings.CutPrefix(v, name+"="); ok {
			return value, true
		}
	}
	return os.LookupEnv(name)
}

// bridge calls the program with -json and reads its document.
func (s *site) bridge(args ...string) result {
	s.t.Helper()
	return s.finish(s.command(args...))
}

func (s *site) finish(cmd *exec.Cmd) result {
	s.t.Helper()
	var stdout, stderr bytes.Buffer
	cmd.Stdout, cmd.Stderr = &stdout, &stderr
	err := cmd.Run()
	if _, exited := errors.AsType[*exec.ExitError](err); err != nil && !exited {
		require.NoError(s.t, err)
	}
	return s.result(cmd, &stdout, &stderr)
}

func (s *site) result(cmd *exec.Cmd, stdout, stderr *bytes.Buffer) result {
	s.t.Helper()
	r := result{code: cmd.ProcessState.ExitCode(), stdout: stdout.String(), stderr: stderr.String()}
	require.NoError(s.t, json.Unmarshal(stdout.Bytes(), &r.document), "stdout: %s\nstderr: %s", r.stdout, r.stderr)
	require.NotRegexp(s.t, `[:\[,]\s*null\b`, r.stdout, "no list and no map is null")
	for _, text := range []string{r.stdout, r.stderr} {
		require.NotContains(s.t, text, dingtalktest.DefaultAppSecret)
		require.NotContains(s.t, text, "access_token=")
	}
	return r
}

// rows reads a table as text, one line a row.
func rows(t testing.TB, db *sql.DB, query string, args ...any) []string {
	t.Helper()
	got, err := db.Query(query, args...)
	require.NoError(t, err)
	defer got.Close()
	columns, err := got.Columns()
	require.NoError(t, err)
	list := []string{}
	for got.Next() {
		values := make([]sql.NullString, len(columns))
		targets := make([]any, len(columns))
		for i := range values {
			targets[i] = &values[i]
		}
		require.NoError(t, got.Scan(targets...))
		texts := make([]string, len(columns))
		for i, v := range values {
			texts[i] = v.String
			if !v.Valid {
				texts[i] = "NULL"
			}
		}
		list = append(list, strings.Join(texts, "|"))
	}
	require.NoError(t, got.Err())
	return list
}

func (s *site) rows(query string, args ...any) []string {
	s.t.Helper()
	return rows(s.t, s.db, query, args...)
}

const (
	signRows   = `SELECT userId, signType, signDate, signTime FROM HrmScheduleSign ORDER BY signDate, signTime, userId, signType`
	mobileRows = `SELECT operater, operate_type, operate_date, operate_time, longitude, latitude, address, remark FROM mobile_sign ORDER BY operate_date, operate_time, operater`
)

// backfill is a backfill of the first days of March.
func (s *site) backfill(more ...string) result {
	s.t.Helper()
	return s.bridge(append([]string{"backfill", "daily", "-from", "2026-03-01", "-to", "2026-03-08"}, more...)...)
}
