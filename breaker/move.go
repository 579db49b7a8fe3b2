package breaker

import "time"

// skew is how far a caller's time may lie behind another's without meaning
// that the clock was set back: callers read it before they get the lock.
const skew = time.Minute

// tick takes in the time: every method that is given one begins here. It
// returns the time to work with and makes the moves that only time brings
// about, each at the instant when it was due and left for Take.
func (b *Breaker) tick(now time.Time) time.Time {
	if b.probes == nil {
		b.begin(Config{})
	}
	now = b.clock(now)
	if o := b.override; o.Mode != None && !o.Until.IsZero() && !now.Before(o.Until) {
		b.tell(b.turn(Override{}, OverrideEnded, o.Until))
	}
	if b.frozen() {
		return now
	}
	if b.state == HalfOpen {
		if at, hung := b.expiredProbe(now); hung {
			b.counts.record(Failure, at)
			b.tell(b.open(ProbeExpired, at, 0))
		}
	}
	if b.state == Open && !now.Before(b.until) {
		b.tell(b.move(HalfOpen, Elapsed, b.until, time.Time{}))
	}
	if b.state == Ramp && b.stepDone(now) {
		b.tell(b.step(now))
	}
	return now
}

// clock makes time run forwards. A zero time says nothing. A time a little
// behind is another caller's lateness; one far behind means that the clock was
// set back, and then everything stored moves with it: an interval must not
// last for as long as the clock was wrong.
func (b *Breaker) clock(now time.Time) time.Time {
	if now.IsZero() {
		return b.latest
	}
	if back := b.latest.Sub(now); back > skew {
		b.rebase(now)
	} else if back > 0 {
		return b.latest
	}
	b.latest = now
	return now
}

func (b *Breaker) rebase(now time.Time) {
	shift := func(t *time.Time) {
		if !t.IsZero() {
			*t = now.Add(t.Sub(b.latest))
		}
	}
	for _, t := range [...]*time.Time{&b.since, &b.until, &b.run.at, &b.climb.asked, &b.climb.bad.at, &b.counts.start} {
		shift(t)
	}
	for i := range b.probes {
		shift(&b.probes[i].until)
	}
}

// move makes a transition and writes down its numbers.
func (b *Breaker) move(to State, cause Cause, at, until time.Time) Change {
	b.counts.advance(at)
	t := b.counts.total(slices)
	c := Change{
		Seq: b.last.Seq + 1, At: at, From: b.state, To: to, Cause: cause, Until: until,
		Attempts: int(t.attempts), Failures: int(t.failures), Slow: int(t.slow),
		Consecutive: b.run.length(at, b.memory()), Observed: b.override.Mode == ObserveOnly,
	}
	if to != b.state {
		b.state, b.since = to, at
		b.renew()
	}
	b.until, b.last = until, c
	return c
}

// renew begins a generation: no permit handed out so far counts any more.
func (b *Breaker) renew() {
	b.generation++
	clear(b.probes)
}

// open opens the breaker for d, or for the ordinary next interval if d is 0.
func (b *Breaker) open(cause Cause, at time.Time, d time.Duration) Change {
	if d <= 0 {
		d = b.nextInterval(at)
	}
	b.interval, b.opened = d, cause
	c := b.move(Open, cause, at, at.Add(d))
	b.forget()
	return c
}

// forget drops the evidence: what comes next is judged by itself.
func (b *Breaker) forget() {
	b.counts.forget()
	b.run = streak{}
}

// nextInterval doubles with each opening, up to the cap, and only then is
// jittered: a cap after the jitter would bring all replicas back together.
func (b *Breaker) nextInterval(at time.Time) time.Duration {
	if b.state == Closed && at.Sub(b.since) >= b.cfg.Window {
		b.openings = 0
	}
	d := b.cfg.Open
	for range b.openings {
		if d > b.cfg.MaxOpen/2 {
			d = b.cfg.MaxOpen
			break
		}
		d *= 2
	}
	b.openings = min(b.openings+1, 63)
	u := b.cfg.Rand()
	if !(u >= 0 && u < 1) {
		u = 0.5
	}
	return max(1, time.Duration(float64(d)*(0.7+0.3*u)))
}
