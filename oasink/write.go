package oasink

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/uptrace/bun"

	"github.com/punchbridge/punchbridge/attendance"
)

// Write implements [attendance.Sink]: it adds the rows of the batch that the OA
// lacks, in one transaction, and counts every punch of the batch exactly once.
//
// Where a table or column that a part of the batch needs is missing, or a right to
// it, the rest is written and committed; the error then has [attendance.CodeTable]
// or [attendance.CodeStore] and says how many punches were not written. A database that stays locked for longer than
// LockWait is [attendance.CodeStore]; one that cannot be reached or written at
// all is [attendance.CodeStoreDown].
//
// Present counts rows of our tag; before signFrom existed (E7), and in
// mobile_sign, which has no such column, it counts every row that holds the
// punch. PresentFromOther are rows with another tag or none. Rows of external
// users (userType 2) are other people's. Warnings: not_valid (a row holds the
// punch, but the OA does not show it), text_cut, text_replaced (a character that
// the column's character set lacks became another), not_recalculated.
func (s *Sink) Write(ctx context.Context, b attendance.Batch) (attendance.Written, error) {
	return s.write(ctx, b, nil)
}

// write compares, and then writes or, with a telling, tells.
func (s *Sink) write(ctx context.Context, b attendance.Batch, told *telling) (attendance.Written, error) {
	within := s.exclusively
	if told != nil {
		within = told.within(s)
	}
	tag, err := s.signFrom(b.Source)
	if err != nil {
		return attendance.Written{}, err
	}
	if err := ctx.Err(); err != nil {
		return attendance.Written{}, err
	}
	p := newPlan(b, s.opts.rules())
	sh := s.shape.Load()
	if s.lacks(sh, p) || s.lacksLedger(sh) != nil {
		if sh, err = s.probe(ctx); err != nil { // it may have come since
			return attendance.Written{}, err
		}
	}
	if err := s.lacksFor(sh, told); err != nil {
		return attendance.Written{}, err
	}
	w := newWriting(s, sh, p, tag, b, told)
	if (s.opts.Ledger == nil || len(p.persons) == 0) && len(p.sign.rows)+len(p.mobile.rows)+len(p.answered) == 0 {
		return attendance.Written{Skipped: p.skipped}, w.unwritten()
	}
	err = w.throughout(ctx, within)
	switch {
	case err != nil && ctx.Err() == nil && w.unqueued != "":
		err = w.throughout(ctx, within)
	case attendance.CodeOf(err) == attendance.CodeTable:
		// The tables are no longer what they were when they were probed.
		if sh, err = s.probe(ctx); err != nil {
			return attendance.Written{}, err
		}
		s.opts.Logger.Info("oasink: the tables have changed and were probed again")
		if err := s.lacksFor(sh, told); err != nil {
			return attendance.Written{}, err
		}
		w = newWriting(s, sh, newPlan(b, s.opts.rules()), tag, b, told)
		err = w.throughout(ctx, within)
	case err != nil && ctx.Err() == nil && s.dialect.diagnose(err) == unstorable:
		s.opts.Logger.Info("oasink: a text holds a character that its column cannot; it is replaced")
		w.launders, w.laundry = true, nil
		err = w.throughout(ctx, within)
	}
	for range 2 { // tables may lack a right
		if err == nil || ctx.Err() != nil || w.failing == nil || s.dialect.diagnose(err) != denied {
			break
		}
		w.refused[w.failing] = err
		err = w.throughout(ctx, within)
	}
	if err != nil {
		return attendance.Written{}, w.rightsFor(s.unlessBehind(ctx, sh, err))
	}
	if err := w.unwritten(); err != nil {
		return w.written, err
	}
	return w.written, w.faultError()
}

// mostTries bounds how often a batch is begun again with what the last try has found
// out. A search needs two or three tries, however many rows it finds.
const mostTries = 100

// throughout tries until a try has nothing more to find out.
func (w *writing) throughout(ctx context.Context, within func(context.Context, func(context.Context, bun.Conn, bool) error) error) error {
	for tries := 1; ; tries++ {
		err := within(ctx, w.run)
		if err == nil || !w.again || ctx.Err() != nil || tries == mostTries {
			return err
		}
		if e := w.unlessBehind(ctx, w.shape, err); tries == 1 && e != err { //nolint:errorlint // is it the very same?
			return e // no row is at fault
		}
	}
}

