package fairlead_test

import (
	"context"
	"testing"
	"testing/synctest"
	"time"

	"fairlead.dev"
	"fairlead.dev/event"
)

// hedged is a chain whose second target is as good as the first, and is asked
// beside it after two seconds.
func hedged(first, second string) func(*fairlead.Config) {
	return func(cfg *fairlead.Config) {
		chain(first, second)(cfg)
		cfg.Models[len(cfg.Models)-1].Equal = []string{second}
		cfg.Timeouts.HedgeAfter = 2 * time.Second
	}
}

// twice adds a second provider of each kind: another pool.
func twice(edit func(*fairlead.Config)) func(*fairlead.Config) {
	return func(cfg *fairlead.Config) {
		for _, p := range cfg.Providers {
			p.Name += "2"
			cfg.Providers = append(cfg.Providers, p)
		}
		edit(cfg)
	}
}

func (r result) kinds() map[event.Kind]int {
	n := map[event.Kind]int{}
	for _, e := range r.report.Events() {
		n[e.Kind]++
	}
	return n
}

func TestASlowStartIsHedged(t *testing.T) {
	modes(t, func(t *testing.T, dialect, p string, stream bool) {
		w := newWorld(t, twice(hedged(p+"/slow-first-20s", p+"2/good")))
		r := w.ask(dialect, "m", stream)
		w.whole(r)
		if !stream {
			if len(w.asked(p)) != 1 {
				t.Errorf("a plain answer was hedged: %v", w.asked(p))
			}
			return
		}
		if r.took > 3*time.Second || r.header.Get("Fairlead-Target") != p+"2/good" || r.header.Get("Fairlead-Reason") != "hedged" {
			t.Errorf("took %v, headers %v", r.took, r.header)
		}
		if n := r.kinds(); n[event.Hedged] != 1 || n[event.Ended] != 2 {
			t.Errorf("events %v", n)
		}
		synctest.Wait()
		for _, a := range w.fake[p].Attempts() {
			if a.Model == "slow-first-20s" && !a.Canceled {
				t.Error("the loser was not cancelled")
			}
		}
		for _, target := range w.client.Targets() {
			if target.Load.InFlight != 0 || target.Breaker.Failures != 0 {
				t.Errorf("%s: %d in flight, %d failures", target.Name, target.Load.InFlight, target.Breaker.Failures)
			}
		}
	})
}

// The first may still win, and the other costs nobody anything but tokens.
func TestTheFirstMayWinARace(t *testing.T) {
	bubble(t, func(t *testing.T) {
		w := newWorld(t, twice(hedged("a/slow-first-4s", "a2/slow-first-20s")))
		r := w.ask("anthropic", "m", true)
		w.whole(r)
		if r.header.Get("Fairlead-Target") != "a/slow-first-4s" || r.header.Get("Fairlead-Fallback") != "false" || r.header.Get("Fairlead-Attempts") != "2" {
			t.Errorf("headers %v", r.header)
		}
		for _, e := range r.report.Events() {
			if e.Kind == event.Ended && e.Target == "a2/slow-first-20s" && (e.Verdict != event.Canceled || e.N == 0) {
				t.Errorf("%+v", e)
			}
		}
	})
}

// A racer that fails leaves the race to the other; when both fail, the loop goes
// on as if there had been no race.
func TestRacersThatFail(t *testing.T) {
	for name, c := range map[string]struct{ first, second, wants string }{
		"the second fails":  {"a/slow-first-4s", "a2/fail-529", "a/slow-first-4s"},
		"the first fails":   {"a/lifecycle-only", "a2/slow-first-29s", "a2/slow-first-29s"},
		"both fail at once": {"a/slow-first-3s+error-after-0", "a2/fail-500", "a/good"},
	} {
		t.Run(name, func(t *testing.T) {
			bubble(t, func(t *testing.T) {
				w := newWorld(t, twice(func(cfg *fairlead.Config) {
					hedged(c.first, c.second)(cfg)
					m := &cfg.Models[len(cfg.Models)-1]
					m.Chain = append(m.Chain, "a/good")
					cfg.Timeouts.FirstToken = 30 * time.Second
				}))
				r := w.ask("anthropic", "m", true)
				w.whole(r)
				if got := r.header.Get("Fairlead-Target"); got != c.wants {
					t.Errorf("answered by %s, want %s\n%s", got, c.wants, story(r.report))
				}
			})
		})
	}
}

// Nobody is asked beside another who shares its limits, has trouble of its own,
// or is not called equal; nor for a caller who wants no other.
func TestWhatIsNotHedged(t *testing.T) {
	slow := "a/slow-first-10s"
	for name, c := range map[string]struct {
		edit func(*fairlead.Config)
		more func(*fairlead.Call)
	}{
		"the same pool": {edit: hedged("a/claude-opus-5-5:slow-first-10s", "a/claude-opus-5-5")},
		"not equal":     {edit: func(cfg *fairlead.Config) { hedged(slow, "a2/good")(cfg); cfg.Models[1].Equal = nil }},
		"off":           {edit: func(cfg *fairlead.Config) { hedged(slow, "a2/good")(cfg); cfg.Timeouts.HedgeAfter = 0 }},
		"pinned":        {edit: hedged(slow, "a2/good"), more: func(c *fairlead.Call) { c.Pinned = true }},
		"no attempts":   {edit: func(cfg *fairlead.Config) { hedged(slow, "a2/good")(cfg); cfg.Retry.MaxAttempts = 1 }},
	} {
		t.Run(name, func(t *testing.T) {
			bubble(t, func(t *testing.T) {
				w := newWorld(t, twice(c.edit))
				more := []func(*fairlead.Call){}
				if c.more != nil {
					more = append(more, c.more)
				}
				r := w.ask("anthropic", "m", true, more...)
				w.whole(r)
				if len(w.asked("a")) != 1 || r.kinds()[event.Hedged] != 0 {
					t.Errorf("asked %v", w.asked("a"))
				}
			})
		})
	}
}

// Hedging never becomes a storm, even when every call is slow.
func TestHedgesAreFew(t *testing.T) {
	bubble(t, func(t *testing.T) {
		w := newWorld(t, twice(hedged("a/slow-first-3s", "a2/good")))
		const calls = 400
		hedges := 0
		for range calls {
			r := w.ask("anthropic", "m", true)
			w.whole(r)
			hedges += r.kinds()[event.Hedged]
		}
		if hedges < calls/25 || hedges > calls/20+3 {
			t.Errorf("%d of %d calls were hedged", hedges, calls)
		}
	})
}

// Whatever ends a race, nothing is left of it.
func TestALeavingCallerEndsARace(t *testing.T) {
	bubble(t, func(t *testing.T) {
		w := newWorld(t, twice(hedged("a/silent", "a2/silent")))
		for i := range 5 {
			ctx, cancel := context.WithTimeout(t.Context(), time.Duration(i)*time.Second+time.Millisecond)
			if r := w.send(ctx, "anthropic", body("m", true)); r.err == nil {
				t.Error("answered")
			}
			cancel()
		}
		synctest.Wait()
		for _, target := range w.client.Targets() {
			if target.Load.InFlight != 0 || target.Breaker.Failures != 0 {
				t.Errorf("%s: %d in flight, %d failures", target.Name, target.Load.InFlight, target.Breaker.Failures)
			}
		}
	})
}
