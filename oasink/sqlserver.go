package oasink

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/punchbridge/punchbridge/attendance"
	"github.com/punchbridge/punchbridge/attendance/redact"
)

// sqlserver is SQL Server 2008 or later (multi-row VALUES, DECLARE with a value),
// whichever driver. Page names below are those of learn.microsoft.com/sql.
type sqlserver struct{ usual }

func (sqlserver) name() string { return "SQL Server" }

// sqlserverLock names the application lock. Such locks are of one database
// (sp-getapplock-transact-sql), so that one name serves.
const sqlserverLock = "punchbridge"

// begin takes an application lock before the transaction begins. Its owner is the
// session, not the transaction: it is given back after the commit has been
// answered, so that nothing has to be known about the order in which a commit lets
// go of locks and becomes visible to row versions (READ_COMMITTED_SNAPSHOT). A
// killed writer's session ends, and its lock with it. EXECUTE on sp_getapplock is
// the role public's.
//
// Each statement of READ COMMITTED sees what was committed before it began, with
// and without row versions. XACT_ABORT would end the transaction where a savepoint
// shall do, and IMPLICIT_TRANSACTIONS would count it twice, so that its commit were
// none. NOCOUNT, which a server may have by default, would hide whether a row was
// changed. LOCK_TIMEOUT bounds the wait for rows; without it, it has no end. All are
// settings of the session, which release restores.
func (sqlserver) begin(ctx context.Context, c *session, _ string, wait time.Duration) error {
	got, open, err := sqlserverTake(ctx, c, wait)
	switch {
	case err != nil:
		return err
	case got == -1, got == -3: // time-out, deadlock
		return errBusy
	case got < 0:
		return redact.Own(fmt.Sprintf("the server could not take the lock (sp_getapplock returned %d; -2: the wait was cancelled, -999: the call itself failed)", got))
	case open != 0:
		return redact.Own("the connection came from the host's pool with an open transaction, which some other code of the host began and did not end")
	}
	_, err = c.ExecContext(ctx, fmt.Sprintf("SET XACT_ABORT OFF; SET NOCOUNT OFF; SET LOCK_TIMEOUT %d; SET TRANSACTION ISOLATION LEVEL READ COMMITTED; BEGIN TRANSACTION",
		max(1000, wait.Milliseconds())))
	return err
}

// sqlserverTake takes the lock and notes how the session's settings are restored.
// IMPLICIT_TRANSACTIONS is switched off before the first read of a table, which
// would begin one. A session may see its own row of sys.dm_exec_sessions; where it
// may not, it is left with READ COMMITTED, which is the default.
func sqlserverTake(ctx context.Context, c *session, wait time.Duration) (got, open int, err error) {
	rows, err := c.QueryContext(ctx, "DECLARE @got int, @open int, @timeout int, @options int, @isolation int; "+
		"SELECT @open = @@TRANCOUNT, @timeout = @@LOCK_TIMEOUT, @options = @@OPTIONS; SET IMPLICIT_TRANSACTIONS OFF; "+
		"BEGIN TRY SELECT @isolation = transaction_isolation_level FROM sys.dm_exec_sessions WHERE session_id = @@SPID END TRY BEGIN CATCH SET @isolation = 0 END CATCH; "+
		fmt.Sprintf("EXEC @got = sp_getapplock @Resource = '%s', @LockMode = 'Exclusive', @LockOwner = 'Session', @LockTimeout = %d; ", sqlserverLock, wait.Milliseconds())+
		"SELECT @got, @open, @timeout, @options, @isolation")
	if err != nil {
		return 0, 0, err
	}
	defer rows.Close()
	answered := false
	for rows.Next() {
		var timeout, options int
		var isolation sql.NullInt64
		if err := rows.Scan(&got, &open, &timeout, &options, &isolation); err != nil {
			return 0, 0, err
		}
		c.restore, answered = sqlserverSettings(timeout, options, int(isolation.Int64)), true
	}
	if err := rows.Err(); err != nil {
		return 0, 0, err
	}
	if !answered {
		return 0, 0, redact.Own("the server did not say whether it took the lock")
	}
	return got, open, nil
}

// sqlserverSettings are the statements that restore a session's settings. The bits
// are those of @@OPTIONS (configure-the-user-options-server-configuration-option).
func sqlserverSettings(timeout, options, isolation int) string {
	onOff := func(bit int) string {
		if options&bit != 0 {
			return "ON"
		}
		return "OFF"
	}
	levels := [...]string{"", "READ UNCOMMITTED", "READ COMMITTED", "REPEATABLE READ", "SERIALIZABLE", "SNAPSHOT"}
	text := fmt.Sprintf("SET LOCK_TIMEOUT %d; SET XACT_ABORT %s; SET NOCOUNT %s; SET IMPLICIT_TRANSACTIONS %s", timeout, onOff(16384), onOff(512), onOff(2))
	if isolation > 0 && isolation < len(levels) {
		text = "SET TRANSACTION ISOLATION LEVEL " + levels[isolation] + "; " + text
	}
	return text
}

