package oasink

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/uptrace/bun"

	"github.com/punchbridge/punchbridge/attendance"
)

const (
	defaultLedgerPrefix = "punchbridge_"
	// ledgerVersion is the version of the tables' layout.
	ledgerVersion = 1
	// longestLedgerName is what the library's own part of a name takes: changes_run_id.
	longestLedgerName = 14
)

// ledgerTypes is how a database spells the ledger's tables.
type ledgerTypes struct {
	big, small string // whole numbers of 64 bits, and of one digit
	text       string // a text of %d characters that is compared byte for byte
	options    string // what follows a table
	inline     bool   // indexes are declared within the table
	indexHome  bool   // an index is named with its schema
	bareTable  bool   // and the table on which it is, without
	upper      bool   // names without quotes mean upper case
	commits    bool   // making a table ends the transaction, and with it the lock
	names      int    // how many bytes a name may have, 0: enough
}

// prefix is how long the names' beginning may be.
func (t ledgerTypes) prefix() int {
	if t.names > 0 {
		return t.names - longestLedgerName
	}
	return 20
}

// spell is the type of a column of a kind.
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

// LedgerStatements returns the SQL that creates the ledger's tables, for
// administrators who create tables themselves: in order, the last one marks the
// ledger as complete (and is to be committed, where a client does not do that by
// itself). It is empty when Options.Ledger is nil.
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
	err = s.exclusively(ctx, func(ctx context.Context, c bun.Conn, _ bool) error { return s.makeLedger(ctx, c, sh.home()) })
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

// makeLedger makes what lacks. Another process may have made a part while we waited
// for the lock; where making a table gives the lock away, it may do so at any time,
// or may have been cut off between a table and its indexes.
func (s *Sink) makeLedger(ctx context.Context, c bun.Conn, home string) error {
	commits := s.dialect.ledgerTypes().commits
	for _, t := range ledgerLayout() {
		name, columns, err := s.dialect.find(ctx, c.Conn, s.ledgerName(home, t.name))
		if err != nil {
			return err
		}
		statements := s.ledgerSQL(t)
		switch {
		case len(columns) > 0 && t.name == ledgerVersions:
			complete := int64(0)
			q := s.statement("SELECT COUNT(*) FROM ").table(&table{name: name})
			if err := q.query(ctx, c, 1, func(v []any) error { complete = intOf(v[0]); return nil }); err != nil || complete > 0 {
				return err
			}
			continue
		case len(columns) > 0 && commits:
			statements = statements[1:]
		case len(columns) > 0:
			continue
		}
		for _, sql := range statements {
			if err := s.make(ctx, c, sql); err != nil {
				return err
			}
		}
	}
	return s.make(ctx, c, s.ledgerComplete())
}

// make runs a statement that makes something, which somebody else may just have made.
func (s *Sink) make(ctx context.Context, c bun.Conn, sql string) error {
	err := s.statement(sql).exec(ctx, c)
	if err != nil && s.dialect.diagnose(err) == already {
		return nil
	}
	return err
}

// ledgerSQL is what creates a table and its indexes.
func (s *Sink) ledgerSQL(t ledgerTable) []string {
	types := s.dialect.ledgerTypes()
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
		index := s.ledgerName("", t.name+"_"+words[len(words)-1])
		index.schema = ""
		if types.inline {
			q.sql(", INDEX ").name(index.name).sql(" (").sql(columns).sql(")")
			continue
		}
		on := name
		if types.indexHome {
			index.schema = name.schema
		}
		if types.bareTable {
			on.schema = ""
		}
		indexes = append(indexes, string(s.statement("CREATE INDEX ").table(&table{name: index}).sql(" ON ").table(&table{name: on}).sql(" (").sql(columns).sql(")").b))
	}
	return append([]string{string(q.sql(")").sql(types.options).b)}, indexes...)
}

// ledgerComplete is what marks the ledger as complete.
func (s *Sink) ledgerComplete() string {
	name := s.ledgerName(s.shape.Load().home(), ledgerVersions)
	return string(s.statement("INSERT INTO ").table(&table{name: name}).sql(fmt.Sprintf(" (version) VALUES (%d)", ledgerVersion)).b)
}
