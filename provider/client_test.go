package provider_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/url"
	"strings"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"github.com/cenkalti/backoff/v4"
	"github.com/jarcoal/httpmock"
	"github.com/stretchr/testify/require"

	"github.com/punchbridge/punchbridge/attendance"
	"github.com/punchbridge/punchbridge/provider"
)

const (
	address = "https://api.example.com/records"
	token   = "tok-0123456789abcdef"
	secret  = "s3cr/et+&<\"x\""
)

// tripper is a transport that is a function.
type tripper func(n int, r *http.Request) (*http.Response, error)

func (f tripper) client() *http.Client {
	n := 0
	return &http.Client{Transport: roundTripper(func(r *http.Request) (*http.Response, error) {
		n++
		return f(n, r)
	})}
}

type roundTripper func(r *http.Request) (*http.Response, error)

func (f roundTripper) RoundTrip(r *http.Request) (*http.Response, error) { return f(r) }

func reply(status int, body string, header ...string) *http.Response {
	h := http.Header{"Content-Type": {"application/json; charset=utf-8"}}
	for i := 0; i+1 < len(header); i += 2 {
		h.Set(header[i], header[i+1])
	}
	return &http.Response{StatusCode: status, Header: h, Body: io.NopCloser(strings.NewReader(body)), ContentLength: int64(len(body))}
}

// classify reads {"code": 0} as success.
func classify(r provider.Reply) error {
	if err := provider.NotJSON(r); err != nil {
		return err
	}
	code, message := int64(-1), ""
	for key, value := range provider.Object(r.Body) {
		switch string(key) {
		case "code":
			code, _ = provider.Int(value)
		case "message":
			message = provider.Text(value)
		}
	}
	e := &attendance.Error{Detail: message, Err: fmt.Errorf("native %d %s", code, message)}
	switch code {
	case 0:
		return nil
	case 1:
		e.Code = attendance.CodeThrottled
	case 2:
		e.Code = attendance.CodeThrottled
		e.RetryAfter = 20 * time.Second
	case 3:
		e.Code = attendance.CodePermission
	case 4:
		e.Code, e.Err = attendance.CodeCredentials, fmt.Errorf("%w: %s", provider.ErrToken, message)
	default:
		e.Code = attendance.CodeUnknown
	}
	return e
}

func get() provider.Request {
	return provider.Request{URL: address, Query: url.Values{"access_token": {token}, "size": {"100"}}}
}

func TestCallSends(t *testing.T) {
	mock := httpmock.NewMockTransport()
	var seen *http.Request
	var body string
	mock.RegisterResponder("POST", address, func(r *http.Request) (*http.Response, error) {
		b, err := io.ReadAll(r.Body)
		seen, body = r, string(b)
		return reply(200, `{"code":0}`), err
	})
	now := time.Date(2026, 3, 2, 8, 0, 0, 0, time.UTC)
	c := provider.Client{Name: "acme", HTTP: &http.Client{Transport: mock}, Classify: classify, Now: func() time.Time { return now }}
	r := get()
	r.Body = map[string]any{"who": "张三", "n": 1}
	r.Header = http.Header{"x-token": {"header-token"}}
	got, err := c.Call(t.Context(), r)
	require.NoError(t, err)
	require.JSONEq(t, `{"n":1,"who":"张三"}`, body)
	require.Equal(t, "application/json", seen.Header.Get("Content-Type"))
	require.Equal(t, "header-token", seen.Header.Get("X-Token"))
	require.Equal(t, url.Values{"access_token": {token}, "size": {"100"}}, seen.URL.Query())
	require.Equal(t, 1, got.Sent)
	require.Equal(t, now, got.SentAt)
	require.Equal(t, now, got.ReceivedAt)
	require.JSONEq(t, `{"code":0}`, string(got.Body))

	mock.RegisterResponder("GET", address, httpmock.NewStringResponder(200, `{"code":0}`))
	_, err = c.Call(t.Context(), get())
	require.NoError(t, err, "GET is the method without a body")
}

