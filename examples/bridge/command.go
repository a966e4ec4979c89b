package main

import (
	"errors"
	"flag"
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/punchbridge/punchbridge/attendance"
)

const usage = `bridge moves punches (打卡) from DingTalk and WeCom into the OA database of Weaver e-cology.

  bridge [-config FILE] [-json] [-now TIME] COMMAND

  check                  can it work? credentials, rights, database, columns, clock, mapping (自检)
  run JOB                one automatic run, now (自动同步)
  backfill JOB -from 2026-03-01 -to 2026-03-31      any days, both included (初始同步); for this run only:
                         -departments 11,12 -subcompanies 1 -employees 17,18   instead of the job's scope
                         -oa NAME -bound-only=true|false
  jobs                   the jobs: enabled, next run, last result, read up to (任务列表)
  history [JOB]          the sync log (同步日志); -run ID one run, its slices and who was left out; -grep TEXT only lines with it
  preview JOB [-from .. -to ..]      what a run, or a backfill of these days, would write; writes nothing (预览)
  explain JOB -employee X -day 2026-03-02     why is a person's punch of that day not in the OA? X: id, loginid, workcode or name (查因)
  reconcile JOB -from .. -to ..      provider against OA: missing, extra, different, doubled; -csv a table (对账)
  bindings JOB           who is bound, unbound, ambiguous, inactive, as CSV (人员绑定); -bom for Excel
                         -propose -from .. -to ..   who might be which account, from the rows that another bridge wrote
                         (-tag from_dd); to be confirmed by a human, then usable as binding.file
  changes -since 2026-04-03T09:00:00+08:00 [JOB] [-from .. -to ..]     person-days changed in the OA since then; -csv a table (变更清单)
  serve                  all enabled jobs at their times, until SIGTERM (常驻运行)
  notify-test            one message to the address of notify: a document, or a group robot of WeCom or DingTalk (试发通知)
  undo RUN               take back what a run wrote; needs oa.ledger (撤销一次运行)
  version                version, commit and Go version of this program; also -version (版本)

  -config FILE           the YAML file (default bridge.yaml)
  -json                  one JSON document on stdout instead of text
  -log FILE              append to this file what would be printed (a full one becomes FILE.old)
  -now TIME              for tests: take this RFC 3339 time as the current one

Exit codes: 0 all done, 1 something was not done, 2 wrong command line or file, 3 refused by the platform.
`

// A usageError is one fault of the command line.
type usageError string

func (e usageError) Error() string { return string(e) }

func usagef(format string, args ...any) error { return usageError(fmt.Sprintf(format, args...)) }

// command is the command line, read.
type command struct {
	config  string
	json    bool
	log     string           // "": stdout and stderr
	now     func() time.Time // nil: the real clock
	name    string
	job     string
	undone  string // the run to be undone
	run     string // the run of the sync log to be shown
	grep    string
	csv     bool
	bom     bool      // of a table
	propose bool      // bindings, from old rows
	tag     string    // of those rows
	since   time.Time // of changes
	explained
	backfill
}

// backfill holds what only that command has.
type backfill struct {
	from, to     attendance.Date
	subcompanies []int64
	departments  []int64
	employees    []int64
	oa           string
	boundOnly    *bool
}

// rescoped reports whether the job's scope is replaced.
func (b backfill) rescoped() bool {
	return len(b.subcompanies)+len(b.departments)+len(b.employees) > 0
}

