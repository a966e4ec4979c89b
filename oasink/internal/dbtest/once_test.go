package dbtest

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

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
	for _, journal := range journals() {
		for _, kind := range []string{"failure", "cancel"} {
			t.Run(journal+"/"+kind, func(t *testing.T) {
				path := file(t)
				oa, err := ecologytest.New(context.Background(), open(t, path, "_pragma=journal_mode("+journal+")", "_pragma=synchronous(off)"), ecologytest.Schema{})
				require.NoError(t, err)
				c := &counter{}
				db := openFaulty(t, path, c.strike)
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
	path := file(t)
	oa, err := ecologytest.New(context.Background(), open(t, path), ecologytest.Schema{})
	require.NoError(t, err)
	db := openFaulty(t, path, func(q string) error {
		if strings.HasPrefix(q, "INSERT INTO \"mobile_sign\"") {
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

func TestManyPoolsWriteOnce(t *testing.T) {
	for _, journal := range journals() {
		t.Run(journal, func(t *testing.T) {
			path, pragma := file(t), "_pragma=journal_mode("+journal+")"
			oa, err := ecologytest.New(context.Background(), open(t, path, pragma), ecologytest.Schema{})
			require.NoError(t, err)
			var group sync.WaitGroup
			written := make([]int, 6)
			for i := range written {
				db := open(t, path, pragma)
				if i%2 == 0 {
					db.SetMaxOpenConns(1)
				}
				s := sink(t, db, nil)
				group.Go(func() {
					w, err := s.Write(context.Background(), mixed())
					if err != nil {
						t.Error(err)
					}
					written[i] = w.Written
				})
			}
			group.Wait()
			sum := 0
			for _, n := range written {
				sum += n
			}
			require.Equal(t, 600, sum)
			require.Equal(t, [3]int{300, 300, 90}, counts(t, oa))
		})
	}
}

// The test binary is also the other process: it writes the mixed batch again and
// again, one person at a time, until it is killed.
func TestMain(m *testing.M) {
	path := os.Getenv("PUNCHBRIDGE_WRITER")
	if path == "" {
		code := m.Run()
		if err := dropOwnPostgres(); err != nil {
			fmt.Fprintln(os.Stderr, err)
			code = 1
		}
		os.Exit(code)
	}
	db := open(&testing.T{}, path)
	s, err := oasink.New(context.Background(), db, &oasink.Options{Now: now})
	if err == nil {
		fmt.Println("ready")
		_, _ = bufio.NewReader(os.Stdin).ReadString('\n')
		var n int
		n, err = writeByPerson(s)
		fmt.Println("written", n)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	os.Exit(0)
}

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

func writer(t *testing.T, path string) process {
	t.Helper()
	self, err := os.Executable()
	require.NoError(t, err)
	cmd := exec.Command(self, "-test.run=^$")
	cmd.Env = append(os.Environ(), "PUNCHBRIDGE_WRITER="+path)
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

func TestTwoProcessesWriteOnce(t *testing.T) {
	for _, journal := range journals() {
		t.Run(journal, func(t *testing.T) {
			path := filepath.Join(t.TempDir(), "oa.db")
			oa, err := ecologytest.New(context.Background(), open(t, path, "_pragma=journal_mode("+journal+")"), ecologytest.Schema{})
			require.NoError(t, err)
			a, b := writer(t, path), writer(t, path)
			a.goOn()
			b.goOn()
			sum := 0
			for _, p := range []process{a, b} {
				line, err := p.out.ReadString('\n')
				require.NoError(t, err)
				var n int
				_, err = fmt.Sscanf(line, "written %d", &n)
				require.NoError(t, err)
				require.NoError(t, p.Wait())
				sum += n
			}
			require.Equal(t, 600, sum)
			require.Equal(t, [3]int{300, 300, 90}, counts(t, oa))
		})
	}
}

func TestKilledProcessesLeaveWholeBatches(t *testing.T) {
	if testing.Short() {
		t.Skip("starts processes")
	}
	for _, journal := range journals() {
		t.Run(journal, func(t *testing.T) {
			path := filepath.Join(t.TempDir(), "oa.db")
			db := open(t, path, "_pragma=journal_mode("+journal+")")
			oa, err := ecologytest.New(context.Background(), db, ecologytest.Schema{})
			require.NoError(t, err)
			for i := range 8 {
				p := writer(t, path)
				p.goOn()
				timer := time.NewTimer(time.Duration(1+i*4) * time.Millisecond)
				<-timer.C
				require.NoError(t, p.Process.Kill())
				if err := p.Wait(); err != nil { // nil: it was done before
					_, killed := errors.AsType[*exec.ExitError](err)
					require.True(t, killed, "%v", err)
				}
				n := counts(t, oa)
				require.Zero(t, n[0]%30, "rows of whole batches of one person only: %v", n)
				require.Equal(t, n[0], n[1])
				require.Equal(t, n[0]/30*9, n[2])
			}
			_, err = writeByPerson(sink(t, db, nil))
			require.NoError(t, err)
			require.Equal(t, [3]int{300, 300, 90}, counts(t, oa))
		})
	}
}
