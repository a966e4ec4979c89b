package storetest_test

import (
	"runtime"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/punchbridge/punchbridge/attendance"
	"github.com/punchbridge/punchbridge/attendance/attendancetest"
	"github.com/punchbridge/punchbridge/attendance/storetest"
)

func TestTheInMemoryStoreKeepsTheContracts(t *testing.T) {
	storetest.Run(t, func(testing.TB) attendance.Store { return new(attendancetest.Store) })
	storetest.Run(t, func(testing.TB) attendance.Store { return changed{Store: new(attendancetest.Store)} }) // what the broken ones are made of
}

// A kit that passes everybody proves nothing: each of these stores is broken in one
// way, and the kit must find it.
func TestBrokenStoresAreFound(t *testing.T) {
	var passed []string
	for name, broken := range brokenStores() {
		found := false
		for _, rule := range storetest.Rules() {
			found = found || fails(t, func(tb testing.TB) { rule.Check(tb, broken()) })
		}
		if !found {
			passed = append(passed, name)
		}
	}
	require.Empty(t, passed, "these stores pass the kit")
}

// fails runs a rule against a recorder and reports whether it failed.
func fails(t *testing.T, check func(testing.TB)) bool {
	r := &recorder{TB: t}
	done := make(chan struct{})
	go func() {
		defer close(done)
		check(r)
	}()
	<-done
	return r.failed
}

type recorder struct {
	testing.TB
	failed bool
}

func (r *recorder) Errorf(string, ...any) { r.failed = true }
func (r *recorder) Fatalf(string, ...any) { r.failed = true; runtime.Goexit() }
