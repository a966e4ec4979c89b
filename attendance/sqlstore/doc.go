// Package sqlstore remembers what runs learn in tables of its own, in a database of
// the host's choice: SQLite 3.24, PostgreSQL 10, MySQL 5.7 or MariaDB 10.2, each or
// later. It may be the OA's own database. [Store] plays every role of
// [attendance.Store], for any number of processes at once:
//
//	state, err := sqlstore.New(ctx, db, nil) // db is the host's *bun.DB
//	syncer := attendance.NewSyncer(ding.Punches(), oa, &attendance.Options{Job: "hq", Memory: attendance.Remember(state)})
//
// # Tables
//
// Their names begin with Options.Prefix. New makes them, or brings them up to date,
// where the account may; else an administrator runs [Statements] once. The account
// then needs SELECT, INSERT, UPDATE and DELETE on them, nothing more.
//
// Names, ids and texts are kept as bytes (VARBINARY and MEDIUMBLOB, bytea, BLOB),
// whole, because the usual collations take Zhang for zhang and "a " for "a", and
// because no character set, SQL mode or setting of the connection then matters; on
// PostgreSQL convert_from(person, 'UTF8') shows them. Persons, accounts, ids of runs,
// names of jobs, leases, corps, targets and units are at most [KeyLimit] bytes long;
// longer ones are an error. Reports are kept as JSON text in ASCII. Instants are
// numbers of seconds since 1970 (UTC), those of leases milliseconds, days are numbers
// such as 20260302; the zero time is -62135596800.
//
// # Several processes
//
// Every change is one transaction, which locks the row of its stream, lease, job or
// budget before it reads (on SQLite the database): changes of two processes are both
// kept. A busy database is waited for, and a transaction that was rolled back by a
// deadlock or whose connection broke begins again, for up to Options.Patience.
package sqlstore
