package e2e

import (
	"bytes"
	"context"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	"sync"
	"testing"
)

// raw is an answer as it came over the wire.
type raw struct {
	status int
	header http.Header
	body   string
}

// send makes one request as it is written: no SDK changes it, no redirect is
// followed, nothing is decompressed. Headers are "name: value".
func send(t *testing.T, method, url, body string, headers ...string) raw {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	r, err := http.NewRequestWithContext(ctx, method, url, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	for _, h := range headers {
		name, value, _ := strings.Cut(h, ": ")
		r.Header.Add(name, value)
	}
	client := &http.Client{
		Transport:     &http.Transport{DisableCompression: true, DisableKeepAlives: true},
		CheckRedirect: func(*http.Request, []*http.Request) error { return errors.New("a redirect") },
	}
	resp, err := client.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	got, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatalf("%v after %q", err, got)
	}
	return raw{resp.StatusCode, resp.Header, string(got)}
}

// wants fails the test unless the answer has this status and this very body.
func (r raw) wants(t *testing.T, status int, body string) {
	t.Helper()
	if r.status != status || r.body != body {
		t.Errorf("status %d and body\n%q\nwant %d and\n%q", r.status, r.body, status, body)
	}
}

// stub is a provider that answers in bytes of the test's choice, for what
// fakellm does not do: it is more orderly than the real ones.
type stub struct {
	url string

	mu   sync.Mutex
	seen []request // guarded by mu
}

// request is what a stub was asked.
type request struct {
	uri    string // with the query
	header http.Header
	body   []byte
}

func newStub(t *testing.T, answer http.HandlerFunc) *stub {
	s := &stub{}
	web := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		s.mu.Lock()
		s.seen = append(s.seen, request{r.URL.RequestURI(), r.Header.Clone(), body})
		s.mu.Unlock()
		answer(w, r)
	}))
	t.Cleanup(web.Close)
	s.url = web.URL
	return s
}

// requests are those that the stub got.
func (s *stub) requests() []request {
	s.mu.Lock()
	defer s.mu.Unlock()
	return append([]request(nil), s.seen...)
}

// only returns the single request that the stub must have got.
func (s *stub) only(t *testing.T) request {
	t.Helper()
	all := s.requests()
	if len(all) != 1 {
		t.Fatalf("the provider was asked %d times, want once", len(all))
	}
	return all[0]
}

// claudeBody is a request as Claude Code writes one, with a field that nobody
// knows and white space that no encoder would leave.
func claudeBody(t *testing.T) string {
	t.Helper()
	b, err := os.ReadFile("testdata/claude_code.json")
	if err != nil {
		t.Fatal(err)
	}
	return string(bytes.TrimSpace(b))
}

// claudeHeaders are those of Claude Code, and some that do not exist yet.
var claudeHeaders = []string{
	"content-type: application/json",
	"user-agent: claude-cli/2.1.330 (external, cli)",
	"anthropic-version: 2023-06-01",
	"anthropic-beta: claude-code-20250219,context-management-2025-06-27,effort-2025-11-24,adaptive-thinking-2026-01-28",
	"anthropic-dangerous-direct-browser-access: true",
	"anthropic-workspace-id: wrkspc_1",
	"anthropic-user-profile-id: uprof_1",
	"anthropic-not-invented-yet: 7",
	"x-app: cli",
	"x-claude-code-session-id: 5f0e",
	"x-api-key: sk-client",
}

// simple is the shortest request for an answer.
const simple = `{"model":"claude-opus-5-5","max_tokens":100,"messages":[{"role":"user","content":"hi"}]}`

// streamed makes a stub's handler that sends an event stream in pieces.
func streamed(pieces ...string) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "text/event-stream; charset=utf-8")
		for _, piece := range pieces {
			_, _ = io.WriteString(w, piece) // a client that left shows elsewhere
			w.(http.Flusher).Flush()
		}
	}
}

// event is one event of the Messages API.
func event(kind, rest string) string {
	if rest != "" {
		rest = "," + rest
	}
	return "event: " + kind + "\ndata: {\"type\":\"" + kind + "\"" + rest + "}\n\n"
}
