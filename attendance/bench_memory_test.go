package attendance_test

import (
	"context"
	"testing"
	"time"

	"github.com/punchbridge/punchbridge/attendance"
	"github.com/punchbridge/punchbridge/attendance/attendancetest"
)

// BenchmarkDailyRun is the daily run over 10,000 people who all punched, with
// nothing new: what the engine costs beside the platform and the database, without a
// memory and with one.
func BenchmarkDailyRun(b *testing.B) {
	people := staff(10000)
	provider := attendancetest.NewProvider("dingtalk", weekLimits)
	punchDaily(provider, people, date(3, 1), date(3, 20))
	for name, memory := range map[string]attendance.Memory{"without memory": {}, "with memory": attendance.Remember(&attendancetest.Store{})} {
		b.Run(name, func(b *testing.B) {
			sink := sinkFunc(func(_ context.Context, batch attendance.Batch) (attendance.Written, error) {
				return attendance.Written{Present: len(batch.Punches)}, nil
			})
			y := attendance.NewSyncer(provider, sink, &attendance.Options{Job: "hq", Now: at(march(20, 23, 30)), Memory: memory})
			b.ReportAllocs()
			for b.Loop() {
				r, err := y.Run(b.Context(), attendance.Members(people...), attendance.SinceMark(6, shanghai()))
				if err != nil || r.People != len(people) {
					b.Fatal(err, r)
				}
			}
			b.ReportMetric(float64(b.Elapsed()/time.Duration(b.N)/time.Duration(len(people))), "ns/person")
		})
	}
}
