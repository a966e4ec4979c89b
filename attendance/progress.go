package attendance

import (
	"context"
	"time"
)

// Progress is how far a stream has come.
type Progress struct {
	// Owed is what the stream owes to everybody.
	Owed Spans
	// ReadUpTo is up to when all of it was read for everybody who is there and whose
	// account the platform takes, in UTC and whole seconds; zero when nothing is owed.
	ReadUpTo time.Time
	// People is how many people are counted in, Behind how many of them lack something,
	// Refused how many are not counted in because the platform rejects them.
	People, Behind, Refused int
}

// FinalUpTo is up to when nothing is expected to change any more: ReadUpTo, less the
// time that late records take to settle; in UTC, zero when ReadUpTo is.
func (p Progress) FinalUpTo(settle time.Duration) time.Time {
	if p.ReadUpTo.IsZero() {
		return time.Time{}
	}
	return p.ReadUpTo.Add(-settle)
}

// ReadProgress derives from what was read for each person how far the stream has
// come. It reads all people of the stream, one after the other, and holds none of them.
// Its errors are the store's; the Progress beside one is of no use. A run at the same time
// may be seen in part.
func ReadProgress(ctx context.Context, store CoverageStore, s Stream) (Progress, error) {
	owed, err := store.Owed(ctx, s)
	p := Progress{Owed: owed, ReadUpTo: owed.Bounds().To}
	if err != nil || len(owed) == 0 {
		return p, err
	}
	remembered, err := store.Owed(ctx, s.remembered())
	if err != nil {
		return p, err
	}
	if len(remembered) > 0 {
		// From its first remembering run on the stream owes all, also what lies between
		// the last one and a backfill of later days.
		owed = owed.Plus(Span{later(remembered.Bounds().From, owed.Bounds().From), owed.Bounds().To})
		p.Owed = owed
	}
	for c, err := range store.People(ctx, s) {
		switch {
		case err != nil:
			return p, err
		case c.Account == "" || !c.Gone.IsZero() || !c.met():
			continue
		case !c.Refused.IsZero():
			p.Refused++
			continue
		}
		p.People++
		lacks := owed.Minus(c.Covered)
		if len(lacks) == 0 {
			continue
		}
		p.Behind++
		if first := lacks[0].From; first.Before(p.ReadUpTo) {
			p.ReadUpTo = first
		}
	}
	return p, nil
}
