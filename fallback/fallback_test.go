package fallback_test

import (
	"testing"
	"time"

	"fairlead.dev/breaker"
	"fairlead.dev/event"
	"fairlead.dev/fallback"
	"fairlead.dev/limit"
	"fairlead.dev/llm"
	"fairlead.dev/retry"
)

// The verdict table, row by row, as DESIGN.md has it.
func TestVerdictTable(t *testing.T) {
	rows := map[event.Verdict]fallback.Rule{
		event.OK:             {Target: breaker.Success},
		event.RateLimited:    {Again: fallback.AfterHint, Hop: true, Pool: limit.RateLimited},
		event.RampLimited:    {Again: fallback.AfterHint, Hop: true, Pool: limit.RampLimited},
		event.QuotaExhausted: {Hop: true, Key: fallback.KeySpent},
		event.Overloaded:     {Again: fallback.AfterBackoff, Hop: true, Target: breaker.Failure},
		event.ServerError:    {Again: fallback.AfterBackoff, Hop: true, Target: breaker.Failure},
		event.Empty:          {Again: fallback.AfterBackoff, Hop: true, Target: breaker.Failure},
		event.Unreachable:    {Again: fallback.Soon, Hop: true, Target: breaker.Failure, Provider: true},
		event.Slow:           {Hop: true, Target: breaker.Failure},
		event.Truncated:      {Again: fallback.AfterBackoff, Hop: true, Target: breaker.Failure},
		event.Degraded:       {Hop: true},
		event.Refused:        {},
		event.TooLarge:       {Hop: true},
		event.Unauthorized:   {Hop: true, Key: fallback.KeyRejected},
		event.UnknownModel:   {Hop: true, Mark: true},
		event.Invalid:        {},
		event.Incompatible:   {Hop: true},
		event.Canceled:       {},
	}
	for _, v := range event.Verdicts() {
		want, ok := rows[v]
		if !ok {
			t.Errorf("%v: no row in this test", v)
		}
		if got := fallback.For(v); got != want {
			t.Errorf("%v: %+v, want %+v", v, got, want)
		}
	}
	if got := fallback.For(200); got != (fallback.Rule{}) {
		t.Errorf("an unknown verdict does something: %+v", got)
	}
}

func plan(length int) *fallback.Plan {
	return &fallback.Plan{Policy: retry.Policy{}.Defaults(), Length: length}
}

func ask(p *fallback.Plan, v event.Verdict, hint time.Duration, t fallback.Terms) fallback.Step {
	p.Started()
	return p.After(&llm.Outcome{Verdict: v, Hint: hint}, t)
}

func terms() fallback.Terms { return fallback.Terms{Left: time.Minute, Rnd: 0.5, OtherPool: true} }

func TestAServerErrorIsAskedAgainOnceThenHops(t *testing.T) {
	for _, v := range []event.Verdict{event.Overloaded, event.ServerError, event.Empty, event.Truncated, event.Unreachable} {
		p := plan(2)
		s := ask(p, v, 0, terms())
		if s.Kind != fallback.AskNow || !s.Retry || s.Wait < retry.MinWait || p.Target() != 0 {
			t.Errorf("%v first: %+v at %d", v, s, p.Target())
		}
		if s = ask(p, v, 0, terms()); s.Kind != fallback.Hop || p.Target() != 1 {
			t.Errorf("%v second: %+v at %d", v, s, p.Target())
		}
		ask(p, v, 0, terms())
		if s = ask(p, v, 0, terms()); s.Kind != fallback.Stop || s.Reason != event.AllTried {
			t.Errorf("%v at the end: %+v", v, s)
		}
	}
}

func TestWhatIsNeverAskedAgain(t *testing.T) {
	for v, hop := range map[event.Verdict]bool{
		event.Slow: true, event.QuotaExhausted: true, event.Unauthorized: true, event.UnknownModel: true,
		event.TooLarge: true, event.Incompatible: true, event.Invalid: false, event.Refused: false, event.Canceled: false,
	} {
		p := plan(2)
		s := ask(p, v, 0, terms())
		if want := map[bool]fallback.StepKind{true: fallback.Hop, false: fallback.Stop}[hop]; s.Kind != want {
			t.Errorf("%v: %+v", v, s)
		}
	}
}

