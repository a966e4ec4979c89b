package oasink

import (
	"context"
	"crypto/sha256"
	"database/sql"
	"encoding/hex"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/uptrace/bun"

	"github.com/punchbridge/punchbridge/attendance"
	"github.com/punchbridge/punchbridge/attendance/redact"
)

// mysql is MySQL 5.7 or later and MariaDB 10.2 or later with InnoDB tables,
// whichever driver.
type mysql struct{ usual }

func (mysql) name() string { return "MySQL/MariaDB" }

// mysqlIdle is after how many seconds of silence within a write the server may
// close the connection: nothing is waited for between two statements, so that the
// machine of a silent writer has vanished, and its lock with it.
const mysqlIdle = 30

// begin takes a user lock (GET_LOCK) named after the OA's database before the
// transaction's first read. The lock belongs to the connection, so that a killed writer
// loses it (dev.mysql.com/doc/refman/8.4/en/locking-functions.html). It is of the
// one server: see concerns for clusters, and together for proxies. It is taken within
// the transaction, because proxies send what is outside of one to any copy.
//
// Under REPEATABLE READ the snapshot is that of the first read of a table after START
// TRANSACTION (…/innodb-consistent-read.html), hence after the lock: what the
// writer before has committed is seen. READ COMMITTED would do as well, but is
// refused where the binary log is in statement format (error 1665).
//
// What the session's settings must not be is changed for the session and restored by
// release, see mysqlSettings.
func (mysql) begin(ctx context.Context, c *session, home string, wait time.Duration) error {
	const level = "SET TRANSACTION ISOLATION LEVEL REPEATABLE READ"
	_, err := c.ExecContext(ctx, level)
	if mysqlNumber(err) == 1568 { // with autocommit off a read has left a transaction open
		if err = (mysql{}).rollback(ctx, c); err == nil {
			_, err = c.ExecContext(ctx, level)
		}
	}
	if err != nil {
		return err
	}
	if _, err := c.ExecContext(ctx, "START TRANSACTION"); err != nil {
		return err
	}
	seconds := int(wait / time.Second)
	got, had, err := mysqlLock(ctx, c, home, seconds)
	if err != nil {
		return err
	}
	if err := lockTaken(got); err != nil {
		return err
	}
	c.settings = strings.Join(had[:mysqlTexts], "|")
	change, restore := mysqlChanges(had[mysqlTexts:], max(1, seconds))
	c.restore = restore
	_, err = c.ExecContext(ctx, change)
	return err
}

// mysqlSettings are the settings of a session that matter: first the mysqlTexts by
// which texts are read and sent, then those of mysqlChanges. The server knows one of
// the last two only: MariaDB leaves out what is between /*! and */ for MySQL 5.7
// (mariadb.com/kb/en/comment-syntax), MySQL what is for MariaDB.
func mysqlSettings() string {
	return "@@SESSION.character_set_client, @@SESSION.character_set_connection, @@SESSION.character_set_results, @@SESSION.sql_mode, " +
		"@@SESSION.wait_timeout, @@SESSION.innodb_lock_wait_timeout, @@SESSION.lock_wait_timeout, " +
		"@@SESSION.sql_safe_updates, @@SESSION.sql_select_limit, @@SESSION.sql_big_selects, 0 /*M!100100 + @@SESSION.max_statement_time*/ /*!50708 + @@SESSION.max_execution_time*/"
}

const (
	mysqlTexts     = 4
	mysqlUnlimited = "18446744073709551615" // of sql_select_limit
)

