package limit_test

import (
	"testing"
	"time"

	"fairlead.dev/limit"
)

// one is a request without tokens.
var one = limit.Need{Requests: 1}

// admits takes requests until the pool refuses, and returns how many went.
func admits(p *limit.Pool, now time.Time) (n int) {
	for ; n < 10_000; n++ {
		if _, _, ok := p.Reserve(one, 0, now); !ok {
			break
		}
	}
	return n
}

func told(limits, remaining int) limit.Report {
	return limit.Report{{Known: true, Limit: limits, Remaining: remaining}}
}

// A limit that is not configured is learned; of two the lower one holds; one that is switched off stays
// off.
func TestLimitsAreLearned(t *testing.T) {
	for _, c := range []struct{ configured, told, want int }{{0, 600, 600}, {300, 600, 300}, {600, 300, 300}, {-1, 300, 0}, {300, 0, 300}} {
		p := limit.NewPool(limit.Limits{RPM: c.configured})
		r, _, _ := p.Reserve(one, 0, start)
		r.Learn(told(c.told, 10_000), true, start)
		if got := p.Snapshot(start).Limits.RPM; got != c.want {
			t.Errorf("configured %d, told %d: %d holds, want %d", c.configured, c.told, got, c.want)
		}
	}
	p := limit.NewPool(limit.Limits{})
	r, _, _ := p.Reserve(one, 0, start)
	r.Learn(limit.Report{1: {Known: true, Limit: 60_000, Remaining: 60_000}}, true, start)
	if s := p.Snapshot(start); s.Limits != (limit.Limits{ITPM: 60_000}) || s.Left.Input != 10_000 {
		t.Errorf("%+v", s)
	}
}

// Less remaining than we thought wins at once, more only slowly.
func TestRemainingIsBelieved(t *testing.T) {
	p := limit.NewPool(limit.Limits{RPM: 600}) // 10 a second, 100 at once
	r, _, _ := p.Reserve(one, 0, start)
	r.Learn(told(600, 600), true, start)
	if got := p.Snapshot(start).Left.Requests; got != 99 {
		t.Fatalf("left %d after nothing new", got)
	}
	r.Learn(told(600, 80), true, start)
	if got := p.Snapshot(start).Left.Requests; got != 80-60 { // a tenth of the minute is left to the provider
		t.Errorf("left %d of 80, want 20 at once", got)
	}
	// Two seconds later it has filled by 20 of its own, and rises by another six.
	now := after(2 * time.Second)
	r.Learn(told(600, 600), true, now)
	if got := p.Snapshot(now).Left.Requests; got != 40+6 {
		t.Errorf("left %d, want 46", got)
	}
	r.Learn(told(600, 600), true, now)
	if got := p.Snapshot(now).Left.Requests; got != 46 {
		t.Errorf("left %d, told twice in one moment", got)
	}
}

// After an outage calls come at the limit's rate, not in a burst, and what has collected at the provider is
// believed slower still.
func TestCalm(t *testing.T) {
	p := limit.NewPool(limit.Limits{RPM: 600})
	p.Calm(start)
	if n := admits(p, start); n != 1 {
		t.Errorf("%d at once, want a tenth of a second's worth", n)
	}
	r, _, _ := p.Reserve(one, 0, after(time.Second))
	r.Learn(told(600, 600), true, after(time.Second))
	now := after(2 * time.Second)
	r.Learn(told(600, 600), true, now)
	if n := p.Snapshot(now).Left.Requests; n != 19 {
		t.Errorf("left %d, want 19", n)
	}
}