// lacks reports whether a table that the plan needs is not fit to be written.
func (s *Sink) lacks(sh *shape, p *plan) bool {
	return len(p.sign.rows) > 0 && !sh.sign.usable(signNeeds()...) ||
		len(p.mobile.rows) > 0 && !sh.mobile.usable(mobileNeeds()...)
}

// A writing is one call of Write. Its run may be called again from the start:
// whatever it finds out is then found out anew.
type writing struct {
	*Sink
	shape *shape
	plan  *plan
	tag   string
	zone  *time.Location
	batch attendance.Batch
	told  *telling // nil: it is done

	written attendance.Written
	fitted
	// launders is set once the database has refused a text for its characters:
	// laundry then holds what each column can store of each text.
	launders bool
	laundry  map[launderedText]string
	// unqueued is why days cannot be queued for recalculation without losing the
	// transaction.
	unqueued string
	// retyped are rows of our tag that hold no punch by their type.
	retyped []retypedRow
	// failing is the punch table that is being read or written; refused are those to
	// which a right lacks, and why.
	failing *table
	refused map[*table]error

	// again asks for another try, which knows more than the one that has failed:
	// searches are for refused rows, by table, stuck are rows of the ledger that their
	// table does not let be changed or removed, and carefully says that changes are made
	// one by one.
	again     bool
	searches  map[tableID]*search
	stuck     map[rowID]*rowFault
	carefully bool
	// changes and refusedChanges count those made one by one in this try, of wantedChanges;
	// tryOnly says that its transaction was lost to one of them.
	changes, refusedChanges, wantedChanges int
	lastRefusal                            *rowFault
	tryOnly                                bool
	// What became of it: a table took nothing, and how many rows were not tried.
	alone   bool
	untried int

	// What only a ledger needs: which tables can be written, the book (nil without a
	// ledger), rows that changed under our hands, rows removed by the last try and by
	// those whose commit may have come through, and where rows were that are now
	// elsewhere.
	tables    map[tableID]bool
	book      *book
	stubborn  map[rowID]bool
	taken     []*entry
	lost      []*entry
	otherDays []key
	prepared  map[string]*sql.Stmt
}

// fitted counts what was done to texts so that they fit.
type fitted struct {
	cut      int    // texts that were shortened
	cutFirst string // the first column that was
	replaced int    // texts of which characters were replaced
}

func newWriting(s *Sink, sh *shape, p *plan, tag string, b attendance.Batch, told *telling) *writing {
	w := &writing{Sink: s, shape: sh, plan: p, tag: tag, zone: b.Span.Zone(), batch: b, told: told, refused: make(map[*table]error), searches: make(map[tableID]*search), stuck: make(map[rowID]*rowFault)}
	if s.opts.Ledger != nil {
		w.file()
	}
	if told != nil {
		w.foresee()
	}
	return w
}

// run reads what is there and adds what is missing. Rows that a try before it has
// perhaps stored are counted as written, not as there already.
func (w *writing) run(ctx context.Context, c bun.Conn, perhaps bool) error {
	w.written, w.fitted, w.again, w.alone, w.untried = attendance.Written{}, fitted{}, false, false, 0
	w.changes, w.refusedChanges, w.tryOnly = 0, 0, false
	w.told.begin()
	w.plan.sign.forget(perhaps)
	w.plan.mobile.forget(perhaps)
	if w.laundered() {
		if err := w.launder(ctx, c); err != nil {
			return err
		}
	}
	if err := w.openLedger(ctx, c, perhaps); err != nil {
		return err
	}
	var sign, mobile []want
	if w.open(w.shape.sign, signNeeds()) {
		if err := w.readSign(ctx, c); err != nil {
			return err
		}
		if err := w.unlessLedger(ctx, c, w.addSign); err != nil {
			return err
		}
		sign = w.plan.sign.rows
	}
	if (len(w.plan.mobile.rows) > 0 || len(w.book.people(mobileTable)) > 0) && w.open(w.shape.mobile, mobileNeeds()) {
		if err := w.readMobile(ctx, c); err != nil {
			return err
		}
		if err := w.unlessLedger(ctx, c, w.addMobile); err != nil {
			return err
		}
		mobile = w.plan.mobile.rows
	}
	w.failing = nil
	if err := w.withLedger(ctx, c, len(sign) > 0, len(mobile) > 0); err != nil {
		return err
	}
	if err := w.verify(ctx, c); err != nil {
		return err
	}
	w.count(sign)
	w.count(mobile)
	w.countLedger()
	w.countFaults()
	w.written.Days = changed(w.otherDays, sign, mobile)
	w.warn(sign)
	if w.cut > 0 {
		w.written.Warnings = append(w.written.Warnings, attendance.Warningf("text_cut",
			"%d texts were longer than their column takes and were cut, the first in %s", w.cut, w.cutFirst))
	}
	w.warnLedgerless()
	if w.replaced > 0 {
		w.written.Warnings = append(w.written.Warnings, attendance.Warningf("text_replaced",
			"%d texts hold characters that their column's character set lacks; these were replaced", w.replaced))
	}
	if len(w.written.Days) > 0 && w.recalculates(w.shape) {
		return w.recalculate(ctx, c)
	}
	return nil
}

