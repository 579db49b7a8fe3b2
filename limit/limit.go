// Package limit decides how much may go now.
//
// A pool is what shares one rate limit: a provider, a key, a model family. A pool has up to three
// limits per minute (requests, input tokens, output tokens) and a door:
//
//	Reserve ── door open? ── enough of all three? ──> Reservation ── attempt ──> Settle(used)
//	              │ no              │ no                   └── not sent ───────> Cancel
//	              └── wait until    └── wait until
//
// Reserve takes from all three or from none. What an attempt will use is an estimate; Settle
// corrects it when the answer tells, so unused tokens come back and an overrun becomes a debt that
// later calls wait out. The door is closed by news from outside (a 429 with a hint, a spent budget,
// a rejected key) with CloseUntil, whatever the three limits say.
//
// Each limit is a token bucket that refills continuously and holds ten seconds' worth, so a
// minute's allowance cannot be spent in one moment: several providers judge a minute's limit by the
// second or by ten seconds. Hence in any window of 60 s at most limit + burst requests begin,
// where burst = max(1, limit/6). A need larger than the bucket waits for a full one and leaves a
// debt: a prompt of 150,000 tokens does pass a limit of 30,000 a minute, once, and pays for it after.
//
// The package does not wait, learn or guess: it takes now, returns how long to stay away, and
// leaves to its caller whether to wait or to ask another pool.
package limit

import (
	"errors"
	"fmt"
	"math"
	"sync"
	"time"
)

// Limits are the limits of one pool, per minute. In each, 0 means no limit of ours (the provider's
// own may still close the pool), and a negative value switches one off that an outer block has set.
type Limits struct {
	RPM  int // requests
	ITPM int // input tokens
	OTPM int // output tokens
}

// maxLimit is where a limit is taken for a slip of the pen.
const maxLimit = 1_000_000_000

// Validate reports every fault of l, joined, each with the name of its field.
func (l Limits) Validate() error {
	var faults []error
	for i, n := range l.each() {
		if n > maxLimit {
			faults = append(faults, fmt.Errorf("limit: %s: %d is more than %d a minute", limitNames[i], n, maxLimit))
		}
	}
	return errors.Join(faults...)
}

func (l Limits) each() [3]int { return [3]int{l.RPM, l.ITPM, l.OTPM} }

var limitNames = [3]string{"RPM", "ITPM", "OTPM"}

// Need is what one attempt takes, or has used: requests (1 for an attempt), input tokens,
// output tokens. Negative numbers count as 0.
type Need struct {
	Requests int
	Input    int
	Output   int
}

func (n Need) each() [3]int { return [3]int{max(n.Requests, 0), max(n.Input, 0), max(n.Output, 0)} }

// Pool is one pool's limits and door. Safe for concurrent use; no method waits or allocates.
type Pool struct {
	mu      sync.Mutex
	limits  Limits    // guarded by mu, as are all below
	buckets [3]bucket // requests, input, output
	until   time.Time // the door is closed until then
	why     Cause
}

// NewPool returns an open pool with full buckets.
func NewPool(l Limits) *Pool {
	p := &Pool{limits: l}
	for i, n := range l.each() {
		p.buckets[i].set(n)
	}
	return p
}

// Reserve takes n from all limits of the pool, or from none. If it cannot, ok is false and wait,
// always positive, is the time after which it could at the earliest, the closed door included;
// others may be faster, so ask again. It reserves nothing for the future.
//
// A need above the burst passes when the bucket is full.
func (p *Pool) Reserve(n Need, now time.Time) (r Reservation, wait time.Duration, ok bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	need := n.each()
	if p.until.After(now) {
		wait = p.until.Sub(now)
	}
	for i := range p.buckets {
		wait = max(wait, p.buckets[i].wait(need[i], now))
	}
	if wait > 0 {
		return Reservation{}, wait, false
	}
	r.pool = p
	for i := range p.buckets {
		b := &p.buckets[i]
		b.take(float64(need[i]))
		r.need[i], r.charged[i] = need[i], b.limited()
	}
	return r, 0, true
}

// SetLimits changes the limits and keeps the state: levels and debts stay, cut to the new burst;
// a limit that is new starts full.
func (p *Pool) SetLimits(l Limits, now time.Time) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.limits = l
	for i, n := range l.each() {
		p.buckets[i].refill(now)
		p.buckets[i].set(n)
	}
}

// State is a pool at one moment.
type State struct {
	Limits Limits
	Left   Need      // what could be taken now; negative: debt; 0 where there is no limit
	Burst  Need      // what could be taken at most; 0 where there is no limit
	Closed bool      // the door is closed ...
	Until  time.Time // ... until then ...
	Why    Cause     // ... for this
}

// Snapshot returns the pool's state at now.
func (p *Pool) Snapshot(now time.Time) State {
	p.mu.Lock()
	defer p.mu.Unlock()
	var left, burst [3]int
	for i := range p.buckets {
		b := &p.buckets[i]
		b.refill(now)
		left[i], burst[i] = int(math.Floor(b.level+slack)), int(b.burst)
	}
	s := State{Limits: p.limits, Left: Need{left[0], left[1], left[2]}, Burst: Need{burst[0], burst[1], burst[2]}}
	s.Until, s.Why, s.Closed = p.closed(now)
	return s
}
