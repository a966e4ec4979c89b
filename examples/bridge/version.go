package main

import (
	"cmp"
	"fmt"
	"runtime"
	"runtime/debug"
)

// What the linker sets: -ldflags "-X main.version=v1.2.3 -X main.commit=0123abcd".
//
//nolint:gochecknoglobals // the linker sets variables only
var version, commit string

// build is what this program was made of.
type build struct {
	Version string `json:"version"`
	Commit  string `json:"commit"`
	Go      string `json:"go"`
	Target  string `json:"target"`
}

// thisBuild is what the linker was told, else what the Go command noted.
func thisBuild() build {
	b := build{version, commit, runtime.Version(), runtime.GOOS + "/" + runtime.GOARCH}
	if info, ok := debug.ReadBuildInfo(); ok {
		b.Version = cmp.Or(b.Version, info.Main.Version)
		if b.Commit == "" {
			b.Commit = revision(info.Settings)
		}
	}
	b.Version, b.Commit = cmp.Or(b.Version, "(devel)"), cmp.Or(b.Commit, "unknown")
	return b
}

// revision is the commit that the Go command noted, shortened, and whether files were
// changed since.
func revision(settings []debug.BuildSetting) string {
	var revision, modified string
	for _, s := range settings {
		switch {
		case s.Key == "vcs.revision":
			revision = s.Value[:min(len(s.Value), 12)]
		case s.Key == "vcs.modified" && s.Value == "true":
			modified = "-modified"
		}
	}
	if revision == "" {
		return ""
	}
	return revision + modified
}

func (b build) String() string {
	return fmt.Sprintf("bridge %s (commit %s, %s, %s)", b.Version, b.Commit, b.Go, b.Target)
}

// version prints what this program is.
func (p *program) version() int {
	if p.command.json {
		p.print(thisBuild())
	} else {
		fmt.Fprintln(p.out, thisBuild())
	}
	return exitDone
}
