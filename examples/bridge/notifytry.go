package main

import (
	"cmp"
	"context"
	"errors"

	"github.com/punchbridge/punchbridge/attendance"
)

// tryDocument is the document of notify-test.
type tryDocument struct {
	Delivered bool     `json:"delivered"`
	Kind      string   `json:"kind"` // json, wecom or dingtalk
	Error     *trouble `json:"error,omitempty"`
}

// notifyTest sends one message to the address of notify. The exit code is 0 when it was
// delivered, 2 when there is no address.
func (p *program) notifyTest(ctx context.Context) int {
	c := p.config.notify
	if c.url == "" {
		return p.misused(&configError{file: p.config.file, key: "notify", what: "missing or empty",
			mend: attendance.Text{EN: "write the address that is told, as the Webhook of a group robot", ZH: "请填写通知地址，如群机器人的 Webhook"}})
	}
	err := p.newHerald().tell(ctx, notice{State: "test", Ended: clockIn(p.now(), p.config.zone),
		Message: "测试消息：任务失败或恢复时会在此通知 / a test message: here you are told when a job fails or works again"})
	d := tryDocument{Delivered: err == nil, Kind: c.kind, Error: undeliveredTrouble(err)}
	switch {
	case p.command.json:
		p.print(d)
	case err == nil:
		p.line("已送达 delivered: %v", kindWords(c.kind))
	default:
		p.line("未送达 not delivered: %v", kindWords(c.kind))
		p.printEnd(nil, d.Error)
	}
	return exitCode(err)
}

func kindWords(kind string) attendance.Text {
	switch kind {
	case kindWecom:
		return attendance.Text{EN: "a group robot of WeCom", ZH: "企业微信群机器人"}
	case kindDingtalk:
		return attendance.Text{EN: "a group robot of DingTalk", ZH: "钉钉群机器人"}
	default:
		return attendance.Text{EN: "a JSON document", ZH: "JSON 文档"}
	}
}

// undeliveredTrouble puts an error of telling into code, words and mend.
func undeliveredTrouble(err error) *trouble {
	if err == nil {
		return nil
	}
	u, ok := errors.AsType[*undelivered](err)
	if !ok {
		return &trouble{Code: "undelivered", Message: oneLine(err.Error())}
	}
	return &trouble{Code: cmp.Or(u.code, "undelivered"), Message: oneLine(u.what), Mend: u.mend.String()}
}
