// Package oasink is the OA side of punchbridge: it writes punches into the
// database of Weaver e-cology (泛微 OA), reads whom to ask for from its staff
// tables, and binds those people to accounts of a platform.
//
//	oa, err := oasink.New(ctx, db, nil) // db is the host's *bun.DB
//	staff := oa.Scope(oasink.Units{Departments: []int64{11, 12}}, oasink.ByWorkcode(ding.Directory()))
//	report, err := attendance.NewSyncer(ding.Punches(), oa, nil).Run(ctx, staff, window)
//
// # What is written
//
// A regular punch with a direction is a row of HrmScheduleSign (签到签退表), a
// punch away from the allowed places and a field check-in is a row of mobile_sign
// (外勤签到). One punch is at most one row: a row that is there already, ours or
// another writer's, is counted and left alone. Nothing is ever changed or
// deleted. On e-cology 9, whose reports show computed days, each changed
// person-day and its neighbours are queued for recalculation (kq_format_pool) in
// the same transaction.
//
// # How it is written
//
// A batch is one transaction on one connection, which takes the database's write
// lock before its first read: two processes that write the same batch at once
// write it once, and a killed one leaves nothing half written. The legacy tables
// have no unique key, so this lock is what makes a punch one row.
//
// Tables and columns are probed when the [Sink] is made, and only columns that
// exist are written: the tables of e-cology 7, 8 and 9 differ, and sites add
// their own. Values reach the database only as bound arguments or as literals that
// bun has escaped. Rows are inserted as bound arguments of a prepared statement on
// the driver's connection, below bun: on SQLite that costs a tenth more than the
// bare driver, text formatted by bun two thirds more (BenchmarkWrite). The host's
// query hooks therefore see the transaction and every read, but not the inserts.
//
// Everything that differs between databases stands behind one small interface.
// Supported now: SQLite.
package oasink
