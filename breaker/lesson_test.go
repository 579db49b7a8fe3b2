package breaker_test

import (
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"fairlead.dev/breaker"
)

// The tests of this file are named for the requirements that the defects of
// the lesson's breaker led to (R11 to R22, docs/patterns). R11 and R13 are in
// model_test.go and stress_test.go.

func TestR11YesterdaysFailuresDoNotCount(t *testing.T) {
	b := breaker.New(plain())
	feed(t, b, t0, times(4, breaker.Failure)...)
	if s := b.Snapshot(at(time.Hour)); s.Failures != 0 || s.Consecutive != 0 {
		t.Errorf("an hour later it still shows %+v", s)
	}
	if c := feed(t, b, at(24*time.Hour), breaker.Failure); c.To == breaker.Open {
		t.Errorf("four failures yesterday and one today opened it: %+v", c)
	}
	// At one call a minute nothing but the run can open it, and it does.
	b = breaker.New(plain())
	for i := range 5 {
		now := at(time.Duration(i) * time.Minute)
		p := mustAllow(t, b, now, uint64(i))
		if c, changed := p.Done(breaker.Failure, now); changed != (i == 4) {
			t.Errorf("failure %d at one call a minute: %v %+v", i+1, changed, c)
		}
	}
}

func TestR14StaleResultsMoveNothing(t *testing.T) {
	b := breaker.New(plain())
	var stale []breaker.Permit
	for i := range 40 {
		stale = append(stale, mustAllow(t, b, t0, uint64(i)))
	}
	late := func(now time.Time, n breaker.News) {
		t.Helper()
		before := b.Snapshot(now)
		for range 4 {
			p := stale[0]
			stale = stale[1:]
			if c, changed := p.Done(n, now); changed {
				t.Fatalf("a stale %d moved it: %+v", n, c)
			}
		}
		if after := b.Snapshot(now); after != before {
			t.Fatalf("stale results changed\n%+v to\n%+v", before, after)
		}
	}
	until := feed(t, b, t0, times(5, breaker.Failure)...).Until
	late(at(time.Second), breaker.Failure) // while open
	late(at(time.Second), breaker.Success)
	probe := mustAllow(t, b, until, 1)
	late(until, breaker.Success) // while half-open
	late(until, breaker.Failure)
	probe.Done(breaker.Success, until)
	late(until, breaker.Success) // in the ramp
	late(until, breaker.Failure)
	for now := until; b.Snapshot(now).State == breaker.Ramp; now = now.Add(time.Second) {
		feed(t, b, now, breaker.Success)
		until = now.Add(time.Second)
	}
	late(until, breaker.Failure) // closed again
	late(until, breaker.Success)
}

func TestR14ResultsOfTheRampDoNotCountOnceClosed(t *testing.T) {
	b := climbTo(t, 100)
	now := b.Snapshot(t0).Until
	var old []breaker.Permit
	for i := range 5 {
		old = append(old, mustAllow(t, b, now, uint64(i)))
	}
	if c := feed(t, b, now, breaker.Success); c.Cause != breaker.RampDone {
		t.Fatalf("the ramp did not end: %+v", c)
	}
	for i := range old {
		if c, changed := old[i].Done(breaker.Failure, now); changed {
			t.Fatalf("moved by a call of the ramp: %+v", c)
		}
	}
	if s := b.Snapshot(now); s.Failures != 0 {
		t.Errorf("counted %+v", s)
	}
}

