package breaker_test

import (
	"math"
	"strings"
	"testing"
	"time"

	"fairlead.dev/breaker"
)

func TestWhatOpensIt(t *testing.T) {
	F, S, L, I := breaker.Failure, breaker.Success, breaker.Slow, breaker.Ignore
	off := breaker.Config{Consecutive: -1}
	var mixed, alternating, slow []breaker.News
	for range 5 {
		mixed = append(mixed, S, F)
		alternating = append(alternating, S, S, F)
		slow = append(slow, L, L)
	}
	for _, c := range []struct {
		name string
		cfg  breaker.Config
		news []breaker.News
		want breaker.Cause
	}{
		{"five failures in a row", breaker.Config{}, times(5, F), breaker.ConsecutiveFailures},
		{"four failures", breaker.Config{}, times(4, F), 0},
		{"a success ends the run", breaker.Config{}, append(times(4, F), S, F, F), 0},
		{"a slow answer ends the run", breaker.Config{}, append(times(4, F), L, F, F), 0},
		{"ignored news does not end the run", breaker.Config{}, []breaker.News{F, F, I, F, I, F, F}, breaker.ConsecutiveFailures},
		{"half of ten", off, mixed, breaker.Ratio},
		{"half of nine and a half", off, mixed[:9], 0},
		{"a third", off, alternating, 0},
		{"nine of nine is too few", off, times(9, F), 0},
		{"ratio off", breaker.Config{Consecutive: -1, FailureRatio: -1}, times(100, F), 0},
		{"eight slow of ten", breaker.Config{}, append([]breaker.News{S, S}, slow[:8]...), breaker.SlowRatio},
		{"seven slow of ten", breaker.Config{}, append([]breaker.News{S, S, S}, slow[:7]...), 0},
		{"slow is no failure", breaker.Config{SlowRatio: -1}, times(100, L), 0},
		{"a success opens nothing", off, append(times(9, F), S), 0},
		{"ignored news is no attempt", off, append(append(times(5, S), times(50, I)...), times(4, F)...), 0},
		{"rate limits only", breaker.Config{}, times(1000, I), 0},
		{"a ratio of one", breaker.Config{Consecutive: -1, FailureRatio: 1}, append([]breaker.News{S}, times(20, F)...), 0},
		{"unknown news is ignored", breaker.Config{}, times(100, breaker.News(9)), 0},
	} {
		t.Run(c.name, func(t *testing.T) {
			got := feed(t, breaker.New(c.cfg), t0, c.news...)
			if got.Cause != c.want {
				t.Errorf("cause %q, want %q", got.Cause, c.want)
			}
		})
	}
}

func TestRetriesOfOneCallAreNoRun(t *testing.T) {
	b := breaker.New(plain())
	for range 9 {
		p := mustAllow(t, b, t0, 7)
		if c, changed := p.Done(breaker.Failure, t0); changed {
			t.Fatalf("one call opened it: %+v", c)
		}
	}
	if s := b.Snapshot(t0); s.Failures != 9 || s.Consecutive != 9 {
		t.Errorf("the attempts of one call are not counted: %+v", s)
	}
	p := mustAllow(t, b, t0, 8)
	if c, _ := p.Done(breaker.Failure, t0); c.Cause != breaker.ConsecutiveFailures || c.Attempts != 10 {
		t.Errorf("the failure of a second call: %+v", c)
	}
}

func TestRunIsJudgedByTheRateBefore(t *testing.T) {
	b := breaker.New(plain())
	for range 20 { // one in ten fails
		feed(t, b, t0, breaker.Failure)
		feed(t, b, t0, times(9, breaker.Success)...)
	}
	if c := feed(t, b, t0, times(7, breaker.Failure)...); c.To == breaker.Open {
		t.Fatalf("a run of %d opened it where one in ten fails", c.Consecutive)
	}
	if c := feed(t, b, t0, times(1, breaker.Failure)...); c.Cause != breaker.ConsecutiveFailures || c.Consecutive != 8 {
		t.Fatalf("a run of eight: %+v", c)
	}
}

