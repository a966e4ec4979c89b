package main

import (
	"encoding/json"
	"errors"
	"net/http"
	"sync"
	"time"

	"github.com/punchbridge/punchbridge/scheduler"
)

// A trigger lets HTTP start a job, and tells how its last run went.
type trigger struct {
	scheduler *scheduler.Scheduler
	job       string

	mu   sync.Mutex
	last status
}

// status is what GET answers.
type status struct {
	Running bool      `json:"running"`
	Runs    int       `json:"runs"`
	Began   time.Time `json:"began,omitzero"`
	Took    string    `json:"took,omitempty"`
	Error   string    `json:"error,omitempty"`
}

// register adds the two routes to the routes of the host. Whoever may call POST may
// spend the platform's calls: put it behind what guards the host's other routes.
func (t *trigger) register(mux *http.ServeMux) {
	// docs: http
	mux.HandleFunc("POST /sync", func(w http.ResponseWriter, _ *http.Request) {
		switch err := t.scheduler.Trigger(t.job); {
		case err == nil:
			w.WriteHeader(http.StatusAccepted) // the run outlives the request
		case errors.Is(err, scheduler.ErrRunning):
			http.Error(w, err.Error(), http.StatusConflict)
		default: // the host is stopping
			http.Error(w, err.Error(), http.StatusServiceUnavailable)
		}
	})
	// docs: end
	mux.HandleFunc("GET /sync", func(w http.ResponseWriter, _ *http.Request) {
		t.mu.Lock()
		last := t.last
		t.mu.Unlock()
		w.Header().Set("Content-Type", "application/json")
		_ = json.NewEncoder(w).Encode(last)
	})
}

// observe is told by the scheduler what happens.
func (t *trigger) observe(e scheduler.Event) {
	t.mu.Lock()
	defer t.mu.Unlock()
	switch e.Kind {
	case scheduler.Started:
		t.last = status{Running: true, Runs: t.last.Runs + 1, Began: e.At}
	case scheduler.Ended:
		t.last.Running, t.last.Took = false, e.Took.Round(time.Millisecond).String()
		if e.Err != nil {
			t.last.Error = e.Err.Error()
		}
	}
}
