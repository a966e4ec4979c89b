package attendancetest

import (
	"context"
	"time"

	"github.com/punchbridge/punchbridge/attendance"
)

type budget struct{ corp, month string }

// Lease implements [attendance.LeaseStore]. Beats go on counting when a lease was
// released, so that no two holds are ever equal.
func (s *Store) Lease(ctx context.Context, name, owner string, at time.Time, over attendance.Holder) (holder attendance.Holder, err error) {
	err = s.locked(ctx, func() {
		holder = s.leases[name]
		if holder.Owner == "" || holder.Owner == over.Owner && holder.Beat == over.Beat {
			holder = s.hold(name, owner, at)
		}
	})
	return holder, err
}

// Beat implements [attendance.LeaseStore].
func (s *Store) Beat(ctx context.Context, name, owner string, at time.Time) (held bool, err error) {
	err = s.locked(ctx, func() {
		if held = owner != "" && s.leases[name].Owner == owner; held {
			s.hold(name, owner, at)
		}
	})
	return held, err
}

// Release implements [attendance.LeaseStore].
func (s *Store) Release(ctx context.Context, name, owner string) error {
	return s.locked(ctx, func() {
		if holder, known := s.leases[name]; known && holder.Owner == owner {
			holder.Owner = ""
			s.leases[name] = holder
		}
	})
}

func (s *Store) hold(name, owner string, at time.Time) attendance.Holder {
	if s.leases == nil {
		s.leases = make(map[string]attendance.Holder)
	}
	s.leases[name] = attendance.Holder{Owner: owner, Beat: s.leases[name].Beat + 1, At: time.UnixMilli(at.UnixMilli()).UTC()}
	return s.leases[name]
}

// Tick implements [attendance.TickStore].
func (s *Store) Tick(ctx context.Context, job string, at time.Time, _ string) (claimed bool, err error) {
	err = s.locked(ctx, func() {
		last, known := s.ticks[job]
		if claimed = !known || last.Before(second(at)); !claimed {
			return
		}
		if s.ticks == nil {
			s.ticks = make(map[string]time.Time)
		}
		s.ticks[job] = second(at)
	})
	return claimed, err
}

// LastTick implements [attendance.TickStore].
func (s *Store) LastTick(ctx context.Context, job string) (last time.Time, err error) {
	err = s.locked(ctx, func() { last = s.ticks[job] })
	return last, err
}

// Spend implements [attendance.BudgetStore]. Without a most (<= 0) there is no limit.
func (s *Store) Spend(ctx context.Context, corp, month string, n, most int) (spent int, ok bool, err error) {
	err = s.locked(ctx, func() {
		key := budget{corp, month}
		spent = s.budgets[key]
		if ok = n <= 0 || most <= 0 || spent+n <= most; !ok {
			return
		}
		if s.budgets == nil {
			s.budgets = make(map[budget]int)
		}
		spent = max(0, spent+n)
		s.budgets[key] = spent
	})
	return spent, ok, err
}
