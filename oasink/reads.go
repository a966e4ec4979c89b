package oasink

import (
	"cmp"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/punchbridge/punchbridge/attendance"
)

// A stretch is a span of one account that was read: Unix seconds, and when, in
// milliseconds.
type stretch struct{ from, to, at int64 }

// keptStretches bounds what is remembered of an account. Beyond it the oldest are
// taken for one, read when the later of them was: that refuses more, never less.
const keptStretches = 20

// stretchOf is a batch's, rounded to what lies around it.
func stretchOf(s attendance.Span, at int64) stretch {
	return stretch{s.From.Unix(), s.To.Add(time.Second - time.Nanosecond).Unix(), at}
}

// stretches are what is known of one account.
type stretches []stretch

// newest is when the latest answer about any part of s was read.
func (l stretches) newest(s stretch) int64 {
	var at int64
	for _, o := range l {
		if o.from < s.to && s.from < o.to {
			at = max(at, o.at)
		}
	}
	return at
}

// until is the list without what was read later than at.
func (l stretches) until(at int64) stretches {
	return slices.DeleteFunc(l, func(s stretch) bool { return s.at > at })
}

// with is the list and s.
func (l stretches) with(s stretch) stretches {
	var list stretches
	for _, o := range l {
		switch {
		case o.from <= s.from && s.to <= o.to && s.at <= o.at:
			return l
		case s.from <= o.from && o.to <= s.to && o.at <= s.at:
		default:
			list = append(list, o)
		}
	}
	list = append(list, s)
	for len(list) > keptStretches {
		slices.SortFunc(list, func(a, b stretch) int { return cmp.Or(cmp.Compare(a.to, b.to), cmp.Compare(a.from, b.from)) })
		a, b := list[0], list[1]
		list = append(stretches{{min(a.from, b.from), max(a.to, b.to), max(a.at, b.at)}}, list[2:]...)
	}
	return list
}

// String is the list as the ledger keeps it: from,to,at;from,to,at
func (l stretches) String() string {
	var b strings.Builder
	for i, s := range l {
		if i > 0 {
			b.WriteByte(';')
		}
		for j, n := range [...]int64{s.from, s.to, s.at} {
			if j > 0 {
				b.WriteByte(',')
			}
			b.WriteString(strconv.FormatInt(n, 10))
		}
	}
	return b.String()
}

// parseStretches reads what String wrote; what it cannot read is as if it had never
// been read.
func parseStretches(text string) stretches {
	var l stretches
	for part := range strings.SplitSeq(text, ";") {
		var n [3]int64
		fields := strings.Split(part, ",")
		if len(fields) != len(n) {
			continue
		}
		ok := true
		for i, f := range fields {
			var err error
			n[i], err = strconv.ParseInt(f, 10, 64)
			ok = ok && err == nil
		}
		if ok {
			l = append(l, stretch{n[0], n[1], n[2]})
		}
	}
	return l
}
