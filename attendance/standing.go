package attendance

import (
	"context"
	"fmt"
	"strings"
)

// OutOfScope is why a person of the roster is not asked for: not of the scope's units.
const OutOfScope LeftOut = "out_of_scope"

// An Examiner is an optional role of a [Scope]: where does one person stand?
type Examiner interface {
	// Examine tells of one person whether the scope asks for the person, and if not,
	// who has to do what. An unknown person is no error but out of the roster.
	// Beside an error stands what was found out before it; errors carry a [Code],
	// that of the platform where its directory could not be read.
	Examine(ctx context.Context, person string) (Standing, error)
}

// A Standing is what a scope says of one person.
type Standing struct {
	// Member is the person; LeftOut is [OutOfRoster], [OutOfScope], or as in
	// [Scope.Members].
	Member Member
	// Steps are what was looked at, in order.
	Steps []Step
	// Advice is who has to do what, of somebody who is left out.
	Advice Advice
	// Warnings are about the scope as a whole.
	Warnings []Warning
}

// An Advice says who has to do what, and why.
type Advice struct {
	// Who is empty where nobody has to do anything.
	Who, What, Why Text
}

// Sentence is the advice in one sentence.
func (a Advice) Sentence() Text {
	if a.Who == (Text{}) && a.What == (Text{}) {
		return Text{EN: "Nothing to do: " + a.Why.EN + ".", ZH: "无需处理：" + a.Why.ZH + "。"}
	}
	if a.Who == (Text{}) {
		return Text{EN: "Nothing to do: " + a.What.EN + "; " + a.Why.EN + ".", ZH: "无需处理：" + a.What.ZH + "；" + a.Why.ZH + "。"}
	}
	return Text{EN: fmt.Sprintf("%s: %s, because %s.", a.Who.EN, a.What.EN, a.Why.EN), ZH: fmt.Sprintf("请%s%s：%s。", a.Who.ZH, strings.TrimPrefix(a.What.ZH, "请"), a.Why.ZH)}
}

// examine asks the scope for one person: by its role, else by looking for the person
// among all.
func examine(ctx context.Context, scope Scope, person string) (Standing, error) {
	if e, ok := As[Examiner](scope); ok {
		return e.Examine(ctx, person)
	}
	s := Standing{Member: Member{Person: person, LeftOut: OutOfScope}}
	for m, err := range scope.Members(ctx) {
		if w, ok := AsWarning(err); ok {
			s.Warnings = append(s.Warnings, w)
			continue
		}
		if err != nil {
			return s, err
		}
		if m.Person == person {
			s.Member = m
			break
		}
	}
	if s.Member.LeftOut == OutOfScope {
		s.Steps = []Step{{StepScope, false, Text{EN: "the scope does not hold the person", ZH: "该人员不在同步范围内"}}}
		s.Advice = Advice{theOperator(), Text{EN: "take the person into the scope", ZH: "将其加入同步范围"}, Text{EN: "the scope does not hold the person", ZH: "该人员不在同步范围内"}}
		return s, nil
	}
	s.Steps = []Step{{StepScope, true, Text{EN: "the scope holds the person", ZH: "该人员在同步范围内"}}, bindingStep(s.Member)}
	s.Advice = leftOutAdvice(s.Member)
	return s, nil
}

func bindingStep(m Member) Step {
	switch m.LeftOut {
	case "":
		return Step{StepBinding, true, Text{EN: "bound to the account " + m.Account, ZH: "已绑定平台账号 " + m.Account}}
	default:
		why := leftOutAdvice(m).Why
		return Step{StepBinding, false, why}
	}
}

// leftOutAdvice is who has to do what about somebody who is left out.
func leftOutAdvice(m Member) Advice {
	switch m.LeftOut {
	case "":
		return Advice{}
	case Unbound:
		return Advice{theHR(), Text{EN: "fill in the field that binds people, in the OA and on the platform", ZH: "在 OA 与平台补齐绑定所用的字段"},
			Text{EN: "no account of the platform was found for the person", ZH: "在平台上找不到此人的账号"}}
	case Ambiguous:
		return Advice{theHR(), Text{EN: "make the field that binds people unique", ZH: "消除绑定字段的重复"},
			Text{EN: "the account is that of several people, or the person has several", ZH: "账号与他人共用，或此人对应多个账号，程序不猜测"}}
	case Inactive:
		return Advice{Text{EN: "the person", ZH: "本人"}, Text{EN: "activate the account on the platform", ZH: "在平台上激活账号"},
			Text{EN: "the platform's directory calls the account " + m.Account + " inactive", ZH: "平台通讯录显示账号 " + m.Account + " 未激活或已停用"}}
	case OutOfRoster:
		return Advice{theHR(), Text{EN: "correct the person's card in the OA", ZH: "更正其 OA 人员卡片"},
			Text{EN: "the person is not in the OA's roster", ZH: "此人不在 OA 花名册内"}}
	default:
		return Advice{theOperator(), Text{EN: "look at the reason", ZH: "查看原因"}, Text{EN: "the scope leaves the person out: " + string(m.LeftOut), ZH: "范围排除了此人：" + string(m.LeftOut)}}
	}
}

// Who may have to do something.
func theHR() Text       { return Text{EN: "HR", ZH: "人事"} }
func theOperator() Text { return Text{EN: "whoever runs this program", ZH: "同步管理员"} }
func theOA() Text       { return Text{EN: "the OA's administrator", ZH: " OA 管理员"} }
func thePlatform() Text {
	return Text{EN: "the platform's administrator", ZH: "钉钉/企业微信管理员"}
}
func theNetwork() Text  { return Text{EN: "the network's administrator", ZH: "网络管理员"} }
func theDatabase() Text { return Text{EN: "the database's administrator", ZH: "数据库管理员"} }
