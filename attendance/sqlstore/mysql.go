package sqlstore

import (
	"context"
	"database/sql"
	"strings"
)

// mysql is MySQL 5.7 or later and MariaDB 10.2 or later, whichever driver.
type mysql struct{}

func (mysql) types() []string {
	return []string{"{key}", "VARBINARY(320) NOT NULL", "{bytes}", "MEDIUMBLOB NOT NULL", "{document}", "LONGTEXT NOT NULL", "{number}", "BIGINT NOT NULL", "{serial}", "BIGINT NOT NULL AUTO_INCREMENT PRIMARY KEY"}
}

func (mysql) options() (keyed, numbered string) {
	const innodb = " ENGINE=InnoDB DEFAULT CHARSET=utf8mb4"
	return innodb, innodb
}

// begin: under REPEATABLE READ the snapshot is that of the first plain read, hence
// after the lock, which every transaction here takes first. READ COMMITTED would do
// too, but is refused where the binary log is in statement format.
func (mysql) begin() []string {
	return []string{"SET TRANSACTION ISOLATION LEVEL REPEATABLE READ", "START TRANSACTION"}
}

// ends: a server may be set to begin another transaction after each (completion_type).
func (mysql) ends() (commit, rollback string) {
	return "COMMIT AND NO CHAIN NO RELEASE", "ROLLBACK AND NO CHAIN NO RELEASE"
}

func (mysql) oneWriter() bool { return false }

func (mysql) commitsAgain() bool { return false }

func (mysql) exclusive() string { return " FOR UPDATE" }

// upsert: VALUES() is what both MySQL and MariaDB know. INSERT IGNORE would make
// warnings of every other error.
func (mysql) upsert(key string, columns ...string) string {
	if len(columns) == 0 {
		first, _, _ := strings.Cut(key, ",")
		return " ON DUPLICATE KEY UPDATE " + first + " = VALUES(" + first + ")"
	}
	set := make([]string, len(columns))
	for i, c := range columns {
		set[i] = c + " = VALUES(" + c + ")"
	}
	return " ON DUPLICATE KEY UPDATE " + strings.Join(set, ", ")
}

func (mysql) tuples() (open, end string) { return "(", ")" }

func (mysql) document() (before, after string) { return "CONVERT(", " USING utf8mb4)" }

// guard: statements that change the layout end a transaction, so the lock is of the
// connection. User locks are of the whole server: two databases wait for each other.
func (mysql) guard(prefix string) (take, release string) {
	return "SELECT COALESCE(GET_LOCK('" + prefix + "layout', 10), 0)", "SELECT COALESCE(RELEASE_LOCK('" + prefix + "layout'), 0)"
}

// overwrite, erase: deleted rows are out of reach of SQL, and the server removes them.
func (mysql) overwrite() []string { return nil }
func (mysql) erase() []string     { return nil }

// forced: safe updates refuse a DELETE without a key; with autocommit off the first read
// begins a transaction.
func (mysql) forced(ctx context.Context, q querier) (f forced, err error) {
	err = rows(ctx, q, "SELECT @@SESSION.sql_safe_updates, @@SESSION.autocommit", nil, func(r *sql.Rows) error {
		var safe, autocommit int
		err := r.Scan(&safe, &autocommit)
		if safe != 0 {
			f.set, f.restore = "SET SESSION sql_safe_updates = 0", "SET SESSION sql_safe_updates = 1"
		}
		f.lingers = autocommit == 0
		return err
	})
	return f, err
}

// diagnose goes by the server's number (dev.mysql.com/doc/mysqlerrors/8.4/en/server-error-reference.html
// and mariadb.com/kb/en/mariadb-error-codes). The usual driver has no method for it,
// but begins its text with "Error 1213 (40001):".
func (mysql) diagnose(err error) trouble {
	n, rest := numberAfter(err, "Error ")
	if !strings.HasPrefix(rest, " ") && !strings.HasPrefix(rest, ":") {
		n = 0
	}
	switch n {
	case 0:
		return connectionTrouble(err)
	case 1205, 1213, 1020, 3572: // a lock held for too long, a deadlock, a row that has changed, NOWAIT
		return busy
	case 1053, 1077, 1079, 1152, 1158, 1159, 1160, 1161, 1184, 1927, 4031: // shut down, cut, killed, idle for too long
		return lost
	case 1290, 1792, 1836, 1874, 1036: // read-only; InnoDB that is says 1036 of the table
		return readOnly
	case 1142, 1143, 1227, 1370, 1410:
		return denied
	case 1021, 1114: // the disk, the table
		return full
	case 3, 1026, 1030: // a file cannot be written, for whatever reason of the system's
		return said(err, map[string]trouble{"errno: 28": full, "error 28 ": full, "errcode: 28": full, "errno: 122": full, "errcode: 122": full}) // ENOSPC, EDQUOT
	case 1969, 3024: // max_statement_time, max_execution_time
		return cutOff
	case 1040, 1042, 1043, 1044, 1045, 1049, 1129, 1130, 1203, 1226, 1047, 1698: // too many connections, no access, no such database
		return unreachable
	case 1051, 1054, 1146: // no such table, no such column
		return missing
	}
	return other
}
