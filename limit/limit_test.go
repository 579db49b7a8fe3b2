package limit_test

import (
	"encoding/json"
	"math"
	"math/rand/v2"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"fairlead.dev/limit"
)

var start = time.Date(2000, 1, 1, 0, 0, 0, 0, time.UTC)

func after(d time.Duration) time.Time { return start.Add(d) }

// take reserves or fails the test.
func take(t *testing.T, p *limit.Pool, n limit.Need, now time.Time) limit.Reservation {
	t.Helper()
	r, wait, ok := p.Reserve(n, 0, now)
	if !ok || wait != 0 {
		t.Fatalf("Reserve(%+v) waits %v, ok %v", n, wait, ok)
	}
	return r
}

// refuse expects to be told a wait.
func refuse(t *testing.T, p *limit.Pool, n limit.Need, now time.Time, want time.Duration) {
	t.Helper()
	if _, wait, ok := p.Reserve(n, 0, now); ok || wait != want {
		t.Fatalf("Reserve(%+v) waits %v, ok %v, want %v", n, wait, ok, want)
	}
}

func TestNoLimits(t *testing.T) {
	for _, l := range []limit.Limits{{}, {RPM: -1, ITPM: -1, OTPM: -1}} {
		p := limit.NewPool(l)
		for range 1000 {
			r := take(t, p, limit.Need{Requests: 1, Input: math.MaxInt, Output: math.MaxInt}, start)
			r.Settle(limit.Need{Output: 5}, start)
		}
	}
}

func TestReserveTakesFromAllOrNone(t *testing.T) {
	p := limit.NewPool(limit.Limits{RPM: 600, ITPM: 6000, OTPM: 600}) // bursts 100, 1000, 100
	take(t, p, limit.Need{Requests: 1, Input: 100, Output: 90}, start)
	refuse(t, p, limit.Need{Requests: 1, Input: 100, Output: 20}, start, time.Second) // 10 missing, 10 a second
	if got, want := p.Snapshot(start).Left, (limit.Need{Requests: 99, Input: 900, Output: 10}); got != want {
		t.Errorf("left %+v, want %+v: the refused one took something", got, want)
	}
	// The longest of the waits counts: 200 input tokens are 2 s, 15 output tokens 0.5 s.
	take(t, p, limit.Need{Input: 900}, start)
	refuse(t, p, limit.Need{Requests: 1, Input: 200, Output: 15}, start, 2*time.Second)
	refuse(t, p, limit.Need{Requests: 1, Input: 200, Output: 15}, after(2*time.Second-time.Millisecond), time.Millisecond)
	take(t, p, limit.Need{Requests: 1, Input: 200, Output: 15}, after(2*time.Second))
	take(t, p, limit.Need{Requests: -5, Input: -5, Output: -5}, start) // negative counts as 0
}

func TestLargerThanTheBurstPassesAsDebt(t *testing.T) {
	p := limit.NewPool(limit.Limits{ITPM: 30_000}) // burst 5,000, 500 a second
	take(t, p, limit.Need{Input: 1}, start)
	refuse(t, p, limit.Need{Input: 150_000}, start, 2*time.Millisecond)
	take(t, p, limit.Need{Input: 150_000}, after(2*time.Millisecond))
	s := p.Snapshot(after(2 * time.Millisecond))
	if s.Left.Input != -145_000 {
		t.Errorf("left %d, want a debt of 145,000", s.Left.Input)
	}
	refuse(t, p, limit.Need{Input: 1}, after(2*time.Millisecond), 290*time.Second+2*time.Millisecond)
	take(t, p, limit.Need{Input: 1}, after(291*time.Second))
}

func TestSettle(t *testing.T) {
	p := limit.NewPool(limit.Limits{RPM: 60, ITPM: 6000, OTPM: 6000}) // bursts 10, 1000, 1000
	r := take(t, p, limit.Need{Requests: 1, Input: 500, Output: 1000}, start)
	r.Settle(limit.Need{Input: 600, Output: 100}, start)
	want := limit.Need{Requests: 9, Input: 400, Output: 900}
	if got := p.Snapshot(start).Left; got != want {
		t.Errorf("left %+v, want %+v", got, want)
	}
	r.Settle(limit.Need{}, start)
	r.Cancel(start)
	if got := p.Snapshot(start).Left; got != want {
		t.Errorf("left %+v after ending twice, want %+v", got, want)
	}
	r = take(t, p, limit.Need{Requests: 1, Output: 100}, start)
	r.Settle(limit.Need{Requests: 3, Output: 2000}, start)
	if got, want := p.Snapshot(start).Left, (limit.Need{Requests: 6, Input: 400, Output: -1100}); got != want {
		t.Errorf("left %+v, want an overrun as debt, %+v", got, want)
	}
	var none limit.Reservation
	none.Settle(limit.Need{}, start)
	none.Cancel(start)
}

