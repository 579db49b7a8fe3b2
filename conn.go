package fairlead

import (
	"context"
	"errors"
	"io"
	"net"
	"time"
)

// dialFunc opens a connection.
type dialFunc func(ctx context.Context, network, addr string) (net.Conn, error)

// within makes dial give up after limit; 0 or less is no limit. Its connections
// write bodies from where they lie.
func (dial dialFunc) within(limit time.Duration) dialFunc {
	return func(ctx context.Context, network, addr string) (net.Conn, error) {
		if limit > 0 {
			var cancel context.CancelFunc
			ctx, cancel = context.WithTimeout(ctx, limit)
			defer cancel()
		}
		c, err := dial(ctx, network, addr)
		if err != nil {
			return nil, err
		}
		return bodyConn{c}, nil
	}
}

// bodyConn is a connection that a body in memory goes out of in one write.
// net/http hides the body behind a limit on its length, and a TCP connection
// then copies it through a buffer of 32 KiB that it makes for each request: for
// 100 KiB that was a tenth of the gateway's CPU.
type bodyConn struct{ net.Conn }

// ReadFrom writes what r has.
func (c bodyConn) ReadFrom(r io.Reader) (int64, error) {
	limited, ok := r.(*io.LimitedReader)
	if !ok {
		return io.Copy(c.Conn, r)
	}
	body, ok := limited.R.(io.WriterTo)
	if !ok {
		return io.Copy(c.Conn, r)
	}
	n, err := body.WriteTo(&limitedWriter{c.Conn, limited.N})
	limited.N -= n
	return n, err
}

// limitedWriter refuses to write more than n bytes: they would be read as the
// beginning of another request.
type limitedWriter struct {
	w io.Writer
	n int64
}

var errLongBody = errors.New("the request's body is longer than its Content-Length")

func (l *limitedWriter) Write(p []byte) (int, error) {
	if int64(len(p)) > l.n {
		return 0, errLongBody
	}
	n, err := l.w.Write(p)
	l.n -= int64(n)
	return n, err
}
