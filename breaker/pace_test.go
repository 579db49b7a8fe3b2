package breaker_test

import (
	"math"
	"math/rand/v2"
	"slices"
	"sync"
	"testing"
	"time"

	"fairlead.dev/breaker"
)

// lognormal draws a time to first token with a median.
func lognormal(r *rand.Rand, median time.Duration) time.Duration {
	return time.Duration(float64(median) * math.Exp(0.5*r.NormFloat64()))
}

func TestPaceFindsThe95thPercentile(t *testing.T) {
	for _, median := range []time.Duration{50 * time.Millisecond, time.Second, 20 * time.Second} {
		r := rand.New(rand.NewPCG(1, 1))
		var p breaker.Pace
		var all []time.Duration
		var sum time.Duration
		for i := range 5000 {
			x := lognormal(r, median)
			all = append(all, x)
			p.Slow(x)
			if i >= 1000 {
				sum += p.Usual()
			}
		}
		slices.Sort(all)
		want := all[len(all)*95/100]
		if got := sum / 4000; got < want*8/10 || got > want*12/10 {
			t.Errorf("median %v: estimate %v, the 95th percentile is %v", median, got, want)
		}
	}
}

func TestPaceSlow(t *testing.T) {
	seconds := func(s float64) time.Duration { return time.Duration(s * 1e9) }
	for _, c := range []struct {
		name  string
		usual time.Duration
		n     int
		ttft  time.Duration
		want  bool
	}{
		{"nothing known", 0, 0, time.Minute, false},
		{"little known", seconds(1), 4, time.Minute, false},
		{"a quick target, 9 s", seconds(0.5), 100, seconds(9), false},
		{"a quick target, 10 s", seconds(0.5), 100, seconds(10), false},
		{"a quick target, 11 s", seconds(0.5), 100, seconds(11), true},
		{"while learning", seconds(0.5), 5, seconds(11), true},
		{"a target that thinks, 25 s", seconds(10), 100, seconds(25), false},
		{"a target that thinks, 35 s", seconds(10), 100, seconds(35), true},
		{"no time", seconds(0.5), 100, 0, false},
		{"less than no time", seconds(0.5), 100, -time.Hour, false},
		{"for ever", seconds(0.5), 100, math.MaxInt64, true},
	} {
		var p breaker.Pace
		for range c.n {
			if p.Slow(c.usual) {
				t.Errorf("%s: the usual is slow", c.name)
			}
		}
		if got := p.Slow(c.ttft); got != c.want {
			t.Errorf("%s: slow %v, usual %v", c.name, got, p.Usual())
		}
	}
}

func TestPaceIsNotDraggedUp(t *testing.T) {
	r := rand.New(rand.NewPCG(2, 2))
	var p breaker.Pace
	for range 1000 {
		p.Slow(lognormal(r, time.Second))
	}
	before := p.Usual()
	for i := range 50 { // a brown-out
		if !p.Slow(40 * time.Second) {
			t.Fatalf("answer %d of 40 s is usual already", i)
		}
	}
	if after := p.Usual(); after > before*2 {
		t.Errorf("fifty slow answers moved it from %v to %v", before, after)
	}
	for range 5000 { // one in five for hours
		x := lognormal(r, time.Second)
		if r.IntN(5) == 0 {
			x = 40 * time.Second
		}
		p.Slow(x)
	}
	if after := p.Usual(); after > 2*before {
		t.Errorf("a fifth of slow answers moved it from %v to %v", before, after)
	}
}

func TestPaceLearnsANewUsual(t *testing.T) {
	r := rand.New(rand.NewPCG(3, 3))
	var p breaker.Pace
	for range 1000 {
		p.Slow(lognormal(r, 500*time.Millisecond))
	}
	slow := 0
	for range 2000 { // the model thinks now, for good
		if p.Slow(lognormal(r, 20*time.Second)) {
			slow++
		}
	}
	if p.Slow(20 * time.Second) {
		t.Error("what all answers take is slow")
	}
	if slow < 50 || slow > 1000 {
		t.Errorf("%d answers were slow before it was learned", slow)
	}
	for range 2000 { // and now it does not
		p.Slow(lognormal(r, 500*time.Millisecond))
	}
	if !p.Slow(15 * time.Second) {
		t.Errorf("the estimate does not come down: %v", p.Usual())
	}
}

func TestPaceIsNotSpoiltByOneOutlierAtFirst(t *testing.T) {
	for position := range 20 {
		var p breaker.Pace
		for i := range 20 {
			x := time.Second
			if i == position {
				x = time.Hour
			}
			p.Slow(x)
		}
		if p.Usual() != time.Second {
			t.Errorf("an outlier as answer %d: usual %v", position+1, p.Usual())
		}
	}
}

func TestPaceConcurrently(t *testing.T) {
	var p breaker.Pace
	var all sync.WaitGroup
	for i := range 100 {
		all.Go(func() {
			for j := range 100 {
				p.Slow(time.Duration(i*j) * time.Millisecond)
			}
		})
	}
	all.Wait()
	if u := p.Usual(); u < time.Second || u > 15*time.Second {
		t.Errorf("usual %v", u)
	}
}
