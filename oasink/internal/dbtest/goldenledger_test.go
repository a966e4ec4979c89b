package dbtest

import (
	"context"
	"database/sql/driver"
	"fmt"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/punchbridge/punchbridge/attendance"
	"github.com/punchbridge/punchbridge/oasink"
)

// Every statement that a ledger needs on each database: to make it, to add, to find
// all as it was, to move and to remove, to undo, to check.
func TestGoldenStatementsOfALedger(t *testing.T) {
	t.Parallel()
	// What the ledger holds is learnt from what is inserted where arguments are plain.
	learnt := learnLedger(t)
	for _, v := range vendors() {
		t.Run(v.name, func(t *testing.T) { requireGolden(t, "ledger."+v.name+".golden", ledgerTranscript(t, v, learnt)) })
	}
}

// A learntLedger is the entries in the order in which they were made: of a row of
// each punch table, and of the first one after it was moved and put back.
type learntLedger struct {
	entries  [][]driver.Value
	complete bool
}

func learnLedger(t *testing.T) *learntLedger {
	learnt := &learntLedger{}
	ledgerTranscript(t, sqliteVendor(), learnt)
	require.Len(t, learnt.entries, 4)
	learnt.complete = true
	return learnt
}

func (l *learntLedger) see(query string, args []driver.NamedValue) {
	const width = 17
	if l.complete || !strings.HasPrefix(query, `INSERT INTO "punchbridge_rows"`) || len(args) == 0 {
		return
	}
	for part := range slices.Chunk(args, width) {
		entry := make([]driver.Value, width)
		for i, a := range part {
			entry[i] = a.Value
		}
		l.entries = append(l.entries, entry)
	}
}

// A ledgerPlay is a sink with a ledger on a script, and what the script answers.
type ledgerPlay struct {
	s       *script
	oa      *oasink.Sink
	learnt  *learntLedger
	replies map[string]func() [][]driver.Value
	in      attendance.Punch
	visit   attendance.Punch
}

func newLedgerPlay(t *testing.T, v vendor, learnt *learntLedger) *ledgerPlay {
	p := &ledgerPlay{s: &script{vendor: v, see: learnt.see}, learnt: learnt, replies: make(map[string]func() [][]driver.Value)}
	db := p.s.open(t)
	db.SetMaxOpenConns(1)
	p.s.reply = func(plain string) ([][]driver.Value, bool) {
		for question, rows := range p.replies {
			if regexp.MustCompile(question).MatchString(plain) {
				return rows(), true
			}
		}
		return nil, false
	}
	p.put(`max\(version\)`, []driver.Value{int64(1)})
	p.oa = sink(t, db, &oasink.Options{Ledger: &oasink.LedgerOptions{Withdrawn: oasink.DeleteWithdrawn}})
	p.s.said()
	p.in, p.visit = record("a", punch(101, at(2, 8, 0, 0), attendance.In)), record("b", field(101, at(2, 9, 0, 0)))
	p.in.Place = attendance.Place{Located: true, Longitude: 121.5, Latitude: 31.25, Address: "上海市'浦东新区'?"}
	p.visit.Remark = "客户 ?"
	return p
}

// put answers a question with rows.
func (p *ledgerPlay) put(question string, rows ...[]driver.Value) {
	p.replies[question] = func() [][]driver.Value { return rows }
}

// known answers a question with entries of the ledger.
func (p *ledgerPlay) known(question string, list ...int) {
	p.replies[question] = func() (rows [][]driver.Value) {
		for _, i := range list {
			rows = append(rows, p.learnt.entries[i])
		}
		return rows
	}
}

func (p *ledgerPlay) write(minute int, run string, punches ...attendance.Punch) (attendance.Written, error) {
	b := batch(punches...)
	b.Members, b.ReadAt, b.Run, b.Corp = b.Members[:1], at(30, 12, minute, 0), run, "corp"
	return p.oa.Write(context.Background(), b)
}

// add writes when nothing is there.
func (p *ledgerPlay) add() (attendance.Written, error) {
	p.put(`^select id, userid, .* where userid in`, []driver.Value{int64(7), int64(101), "2026-03-02", "08:00:00", "1", "from_dd"})
	p.put(`^select id, operater, .* where operater in`, []driver.Value{int64(9), int64(101), "2026-03-02", "09:00:00", "mobile_sign"})
	return p.write(0, "first", p.in, p.visit)
}

// again writes when all is there.
func (p *ledgerPlay) again() (attendance.Written, error) {
	p.known(`_rows where origin = \d+ and account in`, 0, 1)
	p.put(`^select userid, .*, id from`, []driver.Value{int64(101), "1", "2026-03-02", "08:00:00", "from_dd", "1", int64(7)})
	p.put(`^select operater, .*, id, operate_type from`, []driver.Value{int64(101), "2026-03-02", "09:00:00", int64(9), "mobile_sign"})
	return p.write(1, "second", p.in, p.visit)
}

// correct writes when one punch was corrected and one withdrawn.
func (p *ledgerPlay) correct() (attendance.Written, error) {
	p.replies[`^select id, userid, .* where id in`] = func() [][]driver.Value {
		if p.changed("update") {
			return [][]driver.Value{p.look("2026-03-03", "08:30:00", "别处")}
		}
		return [][]driver.Value{p.look("2026-03-02", "08:00:00", p.in.Place.Address)}
	}
	p.replies[`^select id, operater, .* where id in`] = func() [][]driver.Value {
		if p.changed("delete from") {
			return nil
		}
		return [][]driver.Value{{int64(9), int64(101), "2026-03-02", "09:00:00", "0", "0", nil, p.visit.Remark, "mobile_sign"}}
	}
	moved := p.in
	moved.Time, moved.Place.Address = at(3, 8, 30, 0), "别处"
	return p.write(2, "third", moved)
}

