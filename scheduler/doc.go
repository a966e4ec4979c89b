// Package scheduler starts jobs at their times: for hosts that have no scheduler of
// their own. A job is a func(context.Context) error, so the same job can be handed to
// any other runtime instead.
//
//	daily := scheduler.Job{Name: "hq", Schedule: scheduler.Daily(23, 30, shanghai), Run: sync}
//	err := scheduler.Run(ctx, nil, daily) // blocks until ctx ends and all runs have returned
//
// # The rules
//
// Each job by itself, and for each of its scheduled times:
//
//   - It is run once, however many processes schedule the job, if they share an
//     [attendance.TickStore] ([Options.Ticks]). Times are told apart by the second.
//   - A run that is still going is not started a second time: the scheduled time is
//     skipped, and told. Runs of other processes are seen with an
//     [attendance.LeaseStore] ([Options.Leases]).
//   - Missed times (the process was down or asleep, the store could not be reached, the
//     clock was set ahead) are made up for by one run, that of the latest of them, within
//     [Job.MissedWithin]. A job that closes its gaps by itself needs no more than one.
//     What was missed before the process began is known only with [Options.Ticks].
//   - A clock that is set back runs no scheduled time again.
//   - Where a zone's clock is put forward over a time of [Daily], the run comes right
//     after; where it is put back, the run comes once, at the first of the two.
//   - A run that was cut off, because its process died or was stopped, is run once more by
//     whichever process notices, with both stores; without them, the next scheduled time
//     makes up for it.
//   - A panic is the error of the run that panicked ([PanicError]).
//   - A run whose [Job.TimeLimit] is over has its context cancelled.
//   - A job that fails is not repeated before its next time.
//
// # Clocks
//
// The time of day is [Options.Now]. Waiting is by the real clock, at most a minute at a
// time, after which the time of day is read again: a clock that was set, and a machine
// that slept, are noticed within a minute. In a bubble of testing/synctest both are
// virtual.
//
// A claim in the store that lies more than a day ahead was made by a clock that was
// wrong; it is told ([Trouble]) and not believed, or a machine that once woke in the
// wrong year would silence the job until then. Until the wrong time is a day away,
// claims are kept beside it.
//
// # Guests
//
// The package keeps no global state, handles no signals, prints nothing, knows no time
// zone that it was not given, and leaves no goroutine behind when [Scheduler.Run] returns.
package scheduler
