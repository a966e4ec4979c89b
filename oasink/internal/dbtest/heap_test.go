package dbtest

import (
	"fmt"
	"testing"
)

// BenchmarkLiveHeap is the largest live heap of a sync of one day, above what the
// fake DingTalk and the database hold, for two sizes of company. The difference a
// person must stay below 200 bytes: what binds people grows, nothing else.
func BenchmarkLiveHeap(b *testing.B) {
	for _, people := range []int{10_000, 100_000} {
		b.Run(fmt.Sprintf("%d_people", people), func(b *testing.B) {
			var peak uint64
			for b.Loop() {
				peak = max(peak, livePeak(b, people, 2))
			}
			b.ReportMetric(float64(peak)/(1<<20), "live-MiB")
			b.ReportMetric(float64(peak)/float64(people), "live-B/person")
		})
	}
}
