package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"log"
	"log/slog"
	"net/http"
	"os"
	"os/signal"
	"sync"
	"sync/atomic"
	"syscall"
	"time"
	_ "time/tzdata" // sites on Windows or in bare containers have no zone files

	"github.com/uptrace/bun"

	"github.com/punchbridge/punchbridge/attendance"
	"github.com/punchbridge/punchbridge/attendance/redact"
)

// The exit codes.
const (
	exitDone     = 0
	exitPartial  = 1
	exitUsage    = 2
	exitRefused  = 3
	stopDeadline = 8 * time.Second
)

func main() {
	if code, is := asService(); is {
		os.Exit(code)
	}
	log.SetOutput(io.Discard) //nolint:forbidigo // drivers and their dialects write there in words of their own, the dsn's among them
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	p := &program{out: os.Stdout, err: os.Stderr, lookup: os.LookupEnv, terminal: isTerminal(os.Stderr)}
	// What is in flight ends by itself within moments; this is for a database or
	// disk that hangs. A transaction that is not committed then is rolled back by
	// whoever opens the database next.
	context.AfterFunc(ctx, func() {
		time.AfterFunc(stopDeadline, func() {
			fmt.Fprintln(os.Stderr, hanging)
			if p.serving.Load() {
				os.Exit(exitDone)
			}
			os.Exit(exitPartial)
		})
	})
	os.Exit(p.main(ctx, os.Args[1:]))
}

// hanging is said when the program was to stop and does not come to its end.
const hanging = "bridge: stopped while the database hangs; the next run completes it"

func isTerminal(f *os.File) bool {
	info, err := f.Stat()
	return err == nil && info.Mode()&os.ModeCharDevice != 0
}

// program is one call of bridge.
type program struct {
	out, err io.Writer
	lookup   func(string) (string, bool)
	terminal bool // err is one: show progress

	command  command
	config   *config
	logger   *slog.Logger
	secrets  *redact.Secrets // of the config; blanked in all that is printed, kept and posted
	kept     int             // messages of the state that held a password, not told yet
	keptTold bool            // they were told of by this command

	serving     atomic.Bool   // SIGTERM is how it ends
	hookTimeout time.Duration // of one call of a recalculate_url; 0: the library's
	// How many days may wait for the OA, and how long they are waited for; 0: the library's.
	backlog         int
	backlogPatience time.Duration

	state     attendance.Store // nil until it is needed, and where there is none
	stateDB   *bun.DB
	opening   sync.Mutex // held while one of these is made
	making    sync.Once
	http      *http.Client // see client
	platforms map[*providerConfig]platform
	databases map[*oaConfig]*bun.DB
}

// now is the time that -now gave, else the real one.
func (p *program) now() time.Time {
	if p.command.now != nil {
		return p.command.now()
	}
	return time.Now() //nolint:forbidigo // the host is where the real clock comes in
}

func (p *program) main(ctx context.Context, args []string) int {
	p.logger = slog.New(slog.NewTextHandler(p.err, &slog.HandlerOptions{Level: slog.LevelWarn}))
	var err error
	if p.command, err = parseCommand(args); errors.Is(err, flag.ErrHelp) {
		fmt.Fprint(p.out, usage)
		return exitDone
	} else if err != nil {
		return p.misused(err)
	}
	if p.command.log != "" {
		file, err := openLog(p.command.log)
		if err != nil {
			return p.misused(logTrouble(p.command.log, err))
		}
		defer file.Close()
		p.out, p.err, p.terminal = file, file, false
		p.logger = slog.New(slog.NewTextHandler(p.err, &slog.HandlerOptions{Level: slog.LevelWarn}))
	}
	if p.command.name == "version" {
		return p.version()
	}
	if p.config, err = readConfig(p.command.config, p.lookup); err != nil {
		return p.misused(err)
	}
	p.secrets = p.config.secrets(p.lookup)
	p.out, p.err = blanker{p.out, p.secrets}, blanker{p.err, p.secrets}
	p.logger = slog.New(slog.NewTextHandler(p.err, &slog.HandlerOptions{Level: slog.LevelWarn}))
	code := p.dispatch(ctx)
	p.forgetKept(ctx)
	return code
}

// dispatch does what the command line asks for.
func (p *program) dispatch(ctx context.Context) int {
	switch p.command.name {
	case "check":
		return p.check(ctx)
	case "run":
		return p.run(ctx)
	case "undo":
		return p.undo(ctx)
	case "serve":
		return p.serve(ctx)
	case "preview":
		return p.preview(ctx)
	case "reconcile":
		return p.reconcile(ctx)
	case "bindings":
		return p.bindings(ctx)
	case "changes":
		return p.changes(ctx)
	case "history":
		return p.history(ctx)
	case "explain":
		return p.explain(ctx)
	case "jobs":
		return p.jobs(ctx)
	case "notify-test":
		return p.notifyTest(ctx)
	default:
		return p.backfill(ctx)
	}
}

// misused reports an error of the command line or the file: one line, nothing
// was touched.
func (p *program) misused(err error) int {
	fmt.Fprintln(p.err, "bridge: "+oneLine(err.Error()))
	if p.command.json {
		p.print(map[string]any{"error": trouble{"config", oneLine(err.Error()), ""}})
	}
	return exitUsage
}

// exitCode judges what an error means to whoever started the program.
func exitCode(err error) int { return runExit(attendance.Report{}, err) }
