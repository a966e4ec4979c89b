package oasink

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/uptrace/bun"

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
	// Prefix begins the names of the tables: letters, digits and '_'. Default
	// punchbridge_.
	Prefix string
	// Schema is where the tables are. Default: where the punch tables are.
	Schema string
	// Withdrawn says what becomes of rows whose punch the platform has no longer.
	// Default: [KeepWithdrawn].
	Withdrawn Withdrawn
}

// Withdrawn says what becomes of rows whose punch the platform has no longer.
type Withdrawn uint8

// The choices.
const (
	// KeepWithdrawn leaves them and counts them as superseded.
	KeepWithdrawn Withdrawn = iota
	// DeleteWithdrawn removes them, when the ledger proves that the row is ours and
	// unchanged, when the account was answered with something or the punch has
	// lacked in two answers, and when they are no more than 3, or 5 % of our rows of
	// the batch's people and span; else none is removed (warning
	// withdrawals_suspicious).
	DeleteWithdrawn
)

const (
	defaultLedgerPrefix = "punchbridge_"
	// ledgerVersion is the version of the tables' layout.
	ledgerVersion = 1
)

// ledgerKeeper is what a dialect adds to hold a ledger's tables.
type ledgerKeeper interface {
	ledgerTypes() ledgerTypes
}

// ledgerTypes is how a database spells the ledger's tables.
type ledgerTypes struct {
	big, small string // whole numbers of 64 bits, and of one digit
	text       string // a text of %d characters that is compared byte for byte
	options    string // what follows a table
	inline     bool   // indexes are declared within the table
	indexHome  bool   // an index is named with its schema, its table without
}

// A ledgerTable is one table of the ledger. Columns are "name kind" with the kinds
// big, small and tN; all but texts are NOT NULL (for Oracle the empty text is NULL).
type ledgerTable struct {
	name    string
	columns []string
	key     string
	indexes []string
}

// The ledger's tables, without the prefix.
const (
	ledgerOrigins  = "origins" // sources and corps by the number that stands for them
	ledgerRows     = "rows"    // which row of the OA is which punch
	ledgerReads    = "reads"   // which stretches of an account were read when
	ledgerChanges  = "changes" // what rows were before a run moved or removed them
	ledgerVersions = "version" // made last: its row says that all is there
)

func ledgerLayout() []ledgerTable {
	return []ledgerTable{
		{ledgerOrigins, []string{"origin big", "source t100", "corp t100"}, "origin", nil},
		{ledgerRows, []string{
			"origin big", "target small", "record_id t100", "row_id big", "account t64", "person big", "punched big", "wrote big", "sign_type small",
			"sign_from t50", "place big", "stored big", "read_at big", "absent_at big", "absent_run t64", "moves big", "run_id t64",
		}, "origin, target, record_id", []string{"origin, account, punched", "row_id", "run_id"}},
		{ledgerReads, []string{"origin big", "account t64", "spans t1000"}, "origin, account", nil},
		{ledgerChanges, []string{
			"id big", "run_id t64", "step big", "removed small",
			"origin big", "target small", "record_id t100", "row_id big", "account t64", "person big", "punched big", "wrote big", "sign_type small",
			"sign_from t50", "place big", "stored big", "read_at big",
			"replaced small", "longitude t50", "latitude t50", "address t1000", "remark t1000",
		}, "id", []string{"run_id", "row_id"}},
		{ledgerVersions, []string{"version big"}, "version", nil},
	}
}

func (t ledgerTable) needs() []string {
	names := make([]string, len(t.columns))
	for i, c := range t.columns {
		names[i], _, _ = strings.Cut(c, " ")
	}
	return names
}

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
	if len(l.Prefix) > 20 || strings.IndexFunc(l.Prefix, func(r rune) bool {
		return (r < 'a' || r > 'z') && (r < 'A' || r > 'Z') && (r < '0' || r > '9') && r != '_'
	}) >= 0 {
		return fmt.Errorf("oasink: the ledger's prefix %q may hold 20 letters, digits and '_'", l.Prefix)
	}
	if _, ok := s.dialect.(ledgerKeeper); !ok {
		return fmt.Errorf("oasink: no ledger can be kept on %s: leave Options.Ledger nil; corrections and withdrawals are then counted, not made", s.dialect.name())
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
	if s.opts.Ledger.Schema != "" {
		home = s.opts.Ledger.Schema
	}
	return tableName{home, s.opts.Ledger.Prefix + name}
}

