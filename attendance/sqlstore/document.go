package sqlstore

import (
	"encoding/json"
	"strconv"
	"time"
	"unicode/utf8"

	"github.com/punchbridge/punchbridge/attendance"
)

// The documents are the reports' own JSON, but for their spans, which are written
// with the name of their zone: an offset is not enough to read a span again in a zone
// that changes its clocks.

// A storedSpan is a span and its zone.
type storedSpan struct {
	From time.Time `json:"from"`
	To   time.Time `json:"to"`
	Zone string    `json:"zone,omitempty"` // "" where the offsets say all that is known
}

func storeSpan(s attendance.Span) storedSpan {
	name := s.Zone().String()
	loc, err := time.LoadLocation(name)
	if err != nil || name == "" || name == "Local" || !sameOffset(s.From, loc) || !sameOffset(s.To, loc) {
		name = ""
	}
	return storedSpan{s.From, s.To, name}
}

// span: a zone that this machine does not know is that of the offset.
func (s storedSpan) span() attendance.Span {
	if loc, err := time.LoadLocation(s.Zone); err == nil && s.Zone != "" && s.Zone != "Local" {
		return attendance.Span{From: s.From.In(loc), To: s.To.In(loc)}
	}
	return attendance.Span{From: fixed(s.From), To: fixed(s.To)}
}

func sameOffset(t time.Time, loc *time.Location) bool {
	_, a := t.Zone()
	_, b := t.In(loc).Zone()
	return a == b
}

// fixed gives t a zone that is its offset: reading JSON makes it time.Local where
// the machine's offset happens to be the same.
func fixed(t time.Time) time.Time {
	if _, offset := t.Zone(); offset != 0 {
		return t.In(time.FixedZone(t.Format("-07:00"), offset))
	}
	return t.UTC()
}

type storedFailure struct {
	attendance.Failure
	Span storedSpan `json:"span"`
}

func storeFailures(failed []attendance.Failure) []storedFailure {
	stored := make([]storedFailure, len(failed))
	for i, f := range failed {
		stored[i] = storedFailure{f, storeSpan(f.Span)}
	}
	return stored
}

func failures(stored []storedFailure) []attendance.Failure {
	var failed []attendance.Failure
	for _, f := range stored {
		f.Failure.Span = f.Span.span()
		failed = append(failed, f.Failure)
	}
	return failed
}

type storedReport struct {
	attendance.Report
	Span   storedSpan      `json:"span"`
	Failed []storedFailure `json:"failed,omitempty"`
}

func (s *Store) reportDocument(r attendance.Report) (document, error) {
	r.Started, r.Ended = instant(seconds(r.Started)), instant(seconds(r.Ended))
	return s.document(storedReport{r, storeSpan(r.Span), storeFailures(r.Failed)})
}

func readReport(text []byte) (attendance.Report, error) {
	var d storedReport
	if err := json.Unmarshal(text, &d); err != nil {
		return attendance.Report{}, wrong("a stored report cannot be read: %v", err)
	}
	r := d.Report
	r.Span, r.Failed = d.Span.span(), failures(d.Failed)
	r.Started, r.Ended = r.Started.UTC(), r.Ended.UTC()
	return r, nil
}

type storedSlice struct {
	Members []attendance.Member `json:"members"`
	storedSpan
}

type storedSliceReport struct {
	attendance.SliceReport
	Slice  storedSlice     `json:"slice"`
	Failed []storedFailure `json:"failed,omitempty"`
}

func (s *Store) sliceDocument(r attendance.SliceReport) (document, error) {
	return s.document(storedSliceReport{r, storedSlice{r.Slice.Members, storeSpan(r.Slice.Span)}, storeFailures(r.Failed)})
}

func readSlice(text []byte) (attendance.SliceReport, error) {
	var d storedSliceReport
	if err := json.Unmarshal(text, &d); err != nil {
		return attendance.SliceReport{}, wrong("a stored report of a slice cannot be read: %v", err)
	}
	r := d.SliceReport
	r.Slice = attendance.Slice{Members: d.Slice.Members, Span: d.Slice.span()}
	r.Failed = failures(d.Failed)
	return r, nil
}

func (s *Store) document(v any) (document, error) {
	text, err := json.Marshal(v)
	if err != nil {
		return document{}, wrong("a report cannot be written as JSON: %v", err)
	}
	return document{ascii(text), s.dialect}, nil
}

// ascii escapes everything else, which JSON has in strings only: such a text is the
// same in every character set of a table and of a connection.
func ascii(text []byte) string {
	b := make([]byte, 0, len(text)+len(text)/4)
	for len(text) > 0 {
		r, size := utf8.DecodeRune(text)
		switch {
		case r < utf8.RuneSelf:
			b = append(b, byte(r))
		case r <= 0xffff:
			b = appendEscape(b, r)
		default:
			r -= 0x10000
			b = appendEscape(appendEscape(b, 0xd800+r>>10), 0xdc00+r&0x3ff)
		}
		text = text[size:]
	}
	return string(b)
}

func appendEscape(b []byte, r rune) []byte {
	return append(append(b, `\u`...), strconv.FormatInt(int64(r)|0x10000, 16)[1:]...)
}
