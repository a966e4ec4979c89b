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
	var unlisted []string // people who are in no line of a list
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
			if m.LeftOut == attendance.Unbound && r.valued == byName && m.Account == "" {
				unlisted = append(unlisted, nameAndID(m))
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
	if len(unlisted) > 0 {
		findings = append(findings, leftOutFinding(attendance.Unbound, unlisted, notInList()))
	}
	for _, reason := range [...]attendance.LeftOut{attendance.Unbound, attendance.Ambiguous, attendance.Inactive, attendance.OutOfRoster} {
		if names := left[reason]; len(names) > 0 {
			findings = append(findings, leftOutFinding(reason, names, r.words(reason, &sc.binding)))
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
	switch unseen := r.unseen(); {
	case r.unread:
		f.Level = attendance.LevelWarning
		from := attendance.Text{EN: "by their " + string(by) + " as it stands in the OA", ZH: "直接以 OA 的 " + string(by) + " 为账号查询"}
		if r.valued == byName {
			from = attendance.Text{EN: "as the list of bindings says", ZH: "按绑定文件中的账号查询"}
		}
		f.Message = attendance.Text{
			EN: fmt.Sprintf("%d of %d people are asked for %s, unread: nobody knows whether the platform has these accounts", bound, total, from.EN),
			ZH: fmt.Sprintf("范围内 %d 人，其中 %d 人%s，未经核对：平台是否有这些账号未知", total, bound, from.ZH),
		}
		f.Mend = attendance.Text{EN: "let the application read the directory, so that the binding can be checked", ZH: "请允许应用读取通讯录，以便核对绑定"}
	case unseen > 0:
		f.Message.EN += fmt.Sprintf("; %d of them are asked for unread, because the platform's directory does not show their accounts", unseen)
		f.Message.ZH += fmt.Sprintf("，其中 %d 人的账号平台通讯录未予显示，未经核对，直接查询", unseen)
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

// unseen is how many people of the scope are asked for by an account that the directory,
// which was read, does not show.
func (r *roll) unseen() (n int) {
	for _, p := range r.people {
		if _, why := r.state(p); !p.covered || why != "" {
			continue
		}
		if r.accounts.list[p.account].unshown {
			n++
		}
	}
	return n
}

func nameAndID(m attendance.Member) string {
	if m.Name == "" {
		return m.Person
	}
	return m.Name + " (" + m.Person + ")"
}

// namesShown is how many names a finding lists.
const namesShown = 20

// leftOutWords say why people are left out, and what brings them back.
type leftOutWords struct{ why, mend attendance.Text }

// notInList says it of people whom a list of bindings does not name.
func notInList() leftOutWords {
	return leftOutWords{attendance.Text{EN: "are in no line of the list of bindings", ZH: "不在绑定文件中"},
		attendance.Text{EN: "add them to the list, if they are to be asked for", ZH: "如需同步，请加入绑定文件"}}
}

// words say it of the others.
func (r *roll) words(reason attendance.LeftOut, b *Binding) leftOutWords {
	say := func(en, zh, mendEN, mendZH string) leftOutWords {
		return leftOutWords{attendance.Text{EN: en, ZH: zh}, attendance.Text{EN: mendEN, ZH: mendZH}}
	}
	switch reason {
	case attendance.Unbound:
		return r.unboundWords(b)
	case attendance.Ambiguous:
		return say("share an account or have two", "与他人共用账号，或对应多个账号",
			"make the field that binds them unique, in the OA and on the platform", "请消除重复，使绑定字段在 OA 与平台上均唯一")
	case attendance.Inactive:
		return say("have an account that is not active", "的平台账号未激活或已停用",
			"let them activate the account, or include inactive accounts", "请其激活账号，或改为包含未激活账号")
	default:
		return say("are asked for by name but are not in the OA's roster", "被点名但不在 OA 在职名单中",
			"they have left, have no login, are secondary accounts, are in a sealed unit or do not exist: drop them from the scope", "可能已离职、无登录名、为次账号、部门已封存或不存在：请移出范围")
	}
}

// unboundWords say why people are unbound, and what may help. Where the directory shows a
// part of the company only, that may be all.
func (r *roll) unboundWords(b *Binding) leftOutWords {
	w := leftOutWords{why: attendance.Text{EN: "have no account on the platform", ZH: "在平台上找不到对应账号"}}
	switch {
	case r.valued == byName:
		w.why = attendance.Text{EN: "stand in the list of bindings with an account that the platform's directory lacks", ZH: "在绑定文件中的账号，平台通讯录中没有"}
		w.mend = attendance.Text{EN: "correct the list", ZH: "请更正绑定文件"}
	case r.unread:
		w.why = attendance.Text{EN: "have no value in the OA to be asked for by", ZH: "在 OA 中没有可用作账号的值"}
		w.mend = attendance.Text{EN: "fill in the field that binds them in the OA", ZH: "请在 OA 补齐绑定所用的字段"}
	case r.valued == byAccount:
		w.mend = attendance.Text{
			EN: fmt.Sprintf("see that their %s in the OA is the platform's account, and that the application may see that account", b.field),
			ZH: fmt.Sprintf("请确认其 OA 的 %s 就是平台账号，且应用可以看到该账号（可见范围、通讯录权限范围）", b.field)}
	default:
		w.mend = attendance.Text{EN: "fill in the field that binds them, in the OA or on the platform", ZH: "请在 OA 或平台补齐绑定所用的字段"}
	}
	if r.partial {
		w.mend.EN = "first see what is said of the directory: it shows a part of the company only, and they may be in another; else " + w.mend.EN
		w.mend.ZH = "请先处理关于通讯录的提示：应用只看到部分通讯录，他们可能不在其中；否则" + w.mend.ZH
	}
	return w
}

func leftOutFinding(reason attendance.LeftOut, names []string, w leftOutWords) attendance.Finding {
	list := strings.Join(names[:min(len(names), namesShown)], ", ")
	if len(names) > namesShown {
		list += ", ..."
	}
	return attendance.Finding{Code: string(reason), Level: attendance.LevelWarning, Mend: w.mend, Message: attendance.Text{
		EN: fmt.Sprintf("%d people %s: %s", len(names), w.why.EN, list),
		ZH: fmt.Sprintf("%d 人%s：%s", len(names), w.why.ZH, list),
	}}
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
