package dingtalktest

import (
	"time"

	"github.com/punchbridge/punchbridge/provider/fake"
)

// Short names for what nearly every line of the answers is written with.

func appendString(b []byte, s string) []byte            { return fake.AppendString(b, s) }
func appendInts(b []byte, list []int64) []byte          { return fake.AppendInts(b, list) }
func appendStrings(b []byte, list []string) []byte      { return fake.AppendStrings(b, list) }
func appendMillis(b []byte, t time.Time) []byte         { return fake.AppendMillis(b, t) }
func appendFloat(b []byte, f float64, text bool) []byte { return fake.AppendFloat(b, f, text) }
