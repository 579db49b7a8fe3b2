package memnet

import (
	"bytes"
	"io"
	"net"
	"os"
	"sync"
	"time"
)

// capacity is how many bytes one direction holds before a write waits.
const capacity = 64 << 10

// A pipe is one direction of a connection.
type pipe struct {
	turn chan struct{} // held by the write that is under way

	mu            sync.Mutex
	buf           bytes.Buffer // guarded by mu: written, not yet read
	eof           bool         // guarded by mu: nothing more will be written
	readErr       error        // guarded by mu: why reads fail
	writeErr      error        // guarded by mu: why writes fail
	readDeadline  time.Time    // guarded by mu
	writeDeadline time.Time    // guarded by mu
	changed       signal       // guarded by mu
}

func newPipe() *pipe { return &pipe{turn: make(chan struct{}, 1)} }

// A pause is what a read or write has to wait for: a change, or its deadline.
type pause struct {
	changed  <-chan struct{}
	deadline time.Time
}

func (w *pause) wait() {
	if w.deadline.IsZero() {
		<-w.changed
		return
	}
	timer := time.NewTimer(time.Until(w.deadline))
	defer timer.Stop()
	select {
	case <-w.changed:
	case <-timer.C:
	}
}

func (p *pipe) read(b []byte) (int, error) {
	for {
		n, pause, err := p.tryRead(b)
		if pause == nil {
			return n, err
		}
		pause.wait()
	}
}

func (p *pipe) tryRead(b []byte) (int, *pause, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	switch {
	case p.readErr != nil:
		return 0, nil, p.readErr
	case expired(p.readDeadline):
		return 0, nil, os.ErrDeadlineExceeded
	case len(b) == 0:
		return 0, nil, nil
	case p.buf.Len() > 0:
		n, _ := p.buf.Read(b)
		p.changed.wake()
		return n, nil, nil
	case p.eof:
		return 0, nil, io.EOF
	}
	return 0, &pause{p.changed.wait(), p.readDeadline}, nil
}

func (p *pipe) write(b []byte) (int, error) {
	p.turn <- struct{}{}
	defer func() { <-p.turn }()
	written := 0
	for {
		n, pause, err := p.tryWrite(b[written:])
		written += n
		if err != nil || written == len(b) {
			return written, err
		}
		if pause != nil {
			pause.wait()
		}
	}
}

func (p *pipe) tryWrite(b []byte) (int, *pause, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	room := capacity - p.buf.Len()
	switch {
	case p.writeErr != nil:
		return 0, nil, p.writeErr
	case expired(p.writeDeadline):
		return 0, nil, os.ErrDeadlineExceeded
	case len(b) > 0 && room == 0:
		return 0, &pause{p.changed.wait(), p.writeDeadline}, nil
	}
	n, _ := p.buf.Write(b[:min(len(b), room)])
	p.changed.wake()
	return n, nil, nil
}

// finish ends the direction in order: reads drain it, writes fail with writeErr.
func (p *pipe) finish(writeErr error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.eof = true
	p.writeErr = firstOrClosed(p.writeErr, writeErr)
	p.changed.wake()
}

// fail ends the direction at once, and what was not read is lost.
func (p *pipe) fail(readErr, writeErr error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.buf = bytes.Buffer{} // not only emptied: a connection may be kept long after its end
	p.readErr = firstOrClosed(p.readErr, readErr)
	p.writeErr = firstOrClosed(p.writeErr, writeErr)
	p.changed.wake()
}

// firstOrClosed keeps the first error, except that an end which has closed hears
// of that whatever came before.
func firstOrClosed(old, now error) error {
	if old == nil || now == net.ErrClosed {
		return now
	}
	return old
}

func (p *pipe) setReadDeadline(t time.Time) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.readErr == net.ErrClosed {
		return p.readErr
	}
	p.readDeadline = t
	p.changed.wake()
	return nil
}

func (p *pipe) setWriteDeadline(t time.Time) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.writeErr == net.ErrClosed {
		return p.writeErr
	}
	p.writeDeadline = t
	p.changed.wake()
	return nil
}

func expired(deadline time.Time) bool {
	return !deadline.IsZero() && !time.Now().Before(deadline)
}
