package e2e

import (
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"
)

// The tests in this file are the gateway contract that Anthropic publishes for
// Claude Code (code.claude.com, llm-gateway-protocol), one by one.

// direct is a gateway that knows one provider, with a key of ours, and takes
// any model.
func direct(url string) string {
	return fmt.Sprintf("providers:\n  main: {dialect: anthropic, base_url: %q, api_keys: [sk-main]}\n"+
		"models:\n  claude-opus-5-5: {chain: [main/claude-opus-5-5]}\n  \"*\": {chain: [\"main/*\"]}\n", url)
}

// openStream is a whole answer with all that a stream may hold: comments,
// pings, an event type and fields that nobody knows, and a line that ends in CR LF.
var openStream = []string{
	": hello\n\n",
	event("message_start", `"message":{"id":"msg_1","type":"message","role":"assistant","model":"claude-opus-5-5","content":[],"stop_reason":null,"usage":{"input_tokens":9,"output_tokens":1}}`),
	event("ping", ""),
	event("content_block_start", `"index":0,"content_block":{"type":"text","text":""}`),
	event("content_block_delta", `"index":0, "delta":{"type":"text_delta","text":"Ropes \u00e9 chafe"},"new":1`),
	": still here\n\n",
	event("rope_inspected", `"strands":3`),
	event("ping", ""),
	"event: content_block_delta\r\ndata: {\"type\":\"content_block_delta\",\"index\":0,\"delta\":{\"type\":\"citations_delta\",\"citation\":{}}}\r\n\r\n",
	event("content_block_stop", `"index":0`),
	event("message_delta", `"delta":{"stop_reason":"end_turn","stop_sequence":null},"usage":{"output_tokens":4}`),
	event("message_stop", ""),
}

func TestClaudeCodeRequestIsForwarded(t *testing.T) {
	t.Parallel()
	up := newStub(t, streamed(openStream...))
	body := claudeBody(t)
	got := send(t, "POST", serve(t, direct(up.url)).url+"/v1/messages?beta=true", body, claudeHeaders...)
	if got.status != http.StatusOK {
		t.Fatalf("status %d: %s", got.status, got.body)
	}
	r := up.only(t)
	if r.uri != "/v1/messages?beta=true" {
		t.Errorf("the provider was asked for %s", r.uri)
	}
	if string(r.body) != body {
		t.Errorf("the provider saw\n%s\nthe client had sent\n%s", r.body, body)
	}
	for _, h := range claudeHeaders {
		name, value, _ := strings.Cut(h, ": ")
		if name == "x-api-key" {
			value = "sk-main" // the client's key is for us
		}
		if seen := r.header.Values(name); len(seen) != 1 || seen[0] != value {
			t.Errorf("the provider saw %s: %q, want %q", name, seen, value)
		}
	}
	if auth := r.header.Get("authorization"); auth != "" {
		t.Errorf("two credentials went upstream: %q too", auth)
	}
}

func TestClaudeCodeStreamIsForwarded(t *testing.T) {
	t.Parallel()
	up := newStub(t, func(w http.ResponseWriter, r *http.Request) {
		for name, value := range providerHeaders {
			w.Header().Set(name, value)
		}
		streamed(openStream...)(w, r)
	})
	got := send(t, "POST", serve(t, direct(up.url)).url+"/v1/messages?beta=true", claudeBody(t), claudeHeaders...)
	got.wants(t, http.StatusOK, strings.Join(openStream, ""))
	got.wantsProviderHeaders(t)
}

// providerHeaders are answers' headers that clients steer by.
var providerHeaders = map[string]string{
	"request-id": "req_7", "anthropic-organization-id": "org_7", "anthropic-not-invented-yet": "7",
	"anthropic-ratelimit-requests-remaining": "41", "anthropic-ratelimit-input-tokens-reset": "2026-11-24T04:00:00Z",
	"anthropic-ratelimit-unified-status": "allowed", "anthropic-priority-input-tokens-remaining": "100",
}

func (r raw) wantsProviderHeaders(t *testing.T) {
	t.Helper()
	for name, value := range providerHeaders {
		if got := r.header.Get(name); got != value {
			t.Errorf("%s: %q, want %q", name, got, value)
		}
	}
}

