package breaker_test

import (
	"math/rand/v2"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"fairlead.dev/breaker"
)

func TestR12ProbesAreBoundedUnderThousandGoroutines(t *testing.T) {
	for _, probes := range []int{1, 3, 100} {
		b := broken(t, breaker.Config{Probes: probes})
		now := at(time.Minute)
		var out, most, total atomic.Int64
		var all sync.WaitGroup
		start := make(chan struct{})
		for i := range 1000 {
			all.Go(func() {
				<-start
				for range 20 {
					p, _, ok := b.Allow(now, breaker.Ask{Call: uint64(i)})
					if !ok {
						continue
					}
					if !p.Probe() {
						t.Error("admitted without a probe permit")
					}
					n := out.Add(1)
					for m := most.Load(); n > m && !most.CompareAndSwap(m, n); m = most.Load() {
					}
					total.Add(1)
					out.Add(-1)
					p.Done(breaker.Ignore, now)
				}
			})
		}
		close(start)
		all.Wait()
		if most.Load() > int64(probes) || total.Load() == 0 {
			t.Errorf("%d probes at once, %d in all, limit %d", most.Load(), total.Load(), probes)
		}
		for range probes { // none was lost
			mustAllow(t, b, now, 1)
		}
		mustRefuse(t, b, now)
	}
}

func TestR12OneOfAThousandBecomesTheProbe(t *testing.T) {
	b := broken(t, plain())
	now := b.Snapshot(t0).Until
	var admitted atomic.Int64
	var all sync.WaitGroup
	for range 1000 {
		all.Go(func() {
			if _, _, ok := b.Allow(now, breaker.Ask{}); ok {
				admitted.Add(1)
			}
		})
	}
	all.Wait()
	if n := admitted.Load(); n != 1 {
		t.Errorf("%d admitted", n)
	}
}

// TestR13TheChangesOfConcurrentCallersAreOnePath: sorted by Seq they have no
// gap and no double, each begins where the one before ended, and each is a move
// that the picture in the package's comment shows.
func TestR13TheChangesOfConcurrentCallersAreOnePath(t *testing.T) {
	b := breaker.New(breaker.Config{Open: time.Second, Lease: 3 * time.Second})
	var clock atomic.Int64
	var mu sync.Mutex
	var got []breaker.Change
	keep := func(c breaker.Change, changed bool) {
		mu.Lock()
		defer mu.Unlock()
		got = append(got, drain(b)...)
		if changed {
			got = append(got, c)
		}
	}
	var all sync.WaitGroup
	for i := range 1000 {
		all.Go(func() {
			r := rand.New(rand.NewPCG(uint64(i), 4))
			for range 100 {
				now := at(time.Duration(clock.Add(int64(r.ExpFloat64() * 1e6))))
				p, _, ok := b.Allow(now, breaker.Ask{Call: uint64(i), Share: uint32(i), Elsewhere: true})
				keep(breaker.Change{}, false)
				if !ok || r.IntN(50) == 0 { // the latter is never answered
					continue
				}
				n := breaker.Success
				if sick := now.Sub(t0)/(10*time.Second)%2 == 1; sick && r.IntN(10) > 0 || r.IntN(20) == 0 {
					n = breaker.Failure
				}
				keep(p.Done(n, at(time.Duration(clock.Load()))))
				if r.IntN(500) == 0 {
					keep(b.Trip(now, time.Second))
				}
			}
		})
	}
	all.Wait()
	keep(breaker.Change{}, false)
	slices.SortFunc(got, func(x, y breaker.Change) int { return int(int64(x.Seq) - int64(y.Seq)) })
	if len(got) < 20 || b.Snapshot(at(time.Duration(clock.Load()))).Dropped > 0 {
		t.Fatalf("only %d changes", len(got))
	}
	from := breaker.Closed
	for i, c := range got {
		if c.Seq != uint64(i+1) || c.From != from || !slices.Contains(legal[c.Cause], [2]breaker.State{c.From, c.To}) {
			t.Fatalf("change %d after %v: %+v", i+1, from, c)
		}
		from = c.To
	}
	t.Logf("%d changes in %v", len(got), time.Duration(clock.Load()))
}

// legal are the moves that each cause may bring about, overrides apart.
var legal = map[breaker.Cause][][2]breaker.State{
	breaker.Ratio:               {{breaker.Closed, breaker.Open}},
	breaker.ConsecutiveFailures: {{breaker.Closed, breaker.Open}},
	breaker.SlowRatio:           {{breaker.Closed, breaker.Open}},
	breaker.ProbeFailed:         {{breaker.HalfOpen, breaker.Open}},
	breaker.ProbeExpired:        {{breaker.HalfOpen, breaker.Open}},
	breaker.ProbeSucceeded:      {{breaker.HalfOpen, breaker.Ramp}, {breaker.Open, breaker.Ramp}}, // the latter by a late probe
	breaker.RampStep:            {{breaker.Ramp, breaker.Ramp}},
	breaker.RampDone:            {{breaker.Ramp, breaker.Closed}},
	breaker.RampFailed:          {{breaker.Ramp, breaker.Open}},
	breaker.Elapsed:             {{breaker.Open, breaker.HalfOpen}},
	breaker.Tripped: {
		{breaker.Closed, breaker.Open}, {breaker.Open, breaker.Open}, {breaker.HalfOpen, breaker.Open}, {breaker.Ramp, breaker.Open},
	},
}

func TestDoneOfOnePermitByMany(t *testing.T) {
	b := breaker.New(plain())
	p := mustAllow(t, b, t0, 1)
	var all sync.WaitGroup
	for range 100 {
		all.Go(func() { p.Done(breaker.Failure, t0) })
	}
	all.Wait()
	if s := b.Snapshot(t0); s.Attempts != 1 {
		t.Errorf("counted %d times", s.Attempts)
	}
}

func TestEverythingAtOnce(t *testing.T) {
	b := breaker.New(breaker.Config{})
	var pace breaker.Pace
	var all sync.WaitGroup
	for i := range 200 {
		all.Go(func() {
			r := rand.New(rand.NewPCG(uint64(i), 5))
			for range 200 {
				now := at(time.Duration(r.Int64N(int64(time.Hour))))
				p, _, _ := b.Allow(now, breaker.Ask{Call: r.Uint64()})
				b.Peek(now, breaker.Ask{})
				b.Take()
				b.Succeeded(now)
				b.Snapshot(now)
				pace.Slow(time.Duration(r.Int64N(int64(time.Minute))))
				if r.IntN(20) == 0 {
					b.Trip(now, 0)
					b.Override(breaker.Override{Mode: breaker.Mode(r.IntN(4))}, now)
				}
				p.Done(breaker.News(r.IntN(4)), now)
			}
		})
	}
	all.Wait()
}

// TestAMillionOperations: what a million calls leave behind is what the last
// window saw. Ten million take too long under -race; they were run by hand.
func TestAMillionOperations(t *testing.T) {
	n := 1_000_000
	b := breaker.New(breaker.Config{})
	now := t0
	for i := range n {
		p, _, ok := b.Allow(now, breaker.Ask{Call: uint64(i)})
		if !ok {
			t.Fatalf("refused at call %d", i)
		}
		news := breaker.Success
		if i%10 == 0 {
			news = breaker.Failure
		}
		p.Done(news, now)
		now = now.Add(3 * time.Millisecond)
	}
	if s := b.Snapshot(now); s.Attempts < 9000 || s.Attempts > 10_000 || s.Failures*10 > s.Attempts+10 {
		t.Errorf("left %+v", s)
	}
}
