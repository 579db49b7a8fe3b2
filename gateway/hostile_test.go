package gateway_test

import (
	"bufio"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"fairlead.dev"
	"fairlead.dev/fakellm"
)

// dial opens a connection to the gateway for bytes that no HTTP client sends.
func (w *world) dial() net.Conn {
	return must(w.net.Dial(w.Context(), "tcp", "localhost:8080"))
}

// status reads the status of an answer.
func status(c net.Conn) (int, *http.Response) {
	resp, err := http.ReadResponse(bufio.NewReader(c), nil)
	if err != nil {
		return 0, nil
	}
	return resp.StatusCode, resp
}

// TestHugeBody: 33 MiB are refused with 413 in the client's dialect, announced
// or not, and the connection is closed.
func TestHugeBody(t *testing.T) {
	bubble(t, setup{}, func(w *world) {
		for name, body := range map[string]io.Reader{
			"announced": strings.NewReader(strings.Repeat(" ", 33<<20)),
			"in chunks": io.LimitReader(spaces{}, 33<<20),
		} {
			resp, err := w.start(w.Context(), "POST", "/v1/messages", body)
			if err != nil {
				w.Fatalf("%s: %v", name, err)
			}
			got := must(io.ReadAll(resp.Body))
			resp.Body.Close()
			if resp.StatusCode != 413 || !strings.Contains(string(got), "request_too_large") || !resp.Close {
				w.Errorf("%s: %d %s, close %v", name, resp.StatusCode, got, resp.Close)
			}
		}
		w.ask("POST", "/v1/messages", message("opus")).wants(w, 200) // all that was held is free again
		if w.client.Buffer(256<<20) == nil {
			w.Error("bytes of refused bodies are still held")
		}
	})
}

// TestChunkedBody: a body of unknown length is read whole.
func TestChunkedBody(t *testing.T) {
	bubble(t, setup{}, func(w *world) {
		body := message("opus", `"metadata":{"user_id":"`+strings.Repeat("x", 300<<10)+`"}`)
		resp, err := w.start(w.Context(), "POST", "/v1/messages", io.MultiReader(strings.NewReader(body)))
		if err != nil {
			w.Fatal(err)
		}
		defer resp.Body.Close()
		if n := w.fake.Attempts()[0].BytesIn; resp.StatusCode != 200 || n != int64(len(body)) {
			w.Errorf("%d, the provider got %d bytes of %d", resp.StatusCode, n, len(body))
		}
	})
}

// TestSlowHeaders: half a header line keeps no connection open.
func TestSlowHeaders(t *testing.T) {
	bubble(t, setup{}, func(w *world) {
		c := w.dial()
		defer c.Close()
		fmt.Fprint(c, "POST /v1/messages HTTP/1.1\r\nHost: loc")
		begun := time.Now()
		_, _ = io.ReadAll(c)
		if took := time.Since(begun); took > 11*time.Second {
			w.Errorf("the connection was open for %v", took)
		}
	})
}

// TestSlowBody: a body that does not come is answered with 408 and lets go of
// what it held.
func TestSlowBody(t *testing.T) {
	bubble(t, setup{client: func(c *fairlead.Config) { c.MaxBytes = 1000 }}, func(w *world) {
		c := w.dial()
		defer c.Close()
		fmt.Fprint(c, "POST /v1/messages HTTP/1.1\r\nHost: localhost\r\nContent-Length: 1000\r\n\r\n{")
		begun := time.Now()
		code, resp := status(c)
		if took := time.Since(begun); code != 408 || took > 125*time.Second || !resp.Close {
			w.Errorf("%d after %v", code, took)
		}
		synctest.Wait()
		if w.client.Buffer(1000) == nil {
			w.Error("its bytes are still held")
		}
	})
}

// TestSlowBodyUnauthorized: whoever has no key cannot hold a connection by
// sending a body slowly either.
func TestSlowBodyUnauthorized(t *testing.T) {
	bubble(t, setup{gateway: withKeys}, func(w *world) {
		c := w.dial()
		defer c.Close()
		fmt.Fprint(c, "POST /v1/messages HTTP/1.1\r\nHost: localhost\r\nContent-Length: 1000\r\n\r\n{")
		begun := time.Now()
		_, _ = io.ReadAll(c)
		if took := time.Since(begun); took > 125*time.Second {
			w.Errorf("the connection was open for %v", took)
		}
	})
}

