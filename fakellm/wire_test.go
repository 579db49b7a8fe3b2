package fakellm_test

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httputil"
	"net/textproto"
	"strings"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"fairlead.dev/fakellm"
	"fairlead.dev/internal/memnet"
)

// raw is an answer as it lay on the wire, before any HTTP client made sense of it.
type raw struct {
	status  string // the status line
	header  textproto.MIMEHeader
	body    string // decoded, if it was chunked
	chunked bool
	ended   bool  // the last chunk, or all of the Content-Length, came
	err     error // how the connection ended, if not in order
}

// ask writes one request and reads until the connection ends, or, with patience,
// until nothing has come for so long.
func ask(t testing.TB, conn net.Conn, path, body string, patience time.Duration) raw {
	t.Helper()
	defer conn.Close()
	fmt.Fprintf(conn, "POST %s HTTP/1.1\r\nHost: fake\r\nX-Api-Key: k\r\nConnection: close\r\nContent-Length: %d\r\n\r\n%s", path, len(body), body)
	if patience > 0 {
		conn.SetReadDeadline(time.Now().Add(patience))
	}
	data, err := io.ReadAll(conn)
	r := raw{err: err}
	if len(data) == 0 {
		return r
	}
	in := textproto.NewReader(bufio.NewReader(strings.NewReader(string(data))))
	r.status, _ = in.ReadLine()
	if r.header, err = in.ReadMIMEHeader(); err != nil {
		t.Fatalf("%v in %q", err, data)
	}
	rest, _ := io.ReadAll(in.R)
	r.chunked = r.header.Get("Transfer-Encoding") == "chunked"
	if !r.chunked {
		r.body, r.ended = string(rest), r.header.Get("Content-Length") == fmt.Sprint(len(rest))
		return r
	}
	chunks, err := io.ReadAll(httputil.NewChunkedReader(strings.NewReader(string(rest))))
	r.body, r.ended = string(chunks), err == nil && strings.HasSuffix(string(rest), "0\r\n\r\n")
	return r
}

// overBoth runs test over a real loopback connection and over one in memory, in
// a bubble.
func overBoth(t *testing.T, test func(t *testing.T, dial func() net.Conn)) {
	t.Run("loopback", func(t *testing.T) {
		ln, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		serveRaw(t, ln, func() (net.Conn, error) { return net.Dial("tcp", ln.Addr().String()) }, test)
	})
	t.Run("memory", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			ln := memnet.Listen()
			serveRaw(t, ln, func() (net.Conn, error) { return ln.Dial(t.Context(), "tcp", "fake:80") }, test)
		})
	})
}

func serveRaw(t *testing.T, ln net.Listener, dial func() (net.Conn, error), test func(t *testing.T, dial func() net.Conn)) {
	fake, err := fakellm.New(fakellm.Config{})
	if err != nil {
		t.Fatal(err)
	}
	served := make(chan error, 1)
	go func() { served <- fake.Serve(ln) }()
	test(t, func() net.Conn {
		conn, err := dial()
		if err != nil {
			t.Fatal(err)
		}
		return conn
	})
	if err := errors.Join(fake.Close(), <-served); err != nil {
		t.Error(err)
	}
}

