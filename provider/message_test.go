package provider

import (
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/punchbridge/punchbridge/attendance"
)

func TestOneLine(t *testing.T) {
	require.Equal(t, "a b", OneLine(" a\nb\x00 "))
	require.Equal(t, "a?b", OneLine("a\xffb"))
	long := OneLine(strings.Repeat("打", 300))
	require.LessOrEqual(t, len(long), longestMessage)
	require.Equal(t, "a b c d", OneLine("a\u0085b\u2028c\u2029d"))
	require.True(t, strings.HasSuffix(long, "打..."), "no half character")
}

func TestAddressIn(t *testing.T) {
	require.Equal(t, "203.0.113.7", AddressIn("hint: [1709], from ip: 203.0.113.7, more info"))
	require.Equal(t, "2001:db8::7", AddressIn("request ip=2001:db8::7 at 00:01:02"))
	require.Equal(t, "192.0.2.1", AddressIn("the address is 192.0.2.1."))
	require.Empty(t, AddressIn("no address at 00:01:02, 1.2.3"))
}

func TestBaseURL(t *testing.T) {
	for given, want := range map[string]string{"": "https://a.example", "http://b.example/": "http://b.example", "https://b.example/x//": "https://b.example/x"} {
		got, err := BaseURL("acme: BaseURL", given, "https://a.example")
		require.NoError(t, err)
		require.Equal(t, want, got)
	}
	for _, bad := range []string{"b.example", "ftp://b.example", "https://", "https://u:shh@b.example", "https://b.example?shh=1", "https://b.example#shh", "https://b\n"} {
		_, err := BaseURL("acme: BaseURL", bad, "https://a.example")
		require.ErrorContains(t, err, "acme: BaseURL")
		require.NotContains(t, err.Error(), "shh")
	}
}

func TestMember(t *testing.T) {
	require.Equal(t, "2", string(Member([]byte(`{"a":1,"b":{"a":3},"a":2}`), "a")))
	require.Nil(t, Member([]byte(`{"b":1}`), "a"))
	require.Nil(t, Member([]byte(`[1]`), "a"))
}

func TestClockSkew(t *testing.T) {
	now := time.Date(2026, 3, 2, 12, 0, 0, 0, time.UTC)
	acme := attendance.Text{EN: "Acme", ZH: "某平台"}
	var s ClockSkew
	require.Empty(t, s.Findings(acme))
	s.Note(Reply{Header: http.Header{"Date": {"soon"}}, ReceivedAt: now})
	require.Empty(t, s.Findings(acme), "no date, no opinion")
	for off, want := range map[time.Duration]string{0: "agrees", -4 * time.Minute: "agrees", 10 * time.Minute: "10m0s behind", -10 * time.Minute: "10m0s ahead of"} {
		s.Note(Reply{Header: http.Header{"Date": {now.Add(off).Format(http.TimeFormat)}}, ReceivedAt: now})
		f := s.Findings(acme)
		require.Len(t, f, 1)
		require.Contains(t, f[0].Message.EN, want)
		require.Equal(t, "clock", f[0].Code)
	}
}
