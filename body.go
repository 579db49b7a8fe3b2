package fairlead

import (
	"compress/gzip"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
)

var errTooLong = errors.New("the answer is longer than allowed")

// readBounded reads a whole body of at most limit bytes.
func readBounded(resp *http.Response, limit int64) ([]byte, error) {
	if resp.ContentLength > limit {
		return nil, errTooLong
	}
	if n := resp.ContentLength; n >= 0 {
		b := make([]byte, n)
		_, err := io.ReadFull(resp.Body, b)
		if errors.Is(err, io.EOF) && n > 0 {
			err = io.ErrUnexpectedEOF
		}
		return b, err
	}
	b, err := io.ReadAll(io.LimitReader(resp.Body, limit+1))
	if err == nil && int64(len(b)) > limit {
		err = errTooLong
	}
	return b, err
}

// unpack undoes gzip, which we did not ask for, within limit: half a megabyte
// on the wire can be half a gigabyte (measured, reference/reliability.md 3.2).
func unpack(resp *http.Response, limit int64) error {
	switch enc := strings.ToLower(resp.Header.Get("Content-Encoding")); enc {
	case "", "identity":
		return nil
	case "gzip", "x-gzip":
		z, err := gzip.NewReader(resp.Body)
		if err != nil {
			return fmt.Errorf("the answer says that it is gzip: %w", err)
		}
		resp.Body = &gunzip{z: z, under: resp.Body, left: limit}
		resp.ContentLength = -1
		resp.Header.Del("Content-Encoding")
		resp.Header.Del("Content-Length")
		return nil
	default:
		return fmt.Errorf("the answer is encoded as %q, which was not asked for", enc)
	}
}

// gunzip reads at most left bytes of a packed body.
type gunzip struct {
	z     *gzip.Reader
	under io.Closer
	left  int64
}

func (g *gunzip) Read(p []byte) (int, error) {
	if g.left <= 0 {
		return 0, errTooLong
	}
	n, err := g.z.Read(p[:min(int64(len(p)), g.left)])
	g.left -= int64(n)
	return n, err
}

func (g *gunzip) Close() error { return g.under.Close() }

// dialFailed reports whether no connection was made, so that the provider has
// certainly not seen the request.
func dialFailed(err error) bool {
	var op *net.OpError
	if errors.As(err, &op) && op.Op == "dial" {
		return true
	}
	var dns *net.DNSError
	return errors.As(err, &dns)
}
