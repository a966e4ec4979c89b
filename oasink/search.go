package oasink

import (
	"context"
	"errors"
	"slices"

	"github.com/uptrace/bun"

	"github.com/punchbridge/punchbridge/attendance/redact"
)

// A search finds the rows that a table refuses among those of a batch: it inserts
// them in groups and divides a group that is refused. It is kept from try to try, so that
// nothing is found out twice.
//
// Its cost follows the rows: some 2 log2(n/8) + 8 groups for one refused row among n,
// and little more than n where nearly all are.
type search struct {
	groups [][]int32 // rows, by their place in the list, of which one may be refused
	taken  [][]int32 // rows that the table takes
	over   bool      // nothing is left to be found out

	wanted  int  // rows to be added, at most
	present bool // the table holds rows of the batch that were added before
	proved  bool // the table took a group
	failed  int  // groups that were refused
	alone   int  // of them, those of one row
	gaveUp  bool // the table refuses whatever it is given

	// dooms says that a refusal takes the transaction with it, and together that rows were
	// refused that are taken apart from each other.
	dooms, together bool
}

const (
	// fewInGroup is how many rows are tried one by one: halving them costs as much for one
	// refused row, and twice as much where all are refused.
	fewInGroup = 8
	// fewTogether is the same where each refusal costs all that was taken once more: then
	// there are to be few refusals, and not few groups.
	fewTogether = 32
	// allRefused is after how many refused rows, and none taken, a table is one that refuses
	// everything. A table that holds rows of the batch is none, and fewRows are searched to
	// the end: rows that are always refused may be all that a run has to add.
	allRefused = 100
	fewRows    = 400
)

// errSearched ends a try that has only found out which rows are refused.
var errSearched error = redact.Own("the rows that the table refuses are known now")

// begin takes what is to be inserted into the search and prepares it for another try.
func (s *search) begin(rows []want) {
	in := make(map[int32]bool)
	keep := func(groups [][]int32) [][]int32 {
		for i, g := range groups {
			groups[i] = slices.DeleteFunc(g, func(n int32) bool { return !rows[n].isNew() })
			for _, n := range groups[i] {
				in[n] = true
			}
		}
		return slices.DeleteFunc(groups, func(g []int32) bool { return len(g) == 0 })
	}
	s.groups, s.taken = keep(s.groups), keep(s.taken)
	var fresh []int32
	for i := range rows {
		s.present = s.present || rows[i].held == byUs
		if n := int32(i); rows[i].isNew() && !in[n] {
			fresh = append(fresh, n)
		}
	}
	s.wanted = max(s.wanted, len(in)+len(fresh))
	switch {
	case s.over:
		all := slices.Concat(slices.Concat(s.groups...), slices.Concat(s.taken...), fresh)
		slices.Sort(all)
		s.groups, s.taken = [][]int32{all}, nil
	case s.dooms:
		s.groups = append(s.groups, fresh)
	default: // the transaction that has taken them is gone
		s.groups, s.taken = append(slices.Concat(s.taken, s.groups), fresh), nil
	}
	s.groups = slices.DeleteFunc(s.groups, func(g []int32) bool { return len(g) == 0 })
	if s.gaveUp {
		s.leave(rows)
	}
}

// next is the group to be tried next: while the table has taken nothing, in turn the
// largest one and the smallest, so that neither a person whose rows are all refused
// nor a few refused rows of everybody look like a table that refuses everything.
func (s *search) next() int {
	best := 0
	for i := 1; i < len(s.groups) && !s.proved; i++ {
		if larger := len(s.groups[i]) > len(s.groups[best]); s.failed%2 == 0 && larger || s.failed%2 == 1 && len(s.groups[i]) < len(s.groups[best]) {
			best = i
		}
	}
	return best
}

// take notes that a group was taken.
func (s *search) take(i int) {
	s.proved = true
	s.taken = append(s.taken, s.groups[i])
	s.groups = slices.Delete(s.groups, i, i+1)
}

// refuse notes that a group was refused for reason: it is divided, or it is a row that
// the table refuses.
func (s *search) refuse(i int, rows []want, reason *rowFault) {
	g := s.groups[i]
	s.failed++
	s.groups = slices.Delete(s.groups, i, i+1)
	if len(g) == 1 {
		s.alone++
		rows[g[0]].fault = reason
	} else {
		s.groups = slices.AppendSeq(s.groups, slices.Chunk(g, s.part(len(g))))
	}
	if s.hopeless() {
		s.gaveUp = true
		s.leave(rows)
	}
}

