package fairlead

import (
	"math/bits"
	"net/http/httptrace"
	"sync"
	"sync/atomic"

	"fairlead.dev/queue"
)

// Bodies between these lengths, and what is at hand of streams, lie in memory
// that is used again. Shorter ones
// cost less than the looking after, longer ones are too rare to keep memory
// for. A body of 100 KiB in memory of its own costs a fifth of the gateway's
// CPU: to clear it, and to collect it thirty times a second.
const (
	leastPooled = 14 // 2^14 bytes, 16 KiB
	mostPooled  = 21 // 2^21 bytes, 2 MiB
)

// buffers lends memory: for request bodies under the bound of Config.MaxBytes.
type buffers struct {
	held  *queue.Bytes
	pools [mostPooled - leastPooled + 1]sync.Pool // of *Buffer, by powers of two
}

// Buffer is memory for one body. Give it back with Free.
type Buffer struct {
	Bytes []byte

	of      *buffers
	held    int64
	pool    *sync.Pool
	sending atomic.Int32 // connections that may be reading from Bytes
}

// Buffer lends n bytes, or returns nil when the bodies of all open calls would
// pass Config.MaxBytes. What the bytes hold is undefined.
func (c *Client) Buffer(n int64) *Buffer {
	if !c.buffers.held.Take(n) {
		return nil
	}
	b := c.buffers.get(n)
	b.held = n
	return b
}

// pooled reports whether the memory of bodies of a length is used again.
func pooled(n int) bool { return n > 1<<leastPooled && n <= 1<<mostPooled }

// get lends n bytes that are not counted.
func (p *buffers) get(n int64) *Buffer {
	if !pooled(int(n)) {
		return &Buffer{Bytes: make([]byte, n), of: p}
	}
	class := bits.Len(uint(n - 1))
	pool := &p.pools[class-leastPooled]
	if b, ok := pool.Get().(*Buffer); ok {
		b.Bytes = b.Bytes[:n]
		return b
	}
	return &Buffer{Bytes: make([]byte, n, 1<<class), of: p, pool: pool}
}

// Free gives the bytes back, once. Nobody may use them afterwards but a
// connection that still sends them, since an answer may come before its request
// is sent: then they are left to the garbage collector. On nil it does nothing.
func (b *Buffer) Free() {
	if b == nil {
		return
	}
	b.of.held.Give(b.held)
	b.held = 0
	if b.pool != nil && b.sending.Load() == 0 {
		b.pool.Put(b)
	}
}

// watch counts in t the connections that read from the buffer. Each one that a
// request got is told when the request was written, with or without success; one
// that breaks between the two is never told, and the buffer never used again.
func (b *Buffer) watch(t *httptrace.ClientTrace) {
	got := t.GotConn
	t.GotConn = func(info httptrace.GotConnInfo) {
		b.sending.Add(1)
		got(info)
	}
	t.WroteRequest = func(httptrace.WroteRequestInfo) { b.sending.Add(-1) }
}
