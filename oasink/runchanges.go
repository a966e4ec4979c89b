package oasink

import (
	"context"
	"iter"
	"strconv"
	"time"

	"github.com/punchbridge/punchbridge/attendance"
)

// RunChanges implements [attendance.ChangeReader] by the ledger; without one nothing
// is known of any run. Was and Time of a row that was moved may be of two people; the
// one that is named has the row now.
func (s *Sink) RunChanges(ctx context.Context, run string, zone *time.Location) iter.Seq2[attendance.RowChange, error] {
	return func(yield func(attendance.RowChange, error) bool) {
		sh := s.shape.Load()
		if s.opts.Ledger == nil || run == "" {
			return
		}
		if sh.ledger.lack() != nil { // it may have been made since
			var err error
			if sh, err = s.probe(ctx); err == nil {
				err = sh.ledger.lack()
			}
			if err != nil {
				yield(attendance.RowChange{}, err)
				return
			}
		}
		r := &runReading{Sink: s, shape: sh, run: bounded(run, maxRun), zone: zone}
		for _, id := range [...]tableID{signTable, mobileTable} {
			for _, list := range [...]func(ctx context.Context, id tableID, after int64) ([]attendance.RowChange, int64, error){r.added, r.changed} {
				for after, more := int64(-1), true; more; {
					page, last, err := list(ctx, id, after)
					if err != nil {
						yield(attendance.RowChange{}, err)
						return
					}
					for _, c := range page {
						if err := ctx.Err(); err != nil {
							yield(attendance.RowChange{}, err)
							return
						}
						if !yield(c, nil) {
							return
						}
					}
					more, after = last > after, last
				}
			}
		}
	}
}

// A runReading reads page by page what the ledger has of a run.
type runReading struct {
	*Sink
	shape *shape
	run   string
	zone  *time.Location
}

func (r *runReading) row(e *entry, a attendance.Action) attendance.RowChange {
	c := attendance.RowChange{Table: tableSign, Person: strconv.FormatInt(e.person, 10), Direction: directionOf(e.sign), Time: e.at.in(r.zone), Action: a}
	if e.table == mobileTable {
		c.Table = tableMobile
	}
	return c
}

// added are the rows that the run added, after the row with that id.
func (r *runReading) added(ctx context.Context, id tableID, after int64) (page []attendance.RowChange, last int64, err error) {
	t := r.shape.ledger.table(ledgerRows)
	q := r.statement("SELECT ").columns(t, entryColumns()...).sql(" FROM ").table(t).sql(" WHERE ").column(t, "run_id").sql(" = ").plain(r.run)
	q.sql(" AND ").column(t, "target").sql(" = ").number(int64(id)).sql(" AND ").column(t, "row_id").sql(" > ").number(after).sql(" ORDER BY ").column(t, "row_id")
	q.b = []byte(r.dialect.limit(string(q.b), pageSize))
	err = r.patiently(ctx, "reading the ledger", func() error {
		page, last = page[:0], after
		return q.query(ctx, r.db, len(entryColumns()), func(v []any) error {
			e := entryOf(v)
			page, last = append(page, r.row(e, attendance.ActionAdd)), e.row
			return nil
		})
	})
	return page, last, err
}

// changed are the rows that the run moved or removed, after the change with that id.
func (r *runReading) changed(ctx context.Context, id tableID, after int64) (page []attendance.RowChange, last int64, err error) {
	t := r.shape.ledger.table(ledgerChanges)
	q := r.statement("SELECT ").columns(t, changeColumns()...).sql(" FROM ").table(t).sql(" WHERE ").column(t, "run_id").sql(" = ").plain(r.run)
	q.sql(" AND ").column(t, "target").sql(" = ").number(int64(id)).sql(" AND ").column(t, "id").sql(" > ").number(after).sql(" ORDER BY ").column(t, "id")
	q.b = []byte(r.dialect.limit(string(q.b), pageSize))
	var list []change
	err = r.patiently(ctx, "reading the ledger", func() error {
		list, last = list[:0], after
		return q.query(ctx, r.db, len(changeColumns()), func(v []any) error {
			h := changeOf(v)
			list, last = append(list, h), h.id
			return nil
		})
	})
	if err != nil {
		return nil, last, err
	}
	now, err := r.now(ctx, id, list)
	if err != nil {
		return nil, last, err
	}
	for i := range list {
		h := &list[i]
		c := r.row(&h.entry, attendance.ActionRemove)
		if !h.removed {
			was := c.Time
			if e := now[h.row]; e != nil {
				c = r.row(e, attendance.ActionMove)
			}
			c.Action, c.Was = attendance.ActionMove, was
		}
		page = append(page, c)
	}
	return page, last, nil
}

// now is where the rows that were moved stand.
func (r *runReading) now(ctx context.Context, id tableID, list []change) (map[int64]*entry, error) {
	var ids []int64
	for i := range list {
		if !list[i].removed {
			ids = append(ids, list[i].row)
		}
	}
	found := make(map[int64]*entry, len(ids))
	if len(ids) == 0 {
		return found, nil
	}
	t := r.shape.ledger.table(ledgerRows)
	q := r.statement("SELECT ").columns(t, entryColumns()...).sql(" FROM ").table(t).sql(" WHERE ").column(t, "target").sql(" = ").number(int64(id))
	q.sql(" AND ").column(t, "row_id").sql(" IN ").list(ids)
	return found, r.patiently(ctx, "reading the ledger", func() error {
		return q.query(ctx, r.db, len(entryColumns()), func(v []any) error {
			e := entryOf(v)
			found[e.row] = e
			return nil
		})
	})
}
