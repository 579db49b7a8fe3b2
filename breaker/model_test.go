package breaker_test

import (
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"
	"time"

	"fairlead.dev/breaker"
)

// TestR11Model runs random operations on a breaker and on its oracle, which
// must agree after each.
func TestR11Model(t *testing.T) {
	seeds, ops := 250, 2000
	if testing.Short() {
		seeds = 20
	}
	reached := map[breaker.Cause]int{}
	for seed := range seeds {
		m := newModel(uint64(seed))
		for range ops {
			if fault := m.op(); fault != "" {
				t.Fatalf("seed %d: %s\n%+v\nlast operations:\n%s", seed, fault, m.o.cfg, strings.Join(m.log[max(0, len(m.log)-15):], "\n"))
			}
		}
		for cause, n := range m.reached {
			reached[cause] += n
		}
	}
	for c := breaker.Ratio; c <= breaker.OverrideEnded; c++ {
		if reached[c] < 20 && !testing.Short() {
			t.Errorf("only %d times %v: the model does not look there", reached[c], c)
		}
	}
	t.Logf("%d operations, reached %v", seeds*ops, reached)
}

type model struct {
	b       *breaker.Breaker
	o       *oracle
	rand    *rand.Rand
	now     time.Time
	in, out uint32 // conversations
	open    []pair // permits not yet done, some of them for long
	log     []string
	reached map[breaker.Cause]int
	failing float64 // how bad the target is just now
	slow    float64
}

type pair struct {
	p breaker.Permit
	t *ticket
}

func newModel(seed uint64) *model {
	r := rand.New(rand.NewPCG(seed, 1))
	// Nothing here is off, so that the oracle need not know of it.
	cfg := breaker.Config{
		Window: time.Duration(1+r.IntN(30)) * time.Second, MinAttempts: 1 + r.IntN(15),
		FailureRatio: float64(1+r.IntN(10)) / 10, Consecutive: 1 + r.IntN(8), SlowRatio: float64(1+r.IntN(10)) / 10,
		Open: time.Duration(1+r.IntN(10)) * time.Second, MaxOpen: time.Duration(10+r.IntN(110)) * time.Second,
		Probes: 1 + r.IntN(3), Lease: time.Duration(5+r.IntN(90)) * time.Second,
	}
	if r.IntN(3) == 0 { // often as people will have it
		cfg = breaker.Config{
			Window: 30 * time.Second, MinAttempts: 10, FailureRatio: 0.5, Consecutive: 5, SlowRatio: 0.8,
			Open: 5 * time.Second, MaxOpen: 2 * time.Minute, Probes: 1, Lease: 90 * time.Second,
		}
	}
	jitter := func() func() float64 { return rand.New(rand.NewPCG(seed, 2)).Float64 }
	o := &oracle{cfg: cfg, rand: jitter(), interval: cfg.Open, first: t0}
	cfg.Rand = jitter()
	b := breaker.New(cfg)
	b.Snapshot(t0) // aligns the slices of the window
	return &model{
		b: b, o: o, rand: r, now: t0, in: inAlways, out: outUntilLast, reached: map[breaker.Cause]int{},
	}
}

// Two conversations, found by TestTheModelsConversations.
const (
	inAlways     = 0
	outUntilLast = 5
)

func TestTheModelsConversations(t *testing.T) {
	b := climbTo(t, 60)
	if _, ok := b.Peek(t0, breaker.Ask{Share: outUntilLast, Elsewhere: true}); ok {
		t.Error("outUntilLast is inside 60 %")
	}
	b, now := ramping(t, plain())
	if _, ok := b.Peek(now, breaker.Ask{Share: inAlways, Elsewhere: true}); !ok {
		in, out := shares(t)
		t.Errorf("inAlways is outside 10 %%; use %d and %d", in, out)
	}
}

// op does one operation on both and returns how they differ.
func (m *model) op() string {
	r := m.rand
	if r.IntN(100) == 0 {
		m.failing, m.slow = r.Float64()*r.Float64()*1.2, r.Float64()*r.Float64()
	}
	switch k := r.IntN(1000); {
	case k < 450:
		return m.allow()
	case k < 850:
		return m.done()
	case k < 980:
		step := time.Duration(r.ExpFloat64() * float64(300*time.Millisecond))
		if r.IntN(10) == 0 {
			step *= 100
		}
		if r.IntN(400) == 0 {
			step = time.Duration(r.IntN(1e6)) * time.Second
		}
		m.now = m.now.Add(step)
		m.note("advance %v", step)
		return ""
	case k < 982:
		d := time.Duration(r.IntN(20)-3) * time.Second
		m.note("trip %v", d)
		c, changed := m.b.Trip(m.now, d)
		want, wantChanged := m.o.trip(m.now, d)
		return m.compare(c, changed, want, wantChanged)
	case k < 985:
		o := breaker.Override{Mode: breaker.Mode(r.IntN(4))}
		if o.Mode != breaker.None && r.IntN(4) > 0 {
			o.Until = m.now.Add(time.Duration(1+r.IntN(60)) * time.Second)
		}
		m.note("override %v until %v", o.Mode, o.Until)
		c, changed := m.b.Override(o, m.now)
		want, wantChanged := m.o.override(o, m.now)
		return m.compare(c, changed, want, wantChanged)
	}
	m.note("look")
	m.o.tick(m.now)
	s := m.b.Snapshot(m.now)
	return m.compare(breaker.Change{}, false, breaker.Change{}, false) + m.look(s)
}

