// Command daily has our own scheduler start a job, in a host that has none: each
// scheduled time is run once, over restarts and over any number of processes.
//
//	go run ./examples/daily
//
// The company is made up, see examples/internal/company. The program ends after the
// first run, which makes up for a time that passed while it was not running.
package main

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"os"
	"time"

	"github.com/uptrace/bun"

	"github.com/punchbridge/punchbridge/attendance/sqlstore"
	"github.com/punchbridge/punchbridge/examples/internal/company"
	"github.com/punchbridge/punchbridge/scheduler"
)

func main() {
	if err := run(context.Background(), os.Stdout); err != nil {
		fmt.Fprintln(os.Stderr, "daily:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, out io.Writer) error {
	c, err := company.New(ctx, time.Now) //nolint:forbidigo // the host is where the real clock comes in
	if err != nil {
		return err
	}
	defer c.Close()
	// As if the program had been stopped two days ago.
	store, err := sqlstore.New(ctx, c.DB(), nil)
	if err != nil {
		return err
	}
	if _, err := store.Tick(ctx, "hq", time.Now().Add(-48*time.Hour), "the last process"); err != nil { //nolint:forbidigo // as above
		return err
	}

	ctx, stop := context.WithCancel(ctx)
	return serve(ctx, slog.New(slog.DiscardHandler), c.DB(), c.Zone, func(ctx context.Context) error {
		defer stop() // a real program goes on until SIGTERM
		err := c.Sync(ctx)
		rows, countErr := c.Rows(ctx)
		if err == nil {
			err = countErr
		}
		fmt.Fprintf(out, "a missed time is made up for: %d punches in the OA\n", rows)
		return err
	})
}

// serve runs the job at its times until ctx ends.
func serve(ctx context.Context, logger *slog.Logger, db *bun.DB, shanghai *time.Location, sync func(context.Context) error) error {
	// docs: scheduler
	store, err := sqlstore.New(ctx, db, nil) // any bun database, such as the OA's
	if err != nil {
		return err
	}
	return scheduler.Run(ctx, // blocks until ctx ends and the last run has returned
		&scheduler.Options{Ticks: store, Leases: store, Logger: logger},
		scheduler.Job{
			Name:      "hq",
			Schedule:  scheduler.AnyOf(scheduler.Daily(12, 30, shanghai), scheduler.Daily(23, 30, shanghai)),
			Run:       sync,
			TimeLimit: 2 * time.Hour,
		})
	// docs: end
}