func TestR15EachTransitionIsToldOnceWithItsCause(t *testing.T) {
	b := breaker.New(plain())
	var got []breaker.Change
	add := func(c breaker.Change, changed bool) {
		got = append(got, drain(b)...)
		if changed {
			got = append(got, c)
		}
	}
	ask := func(now time.Time) breaker.Permit {
		p := mustAllow(t, b, now, uint64(len(got)+1))
		add(breaker.Change{}, false)
		return p
	}
	now := t0
	for range 5 {
		p := mustAllow(t, b, now, rand.Uint64())
		add(p.Done(breaker.Failure, now))
	}
	p := ask(at(5 * time.Second)) // elapsed
	add(p.Done(breaker.Failure, at(6*time.Second)))
	hung := ask(at(16 * time.Second)) // elapsed; never answered
	now = at(16*time.Second + 90*time.Second + 20*time.Second)
	p = ask(now) // expired, elapsed
	add(hung.Done(breaker.Success, now))
	add(p.Done(breaker.Success, now))
	for range 4 {
		p = ask(now)
		now = now.Add(10 * time.Second)
		add(p.Done(breaker.Success, now))
	}
	add(b.Trip(now, 0))
	add(b.Override(breaker.Override{Mode: breaker.Disabled, Until: now.Add(time.Hour)}, now))
	ask(now.Add(2 * time.Hour))
	want := []breaker.Cause{
		breaker.ConsecutiveFailures, breaker.Elapsed, breaker.ProbeFailed, breaker.Elapsed, breaker.ProbeExpired,
		breaker.Elapsed, breaker.ProbeSucceeded, breaker.RampStep, breaker.RampStep, breaker.RampStep,
		breaker.RampDone, breaker.Tripped, breaker.Overridden, breaker.OverrideEnded,
	}
	for i, c := range got {
		if i >= len(want) || c.Cause != want[i] || c.Seq != uint64(i+1) {
			t.Errorf("change %d is %+v", i, c)
		}
		if i > 0 && (c.From != got[i-1].To || c.At.Before(got[i-1].At)) {
			t.Errorf("change %d does not follow %+v: %+v", i, got[i-1], c)
		}
	}
	if len(got) != len(want) {
		t.Errorf("%d changes, want %d", len(got), len(want))
	}
}

func TestR15AnExpiryIsToldAtItsInstant(t *testing.T) {
	b := broken(t, plain())
	probeAt := at(10 * time.Second)
	mustAllow(t, b, probeAt, 1)
	drain(b)
	b.Peek(at(time.Hour), breaker.Ask{})
	got := drain(b)
	if len(got) != 2 || got[0].Cause != breaker.ProbeExpired || got[0].At != probeAt.Add(90*time.Second) ||
		got[0].Failures != 1 || got[1].At != got[0].Until {
		t.Errorf("told an hour later: %+v", got)
	}
}

func TestR15UntakenChangesAreBoundedAndCounted(t *testing.T) {
	b := broken(t, breaker.Config{Lease: time.Second})
	now := t0
	for range 100 {
		now = now.Add(2 * time.Hour)
		mustAllow(t, b, now, 1)
	}
	// One elapsed first, then an expiry and an elapsed each time.
	if got, s := drain(b), b.Snapshot(now); len(got) != 16 || s.Dropped != 199-16 || got[15] != s.Last {
		t.Errorf("%d left, %d dropped", len(got), s.Dropped)
	}
}

func TestR16OnlyElapsedTimeCounts(t *testing.T) {
	// A daylight-saving zone changes its wall clock an hour in this night; the
	// instants do not.
	zone, err := time.LoadLocation("Europe/Berlin")
	if err != nil {
		t.Skip("no zone data")
	}
	night := time.Date(2026, 10, 25, 2, 59, 58, 0, zone)
	b := breaker.New(plain())
	feed(t, b, night, times(5, breaker.Failure)...)
	mustRefuse(t, b, night.Add(4*time.Second))
	mustAllow(t, b, night.Add(5*time.Second).UTC(), 1)
	// A clock set back by an hour makes the interval no longer.
	b = breaker.New(plain())
	feed(t, b, t0, times(5, breaker.Failure)...)
	if wait := mustRefuse(t, b, at(-time.Hour)); wait > 5*time.Second {
		t.Errorf("after the clock was set back the wait is %v", wait)
	}
	mustAllow(t, b, at(-time.Hour+5*time.Second), 1)
}

func TestR17RateLimitsNeverOpenIt(t *testing.T) {
	b := breaker.New(plain())
	for i := range 10_000 {
		feed(t, b, at(time.Duration(i)*10*time.Millisecond), breaker.Ignore)
	}
	if s := b.Snapshot(at(100 * time.Second)); s.State != breaker.Closed || s.Attempts != 0 || s.Generation != 0 {
		t.Errorf("after nothing but rate limits: %+v", s)
	}
}

func TestR18IntervalsDoubleToTheCapAndAreJitteredDownwards(t *testing.T) {
	const replicas = 1000
	random := rand.New(rand.NewPCG(1, 2))
	for k, want := range []time.Duration{5, 10, 20, 40, 80, 120, 120, 120} {
		full := want * time.Second
		var lengths []float64
		for range replicas {
			b := breaker.New(breaker.Config{Rand: random.Float64})
			c := feed(t, b, t0, times(5, breaker.Failure)...)
			for range k {
				p := mustAllow(t, b, c.Until, 1)
				c, _ = p.Done(breaker.Failure, c.Until)
			}
			d := c.Until.Sub(c.At)
			if d > full || d < full*69/100 {
				t.Fatalf("interval %d is %v, want %v x U(0.7, 1)", k, d, full)
			}
			lengths = append(lengths, float64(d)/float64(full))
		}
		slices.Sort(lengths)
		for tenth := range 10 { // uniform: each tenth of the replicas in its tenth of the range
			if got, want := lengths[replicas*tenth/10+replicas/20], 0.7+0.03*float64(tenth)+0.015; got < want-0.015 || got > want+0.015 {
				t.Errorf("interval %d: quantile %d.5 of ten is %.3f, want %.3f", k, tenth, got, want)
			}
		}
	}
}

