package fairlead_test

import (
	"fmt"
	"math/rand/v2"
	"testing"
	"time"

	"fairlead.dev"
	"fairlead.dev/queue"
)

// withThreeKeys gives provider "a" three credentials, each a pool of its own.
func withThreeKeys(cfg *fairlead.Config) {
	chain("a/good")(cfg)
	for i := range cfg.Providers {
		if p := &cfg.Providers[i]; p.Name == "a" {
			p.Keys = []fairlead.Key{{Name: "k1", Secret: "sk-1"}, {Name: "k2", Secret: "sk-2"}, {Name: "k3", Secret: "sk-3"}}
		}
	}
}

const threeKeys = `"keys":{"k1":"sk-1","k2":"sk-2","k3":"sk-3"}`

// keysAsked counts the attempts under each credential, of good ones alone.
func (w *world) keysAsked() map[string]int {
	n := map[string]int{}
	for _, a := range w.fake["a"].Attempts() {
		if a.Status == 200 {
			n[a.Key]++
		}
	}
	return n
}

// A conversation stays with its credential while that has room: prompt caches
// live there. Conversations spread over all.
func TestAConversationKeepsItsKey(t *testing.T) {
	bubble(t, func(t *testing.T) {
		w := newWorld(t, withThreeKeys)
		w.script("a", "{"+threeKeys+"}")
		for i := range 60 {
			before := w.keysAsked()
			for range 3 {
				w.whole(w.ask("anthropic", "m", i%2 == 0, from(fmt.Sprint("X-Claude-Code-Session-Id: s", i))))
			}
			changed := 0
			for key, n := range w.keysAsked() {
				if n != before[key] {
					changed++
				}
			}
			if changed != 1 {
				t.Errorf("conversation %d used %d credentials", i, changed)
			}
		}
		for key, n := range w.keysAsked() {
			if n < 30 {
				t.Errorf("%s: %d of 180 calls", key, n)
			}
		}
	})
}

// Three credentials take three times what one takes: nothing is left idle while
// calls wait, and a credential that is rejected or limited loses no call.
func TestEveryKeyIsUsed(t *testing.T) {
	for name, c := range map[string]struct {
		script string
		want   int // credentials that work
	}{
		"all well":            {`"limits":[{"rpm":60}]`, 3},
		"one rejected":        {`"limits":[{"rpm":60}],"rules":[{"match":{"key":"k2"},"fault":"bad-key"}]`, 2},
		"one has spent it":    {`"limits":[{"rpm":60}],"rules":[{"match":{"key":"k3"},"fault":"no-quota"}]`, 2},
		"one is limited hard": {`"limits":[{"key":"k1","rpm":6},{"rpm":60}]`, 2},
	} {
		t.Run(name, func(t *testing.T) {
			bubble(t, func(t *testing.T) {
				w := newWorld(t, func(cfg *fairlead.Config) {
					withThreeKeys(cfg)
					cfg.Limits.RPM = 60
				})
				w.script("a", "{"+threeKeys+","+c.script+"}")
				l := newLoad(w)
				for range 240 {
					l.send(100, 60, queue.Normal, "")
					time.Sleep(250 * time.Millisecond) // four a second, where three credentials take three
				}
				from, to := 20*time.Second, 60*time.Second
				b := l.book(from, to)
				if rate := float64(b.asked-b.refused) / (to - from).Seconds(); rate < 0.95*float64(c.want) {
					t.Errorf("%.2f a second with %d credentials: %v", rate, c.want, w.keysAsked())
				}
				l.callers.Wait()
				for _, call := range l.calls {
					if !call.good && call.at < 10*time.Second {
						t.Errorf("a call was lost: %+v", call)
					}
				}
			})
		})
	}
}

// First tokens that come four times as late halve what is in flight within a
// minute, and it is back within two; longer answers alone move nothing.
func TestWhatATargetCanBear(t *testing.T) {
	bubble(t, func(t *testing.T) {
		w := newWorld(t, func(cfg *fairlead.Config) {
			chain("a/good")(cfg)
			cfg.Queue.MaxInFlight = 40
		})
		w.script("a", `{"ttft":"500ms","per_token":"40ms","tokens":1000,"rules":[{"from":"6m","to":"7m","fault":{"ttft":"2s"}}]}`)
		l, rnd := newLoad(w), rand.New(rand.NewPCG(3, 3))
		least := map[string]int{}
		slots := func(phase string) int {
			n := w.client.Targets()[0].Load.Slots
			if before, ok := least[phase]; !ok || n < before {
				least[phase] = n
			}
			return n
		}
		play := func(phase string, tokens int, d time.Duration) int {
			for end := time.Now().Add(d); time.Now().Before(end); {
				l.send(200+rnd.IntN(50), tokens/2+rnd.IntN(tokens), queue.Normal, "")
				time.Sleep(time.Duration(rnd.ExpFloat64() * float64(250*time.Millisecond)))
				slots(phase)
			}
			return slots(phase)
		}
		play("before", 20, 3*time.Minute)
		play("longer", 200, 3*time.Minute)
		if least["longer"] < 36 {
			t.Errorf("%d of 40 when answers got longer", least["longer"])
		}
		play("late", 20, time.Minute)
		if least["late"] > 20 {
			t.Errorf("%d of 40 after a minute of late first tokens", least["late"])
		}
		if now := play("after", 20, 2*time.Minute); now < 36 {
			t.Errorf("%d of 40 two minutes after", now)
		}
		l.callers.Wait()
	})
}

// A reload gives the pools that are there their new limits, and leaves what is
// known of them.
func TestAReloadChangesLimits(t *testing.T) {
	bubble(t, func(t *testing.T) {
		var cfg fairlead.Config
		w := newWorld(t, func(c *fairlead.Config) {
			chain("a/good")(c)
			c.Limits.RPM = 60
			cfg = *c
		})
		rate := func() int {
			l := newLoad(w)
			for range 100 {
				l.send(100, 10, queue.Normal, "")
				time.Sleep(100 * time.Millisecond)
			}
			n := l.book(5*time.Second, 10*time.Second).asked
			l.callers.Wait()
			return n
		}
		if n := rate(); n < 4 || n > 10 {
			t.Errorf("%d in five seconds at one a second", n)
		}
		for _, rpm := range []int{6000, 60} {
			cfg.Limits.RPM = rpm
			if err := w.client.Reload(cfg); err != nil {
				t.Fatal(err)
			}
			if n := rate(); (n > 40) != (rpm == 6000) {
				t.Errorf("%d in five seconds with %d a minute", n, rpm)
			}
		}
	})
}
