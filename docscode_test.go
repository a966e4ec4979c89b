package punchbridge_test

import (
	"encoding/json"
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// A page is a document with Go code, and what its blocks take for granted, one after the
// other: declarations. The pages about runtimes are compared with the examples instead.
type page struct {
	name  string
	given []string
}

func pages() []page {
	readme := []string{
		"var ctx context.Context; var db *bun.DB; var key, secret string; var from, to attendance.Date; var shanghai *time.Location",
		"var ctx context.Context; var oa *oasink.Sink; var corp, secret, contact string; var shanghai *time.Location",
		"var ctx context.Context; var stateDB *bun.DB; var oa *oasink.Sink; var staff attendance.Scope; var key, secret string; var shanghai *time.Location",
		"var ctx context.Context; var syncer *attendance.Syncer; var staff attendance.Scope; var state *sqlstore.Store; var shanghai *time.Location",
		`type (Moment = attendance.Moment; Span = attendance.Span; Member = attendance.Member; Limits = attendance.Limits; Query = attendance.Query
			Answer = attendance.Answer; Batch = attendance.Batch; Written = attendance.Written)
		var (_ attendance.Window = Window(nil); _ attendance.Scope = Scope(nil); _ attendance.Provider = Provider(nil); _ attendance.Sink = Sink(nil))
		var (_ Window = attendance.Window(nil); _ Scope = attendance.Scope(nil); _ Provider = attendance.Provider(nil); _ Sink = attendance.Sink(nil))`,
	}
	return []page{
		{"README.md", readme}, {"README.zh-CN.md", readme},
		{"docs/writing-a-provider.md", []string{"func newFakeAcme(testing.TB) providertest.Upstream { return nil }; var _ attendance.Provider = (*Punches)(nil)"}},
		{"docs/writing-a-sink.md", []string{`func newTarget(testing.TB) sinktest.Target { return nil }; var _ attendance.Sink = (*Table)(nil)
			func (*Table) addWhatLacks(context.Context, attendance.Batch) (attendance.Written, error) { return attendance.Written{}, nil }`}},
		{"docs/writing-a-store.md", []string{`func newTable(testing.TB) attendance.Store { return nil }
			func (*Table) apply(context.Context, attendance.Stream, []attendance.Change) error { return nil }`}},
	}
}

// What the documents show is what the packages take.
func TestTheCodeOfTheDocumentsCompiles(t *testing.T) {
	here, err := os.Getwd()
	require.NoError(t, err)
	overlay := make(map[string]string) // packages that are nowhere but in the compiler's eyes
	args := []string{"build", "-overlay", filepath.Join(t.TempDir(), "overlay.json")}
	for _, p := range pages() {
		blocks := regexp.MustCompile("(?s)```go\n(.*?)```").FindAllStringSubmatch(strings.ReplaceAll(document(t, p.name), "\r\n", "\n"), -1)
		require.Len(t, blocks, len(p.given), "%s: say above what each block of code takes for granted", p.name)
		for i, block := range blocks {
			source := filepath.Join(t.TempDir(), "block.go")
			require.NoError(t, os.WriteFile(source, []byte(compilable(t, block[1], p.given[i])), 0o600))
			name := fmt.Sprintf("docs/code/%s/%d", strings.NewReplacer("/", "-", ".", "-").Replace(p.name), i+1)
			overlay[filepath.Join(here, filepath.FromSlash(name), "block.go")] = source
			args = append(args, "./"+name)
		}
	}
	text, err := json.Marshal(map[string]any{"Replace": overlay})
	require.NoError(t, err)
	require.NoError(t, os.WriteFile(args[2], text, 0o600))
	out, err := exec.Command("go", args...).CombinedOutput()
	require.NoError(t, err, "%s", out)
}

// importPaths are the packages that the documents name.
func importPaths() map[string]string {
	const root = "github.com/punchbridge/punchbridge/"
	return map[string]string{
		"context": "context", "fmt": "fmt", "http": "net/http", "iter": "iter", "sql": "database/sql", "testing": "testing", "time": "time", "bun": "github.com/uptrace/bun",
		"attendance": root + "attendance", "sinktest": root + "attendance/sinktest", "sqlstore": root + "attendance/sqlstore", "storetest": root + "attendance/storetest",
		"dingtalk": root + "dingtalk", "oasink": root + "oasink", "provider": root + "provider", "providertest": root + "provider/providertest", "scheduler": root + "scheduler", "wecom": root + "wecom",
	}
}

// compilable makes a file of a block: of declarations as they are, of statements within a
// function that uses all their variables.
func compilable(t *testing.T, code, given string) string {
	t.Helper()
	file := "package block\n"
	for _, name := range slices.Sorted(maps.Keys(importPaths())) {
		if regexp.MustCompile(`\b` + name + `\.[A-Z]`).MatchString(code + given) {
			file += fmt.Sprintf("import %s %q\n", name, importPaths()[name])
		}
	}
	file += given + "\n"
	if _, err := parser.ParseFile(token.NewFileSet(), "", "package block\n"+code, 0); err == nil {
		return file + code
	}
	body := "func _() error {\n" + code
	parsed, err := parser.ParseFile(token.NewFileSet(), "", "package block\n"+body+"return nil\n}", 0)
	require.NoError(t, err, "the code of a document can be read: %s", code)
	for _, statement := range parsed.Decls[0].(*ast.FuncDecl).Body.List {
		if a, ok := statement.(*ast.AssignStmt); ok && a.Tok == token.DEFINE {
			for _, name := range a.Lhs {
				body += "_ = " + name.(*ast.Ident).Name + "\n"
			}
		}
	}
	return file + body + "return nil\n}\n"
}
