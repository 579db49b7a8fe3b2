package gateway_test

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"

	"fairlead.dev/gateway"
	"fairlead.dev/internal/memnet"
)

// echo answers with the length of the body that it got.
func echo(w http.ResponseWriter, r *http.Request) {
	b, err := io.ReadAll(r.Body)
	if err != nil {
		http.Error(w, "unreadable", http.StatusBadRequest)
		return
	}
	fmt.Fprintf(w, "%s %d", r.URL.Path, len(b))
}

// raw sends bytes to a server, in pieces of step bytes, and returns the answers
// as "status body".
func raw(t *testing.T, ln *memnet.Listener, request string, step int) (answers []string) {
	t.Helper()
	c, err := ln.Dial(t.Context(), "tcp", "gateway:80")
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	sent := make(chan struct{})
	go func() {
		defer close(sent)
		for b := []byte(request); len(b) > 0; {
			n, err := c.Write(b[:min(step, len(b))])
			if err != nil {
				return
			}
			b = b[n:]
		}
		c.(*memnet.Conn).CloseWrite()
	}()
	br := bufio.NewReader(c)
	for {
		resp, err := http.ReadResponse(br, nil)
		if err != nil {
			break
		}
		body, _ := io.ReadAll(resp.Body)
		answers = append(answers, fmt.Sprintf("%d %s", resp.StatusCode, strings.TrimSpace(string(body))))
	}
	c.Close()
	<-sent
	return answers
}

// serveStrict runs a server from NewServer on a strict listener.
func serveStrict(t *testing.T, h http.Handler) *memnet.Listener {
	t.Helper()
	ln := memnet.Listen()
	server := gateway.NewServer(h, nil)
	done := make(chan error, 1)
	go func() { done <- server.Serve(gateway.StrictListener(ln)) }()
	t.Cleanup(func() {
		server.Close()
		if err := <-done; !errors.Is(err, http.ErrServerClosed) {
			t.Errorf("Serve: %v", err)
		}
	})
	return ln
}

const head = "POST /a HTTP/1.1\r\nHost: localhost\r\n"

// get is a whole further request; a smuggled one would answer with its path.
const get = "GET /b HTTP/1.1\r\nHost: localhost\r\n\r\n"

var strictCases = []struct {
	name, request string
	want          []string
}{
	{"plain", head + "Content-Length: 2\r\n\r\nhi", []string{"200 /a 2"}},
	{"no body", get, []string{"200 /b 0"}},
	{"keep alive", head + "Content-Length: 2\r\n\r\nhi" + get, []string{"200 /a 2", "200 /b 0"}},
	{"body that looks like a head", head + "Content-Length: 38\r\n\r\nContent-Length: 1\r\nContent-Length: 2\n\n\n" + get[:0],
		[]string{"200 /a 38"}},
	{"lower case names", "GET /b HTTP/1.1\r\nhost: localhost\r\ncontent-length: 0\r\n\r\n" + get, []string{"200 /b 0", "200 /b 0"}},
	{"empty line after a body", head + "Content-Length: 2\r\n\r\nhi\r\n" + get, []string{"200 /a 2", "200 /b 0"}},
	{"chunks", head + "Transfer-Encoding: chunked\r\n\r\n2\r\nhi\r\n0\r\n\r\n", []string{"200 /a 2"}},
	{"nothing after chunks", head + "Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n" + get, []string{"200 /a 0"}},

	{"length and chunks", head + "Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", bad},
	{"chunks and length", head + "Transfer-Encoding: chunked\r\nContent-Length: 5\r\n\r\n0\r\n\r\n", bad},
	{"two equal lengths", head + "Content-Length: 2\r\nContent-Length: 2\r\n\r\nhi", bad},
	{"two equal lengths in one", head + "Content-Length: 2, 2\r\n\r\nhi", bad},
	{"two lengths", head + "Content-Length: 2\r\ncontent-length: 3\r\n\r\nhi!", bad},
	{"signed length", head + "Content-Length: +2\r\n\r\nhi", bad},
	{"hexadecimal length", head + "Content-Length: 0x2\r\n\r\nhi", bad},
	{"empty length", head + "Content-Length:\r\n\r\n", bad},
	{"two encodings", head + "Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", bad},
	{"bare LF", "POST /a HTTP/1.1\nHost: localhost\n\n", bad},
	{"bare LF in one line", head + "A: b\nContent-Length: 2\r\n\r\nhi", bad},
	{"bare LF ends the head", head + "Content-Length: 2\r\n\nhi", bad},
	{"folded line", head + "A: b\r\n c\r\nContent-Length: 2\r\n\r\nhi", bad},
	{"folded with a tab", head + "A: b\r\n\tContent-Length: 2\r\n\r\nhi", bad},
	{"chunks in HTTP/1.0", "POST /a HTTP/1.0\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", bad},
	{"second request is bad", head + "Content-Length: 2\r\n\r\nhi" + head + "A: b\n\r\n", []string{"200 /a 2", "400 400 Bad Request"}},

	// What net/http refuses by itself, kept as regressions.
	{"space before the colon", head + "Content-Length : 2\r\n\r\nhi", []string{"400 400 Bad Request: invalid header name"}},
	{"two hosts", "GET /b HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n", []string{"400 400 Bad Request: too many Host headers"}},
	{"no host", "GET /b HTTP/1.1\r\n\r\n", []string{"400 400 Bad Request: missing required Host header"}},
	{"unknown encoding", head + "Transfer-Encoding: gzip\r\n\r\n", []string{"501 Unsupported transfer encoding"}},
	{"bare LF in a chunk's size", head + "Transfer-Encoding: chunked\r\n\r\n2\nhi\r\n0\r\n\r\n", []string{"400 unreadable"}},
}

