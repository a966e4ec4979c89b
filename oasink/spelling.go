package oasink

import (
	"fmt"
	"strings"

	"github.com/punchbridge/punchbridge/attendance"
)

// spellings are the tables of a catalogue whose names differ in case at most, in
// the order of preference, and their columns.
type spellings struct {
	found   []tableName
	columns map[tableName][]column
}

// add adds a column.
func (s *spellings) add(name tableName, c column) {
	if s.columns == nil {
		s.columns = make(map[tableName][]column)
	}
	if s.columns[name] == nil {
		s.found = append(s.found, name)
	}
	s.columns[name] = append(s.columns[name], c)
}

// meant is the table meant by want. It has no columns when there is none.
func (s *spellings) meant(want tableName) (tableName, []column, error) {
	if len(s.found) == 0 {
		return want, nil, nil
	}
	name, err := onlySpelling(want, s.found)
	return name, s.columns[name], err
}

// onlySpelling picks the table meant by want among those whose names differ from
// it in case at most: the one spelt alike, else the only one.
func onlySpelling(want tableName, found []tableName) (tableName, error) {
	var alike []tableName
	for _, f := range found {
		if f.name == want.name && (want.schema == "" || f.schema == want.schema) {
			return f, nil
		}
		if f.schema == found[0].schema {
			alike = append(alike, f)
		}
	}
	switch len(alike) {
	case 0:
		return want, nil
	case 1:
		return alike[0], nil
	}
	names := make([]string, len(alike))
	for i, f := range alike {
		names[i] = f.String()
	}
	return want, &attendance.Error{Code: attendance.CodeTable, Op: "oasink",
		Detail: fmt.Sprintf("there are several tables %s that differ in case only: %s", want, strings.Join(names, ", ")),
		Mend:   attendance.Text{EN: "say which one is meant (oasink.Options.Tables)", ZH: "请用 tables 指明所用的表名"}}
}