func TestCallRetries(t *testing.T) {
	busy, ok := reply, `{"code":0,"rows":[]}`
	cases := []struct {
		name        string
		trip        tripper
		sent        int
		code        attendance.Code // "" for success
		least, most time.Duration
		says        string
	}{
		{"fine at once", func(int, *http.Request) (*http.Response, error) { return reply(200, ok), nil }, 1, "", 0, 0, ""},
		{"throttled twice", func(n int, _ *http.Request) (*http.Response, error) {
			if n < 3 {
				return reply(200, `{"code":1,"message":"slow down"}`), nil
			}
			return reply(200, ok), nil
		}, 3, "", 3 * time.Second, 4500 * time.Millisecond, ""},
		{"throttled for ever", func(int, *http.Request) (*http.Response, error) {
			return reply(200, `{"code":1,"message":"slow down"}`), nil
		}, 4, attendance.CodeThrottled, 7 * time.Second, 10500 * time.Millisecond, "slow down; gave up: after 4 requests"},
		{"the platform's own wait", func(n int, _ *http.Request) (*http.Response, error) {
			if n < 2 {
				return reply(200, `{"code":2}`), nil
			}
			return reply(200, ok), nil
		}, 2, "", 20 * time.Second, 20 * time.Second, ""},
		{"Retry-After in seconds", func(n int, _ *http.Request) (*http.Response, error) {
			if n < 2 {
				return busy(503, `{}`, "Retry-After", "42"), nil
			}
			return reply(200, ok), nil
		}, 2, "", 42 * time.Second, 42 * time.Second, ""},
		{"Retry-After as a date by the platform's clock", func(n int, _ *http.Request) (*http.Response, error) {
			if n < 2 {
				return busy(503, `{}`, "Date", "Mon, 02 Mar 2026 08:00:00 GMT", "Retry-After", "Mon, 02 Mar 2026 08:00:33 GMT"), nil
			}
			return reply(200, ok), nil
		}, 2, "", 33 * time.Second, 33 * time.Second, ""},
		{"Retry-After as a date by our clock", func(n int, _ *http.Request) (*http.Response, error) {
			if n < 2 {
				return busy(429, `{}`, "Retry-After", "Sat, 01 Jan 2000 00:00:44 GMT"), nil
			}
			return reply(200, ok), nil
		}, 2, "", 44 * time.Second, 44 * time.Second, ""},
		{"Retry-After longer than anybody waits", func(n int, _ *http.Request) (*http.Response, error) {
			return busy(503, `{}`, "Retry-After", "3600"), nil
		}, 1, attendance.CodeUnavailable, 0, 0, "the platform asks to wait 1h0m0s"},
		{"5xx page for ever", func(int, *http.Request) (*http.Response, error) {
			return reply(502, "<html><title>Bad Gateway</title>", "Content-Type", "text/html"), nil
		}, 4, attendance.CodeUnavailable, 7 * time.Second, 11 * time.Second, "an HTML page came instead of JSON (HTTP 502, text/html), its title: Bad Gateway"},
		{"429 page for ever", func(int, *http.Request) (*http.Response, error) {
			return reply(429, "<html>", "Content-Type", "text/html"), nil
		}, 4, attendance.CodeThrottled, 7 * time.Second, 11 * time.Second, "HTTP 429"},
		{"5xx that reads as success is none", func(int, *http.Request) (*http.Response, error) { return reply(500, `{"code":0}`), nil },
			4, attendance.CodeUnavailable, 7 * time.Second, 11 * time.Second, "HTTP 500"},
		{"5xx with a refusal is not retried", func(int, *http.Request) (*http.Response, error) { return reply(500, `{"code":3}`), nil },
			1, attendance.CodePermission, 0, 0, ""},
		{"permission is not retried", func(int, *http.Request) (*http.Response, error) { return reply(200, `{"code":3,"message":"no"}`), nil },
			1, attendance.CodePermission, 0, 0, "acme /records: permission: no"},
		{"unknown is not retried", func(int, *http.Request) (*http.Response, error) { return reply(200, `{"code":99}`), nil },
			1, attendance.CodeUnknown, 0, 0, ""},
		{"HTML is asked for once more", func(int, *http.Request) (*http.Response, error) {
			return reply(200, "<!doctype html><html><head><TITLE lang=x> Login\n&amp; more </TITLE>", "Content-Type", "text/html"), nil
		}, 2, attendance.CodeMalformed, time.Second, 1500 * time.Millisecond, "an HTML page came instead of JSON (HTTP 200, text/html), its title: Login & more"},
		{"a redirect is not followed", func(int, *http.Request) (*http.Response, error) {
			return reply(302, "", "Location", "https://login.example.net/in?next=secret-thing"), nil
		}, 1, attendance.CodeMalformed, 0, 0, "a redirect to https://login.example.net/in came instead of JSON (HTTP 302)"},
		{"reset once", func(n int, _ *http.Request) (*http.Response, error) {
			if n < 2 {
				return nil, &net.OpError{Op: "read", Net: "tcp", Err: syscall.ECONNRESET}
			}
			return reply(200, ok), nil
		}, 2, "", time.Second, 1500 * time.Millisecond, ""},
		{"no connection for ever", func(int, *http.Request) (*http.Response, error) {
			return nil, &net.OpError{Op: "dial", Net: "tcp", Err: syscall.ECONNREFUSED}
		}, 0, attendance.CodeUnavailable, 7 * time.Second, 11 * time.Second, "no answer from api.example.com: dial tcp: connection refused"},
		{"half a body once", func(n int, _ *http.Request) (*http.Response, error) {
			r := reply(200, ok)
			if n < 2 {
				r.Body = io.NopCloser(io.MultiReader(strings.NewReader(ok[:5]), errReader{io.ErrUnexpectedEOF}))
			}
			return r, nil
		}, 2, "", time.Second, 1500 * time.Millisecond, ""},
		{"half a body that ends politely, for ever", func(n int, _ *http.Request) (*http.Response, error) {
			r := reply(200, ok)
			r.Body = io.NopCloser(strings.NewReader(ok[:5]))
			return r, nil
		}, 4, attendance.CodeUnavailable, 7 * time.Second, 11 * time.Second, "broke in the middle of the answer, after 5 bytes: unexpected EOF; gave up: after 4 requests"},
		{"half a document of the right length", func(n int, _ *http.Request) (*http.Response, error) { return reply(200, ok[:9]), nil },
			2, attendance.CodeMalformed, time.Second, 1500 * time.Millisecond, "half a JSON document came: it ends after 9 bytes"},
		{"an empty body", func(n int, _ *http.Request) (*http.Response, error) { return reply(200, ""), nil },
			2, attendance.CodeMalformed, time.Second, 1500 * time.Millisecond, "an empty answer came instead of JSON (HTTP 200, application/json)"},
		{"HTML and then an answer", func(n int, _ *http.Request) (*http.Response, error) {
			if n < 2 {
				return reply(200, "<html>", "Content-Type", "text/html"), nil
			}
			return reply(200, ok), nil
		}, 2, "", time.Second, 1500 * time.Millisecond, ""},
		{"half a document by its own word", func(n int, _ *http.Request) (*http.Response, error) { return reply(206, ok[:9]), nil },
			2, attendance.CodeMalformed, time.Second, 1500 * time.Millisecond, "half a JSON document came: it ends after 9 bytes (HTTP 206"},
		{"206 with all of it", func(n int, _ *http.Request) (*http.Response, error) { return reply(206, ok), nil }, 1, "", 0, 0, ""},
		{"201", func(n int, _ *http.Request) (*http.Response, error) { return reply(201, ok), nil }, 1, "", 0, 0, ""},
		{"203, a byte order mark, blanks and a comment", func(n int, _ *http.Request) (*http.Response, error) {
			return reply(203, "\ufeff\r\n"+ok+" \x00\u00a0\n<!-- by gateway 7 -->\n"), nil
		}, 1, "", 0, 0, ""},
	}
	for _, tc := range cases {
		t.Run(tc.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				c := provider.Client{Name: "acme", HTTP: tc.trip.client(), Classify: classify}
				began := time.Now()
				got, err := c.Call(t.Context(), get())
				took := time.Since(began)
				require.Equal(t, tc.sent, got.Sent)
				require.Equal(t, began, got.SentAt)
				require.GreaterOrEqual(t, took, tc.least)
				require.LessOrEqual(t, took, tc.most)
				if tc.code == "" {
					require.NoError(t, err)
					require.Equal(t, ok, string(got.Body))
					return
				}
				require.Equal(t, tc.code, attendance.CodeOf(err), "%v", err)
				require.ErrorContains(t, err, tc.says)
				require.ErrorContains(t, err, "acme /records: ")
				require.NotContains(t, err.Error(), "invalid character")
				require.NotContains(t, err.Error(), "secret-thing")
			})
		})
	}
}

