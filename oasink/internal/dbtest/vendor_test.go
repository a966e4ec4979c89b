package dbtest

import (
	"database/sql/driver"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/uptrace/bun/dialect/mssqldialect"
	"github.com/uptrace/bun/dialect/mysqldialect"
	"github.com/uptrace/bun/dialect/oracledialect"
	"github.com/uptrace/bun/dialect/pgdialect"
	"github.com/uptrace/bun/dialect/sqlitedialect"
	"github.com/uptrace/bun/schema"
)

// A vendor is how one vendor's server behaves, as far as a script has to know.
type vendor struct {
	name    string
	dialect func() schema.Dialect
	// ask answers questions about the catalogue, the session and the lock.
	ask func(s *script, c *scriptConn, query string, args []driver.NamedValue) [][]driver.Value
	// play is what a statement does to a connection.
	play func(s *script, c *scriptConn, query string) error
}

const (
	sqlserverName = "sqlserver"
	oracleName    = "oracle"
)

func vendors() []vendor {
	return []vendor{sqliteVendor(), mysqlVendor(), postgresVendor(), sqlserverVendor(), oracleVendor()}
}

// catalogue is e-cology 9 in the kinds of ecologytest: cN is CHAR(N), vN VARCHAR(N).
func catalogue(coordinate, operateDate string) map[string]string {
	return map[string]string{
		"HrmScheduleSign": "id int, userId int, userType c1, signType c1, signDate c10, signTime c8, clientAddress v120, isInCom c1, signFrom v400, LONGITUDE v400, LATITUDE v400, ADDR v1000, belongdate v10",
		"mobile_sign":     "id int, operater int, operate_type v50, operate_date " + operateDate + ", operate_time c8, longitude " + coordinate + ", latitude " + coordinate + ", address v500, remark v1000",
		"kq_format_pool":  "id int, resourceid int, kqdate v10, status int, created timestamp, exectime timestamp",
		"HrmResource":     "id int, loginid v60, account v60, workcode v60, lastname v60, mobile v60, email v60, departmentid int, subcompanyid1 int, status int, accounttype int",
		"HrmDepartment":   "id int, departmentname v200, subcompanyid1 int, supdepid int, canceled c1",
		"HrmSubCompany":   "id int, subcompanyname v200, supsubcomid int, canceled c1",
	}
}

// ledgerCatalogue is the ledger: nN is a text of N characters.
func ledgerCatalogue() map[string]string {
	entry := "origin big, target small, record_id n100, row_id big, account n64, person big, punched big, wrote big, sign_type small, sign_from n50, place big, stored big, read_at big"
	return map[string]string{
		"punchbridge_origins": "origin big, source n100, corp n100",
		"punchbridge_rows":    entry + ", absent_at big, absent_run n64, moves big, run_id n64",
		"punchbridge_reads":   "origin big, account n64, spans n1000",
		"punchbridge_changes": "id big, run_id n64, step big, removed small, " + entry + ", replaced small, longitude n50, latitude n50, address n1000, remark n1000",
		"punchbridge_version": "version big",
	}
}

// columns calls row for each column of a table that is meant in any case.
func (s *script) columns(tables map[string]string, want string, row func(table, name, kind string, size int)) {
	if s.made[strings.ToLower(want)] {
		tables = ledgerCatalogue()
	}
	for table, list := range tables {
		if !strings.EqualFold(table, want) || slices.Contains(s.without, table) {
			continue
		}
		for _, c := range strings.Split(list, ", ") {
			name, kind, _ := strings.Cut(c, " ")
			size, err := strconv.Atoi(kind[1:])
			if err == nil {
				kind = kind[:1]
			}
			row(table, name, kind, size)
		}
	}
}

func text(args []driver.NamedValue, i int) string { return fmt.Sprint(args[i].Value) }

func sqliteVendor() vendor {
	return vendor{name: sqliteName, dialect: func() schema.Dialect { return sqlitedialect.New() }, play: noPlay,
		ask: func(s *script, _ *scriptConn, query string, args []driver.NamedValue) (rows [][]driver.Value) {
			if strings.Contains(query, "pragma_table_info") {
				s.columns(catalogue("v50", "c10"), text(args, 0), func(_, name, kind string, size int) {
					rows = append(rows, []driver.Value{name, declared(kind, size, "VARCHAR", "INTEGER", "TIMESTAMP"), false, false})
				})
			}
			if strings.HasPrefix(query, "PRAGMA user_version") {
				return [][]driver.Value{{int64(0)}}
			}
			return counted(query, rows)
		}}
}

