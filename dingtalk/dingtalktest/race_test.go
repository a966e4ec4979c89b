package dingtalktest_test

import (
	"fmt"
	"io"
	"net/url"
	"sync"
	"testing"
	"time"

	"github.com/punchbridge/punchbridge/dingtalk/dingtalktest"
	"github.com/stretchr/testify/require"
)

// TestConcurrentUse is for the race detector: readers, and a world that changes.
func TestConcurrentUse(t *testing.T) {
	r := newRig(t, &dingtalktest.Options{MonthlyQuota: 1 << 20, LogSize: 10})
	dingtalktest.Populate(r.fake, dingtalktest.Company{People: 60})
	var group sync.WaitGroup
	for worker := range 4 {
		group.Go(func() {
			for i := range 30 {
				id := fmt.Sprintf("staff%06d", i+1)
				moment := at("2026-03-04 07:00:00").Add(time.Duration(worker) * time.Minute)
				added := r.fake.AddPunch(dingtalktest.Punch{UserID: id, Time: moment, Extra: object{"worker": worker}})
				r.fake.SetPunch(dingtalktest.Punch{ID: added[0], UserID: id, Time: moment})
				r.fake.AddCheckIn(dingtalktest.CheckIn{UserID: id, Time: moment})
				r.fake.AddDepartment(dingtalktest.Department{ID: int64(worker + 2)})
				r.fake.RemoveUser(id)
				r.fake.AddUser(dingtalktest.User{ID: id, Departments: []int64{int64(worker + 2)}})
				r.fake.RemovePunch(added[0])
				r.fake.Fail(dingtalktest.Fault{Kind: dingtalktest.Busy, Path: dingtalktest.PathUserIDs, Times: 1})
				r.fake.Deny("none")
				r.fake.Grant("none")
				_, _, _, _ = r.fake.Log(), r.fake.Metered(), r.fake.Requests(""), r.fake.Users()
			}
		})
		group.Go(func() {
			for range 30 {
				for _, req := range []string{dingtalktest.PathListRecord, dingtalktest.PathUsers, dingtalktest.PathUserIDs, dingtalktest.PathSubDepartments, dingtalktest.PathCheckInUsers} {
					resp, err := r.fake.Client().Do(r.request(req, object{
						"userIds": []string{"staff000001", "staff000002"}, "checkDateFrom": "2026-03-02 00:00:00", "checkDateTo": "2026-03-05 00:00:00",
						"dept_id": 1, "cursor": 0, "size": 100, "userid_list": "staff000001", "start_time": 1, "end_time": 2,
					}))
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
	require.Equal(t, "0", r.get("/auth/scopes", url.Values{}).code())
	require.Equal(t, 120, r.fake.Requests(dingtalktest.PathListRecord))
	require.Equal(t, 240, r.fake.Metered())
}

// BenchmarkListRecord is the largest documented question: 50 people, 7 days. It
// measures what the fake costs a benchmark that runs against it.
func BenchmarkListRecord(b *testing.B) {
	r := newRig(b, &dingtalktest.Options{LogSize: -1})
	dingtalktest.Populate(r.fake, dingtalktest.Company{People: 100000, First: at("2026-02-23 00:00:00"), PerDay: 4, Weekends: true, Tidy: true})
	var ids []string
	for _, u := range r.fake.Users()[:50] {
		ids = append(ids, u.ID)
	}
	client := r.fake.Client()
	b.ReportAllocs()
	for b.Loop() {
		resp, err := client.Do(r.request(dingtalktest.PathListRecord, object{"userIds": ids, "checkDateFrom": "2026-02-23 00:00:00", "checkDateTo": "2026-03-02 00:00:00"}))
		require.NoError(b, err)
		n, err := io.Copy(io.Discard, resp.Body)
		require.NoError(b, err)
		require.NoError(b, resp.Body.Close())
		b.SetBytes(n)
	}
}
