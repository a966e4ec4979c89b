package main

import (
	"context"
	"io"
	"log"
	"os"
	"strings"
	"time"

	"golang.org/x/sys/windows/svc"
	"golang.org/x/sys/windows/svc/eventlog"
)

// asService runs the program where the service control manager of Windows has started
// it. Stop and shutdown then mean what SIGTERM means elsewhere. What is printed goes to
// the file of -log; without one, and before it is open, to the event log of Windows.
func asService() (code int, is bool) {
	if is, err := svc.IsWindowsService(); err != nil || !is {
		return 0, false
	}
	log.SetOutput(io.Discard) // as in main
	s := &service{args: os.Args[1:], lookup: os.LookupEnv, deadline: stopDeadline}
	if err := svc.Run("", s); err != nil {
		return exitPartial, true
	}
	return s.code, true
}

// A service is the program in the hands of the service control manager.
type service struct {
	args     []string
	lookup   func(string) (string, bool)
	deadline time.Duration // for what hangs when it is to stop
	out      io.Writer     // nil: the event log
	code     int           // how it ended
}

// Execute implements [svc.Handler]. An end that nobody asked for, and one with an exit
// code, are failures to the manager: `sc.exe failure` says what is done then.
func (s *service) Execute(names []string, requests <-chan svc.ChangeRequest, status chan<- svc.Status) (specific bool, code uint32) {
	status <- svc.Status{State: svc.StartPending}
	if s.out == nil {
		s.out = events(names[0])
	}
	ctx, stop := context.WithCancel(context.Background())
	defer stop()
	ended := make(chan int, 1)
	go func() {
		p := &program{out: s.out, err: s.out, lookup: s.lookup}
		ended <- p.main(ctx, s.args)
	}()
	running := svc.Status{State: svc.Running, Accepts: svc.AcceptStop | svc.AcceptShutdown}
	stopping := svc.Status{State: svc.StopPending, WaitHint: uint32((s.deadline + 2*time.Second).Milliseconds())}
	status <- running
	var late <-chan time.Time
	for {
		select {
		case s.code = <-ended:
			if ctx.Err() != nil {
				s.code = exitDone // it was asked to
			}
			return true, uint32(s.code)
		case <-late:
			_, _ = io.WriteString(s.out, hanging+"\n")
			return true, exitDone
		case r := <-requests:
			switch {
			case r.Cmd == svc.Interrogate && ctx.Err() != nil:
				status <- stopping
			case r.Cmd == svc.Interrogate:
				status <- running
			case ctx.Err() == nil && (r.Cmd == svc.Stop || r.Cmd == svc.Shutdown):
				status <- stopping
				stop()
				late = time.NewTimer(s.deadline).C
			}
		}
	}
}

// events writes each line to the event log of Windows, under the service's name.
type events string

// A number that EventCreate.exe has a text for, where it is registered for the name.
const eventID = 1

func (name events) Write(p []byte) (int, error) {
	log, err := eventlog.Open(string(name))
	if err != nil {
		return 0, err
	}
	defer log.Close()
	text := strings.ReplaceAll(strings.TrimSpace(string(p)), "\x00", "")
	if strings.Contains(text, "level=INFO") {
		err = log.Info(eventID, text)
	} else {
		err = log.Warning(eventID, text)
	}
	return len(p), err
}
