package fakellm_test

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"net"
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

// A listener in memory that can be opened again is really shut, for exactly the
// window; connections from before are reset.
func TestRefused(t *testing.T) {
	for _, clock := range []string{"start", "first"} {
		t.Run(clock, func(t *testing.T) { synctest.Test(t, func(t *testing.T) { testRefused(t, clock) }) })
	}
}

// testRefused asks once a second, in a bubble ("in bubble").
func testRefused(t *testing.T, clock string) {
	network := memnet.New()
	ln, err := network.Listen("fake:80")
	if err != nil {
		t.Fatal(err)
	}
	fake, err := fakellm.New(fakellm.Config{
		Script: script(t, `{"clock": "`+clock+`", "rules": [{"from": "10s", "to": "20s", "fault": "refused"}, {"from": "30s", "to": "40s", "fault": "refused"}]}`),
		Listen: func(_, address string) (net.Listener, error) { return network.Listen(address) },
	})
	if err != nil {
		t.Fatal(err)
	}
	served := make(chan error, 1)
	go func() { served <- fake.Serve(ln) }()
	transport := &http.Transport{DialContext: network.Dial}
	b := &bed{t, fake, &http.Client{Transport: transport}}
	start := time.Now()
	kept := b.post(messages, prompt("m"))
	want(t, "before", kept.status, 200)
	for second := range 50 {
		time.Sleep(time.Until(start.Add(time.Duration(second)*time.Second + time.Millisecond)))
		shut := second >= 10 && second < 20 || second >= 30 && second < 40
		r := b.post(messages, prompt("m"))
		want(t, "refused", r.err != nil, shut)
		// Only the first finds the connection from before still open.
		refused := errors.Is(r.err, syscall.ECONNREFUSED)
		want(t, "by the listener", refused, shut && second%10 > 0)
	}
	transport.CloseIdleConnections()
	if err := errors.Join(fake.Close(), <-served); err != nil {
		t.Error(err)
	}
}

// Without a way to open it again, the listener resets what connects.
func TestRefusedByReset(t *testing.T) {
	cfg := fakellm.Config{Script: script(t, `{"clock": "first", "rules": [{"from": "10s", "to": "20s", "fault": "refused"}]}`)}
	bubble(t, cfg, func(b *bed) {
		time.Sleep(time.Minute)
		want(b, "before", b.post(messages, prompt("m")).status, 200)
		time.Sleep(15 * time.Second)
		for range 3 {
			want(b, "refused", b.post(messages, prompt("m")).err != nil, true)
		}
		want(b, "the kept connection was logged", b.last().Fault, "refused")
		want(b, "the others were not", len(b.fake.Attempts()), 2)
		time.Sleep(5 * time.Second)
		want(b, "after", b.post(messages, prompt("m")).status, 200)
	})
}

// On TCP the port is closed while it refuses, and a new script opens it.
func TestRefusedOnTCP(t *testing.T) {
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	fake, err := fakellm.New(fakellm.Config{})
	if err != nil {
		t.Fatal(err)
	}
	served := make(chan error, 1)
	go func() { served <- fake.Serve(ln) }()
	transport := &http.Transport{DisableKeepAlives: true}
	post := func() error {
		req, _ := http.NewRequestWithContext(t.Context(), http.MethodPost, "http://"+ln.Addr().String()+messages, strings.NewReader(prompt("m")))
		req.Header.Set("x-api-key", "k")
		resp, err := transport.RoundTrip(req)
		if err != nil {
			return err
		}
		return resp.Body.Close()
	}
	for range 3 {
		if err := post(); err != nil {
			t.Fatal(err)
		}
		if err := fake.SetScript(script(t, `{"rules": [{"fault": "refused"}]}`)); err != nil {
			t.Fatal(err)
		}
		if err := post(); !errors.Is(err, syscall.ECONNREFUSED) {
			t.Errorf("while shut: %v", err)
		}
		if err := fake.SetScript(nil); err != nil {
			t.Fatal(err)
		}
	}
	if err := errors.Join(fake.Close(), <-served); err != nil {
		t.Error(err)
	}
	if err := fake.Serve(ln); !errors.Is(err, http.ErrServerClosed) {
		t.Errorf("Serve after Close: %v", err)
	}
}

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

