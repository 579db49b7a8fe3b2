// Package breaker decides when to stop calling a target that fails, and how
// to come back to it.
//
// A target that is down answers slowly or not at all, and every call sent to
// it costs its caller the wait and the provider more load. So after enough
// failures the breaker opens: calls are refused at once and go elsewhere. When
// its interval has passed it lets one call through as a probe. If the probe
// succeeds the calls come back in steps, not as a herd.
//
//	          failures in a row, a ratio, Trip
//	+--------+                                 +------+
//	| Closed | ------------------------------> | Open | <----------+
//	+--------+                                 +------+            |
//	    ^                                       ^    |             |
//	    | 100 % held        two failed calls    |    | interval    | a probe failed or never
//	    |                   without a success,  |    | has ended   | answered: the interval
//	    |                   or a ratio          |    |             | doubles
//	    |      +--------------------------------+    v             |
//	+--------+                               +----------+          |
//	|  Ramp  | <---------------------------- | HalfOpen | ---------+
//	+--------+       a probe succeeded       +----------+
//	 10, 30, 60, 100 %                       Probes at a time
//
// What it decides: whether this attempt may be sent now. What it leaves to
// others: which news an outcome is (the verdict table in package fallback; a
// rate limit or a bad prompt is [Ignore]), whom to ask instead, and the events
// that tell of it. It has no clock, no goroutine and no hook: the time is
// passed in, and what changed is returned.
//
// Three ideas carry the package:
//
//   - Generations. LLM calls last up to minutes, so results from before the
//     last change of state are the normal case. Every permit knows the
//     generation that admitted it, and news from an older one moves nothing.
//   - Leases. A probe that never answers must not keep the breaker half-open
//     for ever: after Config.Lease it counts as failed.
//   - Evidence. One call's own retries are one prompt's fault until another
//     call fails too, and five failures in a row mean much where failures are
//     rare and little where one attempt in ten fails anyway.
package breaker

import (
	"errors"
	"sync"
	"sync/atomic"
	"time"
)

// ErrOpen is the cause of a call that no breaker let through.
var ErrOpen = errors.New("breaker: open")

// Breaker guards one target, provider or key. Its zero value is ready and
// follows the default [Config]. All methods may be called concurrently; none
// blocks but on the one mutex, and none allocates. A Breaker must not be
// copied after its first use.
type Breaker struct {
	pending atomic.Int32 // changes that Take would return; lets Take pass without the lock

	mu  sync.Mutex // guards all below
	cfg Config     // complete: no zero fields

	state      State
	since      time.Time // when state was entered
	until      time.Time // Open: its end; Ramp: the earliest end of the step
	generation uint64    // of the permits whose news counts
	latest     time.Time // the latest time that any caller has shown
	last       Change    // the latest change, whose Seq numbers them all

	counts window // results of this generation
	run    streak // failures without a success between

	openings int           // openings since it was last healthy: the exponent of the next interval
	interval time.Duration // the last open interval
	opened   Cause         // why it opened last

	probes []lease // outstanding probes; len is Config.Probes
	serial uint64  // of the latest lease
	climb  climb   // where the ramp stands

	override Override
	news     mailbox // changes that time brought about, for Take
}

// New returns a closed breaker. What [Config.Validate] would refuse is
// replaced by its default.
func New(cfg Config) *Breaker {
	b := new(Breaker)
	b.begin(cfg)
	return b
}

func (b *Breaker) begin(cfg Config) {
	b.cfg = cfg.complete()
	b.counts.slice = b.cfg.Window / slices
	b.interval = b.cfg.Open
	b.probes = make([]lease, b.cfg.Probes)
}

// Ask describes the attempt that wants to be sent.
type Ask struct {
	Call      uint64 // id of the logical call: retries of one call share it
	Share     uint32 // hash of the conversation; decides its membership in the ramp's share, the same on every replica
	Elsewhere bool   // another target can take the call; only then may the ramp refuse it
	Alone     bool   // nobody else can take the call now: it may probe before the interval has ended
}

