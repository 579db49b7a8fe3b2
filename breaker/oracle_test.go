package breaker_test

import (
	"math"
	"time"

	"fairlead.dev/breaker"
)

// oracle is a breaker that is slow and obvious: it forgets nothing and counts
// everything anew from its history. It shares no code with the breaker.
type oracle struct {
	cfg  breaker.Config // complete
	rand func() float64

	state        breaker.State
	since, until time.Time
	epoch        int // what permits must match
	seq          uint64
	told         []breaker.Change // that nobody has taken

	first    time.Time // to which the slices are aligned
	history  []result
	evidence int // results before this one are forgotten

	openings int
	interval time.Duration
	opened   breaker.Cause
	step     int
	stepFrom int // the first result that came in during this step
	over     breaker.Override
	out      []*ticket // every permit ever given in this epoch and not done
	asked    time.Time // the last admission in this step
}

type result struct {
	at      time.Time
	news    breaker.News
	call    uint64
	ownStep bool
}

type ticket struct {
	epoch, step int
	call        uint64
	probe       bool
	lease       time.Time
	void, done  bool
}

func (o *oracle) frozen() bool {
	return o.over.Mode == breaker.ForceOpen || o.over.Mode == breaker.Disabled
}

func (o *oracle) sliceOf(t time.Time) int64 { return int64(t.Sub(o.first)) / int64(o.cfg.Window/10) }

// count looks at the last n slices.
func (o *oracle) count(now time.Time, n int64) (all, failures, slow int) {
	for _, r := range o.history[o.evidence:] {
		if o.sliceOf(r.at) <= o.sliceOf(now)-n {
			continue
		}
		all++
		switch r.news {
		case breaker.Failure:
			failures++
		case breaker.Slow:
			slow++
		}
	}
	return all, failures, slow
}

// run walks back over the failures at the end of the history.
func (o *oracle) run(now time.Time, from int) (n int, calls map[uint64]bool) {
	calls = map[uint64]bool{}
	next := now
	for i := len(o.history) - 1; i >= from; i-- {
		r := o.history[i]
		if r.news != breaker.Failure || next.Sub(r.at) > 10*o.cfg.Window {
			break
		}
		n, next = n+1, r.at
		calls[r.call] = true
	}
	return n, calls
}

func (o *oracle) move(to breaker.State, cause breaker.Cause, at, until time.Time) breaker.Change {
	o.seq++
	all, failures, slow := o.count(at, 10)
	run, _ := o.run(at, o.evidence)
	c := breaker.Change{
		Seq: o.seq, At: at, From: o.state, To: to, Cause: cause, Attempts: all, Failures: failures, Slow: slow,
		Consecutive: run, Until: until, Observed: o.over.Mode == breaker.ObserveOnly,
	}
	if to != o.state {
		o.state, o.since = to, at
		o.epoch++
		o.out = nil
	}
	o.until = until
	return c
}

func (o *oracle) open(cause breaker.Cause, at time.Time, d time.Duration) breaker.Change {
	if d <= 0 {
		if o.state == breaker.Closed && at.Sub(o.since) >= o.cfg.Window {
			o.openings = 0
		}
		full := math.Min(float64(o.cfg.MaxOpen), float64(o.cfg.Open)*math.Pow(2, float64(o.openings)))
		o.openings++
		d = time.Duration(full * (0.7 + 0.3*o.rand()))
	}
	o.interval, o.opened = d, cause
	c := o.move(breaker.Open, cause, at, at.Add(d))
	o.evidence = len(o.history)
	return c
}

func (o *oracle) dwell() time.Duration { return min(o.interval, o.cfg.MaxOpen) / 8 }

func (o *oracle) startStep(step int, cause breaker.Cause, now time.Time) breaker.Change {
	o.step, o.stepFrom, o.asked = step, len(o.history), time.Time{}
	return o.move(breaker.Ramp, cause, now, now.Add(o.dwell()))
}

func (o *oracle) good(n breaker.News) bool {
	return n == breaker.Success || n == breaker.Slow && o.opened != breaker.SlowRatio
}

