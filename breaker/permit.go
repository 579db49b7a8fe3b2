package breaker

import (
	"math"
	"time"
)

// Permit is the leave to send one attempt. The zero Permit is valid and its
// news counts for nothing. Copies of a permit stand for the same attempt: give
// back one of them.
type Permit struct {
	b          *Breaker
	generation uint64
	call       uint64
	probe      uint64 // serial of its lease; 0: not a probe
	step       uint64 // of the ramp; 0: admitted outside it
	done       bool   // guarded by b.mu
	regretted  bool   // guarded by b.mu
}

// Probe reports whether the attempt is a probe, one of the few that decide
// whether the target has recovered. Its news must come within Config.Lease;
// it should be one attempt, never a hedge.
func (p *Permit) Probe() bool { return p.probe != 0 }

// Trial reports whether the attempt is a probe or belongs to the ramp: its
// news decides whether more may follow, so a caller that learns early that an
// attempt goes well should not wait until it ends.
func (p *Permit) Trial() bool { return p.probe != 0 || p.step != 0 }

// Done gives the permit back with what the attempt has shown, and returns the
// change that this brought about, if any. Only the first Done counts. News of
// an attempt that was admitted before the last change of state moves nothing
// and is not counted, but for a probe that succeeds after its lease has
// expired, which the breaker then takes as success. Time may have moved the
// breaker as well: see [Breaker.Take].
func (p *Permit) Done(n News, now time.Time) (Change, bool) {
	b := p.b
	if b == nil {
		return Change{}, false
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	if p.done {
		return Change{}, false
	}
	p.done = true
	now = b.tick(now)
	if b.frozen() {
		return Change{}, false
	}
	if p.generation != b.generation {
		return b.lateProbe(p, n, now)
	}
	if !b.release(p) || n == Ignore || n > Slow {
		return Change{}, false
	}
	return b.learn(p, n, now)
}

// lateProbe is the one exception for old news: the answer of a probe that came
// after its lease, while the breaker is open for nothing but that. Without it a
// target whose every answer takes longer than a lease could never come back.
func (b *Breaker) lateProbe(p *Permit, n News, now time.Time) (Change, bool) {
	late := p.probe != 0 && b.state == Open && b.opened == ProbeExpired && p.generation+1 == b.generation
	if !late || !b.good(n) {
		return Change{}, false
	}
	b.counts.record(n, now) // a provider's breaker must see that the target succeeded
	return b.startRamp(now), true
}

// release ends what the permit holds, and reports whether it still held it.
func (b *Breaker) release(p *Permit) bool {
	switch b.state {
	case HalfOpen:
		return b.endProbe(p.probe)
	case Ramp:
		b.climb.leave(p.step)
	}
	return true
}

// learn takes in the news of this generation.
func (b *Breaker) learn(p *Permit, n News, now time.Time) (Change, bool) {
	b.counts.record(n, now)
	if n == Failure {
		b.run.fail(p.call, now, b.memory())
	} else {
		b.run = streak{}
	}
	switch b.state {
	case HalfOpen:
		if !b.good(n) {
			return b.open(ProbeFailed, now, 0), true
		}
		return b.startRamp(now), true
	case Ramp:
		return b.learnInRamp(p, n, now)
	}
	if cause := b.verdict(n, now); cause != 0 {
		return b.open(cause, now, 0), true
	}
	return Change{}, false
}

// good reports whether news shows recovery. A slow answer does, unless slow
// answers are what opened the breaker: then the fault is still there.
func (b *Breaker) good(n News) bool {
	return n == Success || n == Slow && (b.opened != SlowRatio || b.cfg.SlowRatio < 0)
}

// verdict says whether bad news is enough to open a closed breaker. It is
// asked only for bad news, so that a success never opens anything.
func (b *Breaker) verdict(n News, now time.Time) Cause {
	switch {
	case n == Failure && b.outage(now):
		return ConsecutiveFailures
	case n == Failure && b.tooMany(Failure, b.cfg.FailureRatio, b.cfg.MinAttempts):
		return Ratio
	case n == Slow && b.tooMany(Slow, b.cfg.SlowRatio, b.cfg.MinAttempts):
		return SlowRatio
	}
	return 0
}

func (b *Breaker) tooMany(n News, ratio float64, least int) bool {
	if ratio < 0 {
		return false
	}
	return b.counts.total(slices).reaches(n, ratio, least) ||
		b.counts.total(recent).reaches(n, ratio, 2*least)
}

// surprise is -ln(1e-8): a run of failures that long comes by chance once in
// 1e8 attempts, about every four months at ten a second.
const surprise = 18.4

// outage reports whether the present run of failures means that the target is
// down. With failure rate p before the run, a run of k comes by chance with
// p^k; where too little is known of p, Config.Consecutive alone decides.
func (b *Breaker) outage(now time.Time) bool {
	k := b.run.length(now, b.memory())
	if b.cfg.Consecutive < 0 || k < b.cfg.Consecutive || !b.run.many {
		return false
	}
	t := b.counts.total(slices)
	attempts, failures := int(t.attempts)-k, int(t.failures)-k
	if attempts < b.cfg.MinAttempts || failures <= 0 {
		return true
	}
	return float64(k)*math.Log(float64(attempts)/float64(failures)) >= surprise
}

// memory is how long a run of failures may be silent. Longer than the window:
// the run is the only rule for a target that is asked once a minute.
func (b *Breaker) memory() time.Duration {
	if b.cfg.Window > math.MaxInt64/slices {
		return math.MaxInt64
	}
	return slices * b.cfg.Window
}
