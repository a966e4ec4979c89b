package main

import (
	"net"
	"net/url"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/punchbridge/punchbridge/attendance"
)

// config is the file, read and validated. Reading it touches nothing else.
type config struct {
	file        string
	zone        *time.Location
	oas         []*oaConfig
	state       stateConfig
	listen      string // of /healthz and /metrics; "" is nowhere
	notify      notifyConfig
	providers   []*providerConfig
	contactSync *clockTime
	jobs        []*jobConfig
}

// oaConfig is one OA database (外部系统).
type oaConfig struct {
	name       string // may be empty where there is only one
	key        string // where it stands in the file: oa or oa[1]
	driver     string
	dsn        string // with the password in it, if the file has one beside
	password   string // that one
	schema     string
	tables     map[string]string
	generation string
	recalc     string
	ledger     bool

	recalcURL, recalcToken string // where days are told to be computed, and what to show there
}

// providerConfig is one application on a platform.
type providerConfig struct {
	name              string
	kind              string
	appKey, appSecret string
	baseURL, apiURL   string
	perSecond         float64 // 0: the library's default
	monthlyQuota      int     // 0: none
	fieldCheckIns     bool
	i18n              bool
	corpID, agentID   string
	secret, contact   string
	app               string // kind of a WeCom application: self_built or delegated
}

// jobConfig is one job of the file.
type jobConfig struct {
	name         string
	at           value // where it stands, for complaints
	provider     *providerConfig
	oa           *oaConfig
	home         *oaConfig // oa as the file has it: a backfill may be into another one
	enabled      bool
	times        []clockTime
	zone         *time.Location
	subcompanies []int64
	departments  []int64
	descend      bool
	binding      bindingConfig
	lookBack     int
	signFrom     string
	undirected   string
	withdrawn    string
	rereadDay    int             // of a month, on which serve reads again
	rereadDays   int             // so many days; 0: never
	failing      bool            // the last run did not do everything; kept by serve
	untold       bool            // and nobody could be told how it ended
	untaken      map[string]bool // rows that the OA's tables did not take; kept by serve where there is no state
	freeze       int             // from this day of a month on the months before it are closed; 0: never
	outside      string
	abnormal     string
}

type bindingConfig struct {
	by        string
	file      value // the CSV of by: file
	path      string
	boundOnly bool
	inactive  string
}

// clockTime is a time of day in minutes after midnight.
type clockTime int

const (
	maxLookBack = 3650
	maxTagBytes = 50
)

// readConfig reads and validates the file. Every error is one line that names
// the file, the key and the mend.
func readConfig(name string, lookup func(string) (string, bool)) (*config, error) {
	root, err := parseFile(name, lookup)
	if err != nil {
		return nil, err
	}
	c := &config{file: name, state: stateConfig{driver: "sqlite", dsn: stateFile}}
	r := &reader{config: c}
	zone := "Asia/Shanghai"
	var zoneAt value
	err = root.fields(map[string]func(value) error{
		"time_zone":       func(v value) error { zoneAt = v; return v.textInto(&zone) },
		"oa":              r.readOAs,
		"state":           func(v value) error { return readState(v, &c.state) },
		"providers":       func(v value) error { return v.items(r.readProvider) },
		"http":            func(v value) error { return readListen(v, &c.listen) },
		"notify":          func(v value) error { return readNotify(v, &c.notify) },
		"contact_sync_at": func(v value) error { c.contactSync = new(clockTime); return v.clock(c.contactSync) },
		"jobs":            func(v value) error { r.jobs = v; return nil },
	})
	if err != nil {
		return nil, err
	}
	if zoneAt.node == nil {
		zoneAt = root
	}
	if c.zone, err = zoneAt.location(zone); err != nil {
		return nil, err
	}
	if len(c.oas) == 0 {
		return nil, root.missing("oa", "the OA database (driver, dsn)", "OA 数据库（driver、dsn）")
	}
	if r.jobs.node != nil {
		// Jobs last: they refer to what stands anywhere in the file.
		if err := r.jobs.items(r.readJob); err != nil {
			return nil, err
		}
	}
	return c, nil
}

type reader struct {
	*config
	jobs value
}

func (r *reader) readOAs(v value) error {
	if !v.isList() {
		return r.readOA(v)
	}
	return v.items(func(item value) error {
		if err := r.readOA(item); err != nil {
			return err
		}
		last := len(r.oas) - 1
		if r.oas[last].name == "" {
			return item.missing("name", "the name jobs call it by", "供任务引用的名称")
		}
		for _, other := range r.oas[:last] {
			if other.name == r.oas[last].name {
				return item.sub("name").fail(attendance.Text{EN: "rename one", ZH: "请改名"}, "the name %q is taken", other.name)
			}
		}
		return nil
	})
}