func TestCancelRestoresFully(t *testing.T) {
	p := limit.NewPool(limit.Limits{RPM: 60, ITPM: 6000, OTPM: 6000})
	older := take(t, p, limit.Need{Requests: 4, Input: 400, Output: 400}, start)
	newer := take(t, p, limit.Need{Requests: 3, Input: 300, Output: 300}, start)
	older.Cancel(start) // x/time/rate loses these, because of the newer one
	if got, want := p.Snapshot(start).Left, (limit.Need{Requests: 7, Input: 700, Output: 700}); got != want {
		t.Errorf("left %+v, want %+v", got, want)
	}
	newer.Cancel(start)
	newer.Cancel(start)
	if got := p.Snapshot(start); got.Left != got.Burst {
		t.Errorf("left %+v of %+v", got.Left, got.Burst)
	}
	late := take(t, p, limit.Need{Requests: 10}, start)
	late.Cancel(after(time.Hour))
	if got := p.Snapshot(after(time.Hour)); got.Left != got.Burst {
		t.Errorf("left %+v of %+v: more than a full bucket", got.Left, got.Burst)
	}
}

func TestCloseUntil(t *testing.T) {
	p := limit.NewPool(limit.Limits{RPM: 60})
	type step struct {
		d    time.Duration
		why  limit.Cause
		want bool
	}
	for _, s := range []step{
		{30 * time.Second, limit.RateLimited, true},
		{10 * time.Second, limit.Quota, false}, // shorter never shortens
		{30 * time.Second, limit.Quota, false},
		{time.Minute, limit.RampLimited, true},
	} {
		if got := p.CloseUntil(after(s.d), s.why, start); got != s.want {
			t.Errorf("CloseUntil(%v, %v) = %v", s.d, s.why, got)
		}
	}
	if until, why, closed := p.Closed(start); !closed || why != limit.RampLimited || !until.Equal(after(time.Minute)) {
		t.Errorf("Closed = %v, %v, %v", until, why, closed)
	}
	refuse(t, p, limit.Need{}, after(15*time.Second), 45*time.Second)
	refuse(t, p, limit.Need{Requests: 1}, after(time.Minute-1), 1)
	take(t, p, limit.Need{Requests: 1}, after(time.Minute))
	if until, why, closed := p.Closed(after(time.Minute)); closed || why != 0 || !until.IsZero() {
		t.Errorf("Closed = %v, %v, %v at its end", until, why, closed)
	}
	if limit.NewPool(limit.Limits{}).CloseUntil(time.Time{}, limit.Quota, start) {
		t.Error("closed until the zero time")
	}
}

// The wait of a closed pool covers both the door and the bucket.
func TestClosedAndEmpty(t *testing.T) {
	p := limit.NewPool(limit.Limits{RPM: 6}) // burst 1, one per 10 s
	take(t, p, limit.Need{Requests: 1}, start)
	p.CloseUntil(after(3*time.Second), limit.RateLimited, start)
	refuse(t, p, limit.Need{Requests: 1}, start, 10*time.Second)
	p.CloseUntil(after(time.Minute), limit.RateLimited, start)
	refuse(t, p, limit.Need{Requests: 1}, start, time.Minute)
}

func TestReopen(t *testing.T) {
	p := limit.NewPool(limit.Limits{RPM: 6})
	take(t, p, limit.Need{Requests: 1}, start)
	p.CloseUntil(after(time.Hour), limit.Unauthorized, start)
	if !p.Reopen(start) || p.Reopen(start) {
		t.Error("Reopen does not report whether the pool was closed")
	}
	refuse(t, p, limit.Need{Requests: 1}, start, 10*time.Second) // its limits stay
	if !p.CloseUntil(after(time.Second), limit.RateLimited, start) {
		t.Error("a reopened pool cannot be closed again")
	}
}

