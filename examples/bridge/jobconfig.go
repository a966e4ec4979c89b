package main

import (
	"cmp"
	"fmt"
	"strings"
	"time"

	"github.com/punchbridge/punchbridge/attendance"
)

// readJob reads one job; providers and OAs are known by now.
func (r *reader) readJob(v value) error {
	j := &jobConfig{at: v, enabled: true, zone: r.zone, descend: true, lookBack: 6, rereadDay: 3, rereadDays: 35, undirected: "skip", outside: "mobile_sign", abnormal: "sign", withdrawn: "keep",
		binding: bindingConfig{boundOnly: true, inactive: "skip"}}
	var provider, oa string
	var generation, withdrawn, abnormal value
	err := v.fields(map[string]func(value) error{
		"name":      func(v value) error { return v.textInto(&j.name) },
		"provider":  func(v value) error { return v.textInto(&provider) },
		"oa":        func(v value) error { return v.textInto(&oa) },
		"enabled":   func(v value) error { return v.boolean(&j.enabled) },
		"at":        func(v value) error { return readTimes(v, &j.times) },
		"time_zone": func(v value) error { return v.zone(&j.zone) },
		"scope": func(v value) error {
			return v.fields(map[string]func(value) error{
				"subcompanies": func(v value) error { return v.ids(&j.subcompanies) },
				"departments":  func(v value) error { return v.ids(&j.departments) },
				"descend":      func(v value) error { return v.boolean(&j.descend) },
			})
		},
		"binding":        func(v value) error { return readBinding(v, &j.binding) },
		"look_back_days": func(v value) error { return v.number(&j.lookBack, 0, maxLookBack) },
		"reread": func(v value) error {
			return v.fields(map[string]func(value) error{
				"day":  func(v value) error { return v.number(&j.rereadDay, 0, 28) },
				"days": func(v value) error { return v.number(&j.rereadDays, 0, maxLookBack) },
			})
		},
		"sign_from": func(v value) error { return v.tag(&j.signFrom) },
		"withdrawn": func(v value) error { withdrawn = v; return v.word(&j.withdrawn, "keep", "delete") },
		"outside":   func(v value) error { return v.word(&j.outside, "mobile_sign", "sign", "both") },
		"abnormal":  func(v value) error { abnormal = v; return v.word(&j.abnormal, "sign", "skip") },
		"undirected": func(v value) error {
			generation = v
			if v.isNull() { // `undirected: null` is YAML's null, and meant as the word
				j.undirected = "null"
				return nil
			}
			return v.word(&j.undirected, "skip", "null", "infer")
		},
		"freeze_after_day": func(v value) error { return v.number(&j.freeze, 0, 31) },
	}, "undirected")
	switch {
	case err != nil:
		return err
	case j.name == "":
		return v.missing("name", "the job's name", "任务名称")
	case provider == "":
		return v.missing("provider", "the name of a provider: "+r.providerNames(), "数据来源的名称")
	case j.binding.by == "":
		return v.sub("binding").missing("by", "which OA field equals the account, as workcode", "以哪个 OA 字段绑定账号，如 workcode")
	}
	for _, other := range r.config.jobs {
		if other.name == j.name {
			return v.sub("name").fail(attendance.Text{EN: "rename one", ZH: "请改名"}, "the name %q is taken", j.name)
		}
	}
	for _, p := range r.providers {
		if p.name == provider {
			j.provider = p
		}
	}
	if j.provider == nil {
		return v.sub("provider").fail(attendance.Text{EN: "the file has: " + cmp.Or(r.providerNames(), "none"), ZH: "请改为文件中已有的名称"}, "there is no provider %s", v.sub("provider").raw())
	}
	if j.oa, err = r.findOA(v, oa); err != nil {
		return err
	}
	j.home = j.oa
	if j.signFrom == "" {
		j.signFrom = map[string]string{"dingtalk": "from_dd", "wecom": "from_wx"}[j.provider.kind]
	}
	if j.abnormal == "skip" && j.provider.kind != "wecom" {
		return abnormal.fail(attendance.Text{EN: "remove it; DingTalk has outside in its place", ZH: "请删除；钉钉请用 outside"}, "skip is for WeCom's 地点异常 and wifi异常, but %s is %s", j.provider.name, j.provider.kind)
	}
	if g := j.oa.generation; j.undirected == "null" && (g == "e7" || g == "e8") {
		return generation.fail(attendance.Text{EN: "write infer or skip", ZH: "请写 infer 或 skip"}, "null needs e9, but %s.generation is %s", j.oa.key, g)
	}
	if j.withdrawn == "delete" && !j.oa.ledger {
		return withdrawn.fail(attendance.Text{EN: "set " + j.oa.key + ".ledger to true, or write keep", ZH: "请将 " + j.oa.key + ".ledger 设为 true，或写 keep"},
			"delete needs a ledger, which %s does not have", j.oa.key)
	}
	r.config.jobs = append(r.config.jobs, j)
	return nil
}

