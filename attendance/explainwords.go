package attendance

import (
	"errors"
	"strings"
	"time"
)

// AdviceOf says who has to do what about the error of a run, a check or an explanation.
// It promises nothing: whether a later run makes up for it depends on the job. A nil
// error is nobody's.
func AdviceOf(err error) Advice {
	switch code := CodeOf(err); {
	case err == nil:
		return Advice{}
	case isStore(err):
		return storeAdvice(err)
	case code == CodeRowRefused, code == CodeRowChanged:
		return Advice{theDatabase(), code.Mend(), Text{EN: "the database does not take a row (" + detailOf(err) + ")", ZH: "数据库未接受某一行（" + detailOf(err) + "）"}}
	default:
		return platformAdvice(err)
	}
}

// unpromised is a mend without the promise that ends many of them.
func unpromised(mend Text) Text {
	const en, zh = "the next run makes up for it", "下次运行会自动补齐"
	cut := strings.NewReplacer("; "+en, "", ", "+en, "", "；"+zh, "", "，"+zh, "")
	return Text{EN: cut.Replace(mend.EN), ZH: cut.Replace(mend.ZH)}
}

// platformAdvice says whose fault it is that the platform does not tell.
func platformAdvice(err error) Advice {
	mend := unpromised(remedyOf(err))
	who := thePlatform()
	what := Text{EN: "the platform does not tell", ZH: "平台未给出答案"}
	switch CodeOf(err) {
	case CodeCredentials:
		who, what = theOperator(), Text{EN: "the platform rejects the secret or the token", ZH: "平台拒绝密钥或 token"}
	case CodePermission:
		what = Text{EN: "the application lacks a permission", ZH: "应用缺少权限"}
	case CodeAddress:
		what = Text{EN: "this machine's address is not on the application's white list", ZH: "本机 IP 不在应用白名单"}
	case CodeQuota:
		what = Text{EN: "the month's calls are used up", ZH: "当月调用量已用尽"}
	case CodeMalformed:
		if !errors.Is(err, ErrForeign) {
			who, what = thePlatform(), Text{EN: "the platform's answer for this person and day cannot be read", ZH: "平台对此人当天的应答无法读取"}
			mend = Text{EN: "show the platform's support what is quoted, and enter the day by hand; every run asks again", ZH: "把所引内容提供给平台客服，并手工补录当天；每次运行都会重试"}
			break
		}
		who, what = theNetwork(), Text{EN: "something answered in the platform's place, and not with JSON", ZH: "应答不是平台的 JSON"}
		mend = Text{EN: "look for a proxy, firewall or login page between here and the platform, and at the configured address", ZH: "检查到平台之间的代理、防火墙、登录页，以及所配置的地址"}
	case CodeEveryone:
		who, what = theOperator(), Text{EN: "the platform rejects every account", ZH: "平台拒绝了所有账号"}
	case CodeRequest, CodeSpan, CodeUnknown:
		who, what = theOperator(), Text{EN: "something went wrong that this program does not know", ZH: "出现程序未知的错误"}
	case CodeProxy:
		who, what = theNetwork(), Text{EN: "the proxy on the way to the platform refuses this program", ZH: "通往平台的代理拒绝本程序"}
	case CodeUnavailable, CodeThrottled:
		who, what = theNetwork(), Text{EN: "the platform cannot be reached or is busy", ZH: "平台无法连接或繁忙"}
	case CodeHorizon:
		return Advice{theHR(), Text{EN: "enter the punch in the OA by hand", ZH: "在 OA 中手工补录"}, Text{EN: "the platform no longer keeps this day: " + detailOf(err), ZH: "平台已不再保留这一天：" + detailOf(err)}}
	}
	if mend == (Text{}) {
		mend = Text{EN: "look at the message and try again", ZH: "查看提示后重试"}
	}
	return Advice{who, mend, Text{EN: what.EN + " (" + detailOf(err) + ")", ZH: what.ZH + "（" + detailOf(err) + "）"}}
}

