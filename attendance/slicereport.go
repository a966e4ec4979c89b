package attendance

import "slices"

// A SliceReport is what became of one slice.
type SliceReport struct {
	Slice Slice `json:"slice"`
	Counts
	// Skipped counts records that were not written, by reason.
	Skipped map[Reason]int `json:"skipped,omitempty"`
	// Refused are the members whose account the platform rejected.
	Refused []Member `json:"refused,omitempty"`
	// Failed are the parts of the slice that were not read or not written.
	Failed []Failure `json:"failed,omitempty"`
	// Unwritten are rows that the target itself did not take.
	Unwritten []UnwrittenRow `json:"unwritten,omitempty"`
	// Days are the person-days whose rows changed.
	Days     []PersonDay `json:"days,omitempty"`
	Warnings []Warning   `json:"warnings,omitempty"`
	// Rows are those that would change, of a preview.
	Rows []RowChange `json:"rows,omitempty"`
}

// lost reports whether some of what was asked for the members over the span failed.
func (s *SliceReport) lost(members []Member, span Span) bool {
	for _, f := range s.Failed {
		if len(Spans{span}.Within(f.Span)) > 0 && slices.ContainsFunc(members, func(m Member) bool { return slices.Contains(f.Persons, m.Person) }) {
			return true
		}
	}
	return false
}

// punches is the number of punches that w accounts for.
func (w Written) punches() int {
	n := w.Written + w.Present + w.PresentFromOther
	for _, skipped := range w.Skipped {
		n += skipped
	}
	return n
}

func (s *SliceReport) take(w Written) {
	s.Written += w.Written
	s.Corrected += w.Corrected
	s.Present += w.Present
	s.PresentFromOther += w.PresentFromOther
	s.Superseded += w.Superseded
	s.Removed += w.Removed
	s.Queued += w.Queued
	for reason, n := range w.Skipped {
		s.Skipped[reason] += n
	}
	s.Unwritten = append(s.Unwritten, w.Unwritten...)
	s.Days = append(s.Days, w.Days...)
	s.Warnings = append(s.Warnings, w.Warnings...)
}

// coded gives an error that claims to be a context's end, while no context of
// ours has ended, the code that is likely: it is a time-out of somebody else.
func coded(err error, likely Code, op string) error {
	if CodeOf(err) != "" {
		return err
	}
	return &Error{Code: likely, Op: op, Detail: "a time limit inside it has passed: " + err.Error(), Err: err}
}

// fail records that something was not done.
func (s *SliceReport) fail(members []Member, span Span, err error) {
	persons := make([]string, len(members))
	for i, m := range members {
		persons[i] = m.Person
	}
	s.Failed = append(s.Failed, Failure{persons, span, CodeOf(err), err.Error(), err})
}

// wondersPerSlice bounds how many unknown words of a slice are told.
const wondersPerSlice = 20

// wonder tells of a word of the platform that made a record unreadable, each once.
func (s *SliceReport) wonder(word string) {
	w := Warningf("unknown_type", "平台返回了未知的取值，该记录未写入 / the platform used a word that this version does not know, so the record was skipped: %s", word)
	told := 0
	for _, o := range s.Warnings {
		if o.Code == w.Code {
			told++
		}
	}
	if word != "" && told < wondersPerSlice && !slices.Contains(s.Warnings, w) {
		s.Warnings = append(s.Warnings, w)
	}
}
