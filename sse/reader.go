package sse

import "io"

// first is the size a Reader's buffer begins with, in bytes; most events of a model are 100 to 300.
const first = 4 << 10

// Reader reads events from an io.Reader, as they come: it never waits for more than the event it returns. It owns
// one buffer, which grows as far as an event needs it (doubling, at most Max and 4 KiB) and shrinks afterwards.
type Reader struct {
	Max int // limit of one event in bytes; 0 or less: MaxEvent. Set it before the first Next

	src    io.Reader
	split  Splitter
	buf    []byte
	lo, hi int   // buf[lo:hi] was read and not yet returned
	err    error // what the last Read returned; told when no event is left
	done   error // what Next returns from now on

	ahead  Event // the first event of buf[lo:hi], if found
	length int   // its bytes; 0: not found
}

// NewReader returns a Reader of the stream in src. It allocates its buffer with the first Next.
func NewReader(src io.Reader) *Reader { return &Reader{src: src} }

// Next returns the next event. It is valid until the following call of Next. At the end of the stream the error is
// io.EOF, or [ErrIncomplete] together with what there is of an unfinished event, once; where the source fails it is
// the source's error, likewise; whole events that were read before come first. An event over Max gives [ErrTooLong].
// Errors are final.
func (r *Reader) Next() (Event, error) {
	for r.done == nil {
		if r.look() {
			ev := r.ahead
			r.lo += r.length
			r.ahead, r.length = Event{}, 0
			return ev, nil
		}
		if r.done != nil {
			break
		}
		if r.err != nil {
			return r.finish()
		}
		r.fill()
	}
	return Event{}, r.done
}

// Buffered tells whether Next has another whole event at hand and would return without a Read: a writer that
// forwards events flushes when it is false. It leaves the event that Next returned last as it is.
func (r *Reader) Buffered() bool { return r.done == nil && r.look() }

// Rest returns the bytes that were read and that Next has not returned as an event: after an error the beginning of
// the unfinished event. It is valid until the following call of Next.
func (r *Reader) Rest() []byte { return r.buf[r.lo:r.hi:r.hi] }

// look finds the first event in the buffer, if it is whole.
func (r *Reader) look() bool {
	if r.length > 0 {
		return true
	}
	r.split.Max = r.Max
	n, ev, ok, err := r.split.Next(r.Rest())
	if err != nil {
		r.done = err
	}
	if ok {
		r.ahead, r.length = ev, n
	}
	return ok
}

// finish deals with what is left when the source has no more.
func (r *Reader) finish() (Event, error) {
	rest := r.Rest()
	if len(rest) == 0 {
		r.done = r.err
		return Event{}, r.done
	}
	ev, ok := r.split.Last(rest)
	if ok {
		r.lo = r.hi
		return ev, nil
	}
	if r.done = r.err; r.err == io.EOF {
		r.done = ErrIncomplete
	}
	return ev, r.done
}

// empties is how many reads of nothing are taken before the source counts as broken, as in package bufio.
const empties = 100

// fill reads once, or until there is a byte or an error.
func (r *Reader) fill() {
	r.room()
	for range empties {
		n, err := r.src.Read(r.buf[r.hi:])
		r.hi += n
		if r.err = err; n > 0 || err != nil {
			return
		}
	}
	r.err = io.ErrNoProgress
}

// room makes space behind hi. What is left of the buffer moves to its front when that is no more than half of it,
// else the buffer doubles: either way bytes are moved less often, all told, than they are read.
func (r *Reader) room() {
	if r.lo == r.hi {
		r.lo, r.hi = 0, 0
		if r.buf == nil || len(r.buf) > keep {
			r.buf = make([]byte, first)
		}
	}
	if len(r.buf)-r.hi >= first/8 {
		return
	}
	to, limit := r.buf, r.split.max()+first
	if r.hi-r.lo > len(r.buf)/2 && len(r.buf) < limit {
		to = make([]byte, min(2*len(r.buf), limit))
	}
	r.hi = copy(to, r.buf[r.lo:r.hi])
	r.buf, r.lo = to, 0
}