func (sqlserver) commit(ctx context.Context, c *session) error {
	_, err := c.ExecContext(ctx, "COMMIT TRANSACTION")
	return err
}

func (sqlserver) rollback(ctx context.Context, c *session) error {
	_, err := c.ExecContext(ctx, "IF @@TRANCOUNT > 0 ROLLBACK TRANSACTION")
	return err
}

// release: to release a lock that is not held is an error. Where begin did not
// come to note the settings, the connection is given up.
func (sqlserver) release(ctx context.Context, c *session, _ string) error {
	if c.restore == "" {
		return redact.Own("the session's settings are not known")
	}
	_, err := c.ExecContext(ctx, fmt.Sprintf("IF APPLOCK_MODE('public', '%s', 'Session') <> 'NoLock' EXEC sp_releaseapplock @Resource = '%s', @LockOwner = 'Session'; ",
		sqlserverLock, sqlserverLock)+c.restore)
	return err
}

func (sqlserver) anySize() bool { return false }

// commitsAgain: a transaction that is gone makes COMMIT fail with 3902.
func (sqlserver) commitsAgain() bool { return false }

// savepoint: there is none after an error that has doomed the transaction
// (save-transaction-transact-sql); undoing then fails.
func (sqlserver) savepoint() (mark, undo, forget string) {
	return "SAVE TRANSACTION punchbridge", "ROLLBACK TRANSACTION punchbridge", ""
}

// reopen: a trigger's ROLLBACK, or an error in it, ends the transaction and the batch, not the
// session with its lock and settings (rollback-transaction-transact-sql, set-xact-abort-transact-sql).
func (sqlserver) reopen() string { return "BEGIN TRANSACTION" }

// find looks through user-defined types. Without a schema the connection's own
// comes before dbo. The catalogue shows an account only what it has a right to. In
// a database with a case-sensitive collation names may differ in case only.
func (sqlserver) find(ctx context.Context, q querier, want tableName) (tableName, []column, error) {
	schema := "@p2 = N'' AND s.name IN (SCHEMA_NAME(), N'dbo')"
	if want.schema != "" {
		schema = "LOWER(s.name) = LOWER(@p2)"
	}
	rows, err := q.QueryContext(ctx, "SELECT s.name, o.name, c.name, t.name, c.max_length, c.collation_name, CAST(COLLATIONPROPERTY(c.collation_name, 'CodePage') AS int) "+
		"FROM sys.objects o JOIN sys.schemas s ON s.schema_id = o.schema_id JOIN sys.columns c ON c.object_id = o.object_id "+
		"JOIN sys.types t ON t.user_type_id = c.system_type_id "+
		"WHERE o.type IN ('U', 'V') AND LOWER(o.name) = LOWER(@p1) AND "+schema+" "+
		"ORDER BY CASE WHEN s.name = SCHEMA_NAME() THEN 0 ELSE 1 END, s.name, o.name, c.column_id", want.name, want.schema)
	if err != nil {
		return want, nil, err
	}
	defer rows.Close()
	var found spellings
	for rows.Next() {
		var name tableName
		var attribute, kind string
		var length int
		var collation sql.NullString
		var page sql.NullInt64
		if err := rows.Scan(&name.schema, &name.name, &attribute, &kind, &length, &collation, &page); err != nil {
			return want, nil, err
		}
		found.add(name, sqlserverColumn(attribute, kind, length, collation.String, int(page.Int64)))
	}
	if err := rows.Err(); err != nil {
		return want, nil, err
	}
	return found.meant(want)
}

// utf8Page is the code page of the UTF-8 collations of SQL Server 2019.
const utf8Page = 65001

// sqlserverColumn: length is in bytes, those of nvarchar two a unit of UTF-16
// (nchar-and-nvarchar-transact-sql), -1 for (max). A varchar counts bytes of its
// collation's code page (char-and-varchar-transact-sql): one or two for each unit
// of UTF-16, and what the page lacks becomes a question mark without a word.
func sqlserverColumn(name, kind string, length int, collation string, page int) column {
	c := newColumn(name, kind)
	switch kind {
	case "money", "smallmoney":
		c.kind = decimal
	case "datetime", "smalldatetime", "datetime2", "datetimeoffset":
		c.instant = "'%sT%s'" // the only form that no SET LANGUAGE or DATEFORMAT changes (datetime-transact-sql)
	case "char", "varchar", "text":
		c.size, c.bytes = max(0, length), true
		if page != utf8Page {
			c.units, c.charset, c.lossy = [2]int{2, 4}, collation, true
			c.hanzi = page == 936 || page == 54936
		}
	case "nchar", "nvarchar":
		c.size, c.units = max(0, length/2), [2]int{1, 2}
	}
	if kind == "text" || kind == "ntext" {
		c.size = 0 // what is declared is a pointer's
	}
	return c
}