func TestR18SustainedHealthEndsTheDoubling(t *testing.T) {
	for _, c := range []struct {
		healthy, want time.Duration
	}{{29 * time.Second, 10 * time.Second}, {30 * time.Second, 5 * time.Second}} {
		b := climbTo(t, 100)
		now := b.Snapshot(t0).Until
		feed(t, b, now, breaker.Success)
		wantState(t, b, now, breaker.Closed)
		now = now.Add(c.healthy)
		got, _ := b.Trip(now, 0)
		if d := got.Until.Sub(now).Round(time.Millisecond); d != c.want {
			t.Errorf("after %v closed the interval is %v, want %v", c.healthy, d, c.want)
		}
	}
}

func TestR18BadRandMakesNoBadInterval(t *testing.T) {
	for _, r := range []float64{-1, 1, 1e300} {
		b := broken(t, breaker.Config{Rand: func() float64 { return r }})
		if wait := mustRefuse(t, b, t0); wait < 3500*time.Millisecond || wait > 5*time.Second {
			t.Errorf("rand %v: interval %v", r, wait)
		}
	}
}

func TestR19CallersMistakesMoveNothing(t *testing.T) {
	b := broken(t, plain())
	now := b.Snapshot(t0).Until
	for range 100 { // each takes the probe and gives it back
		p := mustAllow(t, b, now, 1)
		if !p.Probe() {
			t.Fatal("not a probe")
		}
		if c, changed := p.Done(breaker.Ignore, now); changed {
			t.Fatalf("ignored news moved it: %+v", c)
		}
	}
	wantState(t, b, now, breaker.HalfOpen)
}

func TestR20OpensAfterFiveFailures(t *testing.T) {
	for _, healthy := range []int{0, 3, 300} {
		b := breaker.New(plain())
		for i := range healthy {
			feed(t, b, at(time.Duration(i)*100*time.Millisecond), breaker.Success)
		}
		sent := 0
		for ; sent < 100; sent++ {
			p, _, ok := b.Allow(at(30*time.Second), breaker.Ask{Call: uint64(sent / 2)}) // each call tries twice
			if !ok {
				break
			}
			p.Done(breaker.Failure, at(30*time.Second))
		}
		if sent != 5 {
			t.Errorf("after %d successes an outage cost %d attempts", healthy, sent)
		}
	}
}

func TestR21NothingPassesWhileOpen(t *testing.T) {
	b := broken(t, breaker.Config{Rand: func() float64 { return 0 }})
	for i := range 350 {
		now := at(time.Duration(i) * 10 * time.Millisecond)
		wait := mustRefuse(t, b, now)
		if end := now.Add(wait).Sub(t0); end != 3500*time.Millisecond {
			t.Fatalf("at +%v the wait ends at +%v", now.Sub(t0), end)
		}
	}
	if p := mustAllow(t, b, at(3500*time.Millisecond), 1); !p.Probe() {
		t.Error("the first after the interval is no probe")
	}
}

func TestR22AProbeIsOneAttempt(t *testing.T) {
	b := broken(t, plain())
	now := b.Snapshot(t0).Until
	p := mustAllow(t, b, now, 1)
	p.Done(breaker.Failure, now)
	mustRefuse(t, b, now) // the same call's retry too
	wantState(t, b, now, breaker.Open)
}

func TestAHungProbeIsReplaced(t *testing.T) {
	b := broken(t, plain())
	now := b.Snapshot(t0).Until
	hung := mustAllow(t, b, now, 1)
	mustRefuse(t, b, now.Add(90*time.Second-1))
	if wait := mustRefuse(t, b, now.Add(90*time.Second)); wait < 9*time.Second {
		t.Errorf("a hung probe did not double the interval: %v", wait)
	}
	now = now.Add(100 * time.Second)
	if p := mustAllow(t, b, now, 2); !p.Probe() {
		t.Error("no second probe")
	}
	if c, changed := hung.Done(breaker.Success, now); changed {
		t.Errorf("the hung probe moved it after all: %+v", c)
	}
	mustRefuse(t, b, now)
}

