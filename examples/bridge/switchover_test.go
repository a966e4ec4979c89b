package main

import (
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"go.yaml.in/yaml/v3"
)

// oldWords are the menus, buttons, fields and troubles of the old bridge's manual.
const oldWords = `【集成中心】 【阿里钉钉号集成】 “设置” 【钉钉打卡记录定时同步】 【新增】 “确定” 显示名称 外部系统 适用范围 开始时间 是否启用
	【企业微信集成】 【企业微信打卡记录同步】 【配置向导】 AgentId Secret work.weixin.qq.com 【完成】 【打卡设置】 只同步绑定微信账号的OA人员
	初始同步 自动同步 7天 一个月 【初始同步】 “执行” 打卡开始时间 打卡结束时间 23:30 每个月手动同步 签到第一条 激活状态 同一个oa账号 相隔一个小时
	【考勤同步记录】 【日志中心】 【系统日志】 【查询】 【考勤报表】 签到明细 签退明细 【外勤签到】 HrmScheduleSign SignType wx/dd from_wx/from_dd mobile_sign
	请咨询人力资源模块 集中显示 考勤记录中无记录 20190604 考勤数据为空 第二种 access_token 也显示同步成功 JSONObject`

// A guide is what a page about switching over shows: commands, keys, configurations.
type guide struct {
	commands []string
	keys     []string
	configs  []map[string]any
	rows     int
}

func readGuide(t *testing.T, page string) (g guide) {
	t.Helper()
	text := readText(t, "../../docs", page)
	for word := range strings.FieldsSeq(oldWords) {
		require.Contains(t, text, word, "%s does not tell what became of it", page)
	}
	for _, found := range regexp.MustCompile("(?ms)^ *```yaml\n(.*?)^ *```").FindAllStringSubmatch(text, -1) {
		var c map[string]any
		require.NoError(t, yaml.Unmarshal([]byte(found[1]), &c), found[1])
		g.configs = append(g.configs, c)
	}
	for _, found := range regexp.MustCompile("(?m)^ *(bridge [^#>\n]+)|`(bridge [^`\n]+)`").FindAllStringSubmatch(text, -1) {
		g.commands = append(g.commands, strings.TrimSpace(found[1]+found[2]))
	}
	for _, found := range regexp.MustCompile("`((?:oa|state|providers|jobs)\\.[a-z_.]+(?:: [^`\n]+)?)`").FindAllStringSubmatch(text, -1) {
		g.keys = append(g.keys, found[1])
	}
	g.rows = strings.Count(text, "|\n")
	return g
}

// withKey is v with a value set below it, in the place of a list's item. Without a value
// a key is added empty, which the reader knows or complains about.
func withKey(v any, path []string, setting any, item int) any {
	if list, ok := v.([]any); ok && len(path) > 0 {
		list = slices.Clone(list)
		list[item] = withKey(list[item], path, setting, item)
		return list
	}
	switch {
	case len(path) > 0:
		m := map[string]any{}
		if old, ok := v.(map[string]any); ok {
			maps.Copy(m, old)
		}
		m[path[0]] = withKey(m[path[0]], path[1:], setting, item)
		return m
	case setting != nil:
		return setting
	default:
		return v
	}
}

func TestSwitchOver(t *testing.T) {
	t.Parallel()
	english, chinese := readGuide(t, "switch-over.md"), readGuide(t, "switch-over.zh-CN.md")
	require.Equal(t, english, chinese, "the pages show the same")
	lookup := func(string) (string, bool) { return "user:secret@tcp(db:3306)/ecology", true }

	var c *config
	site := map[string]any{}
	for _, changed := range english.configs { // each replaces what it names
		maps.Copy(site, changed)
		text, err := yaml.Marshal(site)
		require.NoError(t, err)
		c = validConfig(t, string(text), lookup)
	}
	require.Len(t, c.jobs, 2)
	for _, line := range english.commands {
		validCommand(t, c, strings.Fields(line)[1:])
	}
	for _, key := range english.keys { // as jobs.scope.descend: false
		path, text, _ := strings.Cut(key, ": ")
		var setting any
		require.NoError(t, yaml.Unmarshal([]byte(text), &setting))
		var err error
		for item := range 2 { // of the providers one is DingTalk, one WeCom
			text, marshalErr := yaml.Marshal(withKey(site, strings.Split(path, "."), setting, item))
			require.NoError(t, marshalErr)
			file := filepath.Join(t.TempDir(), "bridge.yaml")
			require.NoError(t, os.WriteFile(file, text, 0o600))
			if _, err = readConfig(file, lookup); err == nil {
				break
			}
		}
		require.NoError(t, err, key)
	}
	require.Greater(t, min(len(english.commands), len(english.keys)), 40)
}
