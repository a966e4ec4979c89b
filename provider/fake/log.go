package fake

import (
	"net/url"
	"slices"
	"sync"
	"time"
)

// A Request is one request that the fake received, for assertions.
type Request struct {
	// Number counts all requests from 1, in the order of arrival.
	Number int
	Method string
	Path   string
	// Query is the query without secrets.
	Query url.Values
	// Body is the request's body as it came.
	Body string
	// Time is when it came, on the fake's clock.
	Time time.Time
	// Status is the HTTP status of the answer; 0 when the connection was reset,
	// the caller gave up, or no answer was given.
	Status int
	// Code is the answer's error code as the platform words it, "0" for success.
	// Empty for answers that have none.
	Code string
}

// A Log counts requests and holds the latest. It is safe for concurrent use.
type Log struct {
	size int

	mu     sync.Mutex
	total  int
	counts map[string]int
	kept   []Request
}

// NewLog returns a log that holds the latest size requests, none where size is
// not positive. It counts all.
func NewLog(size int) *Log { return &Log{size: max(0, size), counts: map[string]int{}} }

func (l *Log) count(path string) int {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.total++
	l.counts[path]++
	return l.total
}

func (l *Log) add(r Request) {
	l.mu.Lock()
	defer l.mu.Unlock()
	// Twice the size is kept at most, so that dropping the old ones is rare.
	if len(l.kept) >= 2*l.size {
		l.kept = slices.Delete(l.kept, 0, len(l.kept)-l.size+1)
	}
	l.kept = append(l.kept, r)
}

// Requests returns how many requests came for path, whatever became of them; for
// "" all requests.
func (l *Log) Requests(path string) int {
	l.mu.Lock()
	defer l.mu.Unlock()
	if path == "" {
		return l.total
	}
	return l.counts[path]
}

// Latest returns the latest requests, oldest first, in the order in which they
// were answered. The slice is the caller's.
func (l *Log) Latest() []Request {
	l.mu.Lock()
	defer l.mu.Unlock()
	return slices.Clone(l.kept[max(0, len(l.kept)-l.size):])
}

// Reset forgets all requests.
func (l *Log) Reset() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.total, l.kept = 0, nil
	clear(l.counts)
}
