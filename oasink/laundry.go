package oasink

import (
	"context"

	"github.com/uptrace/bun"
)

// A launderedText is a text on its way into a column.
type launderedText struct{ column, text string }

// within is s without the characters that the column is known not to hold.
func (w *writing) within(s string, c column) (fit string, replaced bool) {
	whole := clean(s)
	fit = whole
	if washed, ok := w.laundry[launderedText{c.name, s}]; ok {
		fit = washed
	}
	if c.bmp {
		fit = withinBMP(fit)
	}
	return fit, fit != whole
}

// laundered reports whether texts have to be laundered: a column replaces characters
// in silence, or an insert has failed for one.
func (w *writing) laundered() bool {
	addr, _ := w.shape.sign.column("ADDR")
	address, _ := w.shape.mobile.column("address")
	remark, _ := w.shape.mobile.column("remark")
	return w.launders || addr.lossy || address.lossy || remark.lossy
}

// longestAsked is how many bytes of a text the database is asked about: more than
// any column gets, fewer than make a text something else (Oracle: 4000).
const longestAsked = 2000

// launder asks the database what each column can hold of the texts of rows that
// may have to be added.
func (w *writing) launder(ctx context.Context, c bun.Conn) error {
	if w.laundry != nil {
		return nil
	}
	laundry := make(map[launderedText]string)
	wash := func(t *table, name, text string) error {
		col, ok := t.column(name)
		key := launderedText{col.name, text}
		if _, done := laundry[key]; !ok || done || !col.lossy && !w.launders || col.holds(text) {
			return nil
		}
		whole := clean(text)
		asked := cut(whole, longestAsked, true)
		storable, err := w.dialect.storable(ctx, c.Conn, asked, col)
		if storable == asked {
			storable = whole
		}
		laundry[key] = storable // also when nothing was replaced: it is not asked again
		return err
	}
	for i := range w.plan.sign.rows {
		if err := wash(w.shape.sign, "ADDR", w.plan.sign.rows[i].punch.Place.Address); err != nil {
			return err
		}
	}
	for i := range w.plan.mobile.rows {
		p := w.plan.mobile.rows[i].punch
		if err := wash(w.shape.mobile, "address", p.Place.Address); err != nil {
			return err
		}
		if err := wash(w.shape.mobile, "remark", p.Remark); err != nil {
			return err
		}
	}
	w.laundry = laundry
	return nil
}
