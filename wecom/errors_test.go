package wecom

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"golang.org/x/time/rate"

	"github.com/punchbridge/punchbridge/attendance"
	"github.com/punchbridge/punchbridge/attendance/attendancetest"
	"github.com/punchbridge/punchbridge/provider"
	"github.com/punchbridge/punchbridge/wecom/wecomtest"
)

// The error table, code by code: what each means for the run and how many
// requests for check-ins and for tokens it costs.
func TestErrorTable(t *testing.T) {
	once, twice, thrice, patient := 1, 2, 3, 4
	for _, test := range []struct {
		errcode          int
		code             attendance.Code
		requests, tokens int
	}{
		{-1, attendance.CodeUnavailable, patient, 1},
		{301022, attendance.CodeUnavailable, patient, 1},
		{6000, attendance.CodeUnavailable, patient, 1},
		{301070, attendance.CodeUnavailable, patient, 1},
		{40001, attendance.CodeCredentials, once, 1},
		{40013, attendance.CodeCredentials, once, 1},
		{40091, attendance.CodeCredentials, once, 1},
		{41002, attendance.CodeCredentials, once, 1},
		{41004, attendance.CodeCredentials, once, 1},
		{2000002, attendance.CodeCredentials, once, 1},
		{40084, attendance.CodeCredentials, once, 1},
		{40085, attendance.CodeCredentials, once, 1},
		{48003, attendance.CodeCredentials, once, 1},
		{40014, attendance.CodeUnavailable, thrice, 3},
		{42001, attendance.CodeUnavailable, thrice, 3},
		{41001, attendance.CodeUnavailable, thrice, 3},
		{40082, attendance.CodeUnavailable, thrice, 3},
		{42009, attendance.CodeUnavailable, thrice, 3},
		{48001, attendance.CodePermission, once, 1},
		{48002, attendance.CodePermission, once, 1},
		{48004, attendance.CodePermission, once, 1},
		{48005, attendance.CodePermission, once, 1},
		{48006, attendance.CodePermission, once, 1},
		{48009, attendance.CodePermission, once, 1},
		{301002, attendance.CodePermission, once, 1},
		{50003, attendance.CodeDisabled, once, 1},
		{301007, attendance.CodeDisabled, once, 1},
		{60031, attendance.CodeDisabled, once, 1},
		{60020, attendance.CodeAddress, once, 1},
		{301042, attendance.CodeAddress, once, 1},
		{45009, attendance.CodeQuota, twice, 1},
		{45033, attendance.CodeThrottled, patient, 1},
		{301021, attendance.CodeAccount, once, 1},
		{40003, attendance.CodeAccount, once, 1},
		{60111, attendance.CodeAccount, once, 1},
		{46004, attendance.CodeAccount, once, 1},
		{40031, attendance.CodeAccount, once, 1},
		{81013, attendance.CodeAccount, once, 1},
		{60011, attendance.CodeAccount, once, 1},
		{60021, attendance.CodeAccount, once, 1},
		{60030, attendance.CodeAccount, once, 1},
		{50002, attendance.CodeAccount, once, 1},
		{701008, attendance.CodeAccount, once, 1},
		{60123, attendance.CodeAccount, once, 1},
		{60003, attendance.CodeAccount, once, 1},
		{301023, attendance.CodeAccount, twice, 1},
		{301024, attendance.CodeSpan, once, 1},
		{40058, attendance.CodeRequest, once, 1},
		{40063, attendance.CodeRequest, once, 1},
		{40033, attendance.CodeRequest, once, 1},
		{301075, attendance.CodeRequest, once, 1},
		{301039, attendance.CodeRequest, once, 1},
		{301080, attendance.CodeRequest, once, 1},
		{301083, attendance.CodeRequest, once, 1},
		// Of the approval calls; nothing of ours.
		{301025, attendance.CodeUnknown, once, 1},
		{45047, attendance.CodeUnknown, once, 1},
	} {
		t.Run(fmt.Sprint(test.errcode), func(t *testing.T) {
			bubble(t, func(t *testing.T) {
				fake := wecomtest.New(nil)
				users := staff(fake, 2)
				fake.Fail(wecomtest.Fault{Kind: wecomtest.Errcode, Code: test.errcode, Path: wecomtest.PathCheckIn})
				a, err := fetch(t, clientOf(t, fake, nil), lastDay(), users...)
				require.Equal(t, test.code, attendance.CodeOf(err), "%v", err)
				require.Empty(t, a.Punches)
				require.Equal(t, test.requests, fake.Requests(wecomtest.PathCheckIn))
				require.Equal(t, test.requests, a.Calls)
				require.Equal(t, test.tokens, fake.Requests(wecomtest.PathToken))
				api, ok := errors.AsType[*APIError](err)
				require.True(t, ok)
				require.EqualValues(t, test.errcode, api.Code)
				require.NotEmpty(t, api.Hint)
				require.Equal(t, wecomtest.DefaultAddress, api.Address)
				require.NotContains(t, err.Error(), "more info at")
				require.NotContains(t, err.Error(), wecomtest.DefaultSecret)
				e, _ := errors.AsType[*attendance.Error](err)
				require.NotEmpty(t, e.Op)
				if test.code.Refusal() {
					require.NotEmpty(t, e.Remedy().ZH)
					require.NotEmpty(t, e.Remedy().EN)
				}
			})
		})
	}
}

