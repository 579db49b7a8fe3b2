package breaker

import "time"

// Regret takes back a success that Done was told early, of a stream that began
// well: the attempt has failed after all. Without it a target whose every
// stream dies in the middle would come back with each probe.
//
// It counts once, while the breaker is closed or in the ramp that the attempt
// belongs to or has begun. When it was the probe that the ramp began with, and
// nothing more has come of it, the ramp ends.
func (p *Permit) Regret(now time.Time) (Change, bool) {
	b := p.b
	if b == nil {
		return Change{}, false
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	if !p.done || p.regretted {
		return Change{}, false
	}
	p.regretted = true
	now = b.tick(now)
	began := p.probe != 0 && p.generation+1 == b.generation
	switch {
	case b.frozen(), b.state != Ramp && b.state != Closed, b.state == Ramp && p.generation != b.generation && !began:
		return Change{}, false
	}
	b.counts.turn(now)
	b.run.fail(p.call, now, b.memory())
	if b.state == Closed {
		if cause := b.verdict(Failure, now); cause != 0 {
			return b.open(cause, now, 0), true
		}
		return Change{}, false
	}
	b.climb.good = false
	if began && b.climb.step == 1 || b.rampFails(p, Failure, now) {
		return b.open(RampFailed, now, 0), true
	}
	return Change{}, false
}

// turn makes a failure of the latest success.
func (w *window) turn(now time.Time) {
	w.advance(now)
	for i := range slices {
		if s := &w.ring[(w.at+slices-i)%slices]; s.attempts > s.failures+s.slow {
			s.failures++
			return
		}
	}
	w.ring[w.at].add(Failure)
}
