package main

import (
	"os"
	"testing"
)

// longVariable names the variable that runs what takes long too, as CI does.
const longVariable = "PUNCHBRIDGE_TEST_LONG"

// long leaves a test out that takes long, unless it is asked for.
func long(t testing.TB, what string) {
	t.Helper()
	if os.Getenv(longVariable) == "" {
		t.Skipf("left out, it takes long: %s (%s=1 runs it)", what, longVariable)
	}
}

// byLength is how often something is done in long tests, and in usual ones.
func byLength(long, usual int) int {
	if os.Getenv(longVariable) != "" {
		return long
	}
	return usual
}
