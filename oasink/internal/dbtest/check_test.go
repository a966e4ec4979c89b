package dbtest

import (
	"context"
	"slices"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/punchbridge/punchbridge/attendance"
	"github.com/punchbridge/punchbridge/oasink"
	"github.com/punchbridge/punchbridge/oasink/ecologytest"
)

func TestCheckOfAGoodDatabase(t *testing.T) {
	t.Parallel()
	everywhere(t, testCheckOfAGoodDatabase)
}

func testCheckOfAGoodDatabase(t *testing.T, on engine) {
	oa := on.build(t, ecologytest.Schema{})
	s := sink(t, oa.DB(), nil)
	write(t, s, punch(101, at(2, 8, 0, 0), attendance.In), field(101, at(2, 9, 0, 0)))
	require.NoError(t, oa.AddSigns(context.Background(),
		ecologytest.SignRow{UserID: 101, UserType: "1", SignType: "1", SignDate: "2026-03-03", SignTime: "08:00:00", IsInCom: "1", SignFrom: null},
		ecologytest.SignRow{UserID: 101, UserType: "1", SignType: "1", SignDate: "2026-03-03", SignTime: "09:00:00", IsInCom: "1", SignFrom: null},
		ecologytest.SignRow{UserID: 101, UserType: "1", SignType: "1", SignDate: "2020-03-03", SignTime: "09:00:00", IsInCom: "1", SignFrom: "old"}))
	before := counts(t, oa)
	findings := s.Check(context.Background())
	for _, f := range findings {
		require.Equal(t, attendance.LevelOK, f.Level, f.Message.EN)
		require.NotEmpty(t, f.Message.ZH)
	}
	require.Contains(t, finding(t, findings, "generation").Message.EN, "E9")
	require.Contains(t, finding(t, findings, "tags").Message.EN, "NULL 2, from_dd 1")
	require.NotContains(t, finding(t, findings, "tags").Message.EN, "old")
	require.Contains(t, finding(t, findings, "recalculation").Message.EN, "3 person-days")
	finding(t, findings, "rights")
	finding(t, findings, "columns")
	require.Equal(t, before, counts(t, oa), "a check changes nothing")
	checker, ok := attendance.As[attendance.Checker](s)
	require.True(t, ok)
	require.NotNil(t, checker)
}

func TestCheckNamesWhatIsMissing(t *testing.T) {
	t.Parallel()
	everywhere(t, testCheckNamesWhatIsMissing)
}

func testCheckNamesWhatIsMissing(t *testing.T, on engine) {
	oa := on.build(t, ecologytest.Schema{Without: []string{"mobile_sign", "HrmResource.loginid", "HrmScheduleSign.ADDR", "kq_format_pool"}})
	var errors []string
	for _, f := range sink(t, oa.DB(), nil).Check(context.Background()) {
		if f.Level == attendance.LevelError {
			require.Equal(t, string(attendance.CodeTable), f.Code)
			require.NotEmpty(t, f.Mend.ZH)
			errors = append(errors, f.Message.EN)
		}
	}
	require.Len(t, errors, 3)
	require.Contains(t, errors[0], "mobile_sign does not exist")
	require.Contains(t, errors[1], "kq_format_pool does not exist")
	require.Regexp(t, "(?i)HrmResource has no column loginid", errors[2])
	f := finding(t, sink(t, oa.DB(), nil).Check(context.Background()), "columns_absent")
	require.Contains(t, f.Message.EN, "ADDR")
	e7 := on.build(t, ecologytest.Schema{Generation: oasink.E7})
	require.Contains(t, finding(t, sink(t, e7.DB(), nil).Check(context.Background()), "columns_absent").Message.EN, "signFrom")
}

func TestCheckOfTargetsThatMayNotBeWritten(t *testing.T) {
	t.Parallel()
	everywhere(t, testCheckOfTargetsThatMayNotBeWritten)
}

