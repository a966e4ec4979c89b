package wecomtest_test

import (
	"fmt"
	"io"
	"sync"
	"testing"
	"time"

	"github.com/punchbridge/punchbridge/wecom/wecomtest"
	"github.com/stretchr/testify/require"
)

// TestConcurrentUse is for the race detector: readers, and a world that changes.
func TestConcurrentUse(t *testing.T) {
	r := newRig(t, &wecomtest.Options{LogSize: 10, VisibleDepartments: []int64{1}})
	wecomtest.Populate(r.fake, wecomtest.Company{People: 60})
	var group sync.WaitGroup
	for worker := range 4 {
		group.Go(func() {
			for i := range 30 {
				id := fmt.Sprintf("staff%06d", i+1)
				moment := at("2026-03-04 07:00:00").Add(time.Duration(worker) * time.Minute)
				r.fake.AddRecord(wecomtest.Record{UserID: id, Time: moment, Extra: object{"worker": worker}})
				r.fake.AddDepartment(wecomtest.Department{ID: int64(worker + 2)})
				r.fake.RemoveUser(id)
				r.fake.AddUser(wecomtest.User{ID: id, Departments: []int64{int64(worker + 2)}})
				r.fake.RemoveRecord(func(r wecomtest.Record) bool { return r.UserID == id })
				r.fake.Fail(wecomtest.Fault{Kind: wecomtest.Errcode, Code: -1, Path: wecomtest.PathUserIDs, Times: 1})
				r.fake.AllowCheckIn(true)
				_, _, _ = r.fake.Log(), r.fake.Requests(""), r.fake.Users()
			}
		})
		group.Go(func() {
			for range 30 {
				for _, path := range []string{wecomtest.PathCheckIn, wecomtest.PathUserIDs, wecomtest.PathDepartments, wecomtest.PathUsers} {
					req := r.request(path+"?department_id=1&x=", ask(3, "2026-03-02 00:00:00", "2026-03-05 00:00:00", "staff000001", "staff000002"))
					if path != wecomtest.PathCheckIn && path != wecomtest.PathUserIDs {
						req.Method = "GET"
					}
					resp, err := r.fake.Client().Do(req)
					if err == nil {
						_, err = io.Copy(io.Discard, resp.Body)
						resp.Body.Close()
					}
					if err != nil {
						t.Error(err)
					}
				}
			}
		})
	}
	group.Wait()
	require.Equal(t, "0", getDepartments(r).code())
	require.Equal(t, 120, r.fake.Requests(wecomtest.PathCheckIn))
}

// BenchmarkCheckIn is the largest documented question: 100 people, 30 days. It
// measures what the fake costs a benchmark that runs against it.
func BenchmarkCheckIn(b *testing.B) {
	r := newRig(b, &wecomtest.Options{PerMinute: -1, LogSize: -1})
	wecomtest.Populate(r.fake, wecomtest.Company{People: 100000, First: at("2026-01-05 00:00:00"), Days: 31, PerDay: 4, Weekends: true, Tidy: true})
	var ids []string
	for _, u := range r.fake.Users()[:100] {
		ids = append(ids, u.ID)
	}
	require.Len(b, r.checkIns(3, "2026-01-05 00:00:00", "2026-02-03 12:00:00", ids...), 100*30*4)
	client := r.fake.Client()
	b.ReportAllocs()
	for b.Loop() {
		resp, err := client.Do(r.request(wecomtest.PathCheckIn, ask(3, "2026-01-05 00:00:00", "2026-02-03 12:00:00", ids...)))
		require.NoError(b, err)
		n, err := io.Copy(io.Discard, resp.Body)
		require.NoError(b, err)
		require.NoError(b, resp.Body.Close())
		b.SetBytes(n)
	}
}
