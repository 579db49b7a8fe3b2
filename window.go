package fairlead

import "io"

const (
	// narrow is the memory that a stream is read into at first. Thousands are
	// open at once.
	narrow = 2 << 10
	// wide is for when much comes at once: each read is a write and a flush to
	// the client, and those are what a stream costs.
	wide = 32 << 10
	// fewBytes in each of fewReads reads make a stream slow again.
	fewBytes, fewReads = 1 << 10, 2
)

// window is the part of a stream that is at hand. buf[:out] was handed to the
// caller, buf[out:held] are whole events not yet handed out, and buf[held:end]
// is the beginning of an event of which the rest has not come.
type window struct {
	buf            []byte
	out, held, end int

	from *buffers
	lent *Buffer // what buf lies in; nil: memory of its own
	few  int     // reads in a row that brought little
}

func newWindow(from *buffers) window {
	w := window{from: from}
	w.move(wide)
	return w
}

// read reads once. What was handed out is let go of first, so it may be used
// until then.
func (w *window) read(r io.Reader) (int, error) {
	if w.out > 0 {
		w.end = copy(w.buf, w.buf[w.out:w.end])
		w.held, w.out = w.held-w.out, 0
	}
	switch size := len(w.buf); {
	case w.end == size:
		w.move(max(2*size, wide))
	case w.few >= fewReads && size > narrow && w.end < narrow/2:
		w.move(narrow)
	}
	n, err := r.Read(w.buf[w.end:])
	w.end += n
	if w.few++; n > fewBytes {
		w.few = 0
	}
	return n, err
}

// move puts what is at hand into memory of another size.
func (w *window) move(size int) {
	old, lent := w.buf, w.lent
	if w.lent = nil; pooled(size) {
		w.lent = w.from.get(int64(size))
		w.buf = w.lent.Bytes
	} else {
		w.buf = make([]byte, size)
	}
	copy(w.buf, old[:w.end])
	lent.Free()
}

// rest is the beginning of an event of which the rest has not come, or has not
// been looked at.
func (w *window) rest() []byte { return w.buf[w.held:w.end] }

// waiting reports whether whole events were not yet handed out.
func (w *window) waiting() bool { return w.held > w.out }

// take hands out the whole events. They are valid until the next read.
func (w *window) take() []byte {
	b := w.buf[w.out:w.held]
	w.out = w.held
	return b
}

// skip lets go of whole events that are not handed out as they are.
func (w *window) skip(n int) {
	w.held += n
	w.out = w.held
}

// add puts bytes of ours behind those of the stream.
func (w *window) add(b string) {
	w.buf = append(w.buf[:w.end], b...)
	w.end = len(w.buf)
}

// free gives the memory back. What was handed out may not be used any more.
func (w *window) free() {
	w.lent.Free()
	*w = window{from: w.from}
}
