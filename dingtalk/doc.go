// Package dingtalk reads attendance from DingTalk (钉钉): punches (打卡), field
// check-ins (签到) and the directory (通讯录).
//
//	ding, err := dingtalk.New(dingtalk.Config{AppKey: key, AppSecret: secret})
//	syncer := attendance.NewSyncer(ding.Punches(), sink, nil)
//
// One [Client] serves one application of one company. [Client.Punches] and
// [Client.CheckIns] are two providers, because they are two families of records
// with limits of their own; [Client.Directory] lists the accounts for whoever
// binds people to them; [Client.Check] tells whether all of it can work.
//
// Only reading calls are made. DingTalk counts calls for attendance and check-ins
// against a quota of the whole company (5000 a month on the Standard edition
// since 2025-11-19) and does not count calls for tokens and contacts; a budget in
// [Config] keeps to it.
//
// Permission points (接口权限) that an application needs: qyapi_get_attendance_data
// for punches; qyapi_checkin_read, and qyapi_base for few people at a time, for
// check-ins; qyapi_get_department_list, qyapi_get_department_member and
// qyapi_get_member for the directory, with the range of contacts (通讯录权限范围)
// set to all staff; 企业员工手机号信息 where accounts are bound by mobile number.
//
// Errors are [attendance.Error] values; DingTalk's own code and words are in the
// [APIError] below them, which errors.As finds.
package dingtalk