func TestRecentOutageAfterALongHealthyPast(t *testing.T) {
	b := breaker.New(breaker.Config{Consecutive: -1})
	for s := range 30 {
		feed(t, b, at(time.Duration(s)*time.Second), times(10, breaker.Success)...)
	}
	now := at(30 * time.Second)
	c := feed(t, b, now.Add(6*time.Second), times(20, breaker.Failure)...)
	if c.Cause != breaker.Ratio || c.Failures*2 >= c.Attempts {
		t.Errorf("twenty failures in the last slices, hidden by %d attempts: %+v", c.Attempts, c)
	}
}

func TestEachChangeTellsItsNumbers(t *testing.T) {
	b := breaker.New(plain())
	feed(t, b, t0, breaker.Success, breaker.Slow)
	c := feed(t, b, at(time.Second), times(5, breaker.Failure)...)
	want := breaker.Change{
		Seq: 1, At: at(time.Second), From: breaker.Closed, To: breaker.Open, Cause: breaker.ConsecutiveFailures,
		Attempts: 7, Failures: 5, Slow: 1, Consecutive: 5, Until: c.Until,
	}
	if c != want {
		t.Errorf("got  %+v\nwant %+v", c, want)
	}
	if d := c.Until.Sub(at(6 * time.Second)); d > 0 || d < -time.Millisecond {
		t.Errorf("until %v, want 5 s later", c.Until)
	}
	if s := b.Snapshot(at(time.Second)); s.Last != c || s.Attempts != 0 {
		t.Errorf("snapshot %+v", s)
	}
}

func TestPeekTakesNothing(t *testing.T) {
	b := broken(t, plain())
	now := b.Snapshot(t0).Until
	for range 10 {
		if _, ok := b.Peek(now, breaker.Ask{}); !ok {
			t.Fatal("Peek took the probe")
		}
	}
	mustAllow(t, b, now, 1)
	if wait, ok := b.Peek(now, breaker.Ask{}); ok || wait <= 0 {
		t.Errorf("Peek said %v, %v while the probe is out", wait, ok)
	}
}

func TestSucceeded(t *testing.T) {
	b := breaker.New(plain())
	if b.Succeeded(t0) {
		t.Error("before any attempt")
	}
	feed(t, b, t0, breaker.Failure)
	if b.Succeeded(t0) {
		t.Error("after a failure")
	}
	feed(t, b, t0, breaker.Slow)
	if !b.Succeeded(at(26 * time.Second)) {
		t.Error("a slow success is one")
	}
	if b.Succeeded(at(30 * time.Second)) {
		t.Error("outside the window")
	}
	b, now := ramping(t, plain())
	if !b.Succeeded(now) {
		t.Error("the probe has succeeded")
	}
}

func TestTrip(t *testing.T) {
	b := breaker.New(plain())
	c, changed := b.Trip(t0, time.Minute)
	if !changed || c.From != breaker.Closed || c.To != breaker.Open || c.Cause != breaker.Tripped || c.Until != at(time.Minute) {
		t.Fatalf("trip: %v %+v", changed, c)
	}
	for _, d := range []time.Duration{time.Second, time.Minute, 0, -1} {
		if c, changed := b.Trip(t0, d); changed {
			t.Errorf("a trip of %v changed it: %+v", d, c)
		}
	}
	if c, changed := b.Trip(at(time.Second), time.Hour); !changed || c.From != breaker.Open || c.Until != at(time.Second+time.Hour) {
		t.Errorf("a longer trip: %v %+v", changed, c)
	}
	mustRefuse(t, b, at(time.Hour))
	p := mustAllow(t, b, at(time.Second+time.Hour), 1)
	if !p.Probe() {
		t.Error("no probe after a trip")
	}
	if c, _ := p.Done(breaker.Success, at(time.Second+time.Hour)); c.Until.Sub(c.At) != 15*time.Second {
		t.Errorf("after an hour a step lasts %v, want an eighth of MaxOpen", c.Until.Sub(c.At))
	}
}

