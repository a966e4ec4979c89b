// Package dingtalktest is a strict fake of the DingTalk (钉钉) server API: the
// tokens, attendance punches (打卡), field check-ins (签到) and contacts that
// punchbridge reads. It is made for tests and for trying things out, as
// net/http/httptest is.
//
// A [Server] is an [http.Handler]. [Server.Transport] serves it in process,
// without a socket, so that it also runs inside a testing/synctest bubble:
//
//	fake := dingtalktest.New(nil)
//	fake.AddUser(dingtalktest.User{ID: "staff001", Name: "测试甲", JobNumber: "A0001"})
//	fake.AddPunch(dingtalktest.Punch{UserID: "staff001", Time: t, CheckType: "OnDuty"})
//	client := fake.Client() // hand it to the program under test
//
// # Strict
//
// The fake refuses whatever the platform's documentation refuses: more than 50
// accounts or 7 days in a call, times in another form, a body that is not JSON,
// a token in the wrong place, an expired one, more than 20 calls a second to one
// path, more calls than the month's quota, a missing permission. It answers with
// the documented errors in the documented envelopes.
//
// Where the documentation is silent, a program must be right either way. Such
// behaviour is an option ([Options.ExclusiveTo], [Options.LeaversAnswer],
// [Options.Envelope], [Options.RowCap]): run the tests with both. So is
// [Options.NewTokenEndsOlder], which it denies. Where the
// documentation says that a call fails but not how, the comment at the place
// says so; do not write programs that depend on those codes.
//
// # Trouble
//
// [Server.Fail] arranges trouble ([Fault]), [Server.Heal] ends it.
// [Server.ExpireTokens], [Server.RejectTokens], [Server.Deny] and
// [Server.RemoveUser] change the world while a program runs. [Server.Requests], [Server.Metered] and [Server.Log]
// tell what the program did.
//
// The package imports the standard library and package fake, and not testing.
package dingtalktest