// open reports whether a punch table can be written, which is now begun.
func (w *writing) open(t *table, needs []string) bool {
	if !t.usable(needs...) || w.refused[t] != nil {
		return false
	}
	w.failing = t
	return true
}

// count counts what became of the punches of one table's wanted rows. A punch with
// rows in both is counted with the one in mobile_sign: as written when either was
// added, else by whoever holds that one.
func (w *writing) count(rows []want) {
	for i := range rows {
		r := &rows[i]
		held := r.held
		if r.second || !w.stored(r) {
			continue
		}
		if r.twin > 0 && w.shape.sign.usable(signNeeds()...) {
			if twin := &w.plan.sign.rows[r.twin-1]; twin.taken() && (twin.held == byNobody || twin.held == byThis || !r.taken()) {
				held = twin.held
			}
		}
		switch held {
		case byUs:
			w.written.Present++
		case byOther:
			w.written.PresentFromOther++
		default:
			w.written.Written++
		}
	}
}

// warn tells of punches that stand in the OA only as rows that it does not show.
func (w *writing) warn(rows []want) {
	var hidden int
	var example *want
	for i := range rows {
		if r := &rows[i]; r.held != byNobody && !r.valid {
			if hidden++; example == nil {
				example = r
			}
		}
	}
	if hidden > 0 {
		w.written.Warnings = append(w.written.Warnings, attendance.Warningf("not_valid",
			"%d punches stand in %s only as rows that are marked invalid (isInCom is not 1), which the OA does not show, for example that of person %d at %s %s",
			hidden, w.shape.sign.name, example.person, example.at.date(), example.at.clock()))
	}
}

// unwritten is the error about punches that could not be written although the
// transaction was committed; nil when there are none.
func (w *writing) unwritten() error {
	var reasons []string
	code, mend := attendance.CodeTable, attendance.Text{}
	lost := 0
	for _, t := range [...]struct {
		*table
		needs []string
		rows  []want
	}{{w.shape.sign, signNeeds(), w.plan.sign.rows}, {w.shape.mobile, mobileNeeds(), w.plan.mobile.rows}} {
		if len(t.rows) > 0 && w.refused[t.table] != nil {
			code, mend = attendance.CodeStore, rightsMend()
			if ours, ok := errors.AsType[*attendance.Error](w.refused[t.table]); ok && ours.Mend != (attendance.Text{}) {
				mend = ours.Mend
			}
			reasons = append(reasons, sentence(w.refused[t.table]))
			lost += len(t.rows)
		} else if len(t.rows) > 0 && !t.usable(t.needs...) {
			reasons = append(reasons, t.complaint(t.needs))
			lost += len(t.rows)
		}
	}
	if w.plan.strays > 0 {
		if lost == 0 {
			code = attendance.CodeUnknown
		}
		reasons = append(reasons, "no ids of HrmResource: "+strings.Join(w.plan.nobody, ", "))
		lost += w.plan.strays
	}
	if lost == 0 {
		return nil
	}
	op, what := "oasink write", "%s: %d punches were not written; the rest of the batch is stored"
	if w.told != nil {
		op, what = "oasink preview", "%s: %d punches would not be written; the rest of the batch would be stored"
	}
	return &attendance.Error{Code: code, Op: op, Mend: mend, Detail: fmt.Sprintf(what, strings.Join(reasons, "; "), lost)}
}

// sentence is what an error says has happened.
func sentence(err error) string {
	if e, ok := errors.AsType[*attendance.Error](err); ok {
		return e.Detail
	}
	return err.Error()
}
