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

// door is what closes a pool whatever its limits say.
type door struct {
	until time.Time // it is closed until then
	why   Cause
	trial bool      // it has been closed, and nobody has been accepted since
	lease time.Time // the attempt that goes first is out until then at the latest
	slow  time.Time // when the ramp began; zero: none
	long  time.Duration
}

const (
	// probeLease is how long the first attempt may be out before another one goes.
	probeLease = 30 * time.Second
	// probePoll is when to ask again while it is: its answer is no matter of time.
	probePoll = 100 * time.Millisecond
	// rampTime is how long a pool takes from half of its rate to all of it after a 429, and
	// growthTime after one for growing too fast.
	rampTime   = 10 * time.Second
	growthTime = time.Minute
)

// CloseUntil closes the pool until t. A later t extends and brings its cause, an earlier one
// never shortens. After a limit of the provider's the pool then opens for one attempt, and slowly for
// the others. It reports whether anything changed.
func (p *Pool) CloseUntil(t time.Time, why Cause, now time.Time) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	rate := why == RateLimited || why == RampLimited
	if rate {
		p.cruise.throttled(now, p.limited())
	}
	if p.lease = (time.Time{}); !t.After(p.until) {
		return false
	}
	if p.until, p.why = t, why; !rate {
		return true
	}
	p.trial, p.slow, p.long = true, time.Time{}, rampTime
	if why == RampLimited {
		p.long = growthTime
	}
	return true
}

// shut is how long the door stays closed, 0 if it is open for one more.
func (p *Pool) shut(now time.Time) time.Duration {
	switch {
	case p.until.After(now):
		return p.until.Sub(now)
	case p.trial && p.lease.After(now):
		return probePoll
	}
	return 0
}

// probes reports whether the attempt that goes now is the first after the door was closed.
func (p *Pool) probes(now time.Time) bool {
	if p.trial {
		p.lease = now.Add(probeLease)
	}
	return p.trial
}

// probed takes the news of the first attempt: it was accepted, or it was never sent.
func (p *Pool) probed(accepted bool, now time.Time) {
	p.lease = time.Time{}
	if p.trial = p.trial && (!accepted || p.until.After(now)); p.trial {
		return
	}
	for i := range p.buckets {
		p.buckets[i].refill(p.speed(now), now)
	}
	p.slow = now
}

// speed is the part of their rates at which the buckets refill: less than 1 in the ramp.
func (p *Pool) speed(now time.Time) float64 {
	if p.slow.IsZero() {
		return 1
	}
	part := float64(now.Sub(p.slow)) / float64(p.long)
	if part >= 1 {
		p.slow = time.Time{}
		return 1
	}
	return 0.5 + max(part, 0)/2
}

// Calm is for calls that have waited for something else than the pool, such as the end of an outage: they
// must not all come at once. It leaves a tenth of a second's worth in each bucket at most.
func (p *Pool) Calm(now time.Time) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.calm = now
	for i := range p.buckets {
		b := &p.buckets[i]
		b.refill(p.speed(now), now)
		b.level = min(b.level, max(b.rate/10, 1))
	}
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
	p.door = door{}
	return was
}