func testCheckOfTargetsThatMayNotBeWritten(t *testing.T, on engine) {
	oa := on.build(t, ecologytest.Schema{})
	_, err := oa.DB().Exec("CREATE VIEW V_SIGN AS SELECT DISTINCT * FROM HrmScheduleSign")
	require.NoError(t, err)
	s := sink(t, oa.DB(), &oasink.Options{Tables: map[string]string{"HrmScheduleSign": "V_SIGN"}})
	f := finding(t, s.Check(context.Background()), string(attendance.CodeStore))
	require.Equal(t, attendance.LevelError, f.Level)
	require.Contains(t, f.Message.EN, "cannot be written")
}

func TestCheckOfTablesWithoutTransactions(t *testing.T) {
	t.Parallel()
	on := mariadbEngine()
	on.needed(t)
	oa := on.build(t, ecologytest.Schema{})
	s := sink(t, oa.DB(), nil)
	for _, f := range s.Check(context.Background()) {
		require.NotEqual(t, "no_transactions", f.Code)
	}
	on.exec(t, oa.DB(), "ALTER TABLE mobile_sign ENGINE=MyISAM")
	f := finding(t, s.Check(context.Background()), "no_transactions")
	require.Equal(t, attendance.LevelWarning, f.Level)
	require.Contains(t, f.Message.EN, "mobile_sign")
	require.Contains(t, f.Mend.ZH, "InnoDB")
}

func TestCheckOfABindingThatFits(t *testing.T) {
	t.Parallel()
	everywhere(t, testCheckOfABindingThatFits)
}

func testCheckOfABindingThatFits(t *testing.T, on engine) {
	oa := company(t, on)
	s := sink(t, oa.DB(), nil)
	findings := s.Scope(oasink.Units{}, oasink.ByWorkcode(directory{
		{ID: "d1", JobNumber: "W101", Active: true}, {ID: "d2", JobNumber: "W102", Active: false},
	})).Check(context.Background())
	f := finding(t, findings, "binding")
	require.Equal(t, attendance.LevelOK, f.Level)
	require.Contains(t, f.Message.EN, "1 of ")
	require.Contains(t, finding(t, findings, string(attendance.Unbound)).Message.EN, "员工103 (103)")
	require.Contains(t, finding(t, findings, string(attendance.Inactive)).Message.EN, "1 people")
	outside := finding(t, findings, "outside_roster")
	require.Contains(t, outside.Message.EN, "2 without a login name, 1 secondary accounts, 5 in sealed units")

	findings = s.Scope(oasink.Units{Employees: []int64{999, 101}}, oasink.ByWorkcode(directory{})).Check(context.Background())
	require.Equal(t, attendance.LevelError, finding(t, findings, "binding").Level)
	require.Contains(t, finding(t, findings, string(attendance.OutOfRoster)).Message.EN, "999")

	// Nobody of whom no account was seen is called bound.
	findings = s.Scope(oasink.Units{}, oasink.ByWorkcode(forbidden{})).Check(context.Background())
	require.Equal(t, attendance.LevelError, finding(t, findings, string(attendance.CodePermission)).Level)
	require.False(t, slices.ContainsFunc(findings, func(f attendance.Finding) bool { return f.Code == "binding" }))
	for _, b := range []oasink.Binding{oasink.ByLoginID(forbidden{}), oasink.ByLoginID(nil), oasink.ByWorkcode(nil)} {
		findings = s.Scope(oasink.Units{}, b).Check(context.Background())
		f = finding(t, findings, "binding")
		require.Equal(t, attendance.LevelWarning, f.Level)
		require.NotContains(t, f.Message.EN, "bound")
		require.Contains(t, f.Message.EN, "9 of 9 people are asked for by their")
	}
	findings = s.Scope(oasink.Units{}, oasink.ByLoginID(forbidden{})).Check(context.Background())
	require.Contains(t, finding(t, findings, "directory_unreadable").Message.EN, "qyapi_get_member")
}
