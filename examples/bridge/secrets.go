package main

import (
	"context"
	"io"
	"net/url"
	"path/filepath"
	"strings"

	"github.com/punchbridge/punchbridge/attendance"
	"github.com/punchbridge/punchbridge/attendance/redact"
	"github.com/punchbridge/punchbridge/attendance/sqlstore"
)

// secrets are those of the file and of the proxies in the environment. The library
// does not tell what it cannot know to be harmless; what the program knows is blanked
// besides, in everything that is printed, kept and posted.
func (c *config) secrets(lookup func(string) (string, bool)) *redact.Secrets {
	var whole, passwords []string
	for _, o := range c.oas {
		passwords = append(passwords, o.password, passwordOf(o.driver, o.dsn))
		whole = append(whole, o.recalcToken)
		whole = append(whole, inAddress(o.recalcURL)...)
	}
	passwords = append(passwords, c.state.password, passwordOf(c.state.driver, c.state.dsn))
	for _, p := range c.providers {
		whole = append(whole, p.appSecret, p.secret, p.contact)
	}
	whole = append(whole, c.notify.secret)
	whole = append(whole, inAddress(c.notify.url)...)
	whole = append(whole, inPath(c.notify.url)...)
	if password, set := lookup("PGPASSWORD"); set {
		passwords = append(passwords, password)
	}
	for _, name := range []string{"HTTPS_PROXY", "HTTP_PROXY", "ALL_PROXY", "https_proxy", "http_proxy", "all_proxy"} {
		if proxy, set := lookup(name); set {
			passwords = append(passwords, inUserinfo(proxy))
		}
	}
	return redact.NewSecrets(c.hidden(whole), c.hidden(passwords))
}

// inUserinfo is the password of an address, encoded or not: what stands between the
// first colon and the last @.
func inUserinfo(address string) string {
	if u, err := url.Parse(address); err == nil {
		if password, set := u.User.Password(); set {
			return password
		}
	}
	_, rest, found := strings.Cut(address, "://")
	if !found {
		rest = address
	}
	_, password, _ := strings.Cut(rest[:max(0, strings.LastIndexByte(rest, '@'))], ":")
	return password
}

// inAddress are the secrets of an address: its password and what stands in its query.
func inAddress(address string) []string {
	u, err := url.Parse(address)
	if err != nil || address == "" {
		return nil
	}
	password, _ := u.User.Password()
	secrets := []string{password}
	for _, values := range u.Query() {
		secrets = append(secrets, values...)
	}
	return secrets
}

// keyInPath is how long a part of a path is that may be a key, as many hooks have.
const keyInPath = 20

// inPath are the parts of an address's path that may be keys.
func inPath(address string) (keys []string) {
	u, err := url.Parse(address)
	if err != nil {
		return nil
	}
	for part := range strings.SplitSeq(u.Path, "/") {
		if len(part) >= keyInPath {
			keys = append(keys, part)
		}
	}
	return keys
}

// hidden are those of the values that are no names which the program prints anyway: a
// password "ecology" of a database of that name is blanked nowhere.
func (c *config) hidden(values []string) (secret []string) {
	var public []string
	for _, o := range c.oas {
		public = append(public, o.name, o.driver, o.schema)
	}
	for _, p := range c.providers {
		public = append(public, p.name, p.kind)
	}
	for _, j := range c.jobs {
		public = append(public, j.name, j.signFrom)
	}
	for _, value := range values {
		known := value == ""
		for _, name := range public {
			known = known || strings.Contains(name, value)
		}
		if !known {
			secret = append(secret, value)
		}
	}
	return secret
}

// A blanker writes without the secrets. Whoever writes to it writes whole texts.
type blanker struct {
	to      io.Writer
	secrets *redact.Secrets
}

func (b blanker) Write(p []byte) (int, error) {
	if _, err := io.WriteString(b.to, b.secrets.Text(string(p))); err != nil {
		return 0, err
	}
	return len(p), nil
}

// passwordKept is the warning that a password was found in the log of runs: of the first
// run that comes to tell it.
func passwordKept(n int) attendance.Warning {
	return attendance.Warningf("password_kept", "同步日志中曾有 %d 处含数据库口令或其片段，现已清除：请修改该口令，并清理旧的日志文件与通知记录 / the sync log held a database's password, or a part of it, in %d messages, which are now blanked: change this password, and remove old log files and notifications", n, n)
}

// keptPassword is that warning where it has not been given yet.
func (p *program) keptPassword() []attendance.Warning {
	n := p.kept
	p.kept = 0
	if n == 0 {
		return nil
	}
	p.keptTold = true
	return []attendance.Warning{passwordKept(n)}
}

// tellKept gives the warning for commands that have no list of them.
func (p *program) tellKept() {
	for _, w := range p.keptPassword() {
		p.logger.Warn(w.Message, "code", w.Code)
	}
}

// forgetKept notes, once the warning is printed, that it was told. Where that fails, the next
// command tells it again.
func (p *program) forgetKept(ctx context.Context) {
	if !p.keptTold {
		return
	}
	p.keptTold = false
	db, err := p.config.state.open(filepath.Dir(p.config.file))
	if err != nil {
		return
	}
	defer db.Close()
	if store, err := sqlstore.New(ctx, db, &sqlstore.Options{Redact: p.secrets.Text}); err == nil {
		_ = store.PasswordsTold(ctx)
	}
}
