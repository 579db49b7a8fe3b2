package queue_test

import (
	"context"
	"errors"
	"runtime"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"fairlead.dev/queue"
)

// enter takes a slot that must be free.
func enter(t *testing.T, q *queue.Queue) *queue.Slot {
	t.Helper()
	s, err := q.Enter(t.Context(), queue.Ticket{})
	if err != nil {
		t.Fatal(err)
	}
	return &s
}

// order collects who got a slot, in order.
type order struct {
	mu  sync.Mutex
	got []string
}

func (o *order) add(name string) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.got = append(o.got, name)
}

func (o *order) String() string {
	o.mu.Lock()
	defer o.mu.Unlock()
	return strings.Join(o.got, " ")
}

// wait, in bubble, enters in a goroutine of its own, at a virtual moment of its own, notes what came
// of it, and leaves at once.
func (o *order) wait(ctx context.Context, q *queue.Queue, name string, t queue.Ticket) {
	go func() {
		s, err := q.Enter(ctx, t)
		defer s.Leave()
		if err != nil {
			name += ":" + err.Error()
		}
		o.add(name)
	}()
	time.Sleep(time.Millisecond)
}

// R30: twenty equals get their slots in the order of their arrival.
func TestR30NoInversionWithinAClass(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		q := queue.New(queue.Config{MaxInFlight: 1})
		s, o, want := enter(t, q), order{}, []string{}
		for i := range 20 {
			name := string(rune('a' + i))
			want = append(want, name)
			o.wait(t.Context(), q, name, queue.Ticket{})
		}
		s.Leave()
		synctest.Wait()
		if got := o.String(); got != strings.Join(want, " ") {
			t.Errorf("order %s", got)
		}
	})
}

// R38: the class changes the order.
func TestR38HigherClassesGoFirst(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		q := queue.New(queue.Config{MaxInFlight: 1})
		s, o := enter(t, q), order{}
		for _, name := range []string{"batch", "normal", "low", "critical", "high", "", "critical", "batch"} {
			c, err := queue.ParseClass(name)
			if err != nil {
				t.Fatal(err)
			}
			o.wait(t.Context(), q, c.String(), queue.Ticket{Class: c})
		}
		l := q.Load()
		if l.InFlight != 1 || l.Waiting != 8 || l.Class(queue.Critical) != 2 || l.Class(queue.Normal) != 2 || l.Class(queue.Low) != 1 {
			t.Errorf("load %+v", l)
		}
		s.Leave()
		synctest.Wait()
		if got, want := o.String(), "critical critical high normal normal low batch batch"; got != want {
			t.Errorf("order %s, want %s", got, want)
		}
		if l := q.Load(); l.InFlight != 0 || l.Waiting != 0 {
			t.Errorf("load %+v at the end", l)
		}
	})
}

// R35: the waiting room is bounded, for each class by itself.
func TestR35FullAtOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		q := queue.New(queue.Config{MaxInFlight: 1, MaxWaiting: 2})
		s, o := enter(t, q), order{}
		o.wait(t.Context(), q, "a", queue.Ticket{Class: queue.Batch})
		o.wait(t.Context(), q, "b", queue.Ticket{Class: queue.Batch})
		begin := time.Now()
		if _, err := q.Enter(t.Context(), queue.Ticket{Class: queue.Batch}); err != queue.ErrFull || time.Since(begin) > 0 {
			t.Errorf("%v after %v, want ErrFull at once", err, time.Since(begin))
		}
		o.wait(t.Context(), q, "c", queue.Ticket{Class: queue.Critical}) // batch does not shut it out
		s.Leave()
		synctest.Wait()
		if got := o.String(); got != "c a b" {
			t.Errorf("order %s", got)
		}
	})
}

// R35: the wait ends with the nearest of its bounds, and who expired never gets a slot.
func TestR35WaitIsBounded(t *testing.T) {
	left := errors.New("the client left")
	tests := []struct {
		name     string
		maxWait  time.Duration
		deadline time.Duration
		cancel   time.Duration
		want     error
		after    time.Duration
	}{
		{"default", 0, 0, 0, queue.ErrExpired, time.Minute},
		{"MaxWait", 5 * time.Second, 0, 0, queue.ErrExpired, 5 * time.Second},
		{"deadline", 5 * time.Second, 3 * time.Second, 0, queue.ErrExpired, 3 * time.Second},
		{"late deadline", 5 * time.Second, 9 * time.Second, 0, queue.ErrExpired, 5 * time.Second},
		{"only the deadline", -1, 2 * time.Hour, 0, queue.ErrExpired, 2 * time.Hour},
		{"deadline gone by", 5 * time.Second, -time.Second, 0, queue.ErrExpired, 0},
		{"cancelled", 5 * time.Second, 3 * time.Second, 2 * time.Second, left, 2 * time.Second},
		{"only the context", -1, 0, 3 * time.Hour, left, 3 * time.Hour},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				q := queue.New(queue.Config{MaxInFlight: 1, MaxWait: tt.maxWait})
				defer enter(t, q).Leave()
				for range 2 { // the second time with a used waiter
					ctx, cancel := context.WithCancelCause(t.Context())
					begin, ticket := time.Now(), queue.Ticket{}
					if tt.cancel > 0 {
						time.AfterFunc(tt.cancel, func() { cancel(left) })
					}
					if tt.deadline != 0 {
						ticket.Deadline = begin.Add(tt.deadline)
					}
					_, err := q.Enter(ctx, ticket)
					if took := time.Since(begin); err != tt.want || took != tt.after {
						t.Errorf("%v after %v, want %v after %v", err, took, tt.want, tt.after)
					}
					cancel(nil)
				}
				if l := q.Load(); l.InFlight != 1 || l.Waiting != 0 {
					t.Errorf("load %+v", l)
				}
			})
		})
	}
}