func storeAdvice(err error) Advice {
	mend := unpromised(remedyOf(err))
	if mend == (Text{}) {
		mend = CodeStoreDown.Mend()
	}
	return Advice{theDatabase(), mend, Text{EN: "the database could not be asked (" + detailOf(err) + ")", ZH: "无法查询数据库（" + detailOf(err) + "）"}}
}

// repair is what to do about a row that the target does not take, without saying when
// it is offered again.
func (r Reason) repair() Text {
	if r == RowChanged {
		return Text{EN: "find the trigger or the type of a column that changes what is written", ZH: "检查改变写入值的触发器或列类型"}
	}
	return Text{EN: "look at the index, CHECK or trigger that is named, or at the row that is in its way", ZH: "检查所提示的唯一索引、CHECK 约束、触发器，或占位的那一行"}
}

// words says a reason for people.
func (r Reason) words() Text {
	switch r {
	case MissingPunch:
		return Text{EN: "a missing punch, not a punch", ZH: "缺卡记录，并非打卡"}
	case Invalid:
		return Text{EN: "the platform calls it invalid", ZH: "平台认定无效"}
	case NoDirection:
		return Text{EN: "neither sign-in nor sign-out", ZH: "既非上班也非下班"}
	case Abnormal:
		return Text{EN: "made at a place that the platform doubts, and such punches are not taken (abnormal: skip)", ZH: "平台判定地点或 wifi 异常，按设置不写入（abnormal: skip）"}
	case Future:
		return Text{EN: "later than now", ZH: "晚于当前时间"}
	case UnknownType:
		return Text{EN: "of a type that this version does not know", ZH: "类型未知"}
	case OutsideWindow:
		return Text{EN: "of another time than was asked for", ZH: "不在所查时间内"}
	case SameSecond:
		return Text{EN: "another punch of the same second has the row", ZH: "同一秒已有一次打卡"}
	case RowRefused:
		return Text{EN: "the target table refuses its row", ZH: "目标表拒绝该行"}
	case RowChanged:
		return Text{EN: "the target table does not keep its row as it is written", ZH: "目标表没有按写入的值保存该行"}
	case Frozen:
		return Text{EN: "its month is closed", ZH: "月份已封账"}
	default:
		return Text{EN: string(r), ZH: string(r)}
	}
}

// words says what became of a row that the target did not take.
func (r Rejected) words(zone *time.Location) Text {
	t := r.Reason.words()
	last := clock(r.Last, zone)
	return Text{EN: t.EN + " (" + r.Detail + "), last tried at " + last, ZH: t.ZH + "（" + r.Detail + "），最近一次尝试 " + last}
}

func warned(code string) Text {
	if code == "deleted_by_others" {
		return Text{EN: "its row was deleted in the OA by somebody else", ZH: "其行在 OA 中被他人删除"}
	}
	return Text{EN: "its row was corrected in the OA by somebody else and is left as it is", ZH: "其行在 OA 中被他人（如管理员）更正过，保持原样"}
}

// otherRow says whose the row is.
func otherRow(rows []ShownRow) Text {
	if len(rows) == 0 {
		return Text{}
	}
	r := rows[0]
	tag := r.Tag
	if tag == "" {
		tag = "NULL"
	}
	t := Text{EN: "the row is another writer's (signFrom " + tag + ")", ZH: "对应的行由其他程序写入（signFrom " + tag + "）"}
	if !r.Counted {
		t = Text{EN: t.EN + " and the report does not count it: " + r.Why.EN, ZH: t.ZH + "，且报表不统计该行：" + r.Why.ZH}
	}
	return t
}

func doubled(other ShownRow, typeless bool) Text {
	t := Text{EN: "there are two rows, one of them another writer's (signFrom " + other.Tag + ")", ZH: "有两行，其中一行由其他程序写入（signFrom " + other.Tag + "）"}
	if typeless {
		t.EN += ", which the report takes for a sign-in and a sign-out"
		t.ZH += "，报表会把同一次打卡当作签到和签退"
	}
	return t
}
