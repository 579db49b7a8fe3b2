package fakellm_test

import (
	"bytes"
	"compress/gzip"
	"encoding/json"
	"errors"
	"io"
	"os"
	"strings"
	"syscall"
	"testing"

	"fairlead.dev/fakellm"
)

func TestParseFault(t *testing.T) {
	valid := []string{"ok", "FAIL-529", "html-502", "retry-after-2", "retry-after-0.5-once", "spend-limit", "reset-twice",
		"cut-after-40-x3", "slow-first-1m30s", "slow-tokens-50ms+cut-after-40", "huge-line-1000000", "gzip+no-end",
		"slow-headers-1s+slow-first-1s+slow-tokens-1s+no-prefill"}
	for _, name := range valid {
		f, err := fakellm.ParseFault(name)
		if err != nil || f.Name != name {
			t.Errorf("%s: %q, %v", name, f.Name, err)
		}
	}
	bad := []string{"fail-abc", "fail-99", "fail-1000", "fail-", "cut-after--1", "cut-after-+1", "slow-first-20", "slow-first--1s",
		"huge-line-0", "retry-after-nan", "retry-after--5", "retry-after-1e300", "fail-500+reset", "slow-first-1s+slow-first-2s"}
	for _, name := range bad {
		if _, err := fakellm.ParseFault(name); err == nil || errors.Is(err, fakellm.ErrNoFault) {
			t.Errorf("%s: %v, want an error that says what is wrong", name, err)
		}
	}
	for _, name := range []string{"", "claude-opus-5-5", "gpt", "failure", "-once", "x3", "fail"} {
		if _, err := fakellm.ParseFault(name); !errors.Is(err, fakellm.ErrNoFault) {
			t.Errorf("%q: %v, want ErrNoFault", name, err)
		}
	}
	want(t, "once", fakellm.MustFault("fail-500-once").First, 1)
	want(t, "x", fakellm.MustFault("fail-500-x12").First, 12)
}

// The table of faults is the contract; the package documentation shows it.
func TestFaultsAreDocumented(t *testing.T) {
	doc, err := os.ReadFile("doc.go")
	if err != nil {
		t.Fatal(err)
	}
	arg := strings.NewReplacer("<status>", "503", "<seconds>", "3", "<dur>", "3s", "<k>", "3", "<bytes>", "300")
	for _, f := range fakellm.Faults() {
		row := "//\t" + f.Name + strings.Repeat(" ", max(1, 24-len(f.Name))) + f.Means + "\n"
		if !bytes.Contains(doc, []byte(row)) {
			t.Errorf("doc.go lacks the row %q", row)
		}
		if _, err := fakellm.ParseFault(arg.Replace(f.Name)); err != nil {
			t.Error(err)
		}
	}
}

