package fake

import (
	"slices"
	"sync"
)

// Faults is trouble that a test arranges; F describes one piece of it. The zero
// value is none. It is safe for concurrent use.
type Faults[F any] struct {
	mu   sync.Mutex
	list []arranged[F]
}

type arranged[F any] struct {
	fault        F
	after, times int
}

// Add arranges a fault: after lets that many calls that it fits pass first, times
// is how many it then happens to, zero for all.
func (l *Faults[F]) Add(fault F, after, times int) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.list = append(l.list, arranged[F]{fault, after, times})
}

// Clear ends all trouble.
func (l *Faults[F]) Clear() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.list = nil
}

// Take returns the fault that happens to a call: of those that fit it, the one
// arranged first. Without one it returns the zero F. fits must not use l.
func (l *Faults[F]) Take(fits func(F) bool) F {
	l.mu.Lock()
	defer l.mu.Unlock()
	for i := range l.list {
		a := &l.list[i]
		if !fits(a.fault) {
			continue
		}
		if a.after > 0 {
			a.after--
			continue
		}
		taken := a.fault
		if a.times == 1 {
			l.list = slices.Delete(l.list, i, i+1)
		} else if a.times > 1 {
			a.times--
		}
		return taken
	}
	var none F
	return none
}
