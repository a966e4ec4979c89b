package fake_test

import (
	"context"
	"errors"
	"io"
	"math"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"github.com/punchbridge/punchbridge/provider/fake"
	"github.com/stretchr/testify/require"
)

// acme is a platform of one call.
type acme struct {
	desk    fake.Desk
	buffers fake.Buffers
	rate    fake.Rate
	faults  fake.Faults[fake.Answer]
}

func newAcme(now func() time.Time, logSize int) *acme {
	return &acme{desk: fake.Desk{Now: now, Log: fake.NewLog(logSize), Secrets: []string{"token"}}}
}

func (s *acme) answer(r *http.Request) fake.Answer {
	return s.desk.Receive(r, func(c *fake.Call) fake.Answer {
		switch broken := s.faults.Take(func(fake.Answer) bool { return true }); {
		case c.Path == "/hang":
			return fake.Hang(c.Context())
		case c.Path != "/punches":
			return fake.Page(http.StatusNotFound, "Not Found")
		case broken.Status != 0 || broken.Err != nil:
			return broken
		}
		if end, ok := s.rate.Admit(c.Now, 2, time.Second, func(now time.Time) time.Time { return now.Add(time.Minute) }); !ok {
			return fake.Unavailable(end.Sub(c.Now))
		}
		buffer := s.buffers.Get()
		b := append(buffer.Bytes, `{"code":0,"host":`...)
		b = fake.AppendString(b, c.Host)
		return buffer.Answer("0", append(b, '}'))
	})
}

func (s *acme) ServeHTTP(w http.ResponseWriter, r *http.Request) { fake.Serve(w, r, s.answer) }

func (s *acme) client() *http.Client { return &http.Client{Transport: fake.Transport(s.answer)} }

func get(t testing.TB, client *http.Client, address string) (*http.Response, string, error) {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, address, nil)
	require.NoError(t, err)
	resp, err := client.Do(req)
	if err != nil {
		return nil, "", err
	}
	defer resp.Body.Close()
	raw, err := io.ReadAll(resp.Body)
	return resp, string(raw), err
}

func TestAPlatform(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newAcme(time.Now, 2)
		s.desk.Latency = time.Second
		start := time.Now()
		resp, raw, err := get(t, s.client(), "https://acme.example:8443/punches?token=hush&n=1")
		require.NoError(t, err)
		require.JSONEq(t, `{"code":0,"host":"acme.example"}`, raw)
		require.Equal(t, "application/json;charset=UTF-8", resp.Header.Get("Content-Type"))
		require.Equal(t, start.UTC().Format(http.TimeFormat), resp.Header.Get("Date"))
		require.Equal(t, time.Second, time.Since(start))

		resp, raw, err = get(t, s.client(), "https://acme.example/other")
		require.NoError(t, err)
		require.Equal(t, "404 Not Found", resp.Status)
		require.Contains(t, raw, "<title>Not Found</title>")
		require.Contains(t, resp.Header.Get("Content-Type"), "text/html")

		req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, "https://acme.example/punches", strings.NewReader("{}"))
		require.NoError(t, err)
		resp, err = s.client().Do(req)
		require.NoError(t, err)
		require.NoError(t, resp.Body.Close())
		_, err = resp.Body.Read(make([]byte, 1))
		require.ErrorIs(t, err, http.ErrBodyReadAfterClose)

		require.Equal(t, []fake.Request{
			{Number: 2, Method: "GET", Path: "/other", Query: url.Values{}, Time: start.Add(time.Second), Status: 404},
			{Number: 3, Method: "POST", Path: "/punches", Query: url.Values{}, Body: "{}", Time: start.Add(2 * time.Second), Status: 200, Code: "0"},
		}, s.desk.Log.Latest(), "the latest two, without secrets")
		require.Equal(t, 3, s.desk.Log.Requests(""))
		require.Equal(t, 2, s.desk.Log.Requests("/punches"))
		s.desk.Log.Reset()
		require.Zero(t, s.desk.Log.Requests("")+s.desk.Log.Requests("/punches")+len(s.desk.Log.Latest()))

		ctx, cancel := context.WithTimeout(t.Context(), time.Millisecond)
		defer cancel()
		_, err = s.client().Do(req.WithContext(ctx))
		require.ErrorIs(t, err, context.DeadlineExceeded, "the latency ends with the context")
		require.Equal(t, 1, s.desk.Log.Requests(""))
		require.Empty(t, s.desk.Log.Latest(), "it was not answered")
		_, err = s.client().Do(req.WithContext(ctx))
		require.ErrorIs(t, err, context.DeadlineExceeded)
		require.Equal(t, 1, s.desk.Log.Requests(""), "what is over is not sent")
	})
}