func TestSetLimitsKeepsState(t *testing.T) {
	p := limit.NewPool(limit.Limits{RPM: 60, ITPM: 6000}) // bursts 10, 1000
	begun := take(t, p, limit.Need{Requests: 9, Input: 900, Output: 50}, start)
	p.SetLimits(limit.Limits{RPM: 600, ITPM: 300, OTPM: 600}, start)
	want := limit.State{Limits: limit.Limits{RPM: 600, ITPM: 300, OTPM: 600},
		Left: limit.Need{Requests: 1, Input: 50, Output: 100}, Burst: limit.Need{Requests: 100, Input: 50, Output: 100}}
	if got := p.Snapshot(start); got != want {
		t.Errorf("%+v, want %+v", got, want)
	}
	begun.Settle(limit.Need{Input: 950, Output: 5000}, start) // output was not limited when it began
	want.Left.Input = 0
	if got := p.Snapshot(start); got != want {
		t.Errorf("settled: %+v, want %+v", got, want)
	}
	p.SetLimits(limit.Limits{}, start)
	take(t, p, limit.Need{Requests: 1000, Input: 1000, Output: 1000}, start)
	p.SetLimits(limit.Limits{RPM: 60}, start)
	if got := p.Snapshot(start).Left.Requests; got != 10 {
		t.Errorf("a new limit starts with %d, want 10", got)
	}
}

// R32: in any 60 s window attempts stay within limit + burst, and under backlog the limit is used
// to at least 95%. Attempts that are cancelled at once do not count.
func TestR32WindowAndUtilisation(t *testing.T) {
	for _, rpm := range []int{1, 2, 5, 6, 7, 60, 250, 4000} {
		p, rnd := limit.NewPool(limit.Limits{RPM: rpm}), rand.New(rand.NewPCG(5, uint64(rpm)))
		var sent []time.Duration
		const length = 20 * time.Minute
		for at := time.Duration(0); at < length; {
			r, wait, ok := p.Reserve(limit.Need{Requests: 1}, 0, after(at))
			switch {
			case !ok:
				at += wait
			case rnd.IntN(10) == 0:
				r.Cancel(after(at))
			default:
				sent = append(sent, at)
			}
		}
		burst, first := max(1, rpm/6), 0
		for i, at := range sent {
			for at-sent[first] >= time.Minute {
				first++
			}
			if n := i - first + 1; n > rpm+burst {
				t.Fatalf("rpm %d: %d attempts in the minute to %v", rpm, n, at)
			}
		}
		if got, want := float64(len(sent)), float64(rpm)*length.Minutes(); got < 0.95*want {
			t.Errorf("rpm %d: %.0f attempts, want %.0f", rpm, got, want)
		}
	}
}

// R33: tokens used stay within 2% of the limits over an hour, whatever the estimates were.
func TestR33TokensWithinTwoPercent(t *testing.T) {
	l := limit.Limits{ITPM: 60_000, OTPM: 60_000}
	p, rnd := limit.NewPool(l), rand.New(rand.NewPCG(7, 8))
	type flight struct {
		r    limit.Reservation
		used limit.Need
		ends time.Duration
	}
	var flights []flight
	var input, output int
	const length = 2 * time.Hour
	for at := time.Duration(0); at < length; at += 100 * time.Millisecond {
		for len(flights) > 0 && flights[0].ends <= at {
			flights[0].r.Settle(flights[0].used, after(at))
			flights = flights[1:]
		}
		for len(flights) < 50 {
			size := rnd.IntN(4000)
			r, _, ok := p.Reserve(limit.Need{Requests: 1, Input: size, Output: 4096}, 0, after(at))
			if !ok {
				break
			}
			used := limit.Need{Requests: 1, Input: size * (80 + rnd.IntN(60)) / 100}
			used.Output = used.Input // both limits bind
			input, output = input+used.Input, output+used.Output
			flights = append(flights, flight{r, used, at + 5*time.Second})
		}
	}
	for name, got := range map[string]int{"input": input, "output": output} {
		if share := float64(got) / (float64(l.ITPM) * length.Minutes()); share > 1.02 {
			t.Errorf("%s: %.3f of the limit", name, share)
		} else if share < 0.9 {
			t.Errorf("%s: only %.3f of the limit", name, share)
		}
	}
}

