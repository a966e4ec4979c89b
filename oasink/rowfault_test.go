package oasink

import (
	"testing"

	"github.com/stretchr/testify/require"
)

func TestTableFault(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		faults, changed, present int
		want                     bool
	}{
		{1, 0, 0, false},  // one row, and nothing else to do
		{3, 0, 0, false},  //
		{4, 0, 0, true},   // nothing speaks for the table
		{4, 0, 80, false}, // 5 % of what it holds
		{5, 0, 80, true},
		{15, 0, 20, true},
		{1, 1, 500, true}, // it changes what it is given
	} {
		require.Equal(t, c.want, tableFault(c.faults, c.changed, c.present), "%+v", c)
	}
}
