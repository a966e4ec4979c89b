package sqlstore

import (
	"context"
	"fmt"
	"regexp"
	"sync"
	"time"

	"github.com/uptrace/bun"

	"github.com/punchbridge/punchbridge/attendance"
)

// KeyLimit is the largest length, in bytes, of what rows are found by: persons,
// accounts, ids and names. DingTalk's and WeCom's userids have at most 64 characters.
const KeyLimit = 320

// Options of a [Store]; nil means all defaults.
type Options struct {
	// Prefix is what the tables' names begin with; "" means punchbridge_. Lower-case
	// letters, digits and _ only, at most 30 of them. Two prefixes in one database
	// are two stores.
	Prefix string
	// Patience is how long a busy database, or one whose connections break, is
	// waited for; 0 means 30 s, less than 0 not at all. Where the context has an
	// earlier end, that counts.
	Patience time.Duration
	// Redact returns a text with the host's secrets blanked. The messages of errors and
	// warnings go through it before they are kept, and once those that older programs
	// have kept: see [Store.Cleaned]. It must be safe for concurrent use. Nil: as they are.
	Redact func(text string) string
}

// A Store remembers on a database, in every role of [attendance.Store]. Create it
// with [New]. It is safe for concurrent use, in any number of processes. It holds no
// connection between calls, and none while a stream yields.
type Store struct {
	db       *bun.DB
	dialect  dialect
	forced   forced
	prefix   string
	patience time.Duration
	blank    func(string) string // nil: nothing is blanked
	cleaned  Cleaning            // by New; not changed afterwards
	// writing has one place on SQLite, which knows one writer: ours wait here, in
	// order, and not by asking again and again. nil elsewhere.
	writing chan struct{}

	mu      sync.Mutex
	streams map[attendance.Stream]int64
}

var _ attendance.Store = (*Store)(nil)

// New returns a store on the host's database, which stays the host's. It makes the
// tables that are missing, brings older ones up to date, and cleans messages that
// older programs kept of what must not be told ([Store.Cleaned]); several processes may
// begin at once. It returns an error of CodeStore where the account may not make
// tables (see [Statements]) and where the tables are of a newer version of this
// program, of CodeStoreDown where the database cannot be reached or written.
func New(ctx context.Context, db *bun.DB, opts *Options) (*Store, error) {
	s, err := newStore(db, opts)
	if err != nil {
		return nil, err
	}
	err = s.read(ctx, "reading the session's settings", func() (err error) {
		s.forced, err = s.dialect.forced(ctx, s.db)
		return err
	})
	if err != nil {
		return nil, err
	}
	if err := s.migrate(ctx); err != nil {
		return nil, err
	}
	if err := s.clean(ctx); err != nil {
		return nil, err
	}
	return s, nil
}

func newStore(db *bun.DB, opts *Options) (*Store, error) {
	if opts == nil {
		opts = &Options{}
	}
	d, err := dialectOf(db)
	if err != nil {
		return nil, err
	}
	s := &Store{db: db, dialect: d, prefix: opts.Prefix, patience: opts.Patience, blank: opts.Redact, streams: make(map[attendance.Stream]int64)}
	if s.prefix == "" {
		s.prefix = "punchbridge_"
	}
	if !regexp.MustCompile(`^[a-z][a-z0-9_]{0,29}$`).MatchString(s.prefix) {
		return nil, fmt.Errorf("sqlstore: Prefix %q: lower-case letters, digits and _ only, at most 30 of them", s.prefix)
	}
	if s.patience == 0 {
		s.patience = 30 * time.Second
	}
	if d.oneWriter() {
		s.writing = make(chan struct{}, 1)
	}
	return s, nil
}
