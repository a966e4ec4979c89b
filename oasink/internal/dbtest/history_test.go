package dbtest

import (
	"context"
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/punchbridge/punchbridge/attendance"
	"github.com/punchbridge/punchbridge/oasink"
	"github.com/punchbridge/punchbridge/oasink/ecologytest"
)

// A history is what random people and platforms do: two corps whose records change,
// bindings that change, others who write and change rows, reads that arrive late,
// runs that are undone, and a database that fails at any statement.
type history struct {
	t      *testing.T
	random *rand.Rand
	d      database
	sinks  []*oasink.Sink
	fault  *counter
	corps  []*corp
	clock  time.Time
	runs   []string
	late   []attendance.Batch // read, and not written yet
	log    []string
	// foretell, when not nil, looks at each batch before it is written, and returns
	// what looks at what became of it. Such writes never fail.
	foretell func(b attendance.Batch) func(w attendance.Written)
	// settled says that accounts never change hands.
	settled bool
	// handed are the people who have had another account.
	handed map[string]bool
}

// A corp is a platform's tenant: its records, and which person each account is.
type corp struct {
	name    string
	records map[string]attendance.Punch
	persons map[string]int
	ids     bool // records have ids
	next    int
}

const historyPeople = 5

func newHistory(t *testing.T, on engine, seed uint64, w oasink.Withdrawn) *history {
	h := &history{t: t, random: rand.New(rand.NewPCG(seed, 1)), d: on.found(t, ecologytest.Schema{Generation: []oasink.Generation{oasink.E8, oasink.E9}[seed%2]}),
		fault: &counter{}, clock: at(20, 0, 0, 0), settled: seed%4 == 3, handed: make(map[string]bool)}
	for range 2 {
		s := sink(t, h.d.struck(t, h.fault.strike), &oasink.Options{Ledger: &oasink.LedgerOptions{Withdrawn: w}, SignFrom: "from_dd"})
		require.NoError(t, s.CreateLedger(context.Background()))
		h.sinks = append(h.sinks, s)
	}
	for i, name := range []string{"east", "west"} {
		c := &corp{name: name, records: make(map[string]attendance.Punch), persons: make(map[string]int), ids: i == 0}
		for p := range historyPeople {
			c.persons[fmt.Sprintf("%s%d", name, p)] = 101 + p
		}
		h.corps = append(h.corps, c)
	}
	return h
}

// minute is a random time; the corps' differ by their second, so that no two of
// them say the same (a row is only one's), and so do those of strangers.
func (h *history) minute(second int) time.Time {
	return at(2+h.random.IntN(7), 8+h.random.IntN(2), h.random.IntN(2), second)
}

func (h *history) second(c *corp) int { return slices.Index(h.corps, c) }

func pick[T any](random *rand.Rand, list []T) T { return list[random.IntN(len(list))] }

func (h *history) step() {
	c := pick(h.random, h.corps)
	accounts := slices.Sorted(maps.Keys(c.persons))
	ids := slices.Sorted(maps.Keys(c.records))
	switch n := h.random.IntN(20); {
	case n < 6 || len(ids) == 0:
		c.next++
		p := attendance.Punch{Account: pick(h.random, accounts), Time: h.minute(h.second(c)), Kind: attendance.Regular, Direction: attendance.Direction(1 + h.random.IntN(2))}
		if h.random.IntN(4) == 0 {
			p.Kind, p.Direction = attendance.Field, attendance.Undirected
		}
		id := fmt.Sprintf("%s-%d", c.name, c.next)
		if c.ids {
			p.ID = id
		}
		c.records[id] = p
	case n < 8:
		p := c.records[pick(h.random, ids)]
		id := ids[0]
		for _, k := range ids {
			if c.records[k] == p {
				id = k
			}
		}
		switch h.random.IntN(4) {
		case 0:
			p.Direction = attendance.Direction(1 + h.random.IntN(2))
		case 1:
			p.Place.Address = pick(h.random, []string{"", "东门", "西门"})
		default:
			p.Time = h.minute(h.second(c))
		}
		if p.Kind == attendance.Field {
			p.Direction = attendance.Undirected
		}
		c.records[id] = p
	case n < 9:
		delete(c.records, pick(h.random, ids))
	case n < 10: // two accounts change hands, and perhaps back again later
		a, b := pick(h.random, accounts), pick(h.random, accounts)
		if h.settled || a == b {
			return
		}
		c.persons[a], c.persons[b] = c.persons[b], c.persons[a]
		h.handed[itoa(c.persons[a])], h.handed[itoa(c.persons[b])] = true, true
	case n < 17:
		b := h.read(c)
		if h.random.IntN(4) == 0 {
			h.late = append(h.late, b)
			return
		}
		h.write(b)
	case n < 18 && len(h.late) > 0:
		b := h.late[0]
		h.late = h.late[1:]
		h.write(b)
	case n < 19 && len(h.runs) > 0:
		h.undo(pick(h.random, h.runs))
	}
}