// concerns: a database whose texts are not of a Chinese code page loses addresses.
func (sqlserver) concerns(ctx context.Context, q querier, _ *shape) ([]attendance.Finding, error) {
	rows, err := q.QueryContext(ctx, "SELECT CAST(DATABASEPROPERTYEX(DB_NAME(), 'Collation') AS nvarchar(128)), "+
		"CAST(COLLATIONPROPERTY(CAST(DATABASEPROPERTYEX(DB_NAME(), 'Collation') AS nvarchar(128)), 'CodePage') AS int)")
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	var findings []attendance.Finding
	for rows.Next() {
		var collation sql.NullString
		var page sql.NullInt64
		if err := rows.Scan(&collation, &page); err != nil {
			return nil, err
		}
		switch page.Int64 {
		case 936, 54936, 950, utf8Page, 0:
		default:
			findings = append(findings, notChinese("collation", collation.String))
		}
	}
	return findings, rows.Err()
}

// unfilled: where the catalogue does not say, nothing is known to lack.
func (sqlserver) unfilled(ctx context.Context, q querier, t *table) ([]string, error) {
	names, err := readTexts(ctx, q, "SELECT c.name FROM sys.columns c WHERE c.object_id = OBJECT_ID(@p1) AND c.is_nullable = 0 AND c.default_object_id = 0 "+
		"AND c.is_identity = 0 AND c.is_computed = 0 AND c.system_type_id <> 189 ORDER BY c.column_id", sqlserverName(t)) // 189: rowversion
	if err != nil && (sqlserver{}).diagnose(err).repeats() {
		return nil, nil
	}
	return names, err
}

func (sqlserver) triggers(ctx context.Context, q querier, t *table) ([]trigger, error) {
	list, err := readTriggers(ctx, q, "SELECT g.name, CAST(g.is_instead_of_trigger AS int) FROM sys.triggers g JOIN sys.trigger_events e ON e.object_id = g.object_id "+
		"WHERE g.parent_id = OBJECT_ID(@p1) AND g.is_disabled = 0 AND e.type = 1 ORDER BY g.name", sqlserverName(t))
	if err != nil && (sqlserver{}).diagnose(err).repeats() {
		return nil, nil
	}
	return list, err
}

// nextID: IDENT_CURRENT is the last one given, or the first to be given.
func (sqlserver) nextID(ctx context.Context, q querier, t *table, _ column) (next int64, known bool, mend string, err error) {
	var last sql.NullInt64
	err = eachRow(ctx, q, "SELECT CAST(IDENT_CURRENT(@p1) AS bigint)", []any{sqlserverName(t)}, func(scan func(...any) error) error { return scan(&last) })
	return last.Int64 + 1, last.Valid, fmt.Sprintf("DBCC CHECKIDENT ('%s', RESEED)", strings.ReplaceAll(sqlserverName(t), "'", "''")), err
}

// sqlserverName is a table's name as the functions of the catalogue take it.
func sqlserverName(t *table) string {
	return string((&statement{open: '[', end: ']'}).table(t).b)
}

// notChinese is the finding about a database that cannot store Chinese.
func notChinese(of, name string) attendance.Finding {
	return attendance.Finding{Code: "not_chinese", Level: attendance.LevelWarning, Message: attendance.Text{
		EN: fmt.Sprintf("the database's %s %s holds no Chinese: addresses and remarks are stored with question marks", of, name),
		ZH: fmt.Sprintf("数据库的字符集（%s）不含中文，地址与备注中的汉字会变成问号", name),
	}, Mend: attendance.Text{EN: "nothing here: it is how the database was made", ZH: "无需在本程序处理：这是建库时的设置"}}
}

// limit: TOP, because OFFSET ... FETCH came with SQL Server 2012.
func (sqlserver) limit(query string, n int) string {
	return fmt.Sprintf("SELECT TOP (%d) ", n) + strings.TrimPrefix(query, "SELECT ")
}

// quotes: brackets work whatever QUOTED_IDENTIFIER is (set-quoted-identifier-transact-sql).
func (sqlserver) quotes() (open, end byte) { return '[', ']' }

// rowsPerInsert: VALUES takes 1000 rows (table-value-constructor-transact-sql).
// Each combination of texts' lengths is another statement to the server, because
// the parameters are declared with them, and compiling is what costs; and a
// statement that takes 5000 locks takes the whole table's instead.
func (sqlserver) rowsPerInsert() int { return 100 }

// argumentsPerStatement: 2100 (maximum-capacity-specifications-for-sql-server), of
// which drivers spend two on sp_executesql.
func (sqlserver) argumentsPerStatement() int { return 2098 }