func TestEndedBeforeEntering(t *testing.T) {
	q := queue.New(queue.Config{})
	ctx, cancel := context.WithCancelCause(t.Context())
	left := errors.New("the client left")
	cancel(left)
	if _, err := q.Enter(ctx, queue.Ticket{}); err != left {
		t.Errorf("error %v, want the cause", err)
	}
	if _, err := q.Enter(t.Context(), queue.Ticket{Deadline: time.Now().Add(-1)}); err != queue.ErrExpired {
		t.Errorf("error %v, want ErrExpired though a slot is free", err)
	}
	if l := q.Load(); l.InFlight != 0 {
		t.Errorf("load %+v", l)
	}
}

// The slot comes in the very moment in which the first in line expires or leaves: the first must not
// get it, and the second must. The closures run in bubble.
func TestHandOverToALateWaiter(t *testing.T) {
	for name, late := range map[string]func(ctx context.Context, q *queue.Queue, s *queue.Slot) (context.Context, queue.Ticket, func()){
		"deadline": func(ctx context.Context, _ *queue.Queue, s *queue.Slot) (context.Context, queue.Ticket, func()) {
			return ctx, queue.Ticket{Deadline: time.Now().Add(time.Second)}, func() { time.Sleep(time.Second - time.Millisecond*2); s.Leave() }
		},
		"cancel": func(ctx context.Context, _ *queue.Queue, s *queue.Slot) (context.Context, queue.Ticket, func()) {
			ctx, cancel := context.WithCancel(ctx)
			return ctx, queue.Ticket{}, func() { cancel(); s.Leave() }
		},
	} {
		t.Run(name, func(t *testing.T) {
			for range 300 {
				synctest.Test(t, func(t *testing.T) {
					q := queue.New(queue.Config{MaxInFlight: 1})
					var o order
					ctx, ticket, race := late(t.Context(), q, enter(t, q))
					o.wait(ctx, q, "first", ticket)
					o.wait(t.Context(), q, "second", queue.Ticket{})
					race()
					synctest.Wait()
					got := o.String()
					if !strings.Contains(got, "first:") || strings.Contains(got, "second:") || !strings.Contains(got, "second") {
						t.Errorf("got %s", got)
					}
					if l := q.Load(); l.InFlight != 0 || l.Waiting != 0 {
						t.Errorf("load %+v", l)
					}
				})
			}
		})
	}
}

// R35 once more: the slot is handed over, and before its new owner has run, the call is cancelled or
// its deadline comes. On one processor the owner runs when the test yields, which makes that certain
// enough; a preempted round may end in a slot. The queue is reused, so that a round leaves no trace.
func TestR35LateAfterTheHandOver(t *testing.T) {
	defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(1))
	for want, late := range map[error]func(cancel func(), deadline time.Time){
		context.Canceled: func(cancel func(), _ time.Time) { cancel() },
		queue.ErrExpired: func(_ func(), deadline time.Time) {
			for time.Now().Before(deadline) {
			}
		},
	} {
		q, hits := queue.New(queue.Config{MaxInFlight: 1}), 0
		for range 30 {
			s, ctx, done := enter(t, q), t.Context(), make(chan error)
			ticket := queue.Ticket{Deadline: time.Now().Add(3 * time.Millisecond)}
			if want == context.Canceled {
				ticket.Deadline = time.Time{}
			}
			ctx, cancel := context.WithCancel(ctx)
			go func() {
				s, err := q.Enter(ctx, ticket)
				s.Leave()
				done <- err
			}()
			for range 1000 { // until it stands in line
				if runtime.Gosched(); q.Load().Waiting == 1 {
					break
				}
			}
			s.Leave()
			late(cancel, ticket.Deadline)
			if err := <-done; err == want {
				hits++
			} else if err != nil {
				t.Errorf("error %v, want %v", err, want)
			}
			cancel()
			if l := q.Load(); l.InFlight != 0 || l.Waiting != 0 {
				t.Fatalf("load %+v", l)
			}
		}
		if hits < 5 {
			t.Errorf("%v: %d of 30", want, hits)
		}
	}
}

// R34: a call that panics does not lose its slot, and leaving twice does not make a second one.
func TestR34LeaveOnceAndAlways(t *testing.T) {
	q := queue.New(queue.Config{MaxInFlight: 1})
	func() {
		defer func() { _ = recover() }()
		s := enter(t, q)
		defer s.Leave()
		panic("in the attempt")
	}()
	s := enter(t, q)
	s.Leave()
	s.Leave()
	(&queue.Slot{}).Leave()
	enter(t, q)
	if _, _, ok := q.TryEnter(queue.Ticket{}); ok || q.Load().InFlight != 1 {
		t.Errorf("load %+v after leaving twice", q.Load())
	}
}

