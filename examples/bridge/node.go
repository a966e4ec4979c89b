package main

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"go.yaml.in/yaml/v3"

	"github.com/punchbridge/punchbridge/attendance"
	"github.com/punchbridge/punchbridge/attendance/redact"
)

// A configError is one fault of the file. Its text is one line that names the
// file, the line, the key and the mend; it never quotes what ${VAR} stood for.
type configError struct {
	file string
	line int
	key  string
	what string
	mend attendance.Text
}

func (e *configError) Error() string {
	var b strings.Builder
	b.WriteString(e.file)
	if e.line > 0 {
		fmt.Fprintf(&b, ":%d", e.line)
	}
	b.WriteString(": ")
	if e.key != "" {
		b.WriteString(e.key + ": ")
	}
	b.WriteString(e.what)
	if mend := e.mend.String(); mend != "" {
		b.WriteString(": " + mend)
	}
	return oneLine(b.String())
}

func oneLine(s string) string { return strings.Join(strings.Fields(s), " ") }

// value is one value of the file together with where it stands.
type value struct {
	node *yaml.Node
	key  string // full path, as jobs[0].binding.by
	file *source
}

type source struct {
	name   string
	lookup func(string) (string, bool)
}

// parseFile reads a YAML document; its root is a mapping.
func parseFile(name string, lookup func(string) (string, bool)) (value, error) {
	fail := func(line int, what string, mend attendance.Text) (value, error) {
		return value{}, &configError{file: name, line: line, what: what, mend: mend}
	}
	text, err := os.ReadFile(name) //nolint:gosec // the operator names the file
	if err != nil {
		return fail(0, "the configuration file cannot be read: "+reasonOf(err),
			attendance.Text{EN: "give its path with -config FILE", ZH: "请用 -config FILE 指定配置文件"})
	}
	text, line := utf8Text(text)
	if line > 0 {
		return fail(line, "the file is not UTF-8 (it may be GBK or UTF-16)", saveAsUTF8())
	}
	decoder := yaml.NewDecoder(bytes.NewReader(text))
	var root yaml.Node
	if err := decoder.Decode(&root); err != nil && !errors.Is(err, io.EOF) {
		line, what := yamlTrouble(err)
		return fail(line, what, attendance.Text{EN: "mend the YAML (indent with spaces, quote texts with special characters)",
			ZH: "请修正 YAML 语法（用空格缩进，含特殊字符的文本加引号）"})
	}
	if root.Kind != yaml.DocumentNode || len(root.Content) != 1 || root.Content[0].Kind != yaml.MappingNode {
		return fail(1, "the file holds no mapping of keys", attendance.Text{EN: "begin it with keys such as oa: and jobs:", ZH: "文件应由 oa:、jobs: 等键组成"})
	}
	if err := decoder.Decode(new(yaml.Node)); !errors.Is(err, io.EOF) {
		return fail(0, "the file holds more than one YAML document", attendance.Text{EN: "keep one", ZH: "只保留一个文档"})
	}
	return value{root.Content[0], "", &source{name, lookup}}, nil
}

// yamlTrouble takes the line out of the parser's message ("yaml: line 3: ..."). What the
// parser quotes may be a password that begins with * or &.
func yamlTrouble(err error) (int, string) {
	text := oneLine(strings.TrimPrefix(err.Error(), "yaml: "))
	text = regexp.MustCompile(`'[^']{2,}'|"[^"]{2,}"|`+"`[^`]{2,}`").ReplaceAllString(text, "...")
	if m := regexp.MustCompile(`^line (\d+): (.*)$`).FindStringSubmatch(text); m != nil {
		line, _ := strconv.Atoi(m[1])
		return line, "this is not YAML: " + m[2]
	}
	return 0, "this is not YAML: " + text
}

// fail makes the error of this value. The value itself is quoted through raw only.
func (v value) fail(mend attendance.Text, format string, args ...any) error {
	return &configError{file: v.file.name, line: v.node.Line, key: v.key, what: fmt.Sprintf(format, args...), mend: mend}
}

