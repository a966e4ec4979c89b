package oasink

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/punchbridge/punchbridge/attendance"
	"github.com/punchbridge/punchbridge/attendance/redact"
)

// oracle is Oracle Database 11.2 or later, whichever driver. Page names below are
// those of Oracle's SQL Language Reference.
type oracle struct{ usual }

func (oracle) name() string { return "Oracle" }

// begin begins a transaction of the driver: drivers commit each statement by
// itself otherwise, and no statement tells them not to. (*sql.Tx does not fit: with
// one open, a connection that breaks under another statement waits for the
// transaction's end, and that for the connection.)
//
// Mutual exclusion is a lock on the whole of HrmSubCompany, which e-cology hardly
// ever writes: it excludes the other writers of this library, but no user of the
// OA, who would not be able to punch if it were HrmScheduleSign, for as long as the
// server takes to notice that a writer's machine has vanished. Any right to the
// table but READ will do, and reading it is never held up (LOCK-TABLE). A view's
// base tables are locked, so that it is the same lock through any name. It ends
// with the transaction.
//
// Each statement of READ COMMITTED sees what was committed before it began
// (Database Concepts, Data Concurrency and Consistency), hence all of the writer
// before; the session may have been altered to SERIALIZABLE.
//
// A constraint that may be deferred is looked at with each statement (SET-CONSTRAINTS): at the
// commit nobody could find the refused row. That is all that is lost where it is refused.
//
// An INSERT waits without end for another program's lock on the whole table. That
// it will get its own kind of lock is asked beforehand, where one may set a limit;
// where that is refused for another reason than time, the insert decides.
func (oracle) begin(ctx context.Context, c *session, _ string, wait time.Duration) error {
	err := c.Raw(func(d any) error {
		conn, ok := d.(driver.ConnBeginTx)
		if !ok {
			return redact.Own(fmt.Sprintf("the driver (%T) cannot begin a transaction with a context", d))
		}
		// It outlives ctx, so that it can be committed or rolled back.
		tx, err := conn.BeginTx(context.WithoutCancel(ctx), driver.TxOptions{})
		c.tx = tx
		return err
	})
	if err != nil {
		return err
	}
	if _, err := c.ExecContext(ctx, "SET TRANSACTION ISOLATION LEVEL READ COMMITTED"); err != nil {
		return err
	}
	if _, err := c.ExecContext(ctx, "SET CONSTRAINTS ALL IMMEDIATE"); err != nil && !(oracle{}).diagnose(err).repeats() {
		return err
	}
	if !c.shape.subCompany.exists() {
		return &attendance.Error{Code: attendance.CodeTable, Op: "oasink",
			Detail: c.shape.subCompany.complaint(nil) + "; on Oracle it is what two writers at once are kept apart by",
			Mend:   attendance.Text{EN: "grant this program's account SELECT on HrmSubCompany", ZH: "请授予本程序账号 HrmSubCompany 的查询权限"}}
	}
	if err := oracleLock(ctx, c, c.shape.subCompany, "EXCLUSIVE", wait); err != nil {
		return err
	}
	for _, t := range [...]*table{c.shape.sign, c.shape.mobile} {
		if !t.exists() {
			continue
		}
		err := oracleLock(ctx, c, t, "ROW EXCLUSIVE", wait)
		if kind := (oracle{}).diagnose(err); err != nil && (kind == busy || kind == lost || kind == unreachable || ctx.Err() != nil) {
			return err
		}
	}
	return nil
}

func oracleLock(ctx context.Context, c *session, t *table, mode string, wait time.Duration) error {
	q := &statement{b: []byte("LOCK TABLE ")}
	q.open, q.end = oracle{}.quotes()
	q.table(t).sql(" IN " + mode + " MODE " + oraclePatience(wait))
	return q.exec(ctx, c)
}

func oraclePatience(wait time.Duration) string {
	if seconds := int(wait / time.Second); seconds > 0 {
		return "WAIT " + strconv.Itoa(seconds)
	}
	return "NOWAIT"
}

