package wecomtest

import (
	"slices"
	"time"
)

// Defaults of [Options].
const (
	// DefaultCorpID is the company's id (corpid).
	DefaultCorpID = "ww0fake0corp0001"
	// DefaultSecret is the secret of the application that may read check-ins.
	DefaultSecret = "fake-checkin-secret-7c2e91b4"
	// DefaultAgentID is the AgentId of the application of DefaultSecret.
	DefaultAgentID = "3010011"
	// DefaultContactSecret is the secret of 通讯录同步.
	DefaultContactSecret = "fake-contact-secret-53d0a8f6"
	// DefaultAddress is the caller's address as the error texts name it.
	DefaultAddress = "203.0.113.7"
)

// Options change what a [Server] does. Nil and the zero value are a healthy
// company whose application sees everybody.
type Options struct {
	// CorpID, Secret and ContactSecret are the credentials that are accepted.
	// Secret is that of the application which reads check-ins, ContactSecret that
	// of 通讯录同步, which alone may list all ids. Empty: DefaultCorpID,
	// DefaultSecret, DefaultContactSecret.
	CorpID, Secret, ContactSecret string
	// AgentID is that of the application of Secret, a number, which agent/get tells of.
	// Empty: DefaultAgentID.
	AgentID string
	// Now is the platform's clock: lifetime of tokens, rate limits, the Date
	// header. Nil: time.Now.
	Now func() time.Time
	// PerMinute is how many check-in calls a minute the company may make. Zero:
	// 600, as documented. Negative: no limits at all, for benchmarks.
	PerMinute int
	// Latency is how long every answer takes. Zero: none. It is waited for on the
	// clock of package time, so it is virtual inside a synctest bubble.
	Latency time.Duration

	// App is the kind of application that Secret belongs to. Zero: SelfBuilt.
	App App
	// MaxSpan is the longest window of a check-in call. Zero: 30 days, as the pages
	// for applications of every kind have it.
	MaxSpan time.Duration
	// OldThirdParty is what one source tells of an older page for ThirdParty
	// applications: windows of types 2 and 3 have at most three days, and rows have no
	// lat, lng, deviceid and sch_checkin_time. Others are not affected.
	OldThirdParty bool
	// Window is what a window finds. Zero: WindowByDay.
	Window WindowModel
	// EndExclusive makes the end of a window exclusive. No source says which; the
	// default is inclusive.
	EndExclusive bool
	// Invisible is what a userid does that is no longer in the directory, never
	// was, or is outside of the visible range. Zero: InvisibleSilent.
	Invisible InvisibleModel
	// TypeTwoPlaceholders makes missing punches (未打卡) come for type 2 as well.
	// They are known to come for types 1 and 3; nothing is known of type 2.
	TypeTwoPlaceholders bool
	// ForbiddenAs60011 is how a check-in call is refused while
	// [Server.AllowCheckIn] is false: with 60011, as one report has it, instead of
	// 48002.
	ForbiddenAs60011 bool

	// VisibleDepartments are the departments, with all below them, that the
	// application of Secret may see (可见范围). Nil: the whole company. Empty but not
	// nil: none.
	VisibleDepartments []int64
	// VisibleUsers are people whom it may see besides. No call but agent/get lists them.
	VisibleUsers []string
	// VisibleTags are tags (标签) whose people it may see besides: agent/get tells of them,
	// tag/get of their people.
	VisibleTags []Tag
	// TagsListed makes department/simplelist, without an id, list the departments of
	// VisibleTags and those below them. Whether it does on the platform is not known.
	TagsListed bool
	// WithoutAgent refuses agent/get with 48002, as a call that the application may not
	// make.
	WithoutAgent bool
	// NewContactAddress is 通讯录同步 called from an address that was added after
	// 2022-08-15: with its token, details of people (user/list, user/simplelist,
	// user/get) answer 48009. user/list_id and department/simplelist go on working.
	NewContactAddress bool
	// WithholdPrivate is an application created after 2022-06-20: mobile, email
	// and biz_mail are left out of user/get and user/list.
	WithholdPrivate bool
	// WithoutUserList answers user/list like an unknown path: no page of its
	// documentation was seen.
	WithoutUserList bool

	// NewTokenEachTime makes every call of gettoken give a new token, while the
	// earlier ones live on. Sources disagree; by default the same token comes again
	// while it is valid.
	NewTokenEachTime bool
	// NewTokenEndsOlder makes every call of gettoken give a new token, which ends the
	// earlier ones of the same secret: programs that each fetch one for themselves end
	// each other's. Sources disagree whether a company ever sees that. It goes before
	// NewTokenEachTime.
	NewTokenEndsOlder bool
	// ExpiredAs42001 answers 42001 to a token that was good once. By default it is
	// 40014, as for one that never was: both are reported.
	ExpiredAs42001 bool

	// LogSize is how many of the latest requests [Server.Log] holds. Zero: 1000.
	// Negative: none.
	LogSize int
}