// TestClaudeCodeErrorsAreForwarded: clients match on the wording, so a wrapper
// breaks them even with the right status.
func TestClaudeCodeErrorsAreForwarded(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		status     int
		body       string
		retryAfter string
	}{
		{status: 400, body: `{"type":"error", "error":{"type":"invalid_request_error","message":"messages.1.content.0: Invalid ` + "`signature` in `thinking`" + ` block"},"request_id":"req_7"}` + "\n"},
		{status: 400, body: `{"type":"error","error":{"type":"invalid_request_error","message":"prompt is too long: 210000 tokens > 200000 maximum","extra":{"é":1}}}`},
		{status: 404, body: `{"type":"error","error":{"type":"not_found_error","message":"model: claude-opus-5-5"},"request_id":null}`},
		{status: 413, body: `{"error":{"type":"request_too_large","message":"Request exceeds the maximum size"},"type":"error"}`},
		{status: 429, body: `{"type":"error","error":{"type":"rate_limit_error","message":"Number of requests"}}`, retryAfter: "3600"},
		{status: 529, body: `{"type":"error","error":{"details":null,"type":"overloaded_error","message":"Overloaded"}}`},
	} {
		t.Run(fmt.Sprint(c.status), func(t *testing.T) {
			t.Parallel()
			up := newStub(t, func(w http.ResponseWriter, _ *http.Request) {
				for name, value := range providerHeaders {
					w.Header().Set(name, value)
				}
				if c.retryAfter != "" {
					w.Header().Set("retry-after", c.retryAfter)
				}
				w.Header().Set("Content-Type", "application/json")
				w.WriteHeader(c.status)
				_, _ = io.WriteString(w, c.body) // a client that left shows elsewhere
			})
			got := send(t, "POST", serve(t, direct(up.url)).url+"/v1/messages?beta=true", claudeBody(t), claudeHeaders...)
			got.wants(t, c.status, c.body)
			got.wantsProviderHeaders(t)
			if after := got.header.Get("retry-after"); after != c.retryAfter {
				t.Errorf("retry-after: %q, want %q", after, c.retryAfter)
			}
			if c.status < 429 {
				up.only(t)
			}
		})
	}
}

// TestClaudeCodeModels: the list comes within 3 s and without a redirect, even
// if the provider is silent.
func TestClaudeCodeModels(t *testing.T) {
	t.Parallel()
	for name, answer := range map[string]http.HandlerFunc{
		"healthy": func(w http.ResponseWriter, _ *http.Request) {
			_, _ = io.WriteString(w, `{"data":[{"type":"model","id":"claude-sonnet-5-5","display_name":"Sonnet"}],"has_more":false}`)
		},
		"silent": func(_ http.ResponseWriter, r *http.Request) { <-r.Context().Done() },
		"broken": func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusInternalServerError) },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			g := serve(t, direct(newStub(t, answer).url))
			began := time.Now()
			got := send(t, "GET", g.url+"/v1/models?limit=1000", "", claudeHeaders...)
			if took := time.Since(began); took > 3*time.Second {
				t.Errorf("the list took %v", took)
			}
			want := []string{`"id":"claude-opus-5-5"`, `"display_name"`}
			if name == "healthy" {
				want = append(want, `"id":"claude-sonnet-5-5"`)
			}
			for _, text := range want {
				if got.status != http.StatusOK || !strings.Contains(got.body, text) {
					t.Errorf("status %d, no %s in %s", got.status, text, got.body)
				}
			}
		})
	}
}

func TestClaudeCodeCountTokens(t *testing.T) {
	t.Parallel()
	up := newStub(t, func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, `{"input_tokens": 2095}`) })
	body := strings.Replace(claudeBody(t), `"stream": true`, `"x": 1`, 1)
	got := send(t, "POST", serve(t, direct(up.url)).url+"/v1/messages/count_tokens?beta=true", body, claudeHeaders...)
	got.wants(t, http.StatusOK, `{"input_tokens": 2095}`)
	if r := up.only(t); r.uri != "/v1/messages/count_tokens?beta=true" || string(r.body) != body {
		t.Errorf("the provider was asked for %s with\n%s", r.uri, r.body)
	}
}