// lockRows: UPDATE and DELETE wait without end for a row that another session has
// changed and not committed; SELECT ... FOR UPDATE can be told how long.
func (oracle) lockRows(wait time.Duration) string { return " FOR UPDATE " + oraclePatience(wait) }

// commit is not cut off by ctx, which the driver's does not know.
func (oracle) commit(_ context.Context, c *session) error { return c.end(driver.Tx.Commit) }

func (oracle) rollback(_ context.Context, c *session) error { return c.end(driver.Tx.Rollback) }

// end ends the driver's transaction, if there is one. One that could not be
// committed is still there to be rolled back.
func (c *session) end(how func(driver.Tx) error) error {
	if c.tx == nil {
		return nil
	}
	err := c.Raw(func(any) error { return how(c.tx) })
	if err == nil {
		c.tx = nil
	}
	return err
}

func (oracle) anySize() bool { return false }

// commitsAgain: after an error of COMMIT the transaction is rolled back.
func (oracle) commitsAgain() bool { return false }

func (oracle) savepoint() (mark, undo, forget string) {
	return "SAVEPOINT punchbridge", "ROLLBACK TO SAVEPOINT punchbridge", ""
}

// find: names without quotes are folded to upper case. Without a schema it looks
// where a statement of this session would: in the current schema, then for its own
// and for public synonyms, which may name a table otherwise. The views show an
// account only what it has a right to. Synonyms through a database link are left out.
func (oracle) find(ctx context.Context, q querier, want tableName) (tableName, []column, error) {
	if want.schema != "" {
		return oracleFind(ctx, q, want, "UPPER(c.OWNER) = UPPER(:2)", want.schema)
	}
	name, list, err := oracleFind(ctx, q, want, "c.OWNER = SYS_CONTEXT('USERENV', 'CURRENT_SCHEMA')")
	if err != nil || len(list) > 0 {
		return name, list, err
	}
	rows, err := q.QueryContext(ctx, "SELECT TABLE_OWNER, TABLE_NAME FROM ALL_SYNONYMS "+
		"WHERE UPPER(SYNONYM_NAME) = UPPER(:1) AND OWNER IN (SYS_CONTEXT('USERENV', 'CURRENT_SCHEMA'), 'PUBLIC') AND DB_LINK IS NULL "+
		"ORDER BY CASE OWNER WHEN 'PUBLIC' THEN 1 ELSE 0 END", want.name)
	if err != nil {
		return want, nil, err
	}
	defer rows.Close()
	var meant []tableName
	for rows.Next() {
		var t tableName
		if err := rows.Scan(&t.schema, &t.name); err != nil {
			return want, nil, err
		}
		meant = append(meant, t)
	}
	if err := rows.Err(); err != nil || len(meant) == 0 {
		return want, nil, err
	}
	return oracleFind(ctx, q, meant[0], "c.OWNER = :2", meant[0].schema)
}

func oracleFind(ctx context.Context, q querier, want tableName, owner string, args ...any) (tableName, []column, error) {
	rows, err := q.QueryContext(ctx, "SELECT c.OWNER, c.TABLE_NAME, c.COLUMN_NAME, c.DATA_TYPE, c.DATA_LENGTH, c.CHAR_LENGTH, c.CHAR_USED, c.DATA_SCALE, p.VALUE "+
		"FROM ALL_TAB_COLUMNS c CROSS JOIN NLS_DATABASE_PARAMETERS p "+
		"WHERE p.PARAMETER = 'NLS_CHARACTERSET' AND UPPER(c.TABLE_NAME) = UPPER(:1) AND "+owner+
		" ORDER BY c.OWNER, c.TABLE_NAME, c.COLUMN_ID", append([]any{want.name}, args...)...)
	if err != nil {
		return want, nil, err
	}
	defer rows.Close()
	var found spellings
	for rows.Next() {
		var name tableName
		var d oracleDeclared
		if err := rows.Scan(&name.schema, &name.name, &d.name, &d.kind, &d.bytes, &d.characters, &d.used, &d.scale, &d.charset); err != nil {
			return want, nil, err
		}
		found.add(name, d.column())
	}
	if err := rows.Err(); err != nil {
		return want, nil, err
	}
	if len(found.found) > 1 {
		want.name = strings.ToUpper(want.name) // what the name means without quotes
	}
	return found.meant(want)
}