// The wait that Reserve names is enough, to the nanosecond, where nobody else takes.
func TestTheWaitIsEnough(t *testing.T) {
	rnd := rand.New(rand.NewPCG(9, 10))
	for range 200 {
		p, now := limit.NewPool(limit.Limits{RPM: 1 + rnd.IntN(5000), ITPM: 1 + rnd.IntN(1_000_000)}), start
		for range 200 {
			n := limit.Need{Requests: 1, Input: rnd.IntN(20_000)}
			now = now.Add(time.Duration(rnd.IntN(int(time.Second))))
			if _, wait, ok := p.Reserve(n, 0, now); !ok {
				now = now.Add(wait)
				take(t, p, n, now)
			}
		}
	}
}

// An hour of a clock that lies behind, or a century ahead, neither gives nor takes.
func TestOddClocks(t *testing.T) {
	p := limit.NewPool(limit.Limits{RPM: 60})
	take(t, p, limit.Need{Requests: 10}, start)
	refuse(t, p, limit.Need{Requests: 1}, after(-time.Hour), time.Second)
	take(t, p, limit.Need{Requests: 10}, start.AddDate(500, 0, 0))
	refuse(t, p, limit.Need{Requests: 1}, start.AddDate(500, 0, 0), time.Second)
	p = limit.NewPool(limit.Limits{RPM: 60})
	p.Snapshot(time.Time{})
	take(t, p, limit.Need{Requests: 10}, start)
	refuse(t, p, limit.Need{Requests: 1}, start, time.Second)
	p = limit.NewPool(limit.Limits{OTPM: 1})
	r := take(t, p, limit.Need{}, start)
	r.Settle(limit.Need{Output: math.MaxInt}, start)
	refuse(t, p, limit.Need{Output: 1}, start, math.MaxInt64)
}

func TestRace(t *testing.T) {
	p := limit.NewPool(limit.Limits{RPM: 6000, ITPM: 60_000_000})
	var sent atomic.Int64
	var wg sync.WaitGroup
	for g := range 8 {
		wg.Go(func() {
			for i := range 2000 {
				r, _, ok := p.Reserve(limit.Need{Requests: 1, Input: 10}, 0, start)
				if !ok {
					continue
				}
				if (g+i)%2 == 0 {
					r.Cancel(start)
				} else {
					sent.Add(1)
					r.Settle(limit.Need{Input: 5}, start)
				}
				p.Snapshot(start)
				p.CloseUntil(start, limit.Quota, start)
				p.Closed(start)
			}
		})
	}
	wg.Wait()
	s := p.Snapshot(start)
	if n := int(sent.Load()); n != 1000 || s.Left.Requests != 0 || s.Left.Input != s.Burst.Input-5*n {
		t.Errorf("%d sent, left %+v of %+v", n, s.Left, s.Burst)
	}
}

func TestValidate(t *testing.T) {
	if err := (limit.Limits{RPM: 1, ITPM: -1, OTPM: 1_000_000_000}).Validate(); err != nil {
		t.Error(err)
	}
	err := limit.Limits{RPM: 1_000_000_001, OTPM: 2_000_000_000}.Validate()
	if err == nil || !strings.Contains(err.Error(), "limit: RPM: 1000000001") || !strings.Contains(err.Error(), "limit: OTPM: 2000000000") {
		t.Errorf("Validate() = %v", err)
	}
}

func TestCauseText(t *testing.T) {
	all := []limit.Cause{0, limit.RateLimited, limit.RampLimited, limit.Quota, limit.Unauthorized}
	text, err := json.Marshal(all)
	if want := `["","rate_limited","ramp_limited","quota_exhausted","unauthorized"]`; err != nil || string(text) != want {
		t.Errorf("%s, %v", text, err)
	}
	var back []limit.Cause
	if err := json.Unmarshal(text, &back); err != nil || len(back) != len(all) || back[3] != limit.Quota {
		t.Errorf("%v, %v", back, err)
	}
	var c limit.Cause
	if err := c.UnmarshalText([]byte("other")); err == nil || c != 0 {
		t.Errorf("unknown cause: %v, %v", c, err)
	}
	if got := limit.Cause(9).String(); got != "Cause(9)" {
		t.Error(got)
	}
}
