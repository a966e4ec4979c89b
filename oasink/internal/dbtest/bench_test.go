package dbtest

import (
	"context"
	"database/sql"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/punchbridge/punchbridge/attendance"
	"github.com/punchbridge/punchbridge/oasink"
	"github.com/punchbridge/punchbridge/oasink/ecologytest"
)

// fifty is what one DingTalk query answers at most: 50 people, 7 days, 4 punches
// a day, 1,400 in all.
func fifty() attendance.Batch {
	b := attendance.Batch{Source: "dingtalk", Span: week(), ReadAt: now()}
	for i := range 50 {
		person := 101 + i
		b.Members = append(b.Members, attendance.Member{Person: itoa(person), Account: "u" + itoa(person)})
		for day := range 7 {
			for n := range 4 {
				p := punch(person, at(2+day, 8+3*n, i, n), attendance.In)
				if n%2 == 1 {
					p.Direction = attendance.Out
				}
				p.Place = attendance.Place{Address: "浙江省杭州市余杭区文一西路 969 号 3 号楼", Longitude: 120.017139, Latitude: 30.285413, Located: true}
				b.Punches = append(b.Punches, p)
			}
		}
	}
	return b
}

// BenchmarkWrite compares Write of 1,400 punches with the same rows inserted
// through the bare driver: one transaction, multi-row statements, bound arguments.
func BenchmarkWrite(b *testing.B) {
	for _, journal := range journals() {
		pragma := "_pragma=journal_mode(" + journal + ")"
		setup := func(b *testing.B) (*oasink.Sink, *sql.DB) {
			path := file(b)
			db := open(b, path, pragma)
			_, err := ecologytest.New(context.Background(), db, ecologytest.Schema{Generation: oasink.E8})
			require.NoError(b, err)
			return sink(b, db, nil), db.DB
		}
		empty := func(b *testing.B, db *sql.DB) {
			b.StopTimer()
			_, err := db.Exec("DELETE FROM HrmScheduleSign")
			require.NoError(b, err)
			b.StartTimer()
		}
		batch := fifty()
		b.Run(journal+"/new", func(b *testing.B) {
			s, db := setup(b)
			for b.Loop() {
				empty(b, db)
				w, err := s.Write(context.Background(), batch)
				require.NoError(b, err)
				require.Equal(b, len(batch.Punches), w.Written)
			}
			perPunch(b, batch)
		})
		b.Run(journal+"/new/driver", func(b *testing.B) {
			_, db := setup(b)
			for b.Loop() {
				empty(b, db)
				bare(b, db, batch)
			}
			perPunch(b, batch)
		})
		b.Run(journal+"/unchanged", func(b *testing.B) {
			s, _ := setup(b)
			_, err := s.Write(context.Background(), batch)
			require.NoError(b, err)
			for b.Loop() {
				w, err := s.Write(context.Background(), batch)
				require.NoError(b, err)
				require.Equal(b, len(batch.Punches), w.Present)
			}
			perPunch(b, batch)
		})
	}
}

func perPunch(b *testing.B, batch attendance.Batch) {
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/float64(len(batch.Punches)), "ns/punch")
}

// bare inserts the batch's rows with nothing but the driver.
func bare(b *testing.B, db *sql.DB, batch attendance.Batch) {
	const perStatement = 100
	ctx := context.Background()
	c, err := db.Conn(ctx)
	require.NoError(b, err)
	defer c.Close()
	_, err = c.ExecContext(ctx, "BEGIN IMMEDIATE")
	require.NoError(b, err)
	row := "(?,'1',?,?,?,'1','from_dd',?,?,?)"
	stmt, err := c.PrepareContext(ctx, "INSERT INTO HrmScheduleSign (userId,userType,signType,signDate,signTime,isInCom,signFrom,LONGITUDE,LATITUDE,ADDR) VALUES "+
		strings.TrimSuffix(strings.Repeat(row+",", perStatement), ","))
	require.NoError(b, err)
	defer stmt.Close()
	args := make([]any, 0, 7*perStatement)
	for i := range batch.Punches {
		p := &batch.Punches[i]
		sign := "1"
		if p.Direction == attendance.Out {
			sign = "2"
		}
		args = append(args, 101+i/28, sign, p.Time.Format(time.DateOnly), p.Time.Format(time.TimeOnly),
			fmt.Sprint(p.Place.Longitude), fmt.Sprint(p.Place.Latitude), p.Place.Address)
		if len(args) == cap(args) {
			_, err := stmt.ExecContext(ctx, args...)
			require.NoError(b, err)
			args = args[:0]
		}
	}
	_, err = c.ExecContext(ctx, "COMMIT")
	require.NoError(b, err)
}