// A Tag (标签) names people and departments.
type Tag struct {
	ID          int64
	Users       []string
	Departments []int64
}

// App is a kind of application.
type App uint8

// The kinds of applications.
const (
	// SelfBuilt is 自建应用, or the built-in 打卡 application of a company that used
	// it before 2023-12-01.
	SelfBuilt App = iota
	// Delegated is 代开发应用. The calls of this fake answer it as a SelfBuilt one.
	Delegated
	// ThirdParty is 第三方应用. It is answered as a SelfBuilt one, unless
	// [Options.OldThirdParty] is set.
	ThirdParty
)

// WindowModel is what the window of a check-in call finds. The platform does not
// document it and reports contradict each other, so there are two models of it.
// Both explain the two reports that hold numbers: placeholders of a whole day for
// a quarter of an hour late on the evening before, and a punch of 1 June 00:35
// that neither 31 May nor 1 June held.
type WindowModel uint8

// The models. In both, attendance days are those of [Record.Day], and the days of
// a window are those from its start plus four hours to its end plus four hours,
// in Beijing: a start after 20:00 is the next day.
const (
	// WindowByDay finds all rows of the window's attendance days, at whatever time
	// they are. In addition a punch is only found when the window touches the
	// calendar month of its time.
	WindowByDay WindowModel = iota
	// WindowByTime finds punches by their own time, from start to end. In addition
	// a punch is only found when the window touches the calendar month of its
	// attendance day. Missing punches (未打卡) are found as in WindowByDay.
	WindowByTime
)

// InvisibleModel is what a check-in call does with a userid that the application
// cannot see. No source settles it.
type InvisibleModel uint8

// The models.
const (
	// InvisibleSilent answers the others, and nothing for this one.
	InvisibleSilent InvisibleModel = iota
	// Invisible301021 fails the call: a userid is not in the directory.
	Invisible301021
	// Invisible60111 fails the call: the userid does not exist.
	Invisible60111
	// Invisible60011 fails the call: no permission for the member.
	Invisible60011
	// Invisible40003 fails the call: the userid is invalid.
	Invisible40003
)

func (m InvisibleModel) code() int {
	return [...]int{0, 301021, 60111, 60011, 40003}[m]
}

// filled returns the options with defaults, sharing no slice with o.
func (o *Options) filled() Options {
	var f Options
	if o != nil {
		f = *o
	}
	f.VisibleDepartments = slices.Clone(f.VisibleDepartments)
	f.VisibleUsers = slices.Clone(f.VisibleUsers)
	f.VisibleTags = slices.Clone(f.VisibleTags)
	if f.CorpID == "" {
		f.CorpID = DefaultCorpID
	}
	if f.Secret == "" {
		f.Secret = DefaultSecret
	}
	if f.AgentID == "" {
		f.AgentID = DefaultAgentID
	}
	if f.ContactSecret == "" {
		f.ContactSecret = DefaultContactSecret
	}
	if f.Now == nil {
		f.Now = time.Now //nolint:forbidigo // the default clock, resolved here only
	}
	if f.PerMinute == 0 {
		f.PerMinute = 600
	}
	if f.MaxSpan == 0 {
		f.MaxSpan = 30 * 24 * time.Hour
	}
	if f.LogSize == 0 {
		f.LogSize = 1000
	}
	return f
}