func TestTripForTheOrdinaryIntervalDoubles(t *testing.T) {
	b := breaker.New(plain())
	now := t0
	for _, want := range []time.Duration{5, 10, 20, 40, 80, 120, 120} {
		c, _ := b.Trip(now, 0)
		if d := c.Until.Sub(now).Round(time.Millisecond); d != want*time.Second {
			t.Fatalf("interval %v, want %v s", d, want)
		}
		now = c.Until
		mustAllow(t, b, now, 1)
	}
}

func TestDoneCountsOnce(t *testing.T) {
	b := breaker.New(plain())
	p := mustAllow(t, b, t0, 1)
	p.Done(breaker.Failure, t0)
	p.Done(breaker.Failure, t0)
	p.Done(breaker.Success, t0)
	if s := b.Snapshot(t0); s.Attempts != 1 || s.Failures != 1 {
		t.Errorf("counted %+v", s)
	}
	var zero breaker.Permit
	if _, changed := zero.Done(breaker.Failure, t0); changed || zero.Probe() {
		t.Error("the zero permit is no permit")
	}
}

func TestACopiedProbePermitFreesNobodyElsesLease(t *testing.T) {
	b := broken(t, plain())
	now := b.Snapshot(t0).Until
	p := mustAllow(t, b, now, 1)
	twin := p
	p.Done(breaker.Ignore, now)
	mustAllow(t, b, now, 2)
	twin.Done(breaker.Ignore, now)
	mustRefuse(t, b, now)
}

func TestZeroBreaker(t *testing.T) {
	var b breaker.Breaker
	if c := feed(t, &b, t0, times(5, breaker.Failure)...); c.Cause != breaker.ConsecutiveFailures {
		t.Errorf("the zero breaker does not follow the defaults: %+v", c)
	}
}

func TestTimes(t *testing.T) {
	year := 365 * 24 * time.Hour
	for _, c := range []struct {
		name string
		seq  []time.Time // after opening at t0; at the last a probe must be let through
	}{
		{"zero", []time.Time{{}, at(5 * time.Second)}},
		{"idle for years", []time.Time{at(50 * year)}},
		{"idle for longer than a Duration", []time.Time{at(math.MaxInt64).Add(math.MaxInt64)}},
		{"a little backward", []time.Time{at(-time.Second), at(5 * time.Second)}},
		{"set back", []time.Time{at(-year), at(-year + 5*time.Second)}},
		{"set back by ages", []time.Time{at(0), time.Unix(0, 0).Add(-200 * year), time.Unix(5, 0).Add(-200 * year)}},
		{"wildly wrong for a moment", []time.Time{at(250 * year), at(time.Second), at(11 * time.Second)}},
		{"the end of time", []time.Time{time.Unix(1<<62, 0), at(time.Second), at(11 * time.Second)}},
	} {
		t.Run(c.name, func(t *testing.T) {
			b := broken(t, plain())
			last := len(c.seq) - 1
			for _, now := range c.seq[:last] {
				p, _, _ := b.Allow(now, breaker.Ask{})
				p.Done(breaker.Failure, now) // a probe at a wrong time doubles the interval
			}
			if p, wait, ok := b.Allow(c.seq[last], breaker.Ask{}); !ok || !p.Probe() {
				t.Errorf("no probe, wait %v: %+v", wait, b.Snapshot(c.seq[last]))
			}
		})
	}
}

func TestZeroTimeFromTheBeginning(t *testing.T) {
	b := breaker.New(plain())
	var zero time.Time
	feed(t, b, zero, times(5, breaker.Failure)...)
	wantState(t, b, zero, breaker.Open)
	if p := mustAllow(t, b, t0, 1); !p.Probe() {
		t.Error("no probe when time is known again")
	}
}

