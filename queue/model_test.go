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
	expires time.Time
	cancel  context.CancelFunc

	slot queue.Slot // what the queue said, once done
	err  error
	done bool

	want    error // what the model says, once settled
	settled bool
	held    bool
}

// model is the slow and obvious oracle: a list that is sorted whenever a slot comes free.
type model struct {
	cfg      queue.Config
	inFlight int
	waiting  []*caller // in order of arrival
}

func (m *model) settle(c *caller, err error) {
	c.settled, c.want, c.held = true, err, err == nil
	m.waiting = slices.DeleteFunc(m.waiting, func(w *caller) bool { return w == c })
}

func (m *model) enter(c *caller) {
	same := 0
	for _, w := range m.waiting {
		if w.class == c.class {
			same++
		}
	}
	switch {
	case m.inFlight < m.cfg.MaxInFlight:
		m.inFlight++
		m.settle(c, nil)
	case same >= m.cfg.MaxWaiting:
		m.settle(c, queue.ErrFull)
	default:
		m.waiting = append(m.waiting, c)
	}
}

func (m *model) handOver() {
	for m.inFlight < m.cfg.MaxInFlight && len(m.waiting) > 0 {
		first := slices.MinFunc(m.waiting, func(a, b *caller) int { return cmp.Compare(b.class, a.class) })
		m.inFlight++
		m.settle(first, nil)
	}
}

func (m *model) expire(now time.Time) {
	for _, w := range slices.Clone(m.waiting) {
		if !w.expires.After(now) {
			m.settle(w, queue.ErrExpired)
		}
	}
}

// TestModel compares the queue with the model over 100,000 random operations. They happen at whole
// milliseconds and waits expire at half ones, so that each has one right outcome.
func TestModel(t *testing.T) {
	for seed := range uint64(50) {
		synctest.Test(t, func(t *testing.T) { runModel(t, rand.New(rand.NewPCG(seed, 2)), 2000) })
		if t.Failed() {
			t.Fatalf("seed %d", seed)
		}
	}
}

// runModel runs in bubble.
func runModel(t *testing.T, rnd *rand.Rand, ops int) {
	size := func() queue.Config {
		return queue.Config{MaxInFlight: 1 + rnd.IntN(4), MaxWaiting: 1 + rnd.IntN(6), MaxWait: 80*time.Millisecond + 500*time.Microsecond}
	}
	m := &model{cfg: size()}
	q := queue.New(m.cfg)
	var callers []*caller
	pick := func(ok func(*caller) bool) *caller {
		some := slices.DeleteFunc(slices.Clone(callers), func(c *caller) bool { return !ok(c) })
		if len(some) == 0 {
			return nil
		}
		return some[rnd.IntN(len(some))]
	}
	for range ops {
		switch op := rnd.IntN(20); {
		case op < 9:
			c := &caller{class: queue.Class(rnd.IntN(5) - 2), expires: time.Now().Add(m.cfg.MaxWait)}
			ctx, cancel := context.WithCancel(t.Context())
			c.cancel = cancel
			ticket := queue.Ticket{Class: c.class}
			if rnd.IntN(2) == 0 {
				ticket.Deadline = time.Now().Add(time.Duration(rnd.IntN(120))*time.Millisecond + 500*time.Microsecond)
				if ticket.Deadline.Before(c.expires) {
					c.expires = ticket.Deadline
				}
			}
			callers = append(callers, c)
			m.enter(c)
			go func() {
				c.slot, c.err = q.Enter(ctx, ticket)
				c.done = true
			}()
		case op < 16:
			if c := pick(func(c *caller) bool { return c.held }); c != nil {
				c.held = false
				m.inFlight--
				m.handOver()
				c.slot.Leave()
				c.slot.Leave() // idempotent
			}
		case op < 17:
			if c := pick(func(c *caller) bool { return !c.settled }); c != nil {
				m.settle(c, context.Canceled)
				c.cancel()
			}
		case op < 18 && rnd.IntN(10) == 0:
			m.cfg = size()
			m.handOver()
			q.Resize(m.cfg)
		default:
			time.Sleep(time.Duration(1+rnd.IntN(30)) * time.Millisecond)
			m.expire(time.Now())
		}
		compare(t, q, m, callers)
		callers = slices.DeleteFunc(callers, func(c *caller) bool { return c.settled && !c.held })
	}
	for _, w := range slices.Clone(m.waiting) {
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
			t.Errorf("%v: done %v, %v; want %v, %v", c.class, c.done, c.err, c.settled, c.want)
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
				} else if !errors.Is(err, context.Canceled) && err != queue.ErrExpired && err != queue.ErrFull {
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
		if _, ok := q.TryEnter(); !ok {
			t.Error("a slot was lost")
		}
	}
}
