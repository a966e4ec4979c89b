package dbtest

import (
	"bufio"
	"context"
	"errors"
	"flag"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/go-sql-driver/mysql"
	"github.com/stretchr/testify/require"

	"github.com/punchbridge/punchbridge/attendance"
	"github.com/punchbridge/punchbridge/oasink"
	"github.com/punchbridge/punchbridge/oasink/ecologytest"
)

// mixed is a batch of both tables and several statements.
func mixed() attendance.Batch {
	var punches []attendance.Punch
	for i := range 10 {
		for n := range 30 {
			punches = append(punches, place(punch(101+i, at(2+n%7, 8, n, i), attendance.In)), place(field(101+i, at(2+n%7, 9, n, i))))
		}
	}
	return batch(punches...)
}

func counts(t testing.TB, oa *ecologytest.OA) [3]int {
	t.Helper()
	var n [3]int
	for i, table := range []string{"HrmScheduleSign", "mobile_sign", "kq_format_pool"} {
		var err error
		n[i], err = oa.Count(context.Background(), table)
		require.NoError(t, err)
	}
	return n
}

// A failure or an ended context at any statement leaves all of the batch or
// nothing of it, never half; Written says which; the connection is clean again.
func TestNothingIsHalfWritten(t *testing.T) {
	t.Parallel()
	for _, e := range append(engines(), rollbackEngine()) {
		for _, kind := range []string{"failure", "cancel"} {
			t.Run(e.name+"/"+kind, func(t *testing.T) {
				t.Parallel()
				e.needed(t)
				d := e.found(t, ecologytest.Schema{})
				oa := d.oa
				c := &counter{}
				db := d.struck(t, c.strike)
				db.SetMaxOpenConns(1)
				s := sink(t, db, nil)
				b := mixed()
				whole := [3]int{300, 300, 10 * 9}
				for n := 1; ; n++ {
					ctx, cancel := context.WithCancel(context.Background())
					c.arm(n, func() error {
						if kind == "failure" {
							return errStruck
						}
						cancel()
						return nil
					})
					w, err := s.Write(ctx, b)
					seen := c.disarm()
					cancel()
					got := counts(t, oa)
					if err == nil {
						require.Equal(t, 600, w.Written)
						if len(w.Warnings) > 0 { // the queue's own failure costs no punch
							require.Equal(t, []string{"not_recalculated"}, codes(w))
							require.Equal(t, [3]int{300, 300, 0}, got)
						} else {
							require.Equal(t, whole, got)
						}
						if seen < n { // the strike came after the last statement
							require.Greater(t, n, 8, "there are several statements to strike at")
							break
						}
					} else {
						require.Zero(t, got, "after a strike at statement %d", n)
						require.Zero(t, w.Written)
						if kind == "cancel" {
							require.Equal(t, context.Canceled, err, "bare")
						} else {
							require.ErrorIs(t, err, errStruck)
							require.Equal(t, attendance.CodeStore, attendance.CodeOf(err))
						}
					}
					for _, table := range []string{"HrmScheduleSign", "mobile_sign", "kq_format_pool"} {
						_, err := db.Exec("DELETE FROM " + table) // also proves that no transaction is left open
						require.NoError(t, err)
					}
				}
			})
		}
	}
}

func TestAPanickingHookLeavesNothing(t *testing.T) {
	t.Parallel()
	everywhere(t, testAPanickingHookLeavesNothing)
}

func testAPanickingHookLeavesNothing(t *testing.T, on engine) {
	d := on.found(t, ecologytest.Schema{})
	oa := d.oa
	db := d.struck(t, func(q string) error {
		if strings.HasPrefix(q, "INSERT INTO ") && strings.Contains(q, "mobile_sign") {
			panic("hook")
		}
		return nil
	})
	db.SetMaxOpenConns(1)
	s := sink(t, db, nil)
	require.Panics(t, func() {
		_, _ = s.Write(context.Background(), batch(punch(101, at(2, 8, 0, 0), attendance.In), field(101, at(2, 8, 0, 0))))
	})
	require.Zero(t, counts(t, oa))
	w, err := s.Write(context.Background(), batch(punch(101, at(2, 8, 0, 0), attendance.In)))
	require.NoError(t, err, "the writer's turn was given back")
	require.Equal(t, 1, w.Written)
}

