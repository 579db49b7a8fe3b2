// Package limit decides how much may go now.
//
// A pool is what shares one rate limit: a provider, a key, a model family. A pool has up to three
// limits per minute (requests, input tokens, output tokens) and a door:
//
//	Reserve ── door open? ── enough of all three? ──> Reservation ── attempt ──> Settle(used)
//	              │ no              │ no                   │   └── answered ────> Learn, Correct
//	              └── wait until    └── wait until         └────── not sent ────> Cancel
//
// Reserve takes from all three or from none. What an attempt will use is an estimate; Settle
// corrects it when the answer tells, so unused tokens come back and an overrun becomes a debt that
// later calls wait out.
//
// What the limits are is said by configuration, or learned from the headers of answers (Learn). A
// provider that says nothing at all is paced by its 429s alone: see cruise.go.
//
// The door is closed by news from outside (a 429 with a hint, a spent budget, a rejected key) with
// CloseUntil, whatever the three limits say. When its time has come one attempt goes first, and when
// that was accepted the others follow at half the rate, rising:
//
//	open ── CloseUntil ──> closed ── until ──> trial ── accepted ──> ramp ── 10 s ──> open
//	                         ↑     one attempt at once  │
//	                         └───────── 429 ────────────┘
//
// Each limit is a token bucket that refills continuously and holds ten seconds' worth, so a
// minute's allowance cannot be spent in one moment: several providers judge a minute's limit by the
// second or by ten seconds. Hence in any window of 60 s at most limit + burst requests begin,
// where burst = max(1, limit/6). A need larger than the bucket waits for a full one and leaves a
// debt: a prompt of 150,000 tokens does pass a limit of 30,000 a minute, once, and pays for it after.
//
// The package does not wait: it takes now, returns how long to stay away, and leaves to its caller
// whether to wait or to ask another pool. [Concurrency] bounds attempts in flight by what a target can
// bear, which is no matter of its pools.
package limit

import (
	"errors"
	"fmt"
	"math"
	"sync"
	"time"
)

// Limits are the limits of one pool, per minute. In each, 0 means what the provider says in its
// headers, if anything, and a negative value none, whatever it says.
type Limits struct {
	RPM  int // requests
	ITPM int // input tokens
	OTPM int // output tokens
}

// Most is the highest limit, per minute; more is taken for a slip of the pen.
const Most = 1_000_000_000

// Validate reports every fault of l, joined, each with the name of its field.
func (l Limits) Validate() error {
	var faults []error
	for i, n := range l.each() {
		if n > Most {
			faults = append(faults, fmt.Errorf("limit: %s: %d is more than %d a minute", limitNames[i], n, Most))
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
	parts   float64   // a bucket holds one of so many parts of a minute's limit
	limits  Limits    // guarded by mu, as are all below
	told    [3]int    // what the provider said the limits are; 0: nothing
	buckets [3]bucket // requests, input, output
	taken   [3]int    // all that was ever reserved and not cancelled
	open    [3]int    // reserved and not settled
	most    [3]int    // that the provider ever said it had left
	calm    time.Time // the last Calm
	door
	cruise cruise
}

// NewPool returns an open pool with full buckets.
func NewPool(l Limits) *Pool { return newPool(l, burstParts) }

// NewQuota returns a pool of which a whole minute's worth may be taken at once: for limits of ours, of
// which nobody else has another opinion.
func NewQuota(l Limits) *Pool { return newPool(l, 1) }

func newPool(l Limits, parts float64) *Pool {
	p := &Pool{limits: l, parts: parts}
	for i, n := range l.each() {
		p.buckets[i].set(n, parts)
	}
	return p
}

// Reserve takes n from all limits of the pool, or from none. If it cannot, ok is false and wait,
// always positive, is the time after which it could at the earliest, the closed door included;
// others may be faster, so ask again. It reserves nothing for the future.
//
// keep is the share of each limit's burst that is left to others: 0.2 leaves a fifth. A need above
// what there is to have passes when the bucket is full.
func (p *Pool) Reserve(n Need, keep float64, now time.Time) (r Reservation, wait time.Duration, ok bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	need := n.each()
	wait = p.shut(now)
	speed := p.speed(now)
	for i := range p.buckets {
		wait = max(wait, p.buckets[i].wait(need[i], keep, speed, now))
	}
	wait = max(wait, p.cruise.wait(now))
	if wait > 0 {
		return Reservation{}, wait, false
	}
	r.pool, r.at, r.probe = p, now, p.probes(now)
	for i := range p.buckets {
		b := &p.buckets[i]
		b.take(float64(need[i]))
		p.taken[i] += need[i]
		if r.need[i], r.mark[i], r.charged[i] = need[i], p.taken[i], b.limited(); r.charged[i] {
			p.open[i] += need[i]
		}
	}
	p.cruise.admitted(now)
	return r, 0, true
}

// SetLimits changes the limits and keeps the state: levels and debts stay, cut to the new burst;
// a limit that is new starts full.
func (p *Pool) SetLimits(l Limits, now time.Time) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.limits = l
	for i := range p.buckets {
		p.buckets[i].refill(p.speed(now), now)
		p.apply(i)
	}
}

// apply sets the i-th bucket to what holds: the configured limit or the one that the provider told,
// whichever is lower.
func (p *Pool) apply(i int) {
	n := p.limits.each()[i]
	if told := p.told[i]; told > 0 && (n == 0 || n > told) {
		n = told
	}
	p.buckets[i].set(n, p.parts)
}

// State is a pool at one moment.
type State struct {
	Limits Limits    // that hold: configured or told
	Rate   float64   // requests a second that a provider without any limits known to us seems to take; 0: unknown
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
	var left, burst, limits [3]int
	for i := range p.buckets {
		b := &p.buckets[i]
		b.refill(p.speed(now), now)
		left[i], burst[i] = int(math.Floor(b.level+slack)), int(b.burst)
		limits[i] = int(math.Round(b.rate * 60))
	}
	s := State{Limits: Limits{limits[0], limits[1], limits[2]}, Rate: p.cruise.now(now), Left: Need{left[0], left[1], left[2]}, Burst: Need{burst[0], burst[1], burst[2]}}
	s.Until, s.Why, s.Closed = p.closed(now)
	return s
}