// What each fault does to the framing of HTTP, which is all that a client can
// tell a cut from a clean close by.
func TestFaultsOnTheWire(t *testing.T) {
	tests := []struct {
		fault, path string
		stream      bool
		status      string
		chunked     bool
		ended       bool
		last        string // what the body ends in
	}{
		{"ok", messages, true, "200 OK", true, true, `data: {"type":"message_stop"}` + "\n\n"},
		{"ok", chat, true, "200 OK", true, true, "data: [DONE]\n\n"},
		{"ok", messages, false, "200 OK", false, true, `"service_tier":"standard"}}`},
		{"cut-after-2", messages, true, "200 OK", true, false, `"text":" w1"}}` + "\n\n"},
		{"cut-after-2", chat, true, "200 OK", true, false, `"content":" w1"},"logprobs":null,"finish_reason":null}]}` + "\n\n"},
		{"cut-after-2", messages, false, "200 OK", true, false, `"text":"w0 w1`},
		{"close-after-2", messages, true, "200 OK", true, true, `"text":" w1"}}` + "\n\n"},
		{"close-after-2", chat, false, "200 OK", true, true, `"content":"w0 w1`},
		{"no-end", messages, true, "200 OK", true, true, `"output_tokens":60}}` + "\n\n"},
		{"no-end", chat, true, "200 OK", true, true, `"delta":{},"logprobs":null,"finish_reason":"stop"}]}` + "\n\n"},
		{"no-end", chat, false, "200 OK", false, true, `"system_fingerprint":"fp_fake"`},
		{"wrong-length", messages, true, "200 OK", false, false, `data: {"type":"message_stop"}` + "\n\n"},
		{"wrong-length", chat, false, "200 OK", false, false, `"system_fingerprint":"fp_fake"}`},
		{"error-after-1", messages, true, "200 OK", true, true, `"message":"Overloaded"},"request_id":"req_fake0000NN"}` + "\n\n"},
		{"error-after-1", chat, true, "200 OK", true, true, `"param":null,"code":"server_is_overloaded"}}` + "\n\n"},
		{"bad-json", chat, true, "200 OK", false, true, `[{"type":"te`},
		{"html-502", messages, true, "502 Bad Gateway", false, true, "</html>\r\n"},
		{"fail-529", messages, true, "529 status code 529", false, true, `"request_id":"req_fake0000NN"}`},
		{"fail-503", chat, false, "503 Service Unavailable", false, true, `"code":"server_is_overloaded"}}`},
		{"fail-204", chat, false, "204 No Content", false, false, ""},
		{"empty", chat, true, "200 OK", true, true, "data: [DONE]\n\n"},
	}
	overBoth(t, func(t *testing.T, dial func() net.Conn) {
		for i, tt := range tests {
			body := prompt(tt.fault)
			if tt.stream {
				body = streamed(tt.fault)
			}
			r := ask(t, dial(), tt.path, body, 0)
			name := fmt.Sprintf("%s %s, stream %v", tt.fault, tt.path, tt.stream)
			want(t, name+": status", r.status, "HTTP/1.1 "+tt.status)
			want(t, name+": chunked", r.chunked, tt.chunked)
			want(t, name+": ended", r.ended, tt.ended)
			want(t, name+": connection", r.err, nil)
			if last := strings.ReplaceAll(tt.last, "NN", fmt.Sprintf("%02d", i+1)); !strings.HasSuffix(r.body, last) {
				t.Errorf("%s: %q does not end in %q", name, r.body[max(0, len(r.body)-200):], last)
			}
		}
	})
}

// A reset is a reset: not one byte, and no orderly end.
func TestResetOnTheWire(t *testing.T) {
	overBoth(t, func(t *testing.T, dial func() net.Conn) {
		for _, fault := range []string{"reset", "refused", "reset+slow-headers-1ms"} {
			if r := ask(t, dial(), messages, streamed(fault), 0); !errors.Is(r.err, syscall.ECONNRESET) || r.status != "" {
				t.Errorf("%s: %q, %v", fault, r.status, r.err)
			}
		}
	})
}