func (o *oracle) stepGood() bool {
	for _, r := range o.history[o.stepFrom:] {
		if r.ownStep && o.good(r.news) {
			return true
		}
	}
	return false
}

func (o *oracle) climb(now time.Time) breaker.Change {
	if o.step == 4 {
		return o.move(breaker.Closed, breaker.RampDone, now, time.Time{})
	}
	return o.startStep(o.step+1, breaker.RampStep, now)
}

func (o *oracle) tick(now time.Time) {
	if o.over.Mode != breaker.None && !o.over.Until.IsZero() && !now.Before(o.over.Until) {
		o.told = append(o.told, o.turn(breaker.Override{}, breaker.OverrideEnded, o.over.Until))
	}
	if o.frozen() {
		return
	}
	if o.state == breaker.HalfOpen {
		var first *ticket
		for _, p := range o.out {
			if p.probe && !p.lease.After(now) && (first == nil || p.lease.Before(first.lease)) {
				first = p
			}
		}
		if first != nil {
			o.history = append(o.history, result{at: first.lease, news: breaker.Failure, call: first.call})
			c := o.open(breaker.ProbeExpired, first.lease, 0)
			c.Consecutive = 0 // an expiry is no answer: it is not part of a run
			o.told = append(o.told, c)
		}
	}
	if o.state == breaker.Open && !o.until.After(now) {
		o.told = append(o.told, o.move(breaker.HalfOpen, breaker.Elapsed, o.until, time.Time{}))
	}
	if o.state == breaker.Ramp && !o.until.After(now) && o.stepGood() {
		o.told = append(o.told, o.climb(now))
	}
}

func (o *oracle) outInStep() (n int) {
	for _, p := range o.out {
		if p.step == o.step {
			n++
		}
	}
	return n
}

// may says whether a real breaker would admit the attempt.
func (o *oracle) may(now time.Time, inShare, elsewhere bool) bool {
	switch {
	case o.over.Mode == breaker.ForceOpen:
		return false
	case o.over.Mode == breaker.Disabled || o.state == breaker.Closed:
		return true
	case o.state == breaker.Open:
		return false
	case o.state == breaker.HalfOpen:
		return len(o.out) < o.cfg.Probes
	}
	forerunner := !o.until.After(now) && !o.stepGood() && (o.outInStep() == 0 || now.Sub(o.asked) >= o.cfg.Lease)
	return !elsewhere || inShare || forerunner
}

func (o *oracle) allow(now time.Time, call uint64, inShare, elsewhere bool) (*ticket, bool) {
	o.tick(now)
	if !o.may(now, inShare, elsewhere) {
		return &ticket{void: true}, o.over.Mode == breaker.ObserveOnly
	}
	p := &ticket{epoch: o.epoch, call: call, void: o.frozen()}
	if p.void {
		return p, true
	}
	switch o.state {
	case breaker.HalfOpen:
		p.probe, p.lease = true, now.Add(o.cfg.Lease)
	case breaker.Ramp:
		p.step, o.asked = o.step, now
	}
	o.out = append(o.out, p)
	return p, true
}

