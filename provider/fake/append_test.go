package fake

import (
	"encoding/json"
	"math"
	"testing"

	"github.com/stretchr/testify/require"
)

func FuzzAppendString(f *testing.F) {
	for _, seed := range []string{"", "plain", "总部大楼", "a\"b\\c\n\x00\x1f", "\xff\xfe", "<&>\u2028", "半\xe5"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, s string) {
		var back string
		require.NoError(t, json.Unmarshal(AppendString(nil, s), &back))
		require.Equal(t, string([]rune(s)), back) // each byte that is not UTF-8 is one U+FFFD
	})
}

func TestAppendFloat(t *testing.T) {
	require.Equal(t, "120.017394", string(AppendFloat(nil, 120.017394, false)))
	require.Equal(t, `"0.1"`, string(AppendFloat(nil, 0.1, true)))
	require.Equal(t, "0", string(AppendFloat(nil, math.NaN(), false)))
	require.Equal(t, "0", string(AppendFloat(nil, math.Inf(1), false)))
}