var bad = []string{"400 400 Bad Request"}

// TestStrictListener sends each case whole, in single bytes and in pieces of
// seven: what is found must not depend on how the bytes arrive.
func TestStrictListener(t *testing.T) {
	ln := serveStrict(t, http.HandlerFunc(echo))
	for _, c := range strictCases {
		for _, step := range []int{len(c.request), 1, 7} {
			got := raw(t, ln, c.request, step)
			if len(got) > 0 && len(c.want) > 0 && len(got) == len(c.want) &&
				strings.HasPrefix(got[len(got)-1], "400") && strings.HasPrefix(c.want[len(c.want)-1], "400") {
				got[len(got)-1] = c.want[len(c.want)-1] // the wording is net/http's
			}
			if fmt.Sprint(got) != fmt.Sprint(c.want) {
				t.Errorf("%s in pieces of %d: answered %q, want %q", c.name, step, got, c.want)
			}
		}
	}
}

// TestLongHeader: beyond 64 KiB of headers the answer is 431.
func TestLongHeader(t *testing.T) {
	ln := serveStrict(t, http.HandlerFunc(echo))
	for _, c := range []struct {
		bytes int
		want  string
	}{{60 << 10, "200"}, {80 << 10, "431"}} {
		got := raw(t, ln, "GET /b HTTP/1.1\r\nHost: localhost\r\nA: "+strings.Repeat("a", c.bytes)+"\r\n\r\n", 4096)
		if len(got) != 1 || got[0][:3] != c.want {
			t.Errorf("%d bytes of headers: answered %q, want %s", c.bytes, got, c.want)
		}
	}
}

// oneConn accepts one connection.
type oneConn struct{ c net.Conn }

func (o *oneConn) Accept() (net.Conn, error) {
	if o.c == nil {
		return nil, io.EOF
	}
	c := o.c
	o.c = nil
	return c, nil
}
func (o *oneConn) Close() error   { return nil }
func (o *oneConn) Addr() net.Addr { return nil }

// bytesConn is a connection that brings b in pieces of at most step bytes.
type bytesConn struct {
	net.Conn
	b    []byte
	step int
}

func (c *bytesConn) Read(p []byte) (int, error) {
	if len(c.b) == 0 {
		return 0, io.EOF
	}
	n := copy(p, c.b[:min(c.step, len(c.b))])
	c.b = c.b[n:]
	return n, nil
}

// through returns what of b a strict connection hands on, and how it ends.
func through(b []byte, step int) ([]byte, error) {
	c, _ := gateway.StrictListener(&oneConn{&bytesConn{b: b, step: step}}).Accept()
	return io.ReadAll(c)
}

// clear reports whether nothing is wrong with the head of a first request, in
// the slow way.
func clearHead(head string) bool {
	lines := strings.Split(strings.TrimLeft(head, "\r\n"), "\r\n")
	lengths, encodings := 0, 0
	for i, line := range lines {
		name, _, _ := strings.Cut(strings.ToLower(line), ":")
		switch {
		case strings.Contains(line, "\n"), i > 0 && strings.HasPrefix(line, " "), i > 0 && strings.HasPrefix(line, "\t"):
			return false
		case i > 0 && name == "content-length":
			lengths++
		case i > 0 && name == "transfer-encoding":
			encodings++
		}
	}
	return lengths+encodings <= 1
}

// FuzzStrictListener: what is handed on is the beginning of what came, whatever
// the pieces; and the first head that is handed on whole is a clear one.
func FuzzStrictListener(f *testing.F) {
	for _, c := range strictCases {
		f.Add([]byte(c.request), byte(3))
	}
	f.Fuzz(func(t *testing.T, b []byte, step byte) {
		whole, err := through(b, len(b)+1)
		pieces, err2 := through(b, int(step)+1)
		if !bytes.HasPrefix(b, whole) || !bytes.HasPrefix(b, pieces) {
			t.Fatalf("%q became %q and %q", b, whole, pieces)
		}
		if (err == nil) != (err2 == nil) {
			t.Fatalf("%q: %v whole, %v in pieces of %d", b, err, err2, int(step)+1)
		}
		if err == nil && len(whole) != len(b) {
			t.Fatalf("%q: %q was kept back without an error", b, b[len(whole):])
		}
		if i := bytes.Index(bytes.TrimLeft(whole, "\r\n"), []byte("\r\n\r\n")); i > 0 && bytes.Count(whole[:1], []byte("\n")) == 0 {
			if head := string(bytes.TrimLeft(whole, "\r\n")[:i]); !clearHead(head) {
				t.Fatalf("%q was let through", head)
			}
		}
	})
}

// BenchmarkStrict measures what checking costs for a request like those of an
// SDK: 20 headers and a body of 1 KiB.
func BenchmarkStrict(b *testing.B) {
	request := head + strings.Repeat("X-Stainless-Package-Version: 1.12.0\r\n", 18) +
		"Content-Length: 1024\r\n\r\n" + strings.Repeat("a", 1024)
	for _, mode := range []string{"bare", "strict"} {
		b.Run(mode, func(b *testing.B) {
			conn := &bytesConn{step: 4096}
			var c net.Conn = conn
			if mode == "strict" {
				c, _ = gateway.StrictListener(&oneConn{conn}).Accept()
			}
			buf, all := make([]byte, 4096), []byte(request)
			b.ReportAllocs()
			for b.Loop() {
				conn.b = all
				for len(conn.b) > 0 {
					if _, err := c.Read(buf); err != nil {
						b.Fatal(err)
					}
				}
			}
		})
	}
}
