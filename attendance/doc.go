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
// The package imports the standard library only, keeps no global state, starts
// no goroutine that outlives the call that started it, prints nothing and never
// uses the machine's time zone.
package attendance
