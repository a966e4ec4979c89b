package oasink

import (
	"context"
	"fmt"
	"log/slog"
	"strings"
	"sync"
	"sync/atomic"
	"time"
	"unicode/utf8"

	"github.com/uptrace/bun"

	"github.com/punchbridge/punchbridge/attendance"
)

// Options of a [Sink]. Nil and the zero value are fine.
type Options struct {
	// SignFrom is the tag of our rows in HrmScheduleSign.signFrom. Default: what
	// e-cology's own bridge writes, from_dd where the batch's source begins with
	// dingtalk, from_wx where it begins with wecom; any other source is then an
	// error. At most 50 bytes; it must not hold '|' nor begin with "card", by
	// which e-cology knows make-up punches (补卡) and deletes them.
	SignFrom string
	// Schema is the schema or owner of the tables. Default: the connection's own.
	Schema string
	// Tables are other names for tables, such as {"HrmResource": "V_STAFF"} for a
	// view; a value may carry its own schema ("hr.V_STAFF"). Keys are the names
	// that e-cology uses, in any case.
	Tables map[string]string
	// Generation is that of the e-cology installation. Default: found by its tables.
	Generation Generation
	// Recalculate says how e-cology 9 is told to recompute days. Default: [RecalculateAuto].
	Recalculate Recalculate
	// Undirected says what becomes of punches that are neither sign-in nor
	// sign-out. Default: [SkipUndirected].
	Undirected Undirected
	// Ledger makes the sink remember which row is which punch, in tables of its own.
	// Nil: it never changes or removes a row.
	Ledger *LedgerOptions
	// Outside says where punches away from the allowed places go
	// ([attendance.Outside]). Default: [OutsideMobile].
	Outside Outside
	// Owe, when not nil, remembers person-days whose punches are about to be committed
	// although kq_format_pool refuses them for good (a constraint, a trigger, a right or
	// table that is missing); [Sink.QueueOwed] tries them again. It is called before the
	// commit, with the transaction open, so that no end of the program forgets a day;
	// a day may be told more than once, and for nothing. An error rolls the batch back.
	// Nil: such days are only named by the warning not_recalculated.
	Owe func(ctx context.Context, days []attendance.PersonDay) error
	// Zone is that of the OA's wall clock, for what has no batch to tell it: [Sink.Check].
	// Nil: it judges no clock, and not for how long a day has waited.
	Zone *time.Location
	// LockWait is how long a busy database is waited for. 0 means 30 seconds;
	// less than 0 means not at all.
	LockWait time.Duration
	// Now is the current time: no day after today is queued for recalculation, and
	// exectime goes by it, on the wall clock of the batch.
	// Nil means time.Now.
	Now func() time.Time
	// Logger is told of waits and of columns that changed. Nil is silent.
	Logger *slog.Logger
}

// Generation is a generation of e-cology, as far as its attendance tables differ.
type Generation uint8

// The generations.
const (
	// Auto takes the generation from the tables: E9 where kq_format_pool exists or
	// HrmScheduleSign has belongdate or timeZone, E8 where it has signFrom, else E7.
	Auto Generation = iota
	// E7 has no signFrom, no coordinates and no address.
	E7
	// E8 reads HrmScheduleSign live.
	E8
	// E9 (新考勤, KQ) reports computed days.
	E9
)

// String returns auto, E7, E8 or E9.
func (g Generation) String() string {
	switch g {
	case E7:
		return "E7"
	case E8:
		return "E8"
	case E9:
		return "E9"
	default:
		return "auto"
	}
}

// Recalculate says how changed days are handed to e-cology 9 to be recomputed.
type Recalculate uint8

// The ways.
const (
	// RecalculateAuto is RecalculatePool on E9 and RecalculateNone elsewhere.
	RecalculateAuto Recalculate = iota
	// RecalculatePool adds rows to kq_format_pool.
	RecalculatePool
	// RecalculateNone does nothing: for hosts that have the days computed by a hook
	// ([attendance.NewRecalculation], [RecalculateURL]). On E9 without one nothing shows
	// in the reports until somebody has the days computed.
	RecalculateNone
)

// Undirected says what becomes of punches without a direction. (Field punches
// never have one and are always written.)
type Undirected uint8

// The choices.
const (
	// SkipUndirected skips them with the reason [attendance.NoDirection].
	SkipUndirected Undirected = iota
	// NullUndirected writes them with signType NULL. Only E9 can show such rows:
	// its reports take the first and the last punch of a day whatever their type.
	NullUndirected
)

// Outside says in which table outside punches (外勤打卡) stand. Field check-ins
// (签到, 外出打卡) have no direction and always go to mobile_sign.
type Outside uint8

// The choices.
const (
	// OutsideMobile: mobile_sign, where e-cology keeps them unless the attendance
	// group counts them as attendance.
	OutsideMobile Outside = iota
	// OutsideSign: HrmScheduleSign, so that they count as sign-in and sign-out.
	OutsideSign
	// OutsideBoth: both, as e-cology 9 does where outside punches count as attendance
	// (kq_group.outsidesign). The row of HrmScheduleSign has no coordinates: with them
	// the page of outside punches (外勤签到) would show the punch twice. A punch is
	// counted once, as written when one of its rows was added.
	OutsideBoth
)

const (
	defaultLockWait = 30 * time.Second
	maxSignFrom     = 50
	// What e-cology's own bridge writes into signFrom.
	tagDingTalk, tagWeCom = "from_dd", "from_wx"
)

