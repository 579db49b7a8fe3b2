package limit_test

import (
	"math"
	"math/rand/v2"
	"strings"
	"testing"
	"time"

	"fairlead.dev/limit"
)

func TestConcurrencyFalls(t *testing.T) {
	c := limit.NewConcurrency(limit.ConcurrencyConfig{Max: 100, Min: 10})
	if n, moved := c.Overloaded(40, start); n != 36 || !moved {
		t.Errorf("limit %d after 40 were too many", n)
	}
	if n, moved := c.Overloaded(40, after(900*time.Millisecond)); n != 36 || moved {
		t.Errorf("limit %d: one trouble counted twice", n)
	}
	now := start
	for range 20 {
		now = now.Add(time.Second)
		c.Overloaded(c.Limit(), now)
	}
	if n := c.Limit(); n != 10 {
		t.Errorf("limit %d, want the least", n)
	}
}

// It rises by one a round while it is used; by doubling to where it was, used or not, when nothing has been
// wrong for half a minute; and by tenths after a minute.
func TestConcurrencyRises(t *testing.T) {
	c := limit.NewConcurrency(limit.ConcurrencyConfig{Max: 30, Min: 2})
	c.Overloaded(20, start) // 18, it was 20
	rises := func(s, inFlight, answers, want int) {
		t.Helper()
		for range answers {
			c.Answered(inFlight, after(time.Duration(s)*time.Second))
		}
		if n := c.Limit(); n != want {
			t.Errorf("limit %d after %d s with %d in flight, want %d", n, s, inFlight, want)
		}
	}
	rises(1, 8, 100, 18)
	rises(2, 18, 19, 19)
	for s := 3; s < 8; s++ {
		c.Overloaded(c.Limit(), after(time.Duration(s)*time.Second))
	}
	rises(8, 1, 5, 11)
	rises(36, 1, 5, 11)
	rises(38, 1, 5, 20)
	rises(60, 19, 0, 20)
	rises(68, 19, 1, 22)
	rises(79, 22, 1, 24)
	for s := 80; s < 200; s++ {
		c.Answered(c.Limit(), after(time.Duration(s)*time.Second))
	}
	if n := c.Limit(); n != 30 {
		t.Errorf("limit %d, want the highest", n)
	}
}

func TestConcurrencyFixed(t *testing.T) {
	c := limit.NewConcurrency(limit.ConcurrencyConfig{Max: 50, Fixed: true})
	for s := range 100 {
		c.Overloaded(50, after(time.Duration(s)*time.Second))
		c.FirstToken(100, time.Duration(s+1)*time.Second, 50, after(time.Duration(s)*time.Second))
		c.Answered(50, after(time.Duration(s)*time.Second))
	}
	if n := c.Limit(); n != 50 {
		t.Errorf("limit %d", n)
	}
}

func TestConcurrencyConfig(t *testing.T) {
	if got, want := (limit.ConcurrencyConfig{}).Defaults(), (limit.ConcurrencyConfig{Max: 1024, Min: 4}); got != want {
		t.Errorf("%+v", got)
	}
	if got := (limit.ConcurrencyConfig{Max: 2}).Defaults(); got.Min != 2 {
		t.Errorf("%+v", got)
	}
	for _, bad := range []limit.ConcurrencyConfig{{Min: -1}, {Max: 3, Min: 4}} {
		if err := bad.Validate(); err == nil || !strings.Contains(err.Error(), "Min") {
			t.Errorf("%+v: %v", bad, err)
		}
	}
}

// target is a model whose first token takes longer for longer prompts, with the noise of real ones.
type target struct {
	c   *limit.Concurrency
	rnd *rand.Rand
	now time.Time
}

// serve plays a minute or so of calls, some a second, and returns the lowest and the last limit. stretch makes first
// tokens later; tokens is the length of answers.
func (g *target) serve(d time.Duration, stretch float64, tokens int) (least, last int) {
	const rate = 4.0
	least = g.c.Limit()
	for end := g.now.Add(d); g.now.Before(end); {
		g.now = g.now.Add(time.Duration(g.rnd.ExpFloat64() / rate * float64(time.Second)))
		prompt := int(math.Exp(g.rnd.NormFloat64() + 7))
		first := (0.3 + float64(prompt)/5000) * math.Exp(g.rnd.NormFloat64()*0.5) * stretch
		inFlight := int(rate * (first + float64(tokens)*0.02))
		took := time.Duration(first * float64(time.Second))
		n, _ := g.c.FirstToken(prompt, took, inFlight, g.now)
		n = min(n, g.c.Limit())
		least = min(least, n)
		g.c.Answered(inFlight, g.now)
	}
	return least, g.c.Limit()
}

// A shift of answer lengths moves nothing; first tokens that come four times as late halve the limit within a
// minute, and it is back within two.
func TestFirstTokensMoveIt(t *testing.T) {
	for seed := range uint64(50) {
		for _, most := range []int{1024, 40} {
			g := &target{limit.NewConcurrency(limit.ConcurrencyConfig{Max: most}), rand.New(rand.NewPCG(seed, 7)), start}
			g.serve(5*time.Minute, 1, 200)
			if least, _ := g.serve(10*time.Minute, 1, 2000); least < most*9/10 {
				t.Errorf("seed %d: %d of %d when answers got longer", seed, least, most)
			}
			before := g.c.Limit()
			least, _ := g.serve(time.Minute, 4, 200)
			if least > before/2 {
				t.Errorf("seed %d: %d of %d after a minute of late first tokens", seed, least, before)
			}
			if _, last := g.serve(2*time.Minute, 1, 200); last < before*9/10 {
				t.Errorf("seed %d: %d of %d two minutes after", seed, last, before)
			}
		}
	}
}

// Late first tokens alone do not strangle a target that will not become faster by it, and what stays is usual
// in the end.
func TestLateFirstTokensDoNotStrangle(t *testing.T) {
	g := &target{limit.NewConcurrency(limit.ConcurrencyConfig{Max: 40, Min: 2}), rand.New(rand.NewPCG(1, 7)), start}
	g.serve(5*time.Minute, 1, 200)
	if least, _ := g.serve(10*time.Minute, 4, 200); least < 5 {
		t.Errorf("limit %d", least)
	}
	if _, last := g.serve(time.Hour, 4, 200); last < 36 {
		t.Errorf("limit %d after an hour of the new pace", last)
	}
}

func TestConcurrencyAllocations(t *testing.T) {
	c, now := limit.NewConcurrency(limit.ConcurrencyConfig{}), start
	if n := testing.AllocsPerRun(1000, func() {
		now = now.Add(time.Millisecond)
		c.FirstToken(1000, time.Second, 10, now)
		c.Answered(10, now)
	}); n != 0 {
		t.Errorf("%v allocations", n)
	}
}
