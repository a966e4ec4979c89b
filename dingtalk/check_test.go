package dingtalk

import (
	"context"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/punchbridge/punchbridge/attendance"
	"github.com/punchbridge/punchbridge/dingtalk/dingtalktest"
)

// levels is what was found, by code.
func levels(findings []attendance.Finding) map[string]attendance.Level {
	all := map[string]attendance.Level{}
	for _, f := range findings {
		all[f.Code] = f.Level
	}
	return all
}

func TestCheckHealthy(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		fake := dingtalktest.New(nil)
		staff(fake, 3)
		findings := clientOf(t, fake, nil).Check(t.Context())
		require.Equal(t, map[string]attendance.Level{"credentials": "ok", "clock": "ok", "scopes": "ok", "punches": "ok", "directory": "ok"}, levels(findings))
		for _, f := range findings {
			require.NotEmpty(t, f.Message.EN)
			require.NotEmpty(t, f.Message.ZH)
		}
		require.Equal(t, 1, fake.Metered())

		c := clientOf(t, fake, nil)
		require.Equal(t, attendance.LevelOK, levels(c.CheckIns().Check(t.Context()))["checkins"])
		require.Equal(t, attendance.LevelOK, levels(c.Punches().Check(t.Context()))["punches"])
		require.Equal(t, attendance.LevelOK, levels(c.Directory().Check(t.Context()))["directory"])
	})
}

func TestCheckCredentials(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		fake := dingtalktest.New(nil)
		findings := clientOf(t, fake, func(c *Config) { c.AppSecret = "wrong" }).Check(t.Context())
		require.Len(t, findings, 1)
		require.Equal(t, "credentials", findings[0].Code)
		require.Equal(t, attendance.LevelError, findings[0].Level)
		require.NotEmpty(t, findings[0].Mend.ZH)
		require.Equal(t, 1, fake.Requests(""))
	})
}

func TestCheckRejectedTokens(t *testing.T) {
	for rejected, want := range map[int]attendance.Level{4: attendance.LevelOK, -1: attendance.LevelError} {
		synctest.Test(t, func(t *testing.T) {
			for i := range 3 {
				fake := dingtalktest.New(nil)
				staff(fake, 3)
				fake.RejectTokens(rejected)
				c := clientOf(t, fake, nil)
				check := []func(context.Context) []attendance.Finding{c.Check, c.Punches().Check, c.Directory().Check}[i]
				findings := check(t.Context())
				require.Equal(t, want == attendance.LevelError, attendance.HasErrors(findings))
				for _, f := range findings {
					require.True(t, f.Level != attendance.LevelError || f.Code == "credentials", "%+v", f)
				}
				require.Equal(t, 5, fake.Requests(dingtalktest.PathToken))
			}
		})
	}
}

// Another program's tokens cost the directory nothing but time.
func TestDirectoryWithRivals(t *testing.T) {
	for rejected, want := range map[int]attendance.Code{4: "", 5: attendance.CodeCredentials} {
		synctest.Test(t, func(t *testing.T) {
			fake := dingtalktest.New(nil)
			staff(fake, 3)
			fake.RejectTokens(rejected)
			accounts, _, err := list(t, clientOf(t, fake, nil).Directory())
			require.Equal(t, want, attendance.CodeOf(err))
			require.Len(t, accounts, map[attendance.Code]int{"": 3}[want])
		})
	}
}

func TestCheckClock(t *testing.T) {
	for off, want := range map[time.Duration]attendance.Level{
		4 * time.Minute: attendance.LevelOK, 6 * time.Minute: attendance.LevelWarning, -8 * time.Hour: attendance.LevelWarning,
	} {
		synctest.Test(t, func(t *testing.T) {
			fake := dingtalktest.New(&dingtalktest.Options{Now: func() time.Time { return time.Now().Add(off) }})
			// The host's idea of the time has nothing to do with it.
			c := clientOf(t, fake, func(c *Config) { c.Now = march })
			findings := c.checkAccess(t.Context())
			require.Equal(t, want, levels(findings)["clock"], off)
		})
	}
}

func TestCheckPermissions(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		fake := dingtalktest.New(nil)
		fake.Deny(dingtalktest.PermissionAttendance)
		found := false
		for _, f := range clientOf(t, fake, nil).Check(t.Context()) {
			if f.Code == string(attendance.CodePermission) {
				found = true
				require.Equal(t, attendance.LevelError, f.Level)
				require.Contains(t, f.Mend.ZH, dingtalktest.PermissionAttendance)
				require.Contains(t, f.Message.EN, dingtalktest.PermissionAttendance)
			}
		}
		require.True(t, found)

		fake = dingtalktest.New(nil)
		fake.Deny(dingtalktest.PermissionMembers)
		fake.Deny(dingtalktest.PermissionBase)
		c := clientOf(t, fake, nil)
		for _, f := range c.Check(t.Context()) {
			require.NotEqual(t, attendance.LevelError, f.Level, "the directory and the scopes are no more than a warning: %v", f)
		}
		require.Equal(t, attendance.LevelError, levels(c.Directory().Check(t.Context()))[string(attendance.CodePermission)])

		fake.Deny(dingtalktest.PermissionCheckIn)
		require.Equal(t, attendance.LevelError, levels(c.CheckIns().Check(t.Context()))[string(attendance.CodePermission)])
	})
}

func TestCheckOfALargeCompany(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		fake := dingtalktest.New(nil)
		staff(fake, 1001)
		require.Equal(t, attendance.LevelOK, levels(clientOf(t, fake, nil).CheckIns().Check(t.Context()))["checkins"])
	})
}

func TestCheckEndsWithItsContext(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		fake := dingtalktest.New(nil)
		fake.Fail(dingtalktest.Fault{Kind: dingtalktest.Hang, Path: pathListRecord})
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		for _, f := range clientOf(t, fake, nil).Check(ctx) {
			require.NotEqual(t, attendance.LevelError, f.Level)
		}
	})
}
