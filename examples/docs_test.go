// Package examples proves that the pages about the examples say what the examples do.
package examples

import (
	"os"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// A snippet is a block of a page, and where the comment above it says it comes from.
type snippet struct{ file, region, text string }

func snippets(t *testing.T, page string) (all []snippet) {
	t.Helper()
	text, err := os.ReadFile(page)
	require.NoError(t, err)
	block := regexp.MustCompile("(?s)(?:<!-- (\\S+): (\\w+) -->\n)?```(\\w+)\n(.*?)```")
	for _, found := range block.FindAllStringSubmatch(string(text), -1) {
		require.LessOrEqual(t, strings.Count(found[4], "\n"), 20, "%s: a runtime is shown in at most 20 lines:\n%s", page, found[4])
		if found[3] != "sh" {
			require.NotEmpty(t, found[1], "%s: a block without the file that it comes from:\n%s", page, found[4])
		}
		all = append(all, snippet{found[1], found[2], found[4]})
	}
	return all
}

// region is what stands between "docs: NAME" and "docs: end" in a file, without the
// indentation of its first line.
func region(t *testing.T, file, name string) string {
	t.Helper()
	text, err := os.ReadFile(strings.Replace(file, "examples/", "./", 1))
	require.NoError(t, err)
	var b strings.Builder
	inside := false
	indent := ""
	for line := range strings.Lines(strings.ReplaceAll(string(text), "\r\n", "\n")) {
		switch mark := strings.TrimSpace(line); {
		case strings.HasSuffix(mark, " docs: "+name):
			inside = true
		case inside && strings.HasSuffix(mark, " docs: end"):
			return b.String()
		case inside:
			if b.Len() == 0 {
				indent = line[:len(line)-len(strings.TrimLeft(line, " \t"))]
			}
			b.WriteString(strings.TrimPrefix(line, indent))
		}
	}
	t.Fatalf("%s has no region %q", file, name)
	return ""
}

func TestRuntimes(t *testing.T) {
	english, chinese := snippets(t, "../docs/runtimes.md"), snippets(t, "../docs/runtimes.zh-CN.md")
	require.Equal(t, english, chinese, "the pages show the same")
	require.Len(t, english, 14)
	for _, s := range english {
		if s.file != "" {
			require.Equal(t, region(t, s.file, s.region), s.text, s.file)
		}
	}
}
