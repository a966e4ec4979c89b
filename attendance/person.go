package attendance

import "context"

// A PersonFinder is an optional role of a [Sink] or a [Scope]: whom does somebody mean?
type PersonFinder interface {
	// FindPersons returns everybody whom the text may name, in the order of their ids:
	// by id, login name, staff number or name, whatever their status; nobody is no error.
	// A text that begins with id:, loginid:, workcode: or name: is looked for there only.
	FindPersons(ctx context.Context, text string) ([]Candidate, error)
}

// A Candidate is somebody who may be meant. What the target does not hold is empty.
type Candidate struct {
	Person string `json:"employee_id"` // the OA's id
	Name   string `json:"name"`
	Login  string `json:"loginid"`
	Number string `json:"workcode"` // the staff number
	Unit   string `json:"department"`
	Status Text   `json:"status"`
}
