package oasink

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/uptrace/bun"

	"github.com/punchbridge/punchbridge/attendance"
)

// checkLedger looks whether the ledger is there and whether the account may do with
// it, and with the punch tables, what it needs. It changes nothing.
func (s *Sink) checkLedger(ctx context.Context, sh *shape) []attendance.Finding {
	if s.opts.Ledger == nil {
		return nil
	}
	if err := s.lacksLedger(sh); err != nil {
		f := attendance.FindingOf(attendance.Text{EN: "the ledger is not there yet", ZH: "台账尚未建立"}, err)
		if sh.ledger.version == 0 { // the first run makes it
			f.Code, f.Level = "ledger", attendance.LevelWarning
		}
		return []attendance.Finding{f}
	}
	refused, undo, err := s.ledgerRights(ctx, sh)
	switch {
	case err != nil:
		return []attendance.Finding{attendance.FindingOf(attendance.Text{EN: "the ledger", ZH: "台账"}, err)}
	case len(refused) > 0:
		return []attendance.Finding{attendance.FindingOf(attendance.Text{EN: "the ledger cannot be kept", ZH: "台账无法使用"}, &attendance.Error{
			Code: attendance.CodeStore, Op: "oasink ledger", Detail: "this program's account may not " + strings.Join(refused, ", "), Mend: ledgerRightsMend()})}
	}
	name := sh.ledger.table(ledgerRows).name
	findings := []attendance.Finding{good("ledger", fmt.Sprintf("the ledger is kept in %s and its neighbours", name), fmt.Sprintf("台账已启用（%s 等表）", name))}
	if len(undo) > 0 {
		f := attendance.FindingOf(attendance.Text{EN: "no run could be undone", ZH: "无法撤销运行"}, &attendance.Error{
			Code: attendance.CodeStore, Op: "oasink ledger", Detail: "this program's account may not " + strings.Join(undo, ", "), Mend: ledgerRightsMend()})
		f.Level = attendance.LevelWarning
		findings = append(findings, f)
	}
	return findings
}

// ledgerRights tries statements that touch no row: databases look at the rights
// first. refused are those that a run needs, undo those that only Undo does.
func (s *Sink) ledgerRights(ctx context.Context, sh *shape) (refused, undo []string, err error) {
	type attempt struct {
		what, sql string
		undo      bool
	}
	var tries []attempt
	try := func(what string, q *statement) {
		tries = append(tries, attempt{what: what, sql: string(q.sql(" WHERE 1 = 0").b)})
	}
	for _, layout := range ledgerLayout() {
		if t := sh.ledger.table(layout.name); layout.name != ledgerVersions {
			columns := layout.needs()
			try("insert into "+t.name.String(), s.statement("INSERT INTO ").table(t).sql(" (").columns(t, columns...).sql(") SELECT ").columns(t, columns...).sql(" FROM ").table(t))
			if layout.name != ledgerOrigins {
				try("delete from "+t.name.String(), s.statement("DELETE FROM ").table(t))
			}
		}
	}
	for _, x := range [...]struct {
		*table
		column string
	}{{sh.sign, "signTime"}, {sh.mobile, "operate_time"}} {
		if t := x.table; t.has(x.column) {
			try("update "+t.name.String(), s.statement("UPDATE ").table(t).sql(" SET ").column(t, x.column).sql(" = ").column(t, x.column))
			try("delete from "+t.name.String(), s.statement("DELETE FROM ").table(t))
			tries[len(tries)-1].undo = s.opts.Ledger.Withdrawn != DeleteWithdrawn
		}
	}
	err = s.exclusively(ctx, func(ctx context.Context, c bun.Conn, _ bool) error {
		refused, undo = nil, nil
		for _, t := range tries {
			why, err := s.tried(ctx, c, s.statement(t.sql))
			if err != nil {
				return err
			}
			if list := &refused; why != nil {
				if t.undo {
					list = &undo
				}
				*list = append(*list, fmt.Sprintf("%s (%v)", t.what, s.quotable(why)))
			}
		}
		return errTried
	})
	if !errors.Is(err, errTried) {
		return nil, nil, err
	}
	return refused, undo, nil
}
