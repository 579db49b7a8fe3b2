package breaker

import "time"

// shares are the parts of all conversations, in percent, that the ramp admits
// step by step.
var shares = [...]uint64{10, 30, 60, 100}

// enoughInRamp failed attempts in one step, of at least two calls and with no
// success in the step, end the ramp: at its small counts no ratio could.
const enoughInRamp = 2

// climb is where the ramp stands.
type climb struct {
	step  uint64 // 1 to len(shares)
	good  bool   // an attempt admitted in this step has succeeded
	bad   streak // failures that came in during this step
	out   int    // attempts admitted in this step and not yet answered
	asked time.Time
}

// enter notes an admission and returns the step for its permit.
func (c *climb) enter(now time.Time) uint64 {
	c.out++
	c.asked = now
	return c.step
}

func (c *climb) leave(step uint64) {
	if step == c.step && c.out > 0 {
		c.out--
	}
}

// inRamp admits the step's share of conversations and every call that has
// nowhere else to go.
func (b *Breaker) inRamp(now time.Time, a Ask) (wait time.Duration, ok bool) {
	if !a.Elsewhere || spread(a.Share)*100>>32 < shares[b.climb.step-1] || b.stuck(now) {
		return 0, true
	}
	return max(b.until.Sub(now), b.dwell()), false
}

// stuck reports whether the step is over but for its success, and nothing is
// on its way that could bring one: the only conversations left may all be
// outside the share. Then any call may go first.
func (b *Breaker) stuck(now time.Time) bool {
	c := &b.climb
	return !c.good && !now.Before(b.until) && (c.out == 0 || now.Sub(c.asked) >= b.cfg.Lease)
}

// dwell is the shortest time of a step. A long Trip is no reason for a long
// ramp.
func (b *Breaker) dwell() time.Duration {
	return max(1, min(b.interval, b.cfg.MaxOpen)/8)
}

func (b *Breaker) startRamp(now time.Time) Change {
	b.climb = climb{step: 1}
	return b.move(Ramp, ProbeSucceeded, now, now.Add(b.dwell()))
}

// stepDone reports whether the step has lasted long enough and has seen a
// success of its own.
func (b *Breaker) stepDone(now time.Time) bool { return b.climb.good && !now.Before(b.until) }

// step goes on to the next share, or closes the breaker after the last. The
// results of the ramp stay in the window: they are of the recovered target.
func (b *Breaker) step(now time.Time) Change {
	if b.climb.step == uint64(len(shares)) {
		return b.move(Closed, RampDone, now, time.Time{})
	}
	b.climb = climb{step: b.climb.step + 1}
	return b.move(Ramp, RampStep, now, now.Add(b.dwell()))
}

// learnInRamp judges at smaller counts than the closed breaker does, because a
// share of the calls is all that it sees and a second outage so soon is likely.
func (b *Breaker) learnInRamp(p *Permit, n News, now time.Time) (Change, bool) {
	if b.good(n) && p.step == b.climb.step {
		b.climb.good = true
	}
	if b.rampFails(p, n, now) {
		return b.open(RampFailed, now, 0), true
	}
	if b.stepDone(now) {
		return b.step(now), true
	}
	return Change{}, false
}

func (b *Breaker) rampFails(p *Permit, n News, now time.Time) bool {
	least := max(enoughInRamp, b.cfg.MinAttempts/2)
	switch n {
	case Failure:
		bad := &b.climb.bad
		bad.fail(p.call, now, b.memory())
		return bad.n >= enoughInRamp && bad.many && !b.climb.good ||
			b.outage(now) || b.tooMany(Failure, b.cfg.FailureRatio, least)
	case Slow:
		return b.tooMany(Slow, b.cfg.SlowRatio, least)
	}
	return false
}

// spread mixes all bits of a hash into its upper ones, which decide: a caller's
// hash may be a counter (the finalizer of MurmurHash3, public domain). There is
// no salt, so that replicas agree on who goes back first.
func spread(h uint32) uint64 {
	h ^= h >> 16
	h *= 0x85ebca6b
	h ^= h >> 13
	h *= 0xc2b2ae35
	h ^= h >> 16
	return uint64(h)
}
