package oasink

import (
	"fmt"
	"maps"
	"strconv"
	"strings"

	"github.com/punchbridge/punchbridge/attendance"
	"github.com/punchbridge/punchbridge/attendance/redact"
)

// A rowFault is why a table does not take a row as it is, so that the batch is
// written without it. It is found out by one try and holds for those after it.
type rowFault struct {
	reason attendance.Reason // "" for a row that was not tried by itself
	detail string
}

// errUntried is about the rows that were left when the search was given up: nothing is
// known of them, and the batch is to be written again.
var errUntried error = redact.Own("every row that was tried was refused, so that the table seems to refuse all")

// refusedRow is what a table says of a row that it refuses.
func (s *Sink) refusedRow(err error) *rowFault {
	return &rowFault{attendance.RowRefused, oneLine(s.quotable(err).Error())}
}

// maxReason bounds what is kept of a reason: it is stored for each row.
const maxReason = 300

// oneLine is a database's message for reports.
func oneLine(s string) string {
	return cut(clean(strings.Join(strings.Fields(s), " ")), maxReason, true)
}

// refusesRow reports whether an error is about what a row holds, so that other rows
// may be taken: not trouble of the database, a missing right or column, a setting, or a
// generator of ids that stands behind its rows.
func (w *writing) refusesRow(err error) bool {
	if err == nil {
		return false
	}
	switch w.dialect.diagnose(err) {
	case otherTrouble, already, twice:
		return w.dialect.refuses(err) && !ofGenerator(err) && w.dialect.setting(err) == attendance.Text{}
	case unstorable:
		return w.launders
	default:
		return false
	}
}

// ofGenerator reports whether a row was refused for the id that the database itself
// gave it.
func ofGenerator(err error) bool {
	said := strings.ToLower(err.Error())
	for _, words := range [...]string{
		`_pkey"`,                                // PostgreSQL
		"for key 'primary'",                     // MariaDB, MySQL 5.7
		"hrmschedulesign.primary'",              // MySQL 8
		"mobile_sign.primary'",                  //
		"violation of primary key",              // SQL Server
		"constraint failed: hrmschedulesign.id", // SQLite
		"constraint failed: mobile_sign.id",
	} {
		if strings.Contains(said, words) {
			return true
		}
	}
	return false
}

// taken reports whether the row's table took it: it is there, or was added.
func (w *want) taken() bool { return w.held != byNobody || w.fault == nil }

// stored reports whether the punch of a row has a row, this one or its twin.
func (w *writing) stored(r *want) bool {
	return r.taken() || r.twin > 0 && w.wrote(signTable) && w.plan.sign.rows[r.twin-1].taken()
}

// countFaults lists the rows that their tables do not take, and counts the punches that
// have no row therefore. It notes when a table took none at all of what was to be
// added: then nobody can tell whether the fault is the rows' or the table's.
func (w *writing) countFaults() {
	w.written.Skipped = maps.Clone(w.plan.skipped)
	for _, l := range [...]struct {
		id   tableID
		rows []want
	}{{signTable, w.plan.sign.rows}, {mobileTable, w.plan.mobile.rows}} {
		added, faults, changed, present := 0, 0, 0, 0
		for i := range l.rows {
			r := &l.rows[i]
			switch {
			case r.fault == nil:
				switch r.held {
				case byNobody, byThis:
					added++
				case byUs:
					present++
				}
				continue
			case r.held != byNobody && !r.kept:
				continue // somebody has brought it meanwhile
			case r.fault.reason == "":
				w.untried++
				continue
			}
			faults++
			if r.fault.reason == attendance.RowChanged {
				changed++
			}
			w.written.Unwritten = append(w.written.Unwritten, w.unwrittenRow(l.id, r))
			if !r.second && !w.stored(r) {
				w.written.Skipped[r.fault.reason]++
			}
		}
		w.alone = w.alone || added == 0 && tableFault(faults, changed, present)
	}
	if w.book != nil {
		for _, e := range w.book.kept {
			w.written.Unwritten = append(w.written.Unwritten, w.unremoved(e))
		}
	}
}

// fewFaults is how many refused rows are the rows' own fault, whatever else there is.
const fewFaults = 3

// tableFault decides whether it may be the table's fault, and not the rows', that a table
// took none of the rows that were to be added: so many were refused or changed. Those of
// an earlier run that it holds speak for the table. A table that changes what it is given
// changes it all.
func tableFault(faults, changed, present int) bool {
	return changed > 0 || faults > max(fewFaults, present/20)
}

// unwrittenRow names a row that its table does not take.
func (w *writing) unwrittenRow(id tableID, r *want) attendance.UnwrittenRow {
	u := attendance.UnwrittenRow{Person: strconv.FormatInt(r.person, 10), Account: r.punch.Account, ID: r.punch.ID, Time: r.punch.Time.In(w.zone),
		Kind: r.punch.Kind, Direction: r.punch.Direction, Table: tableSign, Reason: r.fault.reason, Detail: r.fault.detail}
	if id == mobileTable {
		u.Table = tableMobile
	}
	return u
}

// unremoved names a row of the ledger that its table does not let go.
func (w *writing) unremoved(e *entry) attendance.UnwrittenRow {
	fault := w.stuck[e.where()]
	u := attendance.UnwrittenRow{Person: strconv.FormatInt(e.person, 10), Account: e.account, ID: e.platformRecord(), Time: e.at.in(w.zone),
		Kind: attendance.Regular, Direction: directionOf(e.sign), Table: tableSign, Reason: fault.reason, Detail: "withdrawn, and cannot be removed: " + fault.detail}
	if e.table == mobileTable {
		u.Table, u.Kind = tableMobile, attendance.Field
	}
	return u
}

// rowsNamed is how many rows an error names.
const rowsNamed = 5

// faultError is the error of a batch of which a table took nothing, or of which rows
// were left untried; else nil.
func (w *writing) faultError() error {
	rows := w.written.Unwritten
	switch {
	case w.untried > 0:
		return &attendance.Error{Code: attendance.CodeStore, Op: "oasink write", Err: errUntried,
			Detail: fmt.Sprintf("%d rows were not tried any more, because %v; the rest of the batch is stored; refused were: %s", w.untried, errUntried, someRows(rows)),
			Mend:   attendance.CodeRowRefused.Mend()}
	case !w.alone:
		return nil
	}
	return &attendance.Error{Code: rows[0].Err().Code, Op: "oasink write", Detail: "none of the rows that were to be added or changed was taken: " + someRows(rows)}
}

// someRows names the first rows, and says how many there are more.
func someRows(rows []attendance.UnwrittenRow) string {
	var names []string
	for _, u := range rows[:min(len(rows), rowsNamed)] {
		names = append(names, u.Err().Detail)
	}
	if n := len(rows) - len(names); n > 0 {
		names = append(names, fmt.Sprintf("and %d more", n))
	}
	return strings.Join(names, "; ")
}
