package gateway_test

import (
	"bytes"
	"context"
	"crypto/sha256"
	"io"
	"log/slog"
	"net"
	"net/http"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"fairlead.dev"
	"fairlead.dev/fakellm"
	"fairlead.dev/gateway"
	"fairlead.dev/internal/memnet"
	"fairlead.dev/llm"
	"fairlead.dev/provider/anthropic"
	"fairlead.dev/provider/openai"
	"fairlead.dev/queue"
)

// world is a gateway between clients and fake providers, all in one bubble:
// real HTTP over connections in memory, in virtual time.
type world struct {
	*testing.T
	net    *memnet.Network
	fake   *fakellm.Server
	client *fairlead.Client
	gw     *gateway.Gateway
	gwCfg  gateway.Config
	http   *http.Client
	logs   *bytes.Buffer

	mu   sync.Mutex
	seen []http.Header // guarded by mu; what came upstream, credentials included, which the fake's log leaves out
}

// setup changes the configurations that a world is made of.
type setup struct {
	client  func(*fairlead.Config)
	gateway func(*gateway.Config)
	fake    fakellm.Config
}

// bubble runs f in a world of its own. When f returns everything is closed; a
// goroutine that is left over is a deadlock that synctest reports.
func bubble(t *testing.T, s setup, f func(w *world)) {
	synctest.Test(t, func(t *testing.T) {
		w := &world{T: t, net: memnet.New(), logs: &bytes.Buffer{}}
		w.fake = must(fakellm.New(s.fake))
		w.serve(&http.Server{Handler: http.HandlerFunc(w.upstream)}, must(w.net.Listen("fake:80")))
		cfg := fairlead.Config{
			Providers: []fairlead.Provider{
				{Name: "a", API: anthropic.Provider{}, BaseURL: "http://fake", Keys: []fairlead.Key{{Secret: "sk-upstream-a"}}},
				{Name: "o", API: openai.Provider{}, BaseURL: "http://fake/v1", Keys: []fairlead.Key{{Secret: "sk-upstream-o"}}},
			},
			Models: []fairlead.Model{{Name: "opus", Chain: []string{"a/opus", "a/haiku"}}, {Name: "gpt", Chain: []string{"o/gpt"}}},
			Dial:   w.net.Dial,
		}
		if s.client != nil {
			s.client(&cfg)
		}
		w.client = must(fairlead.New(cfg))
		defer w.client.Close()
		w.gwCfg = gateway.Config{
			Client: w.client, Dialects: []llm.Dialect{anthropic.Provider{}, openai.Provider{}},
			Log: slog.New(slog.NewTextHandler(w.logs, &slog.HandlerOptions{Level: slog.LevelDebug})),
		}
		if s.gateway != nil {
			s.gateway(&w.gwCfg)
		}
		w.gw = must(gateway.New(w.gwCfg))
		w.serve(gateway.NewServer(w.gw, nil), gateway.StrictListener(must(w.net.Listen("localhost:8080"))))
		w.serve(gateway.NewServer(w.gw.Admin(), nil), gateway.StrictListener(must(w.net.Listen("localhost:8081"))))
		tr := &http.Transport{DialContext: w.net.Dial, DisableCompression: true}
		w.http = &http.Client{Transport: tr}
		defer tr.CloseIdleConnections()
		f(w)
		time.Sleep(time.Second) // net/http lingers half a second over a connection that it closed early
	})
}

// upstream notes a request's headers and lets the fake provider answer.
func (w *world) upstream(rw http.ResponseWriter, r *http.Request) {
	w.mu.Lock()
	w.seen = append(w.seen, r.Header.Clone())
	w.mu.Unlock()
	w.fake.ServeHTTP(rw, r)
}

// credentials returns the credentials of each request that came upstream.
func (w *world) credentials() (all []string) {
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, h := range w.seen {
		all = append(all, h.Get("X-Api-Key")+h.Get("Authorization"))
	}
	return all
}

func must[T any](v T, err error) T {
	if err != nil {
		panic(err)
	}
	return v
}

// serve runs a server until the test ends.
func (w *world) serve(s *http.Server, ln net.Listener) {
	done := make(chan struct{})
	go func() { defer close(done); _ = s.Serve(ln) }()
	w.Cleanup(func() { s.Close(); <-done })
}

// answer is what a client got.
type answer struct {
	*http.Response
	body string
}

// ask sends a request to the gateway, or another address when target names one.
// Headers are "name: value".
func (w *world) ask(method, target, body string, headers ...string) answer {
	w.Helper()
	resp, err := w.start(w.Context(), method, target, strings.NewReader(body), headers...)
	if err != nil {
		w.Fatal(err)
	}
	defer resp.Body.Close()
	b, err := io.ReadAll(resp.Body)
	if err != nil {
		w.Fatalf("%s %s: %v after %q", method, target, err, b)
	}
	return answer{resp, string(b)}
}

// start sends a request and returns when the headers of the answer are there.
func (w *world) start(ctx context.Context, method, target string, body io.Reader, headers ...string) (*http.Response, error) {
	if !strings.HasPrefix(target, "http") {
		target = "http://localhost:8080" + target
	}
	r := must(http.NewRequestWithContext(ctx, method, target, body))
	for _, h := range headers {
		name, value, _ := strings.Cut(h, ": ")
		if name == "Host" {
			r.Host = value
			continue
		}
		r.Header.Add(name, value)
	}
	return w.http.Do(r)
}

// wants fails the test unless the answer has the status and all the texts.
func (a answer) wants(t testing.TB, status int, texts ...string) {
	t.Helper()
	if a.StatusCode != status {
		t.Errorf("status %d, want %d: %s", a.StatusCode, status, a.body)
	}
	for _, text := range texts {
		if !strings.Contains(a.body, text) {
			t.Errorf("no %q in %s", text, a.body)
		}
	}
}

const version = "anthropic-version: 2023-06-01"

// message is a request for an answer of a model; with more fields in front.
func message(model string, more ...string) string {
	return `{` + strings.Join(append(more, ""), ",") + `"model":"` + model + `","max_tokens":100,"messages":[{"role":"user","content":"hi"}]}`
}

const streamed = `"stream":true`

func key(name, secret string, class queue.Class) gateway.Key {
	return gateway.Key{Name: name, SHA256: sha256.Sum256([]byte(secret)), Class: class}
}

// withKeys is a gateway that wants a key: fl-web for normal calls and fl-ops
// for critical ones.
func withKeys(c *gateway.Config) {
	c.Keys = []gateway.Key{key("web", "fl-web", queue.Normal), key("ops", "fl-ops", queue.Critical)}
}
