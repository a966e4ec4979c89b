package main

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"strings"
)

// A visitor calls the service and prints its answers.
type visitor struct {
	out    io.Writer
	client *http.Client
	url    string
}

// visit starts a run, tries a second one, and looks again once the first has ended.
func (v *visitor) visit(ctx context.Context, untilBegun, untilEnded func()) error {
	steps := []struct {
		call string
		wait func()
	}{{"GET /", nil}, {"POST /sync", untilBegun}, {"POST /sync", nil}, {"GET /sync", untilEnded}, {"GET /sync", nil}}
	for _, step := range steps {
		status, line, err := v.call(ctx, step.call)
		for err == nil && status == http.StatusServiceUnavailable { // the scheduler is about to begin
			status, line, err = v.call(ctx, step.call)
		}
		if err != nil {
			return err
		}
		fmt.Fprintln(v.out, line)
		if step.wait != nil {
			step.wait()
		}
	}
	return nil
}

// call makes a call; the line says what was answered.
func (v *visitor) call(ctx context.Context, call string) (code int, line string, err error) {
	method, path, _ := strings.Cut(call, " ")
	request, err := http.NewRequestWithContext(ctx, method, v.url+path, nil)
	if err != nil {
		return 0, "", err
	}
	answer, err := v.client.Do(request)
	if err != nil {
		return 0, "", err
	}
	defer answer.Body.Close()
	body, err := io.ReadAll(answer.Body)
	if err != nil {
		return 0, "", err
	}
	text := strings.TrimSpace(string(body))
	if answer.Header.Get("Content-Type") == "application/json" {
		var s status
		if err := json.Unmarshal(body, &s); err != nil {
			return 0, "", err
		}
		text = fmt.Sprintf("running %v, runs %d", s.Running, s.Runs)
	}
	return answer.StatusCode, strings.TrimSpace(fmt.Sprintf("%-10s  %d %s", call, answer.StatusCode, text)), nil
}