// parseCommand reads the command line. flag.ErrHelp asks for the usage text.
func parseCommand(args []string) (command, error) {
	c := command{config: "bridge.yaml"}
	flags := flag.NewFlagSet("bridge", flag.ContinueOnError)
	flags.SetOutput(io.Discard)
	flags.StringVar(&c.config, "config", c.config, "")
	flags.BoolVar(&c.json, "json", false, "")
	flags.StringVar(&c.log, "log", "", "")
	version := flags.Bool("version", false, "")
	flags.Func("now", "", func(s string) error {
		t, err := time.Parse(time.RFC3339, s)
		if err != nil {
			return errors.New("write RFC 3339, as 2026-03-02T18:30:00+08:00")
		}
		c.now = func() time.Time { return t }
		return nil
	})
	if err := flags.Parse(args); err != nil {
		return c, asUsage(err)
	}
	if *version {
		c.name = "version"
		return c, nil
	}
	if flags.NArg() == 0 {
		return c, usagef("no command: write check, run JOB or backfill JOB (bridge -h tells more)")
	}
	c.name = flags.Arg(0)
	rest := flags.Args()[1:]
	switch c.name {
	case "check":
		if len(rest) > 0 {
			return c, usagef("check takes no arguments, not %q", rest[0])
		}
		return c, nil
	case "run":
		err := c.positional(flag.NewFlagSet("run", flag.ContinueOnError), rest)
		return c, err
	case "backfill":
		return c, c.parseBackfill(rest)
	case "help":
		return c, flag.ErrHelp
	case "undo":
		if len(rest) != 1 || strings.HasPrefix(rest[0], "-") {
			return c, usagef("undo needs the name of one run, as the run's report and the sync log tell it: bridge -config FILE undo RUN")
		}
		c.undone = rest[0]
		return c, nil
	case "jobs", "version", "notify-test":
		if len(rest) > 0 {
			return c, usagef("%s takes no arguments, not %q", c.name, rest[0])
		}
		return c, nil
	case "history":
		flags := flag.NewFlagSet("history", flag.ContinueOnError)
		flags.StringVar(&c.run, "run", "", "")
		flags.StringVar(&c.grep, "grep", "", "")
		return c, c.perhapsJob(flags, rest)
	case "preview":
		return c, c.parseDays(rest)
	case "serve":
		if len(rest) > 0 {
			return c, usagef("serve takes no arguments, not %q", rest[0])
		}
		if c.now != nil {
			return c, usagef("serve lives on the real clock: leave out -now")
		}
		return c, nil
	case "reconcile":
		return c, c.parseReconcile(rest)
	case "bindings":
		return c, c.parseBindings(rest)
	case "changes":
		return c, c.parseChanges(rest)
	case "explain":
		return c, c.parseExplain(rest)
	}
	return c, usagef("unknown command %q: write check, run or backfill (bridge -h tells more)", c.name)
}

// parseDays reads a job and, perhaps, the days that are meant.
func (c *command) parseDays(args []string) error {
	flags := flag.NewFlagSet(c.name, flag.ContinueOnError)
	from, to := daysOf(flags)
	if err := c.positional(flags, args); err != nil {
		return err
	}
	if *from == nil && *to == nil {
		return nil
	}
	return c.between(*from, *to)
}

func (c *command) parseBindings(args []string) error {
	flags := flag.NewFlagSet(c.name, flag.ContinueOnError)
	from, to := daysOf(flags)
	flags.BoolVar(&c.bom, "bom", false, "")
	flags.BoolVar(&c.propose, "propose", false, "")
	flags.StringVar(&c.tag, "tag", "", "")
	switch err := c.positional(flags, args); {
	case err != nil:
		return err
	case c.propose:
		return c.between(*from, *to)
	case *from != nil || *to != nil || c.tag != "":
		return usagef("bindings takes -from, -to and -tag only with -propose")
	}
	return nil
}

func (c *command) parseChanges(args []string) error {
	flags := flag.NewFlagSet(c.name, flag.ContinueOnError)
	from, to := daysOf(flags)
	flags.BoolVar(&c.csv, "csv", false, "")
	flags.BoolVar(&c.bom, "bom", false, "")
	flags.Func("since", "", func(s string) (err error) {
		if c.since, err = time.Parse(time.RFC3339, s); err != nil {
			return errors.New("write RFC 3339, as 2026-04-03T09:00:00+08:00")
		}
		return nil
	})
	switch err := c.perhapsJob(flags, args); {
	case err != nil:
		return err
	case c.since.IsZero():
		return usagef("changes needs -since, as -since 2026-04-03T09:00:00+08:00")
	case c.csv && c.json:
		return usagef("changes prints -csv or -json, not both")
	case *from == nil && *to == nil:
		return nil
	}
	return c.between(*from, *to)
}

