package queue_test

import (
	"context"
	"fmt"
	"runtime"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"fairlead.dev/queue"
)

// crowded, in bubble, lets 200 calls of each class wait for one slot that takes a second, and lists
// the classes of the first n that get it.
func crowded(t *testing.T, cfg queue.Config, n int) (started []queue.Class) {
	cfg.MaxInFlight, cfg.MaxWait = 1, -1
	q := queue.New(cfg)
	s := enter(t, q)
	ctx, cancel := context.WithCancel(t.Context())
	var mu sync.Mutex
	for range 200 {
		for class := queue.Batch; class <= queue.Critical; class++ {
			go func() {
				s, err := q.Enter(ctx, queue.Ticket{Class: class})
				if err != nil {
					return
				}
				defer s.Leave()
				mu.Lock()
				started = append(started, class)
				mu.Unlock()
				time.Sleep(time.Second)
			}()
		}
	}
	synctest.Wait()
	s.Leave()
	time.Sleep(time.Duration(n)*time.Second - time.Millisecond)
	cancel()
	time.Sleep(2 * time.Second)
	mu.Lock()
	defer mu.Unlock()
	return slices.Clone(started[:n])
}

// By weight, and without ageing, the classes below critical share its leavings 16 to 8 to 4 to 1.
func TestTurnsByWeight(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		started := crowded(t, queue.Config{Ageing: -1}, 460)
		counts := map[queue.Class]int{}
		for _, c := range started[200+12:] { // all 200 critical calls, and 12 others before the last of them
			counts[c]++
		}
		for class, want := range map[queue.Class]int{queue.High: 137, queue.Normal: 68, queue.Low: 34, queue.Batch: 8} {
			if got := counts[class]; got < want-3 || got > want+3 {
				t.Errorf("%v: %d turns of %d, want about %d", class, got, len(started)-212, want)
			}
		}
		if early := slices.Index(started, queue.Batch); early < 100 {
			t.Errorf("batch had turn %d", early)
		}
	})
}

// R31: at full load of the highest class, with strict order and with weights, the first call of every
// class starts within the documented bound: Ageing and 128 turns.
func TestR31TheLowestClassIsServed(t *testing.T) {
	for _, order := range []queue.Order{queue.Strict, queue.Weighted} {
		synctest.Test(t, func(t *testing.T) {
			started := crowded(t, queue.Config{Order: order, Ageing: 20 * time.Second}, 380)
			for class := queue.Batch; class < queue.Critical; class++ {
				last := 0
				for i, c := range started {
					if c == class {
						if i-last > 20+128+1 {
							t.Errorf("%v: turn %d after turn %d", class, i, last)
						}
						last = i
					}
				}
				if last < 190*2-149 {
					t.Errorf("order %d: %v had its last turn at %d", order, class, last)
				}
			}
			if n := len(started) - len(slices.DeleteFunc(slices.Clone(started), func(c queue.Class) bool { return c == queue.Critical })); n < 200*99/100 {
				t.Errorf("order %d: critical had %d of the first 380 turns", order, n)
			}
		})
	}
}

// Without ageing strict order is strict.
func TestStrictWithoutAgeing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		if started := crowded(t, queue.Config{Order: queue.Strict, Ageing: -1}, 200); slices.Contains(started, queue.High) {
			t.Errorf("high had turn %d", slices.Index(started, queue.High))
		}
	})
}

// A tenant that sends a hundred calls does not keep others from their turns, and its own calls keep
// their order.
func TestTenantsTakeTurns(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		q, o := queue.New(queue.Config{MaxInFlight: 1}), order{}
		s := enter(t, q)
		for i := range 100 {
			o.wait(t.Context(), q, fmt.Sprintf("loud%d", i), queue.Ticket{Tenant: "loud"})
		}
		for i := range 2 {
			for _, name := range []string{"a", "b"} {
				o.wait(t.Context(), q, fmt.Sprint(name, i), queue.Ticket{Tenant: name})
			}
		}
		s.Leave()
		synctest.Wait()
		if got := o.String(); !strings.HasPrefix(got, "loud0 a0 b0 loud1 a1 b1 loud2 loud3 ") || !strings.HasSuffix(got, " loud98 loud99") {
			t.Errorf("order %s", got)
		}
	})
}