type errReader struct{ err error }

func (r errReader) Read([]byte) (int, error) { return 0, r.err }

func TestOwnBackoff(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		policies := 0
		c := provider.Client{Name: "acme", Classify: classify,
			HTTP: tripper(func(int, *http.Request) (*http.Response, error) { return reply(503, `{}`), nil }).client(),
			Backoff: func() backoff.BackOff {
				policies++
				return backoff.WithMaxRetries(backoff.NewConstantBackOff(time.Minute), 5)
			}}
		for range 2 {
			began := time.Now()
			got, err := c.Call(t.Context(), get())
			require.Equal(t, attendance.CodeUnavailable, attendance.CodeOf(err))
			require.Equal(t, 6, got.Sent)
			require.Equal(t, 5*time.Minute, time.Since(began))
		}
		require.Equal(t, 2, policies, "a fresh policy for every call")
	})
}

func TestContexts(t *testing.T) {
	throttled := tripper(func(int, *http.Request) (*http.Response, error) {
		return reply(200, `{"code":2,"message":"later"}`), nil
	})
	slow := tripper(func(_ int, r *http.Request) (*http.Response, error) {
		<-r.Context().Done()
		return nil, r.Context().Err()
	})
	slowBody := tripper(func(_ int, r *http.Request) (*http.Response, error) {
		resp := reply(200, `{}`)
		resp.Body, resp.ContentLength = io.NopCloser(blockedReader{r.Context()}), -1
		return resp, nil
	})
	t.Run("deadline shorter than the wait returns the trouble at once", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			c := provider.Client{Name: "acme", HTTP: throttled.client(), Classify: classify}
			ctx, cancel := context.WithTimeout(t.Context(), 15*time.Second)
			defer cancel()
			began := time.Now()
			_, err := c.Call(ctx, get())
			require.Equal(t, attendance.CodeThrottled, attendance.CodeOf(err))
			require.ErrorContains(t, err, "later; gave up: the next try would have to wait 20s, past the deadline")
			require.Zero(t, time.Since(began))
		})
	})
	for name, trip := range map[string]tripper{"waiting to retry": throttled, "no answer": slow, "no body": slowBody} {
		t.Run("cancelled: "+name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				c := provider.Client{Name: "acme", HTTP: trip.client(), Classify: classify}
				ctx, cancel := context.WithCancel(t.Context())
				time.AfterFunc(3*time.Second, cancel)
				began := time.Now()
				got, err := c.Call(ctx, get())
				require.Equal(t, context.Canceled, err, "bare")
				require.Equal(t, 3*time.Second, time.Since(began))
				require.Equal(t, 1, got.Sent)
			})
		})
		if name == "waiting to retry" {
			continue
		}
		t.Run("deadline: "+name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				c := provider.Client{Name: "acme", HTTP: trip.client(), Classify: classify}
				ctx, cancel := context.WithTimeout(t.Context(), 3*time.Second)
				defer cancel()
				_, err := c.Call(ctx, get())
				require.Equal(t, context.DeadlineExceeded, err, "bare")
			})
		})
		t.Run("time-out of the client: "+name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				c := provider.Client{Name: "acme", HTTP: trip.client(), Classify: classify}
				began := time.Now()
				got, err := c.Call(t.Context(), get())
				require.Equal(t, attendance.CodeUnavailable, attendance.CodeOf(err), "no context error: %v", err)
				require.NotErrorIs(t, err, context.DeadlineExceeded)
				require.Equal(t, 4, got.Sent)
				require.Greater(t, time.Since(began), 4*30*time.Second)
			})
		})
	}
	t.Run("ended before", func(t *testing.T) {
		c := provider.Client{Name: "acme", HTTP: tripper(func(int, *http.Request) (*http.Response, error) {
			t.Error("sent")
			return nil, nil
		}).client()}
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		got, err := c.Call(ctx, get())
		require.Equal(t, context.Canceled, err, "bare")
		require.Zero(t, got.Sent)
	})
}

