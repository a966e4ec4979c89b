package dbtest

import (
	"context"
	"strconv"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/punchbridge/punchbridge/oasink"
	"github.com/punchbridge/punchbridge/oasink/ecologytest"
)

// BenchmarkLedger is a first load and an unchanged re-run of 1,400 punches with
// record ids, side by side without a ledger and with one, and with one a run that
// moves each row to another person.
func BenchmarkLedger(b *testing.B) {
	for _, e := range engines() {
		b.Run(e.name, func(b *testing.B) {
			e.needed(b)
			benchmarkLedger(b, e)
		})
	}
}

func benchmarkLedger(b *testing.B, e engine) {
	d := e.found(b, ecologytest.Schema{Generation: oasink.E8})
	db := d.pool(b)
	plain, kept := d.sink(b, nil), d.sink(b, &oasink.LedgerOptions{})
	batch := fifty()
	batch.Run = "bench"
	for i := range batch.Punches {
		batch.Punches[i].ID = strconv.Itoa(300_000_000_000 + 7*i)
	}
	empty := func() {
		e.exec(b, db, "DELETE FROM HrmScheduleSign", "DELETE FROM punchbridge_rows", "DELETE FROM punchbridge_reads", "DELETE FROM punchbridge_changes")
	}
	took := make(map[string]time.Duration)
	write := func(name string, s *oasink.Sink, person int) {
		batch.ReadAt = batch.ReadAt.Add(time.Second)
		for i := range batch.Members {
			batch.Members[i].Person = itoa(person + i)
		}
		began := time.Now()
		w, err := s.Write(context.Background(), batch)
		took[name] += time.Since(began)
		require.NoError(b, err)
		require.Equal(b, len(batch.Punches), w.Written+w.Present)
	}
	for b.Loop() {
		empty()
		write("new", plain, 101)
		write("unchanged", plain, 101)
		empty()
		write("new+ledger", kept, 101)
		write("unchanged+ledger", kept, 101)
		write("moved+ledger", kept, 501)
	}
	for name, d := range took {
		b.ReportMetric(float64(d.Nanoseconds())/float64(b.N)/float64(len(batch.Punches)), name+"-ns/punch")
	}
	b.ReportMetric(0, "ns/op")
}