// What an administrator has to click stands in the error.
func TestMends(t *testing.T) {
	for errcode, words := range map[int][]string{
		48002:  {"打卡 → 可调用接口的应用", "可见范围"},
		60020:  {"企业可信IP", wecomtest.DefaultAddress},
		301042: {"企业可信IP", wecomtest.DefaultAddress},
		60031:  {"禁止该应用调用接口", "客服"},
		40001:  {"Secret", "停用"},
		50003:  {"启用"},
		301002: {"access_token 属于其他应用"},
	} {
		bubble(t, func(t *testing.T) {
			fake := wecomtest.New(nil)
			users := staff(fake, 1)
			fake.Fail(wecomtest.Fault{Kind: wecomtest.Errcode, Code: errcode, Path: wecomtest.PathCheckIn})
			_, err := fetch(t, clientOf(t, fake, nil), lastDay(), users...)
			e, ok := errors.AsType[*attendance.Error](err)
			require.True(t, ok)
			for _, word := range words {
				require.Contains(t, e.Remedy().ZH, word, errcode)
			}
		})
	}
	// The address is in the sentence itself, too.
	err := errorOf(newAPIError(60020, "not allow to access from your ip, hint: [17], from ip: 203.0.113.7, more info at https://x?e=60020"))
	require.Contains(t, err.Error(), "the address 203.0.113.7 is not trusted")
	e, _ := errors.AsType[*attendance.Error](errorOf(newAPIError(60020, "not allow to access from your ip")))
	require.Contains(t, e.Mend.ZH, "加入本机的公网出口 IP，")
}

// An address is trusted in the console of whoever built the application: also where no
// token is given to it, and in a check; that of 通讯录同步 is always the company's.
func TestWhoseConsoleTrustsAnAddress(t *testing.T) {
	const ours, theirs = "管理后台 → 应用管理 → 该应用 → 企业可信IP", "服务商管理后台 → 服务商信息 → 基本信息 → IP白名单"
	mendOfCall := func(t *testing.T, errcode int, path string, change func(*Config)) string {
		fake := wecomtest.New(nil)
		users := staff(fake, 1)
		fake.Fail(wecomtest.Fault{Kind: wecomtest.Errcode, Code: errcode, Path: path})
		c := clientOf(t, fake, change)
		var err error
		if c.contact != nil {
			_, err = c.call(t.Context(), c.api, c.contact, provider.Request{URL: path, Body: idsBody{Limit: 1}})
		} else {
			_, err = fetch(t, c, lastDay(), users...)
		}
		require.Equal(t, attendance.CodeAddress, attendance.CodeOf(err), "%v", err)
		e, _ := errors.AsType[*attendance.Error](err)
		found := attendance.Text{}
		for _, f := range c.Check(t.Context()) {
			if f.Code == string(attendance.CodeAddress) {
				found = f.Mend
			}
		}
		require.Equal(t, e.Mend, found)
		require.Contains(t, e.Mend.EN, wecomtest.DefaultAddress)
		require.Contains(t, e.Mend.EN, "IP白名单")
		return e.Mend.ZH
	}
	for _, errcode := range []int{60020, 301042} {
		for _, path := range []string{wecomtest.PathCheckIn, wecomtest.PathToken} {
			for app, words := range map[App]string{SelfBuilt: ours, Delegated: theirs, ThirdParty: theirs} {
				bubble(t, func(t *testing.T) {
					mend := mendOfCall(t, errcode, path, func(c *Config) { c.App = app })
					require.Contains(t, mend, words)
					require.Equal(t, app == SelfBuilt, strings.Contains(mend, "企业可信IP"))
				})
			}
		}
		bubble(t, func(t *testing.T) {
			require.Contains(t, mendOfCall(t, errcode, wecomtest.PathUserIDs, func(c *Config) { withContact(c); c.App = Delegated }), ours)
		})
	}
}