// An oracleDeclared is a row of ALL_TAB_COLUMNS (Database Reference), and the
// database's character set.
type oracleDeclared struct {
	name, kind        string
	bytes, characters sql.NullInt64
	used              sql.NullString // B bytes, C characters
	scale             sql.NullInt64
	charset           string
}

// column: a VARCHAR2 counts bytes unless declared with CHAR; an N type counts units
// of UTF-16. What the database's character set lacks is replaced by the driver,
// which sends texts in it. UTF8 is not UTF-8: there a character above U+FFFF is two
// of three bytes (Database Globalization Support Guide).
func (d *oracleDeclared) column() column {
	c := newColumn(d.name, d.kind)
	switch {
	case d.kind == "NUMBER":
		c.kind = decimal
		if d.scale.Valid && d.scale.Int64 <= 0 {
			c.kind = integer
		}
	case d.kind == "DATE", strings.HasPrefix(d.kind, "TIMESTAMP"):
		c.size, c.instant = 0, "TIMESTAMP '%s %s'" // a text depends on NLS_TIMESTAMP_FORMAT
	case strings.HasPrefix(d.kind, "N"): // NVARCHAR2, NCHAR
		c.size, c.units = int(d.characters.Int64), [2]int{1, 2}
	case d.used.String == "C":
		c.size = int(d.characters.Int64)
	case strings.Contains(d.kind, "CHAR"):
		c.size, c.bytes = int(d.bytes.Int64), true
	}
	if c.kind != text || c.instant != "" {
		return c
	}
	switch d.charset {
	case "AL32UTF8":
	case "UTF8":
		c.bmp = true
	default:
		c.charset, c.lossy = d.charset, true
		c.hanzi = strings.HasPrefix(d.charset, "ZHS16GBK") || strings.HasPrefix(d.charset, "ZHS32GB18030")
		if c.bytes {
			c.units = [2]int{4, 4}
			if c.hanzi && strings.HasPrefix(d.charset, "ZHS16") {
				c.units = [2]int{2, 4}
			}
		}
	}
	return c
}

// concerns: see notChinese.
func (oracle) concerns(ctx context.Context, q querier, _ *shape) ([]attendance.Finding, error) {
	rows, err := q.QueryContext(ctx, "SELECT VALUE FROM NLS_DATABASE_PARAMETERS WHERE PARAMETER = 'NLS_CHARACTERSET'")
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	var findings []attendance.Finding
	for rows.Next() {
		var charset string
		if err := rows.Scan(&charset); err != nil {
			return nil, err
		}
		if !strings.Contains(charset, "UTF8") && !strings.HasPrefix(charset, "ZH") {
			findings = append(findings, notChinese("character set", charset))
		}
	}
	return findings, rows.Err()
}

// unfilled: ids come from triggers, as e-cology's own scripts make them; with one, what
// lacks a default may be filled in. Where the catalogue does not say, nothing is known
// to lack.
func (oracle) unfilled(ctx context.Context, q querier, t *table) ([]string, error) {
	names, err := readTexts(ctx, q, "SELECT c.COLUMN_NAME FROM ALL_TAB_COLUMNS c WHERE c.OWNER = :1 AND c.TABLE_NAME = :2 AND c.NULLABLE = 'N' AND c.DEFAULT_LENGTH IS NULL "+
		"AND NOT EXISTS (SELECT 1 FROM ALL_TRIGGERS g WHERE g.TABLE_OWNER = c.OWNER AND g.TABLE_NAME = c.TABLE_NAME AND g.STATUS = 'ENABLED' AND g.TRIGGERING_EVENT LIKE '%INSERT%') "+
		"ORDER BY c.COLUMN_ID", t.name.schema, t.name.name)
	if err != nil && (oracle{}).diagnose(err).repeats() {
		return nil, nil
	}
	return names, err
}

