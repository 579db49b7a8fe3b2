package fakellm_test

import (
	"context"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"fairlead.dev/fakellm"
	"fairlead.dev/internal/memnet"
)

// Real sockets: a reset is a TCP reset, a cut arrives after its tokens.
func TestRealSockets(t *testing.T) {
	fake, err := fakellm.New(fakellm.Config{})
	if err != nil {
		t.Fatal(err)
	}
	server := httptest.NewServer(fake)
	defer server.Close()
	defer fake.Close()
	post := func(model string) (string, error) {
		req, _ := http.NewRequestWithContext(t.Context(), http.MethodPost, server.URL+messages, strings.NewReader(streamed(model)))
		req.Header.Set("authorization", "Bearer k")
		resp, err := server.Client().Do(req)
		if err != nil {
			return "", err
		}
		defer resp.Body.Close()
		body, err := io.ReadAll(resp.Body)
		return string(body), err
	}
	if _, err := post("reset"); !errors.Is(err, syscall.ECONNRESET) {
		t.Errorf("reset: %v", err)
	}
	for range 20 {
		body, err := post("cut-after-40")
		if !errors.Is(err, io.ErrUnexpectedEOF) || read(body).text != fakellm.Text(40) {
			t.Errorf("cut: %v after %q", err, read(body).text)
		}
	}
	if body, err := post("m"); err != nil || read(body).text != fakellm.Text(60) {
		t.Errorf("healthy: %v", err)
	}
}

// HTTP/2 has no connection to take over; a reset breaks the stream.
func TestHTTP2(t *testing.T) {
	fake, err := fakellm.New(fakellm.Config{})
	if err != nil {
		t.Fatal(err)
	}
	server := httptest.NewUnstartedServer(fake)
	server.EnableHTTP2 = true
	server.StartTLS()
	defer server.Close()
	defer fake.Close()
	for model, broken := range map[string]bool{"m": false, "reset": true, "cut-after-3": true, "close-after-3": false} {
		req, _ := http.NewRequestWithContext(t.Context(), http.MethodPost, server.URL+messages, strings.NewReader(streamed(model)))
		req.Header.Set("x-api-key", "k")
		resp, err := server.Client().Do(req)
		if err == nil {
			want(t, "protocol", resp.ProtoMajor, 2)
			_, err = io.Copy(io.Discard, resp.Body)
			resp.Body.Close()
		}
		want(t, model, err != nil, broken)
	}
}

// Behind a bare handler every connection fault aborts.
func TestBareHandler(t *testing.T) {
	fake, err := fakellm.New(fakellm.Config{})
	if err != nil {
		t.Fatal(err)
	}
	defer fake.Close()
	for _, model := range []string{"reset", "refused", "cut-after-3"} {
		func() {
			defer func() { want(t, model, recover(), any(http.ErrAbortHandler)) }()
			req := httptest.NewRequest(http.MethodPost, messages, strings.NewReader(streamed(model)))
			req.Header.Set("x-api-key", "k")
			fake.ServeHTTP(httptest.NewRecorder(), req)
		}()
	}
	for _, a := range fake.Attempts() {
		want(t, a.Model+" was finished", a.End.IsZero(), false)
	}
}

// Close releases whatever waits, breaks it off, and waits for it.
func TestClose(t *testing.T) {
	models := []string{"silent", "stall-after-3", "slow-headers-1h", "slow-first-1h", "slow-tokens-1h", "pings-only", "lifecycle-only"}
	bubble(t, fakellm.Config{}, func(b *bed) {
		type end struct {
			model string
			r     result
		}
		ends := make(chan end, len(models))
		for _, model := range models {
			go func() { ends <- end{model, b.send(context.Background(), http.MethodPost, messages, streamed(model))} }()
		}
		synctest.Wait()
		time.Sleep(time.Minute)
		if err := b.fake.Close(); err != nil {
			b.Error(err)
		}
		for range models {
			e := <-ends
			want(b, e.model+" looks broken", e.r.err != nil, true)
			want(b, e.model+" took", e.r.took, time.Minute)
		}
		for _, a := range b.fake.Attempts() {
			want(b, a.Model+" ended", a.End.IsZero(), false)
			want(b, a.Model+" was not the client's doing", a.Canceled, false)
		}
		want(b, "afterwards", b.post(messages, prompt("m")).err != nil, true)
	})
}

// Close waits for requests that came through a server of somebody else, and
// does not make them look finished.
func TestCloseBehindAnotherServer(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		fake, err := fakellm.New(fakellm.Config{Log: func(fakellm.Attempt) { time.Sleep(time.Second) }})
		if err != nil {
			t.Fatal(err)
		}
		ln := memnet.Listen()
		server := &http.Server{Handler: fake}
		served := make(chan error, 1)
		go func() { served <- server.Serve(ln) }()
		transport := &http.Transport{DialContext: ln.Dial}
		b := &bed{t, fake, &http.Client{Transport: transport}}
		for _, model := range []string{"slow-first-1h", "slow-headers-1h"} {
			go func() { want(t, model+" looks broken", b.post(messages, streamed(model)).err != nil, true) }()
		}
		synctest.Wait()
		start := time.Now()
		if err := fake.Close(); err != nil {
			t.Error(err)
		}
		want(t, "waited", time.Since(start), time.Second)
		transport.CloseIdleConnections()
		if err := server.Close(); err != nil {
			t.Error(err)
		}
		<-served
	})
}

// The body is read to its end before anything else; only then can the server
// notice that the client has left.
func TestReadsTheBodyFirst(t *testing.T) {
	bubble(t, fakellm.Config{}, func(b *bed) {
		var left atomic.Bool
		body := io.MultiReader(strings.NewReader(streamed("silent")), &trailing{n: 1 << 20})
		ctx, cancel := context.WithTimeout(b.Context(), time.Second)
		defer cancel()
		req, _ := http.NewRequestWithContext(ctx, http.MethodPost, "http://fake"+messages, body)
		req.Header.Set("x-api-key", "k")
		_, err := b.client.Do(req)
		left.Store(err != nil)
		synctest.Wait()
		want(b, "left", left.Load(), true)
		want(b, "noticed", b.last().Canceled, true)
		want(b, "read all", b.last().BytesIn, int64(len(streamed("silent"))+1<<20))
	})
}

// trailing is white space behind a body.
type trailing struct{ n int }

func (r *trailing) Read(p []byte) (int, error) {
	n := min(len(p), r.n)
	for i := range n {
		p[i] = ' '
	}
	if r.n -= n; r.n == 0 {
		return n, io.EOF
	}
	return n, nil
}
