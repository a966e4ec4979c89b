package main

import (
	"errors"
	"os"
	"path/filepath"

	"github.com/punchbridge/punchbridge/attendance"
	"github.com/punchbridge/punchbridge/oasink"
)

// readPairs reads the CSV that a job binds by. Its faults are faults of the
// configuration: they are found before anything is touched.
func (c *config) readPairs(b bindingConfig) ([]oasink.Pair, error) {
	path := b.path
	if !filepath.IsAbs(path) {
		path = filepath.Join(filepath.Dir(c.file), path)
	}
	f, err := os.Open(path) //nolint:gosec // the operator names the file
	if err != nil {
		if pathErr, ok := errors.AsType[*os.PathError](err); ok {
			err = pathErr.Err
		}
		return nil, b.file.fail(attendance.Text{EN: "give the path of a CSV file, relative to " + c.file, ZH: "请填写 CSV 文件路径（相对于配置文件）"}, "%s cannot be read: %v", path, err)
	}
	defer f.Close()
	pairs, err := oasink.ReadPairs(f)
	if err != nil {
		return nil, b.file.fail(attendance.Text{EN: "write lines employee_id,account below that header, in UTF-8", ZH: "请按 employee_id,account 表头逐行填写（UTF-8）"}, "%s: %v", path, err)
	}
	return pairs, nil
}