func (sqlserver) argument(n int) string { return "@p" + strconv.Itoa(n) }

// storable lets the server convert to the column's code page and back: a cast
// keeps the collation of its input (cast-and-convert-transact-sql).
func (sqlserver) storable(ctx context.Context, c *sql.Conn, s string, col column) (string, error) {
	if col.charset == "" || strings.Trim(col.charset, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_") != "" {
		return s, nil
	}
	return oneText(ctx, c, s, "SELECT CAST(CAST(@p1 COLLATE "+col.charset+" AS varchar(8000)) AS nvarchar(4000))", s)
}

// refuses: whatever the server says of a statement that it understood.
func (sqlserver) refuses(err error) bool { return sqlserverNumber(err) != 0 }

// setting: indexed views, indexes on computed columns and filtered indexes take rows only in
// sessions with certain settings (set-quoted-identifier-transact-sql and the like), which
// drivers usually have; old programs of the site may have changed the database's defaults.
func (sqlserver) setting(err error) attendance.Text {
	if sqlserverNumber(err) != 1934 {
		return attendance.Text{}
	}
	return attendance.Text{
		EN: "an indexed view, or an index on a computed column or with a filter, stands on the table, and takes rows only with the session's settings QUOTED_IDENTIFIER, ANSI_NULLS, ANSI_PADDING, ANSI_WARNINGS, ARITHABORT and CONCAT_NULL_YIELDS_NULL ON and NUMERIC_ROUNDABORT OFF: set those that the message names as defaults (sp_configure 'user options'), or let the database administrator drop the index or the view",
		ZH: "该表上有索引视图、计算列索引或筛选索引，写入要求会话设置 QUOTED_IDENTIFIER、ANSI_NULLS、ANSI_PADDING、ANSI_WARNINGS、ARITHABORT、CONCAT_NULL_YIELDS_NULL 为 ON，NUMERIC_ROUNDABORT 为 OFF：请将提示中的选项设为默认值（sp_configure 'user options'），或请数据库管理员删除该索引或视图",
	}
}

// diagnose goes by the server's number (errors-events/database-engine-events-and-errors).
func (sqlserver) diagnose(err error) trouble {
	if errors.Is(err, errBusy) {
		return busy
	}
	switch sqlserverNumber(err) {
	case 0:
		return sqlserverConnection(err)
	case 1205, // deadlock
		1222,             // a lock is held for too long
		1204,             // no locks are left
		3960, 3961, 3962: // changed under a snapshot
		return busy
	case 596, 6005, 6001, // killed, the server is being shut down
		40197, 40501, 40613, 10928, 10929, 49918, 49919, 49920: // Azure: moved, throttled
		return lost
	case 3906, 3908, 978: // a read-only database, a readable secondary
		return readOnly
	case 229, 230, 262, 300, 297, 2760: // no right to the object, its column, the statement, the server's state, the schema
		return denied
	case 1101, 1105, 9002, 701, 802: // the disk, the log, memory
		return full
	case 18456, 18452, 18486, 18487, 18488, 18470, // no access
		4060, 4064, 911, 916, // no such database, or no right to it
		921, 922, 924, 927, 942, 945, 976, 983, // a database that is not up
		17809, 17892, 18401: // too many connections, a login trigger, still starting
		return unreachable
	case 208, 207, 4413: // no such table, no such column, a view on such
		return missing
	case 2601, 2627: // of an index, of a constraint
		return twice
	case 3903:
		return noTransaction
	}
	return otherTrouble
}

// sqlserverNumber is the server's number of an error, 0 where it has none.
func sqlserverNumber(err error) int {
	e, ok := errors.AsType[interface {
		error
		SQLErrorNumber() int32
	}](err)
	if !ok {
		return 0
	}
	return int(e.SQLErrorNumber())
}

// sqlserverConnection knows what go-mssqldb says of connections in words of its own.
func sqlserverConnection(err error) trouble {
	said := troubleSaid(err, []saying{
		{"unable to open tcp connection", unreachable},
		{"tls handshake failed", unreachable},
		{"login error", unreachable},
		{"unable to get instances", unreachable},
		{"invalid tds stream", lost},
		{"failed to send sql batch", lost},
		{"failed to send rpc", lost},
		{"had internal error", lost},
	})
	if said != otherTrouble {
		return said
	}
	return connectionTrouble(err)
}

// ledgerTypes: the usual collations ignore case and width, by which accounts may
// differ. A key has at most 900 bytes (maximum-capacity-specifications-for-sql-server);
// the longest here has 210.
func (sqlserver) ledgerTypes() ledgerTypes {
	return ledgerTypes{big: "BIGINT", small: "SMALLINT", text: "NVARCHAR(%d) COLLATE Latin1_General_BIN2"}
}
