package event

import "fmt"

// Verdict is the class of an attempt's outcome. It is decided once, by the
// provider package, from status, error type, error code, headers and phase.
// What follows from it (asking again, asking another, breaker, pool) is the
// table in package fallback.
type Verdict uint8

// The verdicts.
const (
	OK             Verdict = iota + 1 // the end marker was seen
	RateLimited                       // 429: too many requests or tokens for this pool
	RampLimited                       // 429: traffic grew too fast
	QuotaExhausted                    // a spent budget, a billing hold
	Overloaded                        // 529, 503: no capacity for anyone
	ServerError                       // 500, 502, 504, 408, HTML error pages, undecodable answers
	Empty                             // a finished answer with nothing in it
	Unreachable                       // DNS, connect, TLS, reset before headers
	Slow                              // no headers, no first token or no next token in time
	Truncated                         // ended without its end marker
	Degraded                          // a quality check failed
	Refused                           // the model or a content filter refused
	TooLarge                          // context window exceeded, body too large
	Unauthorized                      // the credential was rejected
	UnknownModel                      // no such model, or retired
	Invalid                           // the request itself is wrong
	Incompatible                      // this target cannot take the request
	Canceled                          // the client left
)

var verdictNames = [...]string{
	OK: "ok", RateLimited: "rate_limited", RampLimited: "ramp_limited", QuotaExhausted: "quota_exhausted",
	Overloaded: "overloaded", ServerError: "server_error", Empty: "empty", Unreachable: "unreachable",
	Slow: "slow", Truncated: "truncated", Degraded: "degraded", Refused: "refused", TooLarge: "too_large",
	Unauthorized: "unauthorized", UnknownModel: "unknown_model", Invalid: "invalid",
	Incompatible: "incompatible", Canceled: "canceled",
}

// String returns the verdict's name in snake case, or "" for none.
func (v Verdict) String() string { return nameOf(verdictNames[:], int(v)) }

// MarshalText writes the verdict's name.
func (v Verdict) MarshalText() ([]byte, error) { return []byte(v.String()), nil }

// UnmarshalText reads a verdict's name.
func (v *Verdict) UnmarshalText(text []byte) error {
	for i, name := range verdictNames {
		if name == string(text) {
			*v = Verdict(i)
			return nil
		}
	}
	return fmt.Errorf("event: unknown verdict %q", text)
}

// Verdicts lists every verdict, for documentation and for tests of tables.
func Verdicts() []Verdict {
	all := make([]Verdict, 0, len(verdictNames)-1)
	for v := range verdictNames[1:] {
		all = append(all, Verdict(v+1))
	}
	return all
}
