package fake

import (
	"net"
	"net/http"
)

// Serve sends the answer on a real connection, for net/http/httptest or a process
// of its own.
//
// A [Reset] closes the connection by hijacking it. Where that is not possible,
// for every other Err, and for a body that is cut, the handler panics with
// http.ErrAbortHandler, as net/http foresees it.
func Serve(w http.ResponseWriter, r *http.Request, answer func(*http.Request) Answer) {
	a := answer(r)
	a.serve(w, r)
	a.buffer.giveBack()
}

func (a *Answer) serve(w http.ResponseWriter, r *http.Request) {
	if a.IsReset {
		abort(w)
	}
	if a.Err != nil {
		panic(http.ErrAbortHandler)
	}
	a.headers(w.Header())
	w.WriteHeader(a.Status)
	if a.Cut == 0 {
		// A caller that has gone away is no concern of the fake's.
		_, _ = w.Write(a.Body)
		return
	}
	_, _ = w.Write(a.Body[:len(a.Body)/2])
	_ = http.NewResponseController(w).Flush()
	if a.Cut == CutSlow {
		<-r.Context().Done()
	}
	panic(http.ErrAbortHandler)
}

// abort closes the connection under the caller's feet, with a reset where the
// connection is TCP.
func abort(w http.ResponseWriter) {
	conn, _, err := http.NewResponseController(w).Hijack()
	if err == nil {
		if tcp, ok := conn.(*net.TCPConn); ok {
			_ = tcp.SetLinger(0)
		}
		_ = conn.Close()
	}
	panic(http.ErrAbortHandler)
}
