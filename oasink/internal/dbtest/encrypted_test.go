package dbtest

import (
	"context"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/punchbridge/punchbridge/attendance"
	"github.com/punchbridge/punchbridge/oasink"
	"github.com/punchbridge/punchbridge/oasink/ecologytest"
)

// Where the OA encrypts mobile numbers (数据安全) nobody can be bound by them: a finding
// says why, and a binding by something else knows nothing of it.
func TestEncryptedMobileNumbers(t *testing.T) {
	t.Parallel()
	everywhere(t, func(t *testing.T, on engine) {
		ctx := context.Background()
		oa := on.build(t, ecologytest.Schema{})
		require.NoError(t, oa.AddSubCompanies(ctx, ecologytest.SubCompany{ID: 1}))
		require.NoError(t, oa.AddDepartments(ctx, ecologytest.Department{ID: 11, Subcompany: 1}))
		for id, mobile := range map[int64]string{101: "9f86d081884c7d659a2feaa0c55ad015", 102: "138****0002", 103: "13800000003"} {
			require.NoError(t, oa.AddStaff(ctx, ecologytest.Person{ID: id, LoginID: "u" + itoa(int(id)), Workcode: "W" + itoa(int(id)), Mobile: mobile, Department: 11, Subcompany: 1, Status: 1}))
		}
		s := sink(t, oa.DB(), nil)
		listed := directory{{ID: "d1", JobNumber: "W101", Mobile: "13800000001", Active: true}, {ID: "d3", JobNumber: "W103", Mobile: "13800000003", Active: true}}
		f := finding(t, s.Scope(oasink.Units{}, oasink.ByMobile(listed)).Check(ctx), "encrypted_values")
		require.Equal(t, attendance.LevelWarning, f.Level)
		require.Contains(t, f.Message.EN, "2 of 3 values")
		require.NotContains(t, f.Message.EN, "9f86d081")
		for _, f := range s.Scope(oasink.Units{}, oasink.ByWorkcode(listed)).Check(ctx) {
			require.NotEqual(t, "encrypted_values", f.Code)
		}
	})
}
