package fake

import "sync"

// Buffers lends memory for bodies, so that a benchmark measures the program and
// not the fake. The zero value is ready. It is safe for concurrent use.
type Buffers struct{ pool sync.Pool }

// A Buffer is lent memory.
type Buffer struct {
	// Bytes is empty; append to it.
	Bytes []byte
	home  *Buffers
}

// Get lends a buffer. It comes back by [Buffer.Answer].
func (p *Buffers) Get() *Buffer {
	b, ok := p.pool.Get().(*Buffer)
	if !ok {
		b = &Buffer{home: p}
	}
	b.Bytes = b.Bytes[:0]
	return b
}

// Answer is [JSON] with a body that was appended to b.Bytes. The memory is lent
// again once the answer was sent or its body closed.
func (b *Buffer) Answer(code string, body []byte) Answer {
	b.Bytes = body
	a := JSON(code, body)
	a.buffer = b
	return a
}

func (b *Buffer) giveBack() {
	if b != nil {
		b.home.pool.Put(b)
	}
}