func (r *reader) readOA(v value) error {
	o := &oaConfig{key: v.key, driver: "sqlite", generation: "auto", recalc: "auto", tables: map[string]string{}}
	var dsn, password, urlAt value
	err := v.fields(map[string]func(value) error{
		"name":       func(v value) error { return v.textInto(&o.name) },
		"driver":     func(v value) error { return v.word(&o.driver, "sqlite", "mysql", "postgres", "sqlserver", "oracle") },
		"dsn":        func(v value) error { dsn = v; return v.textInto(&o.dsn) },
		"password":   func(v value) error { password = v; return v.exactInto(&o.password) },
		"schema":     func(v value) error { return v.textInto(&o.schema) },
		"tables":     func(v value) error { return readTables(v, o.tables) },
		"generation": func(v value) error { return v.word(&o.generation, "auto", "e7", "e8", "e9") },
		"recalculate": func(v value) error {
			return v.word(&o.recalc, "auto", "pool", "http", "none")
		},
		"recalculate_url": func(v value) error {
			urlAt = v
			return v.hookURL(&o.recalcURL)
		},
		"recalculate_token": func(v value) error {
			urlAt = v
			return v.bearer(&o.recalcToken)
		},
		"ledger": func(v value) error { return v.boolean(&o.ledger) },
	})
	switch {
	case err != nil:
		return err
	case o.dsn == "":
		return v.missing("dsn", `the database, as "file:oa.db"`, `数据库连接串，如 "file:oa.db"`)
	case o.recalc == "http" && o.recalcURL == "":
		return v.missing("recalculate_url", "the site's own address that has days computed, because recalculate is http", "现场重算接口的地址（recalculate 为 http）")
	case o.recalc != "http" && o.recalcURL+o.recalcToken != "":
		return urlAt.fail(attendance.Text{EN: "set recalculate: http, or remove it", ZH: "请设 recalculate: http，或删除该键"}, "it is used only with recalculate: http")
	}
	if o.dsn, err = complete(o.driver, o.dsn, o.password, o.schema, dsn, password); err != nil {
		return err
	}
	r.oas = append(r.oas, o)
	return nil
}

// charsetFault complains of a dsn that asks for another character set than UTF-8.
func charsetFault(v value, driver, dsn string) error {
	parameter, charset := foreignCharset(driver, dsn)
	if parameter == "" {
		return nil
	}
	if strings.Trim(charset, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_") != "" {
		charset = "..." // a dsn holds a password, and may be spelt wrongly
	}
	better := map[string]string{"mysql": "charset=utf8mb4", "postgres": "client_encoding=UTF8"}[driver]
	return v.fail(attendance.Text{EN: "write " + better + ", or remove " + parameter, ZH: "请写 " + better + "，或删除 " + parameter},
		"%s=%s: texts are sent as UTF-8, and Chinese would be taken for other characters", parameter, charset)
}

func readTables(v value, tables map[string]string) error {
	readers := map[string]func(value) error{}
	for _, name := range []string{"HrmResource", "HrmDepartment", "HrmSubCompany", "HrmScheduleSign", "mobile_sign", "kq_format_pool"} {
		readers[name] = func(v value) error {
			other, err := v.text()
			if err == nil && other == "" {
				err = v.fail(attendance.Text{EN: "write the table's name or remove the key", ZH: "请写表名或删除该键"}, "the name is empty")
			}
			tables[name] = other
			return err
		}
	}
	return v.fields(readers)
}

func readListen(v value, p *string) error {
	s, err := v.text()
	if err != nil || s == "" {
		return err
	}
	_, port, err := net.SplitHostPort(s)
	if n, portErr := strconv.Atoi(port); err != nil || portErr != nil || n < 0 || n > 65535 {
		return v.fail(attendance.Text{EN: "write host:port, as 127.0.0.1:9100", ZH: "请写 主机:端口，如 127.0.0.1:9100"}, "%s is no address to listen on", v.raw())
	}
	*p = s
	return nil
}