// Every fault that answers with an error, in both dialects: status, type, code.
func TestErrors(t *testing.T) {
	type e struct {
		status    int
		typ, code string
	}
	tests := []struct {
		fault             string
		anthropic, openai e
	}{
		{"fail-400", e{400, "invalid_request_error", ""}, e{400, "invalid_request_error", ""}},
		{"fail-401", e{401, "authentication_error", ""}, e{401, "invalid_request_error", "invalid_api_key"}},
		{"fail-402", e{402, "billing_error", ""}, e{402, "insufficient_quota", "insufficient_balance"}},
		{"fail-403", e{403, "permission_error", ""}, e{403, "invalid_request_error", "permission_denied"}},
		{"fail-404", e{404, "not_found_error", ""}, e{404, "invalid_request_error", "model_not_found"}},
		{"fail-408", e{408, "timeout_error", ""}, e{408, "timeout", ""}},
		{"fail-409", e{409, "conflict_error", ""}, e{409, "invalid_request_error", "conflict"}},
		{"fail-413", e{413, "request_too_large", ""}, e{413, "invalid_request_error", "request_too_large"}},
		{"fail-418", e{418, "invalid_request_error", ""}, e{418, "invalid_request_error", ""}},
		{"fail-422", e{422, "invalid_request_error", ""}, e{422, "invalid_request_error", ""}},
		{"fail-429", e{429, "rate_limit_error", ""}, e{429, "requests", "rate_limit_exceeded"}},
		{"fail-500", e{500, "api_error", ""}, e{500, "server_error", ""}},
		{"fail-502", e{502, "api_error", ""}, e{502, "server_error", ""}},
		{"fail-503", e{503, "api_error", ""}, e{503, "service_unavailable_error", "server_is_overloaded"}},
		{"fail-504", e{504, "timeout_error", ""}, e{504, "server_error", ""}},
		{"fail-529", e{529, "overloaded_error", ""}, e{529, "service_unavailable_error", "server_is_overloaded"}},
		{"fail-599", e{599, "api_error", ""}, e{599, "server_error", ""}},
		{"spend-limit", e{429, "rate_limit_error", "enforced_spend_limit_reached"}, e{429, "insufficient_quota", "organization_spend_limit_exceeded"}},
		{"ramp-limit", e{429, "rate_limit_error", "ramp_limit_exceeded"}, e{429, "rate_limit_error", "slow_down"}},
		{"no-quota", e{400, "invalid_request_error", ""}, e{429, "insufficient_quota", "credit_balance_exhausted"}},
		{"bad-key", e{401, "authentication_error", ""}, e{401, "invalid_request_error", "invalid_api_key"}},
		{"unknown-model", e{404, "not_found_error", ""}, e{404, "invalid_request_error", "model_not_found"}},
		{"too-long", e{400, "invalid_request_error", ""}, e{400, "invalid_request_error", "context_length_exceeded"}},
		{"policy", e{400, "invalid_request_error", ""}, e{400, "invalid_request_error", "content_policy_violation"}},
	}
	bubble(t, fakellm.Config{}, func(b *bed) {
		for _, tt := range tests {
			r := b.post(messages, streamed("claude-x:"+tt.fault))
			a := decode[struct {
				Type      string
				RequestID string `json:"request_id"`
				Error     struct {
					Type    string
					Details struct {
						ErrorCode string `json:"error_code"`
					}
				}
			}](b, r.body)
			want(b, tt.fault, e{r.status, a.Error.Type, a.Error.Details.ErrorCode}, tt.anthropic)
			want(b, "outer type", a.Type, "error")
			want(b, "request id", a.RequestID, r.header.Get("request-id"))
			want(b, "logged", b.last().Fault, tt.fault)
			r = b.post(chat, prompt("openai/"+strings.ToUpper(tt.fault)))
			o := decode[struct{ Error struct{ Type, Code string } }](b, r.body)
			want(b, tt.fault, e{r.status, o.Error.Type, o.Error.Code}, tt.openai)
			want(b, "hint", r.header.Get("Retry-After") != "", tt.fault == "ramp-limit")
		}
		want(b, "hint", b.post(messages, prompt("retry-after-2.5")).header.Get("Retry-After"), "2.5")
		for _, name := range []string{"html-502", "html-200"} {
			r := b.post(messages, prompt(name))
			want(b, "status", "html-"+r.header.Get("Content-Type"), "html-text/html")
			want(b, "page", strings.HasPrefix(r.body, "<html>"), true)
		}
	})
}

func TestFirstAttempts(t *testing.T) {
	bubble(t, fakellm.Config{}, func(b *bed) {
		statuses := func(model string) (out []int) {
			for range 4 {
				out = append(out, b.post(messages, prompt(model)).status)
			}
			return out
		}
		for model, fails := range map[string]int{"a:fail-529-once": 1, "b:fail-529-once": 1, "fail-500-twice": 2, "fail-500-x3": 3} {
			for i, status := range statuses(model) {
				want(b, model, status != 200, i < fails)
			}
		}
		want(b, "another path", b.post(chat, prompt("a:fail-529-once")).status, 529)
		b.fake.Reset()
		want(b, "after Reset", b.post(messages, prompt("a:fail-529-once")).status, 529)
		want(b, "numbers", b.last().N, 1)
	})
}

