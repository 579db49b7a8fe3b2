package fairlead_test

import (
	"context"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"fairlead.dev"
	"fairlead.dev/event"
)

// In a full outage the load upstream stays near nothing, and callers hear the
// truth at once.
func TestFullOutage(t *testing.T) {
	modes(t, func(t *testing.T, dialect, p string, stream bool) {
		w := newWorld(t, chain(p+"/fail-529", p+"/x:fail-529", p+"/y:fail-500"))
		const calls = 600 // 10 a second for a minute
		var (
			mu   sync.Mutex
			late int
			wg   sync.WaitGroup
		)
		for i := range calls {
			wg.Go(func() {
				r := w.ask(dialect, "m", stream)
				mu.Lock()
				defer mu.Unlock()
				if r.err == nil {
					t.Error("answered")
				}
				if i > 50 && r.took > time.Second {
					late++
				}
			})
			time.Sleep(100 * time.Millisecond)
		}
		wg.Wait()
		attempts := len(w.asked(p))
		if limit := calls * 12 / 10; attempts > limit {
			t.Errorf("%d attempts for %d calls", attempts, calls)
		}
		if late > 0 {
			t.Errorf("%d errors took more than a second", late)
		}
		t.Logf("%d attempts upstream for %d calls", attempts, calls)
	})
}

// Retries stay within their budget also when no breaker helps.
func TestRetryBudget(t *testing.T) {
	modes(t, func(t *testing.T, dialect, p string, stream bool) {
		w := newWorld(t, func(cfg *fairlead.Config) {
			chain(p + "/fail-500")(cfg)
			cfg.Breaker.Consecutive, cfg.Breaker.FailureRatio = -1, -1
		})
		const calls = 1000
		for range calls {
			w.ask(dialect, "m", stream)
		}
		if attempts := len(w.asked(p)); attempts > calls*12/10+12+calls/10 {
			t.Errorf("%d attempts for %d calls", attempts, calls)
		} else if attempts < calls*11/10 {
			t.Errorf("%d attempts for %d calls: the budget is not used", attempts, calls)
		}
	})
}

// An overloaded model closes itself and nothing else.
func TestAnOverloadedModelClosesOnlyItself(t *testing.T) {
	modes(t, func(t *testing.T, dialect, p string, stream bool) {
		w := newWorld(t, chain(p+"/claude-opus-5-5:fail-529", p+"/claude-sonnet-5-5"))
		for range 50 {
			w.whole(w.ask(dialect, "m", stream))
			w.whole(w.ask(dialect, "claude-haiku-5-5", stream))
		}
		open := 0
		for _, s := range w.client.Targets() {
			if s.Breaker.State.String() != "closed" || s.Upstream.State.String() != "closed" {
				open++
			}
			if !s.Available && s.Model != "claude-opus-5-5:fail-529" {
				t.Errorf("%s is not available: %v", s.Name, s.Reason)
			}
		}
		if open != 1 {
			t.Errorf("%d breakers moved, want that of opus alone", open)
		}
	})
}

// A rate limit closes the pool and no breaker.
func TestRateLimitsOpenNoBreaker(t *testing.T) {
	modes(t, func(t *testing.T, dialect, p string, stream bool) {
		w := newWorld(t, chain(p+"/retry-after-1"))
		for range 100 {
			w.ask(dialect, "m", stream)
		}
		for _, s := range w.client.Targets() {
			if s.Breaker.State.String() != "closed" {
				t.Errorf("%s: breaker %v", s.Name, s.Breaker.State)
			}
		}
	})
}

// The primary is asked again when its breaker's interval is over, and takes
// back its calls by the ramp.
func TestReturnToThePrimary(t *testing.T) {
	modes(t, func(t *testing.T, dialect, p string, stream bool) {
		w := newWorld(t, chain(p+"/primary", p+"/good"))
		w.script(p, `{"rules":[{"match":{"model":"primary"},"to":"60s","fault":"fail-529"}]}`)
		back := time.Duration(0)
		began := time.Now()
		for time.Since(began) < 4*time.Minute {
			r := w.ask(dialect, "m", stream)
			w.whole(r)
			if r.header.Get("Fairlead-Target") == p+"/primary" && back == 0 {
				back = time.Since(began)
			}
			time.Sleep(200 * time.Millisecond)
		}
		if back < time.Minute || back > 2*time.Minute+30*time.Second { // the open interval has grown to 80 s at most by then
			t.Errorf("back after %v", back)
		}
		r := w.ask(dialect, "m", stream)
		if got := r.header.Get("Fairlead-Target"); got != p+"/primary" {
			t.Errorf("in the end %s answers: %s", got, story(r.report))
		}
	})
}

// A thousand clients that leave change no breaker and leave nothing behind;
// synctest fails the test when a goroutine is left.
func TestCancelledCallsChangeNothing(t *testing.T) {
	modes(t, func(t *testing.T, dialect, p string, stream bool) {
		w := newWorld(t, chain(p+"/silent", p+"/good"))
		var wg sync.WaitGroup
		for range 1000 {
			wg.Go(func() {
				ctx, cancel := context.WithCancel(t.Context())
				defer time.AfterFunc(700*time.Millisecond, cancel).Stop()
				r := w.send(ctx, dialect, body("m", stream))
				if e, ok := r.err.(*fairlead.Error); !ok || e.Verdict != event.Canceled {
					t.Errorf("err %v", r.err)
				}
			})
		}
		wg.Wait()
		synctest.Wait()
		for _, a := range w.fake[p].Attempts() {
			if !a.Canceled || a.End.Sub(a.At) > time.Second {
				t.Fatalf("the provider did not hear that the client left: %+v", a)
			}
		}
		w.closedBreakers()
	})
}
