// Command http adds a trigger to an existing net/http service: POST /sync starts a run,
// GET /sync tells how the last one went, a second run beside the first is refused.
//
//	go run ./examples/http
//
// The company is made up, see examples/internal/company. The program calls itself, shows
// the answers, and ends. trigger.go and server.go are what a host would take over.
package main

import (
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"time"

	"github.com/punchbridge/punchbridge/examples/internal/company"
	"github.com/punchbridge/punchbridge/scheduler"
)

func main() {
	listener, err := (&net.ListenConfig{}).Listen(context.Background(), "tcp", "127.0.0.1:0")
	if err == nil {
		err = run(context.Background(), os.Stdout, listener, &http.Client{})
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "http:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, out io.Writer, listener net.Listener, client *http.Client) error {
	c, err := company.New(ctx, time.Now) //nolint:forbidigo // the host is where the real clock comes in
	if err != nil {
		return err
	}
	defer c.Close()

	// The job waits for the visitor below, so that its second call comes during the run.
	begun, seen, ended := make(chan struct{}), make(chan struct{}), make(chan struct{})
	sync := func(ctx context.Context) error {
		close(begun)
		select {
		case <-seen:
		case <-ctx.Done():
		}
		return c.Sync(ctx)
	}

	// The host: its scheduler (add a Schedule, and the job runs by itself too), ...
	t := &trigger{job: "hq"}
	t.scheduler, err = scheduler.New(&scheduler.Options{Observe: func(e scheduler.Event) {
		if t.observe(e); e.Kind == scheduler.Ended {
			close(ended)
		}
	}}, scheduler.Job{Name: t.job, Run: sync})
	if err != nil {
		return err
	}
	// ... its routes, and its server.
	mux := http.NewServeMux()
	mux.HandleFunc("GET /{$}", func(w http.ResponseWriter, _ *http.Request) { fmt.Fprintln(w, "the host's own page") })
	t.register(mux)
	ctx, stop := context.WithCancel(ctx)
	served := make(chan error, 1)
	go func() { served <- serve(ctx, listener, mux, t.scheduler) }()

	v := &visitor{out, client, "http://" + listener.Addr().String()}
	err = v.visit(ctx, func() { <-begun }, func() { close(seen); <-ended })
	stop() // as SIGTERM would
	if served := <-served; err == nil {
		err = served
	}
	if err != nil {
		return err
	}
	rows, err := c.Rows(context.WithoutCancel(ctx))
	fmt.Fprintf(out, "stopped; %d punches in the OA\n", rows)
	return err
}
