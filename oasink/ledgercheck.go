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
	refused, err := s.ledgerRights(ctx, sh)
	switch {
	case err != nil:
		return []attendance.Finding{attendance.FindingOf(attendance.Text{EN: "the ledger", ZH: "台账"}, err)}
	case len(refused) > 0:
		return []attendance.Finding{attendance.FindingOf(attendance.Text{EN: "the ledger cannot be kept", ZH: "台账无法使用"}, &attendance.Error{
			Code: attendance.CodeStore, Op: "oasink ledger", Detail: "this program's account may not " + strings.Join(refused, ", "), Mend: ledgerRightsMend()})}
	}
	name := sh.ledger.table(ledgerRows).name
	return []attendance.Finding{good("ledger", fmt.Sprintf("the ledger is kept in %s and its neighbours", name), fmt.Sprintf("台账已启用（%s 等表）", name))}
}

// ledgerRights tries statements that touch no row: databases look at the rights
// first.
func (s *Sink) ledgerRights(ctx context.Context, sh *shape) (refused []string, err error) {
	nothing := " WHERE 1 = 0"
	var tries []struct{ what, sql string }
	try := func(what string, q *statement) {
		tries = append(tries, struct{ what, sql string }{what, string(q.sql(nothing).b)})
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
	for t, column := range map[*table]string{sh.sign: "signTime", sh.mobile: "operate_time"} {
		if t.has(column) {
			try("update "+t.name.String(), s.statement("UPDATE ").table(t).sql(" SET ").column(t, column).sql(" = ").column(t, column))
			if s.opts.Ledger.Withdrawn == DeleteWithdrawn {
				try("delete from "+t.name.String(), s.statement("DELETE FROM ").table(t))
			}
		}
	}
	err = s.exclusively(ctx, func(ctx context.Context, c bun.Conn, _ bool) error {
		refused = nil
		for _, t := range tries {
			why, err := s.tried(ctx, c, s.statement(t.sql))
			if err != nil {
				return err
			}
			if why != nil {
				refused = append(refused, fmt.Sprintf("%s (%v)", t.what, why))
			}
		}
		return errTried
	})
	if !errors.Is(err, errTried) {
		return nil, err
	}
	return refused, nil
}
