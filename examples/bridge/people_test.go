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
