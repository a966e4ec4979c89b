package oasink

import (
	"context"
	"log/slog"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

func TestBacklogWatch(t *testing.T) {
	second := func(n int) time.Duration { return time.Duration(n) * time.Second }
	type seen struct {
		at   time.Duration
		rows int
		want advice
	}
	for name, looks := range map[string][]seen{
		"few":                           {{0, 10, goOn}},
		"falls and is few":              {{0, 15, waitOn}, {second(1), 12, waitOn}, {second(2), 10, goOn}},
		"falls slowly":                  {{0, 15, waitOn}, {second(29), 14, waitOn}, {second(58), 13, waitOn}, {second(87), 10, goOn}},
		"does not fall":                 {{0, 15, waitOn}, {second(29), 15, waitOn}, {second(30), 15, giveUp}},
		"grows":                         {{0, 15, waitOn}, {second(29), 20, waitOn}, {second(30), 25, giveUp}},
		"goes down and up":              {{0, 15, waitOn}, {second(10), 12, waitOn}, {second(11), 14, waitOn}, {second(39), 14, waitOn}, {second(40), 14, giveUp}},
		"given up, and still stuck":     {{0, 15, waitOn}, {second(30), 15, giveUp}, {0, 18, goOn}, {0, 21, goOn}},
		"given up, and it falls again":  {{0, 15, waitOn}, {second(30), 15, giveUp}, {0, 18, goOn}, {0, 17, waitOn}, {second(1), 9, goOn}},
		"given up, few, and many again": {{0, 15, waitOn}, {second(30), 15, giveUp}, {0, 9, goOn}, {0, 12, waitOn}},
	} {
		t.Run(name, func(t *testing.T) {
			w := backlogWatch{limit: 10, patience: second(30)}
			for i, l := range looks {
				require.Equal(t, l.want, w.look(l.at, l.rows), "look %d", i)
			}
		})
	}
}

// A paced sink looks only when more may wait than it lets, and never in a hurry.
func TestPacedSinkWaits(t *testing.T) {
	counts := []int{9, 30, 20, 10}
	var slept time.Duration
	s := &Sink{opts: Options{Recalculate: RecalculatePool}}
	s.shape.Store(&shape{pool: &table{}})
	s.opts.Logger = slog.New(slog.DiscardHandler)
	p, ok := s.Paced(&PaceOptions{Backlog: 10}).(*pacedSink)
	require.True(t, ok)
	p.count = func(context.Context, *time.Location) (int, bool) {
		n := counts[0]
		counts = counts[1:]
		return n, true
	}
	p.sleep = func(ctx context.Context, d time.Duration) error {
		slept += d
		return ctx.Err()
	}
	await := func() int {
		stuck, err := p.await(t.Context(), time.UTC)
		require.NoError(t, err)
		return stuck
	}
	await()
	p.add(1)
	await()
	require.Len(t, counts, 3, "ten rows at most wait: nothing is counted")
	p.add(20)
	await()
	require.Empty(t, counts)
	require.Equal(t, 2*time.Second, slept)

	p.add(1)
	counts = make([]int, 100)
	for i := range counts {
		counts[i] = 77
	}
	require.Equal(t, 77, await())
	require.Equal(t, 32*time.Second, slept)
	require.Zero(t, await(), "told once")
	require.Equal(t, 32*time.Second, slept)

	ctx, cancel := context.WithCancel(t.Context())
	counts[0], counts[1] = 50, 50
	cancel()
	_, err := p.await(ctx, time.UTC)
	require.ErrorIs(t, err, context.Canceled)
}

func TestClockApart(t *testing.T) {
	at := func(day, hour int) time.Time { return time.Date(2026, 3, day, hour, 0, 0, 0, time.UTC) }
	for name, c := range map[string]struct {
		now, newest time.Time
		off         bool
	}{
		"just now":                      {at(4, 10), at(4, 9), false},
		"ahead by zones":                {at(4, 10), at(4, 18), true},
		"ahead over midnight":           {at(4, 20), at(5, 4), true},
		"a little ahead":                {at(4, 10), at(4, 11), false},
		"behind by zones":               {at(4, 10), at(4, 2), true},
		"nobody since the morning":      {at(4, 12), at(4, 9), false},
		"nobody since yesterday":        {at(4, 8), at(3, 20), false},
		"at night nobody punches":       {at(4, 23), at(4, 17), false},
		"a day without anybody's punch": {at(4, 12), at(2, 18), false},
	} {
		_, off := clockApart(c.now, c.newest)
		require.Equal(t, c.off, off, name)
	}
}
