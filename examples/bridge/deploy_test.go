package main

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// exampleConfig is bridge.example.yaml with secrets in it.
func exampleConfig(t *testing.T) string {
	t.Helper()
	text, err := os.ReadFile("bridge.example.yaml")
	require.NoError(t, err)
	return regexp.MustCompile(`\$\{\w+\}`).ReplaceAllString(string(text), "secret")
}

// validConfig reads a configuration as the program does.
func validConfig(t *testing.T, text string) *config {
	t.Helper()
	file := filepath.Join(t.TempDir(), "bridge.yaml")
	require.NoError(t, os.WriteFile(file, []byte(text), 0o600))
	c, err := readConfig(file, func(string) (string, bool) { return "secret", true })
	require.NoError(t, err)
	return c
}

// validCommand parses a command line of a manifest as the program does.
func validCommand(t *testing.T, args []string) command {
	t.Helper()
	c, err := parseCommand(args)
	require.NoError(t, err, strings.Join(args, " "))
	return c
}
