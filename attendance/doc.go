// Package attendance holds the words and the engine of punchbridge: what a
// punch is, whose punches are asked for, over which days, where they are
// written, and the [Syncer] that does it.
//
// Data flows one way:
//
//	Scope -> Plan -> Slice -> Provider.Fetch -> Batch -> Sink.Write -> Report
//
// A [Scope] streams [Member]s: which person of the OA is which account of the
// platform. A [Window] turns a [Moment] into a [Span]. The Syncer cuts members
// and span into [Slice]s that fit the provider's [Limits], fetches them side by
// side, hands each complete [Answer] to the [Sink] as a [Batch], and counts
// every record and every person in a [Report].
//
// # Memory
//
// A Syncer holds no state between runs. What is to outlive a run goes to a [Memory],
// role by role; [Remember] takes one [Store] for all of them. Then
//
//   - for every person and account it is known what was read ([Coverage]), and for
//     every [Stream] what it owes to everybody: all since its first run over
//     [SinceMark], and what runs over other windows and its own scope have read before. A run over
//     SinceMark reads its look-back for everybody, and of each person what is owed and
//     lacks: an outage, a failed part, the days of somebody who joined or was bound late. People who left are
//     asked for to the end of the day on which they were first missed, while the look-back
//     reaches that day. Accounts that the platform rejects hold nobody up and are tried
//     one by one;
//   - [ReadProgress] derives from that how far the stream has come;
//   - runs and slices stand in the sync log ([RunStore]), and a run over named days that
//     was cut off is gone on with by the next one of the same plan, within seven days;
//   - a second run of the same Job and Target ([Options]) waits for the first ([LeaseStore]);
//     only a re-read ([KindReread]) goes beside them;
//   - days and people far below their usual are warnings (below_usual, silent).
//
// A store that cannot be read ends the run, before its first call or before the next 500
// people; what was read by then is written. One that cannot be told what was done costs no
// punch: the run goes on and ends with the warning not_remembered and an [Incomplete].
//
// The package imports the standard library only, keeps no global state, starts
// no goroutine that outlives the call that started it, prints nothing and never
// uses the machine's time zone.
package attendance
