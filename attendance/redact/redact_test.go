package redact_test

import (
	"context"
	"crypto/x509"
	"database/sql/driver"
	"errors"
	"fmt"
	"io"
	"net"
	"net/url"
	"os"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/punchbridge/punchbridge/attendance/redact"
)

const secret = "T0k/en-Sup3rS3cret"

func TestFields(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{
		`{"access_token":"§","expires_in":7200}`:         `{"access_token":"***","expires_in":7200}`,
		`{"accessToken" : "§" , "a":1}`:                  `{"accessToken" : "***" , "a":1}`,
		`{"a":{"SUITE_ACCESS_TOKEN":"§"`:                 `{"a":{"SUITE_ACCESS_TOKEN":"***"`,
		`{"access\u005ftoken":"§"}`:                      `{"access\u005ftoken":"***"}`,
		`{"\u0061ccess_token":"§"}`:                      `{"\u0061ccess_token":"***"}`,
		`{"errcode":0,"access_token":"§`:                 `{"errcode":0,"access_token":"***`,
		`{"errcode":0,"access_token":§`:                  `{"errcode":0,"access_token":***`,
		`{"errcode":0,'secret':'§'}`:                     `{"errcode":0,'secret':'***'}`,
		`"{\"access_token\":\"§\",\"a\":1}"`:             `"{\"access_token\":\"***\",\"a\":1}"`,
		`"{\\\"ticket\\\":\\\"§\\\",\\\"a\\\":1}"`:       `"{\\\"ticket\\\":\\\"***\\\",\\\"a\\\":1}"`,
		`"{\"access\\u005ftoken\":\"§\"}"`:               `"{\"access\\u005ftoken\":\"***\"}"`,
		`{"jsapi_ticket":["§","x"],"b":1}`:               `{"jsapi_ticket":***,"b":1}`,
		`{"token":{"value":"§}"},"b":1}`:                 `{"token":***,"b":1}`,
		`{"token":{"value":"§`:                           `{"token":***`,
		`{"app_secret":"a\"§"}`:                          `{"app_secret":"***"}`,
		`{"app_secret":"a\\","b":"c"}`:                   `{"app_secret":"***","b":"c"}`,
		`{&quot;access_token&quot;:&quot;§&quot;,`:       `{&quot;access_token&quot;:&quot;***&quot;,`,
		`https://h/a?access_token=§&type=1`:              `https://h/a?access_token=***&type=1`,
		`corpsecret=§`:                                   `corpsecret=***`,
		`%22access_token%22%3A%22§%22`:                   `%22access_token%22%3A%22***%22`,
		"Authorization: Bearer §\r\nHost: h":             "Authorization: ***\r\nHost: h",
		`host=h password=§ user=u`:                       `host=h password=*** user=u`,
		`server=h;Password=§;user id=u`:                  `server=h;Password=***;user id=u`,
		`the token: §`:                                   `the token: ***`,
		`<access_token>x</access_token>`:                 `<access_token>x</access_token>`,
		`https://u:§@h/x`:                                `https://***@h/x`,
		`http://u:p/§?x#y@h:8080 and http://h/?mail=a@b`: `http://***@h:8080 and http://h/?mail=a@b`,
		// No secret.
		`{"errcode":42001,"errmsg":"access_token expired"}`: `{"errcode":42001,"errmsg":"access_token expired"}`,
		`does not accept the token: WeCom errcode 40014`:    `does not accept the token: WeCom errcode 40014`,
		`{"token":null,"b":true}`:                           `{"token":null,"b":true}`,
		`{"a":"b"}`:                                         `{"a":"b"}`,
		``:                                                  ``,
	} {
		text = strings.ReplaceAll(text, "§", secret)
		require.Equal(t, want, redact.Fields(text), text)
	}
}

// Wherever an answer is cut, and whatever stands before it, no piece of the token stays.
func FuzzFields(f *testing.F) {
	f.Add(`{"errcode":0,"access_token":"`, 30, `","expires_in":7200}`)
	f.Fuzz(func(t *testing.T, before string, cut int, after string) {
		text := before + secret + after
		_ = redact.Fields(text[:min(len(text), max(0, cut))])
		if clean := redact.Fields(`{"access_token":"` + secret + `"` + after); strings.Contains(clean[:min(len(clean), 22)], "T0k") {
			t.Fatal(clean)
		}
	})
}

func TestFieldsCutAnywhere(t *testing.T) {
	t.Parallel()
	whole := `{"errcode":0,"errmsg":"ok","access_token":"` + secret + `","expires_in":7200}`
	for cut := range len(whole) {
		require.NotContains(t, redact.Fields(whole[:cut]), "T0k", whole[:cut])
	}
}