// A company's two applications have a secret, a switch and addresses each: errors say
// whose they are about.
func TestErrorsNameTheApplication(t *testing.T) {
	for name, test := range map[string]struct {
		change func(*Config)
		fault  wecomtest.Fault
		says   []string
	}{
		"a wrong secret of contact sync": {change: func(c *Config) { c.ContactSecret = "another-secret-4711" }, says: []string{"contact sync", "ContactSecret"}},
		"an address, of contact sync":    {change: withContact, fault: wecomtest.Fault{Kind: wecomtest.Errcode, Code: 60020, Path: wecomtest.PathUserIDs}, says: []string{"contact sync"}},
		"a wrong secret":                 {change: func(c *Config) { c.Secret = "another-secret-0815" }, says: []string{"the check-in application", "and Secret"}},
	} {
		t.Run(name, func(t *testing.T) {
			bubble(t, func(t *testing.T) {
				fake := orgOf(nil)
				if test.fault.Kind != 0 {
					fake.Fail(test.fault)
				}
				c := clientOf(t, fake, test.change)
				var err error
				if c.contact != nil {
					_, err = c.call(t.Context(), c.api, c.contact, provider.Request{URL: pathUserIDs, Body: idsBody{Limit: 1}})
				} else {
					_, err = fetch(t, c, lastDay(), "zhangsan")
				}
				for _, words := range test.says {
					require.ErrorContains(t, err, words)
				}
				require.NotContains(t, err.Error(), "another-secret")
			})
		})
	}
}

// What WeCom says of details is not drowned by what helps against the usual lack.
func TestNoDetailsKeepItsMend(t *testing.T) {
	bubble(t, func(t *testing.T) {
		fake := orgOf(&wecomtest.Options{WithoutUserList: true})
		fake.Fail(wecomtest.Fault{Kind: wecomtest.Errcode, Code: 48009, Path: wecomtest.PathUsersSimple})
		_, _, err := listed(t, clientOf(t, fake, nil).Directory())
		require.ErrorContains(t, err, "may no longer read details")
	})
}

// Secrets do not come back in the words of an answer.
func TestAnswersThatEchoASecret(t *testing.T) {
	bubble(t, func(t *testing.T) {
		fake := orgOf(nil)
		for path, secret := range map[string]string{wecomtest.PathDepartments: wecomtest.DefaultSecret, wecomtest.PathUserIDs: wecomtest.DefaultContactSecret} {
			fake.Fail(wecomtest.Fault{Kind: wecomtest.Answer, Path: path, Body: `{"errcode":40058,"errmsg":"what is ` + secret + `?"}`})
		}
		c := clientOf(t, fake, withContact)
		for _, f := range c.Check(t.Context()) {
			require.NotContains(t, f.Message.EN, wecomtest.DefaultSecret)
			require.NotContains(t, f.Message.EN, wecomtest.DefaultContactSecret)
		}
		_, _, err := listed(t, c.UserIDs())
		require.ErrorContains(t, err, "what is")
		require.NotContains(t, err.Error(), wecomtest.DefaultContactSecret)
		_, _, err = listed(t, clientOf(t, fake, nil).Directory())
		require.ErrorContains(t, err, "what is")
		require.NotContains(t, err.Error(), wecomtest.DefaultSecret)
	})
}

func TestErrmsgForms(t *testing.T) {
	for text, want := range map[string]APIError{
		"api forbidden, hint: [1709], from ip: 203.0.113.7, more info at https://x": {Message: "api forbidden", Hint: "1709", Address: "203.0.113.7"},
		"api forbidden, more info at https://x":                                     {Message: "api forbidden"},
		"not allow, from ip: 2001:db8::7, more info":                                {Message: "not allow", Address: "2001:db8::7"},
		"":               {},
		"two\nlines":     {Message: "two lines"},
		"hint: [unended": {Message: "hint: [unended", Hint: "unended"},
	} {
		want.Code = 7
		require.Equal(t, want, *newAPIError(7, text))
	}
}

// A wrong secret is tried once, by however many callers and calls.
func TestWrongSecretIsTriedOnce(t *testing.T) {
	for _, errcode := range []int{40001, 40013} {
		bubble(t, func(t *testing.T) {
			fake := wecomtest.New(nil)
			users := staff(fake, 1)
			c := clientOf(t, fake, func(c *Config) {
				if c.Secret = "another-secret-0815"; errcode == 40013 {
					c.CorpID = "wwnobody"
				}
			})
			var group sync.WaitGroup
			for range 8 {
				group.Go(func() {
					for range 3 {
						_, err := fetch(t, c, lastDay(), users...)
						require.Equal(t, attendance.CodeCredentials, attendance.CodeOf(err))
						require.NotContains(t, err.Error(), "another-secret-0815")
						require.EqualValues(t, errcode, apiCode(err))
					}
				})
			}
			group.Wait()
			require.Equal(t, 1, fake.Requests(wecomtest.PathToken))
			require.Zero(t, fake.Requests(wecomtest.PathCheckIn))
			pass(11 * time.Minute)
			_, err := fetch(t, c, lastDay(), users...)
			require.Error(t, err)
			require.Equal(t, 2, fake.Requests(wecomtest.PathToken), "a mended secret is noticed after ten minutes")
		})
	}
}

