package fairlead_test

import (
	"cmp"
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"fairlead.dev"
	"fairlead.dev/queue"
)

// TestOverload offers three times what 20 slots can take for ten minutes: answers that take 4.3 s on
// average, classes by mix.
func TestOverload(t *testing.T) {
	lasts := 10 * time.Minute
	if !*loads {
		lasts = 2 * time.Minute
	}
	bubble(t, func(t *testing.T) {
		const slots, service = 20, 4.3
		w := newWorld(t, func(cfg *fairlead.Config) {
			chain("a/good")(cfg)
			cfg.Queue.MaxInFlight = slots
		})
		w.script("a", fmt.Sprintf(`{%s,"capacity":%d}`, coarsely, slots))
		rnd := rand.New(rand.NewPCG(1, 1))
		length := func() int { return 1 + int(rnd.ExpFloat64()*40) }
		l := newLoad(w)
		l.replay(poisson(rnd, 3*slots/service, lasts, 200, length), 1, lasts, mix)
		l.callers.Wait()
		if used := l.busy(0, lasts) / slots; used < 0.95 {
			t.Errorf("%.3f of the slots used", used)
		}
		l.fair(t, service*float64(time.Second))
		late, atOnce := 0, 0
		for _, c := range l.calls {
			if c.good || c.at < time.Minute { // nobody knows yet how long a turn takes
				continue
			}
			if atOnce++; c.took > time.Second {
				atOnce, late = atOnce-1, late+1
			}
			if c.class == queue.Critical {
				t.Errorf("a critical call failed: %+v", c)
			}
		}
		if late*4 > atOnce {
			t.Errorf("%d refused at once, %d after a wait", atOnce, late)
		}
	})
}

// fair checks who went when: critical calls at once, lower classes within their
// bound, and nobody overtook within a class and tenant.
func (l *load) fair(t *testing.T, service float64) {
	waits := map[queue.Class][]time.Duration{}
	latest := map[string]served{}
	slices.SortStableFunc(l.calls, func(a, b served) int { return cmp.Compare(a.at, b.at) })
	for _, c := range l.calls {
		if !c.good {
			continue
		}
		waits[c.class] = append(waits[c.class], c.queued)
		line := c.class.String() + c.tenant
		// The header tells whole milliseconds.
		if before, ok := latest[line]; ok && c.at+c.queued < before.at+before.queued-time.Millisecond {
			t.Errorf("%+v overtook %+v", c, before)
		}
		latest[line] = c
	}
	for class, list := range waits {
		t.Logf("%v: %d served, waits p50 %v, p99 %v, longest %v", class, len(list), quantile(list, 0.5), quantile(list, 0.99), quantile(list, 1))
		if quantile(list, 1) > time.Minute {
			t.Errorf("%v waited %v", class, quantile(list, 1))
		}
	}
	if p99 := quantile(waits[queue.Critical], 0.99); float64(p99) > service {
		t.Errorf("p99 of critical waits is %v, an answer takes %v", p99, time.Duration(service))
	}
	if len(waits[queue.Batch]) == 0 {
		t.Error("no batch call was served")
	}
}

// TestALoudTenant: a tenant that sends a hundred times its share does not make others slower by more
// than a tenth.
func TestALoudTenant(t *testing.T) {
	const slots, service, light = 100, 4.3, 20
	lasts := 2 * time.Minute
	if !*loads {
		lasts = 20 * time.Second
	}
	took := func(loud bool) (mean time.Duration) {
		bubble(t, func(t *testing.T) {
			w := newWorld(t, func(cfg *fairlead.Config) {
				chain("a/good")(cfg)
				cfg.Queue.MaxInFlight = slots
			})
			w.script("a", "{"+coarsely+"}")
			rnd := rand.New(rand.NewPCG(1, 1))
			length := func() int { return 1 + int(rnd.ExpFloat64()*40) }
			l := newLoad(w)
			if loud {
				share := 0.5 * slots / service / light
				l.callers.Go(func() {
					for range int(100 * share * lasts.Seconds()) {
						l.send(200, length(), queue.Normal, "loud")
						time.Sleep(time.Duration(float64(time.Second) / 100 / share))
					}
				})
			}
			l.replay(poisson(rand.New(rand.NewPCG(2, 2)), 0.5*slots/service, lasts, 200, func() int { return 40 }), 1, lasts,
				func(i int) (queue.Class, string) { return queue.Normal, fmt.Sprint("light", i%light) })
			l.callers.Wait()
			n := 0
			for _, c := range l.calls {
				if c.tenant == "loud" {
					continue
				}
				if !c.good {
					t.Errorf("a light tenant's call failed: %+v", c)
				}
				mean, n = mean+c.took, n+1
			}
			mean /= time.Duration(n)
		})
		return mean
	}
	alone, beside := took(false), took(true)
	t.Logf("%v alone, %v beside the loud one", alone, beside)
	if float64(beside) > 1.1*float64(alone) {
		t.Errorf("%v alone, %v beside the loud one", alone, beside)
	}
}
