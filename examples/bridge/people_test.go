package main

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/punchbridge/punchbridge/dingtalk/dingtalktest"
)

// Numbers of Hong Kong, Macau and Taiwan are the same however their country code is
// written, and nobody's where it is not.
func TestMobileNumbersFromAbroad(t *testing.T) {
	t.Parallel()
	s := newSite(t, "e8")
	s.job = set(s.job, "binding: {by: mobile}")
	for id, number := range map[int][3]string{ // on the platform: code and number; in the OA
		17: {"852", "61234567", "0085261234567"},
		18: {"852", "852-91234567", "+852 9123 4567"},
		19: {"853", "66123456", "853-66123456"},
		20: {"886", "912345678", "+886 0912-345-678"},
		21: {"852", "51234567", "51234567"}, // whose this is nobody knows
	} {
		s.ding.AddUser(dingtalktest.User{ID: account(id), StateCode: number[0], Mobile: number[1], Departments: []int64{50}})
		s.exec(`UPDATE HrmResource SET mobile = ? WHERE id = ?`, number[2], id)
	}
	s.ordinary()
	r := s.backfill()
	require.Equal(t, 0, r.code, r.stdout+r.stderr)
	require.Equal(t, map[string]string{"21": "unbound"}, r.document.leftOut())
	require.Equal(t, ordinaryRows-10, r.document.Written)
}

// A department that DingTalk does not answer for costs the job only those who are in no
// other: the others have their punches, and nobody loses a check-in.
func TestADepartmentThatCannotBeAsked(t *testing.T) {
	t.Parallel()
	for _, code := range []int{60003, 40035, 400002, 400} {
		s := newSite(t, "e8")
		s.provider = append(s.provider, "field_check_ins: true")
		s.ding.AddDepartment(dingtalktest.Department{ID: 60, Parent: 1}, dingtalktest.Department{ID: 61, Parent: 60})
		s.ding.AddUser(dingtalktest.User{ID: account(20), JobNumber: "W20", Departments: []int64{60}}, dingtalktest.User{ID: account(21), JobNumber: "W21", Departments: []int64{60, 50}})
		for id := 17; id <= 21; id++ {
			s.ding.AddCheckIn(dingtalktest.CheckIn{UserID: account(id), Time: at(t, "04 10:00:00"), Place: "p"})
		}
		s.ordinary()
		s.ding.Fail(dingtalktest.Fault{Kind: dingtalktest.BadDepartment, Department: 60, Code: code})
		r := s.backfill()
		require.Equal(t, 0, r.code, r.stdout+r.stderr)
		require.Contains(t, r.document.warning("directory_incomplete"), "部门 60")
		require.Equal(t, map[string]string{"20": "unbound"}, r.document.leftOut(), code)
		require.Equal(t, ordinaryRows-10+4, r.document.Written)
		require.Contains(t, s.bridge("check").stdout, "部门 60")

		s.ding.Heal() // who comes late is caught up
		require.Equal(t, 11, s.backfill().document.Written)
	}
}
