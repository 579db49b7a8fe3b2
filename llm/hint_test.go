package llm_test

import (
	"fmt"
	"net/http"
	"testing"
	"time"

	"fairlead.dev/event"
	"fairlead.dev/llm"
)

// TestWhichPlacesAVerdictReads: the header always; buckets and the body unless a
// budget is spent, which no minute refills; the message for rate limits only.
func TestWhichPlacesAVerdictReads(t *testing.T) {
	for _, row := range []struct {
		status                      int
		kind                        string
		want                        event.Verdict
		header, bucket, info, words bool
	}{
		{429, "rate_limit_error", event.RateLimited, true, true, true, true},
		{429, "slow_down", event.RampLimited, true, true, true, true},
		{529, "overloaded_error", event.Overloaded, true, true, true, false},
		{500, "api_error", event.ServerError, true, true, true, false},
		{429, "insufficient_quota", event.QuotaExhausted, true, false, false, false},
		{402, "", event.QuotaExhausted, true, false, false, false},
		{400, "invalid_request_error", event.Invalid, true, true, true, false},
	} {
		for place, read := range map[string]bool{"header": row.header, "bucket": row.bucket, "info": row.info, "words": row.words} {
			h, message, details := http.Header{}, "no", "[]"
			switch place {
			case "header":
				h.Set("Retry-After", "7")
			case "bucket":
				h["X-Ratelimit-Remaining-Tokens"], h["X-Ratelimit-Reset-Tokens"] = []string{"0"}, []string{"7s"}
			case "info":
				details = `[{"@type":"type.googleapis.com/google.rpc.RetryInfo","retryDelay":"7s"}]`
			case "words":
				message = "Please try again in 7s."
			}
			body := fmt.Sprintf(`{"error":{"type":%q,"message":%q,"details":%s}}`, row.kind, message, details)
			out, _ := llm.Judge(llm.Generate, row.status, h, []byte(body), now)
			want := map[bool]time.Duration{true: 7 * time.Second}[read]
			if out.Verdict != row.want || out.Hint != want {
				t.Errorf("%d %s by its %s: %s, %v; want %s, %v", row.status, row.kind, place, out.Verdict, out.Hint, row.want, want)
			}
		}
	}
}

// TestBuckets: the last of the empty ones to be refilled, in any family; what is
// not certainly empty is no reason to wait.
func TestBuckets(t *testing.T) {
	in := func(d time.Duration) string { return now.Add(d).Format(time.RFC3339) }
	bucket := func(h http.Header, remaining, reset, left, when string) http.Header {
		h.Set(remaining, left)
		h.Set(reset, when)
		return h
	}
	for _, family := range []string{"anthropic-ratelimit-requests-", "anthropic-ratelimit-tokens-", "anthropic-ratelimit-input-tokens-", "anthropic-ratelimit-output-tokens-", "anthropic-priority-output-tokens-", "anthropic-fast-input-tokens-"} {
		for left, want := range map[string]time.Duration{"0": 30 * time.Second, "0.0": 30 * time.Second, " 0 ": 30 * time.Second, "1": 0, "-1": 0, "": 0, "none": 0} {
			h := bucket(http.Header{}, family+"remaining", family+"reset", left, in(30*time.Second))
			if out, _ := llm.Judge(llm.Generate, 429, h, nil, now); out.Hint != want {
				t.Errorf("%s with %q left: %v, want %v", family, left, out.Hint, want)
			}
		}
	}
	h := bucket(http.Header{}, "x-ratelimit-remaining-requests", "x-ratelimit-reset-requests", "0", "12ms")
	h = bucket(h, "x-ratelimit-remaining-tokens", "x-ratelimit-reset-tokens", "0", "6m0s")
	h = bucket(h, "x-ratelimit-remaining-project-tokens", "x-ratelimit-reset-project-tokens", "3", "9h")
	h = bucket(h, "anthropic-ratelimit-requests-remaining", "anthropic-ratelimit-requests-reset", "0", in(-time.Minute))
	if out, _ := llm.Judge(llm.Generate, 429, h, nil, now); out.Hint != 6*time.Minute {
		t.Errorf("the last of several: %v", out.Hint)
	}
	for name, value := range map[string]string{"Anthropic-Ratelimit-Requests-Reset": in(time.Minute), "X-Ratelimit-Reset-Tokens": "1m", "X-Other-Reset": "1m"} {
		if out, _ := llm.Judge(llm.Generate, 429, http.Header{name: {value}}, nil, now); out.Hint != 0 {
			t.Errorf("%s alone: %v", name, out.Hint)
		}
	}
	if out, _ := llm.Judge(llm.Generate, 429, http.Header{"X-Ratelimit-Reset-Tokens": {}, "X-Ratelimit-Remaining-Tokens": nil}, nil, now); out.Hint != 0 {
		t.Errorf("headers without values: %v", out.Hint)
	}
}
