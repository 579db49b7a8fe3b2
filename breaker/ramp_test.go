package breaker_test

import (
	"math"
	"testing"
	"time"

	"fairlead.dev/breaker"
)

// admitted returns the part of n conversations that the breaker would take.
func admitted(b *breaker.Breaker, now time.Time, n uint32) float64 {
	in := 0
	for share := range n {
		if _, ok := b.Peek(now, breaker.Ask{Share: share, Elsewhere: true}); ok {
			in++
		}
	}
	return float64(in) / float64(n)
}

func TestRampAdmitsItsShares(t *testing.T) {
	for _, percent := range []int{10, 30, 60, 100} {
		b := climbTo(t, percent)
		if got := admitted(b, t0, 20_000); math.Abs(got-float64(percent)/100) > 0.01 {
			t.Errorf("at %d%% the share is %.3f", percent, got)
		}
	}
}

func TestRampKeepsAConversationOnceAdmitted(t *testing.T) {
	var before [1000]bool
	for _, percent := range []int{10, 30, 60, 100} {
		b := climbTo(t, percent)
		for share := range before {
			_, ok := b.Peek(t0, breaker.Ask{Call: uint64(percent), Share: uint32(share), Elsewhere: true})
			if before[share] && !ok {
				t.Fatalf("conversation %d was sent away again at %d%%", share, percent)
			}
			before[share] = ok
		}
	}
}

func TestRampRefusesOnlyWhereAnotherTargetCanTakeIt(t *testing.T) {
	_, out := shares(t)
	b, now := ramping(t, plain())
	if _, wait, ok := b.Allow(now, breaker.Ask{Share: out, Elsewhere: true}); ok || wait <= 0 {
		t.Errorf("outside the share: %v, %v", wait, ok)
	}
	if p, _, ok := b.Allow(now, breaker.Ask{Share: out}); !ok || p.Probe() {
		t.Errorf("with nowhere else to go: %v, probe %v", ok, p.Probe())
	}
}

func TestRampStepsNeedTimeAndASuccess(t *testing.T) {
	b, now := ramping(t, plain())
	share := func(now time.Time, want int) {
		t.Helper()
		if got := b.Snapshot(now).Share; got != want {
			t.Fatalf("share %d, want %d", got, want)
		}
	}
	share(now.Add(time.Hour), 10) // time alone is not enough
	b, now = ramping(t, plain())
	feed(t, b, now, times(50, breaker.Success)...)
	share(now.Add(624*time.Millisecond), 10) // nor are successes
	share(now.Add(625*time.Millisecond), 30) // an eighth of 5 s
	if got := drain(b); len(got) != 1 || got[0].Cause != breaker.RampStep || got[0].From != breaker.Ramp || got[0].To != breaker.Ramp {
		t.Errorf("told %+v", got)
	}
}

func TestRampStepNeedsASuccessOfItsOwn(t *testing.T) {
	b, now := ramping(t, plain())
	early := []breaker.Permit{mustAllow(t, b, now, 1), mustAllow(t, b, now, 2), mustAllow(t, b, now, 3)}
	now = now.Add(time.Second)
	if c, _ := early[0].Done(breaker.Success, now); c.Cause != breaker.RampStep {
		t.Fatalf("no step: %+v", c)
	}
	if c, changed := early[1].Done(breaker.Success, now.Add(time.Second)); changed {
		t.Errorf("a success of the last step ended this one: %+v", c)
	}
	if s := b.Snapshot(now.Add(time.Second)); s.Attempts != 3 {
		t.Errorf("news of an earlier step is news all the same: %+v", s)
	}
}

func TestRampFails(t *testing.T) {
	F, S, L := breaker.Failure, breaker.Success, breaker.Slow
	cause := func(news ...breaker.News) breaker.Cause {
		b, now := ramping(t, plain())
		return feed(t, b, now, news...).Cause
	}
	for _, c := range []struct {
		name string
		news []breaker.News
		want breaker.Cause
	}{
		{"one failure", []breaker.News{F}, 0},
		{"two failures and no success", []breaker.News{F, F}, breaker.RampFailed},
		{"two failures and a success", []breaker.News{S, F, F}, 0},
		{"half of the attempts", []breaker.News{S, F, F, F}, breaker.RampFailed},
		{"slow answers", times(4, L), breaker.RampFailed},
		{"some slow answers", []breaker.News{S, L, L, S, L}, 0},
	} {
		if got := cause(c.news...); got != c.want {
			t.Errorf("%s: cause %q, want %q", c.name, got, c.want)
		}
	}
}