// mysqlChanges are the statements that make a session's settings fit and restore
// them. The time-outs for locks of rows and tables would wait for up to a year
// (lock_wait_timeout), and that for idle connections for eight hours. Safe updates
// refuse statements without a key, and limits to joins those that read much; a limit to
// selects hides rows that are there, and one to a statement's time may be shorter than a
// wait for a lock.
func mysqlChanges(had []string, patience int) (change, restore string) {
	set, back := "SET ", "SET "
	put := func(name, value, was string) {
		if set != "SET " {
			set, back = set+", ", back+", "
		}
		set, back = set+"SESSION "+name+" = "+value, back+"SESSION "+name+" = "+was
	}
	idle := had[0]
	if n, err := strconv.Atoi(idle); err != nil || n > mysqlIdle {
		idle = strconv.Itoa(mysqlIdle)
	}
	put("wait_timeout", idle, had[0])
	put("innodb_lock_wait_timeout", strconv.Itoa(patience), had[1])
	put("lock_wait_timeout", strconv.Itoa(patience), had[2])
	if had[3] != "0" {
		put("sql_safe_updates", "0", "1")
	}
	if had[4] != mysqlUnlimited {
		put("sql_select_limit", mysqlUnlimited, had[4])
	}
	if had[5] == "0" {
		put("sql_big_selects", "1", "0")
	}
	if limit, err := strconv.ParseFloat(had[6], 64); err == nil && limit > 0 {
		set += "/*M!100100 , SESSION max_statement_time = 0*/ /*!50708 , SESSION max_execution_time = 0*/"
		back += fmt.Sprintf("/*M!100100 , SESSION max_statement_time = %s*/ /*!50708 , SESSION max_execution_time = %s*/", had[6], had[6])
	}
	return set, back
}

// snapshot: the level is that of the next transaction only
// (…/set-transaction.html), whatever the session's.
func (mysql) snapshot() []string {
	return []string{"SET TRANSACTION ISOLATION LEVEL REPEATABLE READ", "START TRANSACTION WITH CONSISTENT SNAPSHOT, READ ONLY"}
}

// mysqlLock asks for the lock, and for the session's settings in the same statement.
// A time-out of statements that ends the wait is one of the wait's.
func mysqlLock(ctx context.Context, c querier, home string, seconds int) (got sql.NullString, had []string, err error) {
	err = mysqlRows(ctx, c, fmt.Sprintf("SELECT GET_LOCK('%s', %d), %s", mysqlLockName(home), seconds, mysqlSettings()), nil, func(v []sql.NullString) {
		got, had = v[0], nil
		for _, setting := range v[1:] {
			had = append(had, setting.String)
		}
	}, 12)
	switch {
	case err != nil && (mysql{}).diagnose(err) == cutOff:
		return got, nil, errBusy
	case err == nil && had == nil:
		return got, nil, redact.Own("the server did not say whether it took the lock")
	}
	return got, had, err
}

// lockTaken judges what GET_LOCK has returned.
func lockTaken(got sql.NullString) error {
	switch {
	case !got.Valid:
		return redact.Own("the server could not take the lock (GET_LOCK returned NULL: it is out of memory, or the wait was killed)")
	case got.String != "1":
		return errBusy
	}
	return nil
}

// mysqlLockName names the lock of an OA database: one for all its tables, however
// they are spelt and through whichever views they are written. Names are compared
// without case and at most 64 characters long; letters, digits and '_' only, so
// that no SQL mode matters.
func mysqlLockName(home string) string {
	home = strings.ToLower(home)
	name := "punchbridge_" + home
	plain := strings.IndexFunc(home, func(r rune) bool {
		return (r < 'a' || r > 'z') && (r < '0' || r > '9') && r != '_'
	}) < 0
	if plain && len(name) <= 64 {
		return name
	}
	sum := sha256.Sum256([]byte(home))
	return "punchbridge_" + hex.EncodeToString(sum[:16])
}

// commit and rollback: a server may be set to begin another transaction after each
// (completion_type).
func (mysql) commit(ctx context.Context, c *session) error {
	_, err := c.ExecContext(ctx, "COMMIT AND NO CHAIN NO RELEASE")
	return err
}

func (mysql) rollback(ctx context.Context, c *session) error {
	_, err := c.ExecContext(ctx, "ROLLBACK AND NO CHAIN NO RELEASE")
	return err
}