// A limit may be one of a second, or of a day: how long the provider takes to have it all again tells.
func TestWindowsThatAreNoMinutes(t *testing.T) {
	for name, c := range map[string]struct {
		limit, remaining int
		reset            time.Duration
		want             int // a minute; 0: not learned
	}{
		"not told":                     {600, 590, 0, 600},
		"a minute":                     {600, 590, time.Second, 600},
		"a minute, rounded up":         {60_000, 59_999, time.Second, 60_000},
		"a minute, all used":           {600, 0, time.Minute, 600},
		"a minute, nothing used":       {600, 600, time.Second, 600},
		"a second":                     {10, 9, 100 * time.Millisecond, 600},
		"a second, all used":           {10, 0, time.Second, 600},
		"a day (OpenAI)":               {10_000, 9_999, 8640 * time.Millisecond, 0},
		"a day (Groq)":                 {14_400, 14_000, 40 * time.Minute, 0},
		"a day, rounded to the second": {1000, 999, 87 * time.Second, 0},
	} {
		p := limit.NewPool(limit.Limits{})
		r, _, _ := p.Reserve(one, 0, start)
		r.Learn(limit.Report{{Known: true, Limit: c.limit, Remaining: c.remaining, Reset: c.reset}}, true, start)
		if got := p.Snapshot(start).Limits.RPM; got != c.want {
			t.Errorf("%s: %d a minute, want %d", name, got, c.want)
		}
	}
}

// What was sent after the request that is answered is not in what its answer tells.
func TestWhatIsInFlightIsNotCountedTwice(t *testing.T) {
	p := limit.NewPool(limit.Limits{RPM: 600})
	first, _, _ := p.Reserve(one, 0, start)
	for range 20 {
		p.Reserve(one, 0, start)
	}
	gone, _, _ := p.Reserve(one, 0, start)
	gone.Cancel(start)
	first.Learn(told(600, 100), true, start)
	if got := p.Snapshot(start).Left.Requests; got != 100-25-20 { // a quarter of the most it ever had is left to the provider
		t.Errorf("left %d, want 55", got)
	}
	// Output is charged as it is written: all that is reserved is yet to come.
	p = limit.NewPool(limit.Limits{OTPM: 60_000})
	p.Reserve(limit.Need{Output: 500}, 0, start)
	last, _, _ := p.Reserve(limit.Need{Output: 300}, 0, start)
	last.Learn(limit.Report{2: {Known: true, Limit: 60_000, Remaining: 9000}}, true, start)
	if got, want := p.Snapshot(start).Left.Output, 9000-9000/4-800; got != want {
		t.Errorf("left %d, want %d", got, want)
	}
}

// The shares of others are kept, but not for ever: a full bucket lets anything pass.
func TestSharesAreKept(t *testing.T) {
	p := limit.NewPool(limit.Limits{RPM: 600})
	low := 0
	for ; ; low++ {
		if _, wait, ok := p.Reserve(one, 0.2, start); !ok {
			if wait != 100*time.Millisecond {
				t.Errorf("wait %v", wait)
			}
			break
		}
	}
	if high := admits(p, start); low != 80 || high != 20 {
		t.Errorf("%d with a share kept, then %d", low, high)
	}
	if _, _, ok := p.Reserve(limit.Need{Requests: 5000}, 0.2, after(10*time.Second)); !ok {
		t.Error("what is larger than the burst did not pass a full bucket")
	}
}

// After a 429 one goes first, and the others when that one was accepted, at half the rate and rising.
func TestReopening(t *testing.T) {
	for name, accept := range map[string]func(r *limit.Reservation, now time.Time){
		"headers": func(r *limit.Reservation, now time.Time) { r.Learn(limit.Report{}, true, now) },
		"settled": func(r *limit.Reservation, now time.Time) { r.Settle(one, now) },
	} {
		p := limit.NewPool(limit.Limits{RPM: 600})
		admits(p, start)
		p.CloseUntil(after(5*time.Second), limit.RateLimited, start)
		if n := admits(p, after(4*time.Second)); n != 0 {
			t.Errorf("%s: %d before its time", name, n)
		}
		now := after(5 * time.Second)
		probe, _, ok := p.Reserve(one, 0, now)
		if n := admits(p, now); !ok || n != 0 {
			t.Errorf("%s: %v, and %d beside the first", name, ok, n)
		}
		now = after(6 * time.Second)
		accept(&probe, now)
		if n := admits(p, now); n != 59 {
			t.Errorf("%s: %d when it was accepted, want 59", name, n)
		}
		now = now.Add(time.Second) // half the rate, and a twentieth more
		if n := admits(p, now); n != 5 {
			t.Errorf("%s: %d in the first second of the ramp, want 5", name, n)
		}
		now = now.Add(20 * time.Second)
		admits(p, now)
		if n := admits(p, now.Add(time.Second)); n != 10 {
			t.Errorf("%s: %d in a second after the ramp", name, n)
		}
	}
}

