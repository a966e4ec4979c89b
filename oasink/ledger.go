package oasink

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/punchbridge/punchbridge/attendance"
)

// LedgerOptions let a [Sink] keep a ledger: tables of its own, beside those of
// e-cology, that remember which row is which punch. With it, in the transaction
// that writes a batch,
//
//   - a corrected punch (the same record with another time, type, kind or place)
//     moves its row, and so does one whose account is now bound to another person;
//   - a row whose punch the platform has no longer is counted as superseded and
//     kept, or removed (Withdrawn);
//   - an answer that was read before a newer one of the same account and days
//     changes and removes nothing; it still adds what is missing;
//   - [Sink.Undo] can take a run back.
//
// Only rows that this ledger knows as written by the library, and that still hold
// what was written, are ever changed or removed. Rows that were there before, also
// those of the same tag, never are.
//
// The account then also needs SELECT, INSERT and DELETE on the ledger's tables, and
// UPDATE (with DeleteWithdrawn and for Undo: DELETE too) on HrmScheduleSign and
// mobile_sign. [Sink.CreateLedger] makes the tables.
type LedgerOptions struct {
	// Prefix begins the names of the tables: at most 20 letters, digits and '_' (16
	// on Oracle). Default punchbridge_.
	Prefix string
	// Schema is where the tables are. Default: where the punch tables are.
	Schema string
	// Withdrawn says what becomes of rows whose punch the platform has no longer.
	// Default: [KeepWithdrawn].
	Withdrawn Withdrawn
	// FreezeAfterDay closes months, as in [attendance.Options], to what [Sink.Undo] has
	// computed anew. (A write is told by its batch.)
	FreezeAfterDay int
}

// Withdrawn says what becomes of rows whose punch the platform has no longer.
type Withdrawn uint8

// The choices.
const (
	// KeepWithdrawn leaves them and counts them as superseded.
	KeepWithdrawn Withdrawn = iota
	// DeleteWithdrawn removes them, when the ledger proves that the row is ours and
	// unchanged, when the very account that it was written from was asked for the same
	// person, and was either answered with something or is [attendance.Member.Known] and
	// the punch has lacked in two answers, and when they are no more than 3, or 5 % of our
	// rows of the batch's people and span; else none is removed (warning
	// withdrawals_suspicious). Rows of an account that the person no longer has, or that is
	// another person's now, stay, are counted as superseded and told (account_changed).
	DeleteWithdrawn
)

// ledgerShape is what was found of the ledger's tables; the zero value where the
// host wants no ledger.
type ledgerShape struct {
	tables  map[string]*table // by the name without the prefix
	version int64             // 0: none, or not complete
}

func (l ledgerShape) table(name string) *table { return l.tables[name] }

// lack is why the ledger cannot be used; nil when it can.
func (l ledgerShape) lack() error {
	for _, t := range ledgerLayout() {
		if found := l.table(t.name); !found.usable(t.needs()...) {
			return &attendance.Error{Code: attendance.CodeTable, Op: "oasink ledger", Detail: found.complaint(t.needs()), Mend: ledgerMend()}
		}
	}
	switch {
	case l.version == 0:
		return &attendance.Error{Code: attendance.CodeTable, Op: "oasink ledger", Detail: "the ledger's tables were not made to the end", Mend: ledgerMend()}
	case l.version != ledgerVersion:
		return &attendance.Error{Code: attendance.CodeTable, Op: "oasink ledger",
			Detail: fmt.Sprintf("the ledger's tables have the layout %d, this program knows %d", l.version, ledgerVersion),
			Mend:   attendance.Text{EN: "use the version of this program that made them, or a newer one", ZH: "请使用建立这些表的程序版本或更新版本"}}
	}
	return nil
}

func ledgerMend() attendance.Text {
	return attendance.Text{EN: "let the ledger's tables be created once (oasink.Sink.CreateLedger; the bridge does it with its first run)",
		ZH: "请先建立台账表（oasink.Sink.CreateLedger；bridge 首次运行时自动建立）"}
}

// ledgerRightsMend says which rights a ledger needs.
func ledgerRightsMend() attendance.Text {
	return attendance.Text{
		EN: "grant this program's account SELECT, INSERT and DELETE on the ledger's tables, and UPDATE and DELETE on HrmScheduleSign and mobile_sign",
		ZH: "请授予本程序账号台账表的查询、插入、删除权限，以及 HrmScheduleSign、mobile_sign 的更新、删除权限",
	}
}

// validLedger refuses options that no database takes.
func (s *Sink) validLedger() error {
	if s.opts.Ledger == nil {
		return nil
	}
	l := *s.opts.Ledger
	if l.Prefix == "" {
		l.Prefix = defaultLedgerPrefix
	}
	s.opts.Ledger = &l
	most := s.dialect.ledgerTypes().prefix()
	if len(l.Prefix) > most || strings.IndexFunc(l.Prefix, func(r rune) bool {
		return (r < 'a' || r > 'z') && (r < 'A' || r > 'Z') && (r < '0' || r > '9') && r != '_'
	}) >= 0 {
		return fmt.Errorf("oasink: the ledger's prefix %q may hold %d letters, digits and '_' on %s", l.Prefix, most, s.dialect.name())
	}
	return nil
}

// probeLedger looks at the ledger's tables.
func (s *Sink) probeLedger(ctx context.Context, home string) (ledgerShape, error) {
	l := ledgerShape{tables: make(map[string]*table)}
	if s.opts.Ledger == nil {
		return l, nil
	}
	var err error
	if l.tables[ledgerVersions], err = s.findTable(ctx, s.ledgerName(home, ledgerVersions)); err != nil {
		return l, err
	}
	// The version first: once it is there, so is all the rest.
	if t := l.table(ledgerVersions); t.usable("version") {
		err := s.patiently(ctx, "reading the ledger's version", func() error {
			return s.statement("SELECT MAX(").column(t, "version").sql(") FROM ").table(t).query(ctx, s.db, 1, func(v []any) error {
				l.version = intOf(v[0])
				return nil
			})
		})
		if err != nil {
			return l, err
		}
	}
	for _, t := range ledgerLayout() {
		if l.tables[t.name] != nil {
			continue
		}
		if l.tables[t.name], err = s.findTable(ctx, s.ledgerName(home, t.name)); err != nil {
			return l, err
		}
	}
	return l, nil
}

func (s *Sink) ledgerName(home, name string) tableName {
	spell := func(s string) string { return s }
	if s.dialect.ledgerTypes().upper {
		spell = strings.ToUpper
	}
	if s.opts.Ledger.Schema != "" {
		home = spell(s.opts.Ledger.Schema)
	}
	return tableName{home, spell(s.opts.Ledger.Prefix + name)}
}

// lacksLedger is why the ledger cannot be kept; nil when it can, or is not wanted.
func (s *Sink) lacksLedger(sh *shape) error {
	if s.opts.Ledger == nil {
		return nil
	}
	if err := sh.ledger.lack(); err != nil {
		return err
	}
	return s.lacksIDs(sh)
}

// lacksIDs is why no row could be known again.
func (s *Sink) lacksIDs(sh *shape) error {
	for _, t := range [...]*table{sh.sign, sh.mobile} {
		if t.exists() && !t.has("id") {
			return t.lack([]string{"id"})
		}
	}
	return nil
}

// rightsFor adds to an error about a right what a ledger needs.
func (s *Sink) rightsFor(err error) error {
	if e, ok := errors.AsType[*attendance.Error](err); ok && s.opts.Ledger != nil && s.dialect.diagnose(err) == denied {
		e.Mend = ledgerRightsMend()
	}
	return err
}