func (o *oracle) done(p *ticket, n breaker.News, now time.Time) (breaker.Change, bool) {
	if p.done {
		return breaker.Change{}, false
	}
	p.done = true
	if p.void && p.epoch == 0 && p.call == 0 { // refused, or admitted although it would have been
		return breaker.Change{}, false
	}
	o.tick(now)
	if p.void || o.frozen() {
		return breaker.Change{}, false
	}
	if p.epoch != o.epoch {
		if p.probe && p.epoch+1 == o.epoch && o.state == breaker.Open && o.opened == breaker.ProbeExpired &&
			(n == breaker.Success || n == breaker.Slow) {
			o.history = append(o.history, result{at: now, news: n, call: p.call})
			return o.startStep(1, breaker.ProbeSucceeded, now), true
		}
		return breaker.Change{}, false
	}
	for i := range o.out {
		if o.out[i] == p {
			o.out = append(o.out[:i:i], o.out[i+1:]...)
			break
		}
	}
	if n == breaker.Ignore {
		return breaker.Change{}, false
	}
	o.history = append(o.history, result{at: now, news: n, call: p.call, ownStep: p.step == o.step})
	switch o.state {
	case breaker.HalfOpen:
		if !o.good(n) {
			return o.open(breaker.ProbeFailed, now, 0), true
		}
		return o.startStep(1, breaker.ProbeSucceeded, now), true
	case breaker.Ramp:
		least := max(2, o.cfg.MinAttempts/2)
		bad, calls := 0, map[uint64]bool{}
		for _, r := range o.history[o.stepFrom:] {
			if r.news == breaker.Failure {
				bad++
				calls[r.call] = true
			}
		}
		if n == breaker.Failure && bad >= 2 && len(calls) >= 2 && !o.stepGood() || o.bad(n, now, least) != 0 {
			return o.open(breaker.RampFailed, now, 0), true
		}
		if !o.until.After(now) && o.stepGood() {
			return o.climb(now), true
		}
	case breaker.Closed:
		if cause := o.bad(n, now, o.cfg.MinAttempts); cause != 0 {
			return o.open(cause, now, 0), true
		}
	}
	return breaker.Change{}, false
}

// bad applies the rules of the window.
func (o *oracle) bad(n breaker.News, now time.Time, least int) breaker.Cause {
	all, failures, slow := o.count(now, 10)
	newAll, newFailures, newSlow := o.count(now, 2)
	over := func(hits, of, least int, ratio float64) bool {
		return of >= least && float64(hits) >= ratio*float64(of)-1e-9
	}
	switch n {
	case breaker.Failure:
		k, calls := o.run(now, o.evidence)
		chance := 0.0
		if before := all - k; before >= o.cfg.MinAttempts && failures > k {
			chance = math.Pow(float64(failures-k)/float64(before), float64(k))
		}
		if k >= o.cfg.Consecutive && len(calls) >= 2 && chance <= math.Exp(-18.4) {
			return breaker.ConsecutiveFailures
		}
		if over(failures, all, least, o.cfg.FailureRatio) || over(newFailures, newAll, 2*least, o.cfg.FailureRatio) {
			return breaker.Ratio
		}
	case breaker.Slow:
		if over(slow, all, least, o.cfg.SlowRatio) || over(newSlow, newAll, 2*least, o.cfg.SlowRatio) {
			return breaker.SlowRatio
		}
	}
	return 0
}

func (o *oracle) trip(now time.Time, d time.Duration) (breaker.Change, bool) {
	o.tick(now)
	if o.frozen() || o.state == breaker.Open && (d <= 0 || !now.Add(d).After(o.until)) {
		return breaker.Change{}, false
	}
	return o.open(breaker.Tripped, now, d), true
}

func (o *oracle) turn(to breaker.Override, cause breaker.Cause, at time.Time) breaker.Change {
	was := o.over.Mode
	o.over = to
	state, until := o.state, o.until
	switch {
	case to.Mode == breaker.ForceOpen:
		state, until = breaker.Open, to.Until
		o.interval, o.opened = o.cfg.Open, breaker.Overridden
	case to.Mode == breaker.Disabled:
		state, until = breaker.Closed, time.Time{}
	case was == breaker.ForceOpen:
		state, until = breaker.HalfOpen, time.Time{}
	}
	c := o.move(state, cause, at, until)
	if was == breaker.ForceOpen || was == breaker.Disabled || o.frozen() {
		o.epoch++
		o.out = nil
		o.evidence = len(o.history)
	}
	if to.Mode != breaker.None {
		c.Until = to.Until
	}
	return c
}

func (o *oracle) override(to breaker.Override, now time.Time) (breaker.Change, bool) {
	o.tick(now)
	if to.Mode == breaker.None && o.over.Mode == breaker.None {
		return breaker.Change{}, false
	}
	if to.Mode == breaker.None {
		return o.turn(to, breaker.OverrideEnded, now), true
	}
	return o.turn(to, breaker.Overridden, now), true
}
