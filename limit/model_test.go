package limit_test

import (
	"math/rand/v2"
	"testing"
	"time"

	"fairlead.dev/limit"
)

// model is the slow and obvious oracle: for each limit the list of all that was ever taken or
// given back, replayed from the beginning in whole numbers whenever a level is asked for. One token
// is 6e10 units, so that a limit of L per minute brings exactly L units per nanosecond.
type model struct {
	limits [3]int
	log    [3][]entry
	until  time.Duration
}

type entry struct {
	at     time.Duration
	tokens int
}

const token = int64(time.Minute)

func (m *model) level(i int, now time.Duration) int64 {
	full := int64(max(1, m.limits[i]/6)) * token
	level, at := full, time.Duration(0)
	for _, e := range m.log[i] {
		level = min(level+int64(e.at-at)*int64(m.limits[i]), full)
		level = min(level-int64(e.tokens)*token, full)
		at = e.at
	}
	return min(level+int64(now-at)*int64(m.limits[i]), full)
}

// wait returns the wait for need, and the smallest distance of a level from its decision in units.
func (m *model) wait(need [3]int, now time.Duration) (wait time.Duration, near int64) {
	wait, near = max(0, m.until-now), token
	for i, n := range need {
		if m.limits[i] <= 0 || n <= 0 {
			continue
		}
		missing := min(int64(n), int64(max(1, m.limits[i]/6)))*token - m.level(i, now)
		if missing > 0 {
			wait = max(wait, time.Duration((missing+int64(m.limits[i])-1)/int64(m.limits[i])))
		}
		near = min(near, max(missing, -missing))
	}
	return wait, near
}

func (m *model) add(n [3]int, now time.Duration) {
	for i := range n {
		m.log[i] = append(m.log[i], entry{now, n[i]})
	}
}

func each(n limit.Need) [3]int { return [3]int{n.Requests, n.Input, n.Output} }

// TestModel compares the pool with the model over 100,000 random operations, 250 at a time.
func TestModel(t *testing.T) {
	for seed := range uint64(400) {
		runModel(t, rand.New(rand.NewPCG(seed, 1)), 250)
		if t.Failed() {
			t.Fatalf("seed %d", seed)
		}
	}
}

func runModel(t *testing.T, rnd *rand.Rand, ops int) {
	l := limit.Limits{RPM: rnd.IntN(400) - 20, ITPM: rnd.IntN(40_000) - 2000, OTPM: rnd.IntN(10_000)}
	p, m := limit.NewPool(l), &model{limits: [3]int{l.RPM, l.ITPM, l.OTPM}}
	type held struct {
		r    limit.Reservation
		need limit.Need
	}
	var open []held
	now := time.Duration(0)
	need := func() limit.Need {
		return limit.Need{Requests: rnd.IntN(3), Input: rnd.IntN(3000), Output: rnd.IntN(1000)}
	}
	for range ops {
		now += time.Duration(rnd.ExpFloat64() * float64(300*time.Millisecond))
		switch op := rnd.IntN(20); {
		case op < 10 || len(open) == 0:
			n := need()
			r, wait, ok := p.Reserve(n, 0, after(now))
			want, near := m.wait(each(n), now)
			if near > 100_000 && ok != (want == 0) || (wait-want).Abs() > 2 {
				t.Errorf("at %v Reserve(%+v) = %v, %v, want %v", now, n, wait, ok, want)
			}
			if ok {
				m.add(each(n), now)
				open = append(open, held{r, n})
			}
		case op < 18:
			i := rnd.IntN(len(open))
			h := open[i]
			open = append(open[:i], open[i+1:]...)
			used := limit.Need{}
			if op < 14 {
				h.r.Cancel(after(now))
			} else {
				used = need()
				h.r.Settle(used, after(now))
				used.Requests = max(used.Requests, h.need.Requests)
			}
			m.add([3]int{used.Requests - h.need.Requests, used.Input - h.need.Input, used.Output - h.need.Output}, now)
			h.r.Cancel(after(now)) // idempotent
		case op < 19:
			until := now + time.Duration(rnd.IntN(int(3*time.Second)))
			if changed := p.CloseUntil(after(until), limit.Quota, after(now)); changed != (until > m.until) {
				t.Errorf("CloseUntil(%v) = %v, was %v", until, changed, m.until)
			}
			m.until = max(m.until, until)
		default:
			if was := p.Reopen(after(now)); was != (m.until > now) {
				t.Errorf("Reopen = %v, closed until %v at %v", was, m.until, now)
			}
			m.until = 0
		}
	}
}
