package oasink

import (
	"bytes"
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"unicode/utf8"
)

// A Pair says that a person (an id of HrmResource) is an account.
type Pair struct{ Person, Account string }

// ByPairs binds by a list. Who is not on it is unbound; a person with two accounts
// and an account with two people of the roster are ambiguous. The same pair twice
// is one. Pairs without an account are ignored. Nobody looks whether the platform has the
// accounts, unless the binding is [Binding.Verified]; what of them cannot be seen (zero-width
// characters, no-break spaces) is dropped.
func ByPairs(pairs []Pair) Binding {
	return Binding{field: fieldID, pairs: func() ([]Pair, error) { return pairs, nil }}
}

// ByFile is [ByPairs] with a file for [ReadPairs], read whenever the people are.
func ByFile(path string) Binding {
	return Binding{field: fieldID, pairs: func() ([]Pair, error) {
		f, err := os.Open(path) //nolint:gosec // which file it is, is the host's to say
		if err != nil {
			return nil, fmt.Errorf("oasink: the file of bindings: %w", err)
		}
		defer f.Close()
		pairs, err := ReadPairs(f)
		if err != nil {
			return nil, fmt.Errorf("oasink: the file of bindings %s: %w", path, err)
		}
		return pairs, nil
	}}
}

// ReadPairs reads a CSV in UTF-8: a header line with the columns employee_id and
// account, in any order and case, and a line for each pair. Values are trimmed; of
// employee_id, what cannot be seen is dropped (what of an account is to be dropped, the
// binding finds out); a byte order mark is fine; lines without an account bind nobody and
// are left out. Errors name the line.
func ReadPairs(r io.Reader) ([]Pair, error) {
	text, err := io.ReadAll(r)
	if err != nil {
		return nil, err
	}
	if !utf8.Valid(text) {
		return nil, errors.New("the file is not UTF-8 (in Excel: save as CSV UTF-8)")
	}
	rows := csv.NewReader(bytes.NewReader(bytes.TrimPrefix(text, []byte("\ufeff"))))
	rows.FieldsPerRecord = -1
	rows.TrimLeadingSpace = true
	header, err := rows.Read()
	switch {
	case errors.Is(err, io.EOF):
		return nil, errors.New("the file is empty")
	case err != nil:
		return nil, err
	}
	person, account := -1, -1
	for i, name := range header {
		switch strings.ToLower(narrow(name)) {
		case "employee_id":
			person = i
		case "account":
			account = i
		}
	}
	if person < 0 || account < 0 {
		return nil, errors.New("the header has no columns employee_id and account")
	}
	var pairs []Pair
	for {
		row, err := rows.Read()
		if errors.Is(err, io.EOF) {
			return pairs, nil
		}
		if err != nil {
			return nil, err
		}
		line, _ := rows.FieldPos(0)
		if len(row) <= max(person, account) {
			return nil, fmt.Errorf("line %d has too few columns", line)
		}
		p := Pair{narrow(row[person]), trim(row[account])}
		if p == (Pair{}) {
			continue
		}
		if _, err := parsePerson(p.Person); err != nil {
			return nil, fmt.Errorf("line %d: employee_id is no id of the OA", line)
		}
		if p.Account != "" {
			pairs = append(pairs, p)
		}
	}
}
