package breaker_test

import (
	"container/heap"
	"math/rand/v2"
	"testing"
	"time"

	"fairlead.dev/breaker"
)

// simulation is a target under load: calls arrive as a Poisson process, one attempt each, and
// are answered after a while.
type simulation struct {
	rate    float64                               // calls a second
	failing func(at time.Duration) float64        // part of the attempts started then that fails
	latency func(r *rand.Rand) time.Duration      // of an attempt
	length  time.Duration                         // of the simulation
	each    func(at time.Duration, admitted bool) // sees every call; may be nil
}

// answer is what an attempt under way will bring.
type answer struct {
	at   time.Duration
	p    breaker.Permit
	news breaker.News
}

// pending are the attempts under way, by the time of their answer.
type pending []answer

func (p pending) Len() int           { return len(p) }
func (p pending) Less(i, j int) bool { return p[i].at < p[j].at }
func (p pending) Swap(i, j int)      { p[i], p[j] = p[j], p[i] }
func (p *pending) Push(x any)        { *p = append(*p, x.(answer)) }
func (p *pending) Pop() any {
	x := (*p)[len(*p)-1]
	*p = (*p)[:len(*p)-1]
	return x
}

// run returns all changes.
func (s simulation) run(seed uint64) (changes []breaker.Change) {
	r := rand.New(rand.NewPCG(seed, 3))
	b := breaker.New(breaker.Config{Rand: r.Float64})
	var out pending
	settle := func(until time.Duration) {
		for len(out) > 0 && out[0].at <= until {
			x := heap.Pop(&out).(answer)
			c, changed := x.p.Done(x.news, at(x.at))
			changes = append(changes, drain(b)...)
			if changed {
				changes = append(changes, c)
			}
		}
	}
	call := uint64(0)
	for now := time.Duration(0); now < s.length; now += time.Duration(r.ExpFloat64() / s.rate * 1e9) {
		settle(now)
		call++
		p, _, ok := b.Allow(at(now), breaker.Ask{Call: call, Share: r.Uint32(), Elsewhere: true})
		changes = append(changes, drain(b)...)
		if s.each != nil {
			s.each(now, ok)
		}
		if !ok {
			continue
		}
		news := breaker.Success
		if r.Float64() < s.failing(now) {
			news = breaker.Failure
		}
		heap.Push(&out, answer{now + s.latency(r), p, news})
	}
	settle(s.length)
	return changes
}

func quick(r *rand.Rand) time.Duration {
	return time.Duration((0.2 + r.ExpFloat64()*0.3) * 1e9)
}

func always(p float64) func(time.Duration) float64 { return func(time.Duration) float64 { return p } }

func TestOpensWithin10sAt60Percent(t *testing.T) {
	// The figure must hold for a fresh breaker and for one with a healthy past,
	// which fills its window with successes.
	for _, healthy := range []time.Duration{0, 31 * time.Second, 5 * time.Minute} {
		late := 0
		for seed := range uint64(400) {
			s := simulation{rate: 10, length: healthy + 10*time.Second, latency: quick, failing: func(at time.Duration) float64 {
				if at < healthy {
					return 0
				}
				return 0.6
			}}
			opened := false
			for _, c := range s.run(seed) {
				opened = opened || c.To == breaker.Open
			}
			if !opened {
				late++
			}
		}
		if late > 4 {
			t.Errorf("after %v of health, %d of 400 seeds did not open within 10 s", healthy, late)
		}
		t.Logf("after %v of health, %d of 400 late", healthy, late)
	}
}

func TestStaysClosedAt10Percent(t *testing.T) {
	for _, rate := range []float64{1, 10, 50} {
		opened := 0
		for seed := range uint64(100) {
			s := simulation{rate: rate, length: 10 * time.Minute, latency: quick, failing: always(0.1)}
			if changes := s.run(seed); len(changes) > 0 {
				opened++
				t.Logf("%v/s, seed %d: %+v", rate, seed, changes[0])
			}
		}
		if rate == 10 && opened > 0 {
			t.Errorf("opened in %d of 100 seeds", opened)
		}
		if opened > 5 {
			t.Errorf("at %v calls a second, opened in %d of 100 seeds", rate, opened)
		}
	}
}

// TestRecoversFromAnOutage: a minute of total outage at ten calls a second with
// long answers. While it lasts only probes are sent; afterwards all calls come
// back, in steps.
func TestRecoversFromAnOutage(t *testing.T) {
	const from, to = time.Minute, 2 * time.Minute
	for seed := range uint64(50) {
		sent, after := 0, [2]int{}
		s := simulation{
			rate: 10, length: 6 * time.Minute,
			latency: func(r *rand.Rand) time.Duration { return time.Duration((1 + r.ExpFloat64()*4) * 1e9) },
			failing: func(at time.Duration) float64 {
				if at >= from && at < to {
					return 1
				}
				return 0
			},
			each: func(at time.Duration, ok bool) {
				if ok && at > from+20*time.Second && at < to {
					sent++
				}
				if at > 5*time.Minute {
					if ok {
						after[0]++
					}
					after[1]++
				}
			},
		}
		changes := s.run(seed)
		if sent > 5 {
			t.Errorf("seed %d: %d attempts sent into the outage", seed, sent)
		}
		if after[0] != after[1] {
			t.Errorf("seed %d: three minutes later %d of %d calls are admitted", seed, after[0], after[1])
		}
		if last := changes[len(changes)-1]; last.Cause != breaker.RampDone {
			t.Errorf("seed %d: ends with %+v", seed, last)
		}
	}
}

// TestNothingLeavesItShut: whatever happened, a caller who keeps asking gets
// through, and if the target is well everybody does in the end.
func TestNothingLeavesItShut(t *testing.T) {
	for seed := range uint64(300) {
		m := newModel(seed)
		for range 300 {
			if fault := m.op(); fault != "" {
				t.Fatal(fault)
			}
		}
		b, now := m.b, m.now
		b.Override(breaker.Override{}, now)
		a := breaker.Ask{Call: 9, Share: outUntilLast, Elsewhere: true} // the last to be let in
		admissions := 0
		for end := now.Add(time.Hour); now.Before(end) && b.Snapshot(now).State != breaker.Closed; {
			p, wait, ok := b.Allow(now, a)
			if ok {
				admissions++
				now = now.Add(time.Second)
				p.Done(breaker.Success, now)
				continue
			}
			now = now.Add(wait)
		}
		if s := b.Snapshot(now); s.State != breaker.Closed {
			t.Errorf("seed %d: an hour later, after %d admissions: %+v", seed, admissions, s)
		}
	}
}