// release: RELEASE_LOCK of a lock that is not ours does nothing.
func (mysql) release(ctx context.Context, c *session, home string) error {
	statement := fmt.Sprintf("SET @punchbridge_lock = RELEASE_LOCK('%s')", mysqlLockName(home))
	if c.restore != "" {
		statement += ", " + strings.TrimPrefix(c.restore, "SET ")
	}
	_, err := c.ExecContext(ctx, statement)
	return err
}

// prove: what has arrived is asked for byte by byte, and what is sent back is made of
// bytes, so that no conversion undoes another. A driver that writes values into the
// statement itself (interpolateParams) shows here whether the server reads them alike.
func (mysql) prove(ctx context.Context, c *sql.Conn) (said string, err error) {
	var arrived, sent, settings string
	probe := hex.EncodeToString([]byte(proof))
	err = mysqlRows(ctx, c, "SELECT HEX(CONVERT(? USING utf8mb4)), CONVERT(0x"+probe+" USING utf8mb4), CONCAT_WS(', ', "+
		"CONCAT('character_set_client ', @@SESSION.character_set_client), CONCAT('character_set_connection ', @@SESSION.character_set_connection), "+
		"CONCAT('character_set_results ', @@SESSION.character_set_results))", []any{proof}, func(v []sql.NullString) {
		arrived, sent, settings = v[0].String, v[1].String, v[2].String
	}, 3)
	if err != nil {
		if mysqlNumber(err) == 0 || !(mysql{}).diagnose(err).repeats() {
			return "", err
		}
		// The server did not understand: a literal has ended too soon.
		_ = mysqlRows(ctx, c, "SELECT CONCAT('character_set_client ', @@SESSION.character_set_client)", nil, func(v []sql.NullString) { settings = v[0].String }, 1)
		return settings + ", " + redact.Database(err, false).Error(), nil
	}
	if !strings.EqualFold(arrived, probe) || sent != proof {
		return settings, nil
	}
	return "", nil
}

// afterReads: with autocommit off the first read begins a transaction, and all later
// ones of that connection see what it saw. A limit to selects hides people and columns.
func (mysql) afterReads(ctx context.Context, c *sql.Conn) (statement string, err error) {
	limit := mysqlUnlimited
	err = mysqlRows(ctx, c, "SELECT @@SESSION.autocommit, @@SESSION.sql_select_limit", nil, func(v []sql.NullString) {
		limit = v[1].String
		if v[0].String == "0" {
			statement = "ROLLBACK"
		}
	}, 2)
	if err == nil && limit != mysqlUnlimited {
		err = &attendance.Error{Code: attendance.CodeStore, Op: "oasink", Detail: "the setting sql_select_limit is " + limit + ", which hides rows that are there",
			Mend: attendance.Text{EN: "add sql_select_limit=" + mysqlUnlimited + " to the dsn, or end the server's own limit", ZH: "请在连接串中加 sql_select_limit=" + mysqlUnlimited + "，或取消服务器的该限制"}}
	}
	return statement, err
}

// together reports whether the lock is held where rows are written: a proxy may send
// reads to a copy of the database, and the lock with them. It is asked by a statement
// that would add a row, which a proxy sends to where rows are written, and which adds
// none; its answer is the id that the server says it has given (…/information-functions.html).
func (mysql) together(ctx context.Context, c *sql.Conn, home string, t *table, column string) (bool, error) {
	q := &statement{}
	q.open, q.end = mysql{}.quotes()
	q.sql("INSERT INTO ").table(t).sql(" (").column(t, column).sql(") SELECT NULL FROM DUAL WHERE LAST_INSERT_ID(1 + COALESCE(IS_USED_LOCK('")
	q.sql(mysqlLockName(home)).sql("') = CONNECTION_ID(), 0)) = 0")
	result, err := c.ExecContext(ctx, string(q.b))
	switch {
	case err != nil && (mysql{}).diagnose(err).repeats(): // such as a missing right, of which others tell
		return true, nil
	case err != nil:
		return true, err
	}
	if id, err := result.LastInsertId(); err == nil { // a driver may not tell
		return id != 1, nil
	}
	return true, nil
}