// Both secrets have tokens of their own; one that dies takes only itself along.
func TestTokensOfTwoSecrets(t *testing.T) {
	bubble(t, func(t *testing.T) {
		fake := wecomtest.New(nil)
		users := staff(fake, 2)
		c := clientOf(t, fake, withContact)
		read := func() {
			_, err := fetch(t, c, lastDay(), users...)
			require.NoError(t, err)
			for _, err := range c.UserIDs().Accounts(t.Context()) {
				require.NoError(t, err)
			}
		}
		read()
		read()
		require.Equal(t, 2, fake.Requests(wecomtest.PathToken))
		fake.Fail(wecomtest.Fault{Kind: wecomtest.Errcode, Code: 42001, Path: wecomtest.PathCheckIn, Times: 1})
		read()
		require.Equal(t, 3, fake.Requests(wecomtest.PathToken), "the other token was not thrown away")
	})
}

// A minute's limit is waited for, by everybody, and the run goes on.
func TestMinuteLimit(t *testing.T) {
	bubble(t, func(t *testing.T) {
		// Four requests are under way when the first refusal comes.
		fake := wecomtest.New(&wecomtest.Options{Latency: time.Second})
		users := staff(fake, 1)
		c := clientOf(t, fake, nil)
		_, err := fetch(t, c, lastDay(), users...)
		require.NoError(t, err)
		fake.ResetCounters()
		fake.Fail(wecomtest.Fault{Kind: wecomtest.Errcode, Code: 45009, Path: wecomtest.PathCheckIn, Times: 4})
		began := time.Now()
		var group sync.WaitGroup
		for range 4 {
			group.Go(func() {
				a, err := fetch(t, c, lastDay(), users...)
				require.NoError(t, err)
				require.Equal(t, 2, a.Calls)
			})
		}
		group.Wait()
		require.GreaterOrEqual(t, time.Since(began), time.Minute)
		require.Less(t, time.Since(began), 2*time.Minute)
		require.Equal(t, 8, fake.Requests(wecomtest.PathCheckIn))
	})
}

// The real limit of the fake, passed by another program of the company.
func TestMinuteLimitOfOthers(t *testing.T) {
	bubble(t, func(t *testing.T) {
		fake := wecomtest.New(nil)
		users := staff(fake, 1)
		greedy, ours := clientOf(t, fake, quick), clientOf(t, fake, nil)
		for range 600 {
			_, err := fetch(t, greedy, lastDay(), users...)
			require.NoError(t, err)
		}
		a, err := fetch(t, ours, lastDay(), users...)
		require.NoError(t, err)
		require.Equal(t, 2, a.Calls)
	})
}

// A longer limit ends the run, and nothing is sent for an hour.
func TestLongerLimitEndsTheRun(t *testing.T) {
	bubble(t, func(t *testing.T) {
		fake := wecomtest.New(nil)
		var members []attendance.Member
		for i, user := range staff(fake, 1000) {
			members = append(members, attendance.Member{Person: fmt.Sprint(i), Account: user})
		}
		c := clientOf(t, fake, nil)
		fake.Fail(wecomtest.Fault{Kind: wecomtest.Errcode, Code: 45009, Path: wecomtest.PathCheckIn})
		_, err := attendance.NewSyncer(c.CheckIns(), new(attendancetest.Sink), nil).Run(t.Context(), attendance.Members(members...), attendance.LastDays(60, shanghai()))
		require.Equal(t, attendance.CodeQuota, attendance.CodeOf(err))
		require.Contains(t, err.Error(), "requests_per_second")
		require.LessOrEqual(t, fake.Requests(wecomtest.PathCheckIn), 4+4, "four slices at work, each twice")
		sent := fake.Requests("")
		fake.Heal()
		_, err = fetch(t, c, lastDay(), members[0].Account)
		require.Equal(t, attendance.CodeQuota, attendance.CodeOf(err))
		require.Equal(t, sent, fake.Requests(""))
		pass(time.Hour + time.Minute)
		_, err = fetch(t, c, lastDay(), members[0].Account)
		require.NoError(t, err)
	})
}