// read is the answer of a platform for some of its people and days, as of now.
func (h *history) read(c *corp) attendance.Batch {
	h.clock = h.clock.Add(time.Minute)
	b := attendance.Batch{Source: "dingtalk", Corp: c.name, Run: fmt.Sprintf("run%d", len(h.runs)), Span: week(), ReadAt: h.clock}
	h.runs = append(h.runs, b.Run)
	if h.random.IntN(2) == 0 {
		first := 2 + h.random.IntN(6)
		b.Span = attendance.Span{From: at(first, 0, 0, 0), To: at(first+1+h.random.IntN(3), 0, 0, 0)}
	}
	for _, a := range slices.Sorted(maps.Keys(c.persons)) {
		if h.random.IntN(5) > 0 {
			b.Members = append(b.Members, attendance.Member{Person: itoa(c.persons[a]), Account: a, Known: true})
		}
	}
	b.Punches = c.answer(b)
	h.random.Shuffle(len(b.Punches), func(i, j int) { b.Punches[i], b.Punches[j] = b.Punches[j], b.Punches[i] })
	return b
}

func (c *corp) answer(b attendance.Batch) []attendance.Punch {
	var list []attendance.Punch
	for _, id := range slices.Sorted(maps.Keys(c.records)) {
		p := c.records[id]
		if b.Span.Contains(p.Time) && slices.ContainsFunc(b.Members, func(m attendance.Member) bool { return m.Account == p.Account }) {
			list = append(list, p)
		}
	}
	return list
}

// write writes a batch, perhaps failing at some statement, perhaps twice.
func (h *history) write(b attendance.Batch) {
	s := pick(h.random, h.sinks)
	fails := h.random.IntN(3) == 0
	after := func(attendance.Written) {}
	if h.foretell != nil {
		after, fails = h.foretell(b), false
	}
	if fails {
		h.fault.arm(1+h.random.IntN(25), func() error { return errStruck })
	}
	w, err := s.Write(context.Background(), b)
	h.fault.disarm()
	if err != nil {
		require.ErrorIs(h.t, err, errStruck)
		w, err = s.Write(context.Background(), b)
		require.NoError(h.t, err)
	}
	h.log = append(h.log, fmt.Sprintf("%s %s %v: %d punches of %d people: %+v", b.Corp, b.Run, b.Span, len(b.Punches), len(b.Members), w))
	require.Equal(h.t, len(b.Punches), accounted(w), "%+v", w)
	after(w)
	require.NotContains(h.t, codes(w), "foreign_writer", "nobody else writes our tag")
}

func (h *history) undo(run string) {
	if h.random.IntN(3) == 0 {
		h.fault.arm(1+h.random.IntN(25), func() error { return errStruck })
	}
	_, err := pick(h.random, h.sinks).Undo(context.Background(), run)
	h.fault.disarm()
	if err != nil && !strings.Contains(err.Error(), "knows of nothing") {
		require.ErrorIs(h.t, err, errStruck)
	}
	h.log = append(h.log, "undo "+run)
}

// full is a reading of everything a corp holds.
func (h *history) full(c *corp) attendance.Batch {
	h.clock = h.clock.Add(time.Minute)
	b := attendance.Batch{Source: "dingtalk", Corp: c.name, Run: "last", Span: week(), ReadAt: h.clock}
	for _, a := range slices.Sorted(maps.Keys(c.persons)) {
		b.Members = append(b.Members, attendance.Member{Person: itoa(c.persons[a]), Account: a, Known: true})
	}
	b.Punches = c.answer(b)
	return b
}

// truth is what the OA should hold, as lines, without places.
func (h *history) truth() []string {
	lines := make(map[string]bool)
	for _, c := range h.corps {
		for _, p := range c.records {
			if p.Kind == attendance.Field {
				lines[fmt.Sprintf("mobile %d %s", c.persons[p.Account], p.Time.Format(time.DateTime))] = true
			} else {
				lines[fmt.Sprintf("sign %d %s %d", c.persons[p.Account], p.Time.Format(time.DateTime), p.Direction)] = true
			}
		}
	}
	return slices.Sorted(maps.Keys(lines))
}