func TestABrokenBodyOfARequest(t *testing.T) {
	s := newAcme(time.Now, 0)
	broken := errors.New("broken")
	req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, "https://acme.example/punches", io.MultiReader(strings.NewReader("{"), errReader{broken}))
	require.NoError(t, err)
	_, err = s.client().Do(req)
	require.ErrorIs(t, err, broken)
	require.Zero(t, s.desk.Log.Requests(""))
}

type errReader struct{ err error }

func (r errReader) Read([]byte) (int, error) { return 0, r.err }

func TestBreakage(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newAcme(time.Now, 0)
		s.faults.Add(fake.Reset(), 0, 1)
		_, _, err := get(t, s.client(), "https://acme.example/punches")
		require.ErrorIs(t, err, syscall.ECONNRESET)

		half := fake.Raw(0, `{"code":0}`)
		half.Cut = fake.CutShort
		s.faults.Add(half, 0, 1)
		_, raw, err := get(t, s.client(), "https://acme.example/punches")
		require.ErrorIs(t, err, io.ErrUnexpectedEOF)
		require.Equal(t, `{"cod`, raw)

		half.Cut = fake.CutSlow
		s.faults.Add(half, 0, 0)
		for _, path := range []string{"/punches", "/hang"} {
			ctx, cancel := context.WithTimeout(t.Context(), time.Hour)
			defer cancel()
			req, err := http.NewRequestWithContext(ctx, http.MethodGet, "https://acme.example"+path, nil)
			require.NoError(t, err)
			start := time.Now()
			resp, err := s.client().Do(req)
			if err == nil {
				_, err = io.ReadAll(resp.Body)
				require.NoError(t, resp.Body.Close())
			}
			require.ErrorIs(t, err, context.DeadlineExceeded)
			require.Equal(t, time.Hour, time.Since(start))
		}
		require.Error(t, fake.Hang(context.Background()).Err, "no deadlock")
		s.faults.Clear()
		_, _, err = get(t, s.client(), "https://acme.example/punches")
		require.NoError(t, err)
	})
}

func TestBreakageOfARealConnection(t *testing.T) {
	s := newAcme(time.Now, 0)
	server := httptest.NewServer(s)
	defer server.Close()
	_, raw, err := get(t, server.Client(), server.URL+"/punches")
	require.NoError(t, err)
	require.Contains(t, raw, "127.0.0.1")

	server.Client().CloseIdleConnections() // on a used connection net/http would try again by itself
	s.faults.Add(fake.Reset(), 0, 1)
	_, _, err = get(t, server.Client(), server.URL+"/punches")
	require.True(t, errors.Is(err, syscall.ECONNRESET) || errors.Is(err, io.EOF), err)

	for _, cut := range []fake.Cut{fake.CutShort, fake.CutSlow} {
		half := fake.JSON("0", []byte(`{"code":0}`))
		half.Cut = cut
		s.faults.Add(half, 0, 1)
		ctx, cancel := context.WithCancel(t.Context())
		req, err := http.NewRequestWithContext(ctx, http.MethodGet, server.URL+"/punches", nil)
		require.NoError(t, err)
		resp, err := server.Client().Do(req)
		require.NoError(t, err)
		if cut == fake.CutSlow {
			_, err = io.ReadFull(resp.Body, make([]byte, 5))
			require.NoError(t, err)
			cancel()
		}
		_, err = io.ReadAll(resp.Body)
		require.Error(t, err)
		require.NoError(t, resp.Body.Close())
		cancel()
	}
}

func TestAnswers(t *testing.T) {
	require.Equal(t, "2", fake.Unavailable(1001*time.Millisecond).Header.Get("Retry-After"))
	require.Nil(t, fake.Unavailable(0).Header)
	require.True(t, fake.Raw(0, " <b>").HTML)
	require.Equal(t, 418, fake.Raw(418, "{}").Status)
	require.False(t, fake.Raw(418, "{}").HTML)
}

func TestRate(t *testing.T) {
	now := time.Date(2026, 3, 5, 12, 0, 0, 0, time.UTC)
	var rate fake.Rate
	admit := func() bool {
		_, ok := rate.Admit(now, 4, time.Second, func(now time.Time) time.Time { return now.Add(time.Minute) })
		return ok
	}
	for range 12 { // four a second, evenly
		require.True(t, admit())
		now = now.Add(time.Second / 4)
	}
	now = now.Add(-time.Millisecond)
	require.False(t, admit(), "a millisecond early")
	now = now.Add(time.Minute - 1)
	require.False(t, admit())
	now = now.Add(1)
	for range 4 {
		require.True(t, admit(), "after the penalty all is forgotten, and it was not prolonged")
	}
	require.False(t, admit())
}

