package dbtest

import (
	"os"
	"testing"
)

// longVariable names the variable with which the tests that take long are run as well:
// years, series of kills, servers that are started, large companies, H2. CI sets it.
const longVariable = "PUNCHBRIDGE_TEST_LONG"

func longTests() bool { return os.Getenv(longVariable) != "" }

// long leaves a test out that takes long, unless it is asked for.
func long(t testing.TB, what string) {
	t.Helper()
	if !longTests() {
		t.Skipf("left out, it takes long: %s (%s=1 runs it)", what, longVariable)
	}
}

// byLength is how often something is done, in long tests and in usual ones.
func byLength(long, usual int) int {
	if longTests() {
		return long
	}
	return usual
}
