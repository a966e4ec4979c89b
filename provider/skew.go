package provider

import (
	"fmt"
	"net/http"
	"sync"
	"time"

	"github.com/punchbridge/punchbridge/attendance"
)

// A ClockSkew remembers how far a platform's clock is ahead of the real one, by
// the Date headers of its answers. The zero value is ready; it is safe for
// concurrent use.
type ClockSkew struct {
	mu    sync.Mutex
	ahead time.Duration
	known bool
}

// Note reads the Date header of an answer. One without changes nothing.
func (s *ClockSkew) Note(r Reply) {
	date, err := http.ParseTime(r.Header.Get("Date"))
	if err != nil || r.ReceivedAt.IsZero() {
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.ahead, s.known = date.Sub(r.ReceivedAt), true
}

// ClockAhead is how far the platform's clock was ahead of the real one at the last
// answer; known is false while none has come. It implements the role
// [attendance.ClockWitness] for providers that hold a ClockSkew.
func (s *ClockSkew) ClockAhead() (ahead time.Duration, known bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.ahead, s.known
}

// Findings compares the clocks, for a check: one finding of code clock, or none
// while no answer has come. platform is what people call the platform.
func (s *ClockSkew) Findings(platform attendance.Text) []attendance.Finding {
	ahead, known := s.ClockAhead()
	if !known {
		return nil
	}
	off := ahead.Round(time.Second)
	if off.Abs() <= attendance.AllowedSkew {
		return []attendance.Finding{attendance.FindingOK("clock", attendance.Text{
			EN: "this machine's clock agrees with " + platform.EN + "'s", ZH: "本机时钟与" + platform.ZH + "一致"})}
	}
	en, zh := "behind", "慢"
	if off < 0 {
		en, zh = "ahead of", "快"
	}
	return []attendance.Finding{{
		Code:  "clock",
		Level: attendance.LevelWarning,
		Message: attendance.Text{
			EN: fmt.Sprintf("this machine's clock is %v %s %s's", off.Abs(), en, platform.EN),
			ZH: fmt.Sprintf("本机时钟比%s%s %v", platform.ZH, zh, off.Abs()),
		},
		Mend: attendance.Text{
			EN: "set the clock, best by NTP: days begin and end by it, and punches later than it are skipped",
			ZH: "请校准本机时间（建议启用 NTP）：同步的日期范围以本机时间为准，晚于本机时间的打卡会被跳过",
		},
	}}
}
