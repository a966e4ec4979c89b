package providertest

import (
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/punchbridge/punchbridge/attendance"
)

// punch makes a punch with everything that the features name.
func (h *harness) punch(account string, at time.Time, n int) attendance.Punch {
	p := attendance.Punch{Account: account, Time: at, Kind: h.features.Kinds[n%len(h.features.Kinds)]}
	if h.features.IDs {
		p.ID = strconv.FormatInt(h.nextID, 10)
		h.nextID++
	}
	if h.features.Directions && p.Kind != attendance.Field {
		p.Direction = attendance.In + attendance.Direction(n%2)
	}
	if h.features.Places {
		p.Place = attendance.Place{Address: fmt.Sprintf("上海市浦东新区 \"世纪\" 大道 %d 号", n%90+1), Longitude: 121.473701 + float64(n%100)/1e4, Latitude: 31.230416 - float64(n%100)/1e4, Located: true}
	}
	if h.features.Remarks {
		p.Remark = fmt.Sprintf("拜访客户 \\ 第 %d 次", n%7)
	}
	return p
}

// records is about how many records a rule puts at most: providers that take a
// thousand people over weeks need not be drowned to be proven.
const records = 6000

// workdays puts punches of the accounts on the days of the query, up to four a
// day, and returns them. Where the query is very large each person has punches
// on some days only; together they cover every day.
func (h *harness) workdays(q attendance.Query) []attendance.Punch {
	days := int(q.Span.Length()/(24*time.Hour)) + 1
	size := days * len(q.Accounts)
	hours := [...]int{1, 10, 5, 6}
	perDay := min(max(records/size, 1), len(hours))
	every := (size + records - 1) / records
	var all []attendance.Punch
	for i, account := range q.Accounts {
		for d := i % every; d < days; d += every {
			for n, hour := range hours[:perDay] {
				at := q.Span.From.Add(time.Duration(d)*24*time.Hour + time.Duration(hour)*time.Hour + time.Duration(i)*time.Second)
				if at.Before(q.Span.To) {
					all = append(all, h.punch(account, at, i+d+n))
				}
			}
		}
	}
	h.upstream.Put(h.t, all...)
	return all
}

// same compares an answer with the punches that were put, each exactly once.
func (h *harness) same(answer attendance.Answer, want []attendance.Punch) error {
	left := make(map[string][]attendance.Punch, len(want))
	for _, p := range want {
		k := keyOf(p)
		left[k] = append(left[k], p)
	}
	for _, got := range answer.Punches {
		k := keyOf(got)
		if len(left[k]) == 0 {
			return fmt.Errorf("the answer holds a punch that is not there, or twice: %s", show(got))
		}
		i := slices.IndexFunc(left[k], func(p attendance.Punch) bool { return h.differs(got, p) == "" })
		if i < 0 {
			return fmt.Errorf("%s: the answer says %s, the platform %s", h.differs(got, left[k][0]), show(got), show(left[k][0]))
		}
		left[k] = slices.Delete(left[k], i, i+1)
	}
	missing := 0
	var first attendance.Punch
	for _, p := range want {
		if len(left[keyOf(p)]) > 0 {
			if missing == 0 {
				first = p
			}
			missing++
			left[keyOf(p)] = left[keyOf(p)][1:]
		}
	}
	if missing > 0 {
		return fmt.Errorf("%d of %d punches are missing in the answer, the first: %s", missing, len(want), show(first))
	}
	for _, s := range answer.Skipped {
		// What the platform sent beside the question may be named; nothing else is there.
		if s.Reason != attendance.OutsideWindow && s.Reason != attendance.NotAsked {
			return fmt.Errorf("the answer skips a record that is not there: %+v", s)
		}
	}
	if len(answer.Refused) > 0 {
		return fmt.Errorf("the answer calls %v refused; the platform refused nobody", answer.Refused)
	}
	return nil
}

func keyOf(p attendance.Punch) string {
	return p.Account + " " + strconv.FormatInt(p.Time.UnixNano(), 10)
}

// differs names what is different in two punches of one person and instant.
func (h *harness) differs(got, want attendance.Punch) string {
	const micro = 1.5e-6 // degrees; platforms round to six decimals
	switch {
	case got.Kind != want.Kind:
		return "another kind"
	case got.Direction != want.Direction:
		return "another direction"
	case h.features.IDs && got.ID != want.ID:
		return "another id"
	case h.features.Places && (got.Place.Address != want.Place.Address || !got.Place.Located ||
		math.Abs(got.Place.Longitude-want.Place.Longitude) > micro || math.Abs(got.Place.Latitude-want.Place.Latitude) > micro):
		return "another place"
	case h.features.Remarks && strings.TrimSpace(got.Remark) != want.Remark:
		return "another remark"
	}
	return ""
}

func show(p attendance.Punch) string {
	return fmt.Sprintf("{%q id %q at %s, %v, %v, %+v, %q}", p.Account, p.ID, p.Time.Format(time.RFC3339Nano), p.Kind, p.Direction, p.Place, p.Remark)
}
