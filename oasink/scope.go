package oasink

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/punchbridge/punchbridge/attendance"
)

// A Scope streams the people of some units and their accounts. It implements
// [attendance.Scope], [attendance.Checker] and [attendance.Examiner], keeps nothing
// between calls and is safe for concurrent use.
type Scope struct {
	sink    *Sink
	units   Units
	binding Binding
}

// Scope says whose punches are synchronised: the people of the units who are in
// the OA's roster, bound to accounts by b.
//
// The roster is HrmResource with status 0 to 3, a login name, no secondary
// account (次账号), in no sealed unit (封存; a unit below a sealed one counts as
// sealed). Today's department decides, whatever days are read. People of the
// units who are outside the roster are not streamed, except those named in
// [Units.Employees]; [Scope.Check] counts them.
func (s *Sink) Scope(u Units, b Binding) *Scope {
	u.Subcompanies, u.Departments, u.Employees = slices.Clone(u.Subcompanies), slices.Clone(u.Departments), slices.Clone(u.Employees)
	return &Scope{s, u, b}
}

// errStopped ends a stream whose consumer has gone; it is never handed out.
var errStopped = errors.New("oasink: the consumer of the stream has stopped")

// Members implements [attendance.Scope]. The people come by id, those out of the
// roster last. It reads the whole roster once before the first person, because a
// value that somebody outside of the units shares is ambiguous too.
//
// Unit is the department's name (this and the person's in Chinese, where the OA holds
// several languages), and Key the OA's value where that is not the account:
// the staff number, mobile number or e-mail address that the directory is searched
// for, or an account spelt otherwise. Where the value is the account, somebody who is
// [attendance.Unbound] has as Account what was looked for. An account is Known where the
// platform's directory was read and calls it active. Warnings:
// directory_unreadable, directory_without_values, unknown_unit, and the directory's own.
func (sc *Scope) Members(ctx context.Context) iter.Seq2[attendance.Member, error] {
	return func(yield func(attendance.Member, error) bool) {
		r, err := sc.enrol(ctx, func(w attendance.Warning) bool { return yield(attendance.Member{}, w) })
		if errors.Is(err, errStopped) {
			return
		}
		if err == nil {
			err = sc.stream(ctx, r, func(m attendance.Member) bool { return yield(m, nil) })
		}
		if err != nil {
			yield(attendance.Member{}, err)
		}
	}
}

// stream hands out the roll, with names, page by page.
func (sc *Scope) stream(ctx context.Context, r *roll, yield func(attendance.Member) bool) error {
	page := make([]enrolled, 0, pageSize)
	flush := func() (bool, error) {
		more, err := sc.page(ctx, r, page, yield)
		page = page[:0]
		return more, err
	}
	for _, p := range r.people {
		if !p.covered {
			continue
		}
		if page = append(page, p); len(page) == pageSize {
			if more, err := flush(); !more || err != nil {
				return err
			}
		}
	}
	if more, err := flush(); !more || err != nil {
		return err
	}
	for ids := range slices.Chunk(r.strays, pageSize) {
		details, err := sc.sink.details(ctx, sc.sink.shape.Load(), ids, sc.binding.field)
		if err != nil {
			return err
		}
		for _, id := range ids {
			m := attendance.Member{Person: strconv.FormatInt(id, 10), LeftOut: attendance.OutOfRoster}
			r.tell(&m, details[id])
			if !yield(m) {
				return nil
			}
		}
	}
	return nil
}

func (sc *Scope) page(ctx context.Context, r *roll, page []enrolled, yield func(attendance.Member) bool) (more bool, err error) {
	ids := make([]int64, len(page))
	for i, p := range page {
		ids[i] = p.id
	}
	details, err := sc.sink.details(ctx, sc.sink.shape.Load(), ids, sc.binding.field)
	if err != nil {
		return false, err
	}
	for _, p := range page {
		if err := ctx.Err(); err != nil {
			return false, err
		}
		m := attendance.Member{Person: strconv.FormatInt(p.id, 10)}
		m.Account, m.LeftOut = r.state(p)
		m.Known = m.LeftOut == "" && r.known(p)
		r.tell(&m, details[p.id])
		if !yield(m) {
			return false, nil
		}
	}
	return true, nil
}

