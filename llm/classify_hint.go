package llm

import (
	"net/http"
	"strconv"
	"strings"
	"time"

	"fairlead.dev/event"
	"fairlead.dev/retry"
)

// hint is how long the provider asks to stay away. The places are asked in order of what they promise: the header made
// for it, the buckets that are empty, the body, and last the message, which is read for rate limits only.
func (f *Fault) hint(v event.Verdict, h http.Header, now time.Time) time.Duration {
	if v == event.QuotaExhausted && (f.Daily || perDay(f.Message)) {
		return 0 // a day's limit comes with the short hint of a minute's (OmniRoute issue 9504, gpt-pilot PR 608)
	}
	if d, ok := retry.HeaderHint(h, now); ok || v == event.QuotaExhausted {
		return d
	}
	if d := bucketHint(h, now); d > 0 {
		return d
	}
	for _, value := range [...]string{f.delay, f.reset} {
		if d, ok := retry.ResetHint(value, now); ok {
			return d
		}
	}
	if v == event.RateLimited || v == event.RampLimited {
		d, _ := retry.TextHint(f.Message)
		return d
	}
	return 0
}

// bucketHint is when the last of the empty buckets is refilled. A bucket is empty when its remaining is 0; -1 (Azure)
// and a missing one are unknown, and the reset of a bucket that is not empty is no reason to wait.
//
//	anthropic-ratelimit-input-tokens-remaining: 0    anthropic-ratelimit-input-tokens-reset: 2026-11-24T03:51:00Z
//	x-ratelimit-remaining-tokens: 0                  x-ratelimit-reset-tokens: 6m0s
func bucketHint(h http.Header, now time.Time) time.Duration {
	var longest time.Duration
	for name, values := range h {
		if len(values) == 0 || !bucketHeader(name) {
			continue
		}
		left, ok := h[strings.Replace(name, "-Reset", "-Remaining", 1)]
		if !ok || len(left) == 0 || !isZero(left[0]) {
			continue
		}
		if d, ok := retry.ResetHint(values[0], now); ok {
			longest = max(longest, d)
		}
	}
	return longest
}

// bucketHeader reports whether a canonical header name is that of a reset. Anthropic has more families than
// "ratelimit": priority and fast (platform.claude.com, rate limits).
func bucketHeader(name string) bool {
	return strings.HasPrefix(name, "Anthropic-") && strings.HasSuffix(name, "-Reset") ||
		strings.HasPrefix(name, "X-Ratelimit-Reset")
}

// isZero reads a count of 0, however it is written.
func isZero(s string) bool {
	n, err := strconv.ParseFloat(strings.TrimSpace(s), 64)
	return err == nil && n == 0
}
