package main

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"net/url"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/uptrace/bun"
	"github.com/uptrace/bun/dialect/sqlitedialect"

	"github.com/punchbridge/punchbridge/attendance"
	"github.com/punchbridge/punchbridge/attendance/sqlstore"
	"github.com/punchbridge/punchbridge/provider"
)

// stateConfig is where runs, coverage and leases are kept.
type stateConfig struct {
	driver   string // none: nowhere
	dsn      string // with the password in it
	password string // that stands beside the dsn in the file
}

func readState(v value, c *stateConfig) error {
	var dsn, password value
	c.dsn = ""
	err := v.fields(map[string]func(value) error{
		"driver":   func(v value) error { return v.word(&c.driver, "sqlite", "mysql", "postgres", "none") },
		"dsn":      func(v value) error { dsn = v; return v.textInto(&c.dsn) },
		"password": func(v value) error { password = v; return v.exactInto(&c.password) },
	})
	switch {
	case err != nil:
		return err
	case c.dsn == "" && c.driver == "sqlite":
		c.dsn = stateFile
	case c.dsn == "" && c.driver != "none":
		return v.missing("dsn", "the database where runs are remembered", "保存运行记录的数据库连接串")
	case c.driver != "none" || c.password != "":
		c.dsn, err = complete(c.driver, c.dsn, c.password, "", dsn, password)
	}
	return err
}

// stateFile stands beside the configuration file.
const stateFile = "file:bridge-state.db"

// store opens the state once. It is nil where the file says none.
func (p *program) store(ctx context.Context) (attendance.Store, error) {
	p.opening.Lock()
	defer p.opening.Unlock()
	if p.state != nil || p.config.state.driver == "none" {
		return p.state, nil
	}
	db, err := p.config.state.open(filepath.Dir(p.config.file))
	if err != nil {
		return nil, stateTrouble(err)
	}
	store, err := sqlstore.New(ctx, db, &sqlstore.Options{Redact: p.secrets.Text})
	if err == nil {
		err = p.config.renameTargets(ctx, store)
	}
	if err != nil {
		if p.config.state.driver == "sqlite" {
			if folder := folderTrouble(p.config.state.path(filepath.Dir(p.config.file))); folder != nil {
				err = folder
			}
		}
		return nil, stateTrouble(closing(db, err))
	}
	p.stateDB, p.state, p.kept = db, store, store.Cleaned().Passwords
	return store, nil
}

// renameTargets keeps the marks of an OA that had no name and was given one: what the jobs
// have remembered under the name for none is remembered under that of their OA now.
func (c *config) renameTargets(ctx context.Context, store *sqlstore.Store) error {
	if slices.ContainsFunc(c.oas, func(o *oaConfig) bool { return o.target() == nameless }) {
		return nil
	}
	for _, j := range c.jobs {
		if _, err := store.RenameTarget(ctx, j.name, j.provider.corp(), nameless, j.home.target()); err != nil {
			return err
		}
	}
	return nil
}

// closing closes a database that is of no use, and returns why it is not.
func closing(db *bun.DB, err error) error {
	_ = db.Close()
	return err
}

// stateTrouble says which database it is that failed.
func stateTrouble(err error) error {
	if attendance.CodeOf(err) == "" {
		return err
	}
	mend := attendance.Text{
		EN: "check state.driver and state.dsn, and the right to write there; state: {driver: none} remembers nothing",
		ZH: "请检查 state.driver、state.dsn 及其写入权限；state: {driver: none} 表示不保存运行状态"}
	if e, ok := errors.AsType[*attendance.Error](err); ok && e.Op == "sqlite" && e.Mend != (attendance.Text{}) {
		mend.EN, mend.ZH = e.Mend.EN+"; "+mend.EN, e.Mend.ZH+"；"+mend.ZH // which names the folder
	}
	return &attendance.Error{Code: attendance.CodeOf(err), Op: "state", Detail: sentence(err), Err: err, Mend: mend}
}

func (c *stateConfig) open(beside string) (*bun.DB, error) {
	switch c.driver {
	case "mysql":
		return openMySQL(c.dsn)
	case "postgres":
		return openPostgres(c.dsn)
	}
	_, query, _ := strings.Cut(c.dsn, "?")
	name := c.path(beside)
	options := []string{"_pragma=busy_timeout(10000)", "_pragma=journal_mode(wal)", "_pragma=synchronous(normal)"}
	if query != "" {
		options = append(options, query)
	}
	escaped := strings.NewReplacer("%", "%25", "?", "%3f", "#", "%23").Replace(filepath.ToSlash(name))
	db, err := sql.Open("sqlite", "file:"+escaped+"?"+strings.Join(options, "&"))
	if err != nil {
		return nil, storeDown(fmt.Sprintf("the state %s cannot be opened: %v", name, err), err)
	}
	return bun.NewDB(db, sqlitedialect.New()), nil
}

// path is the file of a state on SQLite. A relative one stands beside the
// configuration file.
func (c *stateConfig) path(beside string) string {
	name, _, _ := strings.Cut(c.dsn, "?")
	if uri, ok := strings.CutPrefix(name, "file:"); ok {
		name = strings.TrimPrefix(uri, "//")
		if unescaped, err := url.PathUnescape(name); err == nil {
			name = unescaped
		}
	}
	if filepath.IsAbs(name) {
		return name
	}
	return filepath.Join(beside, name)
}

// budgets counts calls in the state, which is opened by the first call.
type budgets struct{ *program }

func (b budgets) Spend(ctx context.Context, corp, month string, n, most int) (int, bool, error) {
	store, err := b.store(ctx)
	if err != nil {
		return 0, false, err
	}
	return store.Spend(ctx, corp, month, n, most)
}

// budget counts the metered calls of a company; nil where nothing is remembered.
func (p *program) budget(c *providerConfig) provider.Budget {
	if p.config.state.driver == "none" {
		return nil
	}
	return provider.NewStoredBudget(budgets{p}, c.kind+" "+c.corp(), c.monthlyQuota, time.FixedZone("Asia/Shanghai", 8*60*60), p.now)
}

// memory is what a job's runs remember.
func (p *program) memory(ctx context.Context) (attendance.Memory, error) {
	store, err := p.store(ctx)
	if store == nil || err != nil {
		return attendance.Memory{}, err
	}
	return attendance.Remember(store), nil
}
