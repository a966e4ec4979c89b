package main

import (
	"cmp"
	"context"
	"errors"
	"path/filepath"

	"github.com/uptrace/bun"

	"github.com/punchbridge/punchbridge/attendance"
	"github.com/punchbridge/punchbridge/oasink"
)

// work is a job put together from the library's parts.
type work struct {
	job      *jobConfig
	pairs    []oasink.Pair // of binding by: file
	offline  bool          // the platform is known not to answer: its directory is not asked
	platform platform
	db       *bun.DB
	oa       *oasink.Sink
	hooked   *attendance.Recalculation // around oa; nil without recalculate: http
}

// prepare does what touches neither the network nor the database. Its errors are
// faults of the file.
func (p *program) prepare(j *jobConfig) (*work, error) {
	w := &work{job: j}
	var err error
	if j.binding.by == "file" {
		if w.pairs, err = p.config.readPairs(j.binding); err != nil {
			return nil, err
		}
	}
	w.platform, err = p.platform(j.provider)
	return w, err
}

// open opens the database and probes its columns.
func (p *program) open(ctx context.Context, w *work) error {
	db, err := p.database(w.job.oa)
	if err != nil {
		return err
	}
	w.db = db
	opts := p.sinkOptions(w.job.oa)
	opts.SignFrom, opts.Zone = w.job.signFrom, w.job.zone
	opts.Undirected = map[string]oasink.Undirected{"skip": oasink.SkipUndirected, "null": oasink.NullUndirected, "infer": oasink.SkipUndirected}[w.job.undirected]
	opts.Outside = map[string]oasink.Outside{"mobile_sign": oasink.OutsideMobile, "sign": oasink.OutsideSign, "both": oasink.OutsideBoth}[w.job.outside]
	if opts.Ledger != nil && w.job.withdrawn == "delete" {
		opts.Ledger.Withdrawn = oasink.DeleteWithdrawn
	}
	if w.oa, err = oasink.New(ctx, db, opts); err != nil {
		return err
	}
	w.hooked, err = p.recalculated(w.job.oa, w.oa, w.job.freeze)
	return err
}

// sink is where the job's punches go. What reads much at once waits for the OA.
func (p *program) sink(w *work, t task) attendance.Sink {
	switch {
	case w.hooked != nil:
		return w.hooked
	case t.kind != attendance.KindRun && !t.preview:
		return w.oa.Paced(&oasink.PaceOptions{Backlog: p.backlog, Patience: p.backlogPatience})
	default:
		return w.oa
	}
}

// sinkOptions are those that depend on the OA only.
func (p *program) sinkOptions(c *oaConfig) *oasink.Options {
	opts := &oasink.Options{
		Schema: c.schema, Tables: c.tables,
		Generation:  map[string]oasink.Generation{"auto": oasink.Auto, "e7": oasink.E7, "e8": oasink.E8, "e9": oasink.E9}[c.generation],
		Recalculate: map[string]oasink.Recalculate{"auto": oasink.RecalculateAuto, "pool": oasink.RecalculatePool, "http": oasink.RecalculateNone, "none": oasink.RecalculateNone}[c.recalc],
		Now:         p.now, Logger: p.logger, Zone: p.config.zone, Owe: p.owing(c),
	}
	if c.ledger {
		opts.Ledger = &oasink.LedgerOptions{}
	}
	return opts
}

// corp names the tenant, in the ledger and where calls are counted: where the file does
// not tell it (DingTalk), the name of the first provider with that application stands for it.
func (c *providerConfig) corp() string { return cmp.Or(c.corpID, c.name) }

// database opens an OA's database once for all jobs.
func (p *program) database(o *oaConfig) (*bun.DB, error) {
	p.opening.Lock()
	defer p.opening.Unlock()
	if db, ok := p.databases[o]; ok {
		return db, nil
	}
	db, err := openDatabase(o, filepath.Dir(p.config.file))
	if err != nil {
		return nil, err
	}
	if p.databases == nil {
		p.databases = map[*oaConfig]*bun.DB{}
	}
	p.databases[o] = db
	return db, nil
}

// close closes the databases.
func (p *program) close() error {
	p.tellKept()
	var errs []error
	for _, db := range p.databases {
		errs = append(errs, db.Close())
	}
	if p.stateDB != nil {
		errs = append(errs, p.stateDB.Close())
	}
	return errors.Join(errs...)
}

// scope is whose punches the job fetches; see [work.people].
func (w *work) scope(units oasink.Units) *oasink.Scope { return w.oa.Scope(units, w.binding()) }

func (w *work) units() oasink.Units {
	return oasink.Units{Subcompanies: w.job.subcompanies, Departments: w.job.departments, DirectOnly: !w.job.descend}
}

// binding is how the job's people are found on the platform.
func (w *work) binding() oasink.Binding {
	b := w.job.binding
	var directory attendance.Directory
	if b.boundOnly && !w.offline {
		directory = w.platform.directory(b)
	}
	var binding oasink.Binding
	switch b.by {
	case "id":
		binding = oasink.ByID(directory)
	case "loginid":
		binding = oasink.ByLoginID(directory)
	case "account":
		binding = oasink.ByAccount(directory)
	case "workcode":
		binding = oasink.ByWorkcode(directory)
	case "mobile":
		binding = oasink.ByMobile(directory)
	case "email":
		binding = oasink.ByEmail(directory)
	default:
		binding = oasink.ByPairs(w.pairs).Verified(directory)
	}
	binding.IncludeInactive = b.inactive == "include"
	return w.platform.adapt(binding)
}