func TestSecrets(t *testing.T) {
	t.Parallel()
	s := redact.NewSecrets([]string{"whole-value", "abc"}, []string{"Abc@Sup3rS3cret", "a/bb/cccc", "x"})
	for text, want := range map[string]string{
		"lookup Sup3rS3cret@127.0.0.1: no such host": "lookup ***@127.0.0.1: no such host",
		"Abc@Sup3rS3cret, Abc%40Sup3rS3cret":         "***, ***",
		`"Abc@Sup3rS3cret"`:                          `"***"`,
		"a whole-value, part of whole-":              "a ***, part of whole-",
		"a/bb/cccc a/bb bb/cccc cccc":                "*** a/bb *** cccc",
		"abc x":                                      "abc x",
	} {
		require.Equal(t, want, s.Text(text))
	}
	require.Equal(t, "x", new(redact.Secrets).Text("x"))
	require.Equal(t, "x", (*redact.Secrets)(nil).Text("x"))
}

type state string

func (s state) Error() string    { return "FATAL: " + secret + " (SQLSTATE " + string(s) + ")" }
func (s state) SQLState() string { return string(s) }

type number int32

func (n number) Error() string         { return "mssql: " + secret }
func (n number) SQLErrorNumber() int32 { return int32(n) }

// What a driver says when it connects, logs in or reads the dsn is never told; what a
// server says of a statement is.
func TestDatabase(t *testing.T) {
	t.Parallel()
	refused := &net.OpError{Op: "dial", Net: "tcp", Err: &net.DNSError{Err: "no such host", Name: secret + "@127.0.0.1"}}
	unencoded := "postgres://u:" + secret + "%zz@h"
	_, parse := url.Parse(unencoded) //nolint:staticcheck // it is meant to fail
	for _, c := range []struct {
		err        error
		connecting bool
		want       string // "" is the error itself
	}{
		{refused, false, "no such host"},
		{fmt.Errorf("failed to connect to `user=ecology database=%s`: %w", secret, refused), false, "no such host"},
		{fmt.Errorf("failed to connect to `user=x`: %w", state("42704")), false, "SQLSTATE 42704: "},
		{errors.New("cannot parse `postgres://u:xxxxx@" + secret + "`: failed to configure TLS"), false, "cannot be read|TLS"},
		{parse, false, "the dsn cannot be read"},
		{errors.New("invalid DSN: " + secret), false, "the dsn cannot be read"},
		{errors.New(`missing "=" after "` + secret + `" in connection info string"`), false, "the dsn cannot be read"},
		{state("28P01"), true, "SQLSTATE 28P01: the login was refused"},
		{errors.New("Error 1045 (28000): Access denied for user '" + secret + "'@'h' (using password: YES)"), true, "Error 1045 (28000): the login was refused"},
		{errors.New("Error 1045 (28000): Access denied for user '" + secret + "'@'h' (using password: YES)"), false, "Error 1045 (28000): the login was refused"},
		{errors.New("mssql: login error: Login failed for user '" + secret + "'."), false, "the login was refused"},
		{number(18456), true, "error 18456: the login was refused"},
		{errors.New("ORA-01017: invalid username/password; " + secret), true, "ORA-01017: the login was refused"},
		{errors.New("unable to open tcp connection with host '" + secret + ":1433': dial tcp: lookup x"), false, "failed to connect"},
		{errors.New("default addr for network '" + secret + "' unknown"), false, "failed to connect"},
		{x509.HostnameError{Certificate: &x509.Certificate{}, Host: secret}, false, "the server's certificate is not trusted|left out"},
		{fmt.Errorf("%s: %w", secret, os.ErrDeadlineExceeded), false, "no answer in time"},
		{fmt.Errorf("%s: %w", secret, io.ErrUnexpectedEOF), false, "the connection broke"},
		{fmt.Errorf("%s: %w", secret, driver.ErrBadConn), false, "the connection broke"},
		{errors.New("a driver of its own: " + secret), false, "left out"},
		{state("23505"), false, ""},
		{number(2627), false, ""},
		{errors.New("Error 1062 (23000): Duplicate entry"), false, ""},
		{errors.New("ORA-00001: unique constraint violated"), false, ""},
		{errors.New("sql: Scan error on column index 0"), false, ""},
		{redact.Own("we say so"), false, ""},
		{context.Canceled, true, ""},
		{nil, true, ""},
	} {
		got := redact.Database(c.err, c.connecting)
		if c.want == "" {
			require.Equal(t, c.err, got)
			continue
		}
		require.NotContains(t, got.Error(), secret)
		require.True(t, containsOne(got.Error(), c.want), "%v: %v", c.err, got)
		require.ErrorIs(t, got, c.err, "decisions still see it")
		for e := got; e != nil; e = errors.Unwrap(e) {
			require.NotContains(t, fmt.Sprintf("%v %+v %#v", e, e, e), secret)
		}
		require.Equal(t, got, redact.Database(got, true), "once is enough")
	}
}

func containsOne(text, words string) bool {
	for w := range strings.SplitSeq(words, "|") {
		if strings.Contains(text, w) {
			return true
		}
	}
	return false
}
