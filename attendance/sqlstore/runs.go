package sqlstore

import (
	"context"
	"database/sql"
	"iter"
	"time"

	"github.com/uptrace/bun"

	"github.com/punchbridge/punchbridge/attendance"
)

// runsPerPage and slicesPerPage are few, because a report names everybody left out.
const (
	runsPerPage   = 20
	slicesPerPage = 50
)

const insertRun = "INSERT INTO @runs (id, job, target, kind, plan, attempts, result, code, message, started_s, report) VALUES ?"

// BeginRun implements [attendance.RunStore].
func (s *Store) BeginRun(ctx context.Context, r attendance.RunRecord) error {
	r.Result = ""
	return s.putRun(ctx, "noting that a run begins", r, "attempts", "result", "started_s")
}

// EndRun implements [attendance.RunStore]. A run that is not known becomes so.
func (s *Store) EndRun(ctx context.Context, r attendance.RunRecord) error {
	return s.putRun(ctx, "noting how a run ended", r, "job", "target", "kind", "plan", "attempts", "result", "code", "message", "started_s", "report")
}

// putRun adds the run; of a run that is known it takes over the columns.
func (s *Store) putRun(ctx context.Context, doing string, r attendance.RunRecord, columns ...string) error {
	if err := keys(r.ID); err != nil {
		return err
	}
	r.Message = s.redact(r.Message)
	r.Report.Failed, r.Report.Warnings = s.redacted(r.Report.Failed, r.Report.Warnings)
	r.Report.Unwritten = s.redactedRows(r.Report.Unwritten)
	report, err := s.reportDocument(r.Report)
	if err != nil {
		return err
	}
	row := tuples{{bytes(r.ID), bytes(r.Report.Job), bytes(r.Target), bytes(string(r.Kind)), bytes(r.Plan), r.Attempts,
		bytes(string(r.Result)), bytes(string(r.Code)), bytes(r.Message), seconds(r.Report.Started), report}}
	return s.change(ctx, doing, func(ctx context.Context, c bun.Conn, _ bool) error {
		return s.put(ctx, c, insertRun, row, s.dialect.upsert("id", columns...))
	})
}

// AddSlice implements [attendance.RunStore]. The run need not be known.
func (s *Store) AddSlice(ctx context.Context, run string, r attendance.SliceRecord) error {
	if err := keys(run); err != nil {
		return err
	}
	r.Report.Failed, r.Report.Warnings = s.redacted(r.Report.Failed, r.Report.Warnings)
	r.Report.Unwritten = s.redactedRows(r.Report.Unwritten)
	report, err := s.sliceDocument(r.Report)
	if err != nil {
		return err
	}
	return s.change(ctx, "noting what became of a slice", func(ctx context.Context, c bun.Conn, perhaps bool) error {
		if perhaps { // the answer to a commit was lost
			there, err := one(ctx, c, s.sql("SELECT COUNT(*) FROM @slices WHERE run = ? AND source = ? AND attempt = ? AND at_s = ? AND report = ?"),
				bytes(run), bytes(r.Source), r.Attempt, seconds(r.At), report)
			if err != nil || there > 0 {
				return err
			}
		}
		_, err := c.ExecContext(ctx, s.sql("INSERT INTO @slices (run, source, attempt, at_s, report) VALUES (?, ?, ?, ?, ?)"),
			bytes(run), bytes(r.Source), r.Attempt, seconds(r.At), report)
		return err
	})
}

// Runs implements [attendance.RunStore], in pages of 20; those that began in the same
// second come by their ids.
func (s *Store) Runs(ctx context.Context, f attendance.RunFilter) iter.Seq2[attendance.RunRecord, error] {
	where, args := "WHERE 1 = 1", []any(nil)
	and := func(condition string, of bool, values ...any) {
		if of {
			where += " AND " + condition
			args = append(args, values...)
		}
	}
	and("id = ?", f.ID != "", bytes(f.ID))
	and("job = ?", f.Job != "", bytes(f.Job))
	and("target = ?", f.Target != "", bytes(f.Target))
	and("kind = ?", f.Kind != "", bytes(string(f.Kind)))
	and("plan = ?", f.Plan != "", bytes(f.Plan))
	and("result = ?", f.Unended, bytes(""))
	and("started_s >= ?", !f.Since.IsZero(), seconds(f.Since))
	and("started_s < ?", !f.Until.IsZero(), seconds(f.Until))
	return func(yield func(attendance.RunRecord, error) bool) {
		yielded := 0
		for r, err := range pages(ctx, func(last *attendance.RunRecord) ([]attendance.RunRecord, bool, error) {
			after, values := where, append([]any(nil), args...)
			if last != nil {
				began := seconds(last.Report.Started)
				after += " AND started_s <= ? AND (started_s < ? OR id < ?)"
				values = append(values, began, began, bytes(last.ID))
			}
			size := runsPerPage
			if f.Limit > 0 {
				size = min(size, f.Limit-yielded)
			}
			return s.runs(ctx, after, values, size)
		}) {
			if !yield(r, err) || err != nil {
				return
			}
			if yielded++; yielded == f.Limit {
				return
			}
		}
	}
}

