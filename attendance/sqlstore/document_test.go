package sqlstore

import (
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/punchbridge/punchbridge/attendance"
)

func TestDocumentsAreASCII(t *testing.T) {
	for _, text := range []string{"", "张三", "😀\U0010ffff", "\u0080\u07ff\uffff", `"\/<>&` + "\u2028\x00\x1f\x7f", "\xff"} {
		plain, err := json.Marshal(text)
		require.NoError(t, err)
		escaped := ascii(plain)
		require.NotContains(t, strings.Map(func(r rune) rune { return min(r, 0x80) }, escaped), "\u0080")
		var back string
		require.NoError(t, json.Unmarshal([]byte(escaped), &back))
		require.Equal(t, strings.ToValidUTF8(text, "\ufffd"), back)
	}
}

// A zone that this machine does not know is its offset; the machine's own is never used.
func TestSpansOfUnknownZones(t *testing.T) {
	for _, zone := range []*time.Location{time.FixedZone("UTC+8", 8*3600), time.FixedZone("", -3*3600-1800), time.FixedZone("Local", 3600), time.FixedZone("Mars/Olympus", 3600), time.UTC} {
		from := time.Date(2026, 3, 1, 0, 0, 0, 0, zone)
		text, err := json.Marshal(storeSpan(attendance.Span{From: from, To: from.AddDate(0, 0, 1)}))
		require.NoError(t, err)
		var s storedSpan
		require.NoError(t, json.Unmarshal(text, &s))
		back := s.span()
		require.Equal(t, from.Format(time.RFC3339), back.From.Format(time.RFC3339))
		require.Equal(t, 24*time.Hour, back.Length())
		require.NotEqual(t, "Local", back.Zone().String())
		require.Equal(t, from.Format(time.RFC3339), storedSpan{From: s.From, To: s.To, Zone: "Mars/Olympus"}.span().From.Format(time.RFC3339))
	}
}

type stated string

func (s stated) Error() string    { return "ERROR: words (SQLSTATE " + string(s) + ")" }
func (s stated) SQLState() string { return string(s) }

type numbered int

func (n numbered) Error() string { return "words" }
func (n numbered) Code() int     { return int(n) }

func TestDiagnosis(t *testing.T) {
	for _, c := range []struct {
		on   dialect
		err  error
		want trouble
	}{
		{postgres{}, stated("40P01"), busy},
		{postgres{}, fmt.Errorf("wrapped: %w", stated("55P03")), busy},
		{postgres{}, stated("57P01"), lost},
		{postgres{}, stated("08006"), lost},
		{postgres{}, stated("25006"), readOnly},
		{postgres{}, stated("42501"), denied},
		{postgres{}, stated("42P01"), missing},
		{postgres{}, stated("53100"), full},
		{postgres{}, stated("28P01"), unreachable},
		{postgres{}, stated("23505"), other},
		{postgres{}, errors.New("failed to connect to `user=x`: connection reset by peer"), unreachable},
		{mysql{}, errors.New("Error 1213 (40001): Deadlock found"), busy},
		{mysql{}, errors.New("Error 1290 (HY000): --read-only"), readOnly},
		{mysql{}, errors.New("Error 1142 (42000): denied"), denied},
		{mysql{}, errors.New("Error 1146 (42S02): no such table"), missing},
		{mysql{}, errors.New("Error 1114 (HY000): full"), full},
		{mysql{}, errors.New("Error 1036 (HY000): Table 'punchbridge_runs' is read only"), readOnly},
		{mysql{}, errors.New("Error 1792 (25006): Cannot execute statement in a READ ONLY transaction"), readOnly},
		{mysql{}, errors.New(`Error 1026 (HY000): Error writing file 'x' (errno: 28 "No space left on device")`), full},
		{mysql{}, errors.New(`Error 1030 (HY000): Got error 28 "No space left on device" from storage engine InnoDB`), full},
		{mysql{}, errors.New("Error 3 (HY000): Error writing file '/tmp/MY' (Errcode: 122 - Disk quota exceeded)"), full},
		{mysql{}, errors.New("Error 1030 (HY000): Got error 168 from storage engine"), other},
		{mysql{}, errors.New("Error 1969 (70100): Query execution was interrupted (max_statement_time exceeded)"), cutOff},
		{postgres{}, stated("57014"), cutOff}, {postgres{}, stated("26000"), pooled}, {postgres{}, stated("42P05"), pooled},
		{postgres{}, fmt.Errorf("could not extend file: No space left on device: %w", stated("58030")), full}, {postgres{}, stated("XX000"), other},
		{mysql{}, errors.New("Error 1045 (28000): no"), unreachable},
		{mysql{}, errors.New("Error 1927 (70100): killed"), lost},
		{mysql{}, errors.New("Error 1062 (23000): duplicate"), other},
		{mysql{}, errors.New("invalid connection"), lost},
		{sqlite{}, numbered(5), busy},
		{sqlite{}, numbered(517), busy},
		{sqlite{}, numbered(8), readOnly},
		{sqlite{}, numbered(13), full},
		{sqlite{}, numbered(14), unreachable},
		{sqlite{}, numbered(19), other},
		{sqlite{}, errors.New("no such table: x"), missing},
	} {
		require.Equal(t, c.want, c.on.diagnose(c.err), "%T %v", c.on, c.err)
	}
}
