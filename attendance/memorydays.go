package attendance

import (
	"context"
	"maps"
	"slices"
	"sync"
)

// memoryDays is a DayStore that ends with its owner.
type memoryDays struct {
	mu   sync.Mutex
	owed map[string]map[PersonDay]bool // by target
}

func (m *memoryDays) OweDays(_ context.Context, target string, days []PersonDay) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.owed == nil {
		m.owed = make(map[string]map[PersonDay]bool)
	}
	if m.owed[target] == nil {
		m.owed[target] = make(map[PersonDay]bool)
	}
	for _, d := range days {
		m.owed[target][d] = true
	}
	return nil
}

func (m *memoryDays) SettleDays(_ context.Context, target string, days []PersonDay) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	for _, d := range days {
		delete(m.owed[target], d)
	}
	return nil
}

func (m *memoryDays) OwedDays(_ context.Context, target string, limit int) ([]PersonDay, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	days := slices.SortedFunc(maps.Keys(m.owed[target]), func(a, b PersonDay) int {
		switch {
		case a.Day.Before(b.Day):
			return -1
		case b.Day.Before(a.Day):
			return 1
		default:
			return a.Compare(b)
		}
	})
	return days[:min(limit, len(days))], nil
}
