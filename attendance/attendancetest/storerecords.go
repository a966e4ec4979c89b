package attendancetest

import (
	"cmp"
	"context"
	"iter"
	"slices"
	"time"

	"github.com/punchbridge/punchbridge/attendance"
)

type tallied struct {
	day  attendance.Date
	unit string
}

// Reject implements [attendance.RejectedStore]. A record is known again by its
// person, account, id, time and reason. One without a time, or with one outside of
// the span, is kept or renewed and never forgotten.
func (s *Store) Reject(ctx context.Context, id attendance.Stream, members []attendance.Member, span attendance.Span, at time.Time, records []attendance.Rejected) error {
	ours := make(map[string]bool, len(members))
	for _, m := range members {
		ours[m.Person] = true
	}
	return s.locked(ctx, func() {
		of := s.of(id)
		first := make(map[attendance.Rejected]time.Time)
		given := make(map[attendance.Rejected]bool)
		for _, r := range records {
			given[identity(r)] = true
		}
		of.rejected = slices.DeleteFunc(of.rejected, func(r attendance.Rejected) bool {
			who := identity(r)
			gone := given[who] || ours[r.Person] && within(span, r.Time)
			if known, ok := first[who]; gone && (!ok || r.First.Before(known)) {
				first[who] = r.First
			}
			return gone
		})
		added := make(map[attendance.Rejected]bool)
		for _, r := range records {
			r.Time, r.First, r.Last = second(r.Time), second(at), second(at)
			if known, ok := first[identity(r)]; ok {
				r.First = known
			}
			if !added[r] {
				of.rejected = append(of.rejected, r)
			}
			added[r] = true
		}
	})
}

// identity is what a record is known again by.
func identity(r attendance.Rejected) attendance.Rejected {
	return attendance.Rejected{Person: r.Person, Account: r.Account, ID: r.ID, Time: second(r.Time), Reason: r.Reason}
}

// within compares by whole seconds, as everything is kept.
func within(s attendance.Span, t time.Time) bool {
	return attendance.Span{From: second(s.From), To: second(s.To)}.Contains(t)
}

// Rejected implements [attendance.RejectedStore].
func (s *Store) Rejected(ctx context.Context, id attendance.Stream, span attendance.Span) iter.Seq2[attendance.Rejected, error] {
	return listed(ctx, func() (records []attendance.Rejected, err error) {
		err = s.locked(ctx, func() {
			for _, r := range s.of(id).rejected {
				if span == (attendance.Span{}) || within(span, r.Time) {
					records = append(records, r)
				}
			}
		})
		slices.SortStableFunc(records, func(a, b attendance.Rejected) int {
			return cmp.Or(cmp.Compare(a.Person, b.Person), a.Time.Compare(b.Time))
		})
		return records, err
	})
}

// Tally implements [attendance.TallyStore].
func (s *Store) Tally(ctx context.Context, id attendance.Stream, tallies []attendance.Tally) error {
	return s.locked(ctx, func() {
		for _, t := range tallies {
			s.of(id).tallies[tallied{t.Day, t.Unit}] = t
		}
	})
}

// Tallies implements [attendance.TallyStore].
func (s *Store) Tallies(ctx context.Context, id attendance.Stream, first, last attendance.Date) (tallies []attendance.Tally, err error) {
	err = s.locked(ctx, func() {
		for _, t := range s.of(id).tallies {
			if !t.Day.Before(first) && !last.Before(t.Day) {
				tallies = append(tallies, t)
			}
		}
	})
	slices.SortFunc(tallies, func(a, b attendance.Tally) int {
		return cmp.Or(compareDays(a.Day, b.Day), cmp.Compare(a.Unit, b.Unit))
	})
	return tallies, err
}

// OweDays implements [attendance.DayStore].
func (s *Store) OweDays(ctx context.Context, target string, days []attendance.PersonDay) error {
	return s.locked(ctx, func() {
		if s.owedDays == nil {
			s.owedDays = make(map[string]map[attendance.PersonDay]bool)
		}
		if s.owedDays[target] == nil {
			s.owedDays[target] = make(map[attendance.PersonDay]bool)
		}
		for _, d := range days {
			s.owedDays[target][d] = true
		}
	})
}

// SettleDays implements [attendance.DayStore].
func (s *Store) SettleDays(ctx context.Context, target string, days []attendance.PersonDay) error {
	return s.locked(ctx, func() {
		for _, d := range days {
			delete(s.owedDays[target], d)
		}
	})
}

// OwedDays implements [attendance.DayStore]; those of one day come by person.
func (s *Store) OwedDays(ctx context.Context, target string, limit int) (days []attendance.PersonDay, err error) {
	err = s.locked(ctx, func() {
		for d := range s.owedDays[target] {
			days = append(days, d)
		}
	})
	slices.SortFunc(days, func(a, b attendance.PersonDay) int {
		return cmp.Or(compareDays(a.Day, b.Day), cmp.Compare(a.Person, b.Person))
	})
	return days[:max(0, min(limit, len(days)))], err
}

func compareDays(a, b attendance.Date) int {
	return cmp.Or(cmp.Compare(a.Year, b.Year), cmp.Compare(a.Month, b.Month), cmp.Compare(a.Day, b.Day))
}
