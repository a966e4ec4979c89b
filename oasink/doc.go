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
// deleted, unless the host asks for a ledger ([LedgerOptions]), which proves the rows
// that are our own. On e-cology 9, whose reports show computed days, each changed
// person-day and its neighbours are queued for recalculation (kq_format_pool) in
// the same transaction, a day that is not over yet also for later. A site's own address
// ([RecalculateURL]) or a function of the host can be told of them instead, at least once
// ([attendance.NewRecalculation]).
//
// # How it is written
//
// A batch is one transaction on one connection, which takes a lock that excludes
// every other writer of this library before its first read: two processes that
// write the same batch at once write it once, and a killed one leaves nothing half
// written and no lock behind. The legacy tables have no unique key, so this lock is
// what makes a punch one row. It is the write lock of an SQLite file, an advisory
// lock on PostgreSQL (pg_advisory_xact_lock), a user lock on MySQL and MariaDB
// (GET_LOCK; it is of one server, so let all writers of a cluster use the same
// node), an application lock on SQL Server (sp_getapplock), a lock on the table
// HrmSubCompany on Oracle (LOCK TABLE; it stops no user of the OA). A connection that breaks is replaced and the batch begun again; what may
// have been stored before is looked up, not written again.
//
// Tables and columns are probed when the [Sink] is made, in whatever case they are
// spelt, and only columns that exist are written: the tables of e-cology 7, 8 and 9
// differ, and sites add their own. Values reach the database only as bound
// arguments, or as literals of letters and digits that mean the same in every SQL
// mode. Rows are inserted on the driver's connection, below bun: on SQLite that
// costs a tenth more than the bare driver, text formatted by bun two thirds more
// (BenchmarkWrite). The host's query hooks therefore see the transaction and every
// read in it, but neither the inserts nor the probing.
//
// # Secrets
//
// No error, log line or finding tells what a driver says of connecting, logging in or
// reading the dsn, which holds the password: the number and the class are told (package
// attendance/redact). bun's own dialects for MySQL and SQL Server ask the server for its
// version when they are made, and write to the standard logger, in the driver's words,
// that they could not: a host that keeps its log clean gives that another output
// (log.SetOutput) before it calls bun.NewDB.
//
// # Databases
//
// Everything that differs between databases stands behind one small interface.
// Supported, with any driver: SQLite 3.16, MySQL 5.7, MariaDB 10.2 and PostgreSQL
// 9.6 or later. All tests run on SQLite, MariaDB 10.11 and PostgreSQL 15; MySQL
// itself, which shares MariaDB's protocol and statements, was run nowhere yet.
// SQL Server 2008 and Oracle 11.2 or later are written from their documentation and
// have not met a server yet: docs/design.md says how far they are proven. Not
// supported: databases that only speak one of these protocols (达梦, 人大金仓,
// GaussDB, TiDB, OceanBase).
package oasink
