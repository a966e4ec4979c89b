package storetest_test

import (
	"testing"

	"github.com/punchbridge/punchbridge/attendance"
	"github.com/punchbridge/punchbridge/attendance/attendancetest"
	"github.com/punchbridge/punchbridge/attendance/storetest"
)

func TestTheInMemoryStoreKeepsTheContracts(t *testing.T) {
	storetest.Run(t, func(testing.TB) attendance.Store { return new(attendancetest.Store) })
}
