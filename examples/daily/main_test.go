package main

import (
	"bytes"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"
)

func TestRun(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var out bytes.Buffer
		began := time.Now()
		require.NoError(t, run(t.Context(), &out))
		require.Equal(t, "a missed time is made up for: 20 punches in the OA\n", out.String())
		require.Less(t, time.Since(began), time.Minute, "at once")
	})
}
