package sqlstore

import (
	"context"
	"database/sql"
	"encoding/json"
	"slices"
	"strconv"
	"strings"

	"github.com/uptrace/bun"

	"github.com/punchbridge/punchbridge/attendance"
	"github.com/punchbridge/punchbridge/attendance/redact"
)

// A Cleaning is what [New] did to texts that programs of before December 2026 kept:
// messages of errors that quoted a database's driver or a platform's answer.
type Cleaning struct {
	// Texts is how many messages this New has changed: the first one that finds the tables
	// of an older program, and no other.
	Texts int
	// Passwords is how many messages held a password, or a part of one: it has been seen
	// by whoever could read the log, and has to be changed. Each New tells of those that
	// any New has found, until [Store.PasswordsTold].
	Passwords int
}

// Cleaned is what New has cleaned in this database.
func (s *Store) Cleaned() Cleaning { return s.cleaned }

// PasswordsTold notes that somebody was told of [Cleaning].Passwords. What is killed before
// that tells of them again. Errors are as of every change of the store.
func (s *Store) PasswordsTold(ctx context.Context) error {
	return s.change(ctx, "noting that passwords were told of", func(ctx context.Context, c bun.Conn, _ bool) error {
		_, err := c.ExecContext(ctx, s.sql("DELETE FROM @store WHERE version <= ?"), untoldMark)
		return err
	})
}

// Rows of the table of versions that are no versions: programs that do not know them go by the
// largest number. cleanMark says that the messages are clean, untoldMark - n that n of them
// held a password, of which nobody was told yet.
const (
	cleanMark  = -1
	untoldMark = -1000
)

// untold is of how many messages with passwords nobody was told yet.
func (s *Store) untold(ctx context.Context, q querier) (int, error) {
	n, err := one(ctx, q, s.sql("SELECT COALESCE(MIN(version), 0) FROM @store WHERE version <= ?"), untoldMark)
	return max(0, untoldMark-int(n)), err
}

// owePasswords adds to them, in the transaction that blanks these.
func (s *Store) owePasswords(ctx context.Context, c bun.Conn, more int) error {
	n, err := s.untold(ctx, c)
	if err != nil {
		return err
	}
	if _, err := c.ExecContext(ctx, s.sql("DELETE FROM @store WHERE version <= ?"), untoldMark); err != nil {
		return err
	}
	_, err = c.ExecContext(ctx, s.sql("INSERT INTO @store (version) VALUES (?)")+s.dialect.upsert("version"), untoldMark-n-more)
	return err
}

// clean goes once through the messages that are kept.
func (s *Store) clean(ctx context.Context) error {
	var marked int64
	err := s.read(ctx, "reading the version of the tables", func() (err error) {
		marked, err = one(ctx, s.pool(), s.sql("SELECT COUNT(*) FROM @store WHERE version = ?"), cleanMark)
		return err
	})
	if err == nil && marked == 0 {
		err = s.cleanAll(ctx)
	}
	if err != nil {
		return err
	}
	return s.read(ctx, "reading the version of the tables", func() (err error) {
		s.cleaned.Passwords, err = s.untold(ctx, s.pool())
		return err
	})
}

func (s *Store) cleanAll(ctx context.Context) error {
	if err := s.cleanTable(ctx, "runs", "id, message, report", bytes("")); err != nil {
		return err
	}
	if err := s.cleanTable(ctx, "slices", "id, '', report", 0); err != nil {
		return err
	}
	err := s.change(ctx, "noting that the log is clean", func(ctx context.Context, c bun.Conn, _ bool) error {
		_, err := c.ExecContext(ctx, s.sql("INSERT INTO @store (version) VALUES (?)")+s.dialect.upsert("version"), cleanMark)
		return err
	})
	if err == nil {
		for _, statement := range s.dialect.erase() {
			_, _ = s.db.ExecContext(ctx, statement) // another program may have the file open: what is deleted is overwritten later
		}
	}
	return err
}

// keptText is a row with messages.
type keptText struct {
	id, message, report []byte
}