// Faults inside a stream: what a strict reader gets.
func TestStreamFaults(t *testing.T) {
	type seen struct {
		tokens int // of the text
		done   bool
		err    bool // the connection broke
	}
	tests := []struct {
		fault string
		seen
	}{
		{"ok", seen{60, true, false}},
		{"cut-after-40", seen{40, false, true}},
		{"cut-after-0", seen{0, false, true}},
		{"cut-after-60", seen{60, false, true}},
		{"cut-after-61", seen{60, true, false}},
		{"close-after-40", seen{40, false, false}},
		{"error-after-40", seen{40, false, false}},
		{"error-after-0", seen{0, false, false}},
		{"malformed-after-20", seen{60, true, false}},
		{"no-end", seen{60, false, false}},
		{"empty", seen{0, true, false}},
		{"refuse", seen{0, true, false}},
		{"wrong-length", seen{60, true, true}},
		{"huge-line-100000", seen{60, true, false}},
		{"gzip", seen{60, true, false}},
		{"reset", seen{0, false, true}},
		{"refused", seen{0, false, true}},
	}
	bubble(t, fakellm.Config{}, func(b *bed) {
		for _, path := range []string{messages, chat} {
			for _, tt := range tests {
				r := b.post(path, streamed(tt.fault))
				if tt.fault == "gzip" {
					r.body = unzip(b, r)
				}
				got := read(r.body)
				got.text = strings.TrimLeft(got.text, " ")
				text := fakellm.Text(tt.tokens)
				if got.text != text || (got.done != tt.done) || (r.err != nil) != tt.err {
					b.Errorf("%s %s: %d tokens, done %v, err %v", path, tt.fault, len(strings.Fields(got.text)), got.done, r.err)
				}
				want(b, tt.fault+": broken", got.broken > 0, strings.HasPrefix(tt.fault, "malformed"))
				want(b, tt.fault+": failed", got.failed != "", strings.HasPrefix(tt.fault, "error"))
				want(b, tt.fault+": logged tokens", b.last().Tokens, tt.tokens)
				want(b, tt.fault+": canceled", b.last().Canceled, false)
				if tt.fault == "huge-line-100000" {
					want(b, "line", got.longest, 100_000)
				}
			}
		}
		want(b, "anthropic stop", read(b.post(messages, streamed("refuse")).body).stop, "refusal")
		want(b, "openai stop", read(b.post(chat, streamed("refuse")).body).stop, "content_filter")
		want(b, "error type", read(b.post(messages, streamed("error-after-3")).body).failed, "overloaded_error")
		first := strings.SplitN(b.post(messages, streamed("error-after-0")).body, "\n", 2)[0]
		want(b, "before the error", first, "event: message_start")
		if r := b.post(messages, streamed("reset")); !errors.Is(r.err, syscall.ECONNRESET) {
			b.Errorf("reset: %v", r.err)
		}
		want(b, "no headers", b.last().Status, 0)
	})
}

func unzip(b *bed, r result) string {
	b.Helper()
	want(b, "encoding", r.header.Get("Content-Encoding"), "gzip")
	zr, err := gzip.NewReader(strings.NewReader(r.body))
	if err != nil {
		b.Fatal(err)
	}
	data, err := io.ReadAll(zr)
	if err != nil {
		b.Fatal(err)
	}
	return string(data)
}

// The same faults on a plain answer.
func TestPlainFaults(t *testing.T) {
	tests := []struct {
		fault            string
		status           int
		valid, err, some bool // the JSON, the connection, whether anything came
	}{
		{"ok", 200, true, false, true},
		{"cut-after-40", 200, false, true, true},
		{"close-after-40", 200, false, false, true},
		{"malformed-after-0", 200, false, false, true},
		{"no-end", 200, false, false, true},
		{"wrong-length", 200, true, true, true},
		{"bad-json", 200, false, false, true},
		{"huge-line-100000", 200, true, false, true},
		{"empty", 200, true, false, true},
		{"refuse", 200, true, false, true},
		{"reset", 0, false, true, false},
	}
	bubble(t, fakellm.Config{}, func(b *bed) {
		for _, path := range []string{messages, chat} {
			for _, tt := range tests {
				r := b.post(path, prompt(tt.fault))
				if r.status != tt.status || json.Valid([]byte(r.body)) != tt.valid || (r.err != nil) != tt.err || (r.body != "") != tt.some {
					b.Errorf("%s %s: %d, err %v, %.100q", path, tt.fault, r.status, r.err, r.body)
				}
				if tt.fault == "huge-line-100000" {
					want(b, "size", len(r.body), 100_000)
				}
			}
		}
		want(b, "error-after, anthropic", b.post(messages, prompt("error-after-9")).status, 529)
		want(b, "error-after, openai", b.post(chat, prompt("error-after-9")).status, 503)
		want(b, "bad-json for a stream", json.Valid([]byte(b.post(messages, streamed("bad-json")).body)), false)
		want(b, "gzip", json.Valid([]byte(unzip(b, b.post(messages, prompt("gzip"))))), true)
		want(b, "gzip of an error", unzip(b, b.post(messages, prompt("gzip+html-502")))[:6], "<html>")
		for _, path := range []string{messages, chat} {
			cut := b.post(path, prompt("cut-after-40")).body
			want(b, "cut at its token", cut[strings.Index(cut, "w0"):], fakellm.Text(40))
		}
		thought := b.post(messages, prompt("close-after-8", `"thinking":{"type":"enabled"}`)).body
		want(b, "thinking counts", strings.HasSuffix(thought, fakellm.Text(3)), true)
	})
}