// The test binary is also the other process: it writes the mixed batch, one person
// at a time, until it is done or killed. PUNCHBRIDGE_WRITER names the engine and
// the DSN; where PUNCHBRIDGE_EDITION is a number, it keeps a ledger and writes that
// edition of the batch.
func TestMain(m *testing.M) {
	_ = mysql.SetLogger(mute{}) // it tells of each broken connection
	name, dsn, ok := strings.Cut(os.Getenv("PUNCHBRIDGE_WRITER"), " ")
	if !ok {
		flag.Parse()
		if flag.Lookup("test.parallel").Value.String() == fmt.Sprint(runtime.GOMAXPROCS(0)) { // nobody has said how many
			_ = flag.Set("test.parallel", "6") // most of a test is waiting for a server
		}
		code := m.Run()
		if err := postgresDatabases.drop(); err != nil {
			fmt.Fprintln(os.Stderr, err)
			code = 1
		}
		os.Exit(code)
	}
	i := slices.IndexFunc(engines(), func(e engine) bool { return e.name == name })
	options, job := &oasink.Options{Now: now}, writeByPerson
	if n, err := strconv.Atoi(os.Getenv("PUNCHBRIDGE_EDITION")); err == nil {
		options.Ledger, job = &oasink.LedgerOptions{Withdrawn: oasink.DeleteWithdrawn}, edition(n).write
	}
	s, err := oasink.New(context.Background(), engines()[i].open(&testing.T{}, dsn), options)
	if err == nil {
		fmt.Println("ready")
		_, _ = bufio.NewReader(os.Stdin).ReadString('\n')
		var n int
		n, err = job(s)
		fmt.Println("written", n)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	os.Exit(0)
}

type mute struct{}

func (mute) Print(...any) {}

func writeByPerson(s *oasink.Sink) (int, error) {
	all, n := mixed(), 0
	for _, m := range all.Members {
		b := all
		b.Punches = nil
		for _, p := range all.Punches {
			if p.Account == m.Account {
				b.Punches = append(b.Punches, p)
			}
		}
		w, err := s.Write(context.Background(), b)
		if err != nil {
			return n, err
		}
		n += w.Written
	}
	return n, nil
}

type process struct {
	*exec.Cmd
	out  *bufio.Reader
	goOn func()
}

func writer(t *testing.T, d database, env ...string) process {
	t.Helper()
	self, err := os.Executable()
	require.NoError(t, err)
	cmd := exec.Command(self, "-test.run=^$")
	cmd.Env = append(append(os.Environ(), "PUNCHBRIDGE_WRITER="+strings.TrimSuffix(d.name, "-rollback")+" "+d.dsn), env...)
	cmd.Stderr = os.Stderr
	in, err := cmd.StdinPipe()
	require.NoError(t, err)
	out, err := cmd.StdoutPipe()
	require.NoError(t, err)
	require.NoError(t, cmd.Start())
	t.Cleanup(func() { _ = cmd.Process.Kill() })
	p := process{cmd, bufio.NewReader(out), func() { _, _ = in.Write([]byte("\n")) }}
	line, err := p.out.ReadString('\n')
	require.NoError(t, err)
	require.Equal(t, "ready\n", line)
	return p
}

// killWithin lets the process go on and kills it at a random moment. It reports
// whether that came before its end.
func (p process) killWithin(t *testing.T, most time.Duration) (killed bool) {
	t.Helper()
	p.goOn()
	time.Sleep(rand.N(most))
	require.NoError(t, p.Process.Kill())
	err := p.Wait()
	if err != nil {
		_, killed = errors.AsType[*exec.ExitError](err)
		require.True(t, killed, "%v", err)
	}
	return killed
}

func TestProcessesWriteOnce(t *testing.T) {
	t.Parallel()
	for _, e := range append(engines(), rollbackEngine()) {
		t.Run(e.name, func(t *testing.T) {
			t.Parallel()
			e.needed(t)
			d := e.found(t, ecologytest.Schema{})
			processes := make([]process, 8)
			for i := range processes {
				processes[i] = writer(t, d)
			}
			for _, p := range processes {
				p.goOn()
			}
			sum := 0
			for _, p := range processes {
				line, err := p.out.ReadString('\n')
				require.NoError(t, err)
				var n int
				_, err = fmt.Sscanf(line, "written %d", &n)
				require.NoError(t, err)
				require.NoError(t, p.Wait())
				sum += n
			}
			require.Equal(t, 600, sum)
			require.Equal(t, [3]int{300, 300, 90}, counts(t, d.oa))
		})
	}
}

// Processes are killed at random instants: what is left are whole batches, no lock
// holds the next one up, and one run makes the whole exact.
func TestKilledProcessesLeaveWholeBatches(t *testing.T) {
	t.Parallel()
	for _, e := range append(engines(), rollbackEngine()) {
		t.Run(e.name, func(t *testing.T) {
			t.Parallel()
			e.needed(t)
			d := e.found(t, ecologytest.Schema{})
			for range byLength(34, 5) {
				writer(t, d).killWithin(t, 25*time.Millisecond)
				n := atRest(t, d, counts)
				require.Zero(t, n[0]%30, "rows of whole batches of one person only: %v", n)
				require.Equal(t, n[0], n[1])
				require.Equal(t, n[0]/30*9, n[2])
				if n[0] == 300 {
					d.exec(t, d.oa.DB(), "DELETE FROM HrmScheduleSign", "DELETE FROM mobile_sign", "DELETE FROM kq_format_pool")
				}
			}
			_, err := writeByPerson(sink(t, d.pool(t), nil))
			require.NoError(t, err)
			require.Equal(t, [3]int{300, 300, 90}, counts(t, d.oa))
		})
	}
}

// atRest looks at the rows within the writers' lock: a server may still be busy with
// what a killed process has asked for.
func atRest[T any](t *testing.T, d database, look func(testing.TB, *ecologytest.OA) T) T {
	t.Helper()
	var n T
	db := d.struck(t, func(query string) error {
		if adds(query) {
			n = look(t, d.oa)
			return errStruck
		}
		return nil
	})
	_, err := sink(t, db, nil).Write(context.Background(), batch(punch(110, at(8, 23, 0, 0), attendance.In)))
	require.ErrorIs(t, err, errStruck)
	return n
}