// looks is what a close look at the row of the punch finds.
func (p *ledgerPlay) looks(date, clock, address string) {
	p.put(`^select id, userid, .* where id in`, p.look(date, clock, address))
}

func (p *ledgerPlay) look(date, clock, address string) []driver.Value {
	return []driver.Value{int64(7), int64(101), date, clock, "121.5", "31.25", address, nil, "from_dd", "1", "1", "1"}
}

// changed reports whether this try has changed a punch: each begins by reading what
// was read before.
func (p *ledgerPlay) changed(how string) bool {
	for _, heard := range slices.Backward(p.s.heard) {
		switch plain := unquoted.Replace(strings.ToLower(heard)); {
		case strings.HasPrefix(plain, "select account, spans"):
			return false
		case strings.HasPrefix(plain, how) && regexp.MustCompile(`hrmschedulesign|mobile_sign`).MatchString(plain):
			return true
		}
	}
	return false
}

// back takes the correction back.
func (p *ledgerPlay) back() (oasink.Undone, error) {
	p.looks("2026-03-03", "08:30:00", "别处")
	p.known(`_rows where row_id in`, 2)
	p.replies[`_changes where run_id = 'third' and target = 1 and row_id > -1`] = func() [][]driver.Value {
		return [][]driver.Value{slices.Concat([]driver.Value{int64(77), "third", int64(0), int64(0)}, p.learnt.entries[0][:13],
			[]driver.Value{int64(1), "121.5", "31.25", p.in.Place.Address, nil})}
	}
	p.put(`^select id, signdate, .* where userid`)
	return p.oa.Undo(context.Background(), "third")
}

// ledgerTranscript plays all that a sink does with a ledger.
func ledgerTranscript(t *testing.T, v vendor, learnt *learntLedger) string {
	p := newLedgerPlay(t, v, learnt)
	var b strings.Builder
	part := func(title string) { writePart(&b, title, p.s.said()) }

	require.NoError(t, p.oa.CreateLedger(context.Background()))
	requireMakes(t, p.s, p.oa)
	if v.name != sqliteName {
		requireSame(t, filepath.Join("..", "..", "..", "docs", "ledger", v.name+".sql"), administrators(v, p.oa.LedgerStatements()))
	}
	part("CreateLedger")

	w, err := p.add()
	require.NoError(t, err)
	require.Equal(t, 2, w.Written)
	part("Write: everything is missing")

	w, err = p.again()
	require.NoError(t, err)
	require.Equal(t, 2, w.Present)
	part("Write: all is as it was")

	w, err = p.correct()
	require.NoError(t, err)
	require.Equal(t, [3]int{1, 1, 1}, [3]int{w.Written, w.Corrected, w.Removed})
	part("Write: one punch was corrected, one withdrawn")

	u, err := p.back()
	require.NoError(t, err)
	require.Equal(t, [2]int{0, 1}, [2]int{u.Removed, u.Restored})
	part("Undo: a row is put back")

	p.looks("2026-03-02", "08:00:00", p.in.Place.Address)
	p.known(`_rows where run_id = 'first' and target = 1 and row_id > -1`, 0)
	u, err = p.oa.Undo(context.Background(), "first")
	require.NoError(t, err)
	require.Equal(t, [2]int{1, 0}, [2]int{u.Removed, u.Restored})
	part("Undo: a row is removed")

	p.oa.Check(context.Background())
	part("Check")
	return b.String()
}

// requireMakes looks whether what an administrator is told to run is what the library
// runs by itself.
func requireMakes(t *testing.T, s *script, oa *oasink.Sink) {
	t.Helper()
	var made []string
	for _, heard := range s.heard {
		if strings.HasPrefix(heard, "CREATE ") || strings.HasPrefix(heard, "INSERT ") && !strings.Contains(heard, "IS_USED_LOCK") {
			made = append(made, heard)
		}
	}
	require.Equal(t, oa.LedgerStatements(), made)
}

// administrators is what the documentation gives them to run.
func administrators(v vendor, statements []string) string {
	text := "-- The tables of the ledger, for an administrator who creates them (docs/operations.md).\n" +
		"-- The schema is that of the OA's tables: put the site's own, and the prefix if it is another.\n\n" +
		strings.Join(statements, ";\n\n") + ";\n"
	if v.name == oracleName {
		text += "\nCOMMIT;\n"
	}
	return text
}

var randomNumber = regexp.MustCompile(`\d{5,}`)

// writePart writes what was heard. The ids of what was before are random numbers.
func writePart(b *strings.Builder, title string, said []string) {
	fmt.Fprintf(b, "-- %s\n\n", title)
	for _, heard := range said {
		statement, args, _ := strings.Cut(heard, "\n    ")
		if strings.HasPrefix(statement, "INSERT") && strings.Contains(strings.ToLower(statement), "punchbridge_changes") {
			const width = 22
			list := strings.Split(args, "\n    ")
			for i := 0; i < len(list); i += width {
				list[i] = randomNumber.ReplaceAllString(list[i], "<random>")
			}
			args = strings.Join(list, "\n    ")
		}
		b.WriteString(statement + "\n;\n")
		if args != "" {
			b.WriteString("    " + args + "\n")
		}
		b.WriteByte('\n')
	}
}