// TestShortBody: a client that closes in the middle of its body is told nothing
// and costs nothing.
func TestShortBody(t *testing.T) {
	bubble(t, setup{}, func(w *world) {
		c := w.dial()
		fmt.Fprint(c, "POST /v1/messages HTTP/1.1\r\nHost: localhost\r\nContent-Length: 1000\r\n\r\n{")
		c.Close()
		synctest.Wait()
		if n := len(w.fake.Attempts()); n > 0 {
			w.Errorf("%d requests upstream", n)
		}
	})
}

// TestLongAnswer: the limit of the time to send a request does not end a call
// that takes longer than it.
func TestLongAnswer(t *testing.T) {
	slow := func(c *fairlead.Config) { c.Models[0].Chain = []string{"a/slow-first-5m"} }
	bubble(t, setup{client: slow}, func(w *world) {
		w.ask("POST", "/v1/messages", message("opus")).wants(w, 200, fakellm.Text(60))
		w.ask("GET", "/healthz", "").wants(w, 200)
	})
}

// TestLongStream: nor does the limit of the time to take an answer end a stream
// that is read, however long it lasts; and the connection can be used again.
func TestLongStream(t *testing.T) {
	bubble(t, setup{fake: fakellm.Config{PerToken: 45 * time.Second}}, func(w *world) {
		c := w.dial()
		defer c.Close()
		br := bufio.NewReader(c)
		for _, request := range []string{message("opus", streamed), message("opus", streamed)} {
			fmt.Fprintf(c, "POST /v1/messages HTTP/1.1\r\nHost: localhost\r\nContent-Length: %d\r\n\r\n%s", len(request), request)
			resp, err := http.ReadResponse(br, nil)
			if err != nil {
				w.Fatal(err)
			}
			if body, err := io.ReadAll(resp.Body); err != nil || !strings.Contains(string(body), "message_stop") {
				w.Fatalf("%v after %d bytes", err, len(body))
			}
			time.Sleep(90 * time.Second) // longer than a write may take, shorter than a connection may be idle
		}
	})
}

// TestNeverReading: a client that stops reading its stream is given up after a
// minute; its slot at the target is free and the provider is told.
func TestNeverReading(t *testing.T) {
	bubble(t, setup{fake: fakellm.Config{Tokens: 100_000}}, func(w *world) {
		c := w.dial()
		defer c.Close()
		body := message("opus", streamed)
		body = strings.Replace(body, `"max_tokens":100`, `"max_tokens":100000`, 1)
		fmt.Fprintf(c, "POST /v1/messages HTTP/1.1\r\nHost: localhost\r\nContent-Length: %d\r\n\r\n%s", len(body), body)
		time.Sleep(10 * time.Second)
		if n := w.client.Targets()[0].Load.InFlight; n != 1 {
			w.Fatalf("%d calls in flight, want the one that is not read", n)
		}
		time.Sleep(65 * time.Second)
		synctest.Wait()
		if n := w.client.Targets()[0].Load.InFlight; n != 0 {
			w.Errorf("after 75 s %d calls are in flight", n)
		}
		if a := w.fake.Attempts(); len(a) != 1 || !a[0].Canceled {
			w.Errorf("upstream: canceled %v", a[0].Canceled)
		}
	})
}

// TestNeverReadingPlain: the same for a plain answer, which net/http would wait
// with for ever.
func TestNeverReadingPlain(t *testing.T) {
	bubble(t, setup{fake: fakellm.Config{Tokens: 200_000}}, func(w *world) {
		c := w.dial()
		defer c.Close()
		body := strings.Replace(message("opus"), `"max_tokens":100`, `"max_tokens":200000`, 1)
		fmt.Fprintf(c, "POST /v1/messages HTTP/1.1\r\nHost: localhost\r\nContent-Length: %d\r\n\r\n%s", len(body), body)
		time.Sleep(70 * time.Second)
		synctest.Wait()
		got, _ := io.ReadAll(c) // ends: the server closed
		if len(got) == 0 || strings.Contains(string(got), fakellm.Text(200_000)) {
			w.Errorf("%d bytes came of an answer that was given up", len(got))
		}
	})
}
