package provider

import "time"

const (
	// rejectedInARow is how many fresh tokens have to be rejected one after the other,
	// with no call of anybody accepted between, for the application to count as
	// refused: more than one call can try.
	rejectedInARow = 5
	// settled is how long a token has to have lived for its end to be an ordinary one.
	// One that ends earlier was most likely ended by another program that has fetched
	// one too.
	settled = 5 * time.Minute
)

// A tokenRecord is what the calls of one application have shown of its tokens so far.
// It is a value: what comes next is a new one.
//
// Tokens are counted by turns, not by their text: a turn ends with the first call
// that finds its token rejected, and calls that asked for theirs before are no news.
// A platform may give the same token again.
type tokenRecord struct {
	turn     int
	since    time.Time // when the first token of this turn was asked for; zero: not yet
	accepted bool      // some call of this turn was accepted
	row      int       // turns in a row that ended without any call accepted
}

// A tokenVerdict is what follows from a rejection.
type tokenVerdict struct {
	news    bool // nobody had noticed before
	early   bool // the token did not live long
	refused bool // the application is
}

// asked takes note that a token is asked for.
func (r tokenRecord) asked(now time.Time) tokenRecord {
	if r.since.IsZero() {
		r.since = now
	}
	return r
}

// accept takes note of a call that was accepted with the token of a turn. Also one of
// an earlier turn shows that the application is not refused.
func (r tokenRecord) accept(turn int) tokenRecord {
	r.row = 0
	r.accepted = r.accepted || turn == r.turn
	return r
}

// reject takes note of a call whose token of a turn was rejected.
func (r tokenRecord) reject(turn int, now time.Time) (tokenRecord, tokenVerdict) {
	if turn != r.turn {
		return r, tokenVerdict{}
	}
	v := tokenVerdict{news: true, early: now.Sub(r.since) < settled}
	row := r.row
	if !r.accepted {
		row++
	}
	if row >= rejectedInARow {
		v.refused, row = true, 0
	}
	return tokenRecord{turn: turn + 1, row: row}, v
}