// part is of how many rows the groups are into which a refused one is divided.
func (s *search) part(rows int) int {
	few, part := fewInGroup, (rows+1)/2
	if s.together {
		few, part = fewTogether, fewTogether
	}
	if rows <= few {
		return 1
	}
	return part
}

// hopeless reports whether the table refuses whatever it is given.
func (s *search) hopeless() bool {
	return !s.proved && !s.present && s.wanted > fewRows && s.alone >= allRefused
}

// leave leaves what was not tried.
func (s *search) leave(rows []want) {
	for _, g := range s.groups {
		for _, n := range g {
			rows[n].fault = &rowFault{}
		}
	}
	s.groups = nil
}

// insertWanted adds the rows of a list that their table lacks: at once, or, when that
// was refused for a row of them, all but those that the table refuses.
func (w *writing) insertWanted(ctx context.Context, c bun.Conn, id tableID, rows []want) error {
	s := w.searches[id]
	first := s == nil
	if first {
		s = &search{}
	}
	s.begin(rows)
	switch {
	case len(s.groups) == 0:
		return nil
	case w.told == nil && w.punchTable(id).lasting() != "":
		w.searches[id] = s
		return w.insertLasting(ctx, c, id, rows, s)
	case first:
		err := w.insertGroup(ctx, c, id, s.groups[0])
		if w.refusesRow(err) {
			w.searches[id], w.again = s, true
		}
		return err
	case s.dooms && s.over:
		err := w.insertGroup(ctx, c, id, s.groups[0])
		if !w.refusesRow(err) {
			return err
		}
		s.over, s.together = false, true
		s.refuse(0, rows, w.refusedRow(err))
	}
	if s.dooms {
		return w.searchApart(ctx, c, id, rows, s)
	}
	s.over = false
	for len(s.groups) > 0 {
		i, fitted := s.next(), w.fitted
		refusal, err := w.attempt(ctx, c, func() error { return w.insertGroup(ctx, c, id, s.groups[i]) })
		dead, isDead := errors.AsType[*doomed](err)
		switch {
		case isDead && w.refusesRow(dead.refusal):
			s.refuse(i, rows, w.refusedRow(dead.refusal))
			if s.dooms = w.dialect.reopen() != ""; s.dooms {
				return w.searchApart(ctx, c, id, rows, s)
			}
			w.again = true
			return err
		case err != nil:
			return err
		case refusal == nil:
			s.take(i)
		case !w.refusesRow(refusal):
			return refusal
		default:
			w.fitted = fitted
			s.refuse(i, rows, w.refusedRow(refusal))
		}
	}
	s.over = true
	return nil
}

// searchApart is the search where a refusal takes the transaction with it: in
// transactions of its own, on the same connection, none of which is committed. What they
// insert they do not insert beside what the batch has changed, and beside each other only
// once it is known that this matters. At its end everything begins again and adds, at
// once, what was taken.
func (w *writing) searchApart(ctx context.Context, c bun.Conn, id tableID, rows []want, s *search) error {
	for open := false; len(s.groups) > 0; {
		if !open {
			if err := w.reopen(ctx, c); err != nil {
				return err
			}
			if taken := slices.Concat(s.taken...); s.together && len(taken) > 0 {
				slices.Sort(taken)
				if err := w.insertGroup(ctx, c, id, taken); err != nil {
					return err
				}
			}
			open = true
		}
		i := s.next()
		err := w.insertGroup(ctx, c, id, s.groups[i])
		switch {
		case err == nil:
			s.take(i)
		case ctx.Err() != nil || !w.refusesRow(err):
			return err
		default:
			open = false
			s.refuse(i, rows, w.refusedRow(err))
		}
	}
	s.over, w.again = true, true
	return errSearched
}

// reopen begins a transaction in which something is only tried, after the one that
// was open is gone or worth nothing. The connection keeps what the dialect's begin has
// taken and set beside the transaction.
func (s *Sink) reopen(ctx context.Context, c bun.Conn) error {
	if err := s.dialect.rollback(ctx, &session{Conn: c}); err != nil && s.dialect.diagnose(err) != noTransaction {
		return err
	}
	_, err := c.ExecContext(ctx, s.dialect.reopen())
	return err
}
