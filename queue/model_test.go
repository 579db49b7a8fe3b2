package queue_test

import (
	"cmp"
	"context"
	"errors"
	"math/rand/v2"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"fairlead.dev/queue"
)

// caller is one Enter, in the queue and in the model.
type caller struct {
	class   queue.Class
	tenant  string
	front   bool
	need    int
	expires time.Time

	deadline time.Time
	cancel   context.CancelFunc
	door     *door

	slot queue.Slot // what the queue said, once done
	err  error
	done bool

	want    error // what the model says, once settled
	settled bool
	held    bool
}

// door lets pass whom the tokens in it are enough for.
type door struct {
	level *int
	need  int
	took  bool
}

func (d *door) Pass(time.Time, bool) (time.Duration, bool) {
	if *d.level < d.need {
		return time.Hour, false
	}
	*d.level -= d.need
	d.took = true
	return 0, true
}

// model is the slow and obvious oracle: it sorts a list whenever anything may have changed.
type model struct {
	mu       sync.Mutex
	cfg      queue.Config // guarded by mu, as are all below
	inFlight int
	level    int
	waiting  []*caller // in order of arrival
	tags     map[queue.Class]int
	rounds   map[queue.Class][]string // tenants, next first
	since    map[queue.Class]time.Time
	clock    int
	young    int
}

func newModel(cfg queue.Config) *model {
	return &model{
		cfg: cfg, young: 32, tags: map[queue.Class]int{}, rounds: map[queue.Class][]string{}, since: map[queue.Class]time.Time{},
	}
}

var weights = map[queue.Class]int{queue.Critical: 4096, queue.High: 16, queue.Normal: 8, queue.Low: 4, queue.Batch: 1}

// line lists who waits of a class, first come first.
func (m *model) line(c queue.Class) (list []*caller) {
	for _, w := range m.waiting {
		if w.class == c {
			list = append(list, w)
		}
	}
	return list
}

func of(list []*caller, tenant string) (own []*caller) {
	for _, w := range list {
		if !w.front && w.tenant == tenant {
			own = append(own, w)
		}
	}
	return own
}

// first is who goes first of a class.
func (m *model) first(c queue.Class) *caller {
	for _, w := range m.line(c) {
		if w.front {
			return w
		}
	}
	if len(m.rounds[c]) == 0 {
		return nil
	}
	return of(m.line(c), m.rounds[c][0])[0]
}

func (m *model) settle(c *caller, err error) {
	if m.first(c.class) == c {
		m.since[c.class] = time.Now()
	}
	c.settled, c.want, c.held = true, err, err == nil
	m.waiting = slices.DeleteFunc(m.waiting, func(w *caller) bool { return w == c })
	if !c.front && len(of(m.line(c.class), c.tenant)) == 0 {
		m.rounds[c.class] = slices.DeleteFunc(m.rounds[c.class], func(t string) bool { return t == c.tenant })
	}
}

// passes reports whether a caller can go now, and lets it take what it needs.
func (m *model) passes(c *caller) bool {
	if m.inFlight >= m.cfg.MaxInFlight || m.level < c.need {
		return false
	}
	m.level -= c.need
	m.inFlight++
	return true
}

// aged is the class that has waited too long, if any.
func (m *model) aged() (oldest queue.Class, ok bool) {
	for c := range weights {
		if m.young >= 32 && m.first(c) != nil && time.Since(m.since[c]) >= m.cfg.Ageing && (!ok || m.since[c].Before(m.since[oldest])) {
			oldest, ok = c, true
		}
	}
	return oldest, ok
}

// enter is what becomes of a caller at its arrival.
func (m *model) enter(c *caller, real func()) {
	real()
	if c.err == queue.ErrLate { // by an estimate of which the model knows nothing
		c.settled, c.want = true, c.err
		return
	}
	ahead := m.first(c.class) != nil
	if c.front {
		ahead = slices.ContainsFunc(m.line(c.class), func(w *caller) bool { return w.front })
	}
	for other := range weights {
		ahead = ahead || other > c.class && m.first(other) != nil
	}
	if _, aged := m.aged(); !aged && !ahead && m.passes(c) {
		m.settle(c, nil)
		return
	}
	if len(m.line(c.class)) >= m.cfg.MaxWaiting && !c.front {
		most := ""
		for _, t := range m.rounds[c.class] {
			if len(of(m.line(c.class), t)) > len(of(m.line(c.class), most)) {
				most = t
			}
		}
		crowd := of(m.line(c.class), most)
		if len(crowd) <= len(of(m.line(c.class), c.tenant))+1 {
			m.settle(c, queue.ErrFull)
			return
		}
		m.settle(crowd[len(crowd)-1], queue.ErrFull)
	}
	if m.first(c.class) == nil {
		m.tags[c.class] = max(m.tags[c.class], m.clock) + 4096/weights[c.class]
		m.since[c.class] = time.Now()
	}
	m.waiting = append(m.waiting, c)
	if !c.front && !slices.Contains(m.rounds[c.class], c.tenant) {
		m.rounds[c.class] = append(m.rounds[c.class], c.tenant)
	}
}