// A first one that is refused closes the pool again; one that was never sent, or is not heard of, makes way
// for another.
func TestTheFirstOneFails(t *testing.T) {
	p := limit.NewPool(limit.Limits{RPM: 600})
	p.CloseUntil(after(time.Second), limit.RateLimited, start)
	now := after(time.Second)
	r, _, _ := p.Reserve(one, 0, now)
	r.Learn(limit.Report{}, false, now)
	r.Settle(one, now)
	if !p.CloseUntil(now.Add(time.Second), limit.RateLimited, now) {
		t.Error("not closed again")
	}
	now = now.Add(time.Second)
	r, _, _ = p.Reserve(one, 0, now)
	r.Cancel(now)
	r, _, ok := p.Reserve(one, 0, now)
	if !ok || admits(p, now) != 0 {
		t.Error("no other one, or more than one, after the first was not sent")
	}
	if n := admits(p, now.Add(30*time.Second)); n != 1 {
		t.Errorf("%d after half a minute of silence, want 1", n)
	}
}

// R33: input is corrected as soon as it is known, and what comes later corrects the rest.
func TestCorrect(t *testing.T) {
	p := limit.NewPool(limit.Limits{ITPM: 60_000})
	r, _, _ := p.Reserve(limit.Need{Requests: 1, Input: 8000}, 0, start)
	r.Correct(100, start)
	if got := p.Snapshot(start).Left.Input; got != 9900 {
		t.Errorf("left %d", got)
	}
	r.Settle(limit.Need{Input: 150}, start)
	r.Correct(5000, start)
	if got := p.Snapshot(start).Left.Input; got != 9850 {
		t.Errorf("left %d at the end", got)
	}
}

// A rate that was found once grows while nothing is refused, and is forgotten when it is no limit any more.
func TestAFoundRateGrowsOutOfSight(t *testing.T) {
	p := limit.NewPool(limit.Limits{})
	for n := range 60 {
		now := after(time.Duration(n) * time.Second)
		p.Reserve(one, 0, now)
		if n%20 == 19 {
			p.CloseUntil(now.Add(time.Millisecond), limit.RateLimited, now)
			r, _, _ := p.Reserve(one, 0, now.Add(10*time.Millisecond))
			r.Settle(one, now.Add(10*time.Millisecond))
		}
	}
	if rate := p.Snapshot(after(time.Minute)).Rate; rate <= 0 || rate > 2 {
		t.Fatalf("found %v a second, want about one", rate)
	}
	last := 0.0
	for n := range 48 * 60 * 3 { // two days, three a minute
		now := after(2*time.Minute + time.Duration(n)*20*time.Second)
		r, wait, ok := p.Reserve(one, 0, now)
		if !ok {
			t.Fatalf("refused after %v for %v", now.Sub(start), wait)
		}
		r.Settle(one, now)
		rate := p.Snapshot(now).Rate
		if rate != 0 && rate < last {
			t.Fatalf("fell from %v to %v a second, with nothing refused", last, rate)
		}
		last = rate
	}
	if last != 0 {
		t.Errorf("still %v a second after two days", last)
	}
}
