package provider

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// What is made of a course of events: "a" asks for a token, "+" is accepted, "-" is
// rejected, each in the latest turn; "o" is a rejection and "O" a success of the turn
// before; "~" is a minute.
func TestTokenRecord(t *testing.T) {
	for course, want := range map[string]struct {
		row            int
		early, refused bool // by the last rejection
		ignored        int
	}{
		"a":                        {},
		"a+a+a+":                   {},
		"a-":                       {row: 1, early: true},
		"a-oooo":                   {row: 1, early: true, ignored: 4},
		"a-a-a-a-":                 {row: 4, early: true},
		"a-a-a-a-a-":               {early: true, refused: true},
		"a-a-a-a-a-a-":             {row: 1, early: true},
		"a-a-a-a-a+":               {early: true},
		"a-a-a-a-O":                {early: true},
		"a-a-a-a-Oa-":              {row: 1, early: true},
		"a-o a-o a-o a-o":          {row: 4, early: true, ignored: 4},
		"a+~~~~~-":                 {},
		"a+~~~~-":                  {early: true},
		"a+~~~a~~-":                {},
		"a+-a+-a+-a+-a+-a+-":       {early: true},
		"a+-a-a-a-a-":              {row: 4, early: true},
		"a+-a-a-a-a-a-":            {early: true, refused: true},
		"a-~~~~~~a-":               {row: 2, early: true},
		"a-a-Oa+-a-a-":             {row: 2, early: true},
		"a~~~~~~-a-a-a-":           {row: 4, early: true},
		"a~~~~~~-":                 {row: 1},
		"a-a-a-a-a- oo a+ a- o a-": {row: 1, early: true, ignored: 3},
	} {
		var r tokenRecord
		var last tokenVerdict
		now, ignored := time.Date(2026, 3, 2, 0, 0, 0, 0, time.UTC), 0
		for _, event := range course {
			verdict := tokenVerdict{}
			switch event {
			case 'a':
				r = r.asked(now)
			case '+':
				r = r.accept(r.turn)
			case 'O':
				r = r.accept(r.turn - 1)
			case '-':
				r, verdict = r.reject(r.turn, now)
				last = verdict
				require.True(t, verdict.news)
			case 'o':
				before := r
				r, verdict = r.reject(r.turn-1, now)
				require.Equal(t, before, r)
				require.Equal(t, tokenVerdict{}, verdict)
				ignored++
			case '~':
				now = now.Add(time.Minute)
			}
		}
		require.Equal(t, want.row, r.row, course)
		require.Equal(t, want.early, last.early, course)
		require.Equal(t, want.refused, last.refused, course)
		require.Equal(t, want.ignored, ignored, course)
	}
}
