package main

import (
	"os"
	"path/filepath"

	"github.com/punchbridge/punchbridge/attendance"
)

// logTrouble says why the file of -log cannot be written; it names its folder.
func logTrouble(name string, err error) error {
	if absolute, absErr := filepath.Abs(name); absErr == nil {
		name = absolute
	}
	return usagef("-log: the file %s cannot be written in the folder %s: %s", filepath.Base(name), filepath.Dir(name), reasonOf(err))
}

// folderOf is the trouble with the folder of an OA's database that is a file.
func (p *program) folderOf(o *oaConfig) *attendance.Error {
	if o.driver != "sqlite" {
		return nil
	}
	if _, file, err := sqliteDSN(o.dsn, filepath.Dir(p.config.file)); err == nil { // an error is told already
		return folderTrouble(file)
	}
	return nil
}

// folderTrouble says why a database that is a file cannot be written, where that is a
// matter of its folder: SQLite makes its journal beside the file, and says only that
// the file cannot be opened. nil where the folder is in order.
func folderTrouble(file string) *attendance.Error {
	folder := filepath.Dir(file)
	fail := func(what string, err error) *attendance.Error {
		return &attendance.Error{Code: attendance.CodeStoreDown, Op: "sqlite", Detail: "the folder " + folder + " " + what, Err: err, Mend: attendance.Text{
			EN: "let this program's account write in the folder " + folder + " (the database's journal is made there), or name another place",
			ZH: "请允许运行本程序的账号写入文件夹 " + folder + "（数据库日志文件也建在其中），或改用其他位置"}}
	}
	switch info, err := os.Stat(folder); {
	case err != nil:
		return fail("cannot be used: "+reasonOf(err), err)
	case !info.IsDir():
		return fail("is no folder", nil)
	}
	if info, err := os.Stat(file); err == nil && info.IsDir() {
		return &attendance.Error{Code: attendance.CodeStoreDown, Op: "sqlite", Detail: file + " is a folder, not a database", Mend: attendance.Text{
			EN: "name a file in it", ZH: "请写其中的文件名"}}
	}
	probe, err := os.CreateTemp(folder, ".bridge-probe-*")
	if err != nil {
		return fail("cannot be written: "+reasonOf(err), err)
	}
	_ = probe.Close()
	_ = os.Remove(probe.Name())
	return nil
}