func TestRateLimits(t *testing.T) {
	second := time.Second
	for name, c := range map[string]struct {
		hint      time.Duration
		otherPool bool
		otherKey  bool
		left      time.Duration
		want      fallback.StepKind
		min, max  time.Duration
	}{
		"a short hint is waited for":                      {2 * second, true, false, time.Minute, fallback.AskNow, 2 * second, 2200 * time.Millisecond},
		"a long hint hops":                                {3600 * second, true, false, time.Hour, fallback.Hop, 0, 0},
		"a long hint is waited for when nobody else can":  {30 * second, false, false, time.Minute, fallback.AskNow, 30 * second, 33 * second},
		"not beyond the deadline":                         {30 * second, false, false, 20 * second, fallback.Hop, 0, 0},
		"no hint hops":                                    {0, true, false, time.Minute, fallback.Hop, 0, 0},
		"no hint and nobody else: backoff":                {0, false, false, time.Minute, fallback.AskNow, 200 * time.Millisecond, 500 * time.Millisecond},
		"another key of the target has a pool of its own": {3600 * second, true, true, time.Minute, fallback.AskNow, 0, 0},
		"a hint just at patience":                         {5 * second, true, false, time.Minute, fallback.AskNow, 5 * second, 5500 * time.Millisecond},
		"a hint that fits patience but not the deadline":  {4 * second, true, false, 3 * second, fallback.Hop, 0, 0},
		"a hint that leaves no time to be useful":         {4 * second, true, false, 4 * second, fallback.Hop, 0, 0},
	} {
		p := plan(2)
		s := ask(p, event.RateLimited, c.hint, fallback.Terms{Left: c.left, Rnd: 0.5, OtherPool: c.otherPool, OtherKey: c.otherKey})
		if s.Kind != c.want || s.Wait < c.min || s.Wait > c.max {
			t.Errorf("%s: %+v", name, s)
		}
	}
}

func TestAttemptsPerCall(t *testing.T) {
	p := plan(8)
	n := 0
	for s := (fallback.Step{Kind: fallback.Hop}); s.Kind != fallback.Stop; n++ {
		s = ask(p, event.ServerError, 0, terms())
		if s.Kind == fallback.Stop && s.Reason != event.AttemptsSpent {
			t.Errorf("stopped for %v", s.Reason)
		}
	}
	if n != 5 || p.Attempts() != 5 || p.Limit() != 5 {
		t.Errorf("%d attempts", n)
	}
	p = plan(3)
	p.Policy.MaxAttempts = -1
	if p.Limit() != 6 {
		t.Errorf("without a cap the limit is %d", p.Limit())
	}
}

func TestPinned(t *testing.T) {
	p := plan(3)
	p.Pinned = true
	ask(p, event.ServerError, 0, terms())
	if s := ask(p, event.ServerError, 0, terms()); s.Kind != fallback.Stop || s.Reason != event.FallbackOff || p.Target() != 0 {
		t.Errorf("%+v at %d", s, p.Target())
	}
	if s := p.Refused(event.BreakerOpen, time.Time{}, terms()); s.Kind != fallback.Stop || s.Reason != event.BreakerOpen {
		t.Errorf("refused: %+v", s)
	}
}

func TestNoRetryIsRespected(t *testing.T) {
	p := plan(2)
	p.Started()
	if s := p.After(&llm.Outcome{Verdict: event.ServerError, NoRetry: true}, terms()); s.Kind != fallback.Hop {
		t.Errorf("%+v", s)
	}
}

func TestADeadConnectionIsRepeatedOnce(t *testing.T) {
	p := plan(2)
	p.Started()
	out := &llm.Outcome{Verdict: event.Unreachable, Reused: true}
	if s := p.After(out, terms()); s.Kind != fallback.AskNow || s.Wait != 0 || s.Reason != event.Fresh || s.Retry || !p.Bounced() {
		t.Errorf("first: %+v", s)
	}
	p.Started()
	if s := p.After(out, terms()); s.Reason == event.Fresh {
		t.Errorf("second: %+v", s)
	}
}

func TestAClientsOwnKeyEndsItsCall(t *testing.T) {
	p := plan(2)
	tm := terms()
	tm.ClientKey = true
	if s := ask(p, event.Unauthorized, 0, tm); s.Kind != fallback.Stop || s.Reason != event.Final {
		t.Errorf("%+v", s)
	}
}

func TestAFallbacks400IsItsOwn(t *testing.T) {
	p := plan(2)
	if v := p.Verdict(event.Invalid); v != event.Invalid {
		t.Errorf("at the head: %v", v)
	}
	p.Refused(event.BreakerOpen, time.Time{}, terms())
	if v := p.Verdict(event.Invalid); v != event.Incompatible {
		t.Errorf("later: %v", v)
	}
}

func TestTooLargeGoesOnlyWhereItMayFit(t *testing.T) {
	p := plan(4)
	p.Window = func(i int) int { return []int{200, 100, 200, 0}[i] }
	if s := ask(p, event.TooLarge, 0, terms()); s.Kind != fallback.Hop || p.Target() != 3 {
		t.Errorf("%+v at %d, want the one of unknown size", s, p.Target())
	}
	p = plan(2)
	p.Window = func(i int) int { return []int{200, 100}[i] }
	if s := ask(p, event.TooLarge, 0, terms()); s.Kind != fallback.Stop {
		t.Errorf("%+v", s)
	}
}

