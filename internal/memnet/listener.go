package memnet

import (
	"context"
	"net"
	"strconv"
	"strings"
	"sync"
)

// backlog is how many connections may wait for Accept before Dial waits too.
const backlog = 128

// A Listener accepts connections that were dialled in the same process. It
// implements [net.Listener].
type Listener struct {
	addr addr

	mu      sync.Mutex
	waiting []*Conn // guarded by mu: dialled, not yet accepted
	closed  bool    // guarded by mu
	dials   int     // guarded by mu: numbers the clients' ports
	changed signal  // guarded by mu
}

// Listen returns a listener that takes every address dialled through its own
// Dial. Use a [Network] where the address matters.
func Listen() *Listener { return newListener("127.0.0.1:80") }

func newListener(address string) *Listener { return &Listener{addr: addr(address)} }

// Addr returns the address the listener was made for.
func (l *Listener) Addr() net.Addr { return l.addr }

// Accept waits for the next connection. After Close it fails with
// [net.ErrClosed].
func (l *Listener) Accept() (net.Conn, error) {
	for {
		c, changed, err := l.tryAccept()
		if changed == nil {
			return c, err
		}
		<-changed
	}
}

// tryAccept takes a waiting connection, or returns what to wait for.
func (l *Listener) tryAccept() (net.Conn, <-chan struct{}, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.closed {
		return nil, nil, &net.OpError{Op: "accept", Net: "tcp", Addr: l.addr, Err: net.ErrClosed}
	}
	if len(l.waiting) == 0 {
		return nil, l.changed.wait(), nil
	}
	c := l.waiting[0]
	l.waiting = l.waiting[1:]
	l.changed.wake()
	return c, nil, nil
}

// Dial connects to the listener, whatever the address says, and does not wait
// for Accept unless the backlog is full. It has the form of
// [net.Dialer.DialContext]. On a closed listener it fails with ECONNREFUSED.
func (l *Listener) Dial(ctx context.Context, network, address string) (net.Conn, error) {
	if !strings.HasPrefix(network, "tcp") {
		return nil, dialError(network, address, net.UnknownNetworkError(network))
	}
	for {
		if err := ctx.Err(); err != nil {
			return nil, dialError(network, address, err)
		}
		c, changed := l.tryDial()
		switch {
		case c != nil:
			return c, nil
		case changed == nil:
			return nil, dialError(network, address, errRefused())
		}
		select {
		case <-changed:
		case <-ctx.Done():
		}
	}
}

// tryDial returns the client's end of a new connection; or what to wait for
// while the backlog is full; or neither when the listener is closed.
func (l *Listener) tryDial() (*Conn, <-chan struct{}) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.closed {
		return nil, nil
	}
	if len(l.waiting) >= backlog {
		return nil, l.changed.wait()
	}
	port := firstPort + l.dials%(1<<16-firstPort)
	l.dials++
	client, server := newPair(addr("127.0.0.1:"+strconv.Itoa(port)), l.addr)
	l.waiting = append(l.waiting, server)
	l.changed.wake()
	return client, nil
}

// Close stops listening. Connections that nobody accepted are reset; accepted
// ones stay open. Closing again does nothing.
func (l *Listener) Close() error {
	l.mu.Lock()
	left := l.waiting
	l.waiting, l.closed = nil, true
	l.changed.wake()
	l.mu.Unlock()
	for _, c := range left {
		c.Reset()
	}
	return nil
}

func (l *Listener) isClosed() bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.closed
}

// A signal tells everyone who waits that something changed. Its owner's lock
// guards it, and is not held while waiting.
type signal struct{ ch chan struct{} }

// wait returns a channel that the next wake closes.
func (s *signal) wait() <-chan struct{} {
	if s.ch == nil {
		s.ch = make(chan struct{})
	}
	return s.ch
}

// wake wakes everyone who waits.
func (s *signal) wake() {
	if s.ch != nil {
		close(s.ch)
		s.ch = nil
	}
}