// A Sink writes to one e-cology database. It implements [attendance.Sink],
// [attendance.Checker], [attendance.Previewer], [attendance.RowReader], [attendance.Shower] and
// [attendance.PersonFinder], and is safe for concurrent use; it writes one batch at a
// time. It keeps no connection and starts no goroutine.
type Sink struct {
	db      *bun.DB
	dialect dialect
	opts    Options
	located tableNames
	shape   atomic.Pointer[shape]
	writing chan struct{} // holds one token while a batch is written
	proofs  sync.Map      // settings of sessions that are proven
	// afterReads is the statement that ends what a read from the pool leaves open.
	afterReads string
	origins    map[int64]bool // that the ledger names already; read and written with the token
}

// New looks at the tables and returns a Sink. opts may be nil; db stays the host's.
//
// The error has [attendance.CodeStoreDown] when the database cannot be reached,
// [attendance.CodeStore] when Chinese texts do not come back from it as they are sent
// (the connection's character set), and [attendance.CodeTable] when it has neither HrmScheduleSign nor mobile_sign.
// Whatever else is missing is told by [Sink.Check], and by Write when it is
// needed: what can be written without it is written.
func New(ctx context.Context, db *bun.DB, opts *Options) (*Sink, error) {
	if db == nil {
		return nil, fmt.Errorf("oasink: New needs a database")
	}
	d, err := dialectOf(db)
	if err != nil {
		return nil, err
	}
	s := &Sink{db: db, dialect: d, writing: make(chan struct{}, 1), origins: make(map[int64]bool)}
	if opts != nil {
		s.opts = *opts
	}
	if s.opts.LockWait == 0 {
		s.opts.LockWait = defaultLockWait
	}
	if s.opts.Now == nil {
		s.opts.Now = time.Now //nolint:forbidigo // the default clock, resolved here only
	}
	if s.opts.Logger == nil {
		s.opts.Logger = slog.New(slog.DiscardHandler)
	}
	if err := validSignFrom(s.opts.SignFrom); err != nil {
		return nil, err
	}
	if err := s.validLedger(); err != nil {
		return nil, err
	}
	if s.located, err = newTableNames(s.opts.Schema, s.opts.Tables); err != nil {
		return nil, err
	}
	sh, err := s.probe(ctx)
	if err != nil {
		return nil, err
	}
	if s.afterReads, err = s.proveReading(ctx); err != nil {
		return nil, err
	}
	if !sh.sign.exists() && !sh.mobile.exists() {
		return nil, sh.sign.lack(nil)
	}
	if s.opts.Undirected == NullUndirected && sh.generation != E9 {
		return nil, &attendance.Error{Code: attendance.CodeTable, Op: "oasink",
			Detail: fmt.Sprintf("punches without a direction can be written on e-cology 9 only; this is %v", sh.generation),
			Mend:   attendance.Text{EN: "skip undirected punches, or set the generation if it was found wrongly", ZH: "请改为跳过无方向打卡；若版本识别有误，请显式指定 generation"}}
	}
	return s, nil
}

// Generation is that of the installation: the one of the options, or the one found.
func (s *Sink) Generation() Generation { return s.shape.Load().generation }

// Missing returns nil when both punch tables can be written, else an error of
// [attendance.CodeTable] that says what is missing, as last seen. Write writes
// what it can all the same.
func (s *Sink) Missing() error {
	sh := s.shape.Load()
	switch {
	case !sh.sign.usable(signNeeds()...):
		return sh.sign.lack(signNeeds())
	case !sh.mobile.usable(mobileNeeds()...):
		return sh.mobile.lack(mobileNeeds())
	default:
		return nil
	}
}

// validSignFrom refuses tags that e-cology would take for something else.
func validSignFrom(tag string) error {
	switch {
	case len(tag) > maxSignFrom:
		return fmt.Errorf("oasink: signFrom %q is longer than %d bytes", tag, maxSignFrom)
	case strings.Contains(tag, "|"):
		return fmt.Errorf("oasink: signFrom %q holds '|', by which e-cology knows punches of its workflows", tag)
	case len(tag) >= 4 && strings.EqualFold(tag[:4], "card"):
		return fmt.Errorf("oasink: signFrom %q begins with \"card\", by which e-cology knows make-up punches", tag)
	case tag != strings.TrimSpace(tag) || strings.ContainsRune(tag, 0) || !utf8.ValidString(tag):
		return fmt.Errorf("oasink: signFrom %q begins or ends with a space, or is not clean text", tag)
	}
	return nil
}

// signFrom is the tag of a batch's rows.
func (s *Sink) signFrom(source string) (string, error) {
	switch {
	case s.opts.SignFrom != "":
		return s.opts.SignFrom, nil
	case strings.HasPrefix(source, "dingtalk"):
		return tagDingTalk, nil
	case strings.HasPrefix(source, "wecom"):
		return tagWeCom, nil
	}
	return "", &attendance.Error{Code: attendance.CodeUnknown, Op: "oasink write",
		Detail: fmt.Sprintf("no tag is known for punches of %q", source),
		Mend:   attendance.Text{EN: "set oasink.Options.SignFrom", ZH: "请设置 oasink.Options.SignFrom"}}
}

// recalculates says whether changed days go to kq_format_pool.
func (s *Sink) recalculates(sh *shape) bool {
	switch s.opts.Recalculate {
	case RecalculatePool:
		return true
	case RecalculateNone:
		return false
	default:
		return sh.generation == E9
	}
}
