// Package wecomtest is a strict fake of the WeCom (企业微信) server API: the
// tokens, check-in records (打卡) and directory (通讯录) that punchbridge reads. It
// is made for tests and for trying things out, as net/http/httptest is.
//
// A [Server] is an [http.Handler]. [Server.Transport] serves it in process,
// without a socket, so that it also runs inside a testing/synctest bubble:
//
//	fake := wecomtest.New(nil)
//	fake.AddUser(wecomtest.User{ID: "zhangsan", Name: "测试甲", JobNumber: "A0001"})
//	fake.AddRecord(wecomtest.Record{UserID: "zhangsan", Time: t, Type: "上班打卡"})
//	client := fake.Client() // hand it to the program under test
//
// # Strict
//
// The fake refuses whatever the platform's documentation refuses: more than 100
// people or 30 days in a call, milliseconds, numbers as strings, escapes in a
// body, a token in the wrong place, of the wrong application or out of date, more
// than 600 check-in calls a minute, a wrong secret tried too often, an
// application that may not call. It answers with HTTP 200 and the documented
// codes, in the headers too, and an empty checkindata where that is due.
//
// Its windows are as odd as the platform's: rows of a whole day come for a
// quarter of an hour, missing punches (未打卡) come as rows, also of times that are
// still ahead, and a punch after midnight can be in neither of two neighbouring
// months. See [WindowModel].
//
// Where no source is certain, a program must be right either way. Such behaviour
// is an option ([Options.Window], [Options.EndExclusive], [Options.Invisible],
// [Options.TypeTwoPlaceholders], [Options.NewTokenEachTime],
// [Options.NewTokenEndsOlder], [Options.ExpiredAs42001],
// [Options.ForbiddenAs60011], [Options.TagsListed]): run the tests with both.
// Where a call is known to fail but not how, the comment at the place says so; do
// not write programs that depend on those codes, nor on any errmsg.
//
// # Trouble
//
// [Server.Fail] arranges trouble ([Fault]), [Server.Heal] ends it.
// [Server.ExpireTokens], [Server.RejectTokens], [Server.AllowCheckIn] and
// [Server.RemoveUser] change the world while a program runs. [Server.Requests] and [Server.Log] tell what the
// program did.
//
// The package imports the standard library and package fake, and not testing.
package wecomtest
