package fairlead_test

import (
	"cmp"
	"fmt"
	"math"
	"math/rand/v2"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"fairlead.dev"
	"fairlead.dev/fakellm"
	"fairlead.dev/internal/traces"
	"fairlead.dev/queue"
)

// backlog samples, once a second until then, whether calls wait at a target.
func (l *load) backlog(until time.Duration) (waits []bool) {
	name := l.w.client.Targets()[0].Name
	for time.Since(l.began) < until {
		time.Sleep(time.Second)
		for _, t := range l.w.client.Targets() {
			if t.Name == name {
				waits = append(waits, t.Load.Waiting > 0)
			}
		}
	}
	return waits
}

// load is traffic at the first target of model "m", and what became of it. It
// lives in a bubble.
type load struct {
	w       *world
	began   time.Time
	mu      sync.Mutex
	callers sync.WaitGroup
	calls   []served
}

// served is one call of a load.
type served struct {
	at     time.Duration // it came
	queued time.Duration
	took   time.Duration
	class  queue.Class
	tenant string
	good   bool
	status int
}

func newLoad(w *world) *load { return &load{w: w, began: time.Now()} }

// send lets a call come now.
func (l *load) send(input, output int, class queue.Class, tenant string) {
	prompt := strings.Repeat("rope", max(input-30, 1)) // the envelope is about thirty tokens
	body := fmt.Sprintf(`{"model":"m","max_tokens":%d,"stream":true,"messages":[{"role":"user","content":%q}]}`, output, prompt)
	at := time.Since(l.began)
	l.callers.Go(func() {
		r := l.w.send(l.w.Context(), "anthropic", body, func(c *fairlead.Call) { c.Class, c.Tenant = class, tenant })
		s := served{at: at, took: r.took, class: class, tenant: tenant, good: r.err == nil && r.complete, status: r.status}
		if ms := r.header.Get("Fairlead-Queued-Ms"); ms != "" {
			fmt.Sscan(ms, &s.queued)
			s.queued *= time.Millisecond
		}
		l.mu.Lock()
		defer l.mu.Unlock()
		l.calls = append(l.calls, s)
	})
}

// replay lets the arrivals of a trace come, n times as fast.
func (l *load) replay(list []traces.Arrival, n float64, until time.Duration, as func(i int) (queue.Class, string)) {
	from := time.Now()
	for i, a := range list {
		at := time.Duration(float64(a.At) / n)
		if at > until {
			break
		}
		time.Sleep(time.Until(from.Add(at)))
		class, tenant := as(i)
		l.send(a.Input, a.Output, class, tenant)
	}
	time.Sleep(time.Until(from.Add(until)))
}

func normal(int) (queue.Class, string) { return queue.Normal, "" }

// rates are what a list of arrivals brings in a minute: requests, input and
// output tokens.
func rates(list []traces.Arrival, until time.Duration) (perMinute [3]float64) {
	for _, a := range list {
		if a.At <= until {
			perMinute[0]++
			perMinute[1] += float64(a.Input)
			perMinute[2] += float64(a.Output)
		}
	}
	for i := range perMinute {
		perMinute[i] /= until.Minutes()
	}
	return perMinute
}

// slowly is how the fake answers: as a model does.
const slowly = `"ttft":"300ms","per_token":"20ms","tokens":2000`

// book is what the provider has taken and refused in a window.
type book struct {
	asked, refused int
	input, output  int
	perSecond      map[int]int // input by second
}

func (l *load) book(from, to time.Duration) (b book) {
	b.perSecond = map[int]int{}
	for _, a := range l.w.fake["a"].Attempts() {
		if at := a.At.Sub(l.began); at < from || at >= to {
			continue
		}
		b.asked++
		switch a.Status {
		case 429:
			b.refused++
		case 200:
			b.input += int(a.BytesIn) / 4
			b.perSecond[int(a.At.Sub(l.began)/time.Second)] += int(a.BytesIn) / 4
			b.output += a.Tokens
		}
	}
	return b
}

