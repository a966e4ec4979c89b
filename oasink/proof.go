package oasink

import (
	"context"
	"fmt"

	"github.com/punchbridge/punchbridge/attendance"
)

// proof is the text that a session must send back as it got it. In UTF-8 the character
// before the quote ends with a byte that swallows it where the session takes the text
// for GBK: a literal would then end where the sender of an address wants it to.
const proof = `楼'卡"` + "`" + `\`

// proofASCII is what of it every database can hold.
const proofASCII = `'"` + "`" + `\`

// proven makes sure, within a transaction, that texts come back from its session as they
// are sent, and that the lock is held where rows are written. It asks once for sessions
// of the same settings: the answers follow from these, from the host's driver and from
// what stands between it and the server.
func (s *Sink) proven(ctx context.Context, c *session, home string) error {
	if _, done := s.proofs.Load(c.settings); done {
		return nil
	}
	said, err := s.dialect.prove(ctx, c.Conn.Conn)
	if err == nil && said != "" {
		err = garbled(said)
	}
	if err != nil {
		return err
	}
	t, column := c.shape.sign, "userId"
	if !t.usable(signNeeds()...) {
		t, column = c.shape.mobile, "operater"
	}
	if t.has(column) {
		together, err := s.dialect.together(ctx, c.Conn.Conn, home, t, column)
		if err != nil {
			return err
		}
		if !together {
			return lockElsewhere()
		}
	}
	s.proofs.Store(c.settings, true)
	return nil
}

// lockElsewhere is the error about a proxy that reads and locks on one server and writes
// on another.
func lockElsewhere() error {
	return &attendance.Error{Code: attendance.CodeStore, Op: "oasink",
		Detail: "the lock that keeps two runs from writing a punch twice (GET_LOCK), and what is read under it, are on another server than what is written: a proxy sends SELECT to a copy of the database, also within a transaction",
		Mend: attendance.Text{
			EN: "connect to the primary server itself, or let the proxy send everything of this program's account there (no splitting of reads and writes)",
			ZH: "请直连主库，或在代理中为本程序账号关闭读写分离，使其所有语句都发往主库",
		}}
}

// proveReading does the same for a session as the pool gives it, in which people are
// read. afterReads is the statement that ends what such reads leave open.
func (s *Sink) proveReading(ctx context.Context) (afterReads string, err error) {
	err = s.patiently(ctx, "sending a text there and back", func() error {
		c, err := s.db.Conn(ctx)
		if err != nil {
			return err
		}
		defer c.Close()
		said, err := s.dialect.prove(ctx, c.Conn)
		if err == nil && said != "" {
			err = garbled(said)
		}
		if err == nil {
			afterReads, err = s.dialect.afterReads(ctx, c.Conn)
		}
		return err
	})
	return afterReads, err
}

// garbled is the error about a session that takes texts for something else.
func garbled(said string) error {
	return &attendance.Error{Code: attendance.CodeStore, Op: "oasink",
		Detail: fmt.Sprintf("a Chinese text, a quote or a backslash does not come back from the database as it was sent (%s): nothing is read or written", said),
		Mend: attendance.Text{
			EN: "let the connection speak UTF-8: MySQL, MariaDB: charset=utf8mb4 in the dsn, and nothing else in the server's init_connect; PostgreSQL: client_encoding=UTF8 in the dsn, or ALTER ROLE (DATABASE) ... RESET client_encoding",
			ZH: "请让连接使用 UTF-8：MySQL、MariaDB 在连接串中写 charset=utf8mb4，并检查服务器的 init_connect；PostgreSQL 在连接串中写 client_encoding=UTF8，或执行 ALTER ROLE（DATABASE）... RESET client_encoding",
		}}
}
