// Package memnet is a network in memory, for tests in virtual time.
//
// Inside a bubble of [testing/synctest] the clock moves only while every
// goroutine waits for another one. A goroutine that reads from a real socket
// waits for the kernel, so with real sockets the clock stands still and the test
// hangs. The connections of this package wait on channels only: a server, a
// client and everything between them run in a bubble, and an hour of silence
// passes in microseconds.
//
// A [Network] routes by address. A [Listener] alone, from [Listen], takes whatever
// is dialled:
//
//	l := memnet.Listen()
//	go server.Serve(l)
//	client := &http.Client{Transport: &http.Transport{DialContext: l.Dial}}
//
// The connections behave like TCP where programs can tell the difference: each
// direction holds a bounded number of bytes, so a slow reader slows its writer;
// Close lets the peer read what was sent and then [io.EOF]; [Conn.Reset] loses
// what was sent and gives the peer ECONNRESET; nobody listening is ECONNREFUSED.
// One difference is meant: closing with unread input does not reset the
// connection, because with TCP it depends on timing what the peer then sees.
//
// Nothing is shared between networks and nothing lives at package level, so what
// is made in a bubble stays in it.
package memnet

import (
	"context"
	"net"
	"os"
	"strconv"
	"sync"
	"syscall"
)

// firstPort is where the ports that the network chooses begin, as Linux does.
const firstPort = 32768

// A Network connects dialled addresses to listeners. It may be used by many
// goroutines at once.
type Network struct {
	mu        sync.Mutex
	listeners map[string]*Listener // guarded by mu
	ports     int                  // guarded by mu: how many ports were chosen
}

// New returns a network on which nobody listens.
func New() *Network {
	return &Network{listeners: make(map[string]*Listener)}
}

// Listen listens at address, which is host:port. An empty host answers at every
// host that has no listener of its own, and port 0 chooses a free port. It fails
// with EADDRINUSE while another listener is open there; one that was closed
// leaves its address free.
func (n *Network) Listen(address string) (*Listener, error) {
	host, port, err := net.SplitHostPort(address)
	if err != nil {
		return nil, &net.OpError{Op: "listen", Net: "tcp", Err: err}
	}
	n.mu.Lock()
	defer n.mu.Unlock()
	at := net.JoinHostPort(host, port)
	if port == "0" {
		at = n.freeAddress(host)
	}
	if l := n.listeners[at]; l != nil && !l.isClosed() {
		return nil, &net.OpError{Op: "listen", Net: "tcp", Addr: addr(at),
			Err: os.NewSyscallError("bind", syscall.EADDRINUSE)}
	}
	l := newListener(at)
	n.listeners[at] = l
	return l, nil
}

// freeAddress chooses a port of host that was never used. The caller holds mu.
func (n *Network) freeAddress(host string) string {
	for {
		at := net.JoinHostPort(host, strconv.Itoa(firstPort+n.ports))
		n.ports++
		if n.listeners[at] == nil {
			return at
		}
	}
}

// Dial connects to the listener at address. It has the form of
// [net.Dialer.DialContext]. Where nobody listens it fails at once with
// ECONNREFUSED; where the listener's backlog is full it waits until ctx is done.
func (n *Network) Dial(ctx context.Context, network, address string) (net.Conn, error) {
	l := n.lookup(address)
	if l == nil {
		return nil, dialError(network, address, errRefused())
	}
	return l.Dial(ctx, network, address)
}

// lookup finds the open listener for address, or nil.
func (n *Network) lookup(address string) *Listener {
	n.mu.Lock()
	defer n.mu.Unlock()
	if l := n.listeners[address]; l != nil && !l.isClosed() {
		return l
	}
	_, port, err := net.SplitHostPort(address)
	if err != nil {
		return nil
	}
	return n.listeners[":"+port]
}

// addr is the address of one end of a connection, as host:port.
type addr string

func (addr) Network() string  { return "tcp" }
func (a addr) String() string { return string(a) }

func dialError(network, address string, err error) error {
	return &net.OpError{Op: "dial", Net: network, Addr: addr(address), Err: err}
}

func errRefused() error { return os.NewSyscallError("connect", syscall.ECONNREFUSED) }
