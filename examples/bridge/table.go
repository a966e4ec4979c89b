package main

import (
	"encoding/csv"
	"io"
	"strings"

	"github.com/punchbridge/punchbridge/attendance"
)

// A table is CSV in UTF-8 on stdout, where one is wanted.
type table struct{ *csv.Writer }

func (p *program) table(wanted bool, header ...string) table {
	if !wanted {
		return table{csv.NewWriter(io.Discard)}
	}
	if p.command.bom { // Excel takes a file without one for GBK
		_, _ = io.WriteString(p.out, "\ufeff") // what is wrong with stdout is told at the end
	}
	t := table{csv.NewWriter(p.out)}
	t.row(header...)
	return t
}

func (t table) row(cells ...string) { _ = t.Write(cells) } // Flush tells

// closed closes the databases and ends the table.
func (p *program) closed(t table, err error) error {
	if closeErr := p.close(); err == nil {
		err = closeErr
	}
	if t.Flush(); err == nil {
		err = t.Error()
	}
	return err
}

// beside tells on stderr what is not in a table.
func (p *program) beside(failed []failure, warnings []attendance.Warning, end *trouble) {
	for _, w := range warnings {
		p.logger.Warn(oneLine(w.Message), "code", w.Code)
	}
	for _, f := range failed {
		p.logger.Error(oneLine(f.Message), "code", string(f.Code), "people", len(f.Employees), "from", f.From, "to", f.To)
	}
	if end != nil {
		p.logger.Error(oneLine(end.Message), "code", end.Code, "mend", end.Mend)
	}
}

// shown is a text that no spreadsheet takes for a formula.
func shown(text string) string {
	if text != "" && strings.ContainsRune("=+-@\t\r", rune(text[0])) {
		return "'" + text
	}
	return text
}
