package ecologytest

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strings"
	"time"
)

// SetAccurate sets kqformataccurate, which is on where nobody has set it: does the OA
// look at exectime?
func (o *OA) SetAccurate(ctx context.Context, on bool) error {
	if _, err := o.db.ExecContext(ctx, "DELETE FROM kq_settings WHERE main_key = 'kqformataccurate'"); err != nil {
		return fmt.Errorf("ecologytest: setting kqformataccurate: %w", err)
	}
	value := "0"
	if on {
		value = "1"
	}
	return o.insert(ctx, "kq_settings", []string{"main_key", "main_val"}, [][]any{{"kqformataccurate", value}})
}

// accurate reports whether the OA looks at exectime.
func (o *OA) accurate(ctx context.Context) (bool, error) {
	columns, err := o.has(ctx, "kq_format_pool")
	if err != nil || !columns["exectime"] {
		return false, err
	}
	on := true
	err = o.read(ctx, "kq_settings", []string{"main_key", "main_val"}, func(v []string, _ []int64) {
		if strings.EqualFold(v[0], "kqformataccurate") {
			on = v[1] == "1"
		}
	})
	return on, err
}

// Poll is one poll of the consumer of kq_format_pool, which e-cology 9 runs on every
// application node each 5 seconds: of the rows with status 0, by day and person, it
// computes each person-day once and sets the row's status to 1; a second row of the day
// waits for the next poll. With accurate computing it takes only rows whose exectime is
// earlier than now, the server's wall clock, and never one without. It returns the rows
// that it has computed.
func (o *OA) Poll(ctx context.Context, now time.Time) ([]PoolRow, error) {
	accurate, err := o.accurate(ctx)
	if err != nil {
		return nil, err
	}
	rows, err := o.PoolRows(ctx)
	if err != nil {
		return nil, err
	}
	clock := now.Format(time.DateTime)
	rows = slices.DeleteFunc(rows, func(r PoolRow) bool {
		return r.Status != 0 || accurate && (r.ExecTime == NULL || r.ExecTime >= clock)
	})
	slices.SortFunc(rows, func(a, b PoolRow) int {
		return cmp.Or(cmp.Compare(a.KqDate, b.KqDate), cmp.Compare(a.ResourceID, b.ResourceID), cmp.Compare(a.ID, b.ID))
	})
	rows = slices.CompactFunc(rows, func(a, b PoolRow) bool { return a.KqDate == b.KqDate && a.ResourceID == b.ResourceID })
	for _, r := range rows {
		if _, err := o.db.ExecContext(ctx, "UPDATE kq_format_pool SET status = 1 WHERE id = ?", r.ID); err != nil {
			return nil, fmt.Errorf("ecologytest: computing %d's %s: %w", r.ResourceID, r.KqDate, err)
		}
	}
	return rows, nil
}
