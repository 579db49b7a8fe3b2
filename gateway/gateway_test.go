package gateway_test

import (
	"context"
	"errors"
	"io"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"fairlead.dev"
	"fairlead.dev/event"
	"fairlead.dev/fakellm"
	"fairlead.dev/gateway"
	"fairlead.dev/llm"
	"fairlead.dev/provider/anthropic"
)

// TestCalls: plain and streamed, in both dialects, byte for byte.
func TestCalls(t *testing.T) {
	bubble(t, setup{}, func(w *world) {
		for _, c := range []struct{ path, body, text, contentType string }{
			{"/v1/messages", message("opus"), fakellm.Text(60), "application/json"},
			{"/v1/messages?beta=true", message("opus", streamed), "message_stop", "text/event-stream"},
			{"/v1/v1/messages", message("opus"), fakellm.Text(60), "application/json"},
			{"/v1/messages/count_tokens", message("opus"), "input_tokens", "application/json"},
			{"/v1/chat/completions", message("gpt"), fakellm.Text(60), "application/json"},
			{"/v1/v1/chat/completions", message("gpt", streamed), "[DONE]", "text/event-stream"},
		} {
			got := w.ask("POST", c.path, c.body, version)
			got.wants(w, 200, c.text)
			if !strings.HasPrefix(got.Header.Get("Content-Type"), c.contentType) {
				w.Errorf("%s: content type %q", c.path, got.Header.Get("Content-Type"))
			}
			if got.Header.Get("Fairlead-Call") == "" {
				w.Errorf("%s: no fairlead-call", c.path)
			}
			sent := w.fake.Attempts()
			last := sent[len(sent)-1]
			if last.Path != strings.TrimSuffix(strings.Replace(c.path, "/v1/v1", "/v1", 1), "?beta=true") || string(last.Body) != c.body {
				w.Errorf("%s: the provider got %s with %s", c.path, last.Path, last.Body)
			}
		}
	})
}

// TestStreamHeaders: a stream is not held back by whoever is between.
func TestStreamHeaders(t *testing.T) {
	bubble(t, setup{}, func(w *world) {
		got := w.ask("POST", "/v1/messages", message("opus", streamed))
		if got.Header.Get("X-Accel-Buffering") != "no" || got.Header.Get("Content-Length") != "" {
			w.Errorf("headers %v", got.Header)
		}
		if got := w.ask("POST", "/v1/messages", message("opus")); got.Header.Get("Content-Length") == "" {
			w.Errorf("a plain answer without Content-Length: %v", got.Header)
		}
	})
}

// TestEventsComeAtOnce: each event is with the client when the provider sent
// it, not when the stream is over.
func TestEventsComeAtOnce(t *testing.T) {
	bubble(t, setup{fake: fakellm.Config{PerToken: time.Second}}, func(w *world) {
		begun := time.Now()
		resp, err := w.start(w.Context(), "POST", "/v1/messages", strings.NewReader(message("opus", streamed)))
		if err != nil {
			w.Fatal(err)
		}
		defer resp.Body.Close()
		buf := make([]byte, 32<<10)
		for i := range 10 {
			if _, err := resp.Body.Read(buf); err != nil {
				w.Fatal(err)
			}
			if late := time.Since(begun) - time.Duration(i+1)*time.Second; late > 1100*time.Millisecond {
				w.Fatalf("event %d is late by %v", i, late)
			}
		}
	})
}

// TestOtherPaths: what we do not know goes to the provider of its dialect, with
// its query, method and body.
func TestOtherPaths(t *testing.T) {
	bubble(t, setup{}, func(w *world) {
		w.ask("POST", "/v1/embeddings?x=1", `{"model":"gpt","input":"hi"}`).wants(w, 200, "embedding")
		w.ask("GET", "/v1/files/a%20b?limit=2", "", version)
		w.ask("GET", "/v1/files", "", "x-api-key: mine")
		w.ask("DELETE", "/v1/messages/batches/1", "")
		var sent []string
		credentials := w.credentials()
		for i, a := range w.fake.Attempts() {
			sent = append(sent, a.Method+" "+a.Path+" "+credentials[i])
		}
		want := "POST /v1/embeddings Bearer sk-upstream-o; GET /v1/files/a b sk-upstream-a; " +
			"GET /v1/files sk-upstream-a; DELETE /v1/messages/batches/1 sk-upstream-a"
		if got := strings.ReplaceAll(strings.Join(sent, "; "), "%20", " "); got != want {
			w.Errorf("sent upstream:\n%s\nwant\n%s", got, want)
		}
	})
}

