package main

import (
	"context"
	"errors"
	"net"
	"net/http"
	"sync"
	"time"

	"github.com/punchbridge/punchbridge/scheduler"
)

// serve is the host's own server until ctx ends: then no request is taken any more, those
// that go on are answered, and a run that goes on has the scheduler's Drain to end.
func serve(ctx context.Context, listener net.Listener, handler http.Handler, s *scheduler.Scheduler) error {
	// docs: shutdown
	server := &http.Server{Handler: handler, ReadHeaderTimeout: 10 * time.Second}
	var group sync.WaitGroup
	defer group.Wait()
	ctx, stop := context.WithCancel(ctx)
	defer stop()
	group.Go(func() { _ = s.Run(ctx) }) // jobs without a Schedule wait for their trigger
	group.Go(func() {
		<-ctx.Done()
		last, cancel := context.WithTimeout(context.WithoutCancel(ctx), 10*time.Second)
		defer cancel()
		_ = server.Shutdown(last)
	})
	if err := server.Serve(listener); !errors.Is(err, http.ErrServerClosed) {
		return err
	}
	return nil
	// docs: end
}