// strangeUnits warns of units that are asked for and do not exist, or are sealed.
func (sc *Scope) strangeUnits(c *company) []attendance.Warning {
	var warnings []attendance.Warning
	for _, u := range [...]struct {
		table string
		tree  map[int64]unit
		ids   []int64
	}{{tableDepartment, c.departments, sc.units.Departments}, {tableSubCompany, c.subcompanies, sc.units.Subcompanies}} {
		if ids := unknown(u.tree, u.ids); len(ids) > 0 {
			warnings = append(warnings, attendance.Warningf("unknown_unit",
				"%s has no %s: nobody is asked for there", u.table, joined(ids)))
		}
	}
	return warnings
}

func joined(ids []int64) string {
	texts := make([]string, len(ids))
	for i, id := range ids {
		texts[i] = strconv.FormatInt(id, 10)
	}
	return strings.Join(texts, ", ")
}

// Check implements [attendance.Checker]: it reads the roster and the platform's
// directory and tells how well they fit: how many people are bound, who is left
// out and why, and how many active people of the units are outside the roster.
func (sc *Scope) Check(ctx context.Context) []attendance.Finding {
	findings, _ := sc.check(ctx)
	return findings
}

// CheckReach is [Scope.Check], and then [attendance.CheckReach] for up to three of
// the people who are bound.
func (sc *Scope) CheckReach(ctx context.Context, p attendance.Provider, now time.Time) []attendance.Finding {
	findings, people := sc.check(ctx)
	return append(findings, attendance.CheckReach(ctx, p, people, now)...)
}

// reachSample is how many people a check asks the platform for.
const reachSample = 3

// check returns findings and a few people who are bound: the first, and the latest
// of ever more, so that they stand far apart.
func (sc *Scope) check(ctx context.Context) ([]attendance.Finding, []attendance.Member) {
	var findings []attendance.Finding
	var sample []attendance.Member
	r, err := sc.enrol(ctx, func(w attendance.Warning) bool {
		findings = append(findings, attendance.Finding{Code: w.Code, Level: attendance.LevelWarning, Message: attendance.Text{EN: w.Message}})
		return true
	})
	left := make(map[attendance.LeftOut][]string)
	total, bound := 0, 0
	if err == nil {
		err = sc.stream(ctx, r, func(m attendance.Member) bool {
			total++
			if m.LeftOut == "" {
				if bound++; len(sample) < reachSample {
					sample = append(sample, m)
				} else if bound&(bound-1) == 0 {
					sample = append(sample[:1], sample[2], m)
				}
				return true
			}
			left[m.LeftOut] = append(left[m.LeftOut], nameAndID(m))
			return true
		})
	}
	if err != nil {
		return append(findings, attendance.FindingOf(attendance.Text{EN: "the people cannot be read", ZH: "无法读取人员"}, err)), nil
	}
	findings = append(findings, r.summary(bound, total, sc.binding.field))
	for _, reason := range [...]attendance.LeftOut{attendance.Unbound, attendance.Ambiguous, attendance.Inactive, attendance.OutOfRoster} {
		if names := left[reason]; len(names) > 0 {
			findings = append(findings, leftOutFinding(reason, names, r.unread))
		}
	}
	if f, ok := r.outsideFinding(); ok {
		findings = append(findings, f)
	}
	return findings, sample
}

