package fake_test

import (
	"encoding/json"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/punchbridge/punchbridge/provider/fake"
)

func TestUnescaped(t *testing.T) {
	body := fake.AppendString(nil, "a\nb\x00\t\\u0009 \"外\" \\\\u000a")
	require.True(t, json.Valid(body))
	require.Equal(t, "\"a\nb\x00\t\\\\u0009 \\\"外\\\" \\\\\\\\u000a\"", string(fake.Unescaped(body)))
	require.Equal(t, `"\u0041\u00"`, string(fake.Unescaped([]byte(`"\u0041\u00"`))))
}

func TestGarbled(t *testing.T) {
	body := []byte(`{"rows":[{"u":"a"},{"u":"b"},{"u":"b"}]}`)
	require.Contains(t, string(fake.Garbled(body, "u", "b")), `{"u":"a"},{"u":"b""},{"u":"b"}`)
	require.Equal(t, body, fake.Garbled(body, "u", "c"))
}
