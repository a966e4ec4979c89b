package main

import (
	"net/url"
	"regexp"
	"strconv"
	"strings"

	"github.com/go-sql-driver/mysql"
	"github.com/jackc/pgx/v5"
	"github.com/microsoft/go-mssqldb/msdsn"
	goora "github.com/sijms/go-ora/v2"

	"github.com/punchbridge/punchbridge/attendance"
)

// A dsnFault says what is wrong with a dsn, and how it is written. Neither text holds
// a part of it: where the password ends cannot be told of one that is wrong.
type dsnFault struct {
	key  string // dsn or password
	what string
	mend attendance.Text
}

// completed is the dsn with the password in it, as the driver reads it. Both come from
// the file; password may be empty. schema stands for the name of a database.
func completed(driver, dsn, password, schema string) (string, *dsnFault) {
	if unencoded(driver, dsn) {
		return "", unencodedFault()
	}
	if password != "" {
		if driver == "sqlite" {
			return "", &dsnFault{"password", "SQLite has no password", attendance.Text{EN: "remove the key", ZH: "请删除该键"}}
		}
		if passwordOf(driver, dsn) != "" {
			return "", &dsnFault{"password", "the dsn holds a password too", attendance.Text{EN: "leave it out of the dsn", ZH: "请从 dsn 中去掉口令"}}
		}
		dsn = withPassword(driver, dsn, password)
	}
	if mend := dsnMend(driver, dsn, schema); mend != "" {
		return "", &dsnFault{"dsn", "this is no dsn of " + driver + " that names a database", attendance.Text{
			EN: "write " + strconv.Quote(mend) + "; the password may stand below the key password instead, where nothing is encoded",
			ZH: "请写 " + strconv.Quote(mend) + "；口令也可改写在 password 键下，无需编码"}}
	}
	if _, is := urlOf(driver, dsn); is && password == "" && passwordOf(driver, dsn) != "" && readPassword(driver, dsn) != passwordOf(driver, dsn) {
		return "", unencodedFault() // the driver takes the address apart in another way
	}
	if password != "" && readPassword(driver, dsn) != password {
		return "", &dsnFault{"password", "it cannot be put into this dsn", attendance.Text{
			EN: "write the dsn as a URL (" + dsnForm(driver) + "), without a password", ZH: "请将 dsn 写成 URL（" + dsnForm(driver) + "），其中不含口令"}}
	}
	return dsn, nil
}

// unencodedFault is that of a password that ends the address too early.
func unencodedFault() *dsnFault {
	return &dsnFault{"dsn", "the password in this address is not percent-encoded", attendance.Text{
		EN: `percent-encode the password (@ as %40, / as %2F, # as %23, ? as %3F, % as %25), or leave it out here and write it as it is below the key password, as password: "${DB_PASS}"`,
		ZH: `请对口令做百分号编码（@ 写 %40，/ 写 %2F，# 写 %23，? 写 %3F，% 写 %25），或在此处去掉口令，改用 password 键原样填写，如 password: "${DB_PASS}"`}}
}

// complete is completed, with the fault as one of the file's at the key where it lies.
func complete(driver, dsn, password, schema string, dsnAt, passwordAt value) (string, error) {
	full, fault := completed(driver, dsn, password, schema)
	if fault == nil {
		return full, charsetFault(dsnAt, driver, full)
	}
	at := dsnAt
	if fault.key == "password" {
		at = passwordAt
	}
	return "", at.fail(fault.mend, "%s", fault.what)
}

// dsnForm is how a driver's dsn is written.
func dsnForm(driver string) string {
	return map[string]string{ //nolint:gosec // forms, not passwords
		"mysql":     "user:password@tcp(host:3306)/ecology",
		"postgres":  "postgres://user:password@host:5432/ecology",
		"sqlserver": "sqlserver://user:password@host:1433?database=ecology",
		"oracle":    "oracle://user:password@host:1521/service",
	}[driver]
}

// dsnMend is how the driver's dsn is written when it is wrong, else "".
func dsnMend(driver, dsn, schema string) string {
	good := true
	switch driver {
	case "mysql":
		config, err := mysql.ParseDSN(dsn)
		good = err == nil && (config.DBName != "" || schema != "")
	case "postgres":
		_, err := pgx.ParseConfig(dsn)
		good = err == nil
	case "sqlserver":
		config, err := msdsn.Parse(dsn)
		good = err == nil && config.Database != ""
	case "oracle":
		config, err := goora.ParseConfig(dsn)
		good = err == nil && len(config.Servers) > 0 && (config.ServiceName != "" || config.SID != "")
	}
	if good {
		return ""
	}
	return dsnForm(driver)
}

// urlOf takes a dsn apart that is written as an address, as drivers of PostgreSQL, SQL
// Server and Oracle know it.
func urlOf(driver, dsn string) (rest string, is bool) {
	scheme, rest, found := strings.Cut(dsn, "://")
	scheme = strings.ToLower(scheme)
	switch driver {
	case "postgres":
		is = scheme == "postgres" || scheme == "postgresql"
	case "sqlserver", "oracle":
		is = scheme == driver
	}
	return rest, is && found
}

