package fairlead

import (
	"bytes"
	"context"
	"crypto/x509"
	"errors"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"testing/synctest"

	"fairlead.dev/internal/memnet"
	"fairlead.dev/provider/anthropic"
	"fairlead.dev/queue"
)

// usedAgain reports whether a freed buffer comes back. Under the race detector
// a pool forgets a quarter of what it gets, hence several tries.
func usedAgain(c *Client, n int64, before func(*Buffer)) bool {
	for range 50 {
		b := c.Buffer(n)
		before(b)
		b.Free()
		again := c.Buffer(n)
		same := &again.Bytes[0] == &b.Bytes[0]
		again.Free()
		if same {
			return true
		}
	}
	return false
}

func TestBuffersAreUsedAgain(t *testing.T) {
	c := &Client{buffers: &buffers{held: queue.NewBytes(-1)}}
	for n, want := range map[int64]bool{1000: false, 16 << 10: false, 32 << 10: true, 100 << 10: true, 2 << 20: true, 2<<20 + 1: false} {
		if got := usedAgain(c, n, func(*Buffer) {}); got != want {
			t.Errorf("%d bytes: used again %v, want %v", n, got, want)
		}
	}
	if usedAgain(c, 100<<10, func(b *Buffer) { b.sending.Add(1) }) {
		t.Error("a buffer that is being sent was lent to somebody else")
	}
}

func TestBuffersAreBounded(t *testing.T) {
	c := &Client{buffers: &buffers{held: queue.NewBytes(100)}}
	b := c.Buffer(60)
	if b == nil || len(b.Bytes) != 60 || c.Buffer(60) != nil {
		t.Error("the bound does not hold")
	}
	b.Free()
	if c.Buffer(100) == nil {
		t.Error("what was freed is gone")
	}
	(*Buffer)(nil).Free()
}

// big is a request whose body lies in a buffer of the client.
func big(t *testing.T, c *Client) (Call, *Buffer) {
	t.Helper()
	text := `{"model":"m","max_tokens":9,"messages":[{"role":"user","content":"` + strings.Repeat("x", 1<<20) + `"}]}`
	b := c.Buffer(int64(len(text)))
	copy(b.Bytes, text)
	r, err := anthropic.Provider{}.Parse("POST", "/v1/messages", "", http.Header{}, b.Bytes)
	if err != nil {
		t.Fatal(err)
	}
	return Call{Request: r, Buffer: b}, b
}

// overMemory serves h over memory, with TLS and HTTP/2 or without both, and
// returns a client of it.
func overMemory(t *testing.T, h http.HandlerFunc, http2 bool, model string) *Client {
	ln := memnet.Listen()
	srv := httptest.NewUnstartedServer(h)
	srv.Listener.Close()
	srv.Listener = ln
	cfg := Config{
		Dial:      ln.Dial,
		Providers: []Provider{{Name: "p", API: anthropic.Provider{}, BaseURL: "http://127.0.0.1:80", Keys: []Key{{Secret: "k"}}}},
		Models:    []Model{{Name: "m", Chain: []string{"p/" + model}}},
	}
	if http2 {
		srv.EnableHTTP2 = true
		srv.StartTLS()
		cfg.Providers[0].BaseURL = "https://example.com"
		cfg.Providers[0].CAs = x509.NewCertPool()
		cfg.Providers[0].CAs.AddCert(srv.Certificate())
	} else {
		srv.Start()
	}
	c, err := New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Close(); srv.CloseClientConnections(); srv.Close() })
	return c
}

const wholeMessage = `{"id":"msg_1","type":"message","role":"assistant","model":"x","content":[{"type":"text","text":"hi"}],"stop_reason":"end_turn","usage":{"input_tokens":1,"output_tokens":1}}`

// Nothing may be in a buffer that is lent to somebody else when a connection
// has not sent all of it, and everything must be given back when it has: over
// both versions of HTTP, with the client's bytes and with a changed copy.
func TestABufferIsFreeWhenItWasSent(t *testing.T) {
	for _, http2 := range []bool{false, true} {
		for _, model := range []string{"m", "renamed"} {
			synctest.Test(t, func(t *testing.T) {
				proto := ""
				c := overMemory(t, func(w http.ResponseWriter, r *http.Request) {
					body, err := io.ReadAll(r.Body)
					if err != nil || bytes.Count(body, []byte("x")) < 1<<20 || !bytes.HasPrefix(body, []byte(`{"model":"`+model+`"`)) {
						t.Errorf("body of %d bytes: %v", len(body), err)
					}
					proto = r.Proto
					io.WriteString(w, wholeMessage)
				}, http2, model)
				for range 3 {
					call, b := big(t, c)
					a, err := c.Do(t.Context(), call)
					if err != nil {
						t.Fatal(err)
					}
					a.Close()
					synctest.Wait()
					if n := b.sending.Load(); n != 0 {
						t.Errorf("%s: %d connections are said to be sending", proto, n)
					}
					b.Free()
				}
				if http2 != (proto == "HTTP/2.0") {
					t.Errorf("spoke %s", proto)
				}
			})
		}
	}
}

// A provider that answers before it has read the request leaves the connection
// sending.
func TestABufferIsBusyWhileItIsSent(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		stuck := make(chan struct{})
		c := overMemory(t, func(w http.ResponseWriter, r *http.Request) { w.WriteHeader(400) }, false, "m")
		dial := c.table.Load().providers[0].rt.(*http.Transport).DialContext
		c.table.Load().providers[0].rt.(*http.Transport).DialContext = func(ctx context.Context, network, addr string) (net.Conn, error) {
			conn, err := dial(ctx, network, addr)
			return stuckConn{conn, stuck}, err
		}
		call, b := big(t, c)
		if _, err := c.Do(t.Context(), call); err.(*Error).Report.Summary().Attempts != 1 {
			t.Fatal(err)
		}
		synctest.Wait()
		if b.sending.Load() == 0 {
			t.Error("the buffer is said to be free")
		}
		close(stuck)
		synctest.Wait()
		if b.sending.Load() != 0 {
			t.Error("the buffer is said to be busy")
		}
	})
}

// stuckConn is a connection of which a long write waits, even when it is closed.
type stuckConn struct {
	net.Conn
	stuck chan struct{}
}

func (c stuckConn) Write(p []byte) (int, error) {
	if len(p) > 4<<10 {
		<-c.stuck
	}
	return c.Conn.Write(p)
}

// What follows a body on a connection is read as the next request.
func TestNoMoreThanTheContentLengthIsWritten(t *testing.T) {
	near, far := memnet.Pipe()
	defer near.Close()
	go io.Copy(io.Discard, far)
	c := bodyConn{near}
	if n, err := c.ReadFrom(io.LimitReader(strings.NewReader("0123456789"), 4)); !errors.Is(err, errLongBody) || n != 0 {
		t.Errorf("%d bytes, %v", n, err)
	}
	rest := &io.LimitedReader{R: strings.NewReader("0123456789"), N: 10}
	if n, err := c.ReadFrom(rest); err != nil || n != 10 || rest.N != 0 {
		t.Errorf("%d bytes, %v, %d left", n, err, rest.N)
	}
	hidden := struct{ io.Reader }{strings.NewReader("0123456789")} // no WriteTo
	for _, plain := range []io.Reader{io.LimitReader(hidden, 5), hidden} {
		if n, err := c.ReadFrom(plain); err != nil || n != 5 {
			t.Errorf("%d bytes, %v", n, err)
		}
	}
}
