// Command cron has a job started by github.com/robfig/cron, and shows how a cron
// expression is used in our own scheduler.
//
//	go run ./examples/cron
//
// The company is made up, see examples/internal/company. Times are every second here, so
// that the program ends soon; beside them stands what a site would write.
package main

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"os"
	"time"

	"github.com/robfig/cron/v3"

	"github.com/punchbridge/punchbridge/examples/internal/company"
	"github.com/punchbridge/punchbridge/scheduler"
)

func main() {
	logger := slog.New(slog.NewTextHandler(os.Stderr, nil))
	if err := run(context.Background(), os.Stdout, logger, "@every 1s", "@every 1s"); err != nil {
		fmt.Fprintln(os.Stderr, "cron:", err)
		os.Exit(1)
	}
}

// run shows both ways; each ends after two runs.
func run(ctx context.Context, out io.Writer, logger *slog.Logger, nightly, workdays string) error {
	c, err := company.New(ctx, time.Now) //nolint:forbidigo // the host is where the real clock comes in
	if err != nil {
		return err
	}
	defer c.Close()

	fmt.Fprintln(out, "robfig/cron:")
	first, ended := twice(ctx, out, c)
	if err := underCron(first, logger, nightly, c.Zone, ended); err != nil { // "30 23 * * *"
		return err
	}
	fmt.Fprintln(out, "our scheduler, with a cron expression:")
	second, ended := twice(ctx, out, c)
	return inScheduler(second, logger, workdays, c.Zone, ended) // "*/30 8-20 * * MON-FRI"
}

// underCron runs the job until ctx ends.
func underCron(ctx context.Context, logger *slog.Logger, expression string, shanghai *time.Location, sync func(context.Context) error) error {
	// docs: cron
	errorLog := cron.PrintfLogger(slog.NewLogLogger(logger.Handler(), slog.LevelError))
	c := cron.New(
		cron.WithLocation(shanghai), // else the machine's zone
		cron.WithChain(cron.SkipIfStillRunning(errorLog), cron.Recover(errorLog))) // in this order
	_, err := c.AddFunc(expression, func() { // "30 23 * * *"
		if err := sync(ctx); err != nil {
			logger.Error("sync failed", "error", err)
		}
	})
	if err != nil {
		return err
	}
	c.Start()
	<-ctx.Done()      // the host stops: ctx ends the run that goes on, ...
	<-c.Stop().Done() // ... which is waited for
	return nil
	// docs: end
}

// inScheduler does so by our own scheduler.
func inScheduler(ctx context.Context, logger *slog.Logger, expression string, shanghai *time.Location, sync func(context.Context) error) error {
	// docs: expression
	schedule, err := cron.ParseStandard(expression) // "*/30 8-20 * * MON-FRI"
	if err != nil {
		return err
	}
	return scheduler.Run(ctx, &scheduler.Options{Logger: logger},
		scheduler.Job{Name: "hq", Schedule: scheduler.In(shanghai, schedule), Run: sync})
	// docs: end
}

// twice is the company's job, telling what the OA holds then, and a context that ends
// after its second run.
func twice(ctx context.Context, out io.Writer, c *company.Company) (context.Context, func(context.Context) error) {
	ctx, stop := context.WithCancel(ctx)
	runs := 0
	return ctx, func(ctx context.Context) error {
		err := c.Sync(ctx)
		rows, countErr := c.Rows(ctx)
		if runs++; runs == 2 {
			stop()
		}
		if runs > 2 || countErr != nil {
			return countErr
		}
		fmt.Fprintf(out, "  run %d: %d punches in the OA\n", runs, rows)
		return err
	}
}
