package main

import (
	"bytes"
	"errors"
	"io"
	"os"
	"path/filepath"
	"strings"
	"unicode/utf16"
	"unicode/utf8"

	"github.com/punchbridge/punchbridge/attendance"
)

// saveAsUTF8 is the mend of a file in another encoding.
func saveAsUTF8() attendance.Text {
	return attendance.Text{EN: "save the file as UTF-8 (Notepad: Save as, Encoding: UTF-8)", ZH: "请将文件另存为 UTF-8 编码（记事本：另存为 → 编码 → UTF-8）"}
}

// utf8Text is a file as UTF-8: as it is, without a byte order mark, or converted from
// UTF-16 that has one. line is that of the first byte that is none of these; 0: none.
func utf8Text(file []byte) (text []byte, line int) {
	big, little := bytes.HasPrefix(file, []byte{0xfe, 0xff}), bytes.HasPrefix(file, []byte{0xff, 0xfe})
	if (big || little) && len(file)%2 == 0 {
		units := make([]uint16, 0, len(file)/2)
		for i := 2; i+1 < len(file); i += 2 {
			unit := uint16(file[i])<<8 | uint16(file[i+1])
			if little {
				unit = uint16(file[i+1])<<8 | uint16(file[i])
			}
			units = append(units, unit)
		}
		return []byte(string(utf16.Decode(units))), 0
	}
	file = bytes.TrimPrefix(file, []byte("\ufeff"))
	for i := 0; i < len(file); {
		r, size := utf8.DecodeRune(file[i:])
		if r == utf8.RuneError && size == 1 || r == 0 { // 0: UTF-16 without a mark
			return nil, 1 + bytes.Count(file[:i], []byte("\n"))
		}
		i += size
	}
	return file, 0
}

// largestSecret is how long the file of a secret may be.
const largestSecret = 64 << 10

// fromFile is what ${file:PATH} stands for: the text of a file without the line end that
// editors put there. A relative path stands beside the configuration file. Nothing of
// the content is ever quoted.
func (v value) fromFile(name string) (string, error) {
	path := strings.TrimSpace(name)
	if path == "" {
		return "", v.fail(attendance.Text{EN: "write ${file:PATH}", ZH: "请写成 ${file:路径}"}, "a ${file: names no file")
	}
	if !filepath.IsAbs(path) {
		path = filepath.Join(filepath.Dir(v.file.name), path)
	}
	file, err := os.Open(path) //nolint:gosec // the operator names the file
	if err != nil {
		return "", v.fail(attendance.Text{EN: "check the path and whether this program's account may read the file", ZH: "请检查路径，以及运行本程序的账号能否读取该文件"},
			"the file %s cannot be read: %s", path, reasonOf(err))
	}
	defer file.Close()
	content, err := io.ReadAll(io.LimitReader(file, largestSecret+1))
	if err != nil {
		return "", v.fail(attendance.Text{EN: "name a file that can be read", ZH: "请指定可读取的文件"}, "the file %s cannot be read: %s", path, reasonOf(err))
	}
	text, line := utf8Text(content)
	switch {
	case len(content) > largestSecret:
		return "", v.fail(attendance.Text{EN: "let it hold the secret alone", ZH: "该文件应只含密钥本身"}, "the file %s is longer than %d bytes", path, largestSecret)
	case line > 0:
		return "", v.fail(saveAsUTF8(), "the file %s is not UTF-8 text", path)
	}
	return strings.TrimRight(string(text), "\r\n"), nil
}

// reasonOf is why a file cannot be used, without its name.
func reasonOf(err error) string {
	if e, ok := errors.AsType[*os.PathError](err); ok {
		return e.Err.Error()
	}
	return err.Error()
}