// A minute's limit that was met once does not make the next one, an hour's work
// later, a longer one; nor does one that nobody has called after.
func TestMinuteLimitsFarApart(t *testing.T) {
	for _, between := range []int{0, 20} {
		bubble(t, func(t *testing.T) {
			fake := wecomtest.New(nil)
			users := staff(fake, 1)
			c := clientOf(t, fake, nil)
			limit := func() {
				fake.Fail(wecomtest.Fault{Kind: wecomtest.Errcode, Code: 45009, Path: wecomtest.PathCheckIn, Times: 1})
			}
			limit()
			if between == 0 {
				ctx, cancel := context.WithTimeout(t.Context(), time.Second)
				_, err := c.CheckIns().Fetch(ctx, attendance.Query{Accounts: users, Span: lastDay()})
				cancel()
				require.Error(t, err)
				pass(2 * time.Hour)
			}
			for range between {
				_, err := fetch(t, c, lastDay(), users...)
				require.NoError(t, err)
				pass(time.Minute)
			}
			limit()
			_, err := fetch(t, c, lastDay(), users...)
			require.NoError(t, err)
		})
	}
}

// Whatever a host's limiter lets through, no minute has more than 600 check-ins.
func TestNeverPastTheLimit(t *testing.T) {
	for name, limiter := range map[string]provider.Limiter{"10 a second": rate.NewLimiter(10, 10), "no limit": rate.NewLimiter(rate.Inf, 1)} {
		t.Run(name, func(t *testing.T) {
			bubble(t, func(t *testing.T) {
				fake := wecomtest.New(&wecomtest.Options{LogSize: -1})
				users := staff(fake, 1)
				c := clientOf(t, fake, func(c *Config) { c.Limiter = limiter })
				began := time.Now()
				for range 2000 {
					a, err := fetch(t, c, lastDay(), users...)
					require.NoError(t, err)
					require.Equal(t, 1, a.Calls, "none was turned away")
				}
				require.Less(t, time.Since(began), 4*time.Minute, "and not much slower than allowed")
			})
		})
	}
	require.Nil(t, pace(-1))
	require.Equal(t, 1, pace(1).Burst())
}

// gettoken's answers are read whole: how long a token lives, and what a code about
// tokens means where there is none.
func TestGettoken(t *testing.T) {
	bubble(t, func(t *testing.T) {
		fake := wecomtest.New(nil)
		users := staff(fake, 1)
		c := clientOf(t, fake, nil)
		fake.Fail(wecomtest.Fault{Kind: wecomtest.Errcode, Code: 41001, Path: wecomtest.PathToken, Times: 1})
		_, err := fetch(t, c, lastDay(), users...)
		require.Equal(t, attendance.CodeCredentials, attendance.CodeOf(err))
		require.EqualValues(t, 41001, apiCode(err))
		require.NotErrorIs(t, err, provider.ErrToken)
		require.Equal(t, 1, fake.Requests(wecomtest.PathToken))
	})
	for body, asked := range map[string]int{
		`{"errcode":0,"access_token":"t","expires_in":600}`:        2,
		`{"access_token":"t","expires_in":"7200"}`:                 1,
		`{"errcode":0,"access_token":"t","expires_in":-5}`:         1,
		`{"errcode":0,"access_token":"t","expires_in":9999999999}`: 1,
	} {
		bubble(t, func(t *testing.T) {
			fake := wecomtest.New(nil)
			fake.Fail(wecomtest.Fault{Kind: wecomtest.Answer, Body: body, Path: wecomtest.PathToken})
			c := clientOf(t, fake, nil)
			for range 2 {
				_, err := c.app.tokens.Token(t.Context())
				require.NoError(t, err)
				pass(20 * time.Minute)
			}
			require.Equal(t, asked, fake.Requests(wecomtest.PathToken), body)
		})
	}
}

// A caller that may not wait a minute is told so; one whose context ends leaves.
func TestMinuteLimitAndContexts(t *testing.T) {
	bubble(t, func(t *testing.T) {
		fake := wecomtest.New(nil)
		users := staff(fake, 1)
		c := clientOf(t, fake, nil)
		fake.Fail(wecomtest.Fault{Kind: wecomtest.Errcode, Code: 45009, Path: wecomtest.PathCheckIn})
		hurried, cancel := context.WithTimeout(t.Context(), 10*time.Second)
		defer cancel()
		_, err := c.CheckIns().Fetch(hurried, attendance.Query{Accounts: users, Span: lastDay()})
		require.Equal(t, attendance.CodeThrottled, attendance.CodeOf(err))
		e, _ := errors.AsType[*attendance.Error](err)
		require.Positive(t, e.RetryAfter)
		ctx, cancel := context.WithCancel(t.Context())
		time.AfterFunc(5*time.Second, cancel)
		began := time.Now()
		_, err = c.CheckIns().Fetch(ctx, attendance.Query{Accounts: users, Span: lastDay()})
		require.Equal(t, context.Canceled, err)
		require.Equal(t, 5*time.Second, time.Since(began))
	})
}

