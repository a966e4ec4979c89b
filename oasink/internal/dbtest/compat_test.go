package dbtest

import (
	"bufio"
	"context"
	"database/sql/driver"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"reflect"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// A compat is a database engine of another maker that understands a vendor's SQL:
// H2, in a process of its own. What it does not understand (locks, session
// settings) is played here; everything that reads or writes a row is run.
type compat struct {
	// url is the JDBC URL of the database of that name.
	url func(name string) string
	// catalogue are the statements that make the vendor's catalogue of the engine's.
	catalogue []string
	// played answers what the engine does not know; ok is false for the rest.
	played func(ctx context.Context, c *compatConn, query string) (answer *compatRows, ok bool, err error)
	// rewrite is the engine's spelling of a statement.
	rewrite func(query string) string
	// failed turns the engine's error into the vendor's.
	failed func(code int, message string) error
	// lossy plays a character set without emoji, which are replaced in silence.
	lossy bool
}

var (
	compatOnce    sync.Once
	compatAddress string
	compatInput   io.WriteCloser // open for as long as the process shall live
	errCompat     error
)

// compatPrefix begins the names of these engines.
const compatPrefix = "h2-"

// compatJar is where Debian's package libh2-java puts H2.
const compatJar = "/usr/share/java/h2.jar"

// compatServer starts the engines' process once; it ends with this one, whose pipe
// it reads.
func compatServer() (string, error) {
	compatOnce.Do(func() {
		if _, errCompat = os.Stat(compatJar); errCompat != nil {
			return
		}
		command := exec.Command("java", "-Xmx512m", "-cp", compatJar, "testdata/Compat.java")
		command.Stderr = os.Stderr
		var out io.ReadCloser
		if out, errCompat = command.StdoutPipe(); errCompat != nil {
			return
		}
		if compatInput, errCompat = command.StdinPipe(); errCompat != nil {
			return
		}
		if errCompat = command.Start(); errCompat != nil {
			return
		}
		var port string
		if port, errCompat = bufio.NewReader(out).ReadString('\n'); errCompat == nil {
			compatAddress = "127.0.0.1:" + strings.TrimSpace(port)
		}
	})
	return compatAddress, errCompat
}

// neededCompat skips the test without Java or H2; on CI it fails.
func neededCompat(t testing.TB) {
	t.Helper()
	long(t, "H2")
	_, err := compatServer()
	if err != nil && os.Getenv("CI") == "true" {
		t.Fatalf("H2 is needed on CI: %v", err)
	} else if err != nil {
		t.Skipf("H2 cannot be run, its tests are left out (Debian: default-jdk-headless, libh2-java): %v", err)
	}
}

// Open implements driver.Driver.
func (e *compat) Open(name string) (driver.Conn, error) {
	address, err := compatServer()
	if err != nil {
		return nil, err
	}
	socket, err := net.Dial("tcp", address)
	if err != nil {
		return nil, err
	}
	c := &compatConn{e: e, name: name, socket: socket, lines: bufio.NewReaderSize(socket, 1<<16)}
	_, err = fmt.Fprintln(socket, e.url(name))
	return c, err
}

type compatConn struct {
	e      *compat
	name   string
	socket net.Conn
	lines  *bufio.Reader
	open   bool
}

// compatLocks are who holds what, by database and lock.
var compatLocks = struct {
	sync.Mutex
	held map[string]*compatConn
}{held: make(map[string]*compatConn)}

// take takes a lock and waits for it so long.
func (c *compatConn) take(ctx context.Context, lock string, wait time.Duration) bool {
	lock = c.name + "/" + lock
	for end := time.Now().Add(wait); ; {
		compatLocks.Lock()
		owner := compatLocks.held[lock]
		if owner == nil {
			compatLocks.held[lock] = c
		}
		compatLocks.Unlock()
		if owner == nil || owner == c {
			return true
		}
		if ctx.Err() != nil || !time.Now().Before(end) {
			return false
		}
		time.Sleep(time.Millisecond)
	}
}

// drop gives back all locks.
func (c *compatConn) drop() {
	compatLocks.Lock()
	defer compatLocks.Unlock()
	for lock, owner := range compatLocks.held {
		if owner == c {
			delete(compatLocks.held, lock)
		}
	}
}

// ask sends a request and reads its answer.
func (c *compatConn) ask(request ...string) (*compatRows, error) {
	if _, err := fmt.Fprintln(c.socket, strings.Join(request, "\t")); err != nil {
		return nil, driver.ErrBadConn
	}
	line, err := c.lines.ReadString('\n')
	if err != nil {
		return nil, driver.ErrBadConn
	}
	f := strings.Split(strings.TrimSuffix(line, "\n"), "\t")
	switch f[0] {
	case "ok":
		n, err := strconv.ParseInt(f[1], 10, 64)
		return &compatRows{affected: n}, err
	case "err":
		code, _ := strconv.Atoi(f[1])
		return nil, c.e.failed(code, unescaped(f[3]))
	}
	width, err := strconv.Atoi(f[len(f)-1])
	if err != nil {
		return nil, err
	}
	rows := &compatRows{columns: f[1 : 1+width]}
	for cells := f[1+width : len(f)-1]; len(cells) > 0; cells = cells[width:] {
		row := make([]driver.Value, width)
		for i, v := range cells[:width] {
			switch v[0] {
			case 'i':
				row[i], _ = strconv.ParseInt(v[1:], 10, 64)
			case 'd':
				row[i], _ = strconv.ParseFloat(v[1:], 64)
			case 's':
				row[i] = unescaped(v[1:])
			}
		}
		rows.rows = append(rows.rows, row)
	}
	return rows, nil
}

func (c *compatConn) run(ctx context.Context, query string, args []driver.NamedValue) (*compatRows, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	if strings.Contains(query, " COLLATE ") && strings.HasPrefix(query, "SELECT ") {
		return one(withoutEmoji(args)[0].Value), nil
	}
	if rows, ok, err := c.e.played(ctx, c, query); ok {
		return rows, err
	}
	if c.e.lossy && lossyStatement.MatchString(query) {
		args = withoutEmoji(args)
	}
	query = escaped(c.e.rewrite(query))
	if len(args) > 0 && reflect.ValueOf(args[0].Value).Kind() == reflect.Slice {
		return c.batch(query, args)
	}
	request := []string{"run", query}
	for _, a := range args {
		request = append(request, bound(a.Value))
	}
	return c.ask(request...)
}

// batch runs a statement with slices as arguments.
func (c *compatConn) batch(query string, args []driver.NamedValue) (*compatRows, error) {
	request := []string{"batch", query, strconv.Itoa(len(args))}
	for i := range reflect.ValueOf(args[0].Value).Len() {
		for _, a := range args {
			v := reflect.ValueOf(a.Value).Index(i).Interface()
			if valuer, ok := v.(driver.Valuer); ok {
				v, _ = valuer.Value()
			}
			request = append(request, bound(v))
		}
	}
	return c.ask(request...)
}

// lossyStatement are those whose texts get into the OA's own columns, and Oracle's
// question what becomes of one.
var lossyStatement = regexp.MustCompile(`(?i)^(INSERT INTO|UPDATE) \S*(HrmScheduleSign|mobile_sign)|^SELECT TO_CHAR`)

// withoutEmoji are the arguments with question marks for characters above U+FFFF.
func withoutEmoji(args []driver.NamedValue) []driver.NamedValue {
	lossy := func(s string) string {
		return strings.Map(func(r rune) rune {
			if r > 0xFFFF {
				return '?'
			}
			return r
		}, s)
	}
	list := slices.Clone(args)
	for i, a := range list {
		switch v := a.Value.(type) {
		case string:
			list[i].Value = lossy(v)
		case []string:
			texts := slices.Clone(v)
			for j := range texts {
				texts[j] = lossy(texts[j])
			}
			list[i].Value = texts
		}
	}
	return list
}

func bound(v any) string {
	switch v := v.(type) {
	case nil:
		return "n"
	case float64:
		return "d" + strconv.FormatFloat(v, 'g', -1, 64)
	case string:
		return "s" + escaped(v)
	}
	return fmt.Sprintf("i%d", v)
}

func escaped(s string) string {
	return strings.NewReplacer(`\`, `\\`, "\t", `\t`, "\n", `\n`, "\r", `\r`).Replace(s)
}

func unescaped(s string) string {
	return strings.NewReplacer(`\\`, `\`, `\t`, "\t", `\n`, "\n", `\r`, "\r").Replace(s)
}

func (c *compatConn) ExecContext(ctx context.Context, query string, args []driver.NamedValue) (driver.Result, error) {
	rows, err := c.run(ctx, query, args)
	if err != nil {
		return nil, err
	}
	return driver.RowsAffected(rows.affected), nil
}

func (c *compatConn) QueryContext(ctx context.Context, query string, args []driver.NamedValue) (driver.Rows, error) {
	rows, err := c.run(ctx, query, args)
	if err != nil {
		return nil, err
	}
	return rows, nil
}

func (c *compatConn) BeginTx(context.Context, driver.TxOptions) (driver.Tx, error) {
	c.open = true
	_, err := c.ask("begin")
	return c, err
}

func (c *compatConn) Commit() error   { return c.finish("commit") }
func (c *compatConn) Rollback() error { return c.finish("rollback") }

// finish ends a transaction of Oracle, and with it its locks.
func (c *compatConn) finish(how string) error {
	_, err := c.ask(how)
	c.open = false
	c.drop()
	return err
}

func (c *compatConn) PrepareContext(_ context.Context, query string) (driver.Stmt, error) {
	return &compatStmt{c, query}, nil
}

func (c *compatConn) Prepare(query string) (driver.Stmt, error) { return &compatStmt{c, query}, nil }
func (c *compatConn) Begin() (driver.Tx, error)                 { return nil, errors.ErrUnsupported }
func (c *compatConn) CheckNamedValue(*driver.NamedValue) error  { return nil }
func (c *compatConn) Close() error {
	c.drop()
	return c.socket.Close()
}

type compatStmt struct {
	c     *compatConn
	query string
}

func (p *compatStmt) Close() error                               { return nil }
func (p *compatStmt) NumInput() int                              { return -1 }
func (p *compatStmt) Exec([]driver.Value) (driver.Result, error) { return nil, errors.ErrUnsupported }
func (p *compatStmt) Query([]driver.Value) (driver.Rows, error)  { return nil, errors.ErrUnsupported }
func (p *compatStmt) ExecContext(ctx context.Context, args []driver.NamedValue) (driver.Result, error) {
	return p.c.ExecContext(ctx, p.query, args)
}
func (p *compatStmt) QueryContext(ctx context.Context, args []driver.NamedValue) (driver.Rows, error) {
	return p.c.QueryContext(ctx, p.query, args)
}

type compatRows struct {
	columns  []string
	rows     [][]driver.Value
	affected int64 // by a statement without rows
}

func (r *compatRows) Columns() []string { return r.columns }
func (r *compatRows) Close() error      { return nil }
func (r *compatRows) Next(dest []driver.Value) error {
	if len(r.rows) == 0 {
		return io.EOF
	}
	copy(dest, r.rows[0])
	r.rows = r.rows[1:]
	return nil
}

// one is an answer of one row.
func one(values ...driver.Value) *compatRows {
	return &compatRows{columns: make([]string, len(values)), rows: [][]driver.Value{values}}
}

// numbered spells arguments as H2 does, ?1, outside of literals and names.
func numbered(query, mark string) string {
	pattern := regexp.MustCompile(`'[^']*'|"[^"]*"|\[[^]]*\]|` + mark + `(\d+)`)
	return pattern.ReplaceAllStringFunc(query, func(found string) string {
		if n, ok := strings.CutPrefix(found, mark); ok {
			return "?" + n
		}
		return found
	})
}

// compatEngine is the vendor's dialect on H2.
func compatEngine(v vendor, e *compat) engine {
	on := engine{name: compatPrefix + v.name, driver: e, dialect: v.dialect}
	on.create = func(t testing.TB, name string) string {
		t.Cleanup(func() { // else it stays in the process's memory
			c, err := e.Open(name)
			if err == nil {
				_, _ = c.(*compatConn).ask("run", "SHUTDOWN IMMEDIATELY")
				_ = c.Close()
			}
		})
		db := on.open(t, name)
		for _, statement := range e.catalogue {
			_, err := db.DB.Exec(statement)
			require.NoError(t, err, statement)
		}
		return name
	}
	return on
}
