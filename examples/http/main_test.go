package main

import (
	"bytes"
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/punchbridge/punchbridge/scheduler"
)

const printed = `GET /       200 the host's own page
POST /sync  202
POST /sync  409 scheduler: job "hq": it is running
GET /sync   200 running true, runs 1
GET /sync   200 running false, runs 1
stopped; 20 punches in the OA
`

func TestRun(t *testing.T) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	var out bytes.Buffer
	require.NoError(t, run(t.Context(), &out, listener, &http.Client{Transport: &http.Transport{DisableKeepAlives: true}}))
	require.Equal(t, printed, out.String())
}

func TestRunInVirtualTime(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := newPipe()
		var out bytes.Buffer
		require.NoError(t, run(t.Context(), &out, p, p.client()))
		require.Equal(t, printed, out.String())
	})
}

func TestTheRoutes(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, stop := context.WithCancel(t.Context())
		hold := make(chan error)
		h := &trigger{job: "hq"}
		var err error
		h.scheduler, err = scheduler.New(&scheduler.Options{Observe: h.observe}, scheduler.Job{Name: "hq", Run: func(context.Context) error { return <-hold }})
		require.NoError(t, err)
		mux := http.NewServeMux()
		h.register(mux)
		call := func(method string) (int, string) {
			answer := httptest.NewRecorder()
			mux.ServeHTTP(answer, httptest.NewRequestWithContext(t.Context(), method, "/sync", nil))
			return answer.Code, answer.Body.String()
		}
		code := func(method string) int { c, _ := call(method); return c }

		require.Equal(t, http.StatusServiceUnavailable, code("POST"), "the scheduler has not begun")
		_, body := call("GET")
		require.JSONEq(t, `{"running":false,"runs":0}`, body)
		done := make(chan error, 1)
		go func() { done <- h.scheduler.Run(ctx) }()
		synctest.Wait()

		require.Equal(t, http.StatusAccepted, code("POST"))
		synctest.Wait()
		require.Equal(t, http.StatusConflict, code("POST"))
		_, body = call("GET")
		require.JSONEq(t, `{"running":true,"runs":1,"began":"2000-01-01T00:00:00Z"}`, body)
		hold <- errors.New("no network")
		synctest.Wait()
		_, body = call("GET")
		require.JSONEq(t, `{"running":false,"runs":1,"began":"2000-01-01T00:00:00Z","took":"0s","error":"no network"}`, body)
		require.Equal(t, http.StatusAccepted, code("POST"), "a failure is no obstacle")
		require.Equal(t, http.StatusMethodNotAllowed, code("PUT"))
		stop()
		synctest.Wait()
		require.Equal(t, http.StatusServiceUnavailable, code("POST"), "the host is stopping")
		hold <- nil
		require.NoError(t, <-done)
	})
}

// When the host stops, a request and a run that go on are ended in peace.
func TestShutdown(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, stop := context.WithCancel(t.Context())
		p := newPipe()
		ran := false
		s, err := scheduler.New(nil, scheduler.Job{Name: "hq", Run: func(ctx context.Context) error {
			time.Sleep(15 * time.Second)
			ran = ctx.Err() == nil
			return nil
		}})
		require.NoError(t, err)
		mux := http.NewServeMux()
		mux.HandleFunc("GET /slow", func(w http.ResponseWriter, _ *http.Request) {
			require.NoError(t, s.Trigger("hq"))
			time.Sleep(5 * time.Second)
			_, _ = io.WriteString(w, "answered")
		})
		served := make(chan error, 1)
		go func() { served <- serve(ctx, p, mux, s) }()
		go func() {
			time.Sleep(time.Second)
			stop()
		}()
		request, err := http.NewRequestWithContext(t.Context(), http.MethodGet, "http://host/slow", nil)
		require.NoError(t, err)
		answer, err := p.client().Do(request)
		require.NoError(t, err)
		body, err := io.ReadAll(answer.Body)
		require.NoError(t, err)
		require.NoError(t, answer.Body.Close())
		require.Equal(t, "answered", string(body))
		require.NoError(t, <-served)
		require.True(t, ran)
	})
}

func TestServeTellsThatItCannot(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, err := scheduler.New(nil)
		require.NoError(t, err)
		p := newPipe()
		require.NoError(t, p.Close())
		require.Error(t, serve(t.Context(), p, http.NewServeMux(), s))
	})
}