// gettoken's 45009 says that the address is shut out, perhaps by others: final.
func TestAddressShutOut(t *testing.T) {
	bubble(t, func(t *testing.T) {
		fake := wecomtest.New(nil)
		users := staff(fake, 1)
		fake.Fail(wecomtest.Fault{Kind: wecomtest.Errcode, Code: 45009, Path: wecomtest.PathToken})
		c := clientOf(t, fake, nil)
		for range 3 {
			_, err := fetch(t, c, lastDay(), users...)
			require.Equal(t, attendance.CodeQuota, attendance.CodeOf(err))
			require.Contains(t, err.Error(), "checkCorpSpamBlock")
		}
		require.Equal(t, 1, fake.Requests(wecomtest.PathToken))
	})
}

// Errcode 0 without the list is no empty day: it is tried again, and then fails.
func TestNoArray(t *testing.T) {
	bubble(t, func(t *testing.T) {
		fake := wecomtest.New(nil)
		users := staff(fake, 1)
		s := lastDay()
		fake.AddRecord(wecomtest.Record{UserID: users[0], Time: s.From.Add(time.Hour)})
		c := clientOf(t, fake, nil)
		fake.Fail(wecomtest.Fault{Kind: wecomtest.NoArray, Path: wecomtest.PathCheckIn, Times: 1})
		a, err := fetch(t, c, s, users...)
		require.NoError(t, err)
		require.Len(t, a.Punches, 1)
		fake.Fail(wecomtest.Fault{Kind: wecomtest.NoArray, Path: wecomtest.PathCheckIn})
		_, err = fetch(t, c, s, users...)
		require.Equal(t, attendance.CodeUnavailable, attendance.CodeOf(err))
		require.Contains(t, err.Error(), "without the list checkindata")
	})
}

func TestAnswersThatAreNotWeComs(t *testing.T) {
	for body, code := range map[string]attendance.Code{
		`{"errcode":0,"errmsg":"ok","checkindata":null}`: attendance.CodeUnavailable,
		`{"errcode":0,"errmsg":"ok","checkindata":{}}`:   attendance.CodeUnavailable,
		`{"errcode":0,"errmsg":"ok","data":[]}`:          attendance.CodeUnavailable,
		`{}`:                                             attendance.CodeMalformed,
		`[]`:                                             attendance.CodeMalformed,
		`"ok"`:                                           attendance.CodeMalformed,
		`{"errcode":"x","checkindata":[]}`:               attendance.CodeMalformed,
		`{"errcode":null,"checkindata":[]}`:              "",
		`{"errcode":1.5,"checkindata":[]}`:               attendance.CodeMalformed,
		`{"errcode":"48002","errmsg":"api forbidden"}`:   attendance.CodePermission,
		`{"errcode":0,"checkindata":[`:                   attendance.CodeMalformed,
		"<html><title>网关</title></html>":                 attendance.CodeMalformed,
		`{"checkindata":[]}`:                             "",
		`{"errcode":"0","checkindata":[]}`:               "",
		`{"checkindata":[],"errmsg":"ok","errcode":0,"extra":[[{}]]}`: "",
	} {
		err := classifyRecords(provider.Reply{Status: http.StatusOK, Header: http.Header{}, Body: []byte(body)})
		require.Equal(t, code, attendance.CodeOf(err), body)
	}
	// A gateway's JSON is no empty day.
	err := classifyRecords(provider.Reply{Status: http.StatusForbidden, Header: http.Header{}, Body: []byte(`{"checkindata":[]}`)})
	require.Equal(t, attendance.CodeMalformed, attendance.CodeOf(err))
}

// A span that WeCom refuses is halved, once for all slices of a run, and the fake
// may take whatever it likes: a month, February, or a few days.
func TestRefusedSpans(t *testing.T) {
	for name, test := range map[string]struct {
		options wecomtest.Options
		app     App
		refused int
	}{
		"30 days": {wecomtest.Options{MaxSpan: 30 * day}, SelfBuilt, 0}, "27 days": {wecomtest.Options{MaxSpan: 27 * day}, SelfBuilt, 5},
		"12 days": {wecomtest.Options{MaxSpan: 12 * day}, SelfBuilt, 5}, "5 days": {wecomtest.Options{MaxSpan: 5 * day}, SelfBuilt, 5},
		"3 days": {wecomtest.Options{MaxSpan: 3 * day}, SelfBuilt, 5}, "delegated": {wecomtest.Options{App: wecomtest.Delegated}, Delegated, 0},
		"third party": {wecomtest.Options{App: wecomtest.ThirdParty}, ThirdParty, 0}, "third party of old": {wecomtest.Options{App: wecomtest.ThirdParty, OldThirdParty: true}, ThirdParty, 5},
	} {
		t.Run(name, func(t *testing.T) {
			bubble(t, func(t *testing.T) {
				fake := wecomtest.New(&test.options)
				users := staff(fake, 150)
				var members []attendance.Member
				n := 0
				for i, user := range users {
					members = append(members, attendance.Member{Person: fmt.Sprint(i), Account: user})
					for d := range 50 {
						fake.AddRecord(wecomtest.Record{UserID: user, Time: time.Now().Add(-time.Duration(d) * day).Add(-time.Minute)})
						n++
					}
				}
				c := clientOf(t, fake, func(c *Config) { c.App = test.app })
				require.Equal(t, attendance.Limits{Accounts: 100, Span: 25 * day}, c.CheckIns().Limits())
				report, err := attendance.NewSyncer(c.CheckIns(), new(attendancetest.Sink), &attendance.Options{Parallel: 1}).Run(t.Context(),
					attendance.Members(members...), attendance.LastDays(60, shanghai()))
				require.NoError(t, err)
				require.Equal(t, n, report.Written)
				refused := 0
				for _, r := range fake.Log() {
					if r.Code == "301024" {
						refused++
					}
				}
				require.LessOrEqual(t, refused, test.refused, "learnt once for all slices")
			})
		})
	}
}

