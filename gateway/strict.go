package gateway

import (
	"bytes"
	"errors"
	"net"
	"strconv"
)

// errSmuggling ends a connection: net/http answers 400 and closes.
var errSmuggling = errors.New("gateway: the request could be read in two ways")

// StrictListener wraps ln so that requests are refused with 400 which net/http
// takes, but another proxy on the way may have read differently, so that one
// request could hide another one (request smuggling):
//
//   - Content-Length together with Transfer-Encoding,
//   - more than one Content-Length or Transfer-Encoding, even when equal,
//   - a header line that ends in a bare LF,
//   - a header line that continues the one before (obs-fold),
//   - Transfer-Encoding in HTTP/1.0.
//
// Go's server repairs the first four before a handler can see them (measured,
// reference/reliability.md 3.2), so they have to be found in the bytes of the
// connection. Each line of a request's head is looked at once; bodies of known
// length are counted, not looked at. A body in chunks is not followed: a server
// from [NewServer] closes the connection after one.
func StrictListener(ln net.Listener) net.Listener { return strictListener{ln} }

type strictListener struct{ net.Listener }

func (l strictListener) Accept() (net.Conn, error) {
	c, err := l.Listener.Accept()
	if err != nil {
		return nil, err
	}
	return &strictConn{Conn: c}, nil
}

// strictConn checks the heads of the requests that are read from it. Like any
// connection under a server it has one reader at a time.
type strictConn struct {
	net.Conn
	head headCheck
	body int64  // bytes of the present body that are still to come
	open bool   // the present body has chunks: everything else passes
	part []byte // the beginning of a line whose end was not read yet
	err  error
}

// Read hands on what was read up to the first violation, and then fails.
func (c *strictConn) Read(p []byte) (int, error) {
	if c.err != nil {
		return 0, c.err
	}
	n, err := c.Conn.Read(p)
	if good := c.check(p[:n]); good < n {
		c.err = errSmuggling
		if good == 0 {
			return 0, c.err
		}
		return good, nil
	}
	return n, err
}

// check follows b through heads and bodies. It returns how many bytes are good:
// all, or those before the line that is not.
func (c *strictConn) check(b []byte) int {
	at := 0
	for at < len(b) && !c.open {
		if c.body > 0 {
			n := min(c.body, int64(len(b)-at))
			c.body -= n
			at += int(n)
			continue
		}
		end := bytes.IndexByte(b[at:], '\n')
		if end < 0 {
			c.part = append(c.part, b[at:]...)
			break
		}
		line := b[at : at+end+1]
		if len(c.part) > 0 {
			c.part = append(c.part, line...)
			line = c.part
		}
		done, ok := c.head.line(line)
		if !ok {
			return at
		}
		c.part = c.part[:0]
		at += end + 1
		if done {
			c.body, c.open = c.head.length, c.head.chunked
			c.head = headCheck{}
		}
	}
	return len(b)
}

// CloseWrite lets the server close one direction first, so that the last answer
// is not lost.
func (c *strictConn) CloseWrite() error {
	if tcp, ok := c.Conn.(interface{ CloseWrite() error }); ok {
		return tcp.CloseWrite()
	}
	return nil
}

// headCheck goes through the head of one request, line by line.
type headCheck struct {
	begun   bool // the request line was seen
	modern  bool // it says HTTP/1.1
	sized   bool // a Content-Length was seen
	chunked bool // a Transfer-Encoding was seen
	length  int64
}

var (
	contentLength    = []byte("content-length")
	transferEncoding = []byte("transfer-encoding")
)

// line takes the next line, its end included. done: the head is over.
func (h *headCheck) line(b []byte) (done, ok bool) {
	if len(b) < 2 || b[len(b)-2] != '\r' {
		return false, false
	}
	b = b[:len(b)-2]
	switch {
	case !h.begun:
		h.begun = len(b) > 0 // an empty line before a request is the server's to judge
		h.modern = bytes.HasSuffix(b, []byte(" HTTP/1.1"))
		return false, true
	case len(b) == 0:
		return true, !(h.chunked && (h.sized || !h.modern))
	case b[0] == ' ' || b[0] == '\t':
		return false, false
	case b[0]|0x20 != 'c' && b[0]|0x20 != 't': // most lines are neither of the two
		return false, true
	}
	name, value, _ := bytes.Cut(b, []byte(":"))
	switch {
	case len(name) == len(contentLength) && bytes.EqualFold(name, contentLength):
		return false, h.size(value)
	case len(name) == len(transferEncoding) && bytes.EqualFold(name, transferEncoding):
		first := !h.chunked
		h.chunked = true
		return false, first
	}
	return false, true
}

// size reads the one Content-Length that a request may have: digits only.
func (h *headCheck) size(value []byte) bool {
	n, err := strconv.ParseUint(string(bytes.Trim(value, " \t")), 10, 63)
	if err != nil || h.sized {
		return false
	}
	h.sized, h.length = true, int64(n)
	return true
}
