package main

import (
	"strings"

	"github.com/punchbridge/punchbridge/attendance"
)

// robotHeading begins every message of a robot: it is what a keyword of DingTalk's
// security settings is found in.
const robotHeading = "【考勤同步 punchbridge】"

// longestReason is how many bytes of a reason a message holds, so that what is to be done
// stands in it too.
const longestReason = 600

// text is the notice as people read it in a chat: Chinese first, and short.
func (n notice) text() string {
	var b strings.Builder
	line := func(parts ...string) { b.WriteString(strings.Join(parts, "") + "\n") }
	switch n.State {
	case "failed":
		line(robotHeading, "任务 ", n.Job, " 失败 / job failed")
		line("原因 why: ", cutText(reasonIn(n), longestReason))
		if who, what := n.advice.Who, n.advice.What; what != (attendance.Text{}) {
			line("处理 to do: 请", strings.TrimSpace(who.ZH), strings.TrimPrefix(what.ZH, "请"), " / ", who.EN, ": ", what.EN)
		}
	case "recovered":
		line(robotHeading, "任务 ", n.Job, " 已恢复 / job works again")
	default:
		line(robotHeading, n.Message)
	}
	if n.Since != "" {
		line("失败始于 failing since: ", n.Since)
	}
	if n.LastOK != "" {
		line("上次正常 last good: ", n.LastOK)
	}
	if n.Ended != "" && n.Job != "" {
		line("时间 at: ", n.Ended)
	}
	if n.Run != "" {
		line("运行 run: ", n.Run)
	}
	return strings.TrimRight(b.String(), "\n")
}

// reasonIn is what has happened.
func reasonIn(n notice) string {
	if n.Error == nil {
		return n.Message
	}
	return oneLine(n.Error.Message)
}
