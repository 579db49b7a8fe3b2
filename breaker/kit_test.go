package breaker_test

import (
	"testing"
	"time"

	"fairlead.dev/breaker"
)

// t0 is when every test begins.
var t0 = time.Date(2026, 11, 24, 14, 0, 0, 0, time.UTC)

// at is a time after the beginning.
func at(d time.Duration) time.Time { return t0.Add(d) }

// never jitters nothing: intervals have the length that was configured.
func never() float64 { return 1 - 1e-12 }

// plain is the default configuration without jitter.
func plain() breaker.Config { return breaker.Config{Rand: never} }

// mustAllow admits an attempt of a call or fails the test.
func mustAllow(t *testing.T, b *breaker.Breaker, now time.Time, call uint64) breaker.Permit {
	t.Helper()
	p, wait, ok := b.Allow(now, breaker.Ask{Call: call})
	if !ok {
		t.Fatalf("refused at +%v for %v: %+v", now.Sub(t0), wait, b.Snapshot(now))
	}
	return p
}

// mustRefuse wants no admission, and a wait that is positive.
func mustRefuse(t *testing.T, b *breaker.Breaker, now time.Time) time.Duration {
	t.Helper()
	_, wait, ok := b.Allow(now, breaker.Ask{Call: 1 << 40})
	if ok || wait <= 0 {
		t.Fatalf("at +%v: admitted %v, wait %v: %+v", now.Sub(t0), ok, wait, b.Snapshot(now))
	}
	return wait
}

// feed admits one attempt for each piece of news, each of a call of its own,
// and returns the last change.
func feed(t *testing.T, b *breaker.Breaker, now time.Time, news ...breaker.News) (last breaker.Change) {
	t.Helper()
	for i, n := range news {
		p := mustAllow(t, b, now, uint64(1000+i))
		if c, changed := p.Done(n, now); changed {
			last = c
		}
	}
	return last
}

// times repeats one kind of news.
func times(n int, news breaker.News) []breaker.News {
	all := make([]breaker.News, n)
	for i := range all {
		all[i] = news
	}
	return all
}

// broken returns a breaker that five failures opened at t0.
func broken(t *testing.T, cfg breaker.Config) *breaker.Breaker {
	t.Helper()
	b := breaker.New(cfg)
	if c := feed(t, b, t0, times(5, breaker.Failure)...); c.To != breaker.Open {
		t.Fatalf("five failures did not open it: %+v", c)
	}
	return b
}

// ramping returns a breaker whose probe succeeded, and when.
func ramping(t *testing.T, cfg breaker.Config) (*breaker.Breaker, time.Time) {
	t.Helper()
	b := broken(t, cfg)
	now := b.Snapshot(t0).Until
	if c := feed(t, b, now, breaker.Success); c.To != breaker.Ramp {
		t.Fatalf("a good probe did not begin the ramp: %+v", c)
	}
	drain(b)
	return b, now
}

// drain takes the changes that time brought about.
func drain(b *breaker.Breaker) (all []breaker.Change) {
	for c, ok := b.Take(); ok; c, ok = b.Take() {
		all = append(all, c)
	}
	return all
}

// wantState fails the test if the breaker stands elsewhere.
func wantState(t *testing.T, b *breaker.Breaker, now time.Time, want breaker.State) {
	t.Helper()
	if got := b.Snapshot(now).State; got != want {
		t.Fatalf("at +%v: state %v, want %v", now.Sub(t0), got, want)
	}
}

// shares returns two conversations, one inside the first step's share and one
// outside all steps but the last.
func shares(t *testing.T) (in, out uint32) {
	t.Helper()
	b, now := ramping(t, plain())
	for i := range uint32(10_000) {
		if _, ok := b.Peek(now, breaker.Ask{Share: i, Elsewhere: true}); ok {
			in = i
			break
		}
	}
	b = climbTo(t, 60)
	for i := range uint32(10_000) {
		if _, ok := b.Peek(t0, breaker.Ask{Share: i, Elsewhere: true}); !ok {
			return in, i
		}
	}
	t.Fatal("no conversation is outside 60 %")
	return 0, 0
}

// climbTo returns a breaker whose ramp has reached a share.
func climbTo(t *testing.T, percent int) *breaker.Breaker {
	t.Helper()
	b, now := ramping(t, plain())
	for b.Snapshot(now).Share < percent {
		p := mustAllow(t, b, now, 1)
		now = now.Add(time.Second)
		p.Done(breaker.Success, now)
	}
	drain(b)
	return b
}
