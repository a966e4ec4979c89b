package dbtest

import (
	"context"
	"errors"
	"fmt"
	"regexp"
	"strconv"
	"strings"
	"time"
)

// compatOracle is H2 in its Oracle mode: the empty text is NULL, DUAL, ROWNUM, VARCHAR2, CHAR
// padded with blanks. The character set is what the catalogue says.
func compatOracle(charset string) engine {
	return compatEngine(oracleVendor(), &compat{
		lossy: charset != "AL32UTF8",
		url: func(name string) string {
			return "jdbc:h2:mem:" + name + ";MODE=Oracle;NON_KEYWORDS=VALUE;DB_CLOSE_DELAY=-1;LOCK_TIMEOUT=4000"
		},
		catalogue: []string{
			"CREATE ALIAS SYS_CONTEXT AS 'String context(java.sql.Connection c, String space, String name) throws java.sql.SQLException { return c.getSchema(); }'",
			"CREATE VIEW NLS_DATABASE_PARAMETERS (PARAMETER, VALUE) AS SELECT 'NLS_CHARACTERSET', '" + charset + "'",
			"CREATE VIEW ALL_SYNONYMS AS SELECT SYNONYM_SCHEMA AS OWNER, SYNONYM_NAME, SYNONYM_FOR_SCHEMA AS TABLE_OWNER, SYNONYM_FOR AS TABLE_NAME, CAST(NULL AS VARCHAR) AS DB_LINK FROM INFORMATION_SCHEMA.SYNONYMS",
			"CREATE VIEW ALL_TAB_COLUMNS AS SELECT TABLE_SCHEMA AS OWNER, TABLE_NAME, COLUMN_NAME, " +
				"CASE DATA_TYPE WHEN 'CHARACTER' THEN 'CHAR' WHEN 'CHARACTER VARYING' THEN 'VARCHAR2' WHEN 'TIMESTAMP' THEN 'TIMESTAMP(6)' WHEN 'INTEGER' THEN 'NUMBER' WHEN 'NUMERIC' THEN 'NUMBER' ELSE DATA_TYPE END AS DATA_TYPE, " +
				"COALESCE(CHARACTER_OCTET_LENGTH, 22) AS DATA_LENGTH, COALESCE(CHARACTER_MAXIMUM_LENGTH, 0) AS CHAR_LENGTH, " +
				"CASE WHEN CHARACTER_MAXIMUM_LENGTH IS NULL THEN NULL ELSE 'B' END AS CHAR_USED, NUMERIC_SCALE AS DATA_SCALE, ORDINAL_POSITION AS COLUMN_ID " +
				"FROM INFORMATION_SCHEMA.COLUMNS",
		},
		played: playedOracle,
		rewrite: func(query string) string { // H2 2.1 does not know how long to wait
			return waits.ReplaceAllString(numbered(query, ":"), " FOR UPDATE")
		},
		failed: func(code int, message string) error {
			if strings.Contains(message, "object already exists") {
				code = 42111 // H2's own race between two creations
			}
			number := map[int]string{42102: "00942", 42104: "00942", 42122: "00904", 22001: "12899", 23502: "01400", 23505: "00001", 42101: "00955", 42111: "00955", 90096: "01031", 40001: "00060", 50200: "30006"}[code]
			if number == "" {
				number = "20001"
			}
			return fmt.Errorf("ORA-%s: %s", number, message)
		},
	})
}

var waits = regexp.MustCompile(` FOR UPDATE (NOWAIT|WAIT \d+)$`)

var lockTable = regexp.MustCompile(`^LOCK TABLE (\S+) IN (.*) MODE (?:NOWAIT|WAIT (\d+))$`)

func playedOracle(ctx context.Context, c *compatConn, query string) (*compatRows, bool, error) {
	if f := lockTable.FindStringSubmatch(query); f != nil {
		seconds, _ := strconv.Atoi(f[3])
		if f[2] == "EXCLUSIVE" && !c.take(ctx, f[1], time.Duration(seconds)*time.Second) {
			return nil, true, errors.New("ORA-30006: resource busy; acquire with WAIT timeout expired")
		}
		return &compatRows{}, true, nil
	}
	if strings.HasPrefix(query, "CREATE ") { // what makes something commits before and after
		c.drop()
	}
	if strings.HasPrefix(query, "SET TRANSACTION ISOLATION LEVEL READ COMMITTED") { // as H2 has it
		return &compatRows{}, true, nil
	}
	if f := regexp.MustCompile(`^CREATE TRIGGER \S+ BEFORE INSERT ON (\S+)`).FindStringSubmatch(query); f != nil {
		rows, err := c.ask("run", "ALTER TABLE "+f[1]+" ALTER COLUMN id SET DEFAULT NEXT VALUE FOR "+f[1]+"_id")
		return rows, true, err
	}
	return nil, false, nil
}