// limit: FETCH FIRST came with 12.1.
func (oracle) limit(query string, n int) string {
	return fmt.Sprintf("SELECT * FROM (%s) WHERE ROWNUM <= %d", query, n)
}

// insert: VALUES has one row before 23ai.
func (oracle) insert(to target) insert { return newBulkInsert(to) }

// rowsPerInsert bounds the memory of one statement.
func (oracle) rowsPerInsert() int { return 1000 }

// argumentsPerStatement is 65535 (ORA-01745); one a column is needed.
func (oracle) argumentsPerStatement() int { return 65535 }

func (oracle) argument(n int) string { return ":" + strconv.Itoa(n) }

// storable sends the text there and back: it is the driver that converts.
func (oracle) storable(ctx context.Context, c *sql.Conn, s string, col column) (string, error) {
	if col.charset == "" {
		return s, nil
	}
	return oneText(ctx, c, s, "SELECT TO_CHAR(:1) FROM DUAL", s)
}

// refuses: whatever the server says of a statement that it understood, but for faults
// of its own.
func (oracle) refuses(err error) bool {
	n := oracleNumber(err)
	return n != 0 && n != 600 && n != 7445
}

// diagnose goes by the number (Database Error Messages).
func (oracle) diagnose(err error) trouble {
	if err == nil {
		return otherTrouble
	}
	if errors.Is(err, errBusy) {
		return busy
	}
	switch oracleNumber(err) {
	case 0:
		return connectionTrouble(err)
	case 54, 30006, // a lock is held, for too long
		60,         // deadlock
		4020, 4021, // the same of the dictionary
		8177, // changed under a snapshot
		2049, // a lock of a distributed transaction
		1013: // the statement took too long
		return busy
	case 28, 1012, 1089, 1090, 1092, 2396, 3113, 3114, 3135, 12537, 12547, 12570, 12571, 25408, 41800: // killed, idle for too long, shut down, cut
		return lost
	case 16000, 1456, 28194, 16456, 372: // a read-only database or transaction, a standby
		return readOnly
	case 1031, 1720, 1950, 41900: // 1950: in a tablespace; 41900: which right it is, from 23ai on
		return denied
	case 1536, 1631, 1632, 1652, 1653, 1654, 1658, 1688, 1691, 30036, 257, 19809, 19815, 4030, 4031: // quota, tablespace, undo, archive, memory
		return full
	case 1017, 1005, 1045, 28000, 28001, 1033, 1034, 18, 20, // no access, not up, too many sessions
		12154, 12170, 12203, 12224, 12505, 12506, 12514, 12516, 12518, 12519, 12520, 12528, 12535, 12541, 12543, 12545, 12560, 12564: // the listener
		return unreachable
	case 942, 904, 980, 4043, 4063, 24344: // no such table, column, what a synonym names; an invalid view
		return missing
	case 12713: // character data loss
		return unstorable
	case 955, 1408, 1: // a table or an index of that name, an index of those columns, a row with that key
		return already
	}
	return otherTrouble
}

// oracleNumber is the first number of an error's text, which the server writes as
// ORA-00942; 0 where there is none.
func oracleNumber(err error) int {
	n, _ := numberAfter(err, "ORA-")
	return n
}

// ledgerTypes: the database's own character set may lack characters, the national
// one is always Unicode. A literal of the former is converted to the latter and not
// the column, so that indexes are used (Data Type Comparison Rules). Names have 30
// bytes before 12.2. Each statement that makes something commits, and the lock ends.
func (oracle) ledgerTypes() ledgerTypes {
	return ledgerTypes{big: "NUMBER(19)", small: "NUMBER(5)", text: "NVARCHAR2(%d)", indexHome: true, upper: true, commits: true, names: 30}
}