func mysqlVendor() vendor {
	return vendor{name: "mysql", dialect: func() schema.Dialect { return mysqldialect.New() }, play: noPlay,
		ask: func(s *script, _ *scriptConn, query string, args []driver.NamedValue) (rows [][]driver.Value) {
			switch {
			case strings.Contains(query, "information_schema.columns"):
				s.columns(catalogue("v50", "c10"), text(args, 1), func(table, name, kind string, size int) {
					row := []driver.Value{table, name, declared(kind, size, "varchar", "int", "datetime"), nil, nil, "utf8mb4", "YES"}
					if size > 0 {
						row[3], row[4] = "utf8mb4", int64(size)
					}
					rows = append(rows, row)
				})
			case strings.Contains(query, "information_schema.tables WHERE LOWER"):
				s.columns(catalogue("v50", "c10"), text(args, 0), func(table, _, _ string, _ int) {
					rows = [][]driver.Value{{"ecology", table, "InnoDB"}}
				})
			case strings.Contains(query, "SELECT GET_LOCK"):
				return [][]driver.Value{{int64(1), "utf8mb4", "utf8mb4", "utf8mb4", "STRICT_TRANS_TABLES", int64(28800), int64(50), int64(31536000), int64(0), "18446744073709551615", int64(1), int64(0)}}
			case strings.Contains(query, "HEX("):
				probe := text(args, 0)
				return [][]driver.Value{{fmt.Sprintf("%X", probe), probe, ""}}
			case strings.Contains(query, "autocommit"):
				return [][]driver.Value{{int64(1), "18446744073709551615"}}
			case strings.Contains(strings.ToLower(query), "version()"):
				return [][]driver.Value{{"8.4.0"}}
			}
			return counted(query, rows)
		}}
}

func postgresVendor() vendor {
	return vendor{name: postgresName, dialect: func() schema.Dialect { return pgdialect.New() }, play: noPlay,
		ask: func(s *script, _ *scriptConn, query string, args []driver.NamedValue) (rows [][]driver.Value) {
			if strings.Contains(query, "client_encoding'),") {
				return [][]driver.Value{{text(args, 0), "UTF8", "UTF8"}}
			}
			if strings.Contains(query, "pg_catalog.pg_class") {
				s.columns(catalogue("v50", "c10"), text(args, 0), func(table, name, kind string, size int) {
					rows = append(rows, []driver.Value{"public", strings.ToLower(table), strings.ToLower(name),
						declared(kind, size, "character varying", "integer", "timestamp without time zone"), "UTF8", false, false})
				})
			}
			return counted(query, rows)
		}}
}

func sqlserverVendor() vendor {
	return vendor{name: sqlserverName, dialect: func() schema.Dialect { return mssqldialect.New() }, play: playSQLServer,
		ask: func(s *script, c *scriptConn, query string, args []driver.NamedValue) (rows [][]driver.Value) {
			switch {
			case strings.Contains(query, "sys.columns"):
				s.columns(catalogue("num", "c10"), text(args, 0), func(table, name, kind string, size int) {
					row := []driver.Value{"dbo", table, name, kind, int64(4), nil, nil}
					switch kind {
					case "c", "v":
						row[3], row[4], row[5], row[6] = map[string]string{"c": "char", "v": "varchar"}[kind], int64(size), "Chinese_PRC_CI_AS", int64(936)
					case "n":
						row[3], row[4], row[5], row[6] = "nvarchar", int64(2*size), "Latin1_General_BIN2", int64(1252)
					case "big", "small":
						row[3] = kind + "int"
					case "num":
						row[3] = "numeric"
					case "timestamp":
						row[3] = "datetime"
					}
					rows = append(rows, row)
				})
			case strings.Contains(query, "sp_getapplock"):
				got := int64(0)
				if s.owner != c {
					got = -1
				}
				return [][]driver.Value{{got, int64(c.open), int64(-1), int64(5496), int64(2)}}
			case strings.Contains(query, "DATABASEPROPERTYEX"):
				return [][]driver.Value{{"Chinese_PRC_CI_AS", int64(936)}}
			case strings.Contains(query, "@@VERSION"):
				return [][]driver.Value{{"Microsoft SQL Server 2019 - 15.0.2000.5"}}
			case strings.Contains(query, "COLLATE"):
				return [][]driver.Value{{strings.ReplaceAll(text(args, 0), "🏢", "??")}}
			}
			return counted(query, rows)
		}}
}

