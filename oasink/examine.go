package oasink

import (
	"context"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/punchbridge/punchbridge/attendance"
)

// Examine implements [attendance.Examiner]: the roster, then the units, then the
// binding, as [Scope.Members] judges them. The platform's directory is read only for
// people of the roster and the units.
func (sc *Scope) Examine(ctx context.Context, person string) (attendance.Standing, error) {
	x := &examination{Scope: sc}
	x.Member = attendance.Member{Person: person, LeftOut: attendance.OutOfRoster}
	id, err := parsePerson(person)
	if known := err == nil; !known {
		x.outOfRoster(nobody(person))
		return x.Standing, ctx.Err()
	}
	if sh, err := sc.sink.fit(ctx, resourceNeeds()...); err != nil {
		return x.Standing, err
	} else if !sh.resource.usable(resourceNeeds()...) {
		return x.Standing, sh.resource.lack(resourceNeeds())
	} else if x.company, err = sc.sink.readCompany(ctx, sh); err != nil {
		return x.Standing, err
	} else if in, err := x.roster(ctx, sh, id); err != nil || !in {
		return x.Standing, err
	}
	if !x.units() {
		return x.Standing, nil
	}
	return x.Standing, x.bound(ctx, id)
}

// An examination is one look at one person.
type examination struct {
	*Scope
	attendance.Standing
	company *company
	person  resource
}

func (x *examination) step(name string, ok bool, t attendance.Text) {
	x.Steps = append(x.Steps, attendance.Step{Name: name, OK: ok, Detail: t})
}

func (x *examination) outOfRoster(why, what attendance.Text) {
	x.Member.LeftOut = attendance.OutOfRoster
	x.step(attendance.StepRoster, false, why)
	x.Advice = attendance.Advice{Who: attendance.Text{EN: "HR", ZH: "人事"}, What: what, Why: why}
}

func nobody(person string) (why, what attendance.Text) {
	return attendance.Text{EN: "nobody in HrmResource is " + person, ZH: "HrmResource 中没有 " + person},
		attendance.Text{EN: "check the number, or create the person in the OA", ZH: "核对编号，或在 OA 中建立人员"}
}

// roster looks whether the person is in the roster.
func (x *examination) roster(ctx context.Context, sh *shape, id int64) (bool, error) {
	t := sh.resource
	columns := []string{"id", "loginid", "departmentid", "subcompanyid1", "accounttype", "lastname", "status", "belongto"}
	var status string
	var main int64
	found := false
	err := x.sink.patiently(ctx, "reading "+t.name.String(), func() error {
		q := x.sink.statement("SELECT ").columns(t, columns...).sql(" FROM ").table(t).sql(" WHERE ").column(t, "id").sql(" = ").value(id)
		return q.query(ctx, x.sink.db, len(columns), func(v []any) error {
			x.person, status, main, found = newResource(x.company, columns[:6], v), textOf(v[6]), intOf(v[7]), true
			return nil
		})
	})
	if err != nil {
		return false, err
	}
	if !found {
		x.outOfRoster(nobody(strconv.FormatInt(id, 10)))
		return false, nil
	}
	x.Member.Name, x.Member.Unit = x.person.Name, x.company.nameOf(x.person.Department)
	words := statusWords(status)
	say := func(en, zh, mendEN, mendZH string) {
		x.outOfRoster(attendance.Text{EN: en, ZH: zh}, attendance.Text{EN: mendEN, ZH: mendZH})
	}
	switch {
	case !slices.Contains([]string{"0", "1", "2", "3"}, status):
		say("the person's status in the OA is \""+words.EN+"\", so nobody asks for punches", "此人在 OA 中的状态为“"+words.ZH+"”，不参与同步",
			"correct the status (0 to 3) if the person still works here", "核对其状态，若仍在职则改为 试用/正式/临时/试用延期")
	case x.person.outside == noLogin:
		say("the person has no login name (loginid) in the OA", "此人在 OA 中没有登录名（loginid）", "give the person a login name", "为其设置登录名")
	case x.person.outside == secondary:
		belongs := ""
		if main != 0 {
			belongs = " " + strconv.FormatInt(main, 10)
		}
		say("this is a secondary account (次账号); punches are written for the main account"+belongs, "这是次账号，打卡写在主账号"+belongs+" 名下", "look at the main account"+belongs, "请改查主账号"+belongs)
		x.Advice.Who = attendance.Text{}
	case x.person.outside == sealedUnit:
		say("the person's department or sub-company, or one above it, is sealed (封存): "+x.Member.Unit, "所在部门或分部（或其上级）已封存："+x.Member.Unit,
			"move the person to a live department, or unseal it", "把此人调到未封存的部门，或解封该部门")
	default:
		x.step(attendance.StepRoster, true, attendance.Text{EN: fmt.Sprintf("in the roster: %s, %s", words.EN, x.Member.Unit), ZH: fmt.Sprintf("在 OA 花名册内：%s，%s", words.ZH, x.Member.Unit)})
		x.Member.LeftOut = ""
		return true, nil
	}
	return false, nil
}

