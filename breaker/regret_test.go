package breaker_test

import (
	"testing"
	"time"

	"fairlead.dev/breaker"
)

// probed is a breaker whose probe was told to succeed, and the probe's permit.
func probed(t *testing.T) (*breaker.Breaker, breaker.Permit, time.Time) {
	t.Helper()
	b := breaker.New(plain())
	if _, ok := b.Trip(t0, 0); !ok {
		t.Fatal("not tripped")
	}
	now := b.Snapshot(t0).Until
	p := mustAllow(t, b, now, 1)
	if !p.Probe() {
		t.Fatal("no probe")
	}
	p.Done(breaker.Success, now)
	if s := b.Snapshot(now); s.State != breaker.Ramp {
		t.Fatalf("%+v", s)
	}
	return b, p, now
}

// A probe whose stream dies after it began well was no recovery.
func TestAProbeThatFailsLateEndsTheRamp(t *testing.T) {
	_, p, now := probed(t)
	c, moved := p.Regret(now.Add(100 * time.Millisecond))
	if !moved || c.To != breaker.Open || c.Cause != breaker.RampFailed {
		t.Errorf("%+v, %v", c, moved)
	}
	if _, again := p.Regret(now.Add(time.Second)); again {
		t.Error("regretted twice")
	}
}

// Streams of the ramp that all begin well and die are failures, however often
// they were told to be good.
func TestStreamsThatFailLateEndTheRamp(t *testing.T) {
	b, _, now := probed(t)
	for call := range uint64(10) {
		now = now.Add(100 * time.Millisecond)
		p := mustAllow(t, b, now, call+10)
		p.Done(breaker.Success, now)
		if c, moved := p.Regret(now); moved {
			if c.Cause != breaker.RampFailed || call < 1 {
				t.Errorf("after %d calls: %+v", call+1, c)
			}
			return
		}
	}
	t.Errorf("still %+v", b.Snapshot(now))
}

// What is over is over: a regret of the time before the breaker last opened
// moves nothing, and neither does one of an attempt that has not been told of.
func TestWhatIsNotRegretted(t *testing.T) {
	b, p, now := probed(t)
	b.Trip(now, 0)
	if _, moved := p.Regret(now); moved || b.Snapshot(now).State != breaker.Open {
		t.Error("an open breaker was moved")
	}
	b, _, now = probed(t)
	open := mustAllow(t, b, now, 2)
	if _, moved := open.Regret(now); moved {
		t.Error("an attempt that is still under way was regretted")
	}
	if _, moved := new(breaker.Permit).Regret(now); moved {
		t.Error("the zero permit was")
	}
}

// In a closed breaker it counts as the failure that it is, once, and not as one
// more attempt.
func TestARegretIsAFailureOfTheWindow(t *testing.T) {
	b := breaker.New(plain())
	p := mustAllow(t, b, t0, 1)
	p.Done(breaker.Success, t0)
	p.Regret(t0)
	if s := b.Snapshot(t0); s.Attempts != 1 || s.Failures != 1 {
		t.Errorf("%+v", s)
	}
}