func TestASlowProbe(t *testing.T) {
	b := broken(t, plain())
	now := b.Snapshot(t0).Until
	if c := feed(t, b, now, breaker.Slow); c.To != breaker.Ramp {
		t.Errorf("a slow answer after failures is a recovery, got %+v", c)
	}
	b = breaker.New(plain())
	now = feed(t, b, t0, times(10, breaker.Slow)...).Until
	if c := feed(t, b, now, breaker.Slow); c.Cause != breaker.ProbeFailed || c.Slow != 1 {
		t.Errorf("a slow answer after slow answers is none, got %+v", c)
	}
}

func TestSeveralProbes(t *testing.T) {
	cfg := plain()
	cfg.Probes = 3
	b := broken(t, cfg)
	now := b.Snapshot(t0).Until
	var out []breaker.Permit
	for i := range 3 {
		out = append(out, mustAllow(t, b, now.Add(time.Duration(i)*time.Second), uint64(i)))
	}
	mustRefuse(t, b, now.Add(3*time.Second))
	if s := b.Snapshot(now.Add(3 * time.Second)); s.Probes != 3 {
		t.Errorf("%d probes under way", s.Probes)
	}
	out[0].Done(breaker.Ignore, now.Add(3*time.Second)) // the earliest lease ends now with the second
	b.Peek(now.Add(91*time.Second-1), breaker.Ask{})
	wantState(t, b, now.Add(91*time.Second-1), breaker.HalfOpen)
	wantState(t, b, now.Add(91*time.Second), breaker.Open)
}

func TestALateProbeIsTakenOnceAndOnlyForItself(t *testing.T) {
	late := func() (*breaker.Breaker, breaker.Permit, time.Time) {
		b := broken(t, plain())
		now := b.Snapshot(t0).Until
		p := mustAllow(t, b, now, 1)
		return b, p, now.Add(91 * time.Second) // its lease ended a second ago
	}
	b, p, now := late()
	twin := p
	if c, _ := p.Done(breaker.Success, now); c.Cause != breaker.ProbeSucceeded || c.Attempts != 1 || !b.Succeeded(now) {
		t.Errorf("a late success: %+v", c)
	}
	if c, changed := twin.Done(breaker.Success, now); changed {
		t.Errorf("taken twice: %+v", c)
	}
	b, p, now = late()
	b.Trip(now, time.Hour) // now it is open for another reason
	p.Done(breaker.Success, now)
	wantState(t, b, now, breaker.Open)
	b, p, now = late()
	now = now.Add(10 * time.Second) // now it is the next probe's turn
	p.Done(breaker.Success, now)
	wantState(t, b, now, breaker.HalfOpen)
}

func TestTrial(t *testing.T) {
	b := broken(t, plain())
	now := b.Snapshot(t0).Until
	p := mustAllow(t, b, now, 1)
	if !p.Probe() || !p.Trial() {
		t.Error("a probe is a trial")
	}
	p.Done(breaker.Success, now)
	if p = mustAllow(t, b, now, 1); p.Probe() || !p.Trial() {
		t.Error("so is an attempt of the ramp, which is no probe")
	}
	if p = mustAllow(t, breaker.New(plain()), now, 1); p.Trial() {
		t.Error("an ordinary attempt is none")
	}
}

// A probe that takes longer than its lease, and then succeeds, is no proof of an
// outage: a target that is slow by nature must be able to come back.
func TestALateProbeStillCounts(t *testing.T) {
	for _, c := range []struct {
		news breaker.News
		want breaker.State
	}{{breaker.Success, breaker.Ramp}, {breaker.Failure, breaker.Open}, {breaker.Ignore, breaker.Open}} {
		b := breaker.New(breaker.Config{Lease: time.Minute, Open: 30 * time.Second})
		now := time.Unix(1000, 0)
		b.Trip(now, time.Second)
		now = now.Add(2 * time.Second)
		probe, _, ok := b.Allow(now, breaker.Ask{})
		if !ok || !probe.Trial() {
			t.Fatal("no probe")
		}
		now = now.Add(61 * time.Second)
		if _, _, ok := b.Allow(now, breaker.Ask{}); ok {
			t.Fatal("the lease did not end")
		}
		probe.Done(c.news, now)
		if got := b.Snapshot(now).State; got != c.want {
			t.Errorf("%v: %v, want %v", c.news, got, c.want)
		}
	}
}