// unencoded reports whether an address holds a user name or a password with characters
// that end it, so that the driver would take a part of it for the host, the port or the
// database. A rule of the address's own is that the host begins behind the only @.
func unencoded(driver, dsn string) bool {
	rest, is := urlOf(driver, dsn)
	if !is {
		return false
	}
	end := strings.IndexAny(rest, "/?#")
	if end < 0 {
		end = len(rest)
	}
	authority, after := rest[:end], rest[end:]
	path, query, _ := strings.Cut(after, "?")
	before, _, inQuery := strings.Cut(query, "@")
	at := strings.LastIndexByte(authority, '@')
	switch {
	case strings.Contains(after, "#"), strings.Contains(path, "@"):
		return true // nothing has fragments; the @ before the host stands too far behind
	case inQuery && !strings.Contains(before, "="):
		return true // as above; a value in the query may have an @
	case at >= 0:
		_, password, _ := strings.Cut(authority[:at], ":")
		if strings.Contains(password, "@") {
			return true
		}
	case strings.Contains(authority, ":") && !isAddress(authority) && strings.Contains(query, "@"):
		return true // user:pass?word@host
	}
	u, err := url.Parse(dsn)
	if err != nil {
		if at < 0 {
			return strings.Contains(authority, ":") && !isAddress(authority) && strings.Contains(after, "@")
		}
		_, err = url.Parse(strings.Replace(dsn, authority[:at+1], "user:password@", 1))
		return err == nil // it was they that could not be read
	}
	_, err = url.ParseQuery(u.RawQuery)
	return err != nil
}

// isAddress reports whether these are hosts with ports.
func isAddress(hosts string) bool {
	return regexp.MustCompile(`^([^:,\[\]]*|\[[^\]]*\])(:\d*)?(,([^:,\[\]]*|\[[^\]]*\])(:\d*)?)*$`).MatchString(hosts)
}

// passwordOf is the password in a dsn, as the driver reads it; "" where there is none.
func passwordOf(driver, dsn string) string {
	switch driver {
	case "mysql":
		if config, err := mysql.ParseDSN(dsn); err == nil {
			return config.Passwd
		}
	case "postgres":
		if _, isURL := urlOf(driver, dsn); !isURL && !regexp.MustCompile(`(?i)(^|\s)password\s*=`).MatchString(dsn) {
			return "" // the driver would look into the environment
		}
		if u, err := url.Parse(dsn); err == nil && u.Host+u.Path != "" && u.Scheme != "" {
			if password, set := u.User.Password(); set {
				return password
			}
			return u.Query().Get("password")
		}
		if config, err := pgx.ParseConfig(dsn); err == nil {
			return config.Password
		}
	case "sqlserver":
		if config, err := msdsn.Parse(dsn); err == nil {
			return config.Password
		}
	case "oracle":
		if u, err := url.Parse(dsn); err == nil {
			password, _ := u.User.Password()
			return password
		}
	}
	return ""
}

// readPassword is the password that the driver would log in with.
func readPassword(driver, dsn string) string {
	switch driver {
	case "postgres":
		if config, err := pgx.ParseConfig(dsn); err == nil {
			return config.Password
		}
	case "oracle":
		if config, err := goora.ParseConfig(dsn); err == nil {
			return config.DatabaseInfo.Password
		}
	}
	return passwordOf(driver, dsn)
}

// withPassword puts a password into a dsn that has none, in the escaping of its form.
func withPassword(driver, dsn, password string) string {
	if rest, is := urlOf(driver, dsn); is {
		scheme := strings.TrimSuffix(dsn, rest)
		end := strings.IndexAny(rest, "/?#")
		if end < 0 {
			end = len(rest)
		}
		at := strings.LastIndexByte(rest[:end], '@')
		user := strings.TrimSuffix(rest[:max(0, at)], ":")
		return scheme + user + url.UserPassword("", password).String() + "@" + rest[at+1:]
	}
	switch driver {
	case "mysql": // user@tcp(host)/name: the driver looks for the last / and the last @ before it
		head := dsn[:max(0, strings.LastIndexByte(dsn, '/'))]
		at := strings.LastIndexByte(head, '@')
		user := strings.TrimSuffix(head[:max(0, at)], ":")
		return user + ":" + password + "@" + dsn[at+1:]
	case "postgres": // key=value
		return dsn + " password='" + strings.NewReplacer(`\`, `\\`, `'`, `\'`).Replace(password) + "'"
	case "sqlserver":
		dsn = strings.TrimRight(dsn, "; ")
		if strings.HasPrefix(strings.ToLower(dsn), "odbc:") {
			return dsn + ";password={" + strings.ReplaceAll(password, "}", "}}") + "}"
		}
		return dsn + `;password="` + strings.ReplaceAll(password, `"`, `""`) + `"`
	}
	return dsn
}
