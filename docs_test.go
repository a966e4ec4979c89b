package punchbridge_test

import (
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/punchbridge/punchbridge/attendance"
	"github.com/punchbridge/punchbridge/attendance/attendancetest"
	"github.com/punchbridge/punchbridge/dingtalk"
	"github.com/punchbridge/punchbridge/wecom"
)

// The documents for operators, which say the same in two languages.
const (
	operations   = "docs/operations.md"
	operationsZH = "docs/operations.zh-CN.md"
)

func document(t *testing.T, name string) string {
	t.Helper()
	text, err := os.ReadFile(name)
	require.NoError(t, err)
	return string(text)
}

// holds requires a line of a document.
func holds(t *testing.T, text, line string) {
	t.Helper()
	if !strings.Contains(text, "\n"+line+"\n") { // without printing all of it
		require.Fail(t, "the document lacks a line", line)
	}
}

// longMonth is how many days the table of calls counts for a month.
const longMonth = 31

// lookBacks are the columns of the table of calls, each for one and two runs a day.
var lookBacks = []int{0, 6, 13, 34}

// calls is what a month takes by the library's own estimate, with one run a day and with
// two, and with the monthly re-read, which a job without a look-back does not have.
func calls(t *testing.T, p attendance.Provider, staff, lookBack int) [2]int {
	t.Helper()
	zone := time.FixedZone("Asia/Shanghai", 8*60*60)
	now := func() time.Time { return time.Date(2026, 3, 31, 23, 30, 0, 0, zone) }
	people := make([]attendance.Member, staff)
	for i := range people {
		people[i] = attendance.Member{Person: fmt.Sprint(i + 1), Account: fmt.Sprintf("u%05d", i+1)}
	}
	syncer := attendance.NewSyncer(p, &attendancetest.Sink{}, &attendance.Options{Now: now})
	estimate := func(w attendance.Window) int {
		e, err := syncer.Estimate(t.Context(), attendance.Members(people...), w)
		require.NoError(t, err)
		return e.Calls
	}
	daily, again := longMonth*estimate(attendance.LastDays(lookBack, zone)), 0
	if lookBack > 0 {
		again = estimate(attendance.Reread(35, zone))
	}
	return [2]int{daily + again, 2*daily + again}
}

func platforms(t *testing.T) map[string]attendance.Provider {
	t.Helper()
	ding, err := dingtalk.New(dingtalk.Config{AppKey: "key", AppSecret: "secret"})
	require.NoError(t, err)
	wx, err := wecom.New(wecom.Config{CorpID: "corp", Secret: "secret"})
	require.NoError(t, err)
	return map[string]attendance.Provider{"DingTalk punches": ding.Punches(), "DingTalk field check-ins": ding.CheckIns(), "WeCom": wx.CheckIns()}
}

// The table of calls a month is what the library itself estimates.
func TestTheTableOfCalls(t *testing.T) {
	namesZH := map[string]string{"DingTalk punches": "钉钉打卡", "DingTalk field check-ins": "钉钉签到", "WeCom": "企业微信"}
	en, zh := document(t, operations), document(t, operationsZH)
	for name, p := range platforms(t) {
		for _, staff := range []int{100, 500, 2000, 10_000} {
			row := fmt.Sprintf(" | %s |", grouped(staff))
			for _, lookBack := range lookBacks {
				for _, n := range calls(t, p, staff, lookBack) {
					row += fmt.Sprintf(" %s |", grouped(n))
				}
			}
			holds(t, en, "| "+name+row)
			holds(t, zh, "| "+namesZH[name]+row)
		}
	}
}

// The table of what fits is the largest staff whose calls are within DingTalk's
// standard quota: a batch is 50 people.
func TestTheTableOfWhatFits(t *testing.T) {
	const quota, batch = 5000, 50
	p := platforms(t)["DingTalk punches"]
	row := "|"
	for _, lookBack := range lookBacks {
		for i, one := range calls(t, p, batch, lookBack) {
			batches := quota / one
			require.LessOrEqual(t, calls(t, p, batches*batch, lookBack)[i], quota)
			require.Greater(t, calls(t, p, batches*batch+1, lookBack)[i], quota)
			row += fmt.Sprintf(" %s |", grouped(batches*batch))
		}
	}
	holds(t, document(t, operations), "| largest staff "+row)
	holds(t, document(t, operationsZH), "| 最多人数 "+row)
}

// grouped writes n, below a million, with a comma between thousands.
func grouped(n int) string {
	if n < 1000 {
		return fmt.Sprint(n)
	}
	return fmt.Sprintf("%d,%03d", n/1000, n%1000)
}

// Every code of a warning and every metric stands in both documents.
func TestEveryWarningAndMetricIsExplained(t *testing.T) {
	warning := regexp.MustCompile(`Warningf\("([a-z_]+)"`)
	metric := regexp.MustCompile(`(?:gauge\(|counter\(|Name: )"([a-z_]+)"`)
	names := make(map[string]string)
	err := filepath.WalkDir(".", func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() || !strings.HasSuffix(path, ".go") || strings.HasSuffix(path, "_test.go") || strings.Contains(filepath.ToSlash(path), "test/") {
			return err
		}
		source := document(t, path)
		for _, m := range warning.FindAllStringSubmatch(source, -1) {
			names["`"+m[1]+"`"] = path
		}
		if filepath.ToSlash(path) == "examples/bridge/metrics.go" {
			for _, m := range metric.FindAllStringSubmatch(source, -1) {
				names["`punchbridge_"+m[1]] = path
			}
		}
		return nil
	})
	require.NoError(t, err)
	require.Greater(t, len(names), 40)
	for _, name := range []string{operations, operationsZH} {
		text := document(t, name)
		var unexplained []string
		for code, path := range names {
			if !strings.Contains(text, code) {
				unexplained = append(unexplained, code+" of "+path)
			}
		}
		require.Empty(t, unexplained, name)
	}
}

// Every file that CONTRIBUTING sends people to is there.
func TestTheMapIsTrue(t *testing.T) {
	named := regexp.MustCompile("`([a-z]+/[A-Za-z0-9_/]+\\.go)`").FindAllStringSubmatch(document(t, "CONTRIBUTING.md"), -1)
	require.Greater(t, len(named), 50)
	for _, n := range named {
		require.FileExists(t, n[1])
	}
}