func TestLog(t *testing.T) {
	var logged []fakellm.Attempt
	cfg := fakellm.Config{KeepAttempts: 3, KeepBody: 20, Log: func(a fakellm.Attempt) { logged = append(logged, a) }}
	bubble(t, cfg, func(b *bed) {
		for range 5 {
			b.post(messages+"?beta=true", streamed("m"), "authorization", "Bearer secret", "anthropic-beta", "x")
		}
		all := b.fake.Attempts()
		want(b, "kept", len(all), 3)
		want(b, "oldest", all[0].N, 3)
		want(b, "newest", all[2].N, 5)
		want(b, "dropped", b.fake.Dropped(), 2)
		want(b, "callbacks", len(logged), 5)
		a := all[2]
		want(b, "path", a.Method+" "+a.Path, "POST /v1/messages")
		want(b, "model", a.Model, "m")
		want(b, "stream", a.Stream, true)
		want(b, "status", a.Status, 200)
		want(b, "tokens", a.Tokens, 60)
		want(b, "body", string(a.Body), streamed("m")[:20])
		want(b, "bytes in", a.BytesIn, int64(len(streamed("m"))))
		want(b, "bytes out", a.BytesOut > 1000, true)
		want(b, "beta", a.Header.Get("anthropic-beta"), "x")
		want(b, "same as logged", logged[4].End, a.End)
		raw, _ := json.Marshal(all)
		for _, secret := range []string{"secret", "sk-test"} {
			want(b, secret+" in the log", strings.Contains(string(raw), secret), false)
		}
		want(b, "hashes", a.Header.Get("x-api-key"), "redacted "+a.Key)
		want(b, "differ", a.Header.Get("authorization") != a.Header.Get("x-api-key"), true)
		b.within(time.Second, messages, prompt("silent"))
		b.fake.Reset()
		want(b, "after Reset", len(b.fake.Attempts())+b.fake.Dropped(), 0)
	})
}

// An attempt shows while it is being served; Reset in between forgets it.
func TestLogOfRunningAttempts(t *testing.T) {
	bubble(t, fakellm.Config{PerToken: time.Second}, func(b *bed) {
		done := make(chan struct{})
		go func() {
			defer close(done)
			b.post(messages, streamed("m"))
		}()
		time.Sleep(10 * time.Second)
		want(b, "status", b.last().Status, 200)
		want(b, "running", b.last().End.IsZero(), true)
		b.fake.Reset()
		b.post(messages, streamed("fail-500"))
		<-done
		all := b.fake.Attempts()
		want(b, "kept", len(all), 1)
		want(b, "the new one", all[0].Model, "fail-500")
	})
}

func TestControl(t *testing.T) {
	bubble(t, fakellm.Config{}, func(b *bed) {
		get := func(path string) result { return b.send(b.Context(), http.MethodGet, path, "", "x-api-key", "") }
		want(b, "empty log", strings.TrimSpace(get("/fake/attempts").body), "[]")
		b.post(messages, prompt("fail-529"))
		r := get("/fake/attempts")
		all := decode[[]fakellm.Attempt](b, r.body)
		want(b, "attempts", len(all), 1)
		want(b, "fault", all[0].Fault, "fail-529")
		want(b, "body", string(all[0].Body), prompt("fail-529"))
		want(b, "body in plain", strings.Contains(r.body, `"body":"{\"model\"`), true)
		want(b, "dropped", r.header.Get("fake-dropped"), "0")
		want(b, "time", all[0].At.Equal(b.last().At), true)

		put := b.send(b.Context(), http.MethodPut, "/fake/script", `{"rules": [{"fault": "fail-418"}]}`, "x-api-key", "")
		want(b, "put", put.status, 204)
		want(b, "plays", b.post(messages, prompt("m")).status, 418)
		bad := b.send(b.Context(), http.MethodPut, "/fake/script", `{"rulez": [], "seed": "x"}`)
		want(b, "bad script", bad.status, 400)
		want(b, "all its faults", strings.Contains(bad.body, "rulez: ") && strings.Contains(bad.body, "seed: "), true)
		want(b, "still plays", b.post(messages, prompt("m")).status, 418)
		want(b, "reset", b.post("/fake/reset", "").status, 204)
		want(b, "forgotten", len(b.fake.Attempts()), 0)
		want(b, "faults", strings.Count(get("/fake/faults").body, "\n"), len(fakellm.Faults()))
		want(b, "other", get("/fake/other").status, 404)
	})
}
