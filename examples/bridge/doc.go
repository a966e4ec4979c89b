// Command bridge moves punches from DingTalk and WeCom into the OA database of
// Weaver e-cology, for sites without a Go program of their own: one binary, one YAML file.
//
//	bridge -config bridge.yaml check
//	bridge -config bridge.yaml run hq-dingtalk-daily
//	bridge -config bridge.yaml backfill hq-dingtalk-daily -from 2026-03-01 -to 2026-03-31
//
// The report goes to stdout, as text or (-json) as one JSON document; logs go to
// stderr. Exit codes: 0 all done; 1 something was not read or not written; 2 the
// command line or the file is wrong, nothing was touched; 3 the platform refused
// us for good.
//
// What the program does is what the library does: command.go and config.go read
// the wishes, platform.go makes the clients, job.go puts the library's parts together, run.go and check.go call
// them, report.go prints what came out.
package main