func (m *model) allow() string {
	a := breaker.Ask{Call: 1 + m.rand.Uint64N(6), Share: m.out, Elsewhere: m.rand.IntN(4) > 0}
	if m.rand.IntN(5) == 0 {
		a.Share = m.in
	}
	peekWait, peek := m.b.Peek(m.now, a)
	p, wait, ok := m.b.Allow(m.now, a)
	m.o.tick(m.now)
	inShare := a.Share == m.in || m.o.state == breaker.Ramp && m.o.step == 4
	want, wantOK := m.o.allow(m.now, a.Call, inShare, a.Elsewhere)
	m.note("allow %+v: %v", a, ok)
	switch {
	case ok != wantOK || peek != wantOK:
		return fmt.Sprintf("Allow said %v, Peek %v, want %v", ok, peek, wantOK)
	case p.Probe() != want.probe:
		return fmt.Sprintf("probe %v, want %v", p.Probe(), want.probe)
	case wait != peekWait || ok != (wait == 0) || wait < 0:
		return fmt.Sprintf("ok %v, wait %v, by Peek %v", ok, wait, peekWait)
	}
	if ok {
		m.open = append(m.open, pair{p, want})
	}
	return m.compare(breaker.Change{}, false, breaker.Change{}, false)
}

func (m *model) done() string {
	if len(m.open) == 0 {
		return ""
	}
	i := len(m.open) - 1 // mostly the newest; the others stay for long, as hung or old ones
	if m.rand.IntN(4) == 0 {
		i = m.rand.IntN(len(m.open))
	}
	x := &m.open[i]
	n := breaker.Success
	switch u := m.rand.Float64(); {
	case u < m.failing:
		n = breaker.Failure
	case u < m.failing+m.slow:
		n = breaker.Slow
	case m.rand.IntN(10) == 0:
		n = breaker.Ignore
	}
	m.note("done %d of call %d, epoch %d", n, x.t.call, x.t.epoch)
	c, changed := x.p.Done(n, m.now)
	want, wantChanged := m.o.done(x.t, n, m.now)
	if m.rand.IntN(10) > 0 { // else it stays, to be done once more
		m.open = append(m.open[:i], m.open[i+1:]...)
	}
	return m.compare(c, changed, want, wantChanged)
}

// compare holds the returned change and those of Take against the oracle's.
func (m *model) compare(got breaker.Change, changed bool, want breaker.Change, wantChanged bool) string {
	if changed != wantChanged || got != want {
		return fmt.Sprintf("returned\n %v %+v, want\n %v %+v", changed, got, wantChanged, want)
	}
	if changed {
		m.reached[got.Cause]++
	}
	taken := drain(m.b)
	if len(taken) != len(m.o.told) {
		return fmt.Sprintf("told %+v, want %+v", taken, m.o.told)
	}
	for i, c := range taken {
		if c != m.o.told[i] {
			return fmt.Sprintf("told\n %+v, want\n %+v", c, m.o.told[i])
		}
		m.reached[c.Cause]++
	}
	m.o.told = nil
	return ""
}

func (m *model) look(s breaker.Snapshot) string {
	o := m.o
	all, failures, slow := o.count(m.now, 10)
	run, _ := o.run(m.now, o.evidence)
	probes := 0
	for _, p := range o.out {
		if p.probe {
			probes++
		}
	}
	got := fmt.Sprint(s.State, s.Since, s.Until, s.Attempts, s.Failures, s.Slow, s.Consecutive, s.Probes, s.Override, s.Last.Seq)
	want := fmt.Sprint(o.state, o.since, o.until, all, failures, slow, run, probes, o.over, o.seq)
	if got != want {
		return fmt.Sprintf("snapshot\n %s, want\n %s", got, want)
	}
	return ""
}

func (m *model) note(format string, args ...any) {
	if len(m.log) > 1000 {
		m.log = append(m.log[:0], m.log[900:]...)
	}
	m.log = append(m.log, m.now.Sub(t0).String()+" "+fmt.Sprintf(format, args...))
}