// turn is the class whose turn it is.
func (m *model) turn() (next queue.Class, aged, ok bool) {
	if next, aged = m.aged(); aged {
		return next, true, true
	}
	for c := range weights {
		better := m.tags[c] < m.tags[next] || m.tags[c] == m.tags[next] && c > next
		if m.cfg.Order == queue.Strict {
			better = c > next
		}
		if m.first(c) != nil && (!ok || better) {
			next, ok = c, true
		}
	}
	return next, false, ok
}

func (m *model) handOver() {
	for {
		c, aged, ok := m.turn()
		if !ok {
			return
		}
		w := m.first(c)
		if !m.passes(w) {
			top := slices.MaxFunc(m.waiting, func(a, b *caller) int { return cmp.Compare(a.class, b.class) }).class
			if aged || top == c || !m.passes(m.first(top)) {
				return
			}
			c, w = top, m.first(top)
		}
		if m.young++; aged {
			m.young = 0
		}
		m.clock = max(m.clock, m.tags[c])
		m.settle(w, nil)
		if r := m.rounds[c]; !w.front && len(r) > 0 && r[0] == w.tenant {
			m.rounds[c] = append(r[1:], w.tenant)
		}
		if m.first(c) != nil {
			m.tags[c] += 4096 / weights[c]
		}
	}
}

// expire notes that a caller's time has come, at its very moment.
func (m *model) expire(c *caller) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.settle(c, queue.ErrExpired)
	m.handOver()
}

// TestModel compares the queue with the model over 100,000 random operations. They happen at whole
// milliseconds and waits expire between them, so that each has one right outcome.
func TestModel(t *testing.T) {
	for seed := range uint64(50) {
		synctest.Test(t, func(t *testing.T) { runModel(t, rand.New(rand.NewPCG(seed, 2)), 2000) })
		if t.Failed() {
			t.Fatalf("seed %d", seed)
		}
	}
}

// newCaller is the n-th caller: no two expire in the same moment.
func newCaller(rnd *rand.Rand, level *int, cfg queue.Config, n int) *caller {
	c := &caller{
		class: queue.Class(rnd.IntN(5) - 2), tenant: string(rune('a' + rnd.IntN(4))), front: rnd.IntN(8) == 0, need: rnd.IntN(5),
		expires: time.Now().Add(cfg.MaxWait),
	}
	c.door = &door{level: level, need: c.need}
	if rnd.IntN(2) == 0 {
		c.deadline = time.Now().Add(time.Duration(1+rnd.IntN(120))*time.Millisecond + time.Duration(n))
		if c.deadline.Before(c.expires) {
			c.expires = c.deadline
		}
	}
	return c
}

// enter, in bubble, runs Enter in a goroutine until it returns or waits.
func (c *caller) enter(t *testing.T, q *queue.Queue, m *model) {
	ctx, cancel := context.WithCancel(t.Context())
	c.cancel = cancel
	go func() {
		c.slot, c.err = q.Enter(ctx, queue.Ticket{Class: c.class, Tenant: c.tenant, Front: c.front, Deadline: c.deadline, Door: c.door})
		if c.done = true; c.err == queue.ErrExpired {
			if !time.Now().Equal(c.expires) {
				t.Errorf("expired at %v, want %v", time.Now(), c.expires)
			}
			m.expire(c)
		}
	}()
	synctest.Wait()
}

