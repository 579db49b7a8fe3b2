package queue

import "sync/atomic"

const defaultBytes = 256 << 20

// Bytes bounds the bodies held at once, over all calls. It counts, it does not wait: who does
// not fit is refused at arrival. Safe for concurrent use. Make one with NewBytes.
type Bytes struct {
	limit atomic.Int64
	held  atomic.Int64
}

// NewBytes returns a bound of limit bytes. 0 means 256 MiB, negative means no bound.
func NewBytes(limit int64) *Bytes {
	b := &Bytes{}
	b.Resize(limit)
	return b
}

// Resize changes the bound, as NewBytes takes it. What is held stays.
func (b *Bytes) Resize(limit int64) {
	if limit == 0 {
		limit = defaultBytes
	}
	b.limit.Store(limit)
}

// Take holds n more bytes if they fit under the bound, and reports whether they did. A body that
// is larger than the bound never fits. n of 0 or less holds nothing and fits.
func (b *Bytes) Take(n int64) bool {
	n = max(n, 0)
	for {
		held, limit := b.held.Load(), b.limit.Load()
		if n > 0 && limit >= 0 && n > limit-held {
			return false
		}
		if b.held.CompareAndSwap(held, held+n) {
			return true
		}
	}
}

// Give returns n bytes that were taken.
func (b *Bytes) Give(n int64) { b.held.Add(-max(n, 0)) }

// Held returns how many bytes are held now.
func (b *Bytes) Held() int64 { return b.held.Load() }
