// Command own-provider shows how a platform of one's own is added: acme.go is the
// provider, one type with three methods, and acme_test.go proves it with one call of
// providertest.Run. row.go reads acme's rows and codes; platform.go is a fake acme.
//
//	go run ./examples/own-provider
package main

import (
	"context"
	"fmt"
	"io"
	"os"
	"strconv"
	"time"

	"github.com/punchbridge/punchbridge/attendance"
	"github.com/punchbridge/punchbridge/attendance/attendancetest"
)

func main() {
	if err := run(context.Background(), os.Stdout); err != nil {
		fmt.Fprintln(os.Stderr, "own-provider:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, out io.Writer) error {
	zone := time.FixedZone("Asia/Shanghai", 8*3600) // a real program: time.LoadLocation
	platform, staff := NewPlatform(), []attendance.Member{}
	monday := attendance.Date{Year: 2026, Month: 3, Day: 2}
	for i := range 120 {
		account := fmt.Sprintf("u%03d", i)
		staff = append(staff, attendance.Member{Person: strconv.Itoa(i + 1), Account: account})
		for day := range 5 {
			morning := monday.Add(day).In(zone).Add(9*time.Hour - time.Duration(i)*time.Second)
			platform.Put(attendance.Punch{ID: fmt.Sprint(i, "-", day, "-in"), Account: account, Time: morning, Direction: attendance.In},
				attendance.Punch{ID: fmt.Sprint(i, "-", day, "-out"), Account: account, Time: morning.Add(9 * time.Hour), Direction: attendance.Out})
		}
	}

	oa := &attendancetest.Sink{} // in memory; a real program: oasink.New
	syncer := attendance.NewSyncer(NewPunches(secret, platform.Transport()), oa, &attendance.Options{Job: "acme"})
	for range 2 {
		report, err := syncer.Run(ctx, attendance.Members(staff...), attendance.Days(monday, monday.Add(44), zone)) // longer than acme takes in one call
		if err != nil {
			return err
		}
		fmt.Fprintf(out, "%v; %d people, %d slices, %d calls\n", report, report.People, report.Slices, report.Calls)
	}
	return nil
}