// longestQuoted is how long a value may be that is quoted.
const longestQuoted = 60

// raw is the value as it stands in the file, ${VAR} unexpanded, for messages; not where
// it is or may be a secret.
func (v value) raw() string {
	switch {
	case v.node.Kind != yaml.ScalarNode:
		return "a list or mapping"
	case redact.IsSecretName(v.key), strings.HasSuffix(v.key, "dsn"), strings.ContainsAny(v.node.Value, "@=;") || len(v.node.Value) > longestQuoted:
		return "the value"
	}
	return strconv.Quote(v.node.Value)
}

func (v value) resolve() value {
	for v.node.Kind == yaml.AliasNode {
		v.node = v.node.Alias
	}
	return v
}

func (v value) isNull() bool {
	n := v.resolve().node
	return n.Kind == yaml.ScalarNode && n.Tag == "!!null"
}

func (v value) isScalar() bool { return v.resolve().node.Kind == yaml.ScalarNode }

func (v value) isList() bool { return v.resolve().node.Kind == yaml.SequenceNode }

// fields hands each key of a mapping to its reader, in the order of the file. A
// key without a reader, or a key that stands twice, is an error. A key without a
// value counts as not written, except for those that read a null themselves.
func (v value) fields(readers map[string]func(value) error, takesNull ...string) error {
	v = v.resolve()
	if v.isNull() {
		return nil
	}
	if v.node.Kind != yaml.MappingNode {
		return v.fail(attendance.Text{EN: "write keys below it", ZH: "请在其下写键值"}, "%s is no mapping of keys", v.raw())
	}
	seen := map[string]bool{}
	for i := 0; i+1 < len(v.node.Content); i += 2 {
		name := v.node.Content[i].Value
		child := value{v.node.Content[i+1], name, v.file}
		if v.key != "" {
			child.key = v.key + "." + name
		}
		at := child
		at.node = v.node.Content[i] // complaints about the key itself
		read, known := readers[name]
		if !known {
			return at.fail(nearest(name, readers), "unknown key")
		}
		if seen[name] {
			return at.fail(attendance.Text{EN: "keep one of them", ZH: "请只保留一个"}, "the key stands twice")
		}
		seen[name] = true
		if child.isNull() && !slices.Contains(takesNull, name) {
			continue
		}
		if err := read(child); err != nil {
			return err
		}
	}
	return nil
}

// items hands each item of a list to read.
func (v value) items(read func(value) error) error {
	v = v.resolve()
	if v.node.Kind != yaml.SequenceNode {
		return v.fail(attendance.Text{EN: "write a list, as [1, 2]", ZH: "请写成列表，如 [1, 2]"}, "%s is no list", v.raw())
	}
	for i, n := range v.node.Content {
		if err := read(value{n, fmt.Sprintf("%s[%d]", v.key, i), v.file}); err != nil {
			return err
		}
	}
	return nil
}

// text is a scalar, ${VAR} expanded and surrounding space taken off. Numbers and
// words such as true are taken as they are written.
func (v value) text() (string, error) {
	v = v.resolve()
	if v.node.Kind != yaml.ScalarNode {
		return "", v.fail(attendance.Text{EN: "write one text", ZH: "请写成单个文本"}, "%s stands where a text belongs", v.raw())
	}
	if v.node.Tag == "!!null" {
		return "", nil
	}
	s, err := v.expand(v.node.Value)
	return strings.TrimSpace(s), err
}

// exactInto reads a password: as it is, with the blanks around it.
func (v value) exactInto(p *string) error {
	if _, err := v.text(); err != nil || v.isNull() {
		return err
	}
	s, err := v.expand(v.resolve().node.Value)
	*p = strings.TrimRight(s, "\r\n")
	return err
}