// cleanTable cleans a table page by page, without holding a transaction between them.
func (s *Store) cleanTable(ctx context.Context, table, columns string, first any) error {
	for after := first; ; {
		var page []keptText
		err := s.read(ctx, "reading the log of runs", func() error {
			page = nil
			return rows(ctx, s.pool(), s.sql("SELECT "+columns+" FROM @"+table+" WHERE id > ? ORDER BY id LIMIT ?"), []any{after, slicesPerPage}, func(r *sql.Rows) error {
				var k keptText
				err := r.Scan(&k.id, &k.message, &k.report)
				page = append(page, k)
				return err
			})
		})
		if err != nil || len(page) == 0 {
			return err
		}
		for _, k := range page {
			if after, err = s.cleanRow(ctx, table, k); err != nil {
				return err
			}
		}
	}
}

// cleanRow cleans one row, unless somebody has changed it meanwhile, and returns its id
// as a value of SQL.
func (s *Store) cleanRow(ctx context.Context, table string, k keptText) (id any, err error) {
	id = bytes(string(k.id))
	if table == "slices" {
		if id, err = strconv.ParseInt(string(k.id), 10, 64); err != nil {
			return nil, err
		}
	}
	message, report, count := s.cleanMessages(string(k.message), string(k.report))
	if count.Texts == 0 {
		return id, nil
	}
	set, args := "report = ?", []any{document{report, s.dialect}}
	if table == "runs" {
		set, args = "message = ?, report = ?", []any{bytes(message), document{report, s.dialect}}
	}
	err = s.change(ctx, "cleaning the log of runs", func(ctx context.Context, c bun.Conn, _ bool) error {
		for _, statement := range s.dialect.overwrite() {
			if _, err := c.ExecContext(ctx, statement); err != nil {
				return err
			}
		}
		done, err := c.ExecContext(ctx, s.sql("UPDATE @"+table+" SET "+set+" WHERE id = ? AND report = ?"), append(args, id, document{string(k.report), s.dialect})...)
		if err != nil || count.Passwords == 0 {
			return err
		}
		if n, err := done.RowsAffected(); err != nil || n == 0 { // somebody was faster
			return err
		}
		return s.owePasswords(ctx, c, count.Passwords)
	})
	s.cleaned.Texts += count.Texts
	return id, err
}

// cleanMessages cleans a run's message and those inside its report, wherever they stand.
func (s *Store) cleanMessages(message, report string) (string, string, Cleaning) {
	var count Cleaning
	clean := func(text string) string {
		kept, leaked := redact.Kept(text)
		redacted := s.redact(kept)
		if redacted != text {
			count.Texts++
		}
		if leaked || redacted != kept || s.redact(text) != text {
			count.Passwords++
		}
		return redacted
	}
	message = clean(message)
	decoder := json.NewDecoder(strings.NewReader(report))
	decoder.UseNumber()
	var whole any
	if !strings.Contains(report, `"message"`) || decoder.Decode(&whole) != nil {
		return message, report, count
	}
	before := count
	walkMessages(whole, clean)
	if text, err := json.Marshal(whole); err == nil && count != before {
		report = ascii(text)
	}
	return message, report, count
}

// walkMessages changes every text of the name message below v.
func walkMessages(v any, clean func(string) string) {
	switch v := v.(type) {
	case []any:
		for _, item := range v {
			walkMessages(item, clean)
		}
	case map[string]any:
		for key, item := range v {
			if text, is := item.(string); is && key == "message" {
				v[key] = clean(text)
			} else {
				walkMessages(item, clean)
			}
		}
	}
}

// redact blanks the host's secrets.
func (s *Store) redact(text string) string {
	if s.blank == nil {
		return text
	}
	return s.blank(text)
}

// redactedRows are the rows that were not written as they are kept.
func (s *Store) redactedRows(rows []attendance.UnwrittenRow) []attendance.UnwrittenRow {
	if s.blank == nil {
		return rows
	}
	rows = slices.Clone(rows)
	for i := range rows {
		rows[i].Detail = s.blank(rows[i].Detail)
	}
	return rows
}

// redacted are the failures and warnings as they are kept.
func (s *Store) redacted(failed []attendance.Failure, warnings []attendance.Warning) ([]attendance.Failure, []attendance.Warning) {
	if s.blank == nil {
		return failed, warnings
	}
	failed, warnings = slices.Clone(failed), slices.Clone(warnings)
	for i := range failed {
		failed[i].Message = s.blank(failed[i].Message)
	}
	for i := range warnings {
		warnings[i].Message = s.blank(warnings[i].Message)
	}
	return failed, warnings
}
