package fairlead_test

import (
	"fmt"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"fairlead.dev"
	"fairlead.dev/event"
)

// bubble runs f in virtual time.
func bubble(t *testing.T, f func(t *testing.T)) {
	t.Helper()
	synctest.Test(t, f)
}

// modes runs f for both dialects, plain and streamed.
func modes(t *testing.T, f func(t *testing.T, dialect, provider string, stream bool)) {
	for dialect, provider := range map[string]string{"anthropic": "a", "openai": "o"} {
		for _, stream := range []bool{false, true} {
			t.Run(fmt.Sprintf("%s/stream=%v", dialect, stream), func(t *testing.T) {
				bubble(t, func(t *testing.T) { f(t, dialect, provider, stream) })
			})
		}
	}
}

// A fault of the primary that somebody else can make up for is never seen by
// the caller.
func TestFaultsOfThePrimaryAreInvisible(t *testing.T) {
	for _, fault := range []string{
		"fail-529", "fail-500", "fail-503", "fail-408", "html-502", "reset", "silent", "fail-401", "fail-403", "fail-402",
		"spend-limit", "no-quota", "bad-key", "unknown-model", "retry-after-3600", "ramp-limit", "empty", "bad-json",
		"html-200", "wrong-length", "cut-after-0", "too-long",
	} {
		t.Run(fault, func(t *testing.T) {
			modes(t, func(t *testing.T, dialect, p string, stream bool) {
				w := newWorld(t, func(cfg *fairlead.Config) {
					// Credentials and pools are per key and family: the fallback is another model with another key.
					chain(p+"/"+fault, p+"2/good")(cfg)
					for _, prov := range cfg.Providers {
						if prov.Name == p {
							prov.Name = p + "2"
							cfg.Providers = append(cfg.Providers, prov)
						}
					}
				})
				r := w.ask(dialect, "m", stream)
				w.whole(r)
				if fault == "wrong-length" && stream {
					return // its end marker came: what the header said does not matter
				}
				if got := r.header.Get("Fairlead-Target"); got != p+"2/good" {
					t.Errorf("answered by %q", got)
				}
				if got := r.header.Get("Fairlead-Fallback"); got != "true" {
					t.Errorf("fairlead-fallback: %q", got)
				}
				if r.header.Get("Fairlead-Reason") == "" {
					t.Error("no fairlead-reason")
				}
			})
		})
	}
}

// One attempt is enough where another cannot help.
func TestOneAttemptWhereAnotherCannotHelp(t *testing.T) {
	for _, fault := range []string{"fail-401", "fail-402", "fail-403", "spend-limit", "no-quota", "unknown-model", "silent", "fail-400", "retry-after-3600"} {
		t.Run(fault, func(t *testing.T) {
			modes(t, func(t *testing.T, dialect, p string, stream bool) {
				w := newWorld(t, chain(p+"/"+fault))
				if r := w.ask(dialect, "m", stream); r.err == nil {
					t.Fatal("answered")
				}
				if got := w.asked(p); len(got) != 1 {
					t.Errorf("asked %d times", len(got))
				}
			})
		})
	}
}

func TestServerErrorOnceIsAskedAgain(t *testing.T) {
	modes(t, func(t *testing.T, dialect, p string, stream bool) {
		w := newWorld(t, chain(p+"/fail-500-once", p+"/good"))
		r := w.ask(dialect, "m", stream)
		w.whole(r)
		if got := w.asked(p); !slices.Equal(got, []string{"fail-500-once", "fail-500-once"}) {
			t.Errorf("asked %v", got)
		}
		if r.took < 200*time.Millisecond || r.took > time.Second {
			t.Errorf("took %v", r.took)
		}
		if r.header.Get("Fairlead-Fallback") != "false" || r.header.Get("Fairlead-Attempts") != "2" {
			t.Errorf("headers %v", r.header)
		}
	})
}

func TestRetryAfterIsObeyed(t *testing.T) {
	modes(t, func(t *testing.T, dialect, p string, stream bool) {
		w := newWorld(t, chain(p+"/retry-after-2-once", p+"/good"))
		r := w.ask(dialect, "m", stream)
		w.whole(r)
		if r.took < 2*time.Second || r.took > 2300*time.Millisecond {
			t.Errorf("took %v", r.took)
		}
		if got := w.asked(p); !slices.Equal(got, []string{"retry-after-2-once", "retry-after-2-once"}) {
			t.Errorf("asked %v", got)
		}
	})
}

func TestLongRetryAfterHopsAtOnce(t *testing.T) {
	modes(t, func(t *testing.T, dialect, p string, stream bool) {
		w := newWorld(t, chain(p+"/retry-after-3600", p+"/good"))
		for i := range 3 {
			r := w.ask(dialect, "m", stream)
			w.whole(r)
			if r.took > 50*time.Millisecond {
				t.Errorf("call %d took %v", i, r.took)
			}
		}
		want := []string{"retry-after-3600", "good", "good", "good"} // the pool stays closed
		if got := w.asked(p); !slices.Equal(got, want) {
			t.Errorf("asked %v, want %v", got, want)
		}
	})
}

// A target that is asked in the primary's place never decides what the caller
// is told.
func TestTheFinalErrorIsThePrimarys(t *testing.T) {
	modes(t, func(t *testing.T, dialect, p string, stream bool) {
		w := newWorld(t, chain(p+"/fail-529", p+"/fail-400"))
		r := w.ask(dialect, "m", stream)
		e, _ := r.err.(*fairlead.Error)
		if e == nil || r.status != 529 || e.Verdict != event.Overloaded {
			t.Fatalf("status %d, err %v", r.status, r.err)
		}
		if r.header.Get("X-Should-Retry") != "false" {
			t.Errorf("x-should-retry %q", r.header.Get("X-Should-Retry"))
		}
	})
}

func TestAttemptsPerCallAreCapped(t *testing.T) {
	modes(t, func(t *testing.T, dialect, p string, stream bool) {
		w := newWorld(t, chain(p+"/fail-500", p+"/fail-503", p+"/fail-529", p+"/x:fail-500"))
		if r := w.ask(dialect, "m", stream); r.err == nil {
			t.Fatal("answered")
		}
		if got := w.asked(p); len(got) != 5 {
			t.Errorf("asked %d times: %v", len(got), got)
		}
	})
}

// One bad request, sent a thousand times, changes no breaker.
func TestBadRequestsChangeNoBreaker(t *testing.T) {
	modes(t, func(t *testing.T, dialect, p string, stream bool) {
		w := newWorld(t, chain(p+"/fail-400", p+"/good"))
		for range 1000 {
			if r := w.ask(dialect, "m", stream); r.status != 400 {
				t.Fatalf("status %d: %v", r.status, r.err)
			}
		}
		if got := w.asked(p); len(got) != 1000 {
			t.Errorf("asked %d times", len(got))
		}
		w.closedBreakers()
	})
}

// closedBreakers fails the test when any breaker moved.
func (w *world) closedBreakers() {
	w.Helper()
	for _, s := range w.client.Targets() {
		if !s.Available || s.Breaker.State.String() != "closed" || s.Upstream.State.String() != "closed" {
			w.Errorf("%s: available %v, breaker %v, provider %v", s.Name, s.Available, s.Breaker.State, s.Upstream.State)
		}
	}
}