// runModel runs in bubble.
func runModel(t *testing.T, rnd *rand.Rand, ops int) {
	size := func() queue.Config {
		return queue.Config{
			MaxInFlight: 1 + rnd.IntN(4), MaxWaiting: 1 + rnd.IntN(6), MaxWait: 80*time.Millisecond + 500*time.Microsecond,
			Order: queue.Order(1 + rnd.IntN(2)), Ageing: 20 * time.Millisecond,
		}
	}
	m := newModel(size())
	q, level := queue.New(m.cfg), 0
	m.mu.Lock() // but for when time passes: then callers expire
	defer m.mu.Unlock()
	var callers []*caller
	pick := func(ok func(*caller) bool) *caller {
		some := slices.DeleteFunc(slices.Clone(callers), func(c *caller) bool { return !ok(c) })
		if len(some) == 0 {
			return nil
		}
		return some[rnd.IntN(len(some))]
	}
	for n := range ops {
		m.mu.Unlock()
		time.Sleep(time.Millisecond)
		m.mu.Lock()
		switch op := rnd.IntN(20); {
		case op < 9:
			c := newCaller(rnd, &level, m.cfg, n)
			callers = append(callers, c)
			m.enter(c, func() { c.enter(t, q, m) })
		case op < 15:
			if c := pick(func(c *caller) bool { return c.held }); c != nil {
				c.held = false
				m.inFlight--
				m.handOver()
				c.slot.Leave()
				c.slot.Leave() // idempotent
			}
		case op < 16:
			if c := pick(func(c *caller) bool { return !c.settled }); c != nil {
				m.settle(c, context.Canceled)
				m.handOver()
				c.cancel()
			}
		case op < 17 && rnd.IntN(10) == 0:
			m.cfg = size()
			m.handOver()
			q.Resize(m.cfg)
		case op < 19:
			more := rnd.IntN(20)
			level, m.level = level+more, m.level+more
			m.handOver()
			q.Wake()
		default:
			m.mu.Unlock()
			time.Sleep(time.Duration(1+rnd.IntN(30)) * time.Millisecond)
			m.mu.Lock()
		}
		compare(t, q, m, callers)
		callers = slices.DeleteFunc(callers, func(c *caller) bool { return c.settled && !c.held })
	}
	for _, w := range slices.Clone(m.waiting) {
		if !w.expires.After(time.Now()) {
			t.Errorf("%v waits beyond %v", w.class, w.expires)
		}
		m.settle(w, queue.ErrClosed)
	}
	q.Close()
	compare(t, q, m, callers)
}

func compare(t *testing.T, q *queue.Queue, m *model, callers []*caller) {
	t.Helper()
	synctest.Wait()
	for _, c := range callers {
		if c.done != c.settled || c.done && c.err != c.want {
			t.Errorf("%v of %s: done %v, %v; want %v, %v", c.class, c.tenant, c.done, c.err, c.settled, c.want)
		}
	}
	if l := q.Load(); l.InFlight != m.inFlight || l.Waiting != len(m.waiting) {
		t.Errorf("load %+v, want %d and %d", l, m.inFlight, len(m.waiting))
	}
}

// TestStress lets callers come, leave, expire and be resized in real concurrency: never more in
// flight than slots, no slot lost, everybody answered.
func TestStress(t *testing.T) {
	const slots, goroutines, rounds = 3, 16, 400
	q := queue.New(queue.Config{MaxInFlight: slots, MaxWaiting: 2, MaxWait: time.Millisecond})
	var inFlight, entered atomic.Int64
	var wg sync.WaitGroup
	for g := range goroutines {
		wg.Go(func() {
			rnd := rand.New(rand.NewPCG(uint64(g), 3))
			for range rounds {
				ctx, cancel := context.WithCancel(context.Background())
				if rnd.IntN(3) == 0 {
					go cancel()
				}
				ticket := queue.Ticket{Class: queue.Class(rnd.IntN(5) - 2)}
				if rnd.IntN(3) == 0 {
					ticket.Deadline = time.Now().Add(time.Duration(rnd.IntN(50)) * time.Microsecond)
				}
				s, err := q.Enter(ctx, ticket)
				if err == nil {
					entered.Add(1)
					if n := inFlight.Add(1); n > slots {
						t.Errorf("%d in flight", n)
					}
					for range rnd.IntN(2000) {
						_ = ctx.Err()
					}
					inFlight.Add(-1)
				} else if !errors.Is(err, context.Canceled) && err != queue.ErrExpired && err != queue.ErrFull && err != queue.ErrLate {
					t.Error(err)
				}
				s.Leave()
				cancel()
			}
		})
	}
	wg.Wait()
	if l := q.Load(); l.InFlight != 0 || l.Waiting != 0 || entered.Load() == 0 {
		t.Errorf("load %+v, %d entered", l, entered.Load())
	}
	for range slots {
		if _, _, ok := q.TryEnter(queue.Ticket{}); !ok {
			t.Error("a slot was lost")
		}
	}
}