// When a class is full, who has most waiting gives way to who has less; nobody gives way to his own.
func TestTheCrowdGivesWay(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		q, o := queue.New(queue.Config{MaxInFlight: 1, MaxWaiting: 4}), order{}
		s := enter(t, q)
		for i := range 5 {
			o.wait(t.Context(), q, fmt.Sprintf("loud%d", i), queue.Ticket{Tenant: "loud"})
		}
		for i := range 3 {
			o.wait(t.Context(), q, fmt.Sprintf("a%d", i), queue.Ticket{Tenant: "a"})
		}
		s.Leave()
		synctest.Wait()
		full := ":" + queue.ErrFull.Error()
		if got, want := o.String(), "loud4"+full+" loud3"+full+" a2"+full+" loud2"+full+" loud0 a0 loud1 a1"; got != want {
			if want = "loud4" + full + " loud3" + full + " loud2" + full + " a2" + full + " loud0 a0 loud1 a1"; got != want {
				t.Errorf("order %s", got)
			}
		}
	})
}

// R37: who comes back goes ahead of its class, also when its line is full, and behind no lower class.
func TestR37BackToTheFront(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		q, o := queue.New(queue.Config{MaxInFlight: 1, MaxWaiting: 2}), order{}
		s := enter(t, q)
		o.wait(t.Context(), q, "a", queue.Ticket{})
		o.wait(t.Context(), q, "b", queue.Ticket{})
		o.wait(t.Context(), q, "high", queue.Ticket{Class: queue.High})
		o.wait(t.Context(), q, "back", queue.Ticket{Front: true})
		o.wait(t.Context(), q, "back too", queue.Ticket{Front: true})
		s.Leave()
		synctest.Wait()
		if got := o.String(); got != "high back back too a b" {
			t.Errorf("order %s", got)
		}
	})
}

// R36: a drain answers those who wait for their first slot, and lets those finish who have begun.
func TestR36Drain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		q, o := queue.New(queue.Config{MaxInFlight: 1}), order{}
		s := enter(t, q)
		o.wait(t.Context(), q, "a", queue.Ticket{Tenant: "a"})
		o.wait(t.Context(), q, "b", queue.Ticket{Class: queue.Critical})
		o.wait(t.Context(), q, "back", queue.Ticket{Front: true})
		q.Drain()
		q.Drain()
		time.Sleep(time.Millisecond)
		o.wait(t.Context(), q, "late", queue.Ticket{})
		o.wait(t.Context(), q, "back too", queue.Ticket{Front: true})
		s.Leave()
		synctest.Wait()
		closed := ":" + queue.ErrClosed.Error()
		got := o.String()
		if want := " late" + closed + " back back too"; !strings.HasSuffix(got, want) || strings.Count(got, closed) != 3 {
			t.Errorf("order %s", got)
		}
		if l := q.Load(); l.InFlight != 0 || l.Waiting != 0 {
			t.Errorf("load %+v", l)
		}
	})
}

// gate is a door that opens at a moment, for so many calls.
type gate struct {
	open time.Time
	room int
}

type key struct {
	*gate
	need int
}

func (k key) Pass(now time.Time, _ bool) (time.Duration, bool) {
	if wait := k.open.Sub(now); wait > 0 {
		return wait, false
	}
	if k.room < k.need {
		return 0, false
	}
	k.room -= k.need
	return 0, true
}

// Who has the turn and cannot pass is waited for. Lower classes do not overtake, higher ones may.
func TestTheDoorIsPassedInTurn(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		q, o, g := queue.New(queue.Config{}), order{}, &gate{room: 5}
		enters := func(name string, class queue.Class, need int) {
			o.wait(t.Context(), q, name, queue.Ticket{Class: class, Door: key{g, need}})
		}
		enters("first", queue.Normal, 1)
		enters("large", queue.Normal, 9)
		enters("small", queue.Normal, 1)
		enters("batch", queue.Batch, 1)
		enters("critical", queue.Critical, 2)
		synctest.Wait()
		if got := o.String(); got != "first critical" {
			t.Errorf("before there is room: %s", got)
		}
		g.room = 20
		q.Wake()
		synctest.Wait()
		if got := o.String(); !strings.HasPrefix(got, "first critical ") || q.Load().Waiting != 0 || g.room != 9 {
			t.Errorf("%s, room %d", got, g.room)
		}
	})
}

