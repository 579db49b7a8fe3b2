package limit_test

import (
	"container/heap"
	"fmt"
	"testing"
	"time"

	"fairlead.dev/internal/traces"
	"fairlead.dev/limit"
)

// judge is a provider with token buckets of a minute's worth, as fakellm has them: input is charged when a
// request comes, output when it is written, and a request needs some output to be left.
type judge struct {
	perMinute [3]int
	level     [3]float64
	at        time.Duration

	asked, refused int
	took           [3]float64
}

func newJudge(l limit.Limits) *judge {
	j := &judge{perMinute: [3]int{l.RPM, l.ITPM, l.OTPM}}
	for i, n := range j.perMinute {
		j.level[i] = float64(n)
	}
	return j
}

func (j *judge) refill(now time.Duration) {
	for i, n := range j.perMinute {
		j.level[i] = min(j.level[i]+(now-j.at).Minutes()*float64(n), float64(n))
	}
	j.at = now
}

// take judges a request: wait is 0 if it is taken.
func (j *judge) take(input int, now time.Duration) (wait time.Duration) {
	j.refill(now)
	j.asked++
	for i, need := range [3]float64{1, float64(input), 1} {
		if short := need - j.level[i]; j.perMinute[i] > 0 && short > 1e-6 {
			wait = max(wait, time.Duration(short/float64(j.perMinute[i])*float64(time.Minute))+time.Second).Truncate(time.Second)
		}
	}
	if wait > 0 {
		j.refused++
		return wait
	}
	j.spend(0, 1)
	j.spend(1, input)
	return 0
}

func (j *judge) spend(i, n int) {
	if j.perMinute[i] > 0 {
		j.level[i] -= float64(n)
	}
	j.took[i] += float64(n)
}

func (j *judge) report(now time.Duration) (r limit.Report) {
	j.refill(now)
	for i, n := range j.perMinute {
		if n > 0 {
			r[i] = limit.Seen{Known: true, Limit: n, Remaining: max(int(j.level[i]), 0)}
		}
	}
	return r
}

// sim plays a backlog that never ends against a judge, through a pool. Time is virtual and has one thread.
type sim struct {
	pool    *limit.Pool
	judge   *judge
	headers bool
	work    []traces.Arrival
	next    int
	now     time.Duration
	later   agenda
	waiting bool    // the next call has an appointment
	flying  int     // attempts in flight
	output  float64 // what an answer usually has
}

type appointment struct {
	at time.Duration
	do func()
}

type agenda []appointment

func (a agenda) Len() int           { return len(a) }
func (a agenda) Less(i, j int) bool { return a[i].at < a[j].at }
func (a agenda) Swap(i, j int)      { a[i], a[j] = a[j], a[i] }
func (a *agenda) Push(x any)        { *a = append(*a, x.(appointment)) }
func (a *agenda) Pop() any {
	x := (*a)[len(*a)-1]
	*a = (*a)[:len(*a)-1]
	return x
}

func (s *sim) after(d time.Duration, do func()) { heap.Push(&s.later, appointment{s.now + d, do}) }

func (s *sim) run(until time.Duration) {
	s.try()
	for len(s.later) > 0 && s.later[0].at <= until {
		a := heap.Pop(&s.later).(appointment)
		s.now = a.at
		a.do()
	}
}

// try lets the backlog go on as far as the pool allows.
func (s *sim) try() {
	for !s.waiting && s.flying < slots {
		call := s.work[s.next%len(s.work)]
		r, wait, ok := s.pool.Reserve(limit.Need{Requests: 1, Input: call.Input, Output: int(s.output)}, 0, after(s.now))
		if !ok {
			s.waiting = true
			s.after(wait, func() { s.waiting = false; s.try() })
			return
		}
		s.next++
		s.flying++
		s.after(30*time.Millisecond, func() { s.arrive(call, &r) })
	}
}

// arrive is the moment in which the judge gets a request.
func (s *sim) arrive(call traces.Arrival, r *limit.Reservation) {
	hint := s.judge.take(call.Input, s.now)
	seen := limit.Report{}
	if s.headers {
		seen = s.judge.report(s.now)
	}
	if hint > 0 {
		s.next-- // it is asked again
		s.after(30*time.Millisecond, func() {
			r.Learn(seen, false, after(s.now))
			r.Settle(limit.Need{Requests: 1}, after(s.now))
			s.pool.CloseUntil(after(s.now+hint), limit.RateLimited, after(s.now))
			s.flying--
			s.try()
		})
		return
	}
	first := 300*time.Millisecond + time.Duration(call.Input)*20*time.Microsecond
	s.after(first, func() { r.Learn(seen, true, after(s.now)) })
	const parts = 10
	for i := range parts {
		s.after(first+time.Duration(call.Output*(i+1)/parts)*20*time.Millisecond, func() {
			s.judge.refill(s.now)
			s.judge.spend(2, call.Output*(i+1)/parts-call.Output*i/parts)
		})
	}
	s.after(first+time.Duration(call.Output)*20*time.Millisecond, func() {
		r.Settle(limit.Need{Requests: 1, Input: call.Input, Output: call.Output}, after(s.now))
		s.output += (float64(call.Output) - s.output) / 20
		s.flying--
		s.try()
	})
}

// slots is how many attempts may be in flight, as a target's queue has them.
const slots = 200

// TestAgainstTheJudge plays the first 3,000 requests of each trace as a backlog, again and again for 20 minutes, against
// limits of which one binds, and reads the judge's book after the first minute.
func TestAgainstTheJudge(t *testing.T) {
	for _, name := range traces.Names {
		work := traces.Read(name)
		var in, out int
		for _, a := range work {
			in, out = in+a.Input, out+a.Output
		}
		in, out = in/len(work), out/len(work)
		for _, binds := range []string{"requests", "input", "output"} {
			const perMinute = 300
			l := map[string]limit.Limits{
				"requests": {RPM: perMinute, ITPM: perMinute * in * 3, OTPM: perMinute * out * 3},
				"input":    {RPM: perMinute * 3, ITPM: perMinute * in, OTPM: perMinute * out * 3},
				"output":   {RPM: perMinute * 3, ITPM: perMinute * in * 3, OTPM: perMinute * out},
			}[binds]
			i := map[string]int{"requests": 0, "input": 1, "output": 2}[binds]
			for _, c := range []struct {
				told    string
				pool    limit.Limits
				headers bool
				refused float64 // of attempts, at most
				used    float64 // of the refill, at least
			}{
				{"configured", l, false, 0, 0.95},
				{"learned", limit.Limits{}, true, 0.005, 0.90},
				{"blind", limit.Limits{}, false, 0.05, 0.85},
			} {
				t.Run(fmt.Sprintf("%s/%s/%s", name, binds, c.told), func(t *testing.T) {
					s := &sim{pool: limit.NewPool(c.pool), judge: newJudge(l), headers: c.headers, work: work, output: 1000}
					s.run(time.Minute)
					before := *s.judge
					s.run(20 * time.Minute)
					asked, refused := s.judge.asked-before.asked, s.judge.refused-before.refused
					used := (s.judge.took[i] - before.took[i]) / 19 / float64(s.judge.perMinute[i])
					share := float64(refused) / float64(asked)
					if c.told == "configured" {
						refused = s.judge.refused
					}
					t.Logf("%d attempts, %d refused (%.2f%%), %.1f%% used", asked, refused, 100*share, 100*used)
					if share > c.refused || used < c.used || used > 1.1 {
						t.Errorf("want at most %.1f%% refused and %.0f%% used", 100*c.refused, 100*c.used)
					}
				})
			}
		}
	}
}