// expand replaces ${VAR} by the environment's value and ${file:PATH} by a file's text;
// $${ stands for ${ itself.
func (v value) expand(s string) (string, error) {
	var b strings.Builder
	for {
		before, after, found := strings.Cut(s, "${")
		if !found {
			b.WriteString(s)
			return b.String(), nil
		}
		if escaped, ok := strings.CutSuffix(before, "$"); ok {
			b.WriteString(escaped + "${")
			s = after
			continue
		}
		b.WriteString(before)
		name, rest, closed := strings.Cut(after, "}")
		if !closed || name == "" {
			return "", v.fail(attendance.Text{EN: "write ${NAME} or ${file:PATH}", ZH: "请写成 ${NAME} 或 ${file:路径}"}, "a ${ is not closed or names nothing")
		}
		if path, is := strings.CutPrefix(name, "file:"); is {
			text, err := v.fromFile(path)
			if err != nil {
				return "", err
			}
			b.WriteString(text)
			s = rest
			continue
		}
		got, set := v.file.lookup(name)
		if !set && !regexp.MustCompile(`^[A-Za-z_][A-Za-z0-9_]*$`).MatchString(name) {
			return "", v.fail(attendance.Text{EN: "write ${NAME} or ${file:PATH}; $${ stands for ${ itself", ZH: "请写成 ${NAME} 或 ${file:路径}；$${ 表示 ${ 本身"}, "what stands between ${ and } is no name of a variable")
		}
		if !set {
			return "", v.fail(attendance.Text{EN: "set it, or write the value here", ZH: "请设置该环境变量，或直接写值"}, "the environment variable %s is not set", name)
		}
		b.WriteString(got)
		s = rest
	}
}

func (v value) textInto(p *string) error {
	s, err := v.text()
	if err == nil {
		*p = s
	}
	return err
}

// word reads one of the given words.
func (v value) word(p *string, words ...string) error {
	s, err := v.text()
	if err != nil {
		return err
	}
	if !slices.Contains(words, s) {
		list := strings.Join(words, ", ")
		return v.fail(attendance.Text{EN: "write one of " + list, ZH: "请写其中之一"}, "%s is none of its values", v.raw())
	}
	*p = s
	return nil
}

func (v value) boolean(p *bool) error {
	var s string
	if err := v.word(&s, "true", "false"); err != nil {
		return err
	}
	*p = s == "true"
	return nil
}

// number reads a whole number from low to high.
func (v value) number(p *int, low, high int) error {
	s, err := v.text()
	if err != nil {
		return err
	}
	n, err := strconv.Atoi(s)
	if err != nil || n < low || n > high {
		return v.fail(attendance.Text{EN: fmt.Sprintf("write a whole number from %d to %d", low, high), ZH: "请写该范围内的整数"}, "%s does not fit", v.raw())
	}
	*p = n
	return nil
}

// ids reads a list of positive whole numbers.
func (v value) ids(p *[]int64) error {
	var list []int64
	err := v.items(func(item value) error {
		s, err := item.text()
		if err != nil {
			return err
		}
		id, err := strconv.ParseInt(s, 10, 64)
		if err != nil || id <= 0 {
			return item.fail(attendance.Text{EN: "write ids of the OA, as [11, 12]", ZH: "请写 OA 的编号，如 [11, 12]"}, "%s is no id", item.raw())
		}
		list = append(list, id)
		return nil
	})
	*p = list
	return err
}

// nearest proposes the known key that an unknown one was probably meant to be.
func nearest(name string, readers map[string]func(value) error) attendance.Text {
	best, distance := "", 3
	for key := range readers {
		if d := editDistance(strings.ToLower(name), key); d < distance || d == distance && key < best {
			best, distance = key, d
		}
	}
	if best != "" {
		return attendance.Text{EN: "did you mean " + best + "? else remove it", ZH: "是否应为 " + best + "？否则请删除"}
	}
	return attendance.Text{EN: "remove it or correct its spelling and indentation", ZH: "请删除，或检查拼写与缩进"}
}

// editDistance is the number of letters to insert, delete or change.
func editDistance(a, b string) int {
	row := make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := range len(a) {
		diagonal := row[0]
		row[0] = i + 1
		for j := range len(b) {
			change := diagonal
			if a[i] != b[j] {
				change++
			}
			diagonal = row[j+1]
			row[j+1] = min(change, row[j]+1, diagonal+1)
		}
	}
	return row[len(b)]
}