func TestAZeroTimeEndsNothingEarly(t *testing.T) {
	b := broken(t, plain())
	if wait := mustRefuse(t, b, time.Time{}); wait > 5*time.Second {
		t.Errorf("wait %v", wait)
	}
	mustRefuse(t, b, at(time.Second))
	mustAllow(t, b, at(5*time.Second), 1)
}

func TestTheWindowCountsAfterCenturies(t *testing.T) {
	b := breaker.New(plain())
	feed(t, b, t0, breaker.Success)
	for now := time.Unix(1<<60, 0); now.Before(time.Unix(1<<60+3, 0)); now = now.Add(time.Second) {
		feed(t, b, now, breaker.Success)
	}
	if s := b.Snapshot(time.Unix(1<<60+3, 0)); s.Attempts != 3 {
		t.Errorf("counted %d, want 3", s.Attempts)
	}
}

func TestUnknownNewsIsNoAttempt(t *testing.T) {
	b := breaker.New(plain())
	feed(t, b, t0, times(10, breaker.Slow+1)...)
	if s := b.Snapshot(t0); s.Attempts != 0 {
		t.Errorf("counted %+v", s)
	}
}

func TestASmallStepBackOpensNothingEarly(t *testing.T) {
	b := broken(t, plain())
	mustRefuse(t, b, at(2*time.Second))
	mustRefuse(t, b, at(-30*time.Second))
	mustRefuse(t, b, at(4*time.Second))
	mustAllow(t, b, at(5*time.Second), 1)
}

func TestNames(t *testing.T) {
	seen := map[string]bool{}
	for c := breaker.Ratio; c <= breaker.OverrideEnded; c++ {
		text, err := c.MarshalText()
		if err != nil || len(text) == 0 || seen[string(text)] || string(text) != strings.ToLower(string(text)) {
			t.Errorf("cause %d is named %q", c, text)
		}
		seen[string(text)] = true
	}
	for s, want := range []string{"closed", "open", "half_open", "ramp", "unknown"} {
		if got, _ := breaker.State(s).MarshalText(); string(got) != want {
			t.Errorf("state %d is named %q", s, got)
		}
	}
	for m, want := range []string{"none", "force_open", "disabled", "observe_only", "unknown"} {
		if got, _ := breaker.Mode(m).MarshalText(); string(got) != want {
			t.Errorf("mode %d is named %q", m, got)
		}
	}
	if (breaker.OverrideEnded + 1).String() != "unknown" {
		t.Error("a cause is missing here")
	}
}

// A call that nobody else can take probes ten seconds after the breaker opened, or after Open if that is longer,
// whatever the interval; others wait, and nobody probes early what was opened from outside.
func TestACallThatStandsAloneProbesEarly(t *testing.T) {
	for open, want := range map[time.Duration]time.Duration{30 * time.Second: 30 * time.Second, time.Second: 10 * time.Second} {
		cfg := plain()
		cfg.Open, cfg.MaxOpen = open, time.Hour
		b, now := breaker.New(cfg), t0
		feed(t, b, now, times(5, breaker.Failure)...)
		for range 8 { // each probe fails, and the interval grows to minutes
			now = b.Snapshot(now).Until
			feed(t, b, now, breaker.Failure)
		}
		ask := breaker.Ask{Call: 1, Alone: true}
		if wait, ok := b.Peek(now.Add(time.Second), ask); ok || wait != want-time.Second {
			t.Errorf("Open %v: wait %v, want %v", open, wait, want-time.Second)
		}
		now = now.Add(want)
		mustRefuse(t, b, now)
		p, _, ok := b.Allow(now, ask)
		if !ok || !p.Probe() {
			t.Fatalf("Open %v: no early probe", open)
		}
		mustRefuse(t, b, now)
		if change, _ := p.Done(breaker.Success, now); change.To != breaker.Ramp {
			t.Errorf("Open %v: after an early success %+v", open, change)
		}
	}
	b := breaker.New(plain())
	b.Trip(t0, time.Hour)
	if _, ok := b.Peek(at(time.Minute), breaker.Ask{Alone: true}); ok {
		t.Error("what was opened from outside was probed early")
	}
}
