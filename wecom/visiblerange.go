// This file reads what WeCom tells of the application's visible range (可见范围).

package wecom

import (
	"context"
	"errors"
	"maps"
	"net/url"

	"github.com/punchbridge/punchbridge/attendance"
	"github.com/punchbridge/punchbridge/provider"
)

const (
	pathAgent = "/cgi-bin/agent/get"
	pathTag   = "/cgi-bin/tag/get"
)

// tagsAtMost bounds the calls of tag/get in one reading.
const tagsAtMost = 100

// A visibleRange is what agent/get tells of an application (pages 90227 and 96448, both of
// 2023-10-31): the people, departments and tags that 可见范围 names.
type visibleRange struct {
	people            []string
	departments, tags []int64
}

// visibleRange asks which people, departments and tags the application may see. An
// application may ask for itself only, by its own AgentID.
func (c *Client) visibleRange(ctx context.Context) (visibleRange, error) {
	if c.config.AgentID == "" {
		return visibleRange{}, &attendance.Error{Code: attendance.CodeRequest, Op: "wecom " + pathAgent, Detail: "AgentID is not given"}
	}
	reply, err := c.attempt(ctx, c.app, pathAgent, url.Values{"agentid": {c.config.AgentID}})
	if err != nil {
		return visibleRange{}, err
	}
	return readVisibleRange(reply.Body)
}

func readVisibleRange(body []byte) (r visibleRange, err error) {
	told := false
	for key, value := range provider.Object(body) {
		switch string(key) {
		case "allow_userinfos":
			told = true
			for user := range provider.Array(provider.Member(value, "user")) {
				if id := provider.Text(provider.Member(user, "userid")); id != "" {
					r.people = append(r.people, id)
				}
			}
		case "allow_partys":
			told = true
			r.departments = numbers(provider.Member(value, "partyid"))
		case "allow_tags":
			told = true
			r.tags = numbers(provider.Member(value, "tagid"))
		}
	}
	if !told {
		return r, malformed(pathAgent, "errcode 0 without allow_userinfos, allow_partys or allow_tags")
	}
	return r, nil
}

// numbers are those of a list.
func numbers(list []byte) (all []int64) {
	for raw := range provider.Array(list) {
		if n, ok := provider.Int(raw); ok {
			all = append(all, n)
		}
	}
	return all
}

// attempt makes one call that nothing depends on. What another call would wait for, or
// take for the trouble of the whole application, is an error of this one alone.
func (c *Client) attempt(ctx context.Context, a *access, path string, query url.Values) (provider.Reply, error) {
	if err := c.over.wait(ctx); err != nil {
		return provider.Reply{}, err
	}
	reply, err := provider.WithTokenTwice(ctx, a.tokens, func(token string) (provider.Reply, error) {
		values := url.Values{"access_token": {token}}
		maps.Copy(values, query)
		return c.api.Call(ctx, provider.Request{Op: path, URL: c.config.BaseURL + path, Query: values})
	})
	c.skew.Note(reply)
	return reply, a.named(err)
}

// rootDepartment is the company itself.
const rootDepartment = 1

// singlesUnlisted says whom a directory lacks where agent/get does not tell, and why.
func singlesUnlisted(err error) attendance.Text {
	why := err.Error()
	if e, ok := errors.AsType[*attendance.Error](err); ok {
		why = e.Sentence()
	}
	return attendance.Text{
		EN: "people who stand singly in the application's visible range (可见范围), in no department of it, are not listed and cannot be bound (" + why + ")",
		ZH: "无法列出可见范围中单独添加的成员（不在所选部门内），他们无法绑定（" + why + "）",
	}
}

// singlesMend is what brings those people back.
func singlesMend() attendance.Text {
	return attendance.Text{
		EN: "give the application's own AgentId as AgentID, or the Secret of 通讯录同步 as ContactSecret, or choose their department in 可见范围",
		ZH: "请把该应用的 AgentId 填入 agent_id，或把通讯录同步的 Secret 填入 contact_secret，或在可见范围中选择其所在部门",
	}
}
