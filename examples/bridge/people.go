package main

import (
	"context"
	"iter"

	"github.com/punchbridge/punchbridge/attendance"
	"github.com/punchbridge/punchbridge/oasink"
)

// people are those whose punches the job fetches, with a warning first where nobody looks
// whether the platform has their accounts.
func (w *work) people(units oasink.Units) attendance.Scope {
	if warning, ok := w.unread(); ok {
		return warnedScope{w.scope(units), warning}
	}
	return w.scope(units)
}

// unread warns of bound_only: false.
func (w *work) unread() (attendance.Warning, bool) {
	b := w.job.binding
	if b.by == "file" {
		return attendance.Warningf("directory_unread",
			"未读取平台通讯录（bound_only: false），绑定文件中的账号未经核对，直接查询 / the platform's directory is not read (bound_only: false): the accounts of the list of bindings are asked for unread"), !b.boundOnly
	}
	return attendance.Warningf("directory_unread",
		"未读取平台通讯录（bound_only: false），直接以 OA 的 %s 为账号查询，未经核对 / the platform's directory is not read (bound_only: false): the OA's own %s is taken as the account, unread",
		b.by, b.by), !b.boundOnly
}

// A warnedScope is a scope of which something is to be said first.
type warnedScope struct {
	scope   *oasink.Scope
	warning attendance.Warning
}

// Members implements [attendance.Scope].
func (s warnedScope) Members(ctx context.Context) iter.Seq2[attendance.Member, error] {
	return func(yield func(attendance.Member, error) bool) {
		if !yield(attendance.Member{}, s.warning) {
			return
		}
		for m, err := range s.scope.Members(ctx) {
			if !yield(m, err) {
				return
			}
		}
	}
}

// Unwrap returns the scope, so that its roles are found ([attendance.As]).
func (s warnedScope) Unwrap() any { return s.scope }
