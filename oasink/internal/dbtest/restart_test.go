//go:build linux

package dbtest

import (
	"context"
	"fmt"
	"math/rand/v2"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/punchbridge/punchbridge/attendance"
	"github.com/punchbridge/punchbridge/attendance/attendancetest"
	"github.com/punchbridge/punchbridge/oasink"
	"github.com/punchbridge/punchbridge/oasink/ecologytest"
)

// A backlog is a backfill of many small slices: 20 people, 6 days, 4 punches a day
// in HrmScheduleSign and one in mobile_sign.
type backlog struct {
	provider *attendancetest.Provider
	members  []attendance.Member
	rows     []string // what the OA then holds
}

const (
	backlogPeople = 20
	backlogDays   = 6
)

func newBacklog() *backlog {
	b := &backlog{provider: attendancetest.NewProvider("dingtalk", attendance.Limits{Accounts: 4, Span: 48 * time.Hour})}
	for person := 101; person < 101+backlogPeople; person++ {
		b.members = append(b.members, attendance.Member{Person: itoa(person), Account: "u" + itoa(person)})
		for day := 2; day < 2+backlogDays; day++ {
			for n, hour := range []int{8, 12, 13, 18} {
				p := place(punch(person, at(day, hour, person%60, day), attendance.Direction(1+n%2)))
				b.put(p, fmt.Sprintf("sign %d %s %d", person, p.Time.Format(time.DateTime), p.Direction))
			}
			p := place(field(person, at(day, 15, person%60, day)))
			b.put(p, fmt.Sprintf("mobile %d %s", person, p.Time.Format(time.DateTime)))
		}
	}
	slices.Sort(b.rows)
	return b
}

func (b *backlog) put(p attendance.Punch, row string) {
	p.ID = fmt.Sprintf("r%d", len(b.rows))
	b.provider.Put(p)
	b.rows = append(b.rows, row)
}

func (b *backlog) run(s *oasink.Sink, name string) (attendance.Report, error) {
	return attendance.NewSyncer(b.provider, s, &attendance.Options{Run: name, Now: now}).Run(context.Background(), attendance.Members(b.members...),
		attendance.Days(attendance.Date{Year: 2026, Month: 3, Day: 2}, attendance.Date{Year: 2026, Month: 3, Day: 1 + backlogDays}, beijing()))
}

// The database is killed, or shut down in good order, at random moments of a
// backfill, and comes back. The run may fail, and then says that the database could
// not be reached; whatever it had committed is there once, and the run after it
// completes the rest.
func TestTheDatabaseIsRestarted(t *testing.T) {
	t.Parallel()
	privately(t, testTheDatabaseIsRestarted)
}

func testTheDatabaseIsRestarted(t *testing.T, p *privateServer) {
	p.start()
	for name, ledger := range map[string]*oasink.LedgerOptions{"rows only": nil, "with a ledger": {Withdrawn: oasink.DeleteWithdrawn}} {
		t.Run(name, func(t *testing.T) {
			statements := backlogStatements(t, p, ledger)
			for _, how := range []string{"killed", "shut down"} {
				rounds := 6
				if raceDetector || how == "shut down" {
					rounds = 3
				}
				failed := 0
				for round := range rounds {
					patient := round%2 == 0 // one waits for the database, one gives up at once
					if !restartedOnce(t, p, how, 1+rand.IntN(statements), patient, ledger) {
						failed++
					}
				}
				t.Logf("%s: of %d runs %d failed, the others went on when the database was back", how, rounds, failed)
			}
		})
	}
}

// backlogStatements is how many statements a run has that nobody disturbs.
func backlogStatements(t *testing.T, p *privateServer, ledger *oasink.LedgerOptions) int {
	t.Helper()
	d, b, seen := p.found(t, ecologytest.Schema{Generation: oasink.E9}), newBacklog(), &counter{}
	s := sink(t, d.struck(t, seen.strike), &oasink.Options{Ledger: ledger})
	require.NoError(t, s.CreateLedger(context.Background()))
	seen.arm(0, nil)
	_, err := b.run(s, "undisturbed")
	require.NoError(t, err)
	require.Equal(t, b.rows, held(t, d.oa))
	return seen.disarm()
}

// restartedOnce restarts the server about when one run sends a certain statement, and
// reports whether that run succeeded all the same.
func restartedOnce(t *testing.T, p *privateServer, how string, statement int, patient bool, ledger *oasink.LedgerOptions) (succeeded bool) {
	t.Helper()
	d, b := p.found(t, ecologytest.Schema{Generation: oasink.E9}), newBacklog()
	seen := &counter{}
	var restart sync.WaitGroup
	db := d.struck(t, func(query string) error { return seen.strike(query) })
	options := &oasink.Options{Ledger: ledger}
	if !patient {
		options.LockWait = -1
	}
	s := sink(t, db, options)
	require.NoError(t, s.CreateLedger(context.Background()))
	seen.arm(statement, func() error {
		restart.Go(func() {
			time.Sleep(time.Duration(rand.IntN(3000)) * time.Microsecond)
			if how == "killed" {
				p.kill()
			} else {
				p.stop()
			}
			time.Sleep(time.Duration(rand.IntN(200)) * time.Millisecond)
			p.start()
		})
		return nil
	})
	report, err := b.run(s, "first")
	succeeded = err == nil
	restart.Wait()
	require.GreaterOrEqual(t, seen.disarm(), statement, "the database was struck")
	if err != nil {
		require.Equal(t, attendance.CodeStoreDown, attendance.CodeOf(err), "%v", err)
		require.ErrorContains(t, err, "the database cannot be reached")
	} else {
		require.Equal(t, len(b.rows), report.Written)
	}
	d.oa = ecologytest.Open(d.pool(t), oasink.E9) // its connections have gone too
	requireOnce(t, d.oa)

	left := len(b.rows) - len(held(t, d.oa))
	report, err = b.run(s, "second") // through the same pool, whose connections have gone stale
	require.NoError(t, err)
	require.Equal(t, [2]int{left, len(b.rows) - left}, [2]int{report.Written, report.Present})
	require.Equal(t, b.rows, held(t, d.oa))
	if ledger != nil {
		requireLedgerOf(t, d)
	}
	return succeeded
}
