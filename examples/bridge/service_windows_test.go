package main

import (
	"bytes"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"golang.org/x/sys/windows/svc"
)

// runService is the service in the hands of a manager that asks for what it is told to,
// each time once the service is in the state.
func runService(t *testing.T, s *service, asks map[svc.State][]svc.Cmd) (states []svc.State, code uint32) {
	t.Helper()
	requests, status := make(chan svc.ChangeRequest, 8), make(chan svc.Status, 8)
	done := make(chan uint32, 1)
	go func() {
		_, code := s.Execute([]string{"punchbridge"}, requests, status)
		done <- code
	}()
	for {
		select {
		case now := <-status:
			states = append(states, now.State)
			for _, cmd := range asks[now.State] {
				requests <- svc.ChangeRequest{Cmd: cmd}
			}
			delete(asks, now.State)
		case code := <-done:
			return states, code
		case <-time.After(time.Minute):
			t.Fatal("the service hangs")
		}
	}
}

func TestServiceStops(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	file := filepath.Join(dir, "bridge.yaml")
	require.NoError(t, os.WriteFile(file, []byte(exampleConfig(t)), 0o600))
	var out bytes.Buffer
	s := &service{args: []string{"-config", file, "serve"}, lookup: os.LookupEnv, deadline: time.Minute, out: &out}
	states, code := runService(t, s, map[svc.State][]svc.Cmd{svc.Running: {svc.Interrogate, svc.Stop}})
	require.Zero(t, code, out.String())
	require.Equal(t, []svc.State{svc.StartPending, svc.Running, svc.Running, svc.StopPending}, states)
}

func TestServiceTellsThatItCannotBegin(t *testing.T) {
	t.Parallel()
	var out bytes.Buffer
	s := &service{args: []string{"-config", filepath.Join(t.TempDir(), "none.yaml"), "serve"}, lookup: os.LookupEnv, out: &out}
	_, code := runService(t, s, nil)
	require.EqualValues(t, exitUsage, code)
	require.Contains(t, out.String(), "cannot be read")
}
