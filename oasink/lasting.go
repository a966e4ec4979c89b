package oasink

import (
	"context"
	"database/sql"
	"fmt"
	"strconv"
	"strings"

	"github.com/uptrace/bun"

	"github.com/punchbridge/punchbridge/attendance"
)

// Tables whose rows outlive a transaction that is rolled back (MySQL's MyISAM and the
// like). A row that such a table changes would be written once more by every run: so
// rows are added one by one, each is looked at by the id that it got, and one that does
// not hold what was sent is taken back by that id. Who may not delete there may not add.

// insertLasting adds the wanted rows to a table whose rows outlive the transaction.
func (w *writing) insertLasting(ctx context.Context, c bun.Conn, id tableID, rows []want, s *search) error {
	t := w.punchTable(id)
	if err := w.mayTakeBack(ctx, c, t); err != nil {
		return err
	}
	last, err := mysqlLastID(ctx, c)
	if err != nil {
		return err
	}
	for _, g := range s.groups {
		for _, n := range g {
			r, fitted := &rows[n], w.fitted
			err = w.insertGroup(ctx, c, id, []int32{n})
			switch {
			case err != nil && (ctx.Err() != nil || !w.refusesRow(err)):
				return err
			case err != nil:
				w.fitted, r.fault = fitted, w.refusedRow(err)
				s.alone++
				last, err = mysqlLastID(ctx, c) // which an error may have changed
			default:
				last, err = w.keepLasting(ctx, c, id, n, last)
				s.proved = s.proved || r.fault == nil
			}
			if err != nil {
				return err
			}
			if s.gaveUp = s.hopeless(); s.gaveUp {
				s.begin(rows)
				return nil
			}
		}
	}
	return nil
}

// keepLasting looks at the row that was just added, and takes it back if it is not what
// was sent. before is the last id that this session was given, next the one of the row.
func (w *writing) keepLasting(ctx context.Context, c bun.Conn, id tableID, n int32, before int64) (next int64, err error) {
	next, err = mysqlLastID(ctx, c)
	if err != nil {
		return before, err
	}
	t, _, _, names := w.identity(id)
	rows := w.listOf(id).rows
	r := &rows[n]
	if next == before || !t.has("id") { // the database gives no ids
		r.sent = true
		if err = w.lookAgain(ctx, c, id, rows[n:n+1]); err == nil && !r.found {
			err = lastingChanged(t, t.lasting(), "sent "+w.sent(id, r.key)+", which is not found again")
		}
		return next, err
	}
	found, same := "found no such row", false
	q := w.statement("SELECT ").columns(t, names...).sql(" FROM ").table(t).sql(" WHERE ").column(t, "id").sql(" = ").number(next)
	err = q.query(ctx, c, len(names), func(v []any) error {
		found, same = "found "+wordsOf(v), w.isSent(id, r.key, v)
		return nil
	})
	if same || err != nil {
		r.sent = true // and is no other one's where the batch begins again
		return next, err
	}
	detail := "sent " + w.sent(id, r.key) + ", " + found
	if err := w.statement("DELETE FROM ").table(t).sql(" WHERE ").column(t, "id").sql(" = ").number(next).exec(ctx, c); err != nil {
		if w.dialect.diagnose(err).repeats() {
			err = lastingChanged(t, t.lasting(), detail+", which could not be taken back: "+w.quotable(err).Error())
		}
		return next, err
	}
	r.fault = &rowFault{attendance.RowChanged, detail}
	return next, nil
}

// isSent reports whether a row, as a writer looks at it, is the one with the key.
func (w *writing) isSent(id tableID, k key, v []any) bool {
	at, ok := secondIn(v[1], v[2])
	found := key{person: intOf(v[0]), at: at}
	if id == signTable {
		found.sign = signTypeFrom(digitOf(v[3]))
		ok = ok && (!w.shape.sign.has("signFrom") || textOf(v[4]) == w.tag)
	}
	return ok && found == k
}

// wordsOf are the values of a row for people.
func wordsOf(v []any) string {
	words := make([]string, len(v))
	for i := range v {
		if words[i] = textOf(v[i]); words[i] == "" {
			words[i] = "NULL"
		}
	}
	return oneLine(strings.Join(words, " "))
}

// mayTakeBack is the error about an account that may not delete from a table of which
// nothing else takes rows back.
func (s *Sink) mayTakeBack(ctx context.Context, c bun.Conn, t *table) error {
	err := s.statement("DELETE FROM ").table(t).sql(" WHERE 1 = 0").exec(ctx, c)
	if err == nil || s.dialect.diagnose(err) != denied {
		return err
	}
	return &attendance.Error{Code: attendance.CodeStore, Op: "oasink", Err: err,
		Detail: fmt.Sprintf("%s is a table of %s, which has no transactions: a row that a trigger or a column changes could only be taken back by deleting it, to which this program's account lacks the right (%v); so nothing is written there, because each run would add such a row once more",
			t.name, t.lasting(), s.quotable(err)),
		Mend: lastingMend()}
}

// lastingChanged is the error about a row that is not what was sent, and stays.
func lastingChanged(t *table, engine, why string) error {
	return &attendance.Error{Code: attendance.CodeRowChanged, Op: "oasink write", Err: errChanged,
		Detail: fmt.Sprintf("%s (%s, without transactions) does not keep rows as they are written: %s", t.name, engine, why), Mend: lastingMend()}
}

func lastingMend() attendance.Text {
	return attendance.Text{
		EN: "convert the table to InnoDB (ALTER TABLE ... ENGINE=InnoDB), or grant this program's account DELETE on it, and look for the trigger or the column that changes rows",
		ZH: "请将该表转换为 InnoDB（ALTER TABLE ... ENGINE=InnoDB），或授予本程序账号对该表的 DELETE 权限，并检查改变写入值的触发器或列",
	}
}

// lastingFinding is about a table without transactions.
func lastingFinding(t *table, engine string) attendance.Finding {
	return attendance.Finding{Code: "no_transactions", Level: attendance.LevelWarning, Message: attendance.Text{
		EN: fmt.Sprintf("%s is a table of %s, which has no transactions: rows are added one by one, and a run that is cut off leaves a part of a batch, which the next run completes; a ledger does not know that part and leaves it as it is", t.name, engine),
		ZH: fmt.Sprintf("%s 使用 %s 引擎，不支持事务：只能逐行写入；运行中断会留下半批数据，由下次运行补齐；启用台账时，这半批数据不在台账中，不会再被更正", t.name, engine),
	}, Mend: attendance.Text{EN: "convert the table to InnoDB", ZH: "请将该表转换为 InnoDB"}}
}

// mysqlLastID is the last id that the server has given to this session by itself. What a
// trigger is given is not among them (…/refman/8.4/en/information-functions.html).
func mysqlLastID(ctx context.Context, c bun.Conn) (n int64, err error) {
	err = mysqlRows(ctx, c, "SELECT LAST_INSERT_ID()", nil, func(v []sql.NullString) { n, _ = strconv.ParseInt(v[0].String, 10, 64) }, 1)
	return n, err
}