// units looks whether the scope's units mean the person.
func (x *examination) units() bool {
	chosen := newSelection(x.Scope.units, x.company)
	sub := x.company.subcompanyOf(x.person.Department, x.person.Subcompany)
	if chosen.covers(x.person.ID, x.person.Department, x.person.Subcompany) {
		x.step(attendance.StepScope, true, attendance.Text{EN: "in the scope", ZH: "在同步范围内"})
		return true
	}
	u := x.Scope.units
	wanted, wantedZH := "", ""
	for _, list := range [...]struct {
		en, zh string
		ids    []int64
	}{{"departments", "部门", u.Departments}, {"sub-companies", "分部", u.Subcompanies}, {"employees", "人员", u.Employees}} {
		if len(list.ids) > 0 {
			wanted += ", " + list.en + " " + joined(list.ids)
			wantedZH += "，" + list.zh + " " + joined(list.ids)
		}
	}
	if u.DirectOnly {
		wanted += ", without the units below"
		wantedZH += "，不含下级"
	}
	why := attendance.Text{
		EN: fmt.Sprintf("department %d (%s) of sub-company %d is not in the scope%s", x.person.Department, x.Member.Unit, sub, strings.Replace(wanted, ",", ":", 1)),
		ZH: fmt.Sprintf("部门 %d（%s）、分部 %d 不在同步范围内%s", x.person.Department, x.Member.Unit, sub, strings.Replace(wantedZH, "，", "：", 1)),
	}
	x.Member.LeftOut = attendance.OutOfScope
	x.step(attendance.StepScope, false, why)
	x.Advice = attendance.Advice{Who: attendance.Text{EN: "whoever runs this program", ZH: "同步管理员"},
		What: attendance.Text{EN: "add the unit to the job's scope, or ask the job that is in charge of it", ZH: "把该部门或分部加入任务的适用范围，或查询负责它的任务"}, Why: why}
	return false
}

// bound looks which account the person is bound to, as the scope does for everybody.
func (x *examination) bound(ctx context.Context, id int64) error {
	alone := &Scope{x.sink, Units{Employees: []int64{id}}, x.binding}
	r, err := alone.enrol(ctx, func(w attendance.Warning) bool {
		x.Warnings = append(x.Warnings, w)
		return true
	})
	if err != nil {
		return err
	}
	err = alone.stream(ctx, r, func(m attendance.Member) bool {
		x.Member = m
		return false
	})
	if err != nil {
		return err
	}
	m := x.Member
	if m.LeftOut == attendance.OutOfRoster { // has left since a moment ago
		x.Advice = attendance.Advice{Why: attendance.Text{EN: "the person has just left the roster", ZH: "此人刚刚离开花名册"}}
		x.step(attendance.StepBinding, false, x.Advice.Why)
		return nil
	}
	by := x.by(m)
	hr := attendance.Text{EN: "HR", ZH: "人事"}
	switch {
	case m.LeftOut == "" && r.unread && r.valued == byName:
		x.step(attendance.StepBinding, true, attendance.Text{EN: "asked for as the account " + m.Account + " of the list, which nobody has looked up on the platform",
			ZH: "按绑定文件中的账号 " + m.Account + " 查询，未经平台核对"})
		return nil
	case m.LeftOut == "" && r.unread:
		x.step(attendance.StepBinding, true, attendance.Text{EN: "asked for as the account " + m.Account + ", which is the OA's own " + string(x.binding.field) + ", unread",
			ZH: "直接以 OA 的 " + string(x.binding.field) + " " + m.Account + " 为账号查询，未经核对"})
		return nil
	case m.LeftOut == "":
		x.step(attendance.StepBinding, true, attendance.Text{EN: "bound to the account " + m.Account + " by " + by, ZH: "按 " + by + " 绑定到账号 " + m.Account})
		return nil
	case m.LeftOut == attendance.Unbound:
		x.Advice = r.unboundAdvice(&x.binding, m, by)
		x.Advice.Who = hr
	case m.LeftOut == attendance.Ambiguous:
		with := r.sharing(id)
		x.Advice = attendance.Advice{Who: hr,
			What: attendance.Text{EN: "make the value that binds people unique, in the OA and on the platform", ZH: "消除重复，使绑定所用的值在 OA 与平台上都唯一"},
			Why:  attendance.Text{EN: by + " does not stand for one person and one account" + with.EN, ZH: by + " 不能唯一确定一人一账号" + with.ZH + "，程序不猜测"}}
	case m.LeftOut == attendance.Inactive:
		x.Advice = attendance.Advice{Who: attendance.Text{EN: "the person", ZH: "本人"},
			What: attendance.Text{EN: "activate the account on the platform (or have inactive: include set)", ZH: "在平台上激活账号（或由管理员设 inactive: include）"},
			Why:  attendance.Text{EN: "the platform's directory calls the account " + m.Account + " inactive or disabled", ZH: "平台通讯录显示账号 " + m.Account + " 未激活或已停用"}}
	}
	x.step(attendance.StepBinding, false, x.Advice.Why)
	return nil
}