func (h *history) holds() []string {
	var lines []string
	for _, r := range signs(h.t, h.d.oa) {
		if r.SignFrom == "from_dd" {
			lines = append(lines, fmt.Sprintf("sign %d %s %s %s", r.UserID, r.SignDate, r.SignTime, r.SignType))
		}
	}
	for _, r := range mobiles(h.t, h.d.oa) {
		lines = append(lines, fmt.Sprintf("mobile %d %s %s", r.Operater, r.OperateDate, r.OperateTime))
	}
	slices.Sort(lines)
	return lines
}

// strangers are the rows of others, byte for byte.
func (h *history) strangers() []ecologytest.SignRow {
	rows, err := h.d.oa.SignRows(context.Background())
	require.NoError(h.t, err)
	return slices.DeleteFunc(rows, func(r ecologytest.SignRow) bool { return r.SignFrom == "from_dd" })
}

// Whatever has happened, reading everything makes the OA hold exactly what the
// platforms do (with DeleteWithdrawn, and as often as its limit needs), or all of
// that and what they held (without); the rows of others are as they were. What was withdrawn
// or edited while an account changed hands stays as well: nobody speaks for it any more.
func TestRandomHistories(t *testing.T) {
	t.Parallel()
	seeds := map[string]int{sqliteName: byLength(60, 10), mariadbName: byLength(6, 0), postgresName: byLength(6, 0)}
	everywhere(t, func(t *testing.T, on engine) {
		list := []int{1074, 1128} // which have failed once
		for seed := range seeds[on.name] {
			list = append(list, seed)
		}
		for _, seed := range list {
			t.Run(fmt.Sprint(seed), func(t *testing.T) { testRandomHistory(t, on, uint64(seed)) })
		}
	})
}

func testRandomHistory(t *testing.T, on engine, seed uint64) {
	withdrawn := oasink.Withdrawn(seed / 2 % 2)
	h := newHistory(t, on, seed, withdrawn)
	defer func() {
		if t.Failed() {
			for _, line := range h.log {
				t.Log(line)
			}
		}
	}()
	for i := range 30 {
		require.NoError(t, h.d.oa.AddSigns(context.Background(), ecologytest.SignRow{UserID: int64(101 + i%historyPeople), UserType: "1", SignType: itoa(1 + i%2),
			SignDate: at(2+i%7, 0, 0, 0).Format(time.DateOnly), SignTime: fmt.Sprintf("%02d:%02d:30", 8+i%2, i%4), IsInCom: "1", SignFrom: []string{"e9pc", null, "card|7|"}[i%3]}))
	}
	strangers := h.strangers()
	for range 120 {
		h.step()
		require.Equal(t, strangers, h.strangers())
	}
	for _, b := range h.late {
		h.write(b)
	}
	for range 12 { // at most 3, or 5 %, are removed at a time; an absence must be seen twice
		for _, c := range h.corps {
			b := h.full(c)
			w, err := h.sinks[0].Write(context.Background(), b)
			require.NoError(t, err)
			h.log = append(h.log, fmt.Sprintf("%s full: %+v", c.name, w))
			if withdrawn == oasink.DeleteWithdrawn && slices.Contains(codes(w), "withdrawals_suspicious") {
				h.byPerson(c)
			}
		}
	}
	require.Equal(t, strangers, h.strangers())
	lately := sink(t, h.d.pool(t), &oasink.Options{Ledger: &oasink.LedgerOptions{}, Now: func() time.Time { return at(9, 0, 0, 0) }})
	for _, f := range lately.Check(context.Background()) {
		require.NotEqual(t, "foreign_writer", f.Code, f.Message.EN)
	}
	truth, holds := h.truth(), h.holds()
	require.Equal(t, slices.Compact(slices.Clone(holds)), holds, "no punch is there twice")
	for _, line := range truth {
		require.Contains(t, holds, line)
	}
	if withdrawn == oasink.KeepWithdrawn {
		return
	}
	for _, line := range holds {
		require.True(t, slices.Contains(truth, line) || h.handed[strings.Fields(line)[1]], "%s is a row of no punch, of somebody who never had another account", line)
	}
	if h.settled {
		require.Equal(t, truth, holds)
	}
}

// byPerson reads a corp person by person and day by day, so that even many
// withdrawals are few at a time.
func (h *history) byPerson(c *corp) {
	all := h.full(c)
	for _, m := range all.Members {
		for hour := range 7 * 24 {
			from := at(2, hour, 0, 0)
			if from.Hour() < 8 || from.Hour() > 10 {
				continue
			}
			b := all
			h.clock = h.clock.Add(time.Minute)
			b.ReadAt, b.Members, b.Span = h.clock, []attendance.Member{m}, attendance.Span{From: from, To: from.Add(time.Hour)}
			b.Punches = c.answer(b)
			_, err := h.sinks[0].Write(context.Background(), b)
			require.NoError(h.t, err)
		}
	}
}