// LedgerStatements returns the SQL that creates the ledger's tables, for
// administrators who create tables themselves: in order, the last one marks the
// ledger as complete. It is empty when Options.Ledger is nil.
func (s *Sink) LedgerStatements() []string {
	if s.opts.Ledger == nil {
		return nil
	}
	var list []string
	for _, t := range ledgerLayout() {
		list = append(list, s.ledgerSQL(t)...)
	}
	return append(list, s.ledgerComplete())
}

// CreateLedger creates those of the ledger's tables that are missing. It needs the
// right to create tables only then. Without Options.Ledger it does nothing.
func (s *Sink) CreateLedger(ctx context.Context) error {
	if s.opts.Ledger == nil {
		return nil
	}
	sh, err := s.probe(ctx)
	if err != nil {
		return err
	}
	if err := sh.ledger.lack(); err == nil || sh.ledger.version > ledgerVersion {
		return err
	}
	err = s.exclusively(ctx, func(ctx context.Context, c bun.Conn, _ bool) error {
		for _, t := range ledgerLayout() {
			// Another process may have made it while we waited for the lock.
			name, columns, err := s.dialect.find(ctx, c.Conn, s.ledgerName(sh.home(), t.name))
			if err != nil {
				return err
			}
			if len(columns) > 0 {
				if t.name != ledgerVersions {
					continue
				}
				complete := int64(0)
				q := s.statement("SELECT COUNT(*) FROM ").table(&table{name: name})
				if err := q.query(ctx, c, 1, func(v []any) error { complete = intOf(v[0]); return nil }); err != nil || complete > 0 {
					return err
				}
			} else {
				for _, sql := range s.ledgerSQL(t) {
					if err := s.statement(sql).exec(ctx, c); err != nil {
						return err
					}
				}
			}
		}
		return s.statement(s.ledgerComplete()).exec(ctx, c)
	})
	if err != nil {
		if e, ok := errors.AsType[*attendance.Error](err); ok && s.dialect.diagnose(err) == denied {
			e.Mend = attendance.Text{
				EN: "let a database administrator create the tables (oasink.Sink.LedgerStatements, docs/operations.md), or grant the right to create tables for the first run",
				ZH: "请由数据库管理员建表（oasink.Sink.LedgerStatements，见 docs/operations.zh-CN.md），或在首次运行时授予建表权限",
			}
		}
		return err
	}
	sh, err = s.probe(ctx)
	if err != nil {
		return err
	}
	return sh.ledger.lack()
}

// ledgerSQL is what creates a table and its indexes.
func (s *Sink) ledgerSQL(t ledgerTable) []string {
	types := s.dialect.(ledgerKeeper).ledgerTypes() //nolint:forcetypeassert // New has made sure
	name := s.ledgerName(s.shape.Load().home(), t.name)
	q := s.statement("CREATE TABLE ").table(&table{name: name}).sql(" (")
	for _, c := range t.columns {
		column, kind, _ := strings.Cut(c, " ")
		q.sql(column).sql(" ").sql(types.spell(kind))
		if kind[0] != 't' || strings.Contains(", "+t.key+", ", ", "+column+", ") {
			q.sql(" NOT NULL")
		}
		q.sql(", ")
	}
	q.sql("PRIMARY KEY (").sql(t.key).sql(")")
	var indexes []string
	for _, columns := range t.indexes {
		words := strings.Split(columns, ", ")
		index := tableName{name: name.name + "_" + words[len(words)-1]}
		if types.inline {
			q.sql(", INDEX ").name(index.name).sql(" (").sql(columns).sql(")")
			continue
		}
		on := name
		if types.indexHome {
			index.schema, on.schema = on.schema, ""
		}
		indexes = append(indexes, string(s.statement("CREATE INDEX ").table(&table{name: index}).sql(" ON ").table(&table{name: on}).sql(" (").sql(columns).sql(")").b))
	}
	return append([]string{string(q.sql(")").sql(types.options).b)}, indexes...)
}

func (s *Sink) ledgerComplete() string {
	name := s.ledgerName(s.shape.Load().home(), ledgerVersions)
	return string(s.statement("INSERT INTO ").table(&table{name: name}).sql(fmt.Sprintf(" (version) VALUES (%d)", ledgerVersion)).b)
}

func (t ledgerTypes) spell(kind string) string {
	switch kind {
	case "big":
		return t.big
	case "small":
		return t.small
	default:
		var n int
		_, _ = fmt.Sscanf(kind, "t%d", &n)
		return fmt.Sprintf(t.text, n)
	}
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