func TestFaults(t *testing.T) {
	var faults fake.Faults[string]
	take := func(prefix string) string {
		return faults.Take(func(f string) bool { return strings.HasPrefix(f, prefix) })
	}
	faults.Add("a1", 1, 2)
	faults.Add("a2", 0, 0)
	require.Equal(t, []string{"", "a2", "a1", "a1", "a2", "a2"}, []string{take("b"), take("a"), take("a"), take("a"), take("a"), take("a")})
	faults.Clear()
	require.Empty(t, take(""))
}

func TestFields(t *testing.T) {
	read := func(body string) (fake.Fields, bool) { return (&fake.Call{Body: []byte(body)}).Fields() }
	for _, body := range []string{"", "null", "[]", "1", "{", `{}{}`} {
		_, ok := read(body)
		require.False(t, ok, body)
	}
	f, ok := read(`{"n":7,"half":7.5,"text":"7","list":["a","b"],"null":null,"yes":"true","no":false}`)
	require.True(t, ok)
	n, ok := f.Integer("n")
	require.True(t, ok)
	require.Equal(t, int64(7), n)
	for _, name := range []string{"N", "half", "text", "list", "null", "none"} {
		_, ok = f.Integer(name)
		require.False(t, ok, name)
	}
	require.Equal(t, "7", f.Text("text"))
	require.Empty(t, f.Text("n")+f.Text("none"))
	list, ok := f.Texts("list")
	require.True(t, ok)
	require.Equal(t, []string{"a", "b"}, list)
	_, ok = f.Texts("text")
	require.False(t, ok)
	yes, ok := f.Flag("yes")
	require.True(t, yes && ok)
	no, ok := f.Flag("none")
	require.True(t, !no && ok)
	_, ok = f.Flag("n")
	require.False(t, ok)
	require.Equal(t, "null", f.Missing("n", "null", "none"))
	require.Empty(t, f.Missing("n", "no"))

	for kind, want := range map[string]bool{"": false, "text/plain": false, "application/json": true, "application/json; charset=utf-8": true} {
		require.Equal(t, want, (&fake.Call{Header: http.Header{"Content-Type": {kind}}}).IsJSON(), kind)
	}
}

func TestAppend(t *testing.T) {
	b := fake.AppendInts([]byte("x"), []int64{1, -2})
	b = fake.AppendStrings(b, []string{"甲\"\n\xff", ""})
	b = fake.AppendFloat(fake.AppendFloat(b, 120.5, true), math.Inf(1), false)
	b = fake.AppendMillis(append(b, ' '), time.UnixMilli(1772380800000))
	require.Equal(t, `x[1,-2]["甲\"\u000a`+"\uFFFD"+`",""]"120.5"0 1772380800000`, string(b))

	b, err := fake.Edit([]byte(`x{"id":12345678901234567,"gone":1,"old":"1"}`), 1, map[string]any{"gone": nil, "old": 2, "new": []int{3}})
	require.NoError(t, err)
	require.Equal(t, `x{"id":12345678901234567,"new":[3],"old":2}`, string(b))
	same, err := fake.Edit(b, 1, nil)
	require.NoError(t, err)
	require.Equal(t, b, same)
	_, err = fake.Edit(b, 1, map[string]any{"odd": func() {}})
	require.Error(t, err)
	_, err = fake.Edit(b, 0, map[string]any{"id": 1})
	require.Error(t, err)
}

func TestCrowd(t *testing.T) {
	require.Equal(t, uint64(0x5b88ea2ad93e1715), fake.Mix(1, 2, 3, 4), "alike in every run")
	require.NotEqual(t, fake.Mix(1, 2, 3, 4), fake.Mix(1, 3, 2, 4))
	require.NotEqual(t, fake.Mix(1, 2, 3, 4), fake.Mix(2, 2, 3, 4))
	require.Len(t, []rune(fake.PersonName(fake.Mix(1, 2, 3, 4))), 3)
}

func TestTree(t *testing.T) {
	var tree fake.Tree
	tree.Put(1, 0)
	tree.Put(10, 1)
	tree.Put(11, 10)
	tree.Put(20, 1)
	tree.Put(21, 22) // before its parent
	tree.Put(22, 20)
	require.Equal(t, []int64{10, 20}, tree.Children(1))
	require.Equal(t, []int64{20, 22, 21}, tree.Below(20))
	require.True(t, tree.Within(21, []int64{10, 20}))
	require.True(t, tree.Within(1, []int64{1}))
	require.False(t, tree.Within(21, []int64{10}))
	require.False(t, tree.Within(99, []int64{10}))

	before := tree.Children(1)
	tree.Put(10, 22)
	tree.Put(10, 1)
	require.Equal(t, []int64{20, 10}, tree.Children(1))
	require.Equal(t, []int64{10, 20}, before)

	tree.Put(20, 21) // a circle
	require.Equal(t, []int64{20, 22, 21}, tree.Below(20))
	require.False(t, tree.Within(20, []int64{1}))
}
