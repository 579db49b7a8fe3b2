package retry

import (
	"net/http"
	"strconv"
	"strings"
	"time"
)

// Canonical header names, so that looking them up does not allocate.
const (
	headerAfter     = "Retry-After"
	headerAfterMS   = "Retry-After-Ms"
	headerAfterMSMS = "X-Ms-Retry-After-Ms"
)

// maxHintText bounds what a parser looks at; the longest real value is an HTTP-date of 33 bytes.
const maxHintText = 64

// HeaderHint returns how long a response asks its client to stay away, and whether it asks:
//
//   - retry-after-ms, x-ms-retry-after-ms: milliseconds, fractions allowed (Stainless SDKs of
//     OpenAI and Anthropic; Azure OpenAI). A valid one wins over Retry-After.
//   - Retry-After: seconds (RFC 9110, 10.2.3), fractions allowed as those SDKs do, or an HTTP-date
//     in any of its three forms (RFC 9110, 5.6.7), counted from now.
//
// A value that is not positive, not finite, longer than MaxHint, a date gone by, or garbage (more than
// 64 bytes are) is ignored, as if its header were absent: "0" leaves the caller to its own backoff. Where a header
// is repeated, or its numbers were joined with commas on the way, the longest valid value counts:
// being late costs little, being early fails.
func HeaderHint(h http.Header, now time.Time) (time.Duration, bool) {
	longest := max(
		longestOf(h[headerAfterMS], func(s string) time.Duration { return number(s, "ms") }),
		longestOf(h[headerAfterMSMS], func(s string) time.Duration { return number(s, "ms") }),
	)
	if longest == 0 {
		longest = longestOf(h[headerAfter], func(s string) time.Duration { return secondsOrDate(s, now) })
	}
	return longest, longest > 0
}

// ResetHint reads the value of a rate-limit header or field that tells when a limit is
// refilled, as the time from now, and whether it tells anything:
//
//   - a Go duration, `6m0s`, `12ms` (OpenAI, x-ratelimit-reset-*), which covers protobuf's
//     `45.837906927s` (google.rpc.RetryInfo.retryDelay, Gemini)
//   - an RFC 3339 instant (Anthropic, anthropic-ratelimit-*-reset)
//   - a plain number: seconds up to MaxHint (Azure OpenAI); a larger one is an instant in
//     seconds or milliseconds since 1970 (OpenRouter), whichever falls within MaxHint from now
//
// An instant gone by, 0, a negative or an absurd value tells nothing.
func ResetHint(value string, now time.Time) (time.Duration, bool) {
	value = strings.TrimSpace(value)
	if value == "" || len(value) > maxHintText {
		return 0, false
	}
	if plain(value) {
		return sane(numberOrEpoch(value, now))
	}
	if d, err := time.ParseDuration(value); err == nil {
		return sane(d)
	}
	if t, err := time.Parse(time.RFC3339, value); err == nil {
		return sane(t.Sub(now))
	}
	return 0, false
}

// longestOf returns the longest valid value, 0 for none.
func longestOf(values []string, parse func(string) time.Duration) time.Duration {
	var longest time.Duration
	for _, v := range values {
		d := parse(v)
		if d == 0 && strings.Contains(v, ",") { // joined on the way (RFC 9110, 5.3)
			for part := range strings.SplitSeq(v, ",") {
				d = max(d, parse(part))
			}
		}
		longest = max(longest, d)
	}
	return longest
}

// secondsOrDate reads the two forms of Retry-After, 0 for neither.
func secondsOrDate(s string, now time.Time) time.Duration {
	if d := number(s, "s"); d > 0 {
		return d
	}
	s = strings.TrimSpace(s)
	if len(s) > maxHintText {
		return 0
	}
	t, err := http.ParseTime(s)
	if err != nil {
		return 0
	}
	d, _ := sane(t.Sub(now))
	return d
}

// number reads a plain number of a unit, 0 for anything else. It goes through
// time.ParseDuration, which is exact where a float is not.
func number(s, unit string) time.Duration {
	s = strings.TrimSpace(s)
	if !plain(s) || len(s) > maxHintText {
		return 0
	}
	d, err := time.ParseDuration(s + unit)
	if err != nil {
		return 0
	}
	d, _ = sane(d)
	return d
}

// numberOrEpoch reads a plain number as seconds or as an instant. The three readings cannot be
// confused: MaxHint in seconds is a week after 1970, and this age in seconds is a fortnight after
// it in milliseconds.
func numberOrEpoch(s string, now time.Time) time.Duration {
	if d := number(s, "s"); d > 0 {
		return d
	}
	n, err := strconv.ParseInt(s, 10, 64)
	if err != nil || n <= int64(MaxHint/time.Second) {
		return 0
	}
	if d, ok := sane(time.Unix(n, 0).Sub(now)); ok {
		return d
	}
	return time.UnixMilli(n).Sub(now)
}

// plain reports whether s is digits with at most a decimal point: no sign, exponent,
// infinity, NaN or hexadecimal.
func plain(s string) bool {
	return s != "" && strings.Trim(s, "0123456789.") == "" && strings.Count(s, ".") <= 1
}

// sane passes on a duration that a server may ask for.
func sane(d time.Duration) (time.Duration, bool) {
	if d <= 0 || d > MaxHint {
		return 0, false
	}
	return d, true
}
