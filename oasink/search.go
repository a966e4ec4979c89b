package oasink

import (
	"context"
	"errors"
	"slices"

	"github.com/uptrace/bun"
)

// A search finds the rows that a table refuses among those of a batch: it inserts
// them in groups, each behind a savepoint, and halves a group that is refused. It is
// kept from try to try, so that it comes to its end also where a refusal takes the
// transaction with it.
type search struct {
	groups [][]int32 // rows, by their place in the list, that are still wanted
	failed int       // groups that were refused
	alone  int       // of them, those of one row
	proved bool      // the table took a group
	wanted int       // rows to be added, at most
}

const (
	// searchedGroups is how many refused groups a batch is searched for: some forty
	// refused rows apart from each other, many more side by side.
	searchedGroups = 400
	// hopelessGroups and hopelessRows are how many groups and single rows must be
	// refused, and nothing taken, for it to be the table's fault and no row's. A few rows
	// are searched to the end: those of people whom a table always refuses may be all
	// that a run has to add.
	hopelessGroups, hopelessRows = 24, 8
	fewRows                      = 100
)

// begin takes what is to be inserted into the search: what is in no group yet is one
// more group, and what is there by now is dropped.
func (s *search) begin(rows []want) {
	in := make(map[int32]bool)
	for i, g := range s.groups {
		s.groups[i] = slices.DeleteFunc(g, func(n int32) bool { return !rows[n].isNew() })
		for _, n := range s.groups[i] {
			in[n] = true
		}
	}
	var fresh []int32
	for i := range rows {
		if n := int32(i); rows[i].isNew() && !in[n] {
			fresh = append(fresh, n)
		}
	}
	s.groups = slices.DeleteFunc(append(s.groups, fresh), func(g []int32) bool { return len(g) == 0 })
	s.wanted = max(s.wanted, len(in)+len(fresh))
}

// next is the group to be tried next: while the table has taken nothing, in turn the
// largest one and the smallest, so that neither a person whose rows are all refused
// nor a few refused rows of everybody look like a table that refuses everything.
func (s *search) next(left []int) int {
	if s.proved {
		return left[0]
	}
	best := left[0]
	for _, i := range left {
		if larger := len(s.groups[i]) > len(s.groups[best]); s.failed%2 == 0 && larger || s.failed%2 == 1 && len(s.groups[i]) < len(s.groups[best]) {
			best = i
		}
	}
	return best
}

// refuse notes that a group was refused: it is halved, or its only row is returned.
func (s *search) refuse(i int) (row int32, found bool) {
	g := s.groups[i]
	s.failed++
	if len(g) == 1 {
		s.alone++
		s.groups[i] = nil
		return g[0], true
	}
	half := len(g) / 2
	s.groups[i] = g[:half:half]
	s.groups = append(s.groups, g[half:])
	return 0, false
}

// hopeless reports whether the table refuses whatever it is given.
func (s *search) hopeless() bool {
	return !s.proved && s.wanted > fewRows && s.failed >= hopelessGroups && s.alone >= hopelessRows
}

// insertWanted adds the rows of a list that their table lacks: at once, or, when that
// was refused for a row of them, all but those that the table refuses.
func (w *writing) insertWanted(ctx context.Context, c bun.Conn, id tableID, rows []want) error {
	s := w.searches[id]
	if s == nil {
		all := &search{}
		if all.begin(rows); len(all.groups) == 0 {
			return nil
		}
		err := w.insertGroup(ctx, c, id, all.groups[0])
		if w.refusesRow(err) && w.dialect.undoes(ctx, c.Conn, w.punchTable(id)) {
			w.searches[id], w.again = all, true
		}
		return err
	}
	s.begin(rows)
	var left []int // of the groups, those to be tried yet
	for i := range s.groups {
		left = append(left, i)
	}
	for len(left) > 0 {
		i := s.next(left)
		fitted := w.fitted
		refusal, err := w.attempt(ctx, c, func() error { return w.insertGroup(ctx, c, id, s.groups[i]) })
		dead, isDead := errors.AsType[*doomed](err)
		if isDead {
			refusal = dead.refusal
		} else if err != nil {
			return err
		}
		if refusal == nil {
			s.proved = true
			left = slices.DeleteFunc(left, func(j int) bool { return j == i })
			continue
		}
		w.fitted = fitted
		if !w.refusesRow(refusal) {
			return refusal
		}
		if n, found := s.refuse(i); found {
			rows[n].fault = w.refusedRow(refusal)
			left = slices.DeleteFunc(left, func(j int) bool { return j == i })
		} else {
			left = append(left, len(s.groups)-1)
		}
		switch {
		case s.hopeless(), isDead && !s.proved && s.failed >= 2*hopelessGroups:
			return refusal
		case s.failed >= searchedGroups:
			for _, j := range left {
				for _, n := range s.groups[j] {
					rows[n].fault = &rowFault{}
				}
			}
			left = nil
		}
		if isDead {
			w.again = true
			return err
		}
	}
	return nil
}