func TestProbes(t *testing.T) {
	bubble(t, setup{gateway: withKeys}, func(w *world) {
		for _, c := range []string{"HEAD /", "HEAD /api/hello", "GET /healthz", "HEAD /healthz"} {
			method, path, _ := strings.Cut(c, " ")
			if got := w.ask(method, path, ""); got.StatusCode != 200 {
				w.Errorf("%s without a key: %d", c, got.StatusCode)
			}
		}
	})
}

// TestParams: what the headers say arrives in the report, and nothing of it at
// the provider.
func TestParams(t *testing.T) {
	bubble(t, setup{}, func(w *world) {
		got := w.ask("POST", "/v1/messages", message("opus:fail-529"), "fairlead-class: low", "fairlead-tenant: blue",
			"fairlead-deadline-ms: 60000", "fairlead-fallback: off", "fairlead-unknown: x")
		got.wants(w, 404) // no chain has it
		got = w.ask("POST", "/v1/messages", message("opus"), "fairlead-class: low", "fairlead-tenant: blue", "fairlead-unknown: x")
		got.wants(w, 200)
		r, ok := w.client.Report(got.Header.Get("Fairlead-Call"))
		if !ok {
			w.Fatal("no report")
		}
		if s := r.Summary(); s.Class != "low" || s.Tenant != "blue" {
			w.Errorf("class %q, tenant %q", s.Class, s.Tenant)
		}
		for _, a := range w.fake.Attempts() {
			for name := range a.Header {
				if strings.HasPrefix(name, "Fairlead-") {
					w.Errorf("%s reached the provider", name)
				}
			}
		}
	})
}

// failing is a chain whose primary always fails with 529.
func failing(c *fairlead.Config) {
	c.Models[0].Chain = []string{"a/fail-529", "a/haiku"}
}

// TestFallbackOff: without the header another target answers, with it the
// primary's own error is told.
func TestFallbackOff(t *testing.T) {
	bubble(t, setup{client: failing}, func(w *world) {
		got := w.ask("POST", "/v1/messages", message("opus"))
		got.wants(w, 200, fakellm.Text(60))
		if got.Header.Get("Fairlead-Fallback") != "true" || got.Header.Get("Fairlead-Target") != "a/haiku" {
			w.Errorf("headers %v", got.Header)
		}
		got = w.ask("POST", "/v1/messages", message("opus"), "fairlead-fallback: off")
		got.wants(w, 529, "overloaded_error")
		if got.Header.Get("X-Should-Retry") != "false" {
			w.Errorf("x-should-retry: %q", got.Header.Get("X-Should-Retry"))
		}
	})
}

// TestDeadline: the client's deadline ends the call, in virtual time to the
// moment.
func TestDeadline(t *testing.T) {
	bubble(t, setup{client: func(c *fairlead.Config) { c.Models[0].Chain = []string{"a/silent"} }}, func(w *world) {
		begun := time.Now()
		got := w.ask("POST", "/v1/messages", message("opus"), "fairlead-deadline-ms: 3000")
		if took := time.Since(begun); got.StatusCode < 500 || took < 2900*time.Millisecond || took > 3200*time.Millisecond {
			w.Errorf("%d after %v, want a failure after 3 s", got.StatusCode, took)
		}
	})
}

// TestCutStream: a stream that fails after its first content ends in an error
// event, in order, and without the dialect's end marker.
func TestCutStream(t *testing.T) {
	cut := func(c *fairlead.Config) {
		c.Models = []fairlead.Model{{Name: "opus", Chain: []string{"a/cut-after-10"}}, {Name: "gpt", Chain: []string{"o/cut-after-10"}}}
	}
	bubble(t, setup{client: cut}, func(w *world) {
		for path, c := range map[string]struct{ model, mark, end string }{
			"/v1/messages":         {"opus", "event: error", "message_stop"},
			"/v1/chat/completions": {"gpt", `"error"`, "[DONE]"},
		} {
			got := w.ask("POST", path, message(c.model, streamed))
			got.wants(w, 200, c.mark)
			if strings.Contains(got.body, c.end) {
				w.Errorf("%s: a cut stream has an end marker: %s", path, got.body)
			}
		}
	})
}

// TestDrain: new calls are sent elsewhere, open ones go on.
func TestDrain(t *testing.T) {
	bubble(t, setup{fake: fakellm.Config{PerToken: time.Second}}, func(w *world) {
		resp, err := w.start(w.Context(), "POST", "/v1/messages", strings.NewReader(message("opus", streamed)))
		if err != nil {
			w.Fatal(err)
		}
		defer resp.Body.Close()
		w.gw.Drain()
		got := w.ask("POST", "/v1/messages", message("opus"))
		got.wants(w, 503)
		if h := got.Header; h.Get("X-Should-Retry") != "true" || h.Get("Retry-After-Ms") != "1000" || !got.Close {
			w.Errorf("headers %v, close %v", h, got.Close)
		}
		w.ask("GET", "http://localhost:8081/readyz", "").wants(w, 503, "draining")
		w.ask("GET", "http://localhost:8081/livez", "").wants(w, 200)
		if rest, err := io.ReadAll(resp.Body); err != nil || !strings.Contains(string(rest), "message_stop") {
			w.Errorf("the open stream was cut: %v", err)
		}
	})
}