// Where the body could not be read (301023), it is sent once more, and then with
// fewer people.
func TestUnreadableBodies(t *testing.T) {
	bubble(t, func(t *testing.T) {
		fake := wecomtest.New(nil)
		users := staff(fake, 40)
		s := lastDay()
		var members []attendance.Member
		for i, user := range users {
			members = append(members, attendance.Member{Person: fmt.Sprint(i), Account: user})
			fake.AddRecord(wecomtest.Record{UserID: user, Time: s.From.Add(time.Hour)})
		}
		c := clientOf(t, fake, nil)
		fake.Fail(wecomtest.Fault{Kind: wecomtest.Errcode, Code: codeUserList, Path: wecomtest.PathCheckIn, Times: 1})
		a, err := fetch(t, c, s, users...)
		require.NoError(t, err)
		require.Equal(t, 2, a.Calls)
		fake.Fail(wecomtest.Fault{Kind: wecomtest.Errcode, Code: codeUserList, Path: wecomtest.PathCheckIn, Times: 2})
		report, err := attendance.NewSyncer(c.CheckIns(), new(attendancetest.Sink), nil).Run(t.Context(), attendance.Members(members...), attendance.LastDays(2, shanghai()))
		require.NoError(t, err)
		require.Equal(t, 40, report.Written)
		require.Empty(t, report.LeftOut)
		// It is no person's fault.
		fake.Fail(wecomtest.Fault{Kind: wecomtest.Errcode, Code: codeUserList, Path: wecomtest.PathCheckIn})
		report, err = attendance.NewSyncer(c.CheckIns(), new(attendancetest.Sink), nil).Run(t.Context(), attendance.Members(members...), attendance.LastDays(2, shanghai()))
		require.Error(t, err)
		require.Empty(t, report.LeftOut)
		require.Equal(t, attendance.LevelError, levels(c.Check(t.Context()))["request"])
	})
}

// 60011 for everybody is the application's matter, unless it has answered before.
func TestSight(t *testing.T) {
	noRight := errorOf(newAPIError(codeNoRight, "no privilege"))
	other := errorOf(newAPIError(60111, "gone"))
	clock := time.Unix(1e9, 0)
	s := sight{clock: func() time.Time { return clock }}
	require.Equal(t, noRight, s.judge([]string{"a", "b", "c"}, noRight))
	require.Equal(t, noRight, s.judge([]string{"a"}, noRight))
	require.Equal(t, noRight, s.judge([]string{"A"}, noRight), "the same one")
	require.Equal(t, other, s.judge([]string{"x"}, other))
	require.Equal(t, noRight, s.judge([]string{"b"}, noRight))
	require.Equal(t, attendance.CodePermission, attendance.CodeOf(s.judge([]string{"c"}, noRight)))
	require.NoError(t, s.judge([]string{"d"}, nil))
	everybody := func() (last error) {
		for _, users := range [][]string{{"a", "b", "c"}, {"a"}, {"b"}, {"c"}, {"d"}} {
			last = s.judge(users, noRight)
		}
		return last
	}
	require.Equal(t, noRight, everybody(), "the application is known to be in order")
	clock = clock.Add(time.Hour)
	require.Equal(t, attendance.CodePermission, attendance.CodeOf(everybody()), "and may have been taken off the list since")
	require.NoError(t, s.judge([]string{"d"}, nil))
	clock = clock.Add(time.Hour)
	require.Equal(t, noRight, s.judge([]string{"a"}, noRight), "what was refused before an answer is forgotten")

	alone := sight{clock: s.clock}
	for _, user := range []string{"a", "b", "c", "d"} {
		require.Equal(t, noRight, alone.judge([]string{user}, noRight), "never for a whole batch")
	}
}

