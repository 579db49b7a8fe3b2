package memnet

import (
	"errors"
	"io"
	"net"
	"os"
	"sync/atomic"
	"syscall"
	"time"
)

// A Conn is one end of a connection. It implements [net.Conn], and has the
// CloseWrite and SetLinger of [net.TCPConn], so that code which looks for those
// methods finds them.
type Conn struct {
	local, remote addr
	in, out       *pipe
	abrupt        atomic.Bool // Close resets: set by SetLinger(0)
}

// Pipe returns both ends of a connection that needs no listener.
func Pipe() (*Conn, *Conn) { return newPair("127.0.0.1:1", "127.0.0.1:2") }

func newPair(client, server addr) (*Conn, *Conn) {
	up, down := newPipe(), newPipe()
	return &Conn{local: client, remote: server, in: down, out: up},
		&Conn{local: server, remote: client, in: up, out: down}
}

// Read reads what the peer has sent, waiting for the first byte. It returns
// [io.EOF] after the peer's Close or CloseWrite, when all bytes are read.
func (c *Conn) Read(p []byte) (int, error) {
	n, err := c.in.read(p)
	return n, c.wrap("read", err)
}

// Write sends p, waiting for room while the peer does not read. Writes of several
// goroutines do not mix. It fails with EPIPE when the peer has closed.
func (c *Conn) Write(p []byte) (int, error) {
	n, err := c.out.write(p)
	return n, c.wrap("write", err)
}

// Close closes both directions. The peer can still read what was written, then
// [io.EOF]. Reads and writes that wait here fail with [net.ErrClosed]. Closing
// again does nothing.
func (c *Conn) Close() error {
	if c.abrupt.Load() {
		return c.Reset()
	}
	c.out.finish(net.ErrClosed)
	c.in.fail(net.ErrClosed, syscall.EPIPE)
	return nil
}

// CloseWrite closes the direction to the peer, which reads what was written and
// then [io.EOF], and may go on to answer.
func (c *Conn) CloseWrite() error {
	c.out.finish(syscall.EPIPE)
	return nil
}

// Reset closes abruptly, as a crash does: what the peer has not read is lost, and
// its reads and writes fail with ECONNRESET.
func (c *Conn) Reset() error {
	c.out.fail(syscall.ECONNRESET, net.ErrClosed)
	c.in.fail(net.ErrClosed, syscall.ECONNRESET)
	return nil
}

// SetLinger with 0 makes Close do what Reset does, as it does for
// [net.TCPConn]; any other value takes that back.
func (c *Conn) SetLinger(sec int) error {
	c.abrupt.Store(sec == 0)
	return nil
}

// LocalAddr returns the address of this end.
func (c *Conn) LocalAddr() net.Addr { return c.local }

// RemoteAddr returns the address of the peer.
func (c *Conn) RemoteAddr() net.Addr { return c.remote }

// SetDeadline sets both deadlines.
func (c *Conn) SetDeadline(t time.Time) error {
	return errors.Join(c.SetReadDeadline(t), c.SetWriteDeadline(t))
}

// SetReadDeadline makes reads fail with [os.ErrDeadlineExceeded] from t on, the
// ones that wait included. The zero time means no deadline.
func (c *Conn) SetReadDeadline(t time.Time) error {
	return c.wrap("set", c.in.setReadDeadline(t))
}

// SetWriteDeadline makes writes fail with [os.ErrDeadlineExceeded] from t on, the
// ones that wait included. The zero time means no deadline.
func (c *Conn) SetWriteDeadline(t time.Time) error {
	return c.wrap("set", c.out.setWriteDeadline(t))
}

// wrap dresses an error as package net does.
func (c *Conn) wrap(op string, err error) error {
	if err == nil || err == io.EOF {
		return err
	}
	if errno, ok := errors.AsType[syscall.Errno](err); ok {
		err = os.NewSyscallError(op, errno)
	}
	return &net.OpError{Op: op, Net: "tcp", Source: c.local, Addr: c.remote, Err: err}
}