// summary tells how many people can be asked for. Who is asked for unread is not called
// bound: nobody has seen the account.
func (r *roll) summary(bound, total int, by field) attendance.Finding {
	f := attendance.Finding{Code: "binding", Level: attendance.LevelOK, Message: attendance.Text{
		EN: fmt.Sprintf("%d of %d people are bound to an account", bound, total),
		ZH: fmt.Sprintf("范围内 %d 人，其中 %d 人已绑定平台账号", total, bound),
	}}
	if r.unread {
		f.Level = attendance.LevelWarning
		f.Message = attendance.Text{
			EN: fmt.Sprintf("%d of %d people are asked for by their %s as it stands in the OA, unread: nobody knows whether the platform has these accounts", bound, total, by),
			ZH: fmt.Sprintf("范围内 %d 人，其中 %d 人直接以 OA 的 %s 为账号查询，未经核对：平台是否有这些账号未知", total, bound, by),
		}
		f.Mend = attendance.Text{EN: "let the application read the directory, so that the binding can be checked", ZH: "请允许应用读取通讯录，以便核对绑定"}
	}
	if bound == 0 {
		f.Level = attendance.LevelError
		f.Mend = attendance.Text{
			EN: "nobody can be asked for: check the scope's units and which OA field the accounts are bound by",
			ZH: "没有可同步的人员：请检查适用范围，以及绑定所用的 OA 字段",
		}
	}
	return f
}

func nameAndID(m attendance.Member) string {
	if m.Name == "" {
		return m.Person
	}
	return m.Name + " (" + m.Person + ")"
}

// namesShown is how many names a finding lists.
const namesShown = 20

func leftOutFinding(reason attendance.LeftOut, names []string, unread bool) attendance.Finding {
	list := strings.Join(names[:min(len(names), namesShown)], ", ")
	if len(names) > namesShown {
		list += ", ..."
	}
	f := attendance.Finding{Code: string(reason), Level: attendance.LevelWarning}
	say := func(en, zh, mendEN, mendZH string) {
		f.Message = attendance.Text{EN: fmt.Sprintf("%d people %s: %s", len(names), en, list), ZH: fmt.Sprintf("%d 人%s：%s", len(names), zh, list)}
		f.Mend = attendance.Text{EN: mendEN, ZH: mendZH}
	}
	switch {
	case reason == attendance.Unbound && unread:
		say("have no value in the OA to be asked for by", "在 OA 中没有可用作账号的值",
			"fill in the field that binds them in the OA", "请在 OA 补齐绑定所用的字段")
	case reason == attendance.Unbound:
		say("have no account on the platform", "在平台上找不到对应账号",
			"fill in the field that binds them, in the OA or on the platform", "请在 OA 或平台补齐绑定所用的字段")
	case reason == attendance.Ambiguous:
		say("share an account or have two", "与他人共用账号，或对应多个账号",
			"make the field that binds them unique, in the OA and on the platform", "请消除重复，使绑定字段在 OA 与平台上均唯一")
	case reason == attendance.Inactive:
		say("have an account that is not active", "的平台账号未激活或已停用",
			"let them activate the account, or include inactive accounts", "请其激活账号，或改为包含未激活账号")
	default:
		say("are asked for by name but are not in the OA's roster", "被点名但不在 OA 在职名单中",
			"they have left, have no login, are secondary accounts, are in a sealed unit or do not exist: drop them from the scope", "可能已离职、无登录名、为次账号、部门已封存或不存在：请移出范围")
	}
	return f
}

// outsideFinding tells of active people of the units who are outside the roster.
func (r *roll) outsideFinding() (attendance.Finding, bool) {
	n := 0
	for _, k := range r.outside {
		n += k
	}
	return attendance.Finding{Code: "outside_roster", Level: attendance.LevelWarning,
		Message: attendance.Text{
			EN: fmt.Sprintf("%d active people of these units are outside the roster and not asked for: %d without a login name, %d secondary accounts, %d in sealed units",
				n, r.outside[noLogin], r.outside[secondary], r.outside[sealedUnit]),
			ZH: fmt.Sprintf("范围内另有 %d 名在职人员不参与同步：无登录名 %d 人，次账号 %d 人，所在部门或分部已封存 %d 人",
				n, r.outside[noLogin], r.outside[secondary], r.outside[sealedUnit]),
		},
		Mend: attendance.Text{EN: "nothing, if that is intended", ZH: "若符合预期则无需处理"}}, n > 0
}