func (s *Store) runs(ctx context.Context, where string, args []any, size int) (page []attendance.RunRecord, more bool, err error) {
	query := s.sql("SELECT id, target, kind, plan, attempts, result, code, message, started_s, report FROM @runs " + where + " ORDER BY started_s DESC, id DESC LIMIT ?")
	err = s.read(ctx, "reading the log of runs", func() error {
		page = nil
		return rows(ctx, s.pool(), query, append(args, size), func(r *sql.Rows) error {
			var text [8][]byte
			var attempts, started int64
			err := r.Scan(&text[0], &text[1], &text[2], &text[3], &attempts, &text[4], &text[5], &text[6], &started, &text[7])
			if err != nil {
				return err
			}
			report, err := readReport(text[7])
			report.Started = instant(started) // an attempt that has not ended yet changes only the column
			page = append(page, attendance.RunRecord{ID: string(text[0]), Target: string(text[1]), Kind: attendance.RunKind(text[2]), Plan: string(text[3]),
				Attempts: int(attempts), Result: attendance.Result(text[4]), Code: attendance.Code(text[5]), Message: string(text[6]), Report: report})
			return err
		})
	})
	return page, len(page) == size, err
}

// addedSlice is a slice and its place in the order.
type addedSlice struct {
	id int64
	attendance.SliceRecord
}

// Slices implements [attendance.RunStore], in pages of 50.
func (s *Store) Slices(ctx context.Context, run string) iter.Seq2[attendance.SliceRecord, error] {
	return func(yield func(attendance.SliceRecord, error) bool) {
		for added, err := range pages(ctx, func(last *addedSlice) ([]addedSlice, bool, error) {
			if last == nil {
				last = &addedSlice{}
			}
			return s.slices(ctx, run, last.id)
		}) {
			if !yield(added.SliceRecord, err) {
				return
			}
		}
	}
}

func (s *Store) slices(ctx context.Context, run string, after int64) (page []addedSlice, more bool, err error) {
	query := s.sql("SELECT id, source, attempt, at_s, report FROM @slices WHERE run = ? AND id > ? ORDER BY id LIMIT ?")
	err = s.read(ctx, "reading the slices of a run", func() error {
		page = nil
		return rows(ctx, s.pool(), query, []any{bytes(run), after, slicesPerPage}, func(r *sql.Rows) error {
			var source, report []byte
			var id, attempt, at int64
			if err := r.Scan(&id, &source, &attempt, &at, &report); err != nil {
				return err
			}
			of, err := readSlice(report)
			page = append(page, addedSlice{id, attendance.SliceRecord{Source: string(source), Attempt: int(attempt), At: instant(at), Report: of}})
			return err
		})
	})
	return page, len(page) == slicesPerPage, err
}

// Prune implements [attendance.RunStore]. The slices of a run that is forgotten are
// forgotten too; those of a run that was never known are, by their own time.
func (s *Store) Prune(ctx context.Context, before, runs time.Time) error {
	return s.change(ctx, "forgetting old runs", func(ctx context.Context, c bun.Conn, _ bool) error {
		cut := max(seconds(before), seconds(runs))
		_, err := c.ExecContext(ctx, s.sql("DELETE FROM @slices WHERE run IN (SELECT id FROM @runs WHERE started_s < ?)"), cut)
		if err == nil {
			_, err = c.ExecContext(ctx, s.sql("DELETE FROM @slices WHERE at_s < ? AND run NOT IN (SELECT id FROM @runs)"), seconds(before))
		}
		if err == nil {
			_, err = c.ExecContext(ctx, s.sql("DELETE FROM @runs WHERE started_s < ?"), seconds(runs))
		}
		return err
	})
}