// unboundAdvice is what to do about one who is unbound, and why.
func (r *roll) unboundAdvice(b *Binding, m attendance.Member, by string) (a attendance.Advice) {
	switch words := r.unboundWords(b); {
	case r.valued == byName && m.Account == "":
		a.What = attendance.Text{EN: "add the person to the list of bindings", ZH: "把此人加入绑定文件"}
		a.Why = attendance.Text{EN: "the list of bindings does not name the person", ZH: "绑定文件中没有此人"}
	case r.valued == byName:
		a.What = words.mend
		a.Why = attendance.Text{EN: "the account " + m.Account + " of the list of bindings is not in the platform's directory", ZH: "绑定文件中的账号 " + m.Account + " 不在平台通讯录中"}
	case m.Key == "" && m.Account == "":
		a.What = attendance.Text{EN: "fill in the value that binds people, in the OA and on the platform", ZH: "在 OA 与平台补齐绑定所用的值"}
		a.Why = attendance.Text{EN: "the person's " + string(b.field) + " in the OA is empty", ZH: "此人在 OA 中的 " + string(b.field) + " 为空"}
	default:
		a.What = words.mend
		a.Why = attendance.Text{EN: "no account of the platform has " + by, ZH: "平台上没有账号与 " + by + " 相符"}
	}
	return a
}

// by names the value that the person is bound by.
func (x *examination) by(m attendance.Member) string {
	b := x.binding
	switch value := m.Key; {
	case b.account != nil || b.pairs != nil:
		return "the list / 绑定文件"
	case value != "":
		return string(b.field) + " " + value
	case m.Account != "":
		return string(b.field) + " " + m.Account
	default:
		return string(b.field)
	}
}

// sharing names who shares the person's account, and which several accounts the
// person has.
func (r *roll) sharing(id int64) (t attendance.Text) {
	i := slices.IndexFunc(r.people, func(p enrolled) bool { return p.id == id })
	if i < 0 {
		return t
	}
	mine := r.people[i].account
	var others []int64
	for _, p := range r.people {
		if p.account == mine && p.id != id && len(others) < namesShown {
			others = append(others, p.id)
		}
	}
	if len(others) > 0 {
		t.EN += "; it is shared with the people " + joined(others)
		t.ZH += "；与人员 " + joined(others) + " 相同"
	}
	if g, several := mine.group(); several {
		accounts := make([]string, len(r.accounts.groups[g]))
		for i, c := range r.accounts.groups[g] {
			accounts[i] = r.accounts.list[c].id
		}
		t.EN += "; it stands for the accounts " + strings.Join(accounts, ", ")
		t.ZH += "；对应多个账号 " + strings.Join(accounts, "、")
	}
	return t
}
