package dbtest

import (
	"context"
	"database/sql"
	"fmt"
	"io"
	"strings"
	"testing"
	"time"

	"github.com/go-sql-driver/mysql"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/stdlib"
	"github.com/stretchr/testify/require"

	"github.com/punchbridge/punchbridge/attendance"
	"github.com/punchbridge/punchbridge/oasink"
	"github.com/punchbridge/punchbridge/oasink/ecologytest"
)

// hundred is what one WeCom query answers: 100 people, 30 days, 4 punches a day.
func hundred() attendance.Batch {
	b := attendance.Batch{Source: "wecom", Span: attendance.Span{From: at(1, 0, 0, 0), To: at(31, 0, 0, 0)}, ReadAt: now()}
	for i := range 100 {
		person := 101 + i
		b.Members = append(b.Members, attendance.Member{Person: itoa(person), Account: "u" + itoa(person)})
		for day := range 30 {
			for n := range 4 {
				p := place(punch(person, at(1+day, 8+3*n, i%60, n), attendance.Direction(1+n%2)))
				b.Punches = append(b.Punches, p)
			}
		}
	}
	return b
}

// BenchmarkLoad is a first load (compare included) and an unchanged re-run of one
// batch into each database, E8 tables with the vendor's three indexes, beside the
// fastest that the raw driver does with the same rows in the same run: limit.
func BenchmarkLoad(b *testing.B) {
	for _, e := range engines() {
		for _, batch := range []attendance.Batch{fifty(), hundred()} {
			b.Run(fmt.Sprintf("%s/%d_rows", e.name, len(batch.Punches)), func(b *testing.B) {
				e.needed(b)
				benchmarkLoad(b, e, batch)
			})
		}
	}
}

func benchmarkLoad(b *testing.B, e engine, batch attendance.Batch) {
	ctx := context.Background()
	d := e.found(b, ecologytest.Schema{Generation: oasink.E8})
	db := d.pool(b)
	s := sink(b, db, nil)
	bareInto := map[string]func(*testing.B, *sql.DB, attendance.Batch){sqliteName: bare, mariadbName: bareMariaDB, postgresName: barePostgres}[e.name]
	empty := func() {
		e.exec(b, db, "sqlite: DELETE FROM HrmScheduleSign", "mariadb: TRUNCATE TABLE HrmScheduleSign", "postgres: TRUNCATE TABLE HrmScheduleSign")
	}
	var first, again, limit time.Duration
	for b.Loop() {
		empty()
		began := time.Now()
		bareInto(b, db.DB, batch)
		limit += time.Since(began)

		empty()
		began = time.Now()
		w, err := s.Write(ctx, batch)
		first += time.Since(began)
		require.NoError(b, err)
		require.Equal(b, len(batch.Punches), w.Written)

		began = time.Now()
		w, err = s.Write(ctx, batch)
		again += time.Since(began)
		require.NoError(b, err)
		require.Equal(b, len(batch.Punches), w.Present)
	}
	rows := float64(b.N) * float64(len(batch.Punches))
	b.ReportMetric(rows/limit.Seconds(), "limit-rows/s")
	b.ReportMetric(rows/first.Seconds(), "first-rows/s")
	b.ReportMetric(0, "ns/op") // which counts the emptying too
	b.ReportMetric(rows/again.Seconds(), "unchanged-rows/s")
	b.ReportMetric(limit.Seconds()/first.Seconds(), "first/limit")
	b.ReportMetric(first.Seconds()/again.Seconds(), "unchanged/first")
}

func columnsOfBare() []string {
	return []string{"userid", "usertype", "signtype", "signdate", "signtime", "isincom", "signfrom", "longitude", "latitude", "addr"}
}

func rowOfBare(p *attendance.Punch) []any {
	sign := "1"
	if p.Direction == attendance.Out {
		sign = "2"
	}
	var person int
	_, _ = fmt.Sscanf(p.Account, "u%d", &person)
	return []any{person, "1", sign, p.Time.Format(time.DateOnly), p.Time.Format(time.TimeOnly), "1", "from_dd",
		fmt.Sprint(p.Place.Longitude), fmt.Sprint(p.Place.Latitude), p.Place.Address}
}

// barePostgres loads by COPY.
func barePostgres(b *testing.B, db *sql.DB, batch attendance.Batch) {
	c, err := db.Conn(context.Background())
	require.NoError(b, err)
	defer c.Close()
	err = c.Raw(func(driver any) error {
		_, err := driver.(*stdlib.Conn).Conn().CopyFrom(context.Background(), pgx.Identifier{"hrmschedulesign"}, columnsOfBare(),
			pgx.CopyFromSlice(len(batch.Punches), func(i int) ([]any, error) { return rowOfBare(&batch.Punches[i]), nil }))
		return err
	})
	require.NoError(b, err)
}

// bareMariaDB loads by LOAD DATA LOCAL.
func bareMariaDB(b *testing.B, db *sql.DB, batch attendance.Batch) {
	var text strings.Builder
	for i := range batch.Punches {
		for j, v := range rowOfBare(&batch.Punches[i]) {
			if j > 0 {
				text.WriteByte('\t')
			}
			fmt.Fprint(&text, v)
		}
		text.WriteByte('\n')
	}
	mysql.RegisterReaderHandler("load", func() io.Reader { return strings.NewReader(text.String()) })
	defer mysql.DeregisterReaderHandler("load")
	_, err := db.Exec("LOAD DATA LOCAL INFILE 'Reader::load' INTO TABLE HrmScheduleSign CHARACTER SET utf8mb4 (" + strings.Join(columnsOfBare(), ", ") + ")")
	require.NoError(b, err)
}