func (mysql) anySize() bool { return false }

// commitsAgain: a commit that fails (a cluster may refuse it with 1213) has rolled
// the transaction back.
func (mysql) commitsAgain() bool { return false }

// find: names of tables are case-sensitive on Linux, unless the server runs with
// lower_case_table_names, which e-cology needs but nobody guarantees. The columns
// are asked for by the exact name: servers before MySQL 8 would open every table
// of the schema else (…/information-schema-optimization.html).
func (m mysql) find(ctx context.Context, q querier, want tableName) (tableName, []column, error) {
	conditions := []string{"table_schema = DATABASE()"}
	args := []any{want.name}
	if want.schema != "" {
		conditions = []string{"table_schema = ?", "LOWER(table_schema) = LOWER(?)"}
		args = append(args, want.schema)
	}
	var found []tableName
	lasting := make(map[tableName]string)
	for _, condition := range conditions {
		err := mysqlRows(ctx, q, "SELECT table_schema, table_name, engine FROM information_schema.tables WHERE LOWER(table_name) = LOWER(?) AND "+condition+
			" ORDER BY table_schema, table_name", args, func(v []sql.NullString) {
			name := tableName{v[0].String, v[1].String}
			found = append(found, name)
			if withoutTransactions(v[2].String) {
				lasting[name] = v[2].String
			}
		}, 3)
		if err != nil {
			return want, nil, err
		}
		if len(found) > 0 {
			break
		}
	}
	if len(found) == 0 {
		return want, nil, nil
	}
	name, err := onlySpelling(want, found)
	if err != nil {
		return want, nil, err
	}
	var list []column
	err = mysqlRows(ctx, q, "SELECT table_name, column_name, column_type, character_set_name, character_maximum_length, @@SESSION.character_set_client, is_nullable"+
		" FROM information_schema.columns WHERE table_schema = ? AND table_name = ? ORDER BY ordinal_position", []any{name.schema, name.name},
		func(v []sql.NullString) {
			if v[0].String == name.name { // the comparison may ignore case
				c := mysqlColumn(v[1].String, v[2].String, v[3].String, v[4].String, v[5].String)
				c.required, c.filled = v[6].String == "NO", true // or an error in strict mode, which checkRights sees
				c.lasting = lasting[name]
				list = append(list, c)
			}
		}, 7)
	return name, list, err
}

// mysqlColumn: declared sizes are characters, those of TEXT types bytes
// (…/string-type-syntax.html). Every character set but utf8mb4 lacks characters,
// and utf8 is an old name of utf8mb3, which ends at U+FFFF (…/charset-unicode.html):
// in strict mode others fail the statement. What the connection speaks limits it too.
func mysqlColumn(name, declared, charset, length, client string) column {
	c := newColumn(name, declared)
	if charset == "" {
		return c
	}
	if size, err := strconv.Atoi(length); err == nil {
		c.size = size
	}
	c.bytes = strings.HasSuffix(strings.ToLower(declared), "text")
	three := func(charset string) bool {
		return charset == "utf8" || charset == "utf8mb3" || charset == "ucs2"
	}
	c.bmp = three(charset) || three(client)
	if !strings.HasPrefix(charset, "utf") {
		c.charset = charset
	}
	return c
}

// triggers: without the right TRIGGER the server shows none.
func (mysql) triggers(ctx context.Context, q querier, t *table) ([]trigger, error) {
	return readTriggers(ctx, q, "SELECT trigger_name, action_timing = 'BEFORE' FROM information_schema.triggers "+
		"WHERE event_object_schema = ? AND event_object_table = ? AND event_manipulation = 'INSERT' ORDER BY trigger_name", t.name.schema, t.name.name)
}

func mysqlRows(ctx context.Context, q querier, query string, args []any, row func(v []sql.NullString), width int) error {
	rows, err := q.QueryContext(ctx, query, args...)
	if err != nil {
		return err
	}
	defer rows.Close()
	values, dest := make([]sql.NullString, width), make([]any, width)
	for i := range values {
		dest[i] = &values[i]
	}
	for rows.Next() {
		if err := rows.Scan(dest...); err != nil {
			return err
		}
		row(values)
	}
	return rows.Err()
}

