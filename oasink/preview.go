package oasink

import (
	"cmp"
	"context"
	"database/sql/driver"
	"slices"
	"strconv"
	"time"

	"github.com/uptrace/bun"

	"github.com/punchbridge/punchbridge/attendance"
)

// Preview implements [attendance.Previewer]: it does all that Write does but the
// writing, and tells what Write would have returned, in the same words, and each row
// that would be added, moved, removed or left as superseded.
//
// It needs no right but SELECT, takes no lock, and waits for no writer of this library
// (SQL Server without row versions makes it wait for rows that somebody is just
// writing); what it says holds until somebody else writes. Rows name the table as
// e-cology does, and the person in whose name the row would stand. Where only the place
// of a row would be rewritten, Was is Time.
//
// A ledger whose tables are not there yet counts as empty (warning ledger_not_there):
// Write would refuse, until they are made. Whether an account may write is nothing
// that reading can tell: see [Sink.Check].
func (s *Sink) Preview(ctx context.Context, b attendance.Batch) (attendance.Preview, error) {
	told := &telling{}
	w, err := s.write(ctx, b, told)
	return attendance.Preview{Written: w, Rows: told.changes(b.Span.Zone())}, err
}

// A telling is the other end of a writing: it is told what would be done, and nothing
// is. Nil where it is done.
type telling struct {
	rows []toldRow
	kept []toldRow // superseded
}

// A toldRow is a row that would be changed.
type toldRow struct {
	table tableID
	key
	action attendance.Action
	was    second
}

// begin prepares for another try.
func (t *telling) begin() {
	if t != nil {
		*t = telling{}
	}
}

// within runs aside, and takes back what a try has told that failed.
func (t *telling) within(s *Sink) func(ctx context.Context, f func(ctx context.Context, c bun.Conn, perhaps bool) error) error {
	return func(ctx context.Context, f func(ctx context.Context, c bun.Conn, perhaps bool) error) error {
		err := s.aside(ctx, f)
		if err != nil {
			t.begin()
		}
		return err
	}
}

// row notes what would be done to a row.
func (t *telling) row(table tableID, k key, a attendance.Action, was second) {
	if t != nil {
		t.rows = append(t.rows, toldRow{table, k, a, was})
	}
}

// keep notes a row that is superseded and stays; keepNone that there is none after all.
func (t *telling) keep(table tableID, k key) {
	if t != nil {
		t.kept = append(t.kept, toldRow{table: table, key: k, action: attendance.ActionKeep})
	}
}

func (t *telling) keepNone() {
	if t != nil {
		t.kept = nil
	}
}

// changes are the rows, by person and time.
func (t *telling) changes(zone *time.Location) []attendance.RowChange {
	var list []attendance.RowChange
	for _, r := range slices.Concat(t.rows, t.kept) {
		c := attendance.RowChange{Table: tableSign, Person: strconv.FormatInt(r.person, 10), Time: r.at.in(zone), Action: r.action, Direction: directionOf(r.sign)}
		if r.table == mobileTable {
			c.Table = tableMobile
		}
		if r.action == attendance.ActionMove {
			c.Was = r.was.in(zone)
		}
		list = append(list, c)
	}
	slices.SortStableFunc(list, func(a, b attendance.RowChange) int {
		return cmp.Or(cmp.Compare(a.Person, b.Person), a.Time.Compare(b.Time), cmp.Compare(a.Table, b.Table),
			cmp.Compare(a.Direction, b.Direction), cmp.Compare(a.Action, b.Action))
	})
	return list
}

// in is the moment at which clocks in the zone show the second.
func (s second) in(zone *time.Location) time.Time {
	day, clock := dayOf(s), int(int64(s)%1e6)
	return time.Date(day.Year, day.Month, day.Day, clock/1e4, clock/100%100, clock%100, 0, zone)
}

// supersede counts a row of ours that the batch lacks and that stays.
func (w *writing) supersede(table tableID, k key) {
	w.written.Superseded++
	w.told.keep(table, k)
}

// aside runs f, which only reads, beside whoever writes: in one consistent read where
// the database has that for the asking.
func (s *Sink) aside(ctx context.Context, f func(ctx context.Context, c bun.Conn, perhaps bool) error) error {
	return s.patiently(ctx, "comparing punches", func() error {
		c, err := s.db.Conn(ctx)
		if err != nil {
			return err
		}
		defer c.Close()
		begin := s.dialect.snapshot()
		if s.afterReads != "" {
			begin = append([]string{s.afterReads}, begin...)
		}
		if len(begin) > 0 {
			defer s.endSnapshot(ctx, &session{Conn: c})
		}
		for _, statement := range begin {
			if _, err := c.ExecContext(ctx, statement); err != nil {
				return err
			}
		}
		return f(ctx, c, false)
	})
}

// endSnapshot leaves the connection as it was, or takes it out of the pool.
func (s *Sink) endSnapshot(ctx context.Context, c *session) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), 10*time.Second)
	defer cancel()
	if err := s.dialect.rollback(ctx, c); err != nil && s.dialect.diagnose(err) != noTransaction {
		_ = c.Raw(func(any) error { return driver.ErrBadConn })
	}
}

// noInsert is the insert of a preview.
type noInsert struct{}

func (noInsert) add(context.Context, ...any) error { return nil }
func (noInsert) flush(context.Context) error       { return nil }
func (noInsert) close()                            {}

// foresee does for a preview what Write comes to only when an insert has failed: it
// looks what the columns cannot hold, where they are known to lack characters.
func (w *writing) foresee() {
	for _, c := range [...]struct {
		*table
		name string
	}{{w.shape.sign, "ADDR"}, {w.shape.mobile, "address"}, {w.shape.mobile, "remark"}} {
		if col, ok := c.column(c.name); ok && col.charset != "" {
			w.launders = true
		}
	}
}

// lacksFor is why the ledger cannot be kept; who only wants to be told does without
// its tables.
func (s *Sink) lacksFor(sh *shape, told *telling) error {
	if told != nil && s.opts.Ledger != nil && sh.ledger.version == 0 {
		return s.lacksIDs(sh)
	}
	return s.lacksLedger(sh)
}

// ledgerless reports whether the ledger's tables are not there, so that there is
// nothing to be read: Write does not come so far.
func (w *writing) ledgerless() bool { return w.shape.ledger.version == 0 }

func (w *writing) warnLedgerless() {
	if w.told != nil && w.opts.Ledger != nil && w.ledgerless() {
		w.written.Warnings = append(w.written.Warnings, attendance.Warningf("ledger_not_there",
			"the ledger's tables are not there yet, or this account may not see them: it is taken as empty, so that rows are told as added that a ledger would have moved"))
	}
}
