package breaker_test

import (
	"testing"
	"time"

	"fairlead.dev/breaker"
)

func TestForceOpen(t *testing.T) {
	b := breaker.New(plain())
	before := mustAllow(t, b, t0, 1)
	o := breaker.Override{Mode: breaker.ForceOpen, Reason: "maintenance", Until: at(time.Hour)}
	c, changed := b.Override(o, t0)
	if !changed || c.Cause != breaker.Overridden || c.To != breaker.Open || c.Until != at(time.Hour) {
		t.Fatalf("override: %v %+v", changed, c)
	}
	if wait := mustRefuse(t, b, at(time.Minute)); wait != 59*time.Minute {
		t.Errorf("wait %v", wait)
	}
	before.Done(breaker.Failure, at(time.Minute))
	if _, changed := b.Trip(at(time.Minute), time.Minute); changed {
		t.Error("a trip moved it")
	}
	if s := b.Snapshot(at(time.Minute)); s.Override != o || s.Failures != 0 || s.State != breaker.Open {
		t.Errorf("snapshot %+v", s)
	}
	// The ramp is the only way back.
	p := mustAllow(t, b, at(time.Hour), 1)
	got := drain(b)
	if !p.Probe() || len(got) != 1 || got[0].Cause != breaker.OverrideEnded || got[0].To != breaker.HalfOpen || got[0].At != at(time.Hour) {
		t.Errorf("after its end: probe %v, %+v", p.Probe(), got)
	}
	if c, _ := p.Done(breaker.Success, at(time.Hour)); c.To != breaker.Ramp || c.Until.Sub(c.At) != 625*time.Millisecond {
		t.Errorf("then %+v", c)
	}
}

func TestForceOpenWithoutEnd(t *testing.T) {
	b := breaker.New(plain())
	b.Override(breaker.Override{Mode: breaker.ForceOpen}, t0)
	if wait := mustRefuse(t, b, at(1000*time.Hour)); wait != 2*time.Minute {
		t.Errorf("wait %v", wait)
	}
	c, changed := b.Override(breaker.Override{}, at(1000*time.Hour))
	if !changed || c.Cause != breaker.OverrideEnded || c.From != breaker.Open || c.To != breaker.HalfOpen {
		t.Errorf("removed: %v %+v", changed, c)
	}
}

func TestDisabled(t *testing.T) {
	b := broken(t, plain())
	c, _ := b.Override(breaker.Override{Mode: breaker.Disabled}, t0)
	if c.From != breaker.Open || c.To != breaker.Closed {
		t.Errorf("override: %+v", c)
	}
	during := mustAllow(t, b, t0, 1)
	for range 100 {
		feed(t, b, t0, breaker.Failure)
	}
	if s := b.Snapshot(t0); s.State != breaker.Closed || s.Attempts != 0 {
		t.Errorf("it learned: %+v", s)
	}
	if _, changed := b.Trip(t0, time.Minute); changed {
		t.Error("a trip moved it")
	}
	c, changed := b.Override(breaker.Override{Mode: breaker.None}, t0)
	if !changed || c.Cause != breaker.OverrideEnded || c.To != breaker.Closed {
		t.Errorf("removed: %v %+v", changed, c)
	}
	during.Done(breaker.Failure, t0)
	if s := b.Snapshot(t0); s.Failures != 0 {
		t.Error("an attempt of the time before counts")
	}
	if c := feed(t, b, t0, times(5, breaker.Failure)...); c.To != breaker.Open {
		t.Error("it does not work again")
	}
}

func TestObserveOnly(t *testing.T) {
	// What it shows must be what a breaker in force would have done.
	real, watched := breaker.New(plain()), breaker.New(plain())
	watched.Override(breaker.Override{Mode: breaker.ObserveOnly}, t0)
	var want, got []breaker.Change
	for i := range 4000 {
		now := at(time.Duration(i) * 100 * time.Millisecond)
		news := breaker.Success
		if i/500%2 == 1 || i%3 == 0 {
			news = breaker.Failure
		}
		ask := breaker.Ask{Call: uint64(i), Share: uint32(i), Elsewhere: true}
		if p, _, ok := real.Allow(now, ask); ok {
			if c, changed := p.Done(news, now); changed {
				want = append(append(want, drain(real)...), c)
			}
		}
		p, _, ok := watched.Allow(now, ask)
		if !ok {
			t.Fatal("refused")
		}
		if _, ok := watched.Peek(now, ask); !ok {
			t.Fatal("would refuse")
		}
		if c, changed := p.Done(news, now); changed {
			got = append(append(got, drain(watched)...), c)
		}
	}
	if len(want) < 10 || len(got) != len(want) {
		t.Fatalf("%d changes, want %d", len(got), len(want))
	}
	for i := range want {
		want[i].Seq++ // the override itself
		want[i].Observed = true
		if got[i] != want[i] {
			t.Errorf("change %d\n got %+v\nwant %+v", i, got[i], want[i])
		}
	}
}

func TestObserveOnlyKeepsTheStateAndItsEnd(t *testing.T) {
	b := broken(t, plain())
	until := b.Snapshot(t0).Until
	c, _ := b.Override(breaker.Override{Mode: breaker.ObserveOnly, Until: at(time.Second)}, t0)
	if c.From != breaker.Open || c.To != breaker.Open || c.Until != at(time.Second) {
		t.Errorf("override: %+v", c)
	}
	mustAllow(t, b, t0, 1)
	mustRefuse(t, b, at(time.Second))
	if s := b.Snapshot(at(time.Second)); s.Until != until || s.State != breaker.Open {
		t.Errorf("after its end: %+v", s)
	}
}

func TestOverridesThatAreNone(t *testing.T) {
	for _, o := range []breaker.Override{
		{},
		{Mode: breaker.ObserveOnly + 1},
		{Mode: breaker.ForceOpen, Until: t0},
		{Mode: breaker.ForceOpen, Until: at(-time.Hour)},
	} {
		b := breaker.New(plain())
		if c, changed := b.Override(o, t0); changed {
			t.Errorf("%+v changed it: %+v", o, c)
		}
		mustAllow(t, b, t0, 1)
		b.Override(breaker.Override{Mode: breaker.ForceOpen}, t0)
		if c, changed := b.Override(o, t0); !changed || c.Cause != breaker.OverrideEnded {
			t.Errorf("%+v did not end the one in force", o)
		}
	}
}

func TestOneOverrideAfterAnother(t *testing.T) {
	b := breaker.New(plain())
	for _, c := range []struct {
		mode breaker.Mode
		want breaker.State
	}{
		{breaker.ForceOpen, breaker.Open}, {breaker.Disabled, breaker.Closed}, {breaker.ForceOpen, breaker.Open},
		{breaker.ObserveOnly, breaker.HalfOpen}, {breaker.ForceOpen, breaker.Open}, {breaker.None, breaker.HalfOpen},
	} {
		got, changed := b.Override(breaker.Override{Mode: c.mode}, t0)
		if !changed || got.To != c.want {
			t.Errorf("%v: %v %+v", c.mode, changed, got)
		}
	}
}
