package main

import "os"

// byLength is how often something is done where PUNCHBRIDGE_TEST_LONG is set, as on CI,
// and where it is not.
func byLength(long, usual int) int {
	if os.Getenv("PUNCHBRIDGE_TEST_LONG") != "" {
		return long
	}
	return usual
}
