package limit

import (
	"fmt"
	"time"
)

// Cause says why a pool is closed. The names are those of the verdicts that lead to it.
type Cause uint8

// The causes; the zero Cause is none.
const (
	RateLimited  Cause = iota + 1 // 429: too many requests or tokens
	RampLimited                   // 429: traffic grew too fast
	Quota                         // a spent budget, a billing hold
	Unauthorized                  // the credential was rejected
)

var causeNames = [...]string{
	RateLimited: "rate_limited", RampLimited: "ramp_limited", Quota: "quota_exhausted", Unauthorized: "unauthorized",
}

// String returns the cause's name in snake case, "" for none.
func (c Cause) String() string {
	if int(c) < len(causeNames) {
		return causeNames[c]
	}
	return fmt.Sprintf("Cause(%d)", uint8(c))
}

// MarshalText writes the cause's name.
func (c Cause) MarshalText() ([]byte, error) { return []byte(c.String()), nil }

// UnmarshalText reads a cause's name.
func (c *Cause) UnmarshalText(text []byte) error {
	for i, name := range causeNames {
		if name == string(text) {
			*c = Cause(i)
			return nil
		}
	}
	return fmt.Errorf("limit: unknown cause %q", text)
}

// CloseUntil closes the pool until t. A later t extends and brings its cause, an earlier one
// never shortens. It reports whether anything changed.
func (p *Pool) CloseUntil(t time.Time, why Cause) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	if !t.After(p.until) {
		return false
	}
	p.until, p.why = t, why
	return true
}

// Closed reports whether the pool is closed at now, until when, and why. At until it is open.
func (p *Pool) Closed(now time.Time) (until time.Time, why Cause, closed bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.closed(now)
}

func (p *Pool) closed(now time.Time) (time.Time, Cause, bool) {
	if !p.until.After(now) {
		return time.Time{}, 0, false
	}
	return p.until, p.why, true
}

// Reopen opens the pool before its time, by hand, and reports whether it was closed.
// Its limits and debts stay.
func (p *Pool) Reopen(now time.Time) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	_, _, was := p.closed(now)
	p.until, p.why = time.Time{}, 0
	return was
}
