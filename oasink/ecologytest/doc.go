// Package ecologytest builds test databases that look like those of Weaver
// e-cology 7, 8 and 9, as far as punches and staff go, and reads back what the OA
// would show of them: [OA.ShownE8], [OA.ShownE9] and [OA.FieldPage] turn "a row
// was inserted" into "the OA would show it".
//
//	oa, err := ecologytest.New(ctx, db, ecologytest.Schema{Generation: oasink.E9})
//	err = oa.AddStaff(ctx, ecologytest.Person{ID: 101, LoginID: "zhangsan", Name: "张三", Department: 11})
//
// The tables have the columns, the plain indexes and the lack of unique keys of
// the originals. It is for tests, also those of hosts: it imports no test
// framework, and works on any database that bun has a dialect for and this
// package a list of types (SQLite, MySQL, MariaDB, PostgreSQL, SQL Server and Oracle).
package ecologytest