// TestReload: keys change for the next request; a faulty configuration changes
// nothing.
func TestReload(t *testing.T) {
	bubble(t, setup{}, func(w *world) {
		w.ask("POST", "/v1/messages", message("opus")).wants(w, 200)
		cfg := w.gwCfg
		withKeys(&cfg)
		if err := w.gw.Reload(cfg); err != nil {
			w.Fatal(err)
		}
		w.ask("POST", "/v1/messages", message("opus")).wants(w, 401)
		if err := w.gw.Reload(gateway.Config{}); err == nil {
			w.Error("an empty configuration was taken")
		}
		w.ask("POST", "/v1/messages", message("opus"), "x-api-key: fl-web").wants(w, 200)
	})
}

// panicky is a dialect that breaks over a certain path.
type panicky struct{ anthropic.Provider }

func (p *panicky) Parse(method, path, query string, h http.Header, body []byte) (*llm.Request, error) {
	switch query {
	case "panic":
		panic("secret prompt: " + string(body))
	case "index":
		return nil, errors.New(string(body[len(body)]))
	case "abort":
		panic(http.ErrAbortHandler)
	}
	return p.Provider.Parse(method, path, query, h, body)
}

// TestPanic: a panic is a 500 in the client's dialect, its text stays out of
// the log, and the gateway goes on.
func TestPanic(t *testing.T) {
	bubble(t, setup{gateway: func(c *gateway.Config) { c.Dialects = []llm.Dialect{&panicky{}} }}, func(w *world) {
		w.ask("POST", "/v1/messages?panic", message("opus")).wants(w, 500, "api_error")
		w.ask("POST", "/v1/messages?index", message("opus")).wants(w, 500, "api_error")
		if _, err := w.start(w.Context(), "POST", "/v1/messages?abort", strings.NewReader(message("opus"))); err == nil {
			w.Error("http.ErrAbortHandler did not pass")
		}
		w.ask("POST", "/v1/messages", message("opus")).wants(w, 200)
		synctest.Wait()
		logs := w.logs.String()
		if !strings.Contains(logs, "index out of range") || strings.Contains(logs, "secret prompt") {
			w.Errorf("log: %s", logs)
		}
	})
}

// TestTellsEveryVerdict: what the client made ready is what the caller gets.
func TestTellsEveryVerdict(t *testing.T) {
	star := func(c *fairlead.Config) { c.Models = []fairlead.Model{{Name: "*", Chain: []string{"a/*"}}} }
	for model, status := range map[string]int{
		"m:policy": 400, "m:unknown-model": 404, "m:too-long": 400, "m:spend-limit": 429, "m:bad-key": 503, "m:html-502": 502,
	} {
		bubble(t, setup{client: star}, func(w *world) {
			got := w.ask("POST", "/v1/messages", message(model))
			got.wants(w, status, `"error"`)
			if r, ok := w.client.Report(got.Header.Get("Fairlead-Call")); !ok || r.Summary().Verdict == event.OK {
				w.Errorf("%s: no report, or a good one", model)
			}
		})
	}
}

// TestClientLeaves: it is noticed through the whole gateway.
func TestClientLeaves(t *testing.T) {
	for name, more := range map[string][]string{"before content": nil, "in the stream": {streamed}} {
		t.Run(name, func(t *testing.T) {
			chain := func(c *fairlead.Config) { c.Models[0].Chain = []string{"a/stall-after-20"} }
			bubble(t, setup{client: chain}, func(w *world) {
				ctx, leave := context.WithCancel(w.Context())
				done := make(chan struct{})
				go func() {
					defer close(done)
					resp, err := w.start(ctx, "POST", "/v1/messages", strings.NewReader(message("opus", more...)))
					if err == nil {
						_, _ = io.ReadAll(resp.Body)
						resp.Body.Close()
					}
				}()
				time.Sleep(5 * time.Second)
				left := time.Now()
				leave()
				<-done
				synctest.Wait()
				a := w.fake.Attempts()
				if len(a) != 1 || !a[0].Canceled || a[0].End.Sub(left) > time.Second {
					w.Errorf("upstream after the client left: %+v", a)
				}
				if load := w.client.Targets()[0].Load; load.InFlight != 0 {
					w.Errorf("%d slots are still taken", load.InFlight)
				}
			})
		})
	}
}