// playSQLServer: sp_getapplock answers in the row that its batch returns.
func playSQLServer(s *script, c *scriptConn, query string) error {
	if strings.Contains(query, "sp_getapplock") && s.owner == nil {
		s.owner = c
	}
	if strings.Contains(query, "sp_releaseapplock") && s.owner == c {
		s.owner = nil
	}
	switch {
	case strings.HasSuffix(query, "BEGIN TRANSACTION"):
		c.open++
	case strings.HasPrefix(query, "COMMIT"):
		if c.open == 0 {
			return sqlserverError{3902, "The COMMIT TRANSACTION request has no corresponding BEGIN TRANSACTION."}
		}
		c.open--
	case strings.HasPrefix(query, "IF @@TRANCOUNT > 0 ROLLBACK"):
		c.open = 0
	case strings.HasPrefix(query, "INSERT") && (c.open != 1 || s.owner != c):
		return errors.New("script: an insert outside of a transaction, or without the lock")
	}
	return nil
}

func oracleVendor() vendor {
	return vendor{name: oracleName, dialect: func() schema.Dialect { return oracledialect.New() }, play: playOracle,
		ask: func(s *script, _ *scriptConn, query string, args []driver.NamedValue) (rows [][]driver.Value) {
			switch {
			case strings.Contains(query, "ALL_TAB_COLUMNS"):
				s.columns(catalogue("v50", "c50"), text(args, 0), func(table, name, kind string, size int) {
					row := []driver.Value{"ECOLOGY", strings.ToUpper(table), strings.ToUpper(name), "NUMBER", int64(22), int64(0), nil, int64(0), "ZHS16GBK"}
					switch kind {
					case "c", "v":
						row[3], row[4], row[5], row[6], row[7] = map[string]string{"c": "CHAR", "v": "VARCHAR2"}[kind], int64(size), int64(size), "B", nil
					case "n":
						row[3], row[4], row[5], row[6], row[7] = "NVARCHAR2", int64(2*size), int64(size), "C", nil
					case "timestamp":
						row[3], row[4], row[7] = "TIMESTAMP(6)", int64(11), int64(6)
					}
					rows = append(rows, row)
				})
			case strings.Contains(query, "NLS_CHARACTERSET"):
				return [][]driver.Value{{"ZHS16GBK"}}
			case strings.Contains(query, "FROM DUAL"):
				return [][]driver.Value{{strings.ReplaceAll(text(args, 0), "🏢", "?")}}
			}
			return counted(query, rows)
		}}
}

func playOracle(s *script, c *scriptConn, query string) error {
	switch {
	case strings.HasPrefix(query, "LOCK TABLE") && strings.Contains(query, " IN EXCLUSIVE "):
		if s.owner != nil && s.owner != c {
			return errors.New("ORA-30006: resource busy; acquire with WAIT timeout expired")
		}
		s.owner = c
	case strings.HasPrefix(query, "INSERT") && (c.open != 1 || s.owner != c):
		return errors.New("script: an insert that the driver commits by itself, or without the lock")
	}
	return nil
}

func noPlay(*script, *scriptConn, string) error { return nil }

// counted adds the one row of a question how many there are.
func counted(query string, rows [][]driver.Value) [][]driver.Value {
	if rows == nil && strings.HasPrefix(query, "SELECT COUNT(*)") {
		return [][]driver.Value{{int64(0)}}
	}
	return rows
}

func declared(kind string, size int, text, integer, timestamp string) string {
	switch kind {
	case "c":
		return fmt.Sprintf("char(%d)", size)
	case "v", "n":
		return fmt.Sprintf("%s(%d)", text, size)
	case "big", "small":
		return kind + "int"
	case "int":
		return integer
	case "num":
		return "numeric(18,8)"
	}
	return timestamp
}

// A sqlserverError is an error as go-mssqldb has them.
type sqlserverError struct {
	number  int32
	message string
}

func (e sqlserverError) Error() string         { return fmt.Sprintf("mssql: %s (%d)", e.message, e.number) }
func (e sqlserverError) SQLErrorNumber() int32 { return e.number }
