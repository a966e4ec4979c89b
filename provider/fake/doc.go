// Package fake is what a strict fake platform is built from: receiving and
// logging requests, answering them in process or on a real connection, breaking
// connections, writing JSON without reflection and reading it without mercy.
// What a platform refuses and how it words that is the fake's own.
// dingtalk/dingtalktest and wecom/wecomtest are built with it.
//
// A fake for a new platform is one type:
//
//	type Server struct {
//		desk    fake.Desk // with a clock and a log
//		buffers fake.Buffers
//	}
//
//	func (s *Server) Transport() http.RoundTripper { return fake.Transport(s.handle) }
//
//	func (s *Server) handle(r *http.Request) fake.Answer { return s.desk.Receive(r, s.answer) }
//
//	func (s *Server) answer(c *fake.Call) fake.Answer {
//		if c.Path != "/punches" {
//			return fake.Page(http.StatusNotFound, "Not Found")
//		}
//		buffer := s.buffers.Get()
//		b := append(buffer.Bytes, `{"code":0,"rows":[`...)
//		return buffer.Answer("0", append(b, "]}"...)) // "0" stands in the log
//	}
//
// [Serve] does on a real connection what [Transport] does in process. Tokens,
// limits, permissions and data follow the platform's documentation; [Rate],
// [Faults], [Tree] and [Fields] help. Where the documentation is silent, give the
// fake an option, so that programs can be tested both ways.
//
// Everything works inside a testing/synctest bubble: there is no socket, no
// goroutine and no clock but the one that is handed in; waiting is done on timers
// and on the request's context. The package imports the standard library only,
// and not testing.
package fake
