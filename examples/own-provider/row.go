package main

import (
	"time"

	"github.com/punchbridge/punchbridge/attendance"
	"github.com/punchbridge/punchbridge/provider"
)

// read turns a row of acme into a punch.
func read(row []byte) attendance.Punch {
	punch := attendance.Punch{Kind: attendance.Regular}
	for key, value := range provider.Object(row) {
		switch string(key) {
		case "id":
			punch.ID = provider.Text(value)
		case "user":
			punch.Account = provider.Text(value)
		case "time":
			seconds, _ := provider.Int(value)
			punch.Time = time.Unix(seconds, 0)
		case "in":
			if punch.Direction = attendance.Out; string(value) == "true" {
				punch.Direction = attendance.In
			}
		}
	}
	return punch
}

// classify gives acme's codes a meaning. An answer without what it must hold is none: an
// empty success has to be one.
func classify(r provider.Reply) error {
	if err := provider.NotJSON(r); err != nil {
		return err
	}
	e := &attendance.Error{Code: attendance.CodeUnknown, Detail: provider.Text(provider.Member(r.Body, "message"))}
	code, known := provider.Int(provider.Member(r.Body, "code"))
	switch {
	case !known, code == 0 && provider.Member(r.Body, "rows") == nil && provider.Member(r.Body, "token") == nil:
		e.Code, e.Detail = attendance.CodeMalformed, "an answer without its content"
	case code == 0:
		return nil
	case code == 401:
		e.Code = attendance.CodeCredentials
	case code == 402:
		e.Code, e.Err = attendance.CodeCredentials, provider.ErrToken // fresh tokens are tried
	case code == 403:
		e.Code = attendance.CodePermission
	case code == 404:
		e.Code = attendance.CodeAccount // the Syncer finds out which
	case code == 429:
		e.Code = attendance.CodeThrottled
	case code == 503:
		e.Code = attendance.CodeUnavailable
	}
	return e
}
