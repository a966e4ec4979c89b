// Package wecom reads attendance from WeCom (企业微信): check-ins (打卡: 上下班 and
// 外出) and the directory (通讯录).
//
//	wx, err := wecom.New(wecom.Config{CorpID: corp, Secret: secret})
//	syncer := attendance.NewSyncer(wx.CheckIns(), sink, nil)
//
// One [Client] serves one application of one company. [Client.CheckIns] is the
// provider, [Client.Directory] lists the accounts for whoever binds people to
// them, [Client.Check] tells whether all of it can work and what to click.
//
// Two secrets are normal: that of the application that may read check-ins, and
// that of 通讯录同步, the only one that may list every userid. Since 2023-12-01 a
// company that did not do so before cannot use the secret of the built-in 打卡
// application: it needs one of its own that is listed under 打卡 →
// 可调用接口的应用. Both kinds of secret are accepted. Either way only people
// inside the application's 可见范围 are answered for, and a newer application must
// have this machine's public address in its 企业可信IP.
//
// What WeCom's check-in call does and its pages do not say, and what is done
// about it, stands at [CheckIns].
//
// Userids have no case, and WeCom has no field for job numbers: bind staff numbers to
// userids with oasink.ByWorkcode(wx.Directory()).ForWeCom(), or another field alike.
// Where a company keeps an extended attribute called 工号, that is the account's
// JobNumber, by which oasink.ByWorkcode binds without ForWeCom.
//
// Errors are [attendance.Error] values; WeCom's own code and words are in the
// [APIError] below them, which errors.As finds.
package wecom