func (c *command) parseReconcile(args []string) error {
	flags := flag.NewFlagSet(c.name, flag.ContinueOnError)
	from, to := daysOf(flags)
	flags.BoolVar(&c.csv, "csv", false, "")
	flags.BoolVar(&c.bom, "bom", false, "")
	if err := c.positional(flags, args); err != nil {
		return err
	}
	if c.csv && c.json {
		return usagef("reconcile prints -csv or -json, not both")
	}
	return c.between(*from, *to)
}

// daysOf adds the flags -from and -to.
func daysOf(flags *flag.FlagSet) (from, to **attendance.Date) {
	from, to = new(*attendance.Date), new(*attendance.Date)
	day := func(p **attendance.Date) func(string) error {
		return func(s string) error {
			d, err := attendance.ParseDate(s)
			if err != nil {
				return errors.New("write a day, as 2026-03-01")
			}
			*p = &d
			return nil
		}
	}
	flags.Func("from", "", day(from))
	flags.Func("to", "", day(to))
	return from, to
}

// between takes the days that are meant, both included.
func (c *command) between(from, to *attendance.Date) error {
	switch {
	case from == nil || to == nil:
		return usagef("%s needs -from and -to, as -from 2026-03-01 -to 2026-03-31", c.name)
	case to.Before(*from):
		return usagef("-from %v lies after -to %v: swap them", from, to)
	}
	c.from, c.to = *from, *to
	return nil
}

func (c *command) parseBackfill(args []string) error {
	flags := flag.NewFlagSet("backfill", flag.ContinueOnError)
	from, to := daysOf(flags)
	list := func(p *[]int64) func(string) error {
		return func(s string) error {
			for item := range strings.SplitSeq(s, ",") {
				id, err := strconv.ParseInt(strings.TrimSpace(item), 10, 64)
				if err != nil || id <= 0 {
					return errors.New("write ids of the OA, as 11,12")
				}
				if !slices.Contains(*p, id) {
					*p = append(*p, id)
				}
			}
			return nil
		}
	}
	flags.Func("subcompanies", "", list(&c.subcompanies))
	flags.Func("departments", "", list(&c.departments))
	flags.Func("employees", "", list(&c.employees))
	flags.StringVar(&c.oa, "oa", "", "")
	boundOnly := flags.Bool("bound-only", true, "")
	if err := c.positional(flags, args); err != nil {
		return err
	}
	flags.Visit(func(f *flag.Flag) {
		if f.Name == "bound-only" {
			c.boundOnly = boundOnly
		}
	})
	return c.between(*from, *to)
}

// positional reads flags and the job's name in whatever order they stand.
func (c *command) positional(flags *flag.FlagSet, args []string) error {
	if err := c.perhapsJob(flags, args); err != nil {
		return err
	}
	if c.job == "" {
		return usagef("%s needs the name of a job: bridge -config FILE %s JOB", c.name, c.name)
	}
	return nil
}

func (c *command) perhapsJob(flags *flag.FlagSet, args []string) error {
	flags.SetOutput(io.Discard)
	for {
		if err := flags.Parse(args); err != nil {
			return asUsage(err)
		}
		if flags.NArg() == 0 {
			return nil
		}
		if c.job != "" {
			return usagef("%s takes one job, not also %q", c.name, flags.Arg(0))
		}
		c.job = flags.Arg(0)
		args = flags.Args()[1:]
	}
}

func asUsage(err error) error {
	if errors.Is(err, flag.ErrHelp) {
		return err
	}
	return usageError(oneLine(err.Error()) + " (bridge -h tells more)")
}
