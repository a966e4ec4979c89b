// Command quickstart shows punchbridge at work without any configuration: a
// made-up company on a DingTalk and a WeCom that live in this process, and an
// e-cology database in a temporary SQLite file.
//
//	go run ./examples/quickstart
//
// main.go is the whole story; company.go makes the company up, table.go prints.
package main