type blockedReader struct{ ctx context.Context }

func (r blockedReader) Read([]byte) (int, error) {
	<-r.ctx.Done()
	return 0, r.ctx.Err()
}

func TestNilClassify(t *testing.T) {
	for status, code := range map[int]attendance.Code{200: "", 204: attendance.CodeMalformed, 400: attendance.CodeRequest, 404: attendance.CodeRequest,
		429: attendance.CodeThrottled, 500: attendance.CodeUnavailable, 503: attendance.CodeUnavailable, 307: attendance.CodeMalformed} {
		body := `{"message":"m"}`
		if status == 204 {
			body = ""
		}
		c := provider.Client{Name: "acme", HTTP: tripper(func(int, *http.Request) (*http.Response, error) { return reply(status, body), nil }).client(),
			Backoff: func() backoff.BackOff { return &backoff.StopBackOff{} }}
		_, err := c.Call(t.Context(), get())
		require.Equal(t, code, attendance.CodeOf(err), "status %d: %v", status, err)
	}
}

func TestBodyLimit(t *testing.T) {
	for _, known := range []bool{true, false} {
		size := 1000
		c := provider.Client{Name: "acme", MaxBody: 1000, HTTP: tripper(func(int, *http.Request) (*http.Response, error) {
			r := reply(200, `"`+strings.Repeat("x", size-2)+`"`)
			if !known {
				r.ContentLength = -1
			}
			return r, nil
		}).client()}
		got, err := c.Call(t.Context(), get())
		require.NoError(t, err)
		require.Len(t, got.Body, 1000)
		size++
		got, err = c.Call(t.Context(), get())
		require.Equal(t, attendance.CodeMalformed, attendance.CodeOf(err))
		require.ErrorContains(t, err, "larger than 1000 bytes")
		require.Empty(t, got.Body)
		require.Equal(t, 1, got.Sent)
	}
}

