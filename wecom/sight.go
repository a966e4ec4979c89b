package wecom

import (
	"strings"
	"sync"
	"time"

	"github.com/punchbridge/punchbridge/attendance"
)

// singlesRefused is how many different single userids have to be refused with
// 60011, after a whole batch was, to take it for the application's fault.
const singlesRefused = 3

// sight tells the two meanings of 60011 apart. The pages have it for a member
// outside the application's visible range, which is that member's matter and for
// the Syncer to find; but an application that is not listed under 可调用接口的应用
// was seen to get it too, for whomever it asks, and searching for the guilty among
// thousands would get the address shut out. So while WeCom has answered a check-in
// call within the hour, 60011 is about people; before that, three single ones,
// whom the Syncer takes from far apart, decide.
type sight struct {
	clock func() time.Time

	mu       sync.Mutex
	answered time.Time
	batch    bool
	alone    map[string]struct{}
}

// judge looks at the outcome of a check-in call for some accounts and returns the
// error that it stands for.
func (s *sight) judge(accounts []string, err error) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	switch {
	case err == nil:
		s.answered, s.batch, s.alone = s.clock(), false, nil
		return nil
	case apiCode(err) != codeNoRight || !s.answered.IsZero() && s.clock().Sub(s.answered) < time.Hour:
		return err
	case len(accounts) > 1:
		s.batch = true
		return err
	}
	if s.alone == nil {
		s.alone = make(map[string]struct{}, singlesRefused)
	}
	s.alone[strings.ToLower(accounts[0])] = struct{}{}
	if !s.batch || len(s.alone) < singlesRefused {
		return err
	}
	return notCallable(err)
}

// notCallable is the error where 60011 is the application's matter.
func notCallable(err error) error {
	return &attendance.Error{
		Code: attendance.CodePermission, Op: "wecom " + pathCheckIns, Mend: callableMend(), Err: err,
		Detail: "WeCom refuses whoever is asked for, all together and one by one: the application may not read check-ins, or its visible range lacks these people",
	}
}