// early is how long after it opened a breaker lets a call probe that nobody else can
// take, if Config.Open is not longer. The doubling interval spares callers the wait for a
// dead target and the target some load; a call that would fail anyway has nothing to lose, and six
// probes a minute are no load.
const early = 10 * time.Second

// Allow says whether an attempt may be sent now. If it may, the permit must be
// given back by [Permit.Done], whatever became of the attempt. If not, wait is
// a lower bound, always positive, of when asking again can make sense.
// Refusals are counted nowhere.
//
// Time may have moved the breaker: [Breaker.Take] returns those changes.
func (b *Breaker) Allow(now time.Time, a Ask) (p Permit, wait time.Duration, ok bool) {
	b.mu.Lock()
	defer b.mu.Unlock()
	now = b.tick(now)
	wait, ok = b.may(now, a)
	switch {
	case ok && b.frozen():
		return Permit{b: b, generation: b.generation}, 0, true
	case ok:
		return b.admit(now, a), 0, true
	case b.override.Mode == ObserveOnly:
		// The real thing would have refused this attempt and never have learned
		// from it: its permit is stale from the start.
		return Permit{}, 0, true
	}
	return Permit{}, wait, false
}

// Peek says what Allow would say, and takes no permit. Changes that time
// brings about are left for [Breaker.Take], as by Allow.
func (b *Breaker) Peek(now time.Time, a Ask) (wait time.Duration, ok bool) {
	b.mu.Lock()
	defer b.mu.Unlock()
	now = b.tick(now)
	if wait, ok = b.may(now, a); ok || b.override.Mode == ObserveOnly {
		return 0, true
	}
	return wait, false
}

// Succeeded reports whether an attempt, slow ones included, has succeeded in
// the current window. A provider's breaker never blocks such a target.
func (b *Breaker) Succeeded(now time.Time) bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.counts.advance(b.tick(now))
	t := b.counts.total(slices)
	return t.attempts > t.failures
}

// Trip opens the breaker from outside, for exactly that long: a provider
// whose targets are open, a rejected key, the news of another replica. Then
// it is half-open as usual. While it is open a longer time extends the
// interval, a shorter one never shortens it. An open of 0 or less means the
// ordinary next interval, jittered and doubling, and changes nothing while
// the breaker is open already.
//
// An override that is ForceOpen or Disabled rules out Trip.
func (b *Breaker) Trip(now time.Time, open time.Duration) (Change, bool) {
	b.mu.Lock()
	defer b.mu.Unlock()
	now = b.tick(now)
	if b.frozen() {
		return Change{}, false
	}
	if b.state == Open && !now.Add(open).After(b.until) {
		return Change{}, false
	}
	return b.open(Tripped, now, open), true
}

// may decides on admission and takes nothing.
func (b *Breaker) may(now time.Time, a Ask) (wait time.Duration, ok bool) {
	switch b.override.Mode {
	case Disabled:
		return 0, true
	case ForceOpen:
		if b.override.Until.IsZero() {
			return b.cfg.MaxOpen, false // nobody knows: ask as rarely as of the deadest target
		}
		return b.override.Until.Sub(now), false
	}
	switch b.state {
	case Open:
		wait = b.until.Sub(now)
		if a.Alone && b.opened != Tripped {
			wait = min(wait, b.since.Add(max(early, b.cfg.Open)).Sub(now))
		}
		return max(wait, 0), wait <= 0
	case HalfOpen:
		return b.freeProbe(now)
	case Ramp:
		return b.inRamp(now, a)
	}
	return 0, true
}

// admit hands out the permit that may has allowed.
func (b *Breaker) admit(now time.Time, a Ask) Permit {
	if b.state == Open {
		b.tell(b.move(HalfOpen, Elapsed, now, time.Time{}))
	}
	p := Permit{b: b, generation: b.generation, call: a.Call}
	switch b.state {
	case HalfOpen:
		p.probe = b.takeProbe(now)
	case Ramp:
		p.step = b.climb.enter(now)
	}
	return p
}