func TestDismiss(t *testing.T) {
	p := plan(2)
	out := &llm.Outcome{Verdict: event.ServerError}
	p.Started()
	if s := p.Dismiss(out, terms()); s.Kind != fallback.Hop || p.Target() != 1 {
		t.Errorf("%+v", s)
	}
	p.Started()
	if s := p.Dismiss(out, terms()); s.Kind != fallback.Stop || s.Reason != event.BudgetSpent {
		t.Errorf("%+v", s)
	}
}

func TestRefused(t *testing.T) {
	now := time.Unix(1000, 0)
	tm := fallback.Terms{Now: now, Left: time.Minute, Rnd: 0.5}
	at := func(d time.Duration) time.Time { return now.Add(d) }

	p := plan(2)
	if s := p.Refused(event.PoolShut, at(3*time.Second), tm); s.Kind != fallback.AskNow || s.Wait < 3*time.Second || p.Target() != 0 {
		t.Errorf("within patience: %+v", s)
	}
	p = plan(3)
	steps := []fallback.Step{
		p.Refused(event.PoolShut, at(40*time.Second), tm),
		p.Refused(event.PoolShut, at(20*time.Second), tm),
		p.Refused(event.BreakerOpen, at(time.Second), tm),
	}
	if steps[0].Kind != fallback.Hop || steps[1].Kind != fallback.Hop {
		t.Errorf("beyond patience: %+v", steps)
	}
	if s := steps[2]; s.Kind != fallback.AskNow || p.Target() != 1 || s.Wait < 20*time.Second || s.Wait > 22*time.Second {
		t.Errorf("nobody else: %+v at %d, want the pool that opens first", s, p.Target())
	}
	p = plan(1)
	if s := p.Refused(event.BreakerOpen, at(time.Second), tm); s.Kind != fallback.Stop || s.Reason != event.BreakerOpen {
		t.Errorf("an open breaker is not waited for: %+v", s)
	}
	p = plan(1)
	if s := p.Refused(event.PoolShut, at(time.Hour), tm); s.Kind != fallback.Stop || s.Reason != event.PoolShut {
		t.Errorf("beyond the deadline: %+v", s)
	}
}

func TestSliceKeepsTimeForLaterTargets(t *testing.T) {
	for _, c := range []struct {
		length     int
		left, want time.Duration
	}{
		{1, 10 * time.Minute, 10 * time.Minute},
		{2, 10 * time.Minute, 9*time.Minute + 30*time.Second},
		{3, 10 * time.Minute, 9 * time.Minute},
		{2, 10 * time.Second, 5 * time.Second},
		{3, 9 * time.Second, 3 * time.Second},
	} {
		if got := plan(c.length).Slice(c.left); got != c.want {
			t.Errorf("%d targets, %v left: %v, want %v", c.length, c.left, got, c.want)
		}
	}
	p := plan(3)
	p.Pinned = true
	if got := p.Slice(time.Minute); got != time.Minute {
		t.Errorf("pinned: %v", got)
	}
}

// Whatever happens, a plan ends, within its attempts, and never waits longer
// than the deadline allows.
func FuzzPlan(f *testing.F) {
	f.Add([]byte{4, 4, 1, 9, 200, 13}, uint8(3))
	f.Fuzz(func(t *testing.T, script []byte, length uint8) {
		p := plan(int(length%fallback.MaxChain) + 1)
		now, left := time.Unix(1000, 0), 2*time.Minute
		for _, b := range script {
			tm := fallback.Terms{Now: now, Left: left, Rnd: float64(b) / 256, OtherPool: b&1 == 0, OtherKey: b&2 != 0}
			var s fallback.Step
			if b > 200 {
				s = p.Refused(event.PoolShut, now.Add(time.Duration(b-200)*time.Second), tm)
			} else {
				s = ask(p, event.Verdict(b%18)+1, time.Duration(b)*time.Second/4, tm)
			}
			if s.Wait < 0 || s.Wait > left {
				t.Fatalf("waits %v with %v left", s.Wait, left)
			}
			if p.Target() >= p.Length || p.Attempts() > p.Limit() {
				t.Fatalf("target %d of %d, attempt %d of %d", p.Target(), p.Length, p.Attempts(), p.Limit())
			}
			if s.Kind == fallback.Stop {
				return
			}
			now, left = now.Add(s.Wait), left-s.Wait
		}
	})
}
