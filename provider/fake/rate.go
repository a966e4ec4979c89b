package fake

import "time"

// A Rate is a platform's rate limit: so many calls within any period, else a
// penalty. The zero value has seen no calls. It is not safe for concurrent use.
type Rate struct {
	at   []time.Time // the instants of the latest calls, as a ring
	next int
	end  time.Time // of the penalty
}

// Admit takes one call, unless a penalty lasts or this is one call more than
// limit within the period; then it says when the penalty ends. penalty tells that
// end for a call that is one too many. Calls that are refused do not count, and
// after a penalty nothing before it does.
func (r *Rate) Admit(now time.Time, limit int, period time.Duration, penalty func(now time.Time) time.Time) (end time.Time, ok bool) {
	if now.Before(r.end) {
		return r.end, false
	}
	if len(r.at) < limit {
		r.at = append(r.at, now)
		return time.Time{}, true
	}
	if now.Sub(r.at[r.next]) < period {
		r.at, r.next, r.end = r.at[:0], 0, penalty(now)
		return r.end, false
	}
	r.at[r.next] = now
	r.next = (r.next + 1) % len(r.at)
	return time.Time{}, true
}