func TestRampIsNotEndedByOneCall(t *testing.T) {
	b, now := ramping(t, plain())
	for range 3 {
		p := mustAllow(t, b, now, 7)
		if c, changed := p.Done(breaker.Failure, now); changed {
			t.Fatalf("one call's retries ended the ramp: %+v", c)
		}
	}
	p := mustAllow(t, b, now, 8)
	if c, _ := p.Done(breaker.Failure, now); c.Cause != breaker.RampFailed {
		t.Errorf("the failure of a second call: %+v", c)
	}
}

func TestRampFailureDoublesTheInterval(t *testing.T) {
	b, now := ramping(t, plain())
	c := feed(t, b, now, breaker.Failure, breaker.Failure)
	if d := c.Until.Sub(now).Round(time.Millisecond); d != 10*time.Second {
		t.Errorf("interval %v", d)
	}
	now = c.Until
	c = feed(t, b, now, breaker.Success)
	if d := c.Until.Sub(now).Round(time.Millisecond); d != 1250*time.Millisecond {
		t.Errorf("a step lasts %v, want an eighth of the last interval", d)
	}
}

func TestRampWithNobodyInsideItsShareGoesOn(t *testing.T) {
	_, out := shares(t)
	b, now := ramping(t, plain())
	lone := breaker.Ask{Share: out, Elsewhere: true}
	for want := range 4 {
		if want < 3 {
			if _, ok := b.Peek(now, lone); ok {
				t.Fatalf("step %d: admitted before the step is over", want+1)
			}
		}
		now = now.Add(time.Second)
		p, _, ok := b.Allow(now, lone)
		if !ok {
			t.Fatalf("step %d: the only conversation is never admitted", want+1)
		}
		if _, ok := b.Peek(now, lone); ok && want < 3 {
			t.Fatalf("step %d: a second was admitted while the first is out", want+1)
		}
		p.Done(breaker.Success, now)
	}
	wantState(t, b, now, breaker.Closed)
}

func TestRampReplacesAHungForerunner(t *testing.T) {
	_, out := shares(t)
	b, now := ramping(t, plain())
	lone := breaker.Ask{Share: out, Elsewhere: true}
	now = now.Add(time.Second)
	if _, _, ok := b.Allow(now, lone); !ok {
		t.Fatal("no forerunner")
	}
	if _, ok := b.Peek(now.Add(89*time.Second), lone); ok {
		t.Error("replaced too early")
	}
	if _, ok := b.Peek(now.Add(90*time.Second), lone); !ok {
		t.Error("never replaced")
	}
}

func TestRampAfterSlowAnswersNeedsAQuickOne(t *testing.T) {
	b := breaker.New(plain())
	now := feed(t, b, t0, times(10, breaker.Slow)...).Until
	if c := feed(t, b, now, breaker.Success); c.To != breaker.Ramp {
		t.Fatalf("%+v", c)
	}
	now = now.Add(time.Second)
	if c := feed(t, b, now, breaker.Slow); c.Cause != 0 {
		t.Errorf("a slow answer made a step: %+v", c)
	}
	if c := feed(t, b, now, breaker.Success); c.Cause != breaker.RampStep {
		t.Errorf("a quick one did not: %+v", c)
	}
}

func TestRampTiming(t *testing.T) {
	b, now := ramping(t, plain())
	began := now
	for b.Snapshot(now).State == breaker.Ramp {
		feed(t, b, now, breaker.Success)
		now = now.Add(5 * time.Millisecond)
	}
	if d := now.Sub(began); d < 2500*time.Millisecond || d > 2600*time.Millisecond {
		t.Errorf("the ramp took %v, want four eighths of 5 s", d)
	}
}