// TestNobodyIsTold429 offers three times what a provider takes a minute, in the
// real order and sizes of three traces, for six minutes. With its limits
// configured nothing is refused there; with limits from its headers nearly
// nothing after the first minute; and the quota is used.
func TestNobodyIsTold429(t *testing.T) {
	const minutes = 9
	for _, name := range traces.Names {
		list := traces.Read(name)
		perMinute := rates(list, minutes*time.Minute)
		for _, known := range []string{"configured", "learned", "unknown"} {
			t.Run(name+"/"+known, func(t *testing.T) {
				bubble(t, func(t *testing.T) {
					limits := fakellm.Limit{RPM: int(perMinute[0] / 2), ITPM: int(perMinute[1] / 3), OTPM: int(perMinute[2] / 2)}
					w := makeWorld(t, func(cfg *fairlead.Config) {
						chain("a/good")(cfg)
						if known == "unknown" {
							cfg.Providers[slices.IndexFunc(cfg.Providers, func(p fairlead.Provider) bool { return p.Name == "a" })].BaseURL = "http://muted:80"
						}
						if known == "configured" {
							cfg.Limits.RPM, cfg.Limits.ITPM, cfg.Limits.OTPM = limits.RPM, limits.ITPM, limits.OTPM
						}
					}, false)
					w.script("a", fmt.Sprintf(`{%s,"limits":[{"rpm":%d,"itpm":%d,"otpm":%d}]}`, slowly, limits.RPM, limits.ITPM, limits.OTPM))
					if known == "unknown" {
						w.muted()
					}
					l := newLoad(w)
					var waits []bool
					l.callers.Go(func() { waits = l.backlog(minutes * time.Minute) })
					l.replay(list, 1, minutes*time.Minute, normal)
					synctest.Wait()
					b := l.book(time.Minute, minutes*time.Minute)
					busy, taken := 0, 0
					for i := 60; i < len(waits); i++ {
						if waits[i-1] && waits[i] {
							busy, taken = busy+1, taken+b.perSecond[i]
						}
					}
					used := float64(taken) / float64(limits.ITPM) / float64(busy) * 60
					t.Logf("%d attempts, %d refused, %.1f%% of the input used in %d s with a backlog", b.asked, b.refused, 100*used, busy)
					if known == "configured" {
						b.refused = l.book(0, time.Hour).refused
					}
					if float64(b.refused) > map[string]float64{"configured": 0, "learned": 0.005, "unknown": 0.05}[known]*float64(b.asked) {
						t.Errorf("%d of %d refused", b.refused, b.asked)
					}
					if used < map[string]float64{"configured": 0.95, "learned": 0.9, "unknown": 0.85}[known] {
						t.Errorf("%.1f%% used", 100*used)
					}
					l.callers.Wait()
					synctest.Wait()
				})
			})
		}
	}
}

// muted serves the fake of provider "a" once more, at "muted", without the
// headers that tell of limits.
func (w *world) muted() {
	w.Helper()
	ln, err := w.net.Listen("muted:80")
	if err != nil {
		w.Fatal(err)
	}
	srv := &http.Server{Handler: http.HandlerFunc(func(out http.ResponseWriter, r *http.Request) { w.fake["a"].ServeHTTP(&mute{out}, r) })}
	go srv.Serve(ln)
	w.Cleanup(func() { srv.Close() })
}

// mute takes the headers that tell of limits out of an answer.
type mute struct{ http.ResponseWriter }

func (m *mute) WriteHeader(status int) {
	for name := range m.Header() {
		if strings.Contains(name, "Ratelimit") || name == "Retry-After" {
			m.Header().Del(name)
		}
	}
	m.ResponseWriter.WriteHeader(status)
}

func (m *mute) Unwrap() http.ResponseWriter { return m.ResponseWriter }

// quantile returns the q-th of durations.
func quantile(list []time.Duration, q float64) time.Duration {
	if len(list) == 0 {
		return 0
	}
	slices.Sort(list)
	return list[min(int(math.Ceil(q*float64(len(list))))-1, len(list)-1)]
}

// mix gives calls their classes: a quarter is critical.
func mix(i int) (queue.Class, string) {
	classes := []queue.Class{
		queue.Critical, queue.High, queue.Normal, queue.Low, queue.Critical, queue.Batch, queue.High, queue.Normal,
		queue.Critical, queue.Low, queue.Normal, queue.High, queue.Critical, queue.Normal, queue.Batch, queue.Low,
	}
	return classes[i%len(classes)], fmt.Sprint("tenant", i%7)
}

// poisson are n arrivals of one size at a rate a second, from a seed.
func poisson(rnd *rand.Rand, rate float64, until time.Duration, input int, output func() int) (list []traces.Arrival) {
	for at := time.Duration(0); at < until; at += time.Duration(rnd.ExpFloat64() / rate * float64(time.Second)) {
		list = append(list, traces.Arrival{At: at, Input: input, Output: output()})
	}
	return list
}