func TestBudgetOfCalls(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := 0
		c := provider.Client{Name: "acme", Classify: classify, HTTP: tripper(func(int, *http.Request) (*http.Response, error) {
			switch n++; n {
			case 1:
				return reply(200, `{"code":1}`), nil // not metered
			case 2:
				return nil, &net.OpError{Op: "dial", Err: syscall.ECONNREFUSED} // never there
			case 3:
				return reply(503, `{}`), nil // metered, as far as we know
			default:
				return reply(200, `{"code":0}`), nil
			}
		}).client()}
		budget := provider.NewMonthlyBudget(2, nil, nil)
		r := get()
		r.Budget = budget
		got, err := c.Call(t.Context(), r)
		require.NoError(t, err)
		require.Equal(t, 3, got.Sent)
		left, limited, err := budget.Left(t.Context())
		require.NoError(t, err)
		require.True(t, limited)
		require.Zero(t, left)
		got, err = c.Call(t.Context(), r)
		require.Equal(t, attendance.CodeQuota, attendance.CodeOf(err))
		require.ErrorContains(t, err, "acme /records: quota: the budget of 2 calls for 2000-01 is used up")
		require.Zero(t, got.Sent)
		require.Equal(t, 4, n, "nothing was sent")
	})
}

type brokenBudget struct{ err error }

func (b brokenBudget) Take(context.Context) error              { return b.err }
func (b brokenBudget) Return()                                 {}
func (b brokenBudget) Left(context.Context) (int, bool, error) { return 0, false, b.err }

func TestBrokenBudget(t *testing.T) {
	c := provider.Client{Name: "acme", HTTP: tripper(func(int, *http.Request) (*http.Response, error) {
		t.Error("sent")
		return nil, nil
	}).client()}
	r := get()
	native := errors.New("database is gone")
	r.Budget = brokenBudget{native}
	_, err := c.Call(t.Context(), r)
	require.ErrorIs(t, err, native)
	require.Equal(t, attendance.CodeUnknown, attendance.CodeOf(err))
}