func TestTryEnter(t *testing.T) {
	q := queue.New(queue.Config{MaxInFlight: 1})
	s, _, ok := q.TryEnter(queue.Ticket{})
	if !ok {
		t.Fatal("refused a free slot")
	}
	if _, _, ok := q.TryEnter(queue.Ticket{}); ok {
		t.Error("gave a slot twice")
	}
	s.Leave()
	q.Close()
	if _, _, ok := q.TryEnter(queue.Ticket{}); ok {
		t.Error("gave a slot after Close")
	}
}

func TestOff(t *testing.T) {
	q := queue.New(queue.Config{MaxInFlight: -1})
	for range 5000 {
		enter(t, q)
	}
	q = queue.New(queue.Config{MaxInFlight: 1, MaxWaiting: -1})
	enter(t, q)
	if _, err := q.Enter(t.Context(), queue.Ticket{Class: queue.Critical}); err != queue.ErrFull {
		t.Errorf("error %v, want ErrFull without a waiting room", err)
	}
}

func TestResize(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		q := queue.New(queue.Config{MaxInFlight: 2})
		a, b := enter(t, q), enter(t, q)
		var slots [4]queue.Slot
		var got order
		for i := range slots {
			go func() {
				var err error
				if slots[i], err = q.Enter(t.Context(), queue.Ticket{}); err == nil {
					got.add(string(rune('c' + i)))
				}
			}()
			time.Sleep(time.Millisecond)
		}
		check := func(when string, inFlight, waiting int) {
			t.Helper()
			synctest.Wait()
			if l := q.Load(); l.InFlight != inFlight || l.Waiting != waiting {
				t.Errorf("%s: load %+v, want %d and %d", when, l, inFlight, waiting)
			}
		}
		q.Resize(queue.Config{MaxInFlight: 4, MaxWaiting: 1})
		check("more slots", 4, 2)
		q.Resize(queue.Config{MaxInFlight: 1})
		a.Leave()
		b.Leave()
		check("fewer slots", 2, 2)
		slots[0].Leave()
		check("still over", 1, 2)
		slots[1].Leave()
		check("one for one", 1, 1)
		q.Resize(queue.Config{MaxInFlight: -1})
		check("off", 2, 0)
		slots[2].Leave()
		slots[3].Leave()
		check("end", 0, 0)
		// The first two got their slots in one moment, and so told of it in either order.
		if o := got.String(); o != "c d e f" && o != "d c e f" {
			t.Errorf("order %s", o)
		}
	})
}

func TestClose(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		q := queue.New(queue.Config{MaxInFlight: 1})
		s, o := enter(t, q), order{}
		for _, c := range []queue.Class{queue.Batch, queue.Critical, queue.Normal} {
			o.wait(t.Context(), q, "x", queue.Ticket{Class: c})
		}
		ctx, cancel := context.WithCancel(t.Context())
		o.wait(ctx, q, "y", queue.Ticket{})
		q.Close()
		cancel() // in the same moment: closed came first, or the cause, but no slot
		q.Close()
		synctest.Wait()
		if got := o.String(); strings.Count(got, "x:queue: closed") != 3 || strings.Count(got, "y:") != 1 {
			t.Errorf("got %s", got)
		}
		if _, err := q.Enter(t.Context(), queue.Ticket{}); err != queue.ErrClosed {
			t.Errorf("error %v, want ErrClosed", err)
		}
		if l := q.Load(); !l.Closed || l.InFlight != 1 || l.Waiting != 0 {
			t.Errorf("load %+v", l)
		}
		s.Leave()
		if l := q.Load(); l.InFlight != 0 {
			t.Errorf("load %+v", l)
		}
	})
}

func TestConfig(t *testing.T) {
	if got, want := (queue.Config{}).Defaults(), (queue.Config{
		MaxInFlight: 1024, MaxWaiting: 10_000, MaxWait: time.Minute, Order: queue.Weighted, Ageing: 30 * time.Second,
	}); got != want {
		t.Errorf("Defaults() = %+v", got)
	}
	off := queue.Config{MaxInFlight: -1, MaxWaiting: -1, MaxWait: -1, Order: queue.Strict, Ageing: -1}
	if got := off.Defaults(); got != off || off.Validate() != nil {
		t.Errorf("Defaults() = %+v, %v", got, off.Validate())
	}
	err := queue.Config{MaxInFlight: 1e8, MaxWaiting: 1e9, MaxWait: 25 * time.Hour, Order: 3, Ageing: 25 * time.Hour}.Validate()
	for _, field := range []string{"MaxInFlight", "MaxWaiting", "MaxWait", "Order", "Ageing"} {
		if err == nil || !strings.Contains(err.Error(), "queue: "+field+": ") {
			t.Errorf("no fault of %s in %v", field, err)
		}
	}
}
