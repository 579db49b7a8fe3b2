package fairlead_test

import (
	"flag"
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"strings"
	"sync"
	"time"

	"fairlead.dev"
	"fairlead.dev/internal/traces"
	"fairlead.dev/queue"
)

// loads plays the long versions of the tests under load: minutes with the race
// detector, seconds without.
var loads = flag.Bool("loads", false, "play every load, for as long as its test says")

// backlog, in bubble, samples once a second until then whether calls wait.
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

// replay, in bubble, lets the arrivals of a trace come, n times as fast.
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

// How the fake answers: as a model does, and with large tokens.
const (
	slowly   = `"ttft":"300ms","per_token":"20ms","tokens":2000`
	coarsely = `"ttft":"300ms","per_token":"100ms","tokens":2000`
)

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
