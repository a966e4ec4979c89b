package oasink

import (
	"testing"

	"github.com/stretchr/testify/require"
)

// A part of a transaction is given up by itself only for what will be refused again.
func TestWhatRepeats(t *testing.T) {
	t.Parallel()
	for kind, repeats := range map[trouble]bool{
		otherTrouble: true, denied: true, missing: true, unstorable: true, already: true,
		busy: false, lost: false, readOnly: false, full: false, unreachable: false, noTransaction: false,
	} {
		require.Equal(t, repeats, kind.repeats(), "trouble %d", kind)
	}
}