// TestOverload offers three times what 20 slots can take for ten minutes: answers of 200 tokens in 4.3 s on
// average, classes by mix.
func TestOverload(t *testing.T) {
	bubble(t, func(t *testing.T) {
		const slots, service = 20, 4.3
		w := newWorld(t, func(cfg *fairlead.Config) {
			chain("a/good")(cfg)
			cfg.Queue.MaxInFlight = slots
		})
		w.script("a", fmt.Sprintf(`{%s,"capacity":%d}`, slowly, slots))
		rnd := rand.New(rand.NewPCG(1, 1))
		length := func() int { return 1 + int(rnd.ExpFloat64()*200) }
		l := newLoad(w)
		l.replay(poisson(rnd, 3*slots/service, 10*time.Minute, 200, length), 1, 10*time.Minute, mix)
		l.callers.Wait()
		if used := l.busy(0, 10*time.Minute) / slots; used < 0.95 {
			t.Errorf("%.3f of the slots used", used)
		}
		l.fair(t, service*float64(time.Second))
		late, atOnce := 0, 0
		for _, c := range l.calls {
			if c.good {
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

// busy is how many requests the provider was answering on average.
func (l *load) busy(from, to time.Duration) float64 {
	sum := time.Duration(0)
	for _, a := range l.w.fake["a"].Attempts() {
		begin, end := max(a.At.Sub(l.began), from), min(a.End.Sub(l.began), to)
		if a.Status == 200 && end > begin {
			sum += end - begin
		}
	}
	return float64(sum) / float64(to-from)
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
	took := func(loud bool) (mean time.Duration) {
		bubble(t, func(t *testing.T) {
			w := newWorld(t, func(cfg *fairlead.Config) {
				chain("a/good")(cfg)
				cfg.Queue.MaxInFlight = slots
			})
			w.script("a", "{"+slowly+"}")
			rnd := rand.New(rand.NewPCG(1, 1))
			length := func() int { return 1 + int(rnd.ExpFloat64()*200) }
			l := newLoad(w)
			if loud {
				share := 0.5 * slots / service / light
				l.callers.Go(func() {
					for range int(100 * share * 120) {
						l.send(200, length(), queue.Normal, "loud")
						time.Sleep(time.Duration(float64(time.Second) / 100 / share))
					}
				})
			}
			l.replay(poisson(rand.New(rand.NewPCG(2, 2)), 0.5*slots/service, 2*time.Minute, 200, func() int { return 200 }), 1, 2*time.Minute,
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

// TestHealing: a full outage of ten minutes at three times the load that can be answered, and what
// follows it.
func TestHealing(t *testing.T) {
	const slots, service, rpm = 20, 4.3, 280
	const fails, heals, ends = 2 * time.Minute, 12 * time.Minute, 14 * time.Minute
	for name, c := range map[string]struct {
		edit   func(*fairlead.Config)
		bounds string
	}{
		"slots": {func(cfg *fairlead.Config) { cfg.Queue.MaxInFlight = slots }, fmt.Sprintf(`"capacity":%d`, slots)},
		"rate":  {func(cfg *fairlead.Config) { cfg.Limits.RPM = rpm }, fmt.Sprintf(`"limits":[{"rpm":%d}]`, rpm)},
		"found": {func(cfg *fairlead.Config) {}, fmt.Sprintf(`"capacity":%d`, slots)},
	} {
		for _, fault := range []string{"fail-529", "reset"} {
			t.Run(name+"/"+fault, func(t *testing.T) {
				bubble(t, func(t *testing.T) {
					w := newWorld(t, func(cfg *fairlead.Config) {
						chain("a/good")(cfg)
						c.edit(cfg)
					})
					w.script("a", fmt.Sprintf(`{%s,%s,"rules":[{"from":"%v","to":"%v","fault":"%s"}]}`, slowly, c.bounds, fails, heals, fault))
					rnd := rand.New(rand.NewPCG(1, 1))
					length := func() int { return 1 + int(rnd.ExpFloat64()*200) }
					l := newLoad(w)
					l.replay(poisson(rnd, 3*slots/service, ends, 200, length), 1, ends, mix)
					l.callers.Wait()
					before := l.busy(time.Minute, fails)
					after := l.busy(heals+30*time.Second, ends)
					attempts, first := 0, 0
					for _, a := range w.fake["a"].Attempts() {
						at := a.At.Sub(l.began)
						if attempts++; at >= heals && at < heals+10*time.Second {
							first++
						}
					}
					t.Logf("busy %.1f before, %.1f after; %d attempts for %d calls; %d in the first ten seconds", before, after, attempts, len(l.calls), first)
					if after < 0.95*before {
						t.Errorf("busy %.1f before, %.1f after", before, after)
					}
					for s := range 12 {
						from := heals + time.Duration(s)*10*time.Second
						t.Logf("%d s: %.1f", s*10, l.busy(from, from+10*time.Second))
					}
				})
			})
		}
	}
}