// The missing right that is answered with 60011 ends a run after four calls.
func TestForbiddenAs60011(t *testing.T) {
	bubble(t, func(t *testing.T) {
		fake := wecomtest.New(&wecomtest.Options{ForbiddenAs60011: true})
		fake.AllowCheckIn(false)
		var members []attendance.Member
		for i, user := range staff(fake, 90) {
			members = append(members, attendance.Member{Person: fmt.Sprint(i), Account: user})
		}
		_, err := attendance.NewSyncer(clientOf(t, fake, nil).CheckIns(), new(attendancetest.Sink), nil).Run(t.Context(),
			attendance.Members(members...), attendance.LastDays(6, shanghai()))
		require.Equal(t, attendance.CodePermission, attendance.CodeOf(err))
		require.Equal(t, 1+singlesRefused, fake.Requests(wecomtest.PathCheckIn))
	})
}

// No more than half of what a company may call.
func TestDefaultPace(t *testing.T) {
	bubble(t, func(t *testing.T) {
		fake := wecomtest.New(nil)
		users := staff(fake, 1)
		c := clientOf(t, fake, nil)
		began := time.Now()
		for range 700 {
			_, err := fetch(t, c, lastDay(), users...)
			require.NoError(t, err)
		}
		require.GreaterOrEqual(t, time.Since(began), 139*time.Second)
	})
}

func TestConfig(t *testing.T) {
	for name, test := range map[string]struct {
		cfg  Config
		want string
	}{
		"nothing":           {Config{}, "CorpID and Secret"},
		"no secret":         {Config{CorpID: "c"}, "CorpID and Secret"},
		"no corp":           {Config{Secret: "s"}, "CorpID and Secret"},
		"contact alone":     {Config{Tokens: tokens("t"), ContactSecret: "s"}, "ContactSecret needs CorpID"},
		"days too few":      {Config{CorpID: "c", Secret: "s", Days: 2}, "Days is 2"},
		"days too many":     {Config{CorpID: "c", Secret: "s", Days: 32}, "Days is 32"},
		"no such kind":      {Config{CorpID: "c", Secret: "s", App: 9}, "App 9"},
		"address":           {Config{CorpID: "c", Secret: "s", BaseURL: "qyapi"}, "BaseURL"},
		"good":              {Config{CorpID: "c", Secret: "s", BaseURL: "http://127.0.0.1:9002/"}, ""},
		"tokens of others":  {Config{Tokens: tokens("t")}, ""},
		"third-party app":   {Config{Tokens: tokens("t"), App: ThirdParty}, ""},
		"days of one's own": {Config{CorpID: "c", Secret: "s", Days: 31}, ""},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := New(test.cfg)
			if test.want == "" {
				require.NoError(t, err)
			} else {
				require.ErrorContains(t, err, test.want)
			}
		})
	}
	cfg := Config{CorpID: "ww1", AgentID: "3010011", Secret: "shh-shh-shh", ContactSecret: "psst-psst"}
	c, err := New(cfg)
	require.NoError(t, err)
	for _, text := range []string{fmt.Sprint(cfg), fmt.Sprintf("%#v", cfg), fmt.Sprintf("%+v", c), fmt.Sprintf("%#v", c), fmt.Sprint(c.CheckIns()), fmt.Sprint(c.Directory())} {
		require.NotContains(t, text, "shh")
		require.NotContains(t, text, "psst")
		require.Contains(t, text, "ww1")
	}
	require.True(t, strings.HasPrefix(c.String(), "WeCom application 3010011"))
}

// tokens is a host's own source of one token.
type tokens string

func (t tokens) Token(context.Context) (string, error) { return string(t), nil }
func (tokens) Invalidate(string)                       {}

// A host's tokens are used as they are; no gettoken is called.
func TestTokensOfTheHost(t *testing.T) {
	bubble(t, func(t *testing.T) {
		fake := wecomtest.New(nil)
		users := staff(fake, 1)
		own := clientOf(t, fake, nil)
		value, err := own.app.tokens.Token(t.Context())
		require.NoError(t, err)
		fake.ResetCounters()
		c := clientOf(t, fake, func(c *Config) {
			*c = Config{Tokens: tokens(value), HTTP: c.HTTP, Limiter: rate.NewLimiter(rate.Inf, 1)}
		})
		_, err = fetch(t, c, lastDay(), users...)
		require.NoError(t, err)
		require.Zero(t, fake.Requests(wecomtest.PathToken))
		fake.ExpireTokens()
		_, err = fetch(t, c, lastDay(), users...)
		require.Equal(t, attendance.CodeUnavailable, attendance.CodeOf(err))
		_, err = fetch(t, c, lastDay(), users...)
		require.Equal(t, attendance.CodeCredentials, attendance.CodeOf(err), "they have a record too")
	})
}