// A door that says when it opens is tried then, with nobody to say Wake.
func TestTheDoorIsTriedAtItsTime(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		q, begin := queue.New(queue.Config{}), time.Now()
		g := &gate{open: begin.Add(7 * time.Second), room: 1}
		_, wait, ok := q.TryEnter(queue.Ticket{Door: key{g, 1}})
		if ok || wait != 7*time.Second {
			t.Errorf("TryEnter: %v %v", wait, ok)
		}
		s, err := q.Enter(t.Context(), queue.Ticket{Door: key{g, 1}})
		if err != nil || time.Since(begin) != 7*time.Second {
			t.Errorf("%v after %v", err, time.Since(begin))
		}
		s.Leave()
		// One that does not know is tried again and again, until somebody leaves it.
		if _, err = q.Enter(t.Context(), queue.Ticket{Door: key{g, 1}, Deadline: time.Now().Add(time.Second)}); err != queue.ErrExpired {
			t.Errorf("error %v", err)
		}
		q.Close()
	})
}

// R35, R36: who would not start in time is refused at arrival, with nothing lost for others, and
// calls are let in again when it goes faster.
func TestLateCallsAreRefusedAtArrival(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		q := queue.New(queue.Config{MaxInFlight: 1, Ageing: -1})
		ctx, cancel := context.WithCancel(t.Context())
		refused := map[queue.Class]int{}
		var mu sync.Mutex
		send := func(class queue.Class, took time.Duration) {
			go func() {
				begin := time.Now()
				s, err := q.Enter(ctx, queue.Ticket{Class: class, Deadline: begin.Add(10 * time.Second)})
				mu.Lock()
				defer mu.Unlock()
				switch {
				case err == queue.ErrLate && time.Since(begin) == 0:
					refused[class]++
				case err == nil:
					time.AfterFunc(took, s.Leave)
				}
			}()
		}
		for range 100 { // twice what it can take
			send(queue.High, time.Second)
			send(queue.Low, time.Second)
			time.Sleep(time.Second)
		}
		mu.Lock()
		if refused[queue.Low] < 50 || refused[queue.High] > 20 {
			t.Errorf("refused %v", refused)
		}
		clear(refused)
		mu.Unlock()
		time.Sleep(20 * time.Second)
		for range 100 { // half of it
			send(queue.Low, time.Second)
			time.Sleep(2 * time.Second)
		}
		mu.Lock()
		if refused[queue.Low] > 1 {
			t.Errorf("refused %v when there was room", refused)
		}
		mu.Unlock()
		cancel()
		synctest.Wait()
		q.Close()
	})
}

// Who expired or was cancelled never gets a slot, and leaves no trace.
func TestTenThousandWait(t *testing.T) {
	const n = 10_000
	q := queue.New(queue.Config{MaxInFlight: 1, MaxWaiting: n})
	s := enter(t, q)
	ctx, cancel := context.WithCancel(t.Context())
	var wg sync.WaitGroup
	begun := make(chan struct{}, n)
	heap := func() int64 {
		runtime.GC()
		var m runtime.MemStats
		runtime.ReadMemStats(&m)
		return int64(m.HeapAlloc)
	}
	before := heap()
	for i := range n {
		tenant := fmt.Sprint(i % 1000)
		wg.Go(func() {
			begun <- struct{}{}
			if _, err := q.Enter(ctx, queue.Ticket{Tenant: tenant, Class: queue.Class(i%5 - 2)}); err != context.Canceled {
				t.Error(err)
			}
		})
	}
	for range n {
		<-begun
	}
	for q.Load().Waiting < n {
		runtime.Gosched()
	}
	if used := heap() - before; used > 20<<20 {
		t.Errorf("%d waiters hold %d KiB", n, used>>10)
	} else {
		t.Logf("%d waiters hold %d KiB", n, used>>10)
	}
	cancel()
	wg.Wait()
	if l := q.Load(); l.Waiting != 0 || l.InFlight != 1 {
		t.Errorf("load %+v", l)
	}
	s.Leave()
}
