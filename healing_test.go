package fairlead_test

import (
	"fmt"
	"math/rand/v2"
	"testing"
	"time"

	"fairlead.dev"
)

// TestHealing: a full outage of ten minutes at three times the load that can be answered, and what
// follows it.
func TestHealing(t *testing.T) {
	const slots, service, rpm = 20, 4.3, 280
	fails, heals, ends, faults := 2*time.Minute, 12*time.Minute, 14*time.Minute, []string{"fail-529", "reset"}
	if !*loads {
		fails, heals, ends, faults = time.Minute, 3*time.Minute, 4*time.Minute, []string{"fail-529"}
	}
	for name, c := range map[string]struct {
		edit   func(*fairlead.Config)
		bounds string
	}{
		"slots": {func(cfg *fairlead.Config) { cfg.Queue.MaxInFlight = slots }, fmt.Sprintf(`"capacity":%d`, slots)},
		"rate":  {func(cfg *fairlead.Config) { cfg.Limits.RPM = rpm }, fmt.Sprintf(`"limits":[{"rpm":%d}]`, rpm)},
		"found": {func(cfg *fairlead.Config) {}, fmt.Sprintf(`"capacity":%d`, slots)},
	} {
		for _, fault := range faults {
			t.Run(name+"/"+fault, func(t *testing.T) {
				bubble(t, func(t *testing.T) {
					w := newWorld(t, func(cfg *fairlead.Config) {
						chain("a/good")(cfg)
						c.edit(cfg)
					})
					w.script("a", fmt.Sprintf(`{%s,%s,"rules":[{"from":"%v","to":"%v","fault":"%s"}]}`, coarsely, c.bounds, fails, heals, fault))
					rnd := rand.New(rand.NewPCG(1, 1))
					length := func() int { return 1 + int(rnd.ExpFloat64()*40) }
					l := newLoad(w)
					l.replay(poisson(rnd, 3*slots/service, ends, 200, length), 1, ends, mix)
					l.callers.Wait()
					before := l.busy(fails/2, fails)
					after := l.busy(heals+30*time.Second, ends)
					attempts, first := 0, 0
					for _, a := range w.fake["a"].Attempts() {
						at := a.At.Sub(l.began)
						if attempts++; at >= heals && at < heals+10*time.Second {
							first++
						}
					}
					t.Logf("busy %.1f before, %.1f after; %d attempts for %d calls; %d in the first ten seconds", before, after, attempts, len(l.calls), first)
					if float64(attempts) > 1.2*float64(len(l.calls)) {
						t.Errorf("%d attempts for %d calls", attempts, len(l.calls))
					}
					if name == "rate" && first > rpm/6*12/10 {
						t.Errorf("%d attempts in the first ten seconds, %d can be answered", first, rpm/6)
					}
					if after < 0.95*min(before, slots) {
						t.Errorf("busy %.1f before, %.1f after", before, after)
					}
				})
			})
		}
	}
}