// compatSQLServer is H2 in its MSSQLServer mode: [names], TOP, IDENTITY. The code page
// is what the catalogue says of all columns.
func compatSQLServer(page int) engine {
	e := &compat{
		lossy: page != 65001,
		url: func(name string) string {
			return "jdbc:h2:mem:" + name + ";MODE=MSSQLServer;DATABASE_TO_UPPER=FALSE;CASE_INSENSITIVE_IDENTIFIERS=TRUE;DB_CLOSE_DELAY=-1;LOCK_TIMEOUT=4000;" +
				`INIT=CREATE SCHEMA IF NOT EXISTS dbo\;SET SCHEMA dbo`
		},
		catalogue: []string{
			"CREATE SCHEMA sys",
			"CREATE ALIAS SCHEMA_NAME AS 'String schema(java.sql.Connection c) throws java.sql.SQLException { return c.getSchema(); }'",
			"CREATE ALIAS COLLATIONPROPERTY AS 'Integer property(String collation, String property) { return collation == null ? null : " + strconv.Itoa(page) + "; }'",
			"CREATE VIEW sys.schemas AS SELECT SCHEMA_NAME AS name, SCHEMA_NAME AS schema_id FROM INFORMATION_SCHEMA.SCHEMATA",
			"CREATE VIEW sys.objects AS SELECT TABLE_NAME AS name, TABLE_SCHEMA AS schema_id, TABLE_SCHEMA || '.' || TABLE_NAME AS object_id, CASE TABLE_TYPE WHEN 'VIEW' THEN 'V' ELSE 'U' END AS type FROM INFORMATION_SCHEMA.TABLES",
			"CREATE VIEW sys.columns AS SELECT COLUMN_NAME AS name, TABLE_SCHEMA || '.' || TABLE_NAME AS object_id, DATA_TYPE AS system_type_id, " +
				"COALESCE(CHARACTER_MAXIMUM_LENGTH, 4) AS max_length, CASE WHEN CHARACTER_MAXIMUM_LENGTH IS NULL THEN NULL ELSE 'Latin1_General_100_CI_AS_SC_UTF8' END AS collation_name, ORDINAL_POSITION AS column_id FROM INFORMATION_SCHEMA.COLUMNS",
			"CREATE VIEW sys.types AS SELECT * FROM (VALUES ('CHARACTER', 'char'), ('CHARACTER VARYING', 'varchar'), ('INTEGER', 'int'), ('BIGINT', 'bigint'), ('SMALLINT', 'smallint'), ('NUMERIC', 'numeric'), ('TIMESTAMP', 'datetime')) AS t(user_type_id, name)",
		},
		played: playedSQLServer,
		rewrite: func(query string) string { // H2 compares byte for byte anyway
			return strings.ReplaceAll(numbered(query, "@p"), " COLLATE Latin1_General_BIN2", "")
		},
		failed: func(code int, message string) error {
			if strings.Contains(message, "object already exists") {
				code = 42111 // H2's own race between two creations
			}
			number := map[int]int32{42102: 208, 42104: 208, 42122: 207, 22001: 8152, 23502: 515, 23505: 2627, 42101: 2714, 42111: 1913, 90096: 229, 40001: 1205, 50200: 1222}[code]
			if number == 0 {
				number = 50000
			}
			return sqlserverError{number, message}
		},
	}
	return compatEngine(sqlserverVendor(), e)
}

func playedSQLServer(ctx context.Context, c *compatConn, query string) (*compatRows, bool, error) {
	request := ""
	switch {
	case strings.Contains(query, "EXEC @got = sp_getapplock"):
		milliseconds, _ := strconv.Atoi(regexp.MustCompile(`@LockTimeout = (\d+)`).FindStringSubmatch(query)[1])
		got, open := int64(0), int64(0)
		if !c.take(ctx, "applock", time.Duration(milliseconds)*time.Millisecond) {
			got = -1
		}
		if c.open {
			open = 1
		}
		return one(got, open, int64(-1), int64(5496), int64(2)), true, nil
	case strings.HasPrefix(query, "IF APPLOCK_MODE"):
		c.drop()
		return &compatRows{}, true, nil
	case strings.Contains(query, "@@VERSION"):
		return one("Microsoft SQL Server 2019 - 15.0.2000.5"), true, nil
	case strings.Contains(query, "DATABASEPROPERTYEX"):
		return one("Latin1_General_100_CI_AS_SC_UTF8", int64(65001)), true, nil
	case strings.HasSuffix(query, "BEGIN TRANSACTION"):
		request, c.open = "begin", true
	case query == "COMMIT TRANSACTION":
		request, c.open = "commit", false
	case query == "IF @@TRANCOUNT > 0 ROLLBACK TRANSACTION":
		request, c.open = "rollback", false
	case strings.HasPrefix(query, "SAVE TRANSACTION "):
		rows, err := c.ask("run", "SAVEPOINT "+strings.TrimPrefix(query, "SAVE TRANSACTION "))
		return rows, true, err
	case strings.HasPrefix(query, "ROLLBACK TRANSACTION "):
		rows, err := c.ask("run", "ROLLBACK TO SAVEPOINT "+strings.TrimPrefix(query, "ROLLBACK TRANSACTION "))
		return rows, true, err
	default:
		return nil, false, nil
	}
	rows, err := c.ask(request)
	return rows, true, err
}

// compatEngines are the dialects that have an engine of another maker.
func compatEngines() []engine { return []engine{compatSQLServer(65001), compatOracle("AL32UTF8")} }

// lossyEngines are the same with columns that do not hold every character.
func lossyEngines() []engine { return []engine{compatSQLServer(936), compatOracle("ZHS16GBK")} }