// Silences keep the connection open; what came before them came at once.
func TestSilenceOnTheWire(t *testing.T) {
	tests := []struct {
		fault, path, first string // what has come in an hour
		stream             bool
	}{
		{"silent", messages, "", true},
		{"silent", chat, "", false},
		{"slow-headers-2h", chat, "", true},
		{"slow-first-2h", chat, "", false},
		{"slow-tokens-2h", chat, "", false},
		{"lifecycle-only", chat, `"delta":{"role":"assistant","content":"","refusal":null},"logprobs":null,"finish_reason":null}]}` + "\n\n", true},
		{"slow-first-2h", messages, `"service_tier":"standard"}}}` + "\n\n", true},
		{"stall-after-3", messages, `"text":" w2"}}` + "\n\n", true},
		{"stall-after-3", messages, `"text":"w0 w1 w2`, false},
		{"stall-after-0", messages, `"text":"`, false},
		{"slow-tokens-2h", chat, `"content":"w0"},"logprobs":null,"finish_reason":null}]}` + "\n\n", true},
		{"pings-only", chat, ": ping\n\n: ping\n\n", true},
		{"pings-only", messages, "\n\n\n", false},
	}
	synctest.Test(t, func(t *testing.T) {
		ln := memnet.Listen()
		serveRaw(t, ln, func() (net.Conn, error) { return ln.Dial(t.Context(), "tcp", "fake:80") }, func(t *testing.T, dial func() net.Conn) {
			for _, tt := range tests {
				body := prompt(tt.fault)
				if tt.stream {
					body = streamed(tt.fault)
				}
				start := time.Now()
				r := ask(t, dial(), tt.path, body, time.Hour)
				name := fmt.Sprintf("%s %s, stream %v", tt.fault, tt.path, tt.stream)
				var late net.Error
				want(t, name+": still open", errors.As(r.err, &late) && late.Timeout(), true)
				want(t, name+": waited", time.Since(start), time.Hour)
				want(t, name+": headers", r.status != "", tt.first != "")
				want(t, name+": no end", r.ended, false)
				if !strings.HasSuffix(r.body, tt.first) {
					t.Errorf("%s: %q does not end in %q", name, r.body, tt.first)
				}
			}
		})
	})
}

// The headers of a real provider, and none that it does not send.
func TestHeadersOnTheWire(t *testing.T) {
	common := map[string]string{"Connection": "close", "Date": "Sat, 01 Jan 2000 00:00:00 GMT"}
	tests := []struct {
		path, body string
		header     map[string]string
	}{
		{messages, streamed("m"), map[string]string{"Content-Type": "text/event-stream; charset=utf-8", "Cache-Control": "no-cache",
			"Request-Id": "req_fake000001", "Anthropic-Organization-Id": "fa4e0000-0000-4000-8000-000000000000", "Transfer-Encoding": "chunked"}},
		{chat, prompt("fail-429"), map[string]string{"Content-Type": "application/json", "X-Request-Id": "req_fake000002",
			"Openai-Version": "2020-10-01", "Openai-Processing-Ms": "12", "Content-Length": "127"}},
		{messages, prompt("retry-after-3+gzip"), map[string]string{"Content-Type": "application/json", "Retry-After": "3", "Content-Encoding": "gzip",
			"Request-Id": "req_fake000003", "Anthropic-Organization-Id": "fa4e0000-0000-4000-8000-000000000000", "Content-Length": "*"}},
		{messages, prompt("html-503"), map[string]string{"Content-Type": "text/html",
			"Request-Id": "req_fake000004", "Anthropic-Organization-Id": "fa4e0000-0000-4000-8000-000000000000", "Content-Length": "171"}},
	}
	synctest.Test(t, func(t *testing.T) {
		ln := memnet.Listen()
		serveRaw(t, ln, func() (net.Conn, error) { return ln.Dial(t.Context(), "tcp", "fake:80") }, func(t *testing.T, dial func() net.Conn) {
			for _, tt := range tests {
				r := ask(t, dial(), tt.path, tt.body, 0)
				for name, values := range r.header {
					value := tt.header[name]
					if value == "" {
						value = common[name]
					}
					if value != "*" {
						want(t, tt.body+": "+name, strings.Join(values, "|"), value)
					}
				}
				want(t, tt.body+": headers", len(r.header), len(tt.header)+len(common))
			}
		})
	})
}

// HEAD is answered to anybody, without a body, also where a fault waits.
func TestHead(t *testing.T) {
	bubble(t, fakellm.Config{Keys: map[string]string{"web": "k"}}, func(b *bed) {
		for _, path := range []string{"/", "/api/hello", messages, "/v1/models/fail-529"} {
			r := b.send(b.Context(), http.MethodHead, path, "", "x-api-key", "")
			want(b, path, r.status, 200)
			want(b, path+": body", r.body, "")
			want(b, path+": logged", b.last().Method+" "+b.last().Path, "HEAD "+path)
		}
	})
}
