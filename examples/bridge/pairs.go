package main

import (
	"encoding/csv"
	"errors"
	"io"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/punchbridge/punchbridge/attendance"
	"github.com/punchbridge/punchbridge/oasink"
)

// readPairs reads the CSV (header employee_id,account; a UTF-8 byte order mark
// is fine). Lines without an account bind nobody.
func (c *config) readPairs(b bindingConfig) ([]oasink.Pair, error) {
	path := b.path
	if !filepath.IsAbs(path) {
		path = filepath.Join(filepath.Dir(c.file), path)
	}
	fail := func(what string) error {
		return b.file.fail(attendance.Text{EN: "write lines employee_id,account below that header, in UTF-8", ZH: "请按 employee_id,account 表头逐行填写（UTF-8）"}, "%s: %s", path, what)
	}
	text, err := os.ReadFile(path) //nolint:gosec // the operator names the file
	if err != nil {
		if pathErr, ok := errors.AsType[*os.PathError](err); ok {
			err = pathErr.Err
		}
		return nil, b.file.fail(attendance.Text{EN: "give the path of a CSV file, relative to " + c.file, ZH: "请填写 CSV 文件路径（相对于配置文件）"}, "%s cannot be read: %v", path, err)
	}
	if !utf8.Valid(text) {
		return nil, fail("the file is not UTF-8 (in Excel: save as CSV UTF-8)")
	}
	rows := csv.NewReader(strings.NewReader(strings.TrimPrefix(string(text), "\ufeff")))
	rows.FieldsPerRecord = -1
	rows.TrimLeadingSpace = true
	var pairs []oasink.Pair
	for first := true; ; first = false {
		row, err := rows.Read()
		if errors.Is(err, io.EOF) && !first {
			return pairs, nil
		}
		if errors.Is(err, io.EOF) {
			return nil, fail("the file is empty")
		}
		if err != nil {
			return nil, fail(err.Error())
		}
		line, _ := rows.FieldPos(0)
		at := "line " + strconv.Itoa(line)
		if len(row) < 2 {
			return nil, fail(at + " has no comma")
		}
		p := oasink.Pair{Person: strings.TrimSpace(row[0]), Account: strings.TrimSpace(row[1])}
		if first {
			if !strings.EqualFold(p.Person, "employee_id") || !strings.EqualFold(p.Account, "account") {
				return nil, fail("the header is not employee_id,account")
			}
			continue
		}
		if p.Person == "" && p.Account == "" {
			continue
		}
		if id, err := strconv.ParseInt(p.Person, 10, 64); err != nil || id <= 0 {
			return nil, fail(at + ": employee_id is no id of the OA")
		}
		if p.Account != "" {
			pairs = append(pairs, p)
		}
	}
}