func (mysql) quotes() (open, end byte) { return '`', '`' }

// rowsPerInsert: with the longest texts a statement of 400 rows stays below 1 MiB,
// the smallest max_allowed_packet that servers came with.
func (mysql) rowsPerInsert() int { return 400 }

// argumentsPerStatement is the protocol's limit: their number has 16 bits.
func (mysql) argumentsPerStatement() int { return 65535 }

// storable lets the server convert there and back: outside of inserts what a
// character set lacks becomes a question mark.
func (mysql) storable(ctx context.Context, c *sql.Conn, s string, col column) (string, error) {
	if col.charset == "" {
		return s, nil
	}
	return oneText(ctx, c, s, "SELECT CONVERT(CONVERT(? USING "+col.charset+") USING utf8mb4)", s) // the name of a character set comes from the server's own list
}

// concerns: user locks are of one server. Two writers that reach two nodes of one
// cluster (Galera, group replication) do not see each other's. MyISAM tables have
// no transactions.
func (mysql) concerns(ctx context.Context, q querier, sh *shape) ([]attendance.Finding, error) {
	nodes := 0
	count := func(v []sql.NullString) {
		n, _ := strconv.Atoi(v[1].String)
		nodes = max(nodes, n)
	}
	if err := mysqlRows(ctx, q, "SHOW GLOBAL STATUS LIKE 'wsrep_cluster_size'", nil, count, 2); err != nil {
		return nil, err
	}
	// Without the right to read it, or on MariaDB, which has no such table, it is no group.
	_ = mysqlRows(ctx, q, "SELECT 'members', COUNT(*) FROM performance_schema.replication_group_members", nil, count, 2)
	var findings []attendance.Finding
	if nodes > 1 {
		findings = append(findings, attendance.Finding{Code: "cluster", Level: attendance.LevelWarning, Message: attendance.Text{
			EN: fmt.Sprintf("the database is a cluster of %d nodes, and the lock that keeps two runs from writing a punch twice is of one node", nodes),
			ZH: fmt.Sprintf("数据库是 %d 个节点的集群，而防止两个进程重复写入的锁只在单个节点内有效", nodes),
		}, Mend: attendance.Text{EN: "let every program that writes punches connect to the same node", ZH: "请让所有写入打卡的程序连接同一个节点"}})
	}
	for _, t := range [...]*table{sh.sign, sh.mobile, sh.pool} {
		if engine := t.lasting(); engine != "" {
			findings = append(findings, lastingFinding(t, engine))
		}
	}
	return findings, nil
}

// withoutTransactions reports whether an engine keeps what a transaction takes back.
func withoutTransactions(engine string) bool {
	return slices.ContainsFunc([]string{"MyISAM", "Aria", "MEMORY", "MRG_MyISAM", "CSV", "ARCHIVE"}, func(name string) bool { return strings.EqualFold(name, engine) })
}

// touch: an InnoDB that is read-only says so only once a row comes.
func (mysql) touch(ctx context.Context, c bun.Conn) error {
	frozen := false
	err := mysqlRows(ctx, c, "SELECT @@GLOBAL.innodb_read_only", nil, func(v []sql.NullString) { frozen = v[0].String != "0" }, 1)
	if err == nil && frozen {
		return errReadOnly
	}
	return err
}

// refuses: whatever the server says of a statement that it understood.
func (mysql) refuses(err error) bool { return mysqlNumber(err) != 0 }