func (r *reader) readProvider(v value) error {
	p := &providerConfig{}
	// The kind decides which keys there are, so it is read ahead of them.
	if kind := v.sub("kind"); kind.node != v.resolve().node {
		if err := kind.word(&p.kind, "dingtalk", "wecom"); err != nil {
			return err
		}
	}
	ignore := func(value) error { return nil }
	keys := map[string]func(value) error{
		"name":                func(v value) error { return v.textInto(&p.name) },
		"kind":                ignore,
		"base_url":            func(v value) error { return v.url(&p.baseURL) },
		"requests_per_second": func(v value) error { return v.rate(&p.perSecond) },
	}
	switch p.kind {
	case "wecom":
		keys["corp_id"] = func(v value) error { return v.textInto(&p.corpID) }
		keys["agent_id"] = func(v value) error { return v.textInto(&p.agentID) }
		keys["app"] = func(v value) error { return v.word(&p.app, "self_built", "delegated") }
		keys["secret"] = func(v value) error { return v.textInto(&p.secret) }
		keys["contact_secret"] = func(v value) error { return v.textInto(&p.contact) }
	case "dingtalk":
		keys["app_key"] = func(v value) error { return v.textInto(&p.appKey) }
		keys["app_secret"] = func(v value) error { return v.textInto(&p.appSecret) }
		keys["api_base_url"] = func(v value) error { return v.url(&p.apiURL) }
		keys["monthly_quota"] = func(v value) error { return v.number(&p.monthlyQuota, 0, 1<<31-1) }
		keys["field_check_ins"] = func(v value) error { return v.boolean(&p.fieldCheckIns) }
		keys["is_i18n"] = func(v value) error { return v.boolean(&p.i18n) }
	default:
		return v.missing("kind", "dingtalk or wecom", "dingtalk 或 wecom")
	}
	if err := v.fields(keys); err != nil {
		return err
	}
	switch {
	case p.name == "":
		return v.missing("name", "the name jobs call it by", "供任务引用的名称")
	case p.kind == "dingtalk" && p.appKey == "":
		return v.missing("app_key", "the application's Client ID (AppKey)", "应用的 AppKey")
	case p.kind == "dingtalk" && p.appSecret == "":
		return v.missing("app_secret", "the application's Client Secret (AppSecret)", "应用的 AppSecret")
	case p.kind == "wecom" && p.corpID == "":
		return v.missing("corp_id", "the corporation's id", "企业 ID")
	case p.kind == "wecom" && p.secret == "":
		return v.missing("secret", "the secret of the application that may read check-ins", "可读取打卡数据的应用 Secret")
	}
	for _, other := range r.providers {
		if other.name == p.name {
			return v.sub("name").fail(attendance.Text{EN: "rename one", ZH: "请改名"}, "the name %q is taken", p.name)
		}
		if p.kind == "dingtalk" && other.kind == p.kind && other.appKey == p.appKey {
			p.corpID = other.corp() // one application belongs to one company
		}
	}
	r.providers = append(r.providers, p)
	return nil
}

// The readers below are for values of one kind that several keys share.

// sub is the value of a key below v, or v itself under that key's path.
func (v value) sub(name string) value {
	v = v.resolve()
	key := name
	if v.key != "" {
		key = v.key + "." + name
	}
	for i := 0; i+1 < len(v.node.Content); i += 2 {
		if v.node.Content[i].Value == name {
			return value{v.node.Content[i+1], key, v.file}
		}
	}
	return value{v.node, key, v.file}
}

func (v value) missing(name, what, whatZH string) error {
	return v.sub(name).fail(attendance.Text{EN: "write " + what, ZH: "请填写" + whatZH}, "missing or empty")
}

func (v value) url(p *string) error {
	s, err := v.text()
	if err != nil || s == "" {
		return err
	}
	u, err := url.Parse(s)
	if err != nil || u.Scheme != "http" && u.Scheme != "https" || u.Host == "" {
		return v.fail(attendance.Text{EN: "write http://host or https://host", ZH: "请写 http(s):// 开头的完整地址"}, "this is no http(s) URL") // not quoted: it may hold a secret
	}
	*p = strings.TrimRight(s, "/")
	return nil
}

func (v value) rate(p *float64) error {
	s, err := v.text()
	if err != nil {
		return err
	}
	f, err := strconv.ParseFloat(s, 64)
	if err != nil || !(f > 0 && f <= 1e6) {
		return v.fail(attendance.Text{EN: "write a number above 0, as 10", ZH: "请写大于 0 的数，如 10"}, "%s is no rate", v.raw())
	}
	*p = f
	return nil
}

func (v value) location(name string) (*time.Location, error) {
	zone, err := time.LoadLocation(name)
	if err != nil || name == "" || name == "Local" {
		return nil, v.fail(attendance.Text{EN: "write a zone of the IANA list, as Asia/Shanghai", ZH: "请写 IANA 时区名，如 Asia/Shanghai"}, "%s is no time zone", v.raw())
	}
	return zone, nil
}

func (v value) clock(p *clockTime) error {
	s, err := v.text()
	if err != nil {
		return err
	}
	m := regexp.MustCompile(`^(\d{1,2}):(\d{2})$`).FindStringSubmatch(s)
	if m != nil {
		hour, _ := strconv.Atoi(m[1])
		minute, _ := strconv.Atoi(m[2])
		if hour < 24 && minute < 60 {
			*p = clockTime(hour*60 + minute)
			return nil
		}
	}
	return v.fail(attendance.Text{EN: `write "HH:MM" from "00:00" to "23:59"`, ZH: `请写 "00:00" 至 "23:59"`}, "%s is no time of day", v.raw())
}

// names lists the names for a mend.
func names[T any](list []T, name func(T) string) string {
	all := make([]string, 0, len(list))
	for _, x := range list {
		all = append(all, name(x))
	}
	slices.Sort(all)
	return strings.Join(all, ", ")
}
