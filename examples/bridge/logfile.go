package main

import (
	"os"
	"sync"
)

// maxLog is how large a log may become before it is renamed. There are at most two.
const maxLog = 10 << 20

// A logFile is what -log names. When it is full it becomes FILE.old, in place of the one
// before it, and a new one is begun: services write for years.
type logFile struct {
	name string
	most int64

	mu   sync.Mutex
	file *os.File
	size int64
}

func openLog(name string) (*logFile, error) {
	l := &logFile{name: name, most: maxLog}
	return l, l.open()
}

func (l *logFile) open() error {
	file, err := os.OpenFile(l.name, os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o640) //nolint:gosec // the operator names it; a group may read it
	if err != nil {
		return err
	}
	l.file, l.size = file, 0
	if info, err := file.Stat(); err == nil {
		l.size = info.Size()
	}
	return nil
}

// Write adds to the file. What cannot be written is dropped: a full disk must not end a
// service.
func (l *logFile) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.size > 0 && l.size+int64(len(p)) > l.most {
		l.turn()
	}
	n, err := l.file.Write(p)
	l.size += int64(n)
	return n, err
}

// turn begins a new file. Where the old one cannot be renamed, because another program
// has it open, it grows on.
func (l *logFile) turn() {
	_ = l.file.Close()
	_ = os.Rename(l.name, l.name+".old")
	if err := l.open(); err == nil { // else the next Write tries again
		l.size = 0 // also of one that could not be renamed: not tried again with every line
	}
}

// Close closes the file.
func (l *logFile) Close() error {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.file.Close()
}