// Every way in which a secret may come back: in the transport's error, in the
// platform's words (plain, escaped for JSON or for a URL), in a redirect, in a page.
func TestNothingLeaks(t *testing.T) {
	escaped := url.QueryEscape(secret)
	trips := map[string]tripper{
		"transport": func(_ int, r *http.Request) (*http.Response, error) { return nil, fmt.Errorf("cannot get %s", r.URL) },
		"wrapped": func(_ int, r *http.Request) (*http.Response, error) {
			return nil, &url.Error{Op: "Get", URL: r.URL.String(), Err: errors.New("inner " + token)}
		},
		"proxy": func(int, *http.Request) (*http.Response, error) {
			return nil, errors.New(`bad proxy "http://me:` + "proxypass" + `@10.0.0.1:3128"`)
		},
		"echo": func(int, *http.Request) (*http.Response, error) {
			return reply(200, `{"code":9,"message":"what is `+token+` and s3cr/et+&<\"x\"?"}`), nil
		},
		"echo, escaped": func(int, *http.Request) (*http.Response, error) {
			return reply(200, `{"code":9,"message":"what is s3cr/et+\u0026\u003c\"x\"?"}`), nil
		},
		"echo, url": func(int, *http.Request) (*http.Response, error) {
			return reply(200, `{"code":9,"message":"what is https://x/?secret=`+escaped+`&t=`+token+`"}`), nil
		},
		"echo, slashes": func(int, *http.Request) (*http.Response, error) {
			return reply(200, `{"code":9,"message":"s3cr\/et+&<\"x\""}`), nil
		},
		"echo, throttled": func(int, *http.Request) (*http.Response, error) {
			return reply(200, `{"code":1,"message":"`+token+` header-token-1"}`), nil
		},
		"echo, token": func(int, *http.Request) (*http.Response, error) {
			return reply(200, `{"code":4,"message":"`+token+`"}`), nil
		},
		"page": func(int, *http.Request) (*http.Response, error) {
			return reply(200, `<title>`+token+`</title>`, "Content-Type", "text/html"), nil
		},
		"status": func(int, *http.Request) (*http.Response, error) {
			return reply(503, `{"code":0,"token":"`+token+`"}`), nil
		},
		"text": func(int, *http.Request) (*http.Response, error) { return reply(200, secret+token), nil },
		"redirect": func(int, *http.Request) (*http.Response, error) {
			return reply(307, "", "Location", "https://evil.example/"+token+"/?t="+token), nil
		},
		"content type": func(int, *http.Request) (*http.Response, error) { return reply(200, "", "Content-Type", token), nil },
	}
	for name, trip := range trips {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				var log bytes.Buffer
				c := provider.Client{Name: "acme", HTTP: trip.client(), Classify: classify, Secrets: []string{secret},
					Logger: slog.New(slog.NewTextHandler(&log, &slog.HandlerOptions{Level: slog.LevelDebug}))}
				r := get()
				r.Header = http.Header{"X-Token": {"header-token-1"}}
				r.Body = map[string]string{"secret": secret}
				_, err := c.Call(t.Context(), r)
				require.Error(t, err)
				require.NotEmpty(t, log.String())
				if strings.Contains(name, "token") {
					require.ErrorIs(t, err, provider.ErrToken, "the meaning survives")
				}
				texts := []string{log.String()}
				for e := err; e != nil; e = errors.Unwrap(e) {
					texts = append(texts, e.Error(), fmt.Sprintf("%+v", e))
				}
				for _, text := range texts {
					for _, hidden := range []string{token, secret, escaped, "s3cr", "header-token-1", "access_token", "proxypass"} {
						require.NotContains(t, text, hidden)
					}
				}
			})
		})
	}
}

// A success may well repeat what was in the query: an account, a time. It comes
// back untouched.
func TestSuccessIsUntouched(t *testing.T) {
	body := `{"code":0,"userid":"staff001","time":1772431533000,"token":"` + token + `"}`
	c := provider.Client{HTTP: tripper(func(int, *http.Request) (*http.Response, error) { return reply(200, body), nil }).client(), Classify: classify}
	r := get()
	r.Query.Set("userid", "staff001")
	r.Query.Set("time", "1772431533000")
	got, err := c.Call(t.Context(), r)
	require.NoError(t, err)
	require.Equal(t, body, string(got.Body))
}

func TestBadAddress(t *testing.T) {
	for _, bad := range []string{"", "oapi.example.com/x?secret=abcdefgh", "ftp://x/secret-abcdefgh", "http://a b/secret-abcdefgh", "://secret-abcdefgh", "http://x/%zz-secret-abcdefgh"} {
		_, err := (&provider.Client{Name: "acme"}).Call(t.Context(), provider.Request{URL: bad})
		require.Equal(t, attendance.CodeRequest, attendance.CodeOf(err), bad)
		require.NotContains(t, err.Error(), "abcdefgh")
	}
	_, err := (&provider.Client{Name: "acme"}).Call(t.Context(), provider.Request{URL: address, Body: func() {}})
	require.Equal(t, attendance.CodeRequest, attendance.CodeOf(err))
}

func TestPauseEndsWithItsContext(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
		defer cancel()
		began := time.Now()
		require.NoError(t, provider.Pause(ctx, 20*time.Second))
		require.Equal(t, 20*time.Second, time.Since(began))
		require.ErrorIs(t, provider.Pause(ctx, time.Hour), context.DeadlineExceeded)
		require.Equal(t, time.Minute, time.Since(began))
		require.ErrorIs(t, provider.Pause(ctx, 0), context.DeadlineExceeded)
	})
}