func (r *reader) providerNames() string {
	return names(r.providers, func(p *providerConfig) string { return p.name })
}

// findOA is the OA a job means. The one mapping without a name goes by whatever
// name the jobs call it, as long as it is the same one.
func (r *reader) findOA(job value, name string) (*oaConfig, error) {
	at := job.sub("oa")
	list := names(r.oas, func(o *oaConfig) string { return o.name })
	switch {
	case name == "" && len(r.oas) == 1:
		return r.oas[0], nil
	case name == "":
		return nil, at.fail(attendance.Text{EN: "name one of " + list, ZH: "请写明其中之一"}, "missing, and the file has several")
	case len(r.oas) == 1 && r.oas[0].name == "":
		r.oas[0].name = name
		return r.oas[0], nil
	}
	for _, o := range r.oas {
		if o.name == name {
			return o, nil
		}
	}
	return nil, at.fail(attendance.Text{EN: "the file has: " + list, ZH: "请改为文件中已有的名称"}, "there is no oa %s", at.raw())
}

func readBinding(v value, b *bindingConfig) error {
	err := v.fields(map[string]func(value) error{
		"by": func(v value) error {
			return v.word(&b.by, "id", "loginid", "account", "workcode", "mobile", "email", "file")
		},
		"file":       func(v value) error { b.file = v; return v.textInto(&b.path) },
		"bound_only": func(v value) error { return v.boolean(&b.boundOnly) },
		"inactive":   func(v value) error { return v.word(&b.inactive, "skip", "include") },
	})
	if err == nil && b.by == "file" && b.path == "" {
		return v.missing("file", "the CSV file's path, because by is file", "CSV 文件路径（by 为 file）")
	}
	return err
}

func readTimes(v value, times *[]clockTime) error {
	read := func(v value) error {
		var t clockTime
		if err := v.clock(&t); err != nil {
			return err
		}
		*times = append(*times, t)
		return nil
	}
	if v.isList() {
		return v.items(read)
	}
	return read(v)
}

func (v value) zone(p **time.Location) error {
	name, err := v.text()
	if err != nil {
		return err
	}
	*p, err = v.location(name)
	return err
}

// tag reads sign_from. The OA shows tags beginning with card as make-up punches
// and takes |...| for the mark of a withdrawn make-up card.
func (v value) tag(p *string) error {
	s, err := v.text()
	if err != nil {
		return err
	}
	switch {
	case len(s) > maxTagBytes:
		err = v.fail(attendance.Text{EN: fmt.Sprintf("at most %d bytes", maxTagBytes), ZH: "请不超过 50 字节"}, "%d bytes are too long", len(s))
	case strings.Contains(s, "|"):
		err = v.fail(attendance.Text{EN: "leave out the |", ZH: "请去掉 |"}, "%s holds a |", v.raw())
	case strings.HasPrefix(strings.ToLower(s), "card"):
		err = v.fail(attendance.Text{EN: "choose another beginning, as from_dd", ZH: "请换开头，如 from_dd"}, "%s begins with card, which the OA shows as a make-up punch (补卡)", v.raw())
	}
	*p = s
	return err
}

// job finds a job by name.
func (c *config) job(name string) (*jobConfig, error) {
	for _, j := range c.jobs {
		if j.name == name {
			return j, nil
		}
	}
	return nil, &configError{file: c.file, key: "jobs", what: fmt.Sprintf("there is no job %q", name),
		mend: attendance.Text{EN: "the file has: " + cmp.Or(names(c.jobs, func(j *jobConfig) string { return j.name }), "none"), ZH: "请使用文件中已有的任务名"}}
}

// zoneOf is by which clock times of a job are shown: the file's for one that is not there.
func (c *config) zoneOf(job string) *time.Location {
	if j, err := c.job(job); err == nil {
		return j.zone
	}
	return c.zone
}

// oaNamed finds an OA by name.
func (c *config) oaNamed(name string) (*oaConfig, error) {
	for _, o := range c.oas {
		if o.name == name && name != "" {
			return o, nil
		}
	}
	return nil, usagef("-oa: the file has no oa named %q; it has: %s", name, cmp.Or(names(c.oas, func(o *oaConfig) string { return o.name }), "one without a name"))
}