// diagnose goes by the server's number (…/mysqlerrors/8.4/en/server-error-reference.html
// and mariadb.com/kb/en/mariadb-error-codes).
func (mysql) diagnose(err error) trouble {
	switch {
	case errors.Is(err, errBusy):
		return busy
	case errors.Is(err, errReadOnly):
		return readOnly
	}
	switch mysqlNumber(err) {
	case 0:
		return connectionTrouble(err)
	case 1205, // a lock is held for too long
		1213, // deadlock; also a cluster's refusal to commit
		1020, // the row has changed since it was read
		1317, // the statement was killed
		3572: // NOWAIT
		return busy
	case 1053, 1077, 1079, // the server is being shut down
		1152, 1158, 1159, 1160, 1161, 1184, // the connection was cut
		1927, // it was killed (MariaDB)
		4031: // it was idle for too long
		return lost
	case 1290, 1792, 1836, 1874, 1036: // --read-only, read-only transaction, InnoDB is read-only (MariaDB says so of the table)
		return readOnly
	case 1142, 1143, 1227, 1370, 1410: // no right to the table, the column, the privilege, the routine
		return denied
	case 1021, 1114: // the disk, the table
		return full
	case 3, 1026, 1030: // a file cannot be written, for whatever reason of the system's
		return troubleSaid(err, []saying{{"errno: 28", full}, {"error 28 ", full}, {"errcode: 28", full}, {"errno: 122", full}, {"errcode: 122", full}}) // ENOSPC, EDQUOT
	case 1040, 1042, 1043, 1044, 1045, 1049, 1129, 1130, 1203, 1226, 1047, 1698: // too many connections, no access, no such database
		return unreachable
	case 1051, 1054, 1146: // no such table, no such column
		return missing
	case 1062:
		return twice
	case 1969, 3024: // max_statement_time, max_execution_time
		return cutOff
	case 1178: // ER_CHECK_NOT_IMPLEMENTED, by MariaDB's Aria
		return unmarked
	case 1366, 1300, 1977, 3854: // a character that the column or the connection lacks
		return unstorable
	}
	return otherTrouble
}

// setting goes by the server's number, as diagnose.
func (mysql) setting(err error) attendance.Text {
	switch mysqlNumber(err) {
	case 1104: // max_join_size, which a write does not obey
		return attendance.Text{
			EN: "add sql_big_selects=1 to the dsn, or raise the server's max_join_size for this program's account",
			ZH: "请在连接串中加 sql_big_selects=1，或为本程序账号调大服务器的 max_join_size"}
	case 1175:
		return attendance.Text{EN: "add sql_safe_updates=0 to the dsn", ZH: "请在连接串中加 sql_safe_updates=0"}
	case 1153:
		return attendance.Text{EN: "raise the server's max_allowed_packet to 4 MiB or more", ZH: "请将服务器的 max_allowed_packet 调到 4 MiB 以上"}
	case 1461:
		return attendance.Text{
			EN: "raise the server's max_prepared_stmt_count, and restart programs that leave prepared statements behind",
			ZH: "请调大服务器的 max_prepared_stmt_count，并重启遗留大量预编译语句的程序"}
	case 1665:
		return attendance.Text{EN: "let the server's binary log have the format MIXED or ROW (binlog_format)", ZH: "请将服务器的 binlog_format 设为 MIXED 或 ROW"}
	case 3098:
		return attendance.Text{
			EN: "the cluster (Group Replication) takes rows only of InnoDB tables with a primary key: let the database administrator give the table one",
			ZH: "集群（Group Replication）只接受有主键的 InnoDB 表：请数据库管理员为该表添加主键"}
	default:
		return attendance.Text{}
	}
}

// mysqlNumber is the server's number of an error, 0 where it has none. The usual
// driver has no method for it, but begins its text with "Error 1213 (40001):".
func mysqlNumber(err error) int {
	if err == nil {
		return 0
	}
	n, rest := numberAfter(err, "Error ")
	if !strings.HasPrefix(rest, " ") && !strings.HasPrefix(rest, ":") {
		return 0
	}
	return n
}

// ledgerTypes: the usual collations ignore case and blanks at the end, by which
// accounts may differ. Indexes are part of the table because a table's creation
// cannot be rolled back.
func (mysql) ledgerTypes() ledgerTypes {
	return ledgerTypes{big: "BIGINT", small: "SMALLINT", text: "VARCHAR(%d)", inline: true,
		options: " ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_bin"}
}
