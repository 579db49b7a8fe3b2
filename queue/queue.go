// Package queue decides who goes first.
//
// A target takes so many calls at once. Who comes while there is room, and what else it needs is
// there, walks through; the others stand in a waiting room, and whoever's turn it is goes as soon as
// it can:
//
//	        room, nobody ahead
//	Enter ──────────────────────────────────────────────> Slot ── attempt ──> Leave
//	  │                                                     ↑                   │
//	  ├─> critical ─┐  in each class:                       │                   │
//	  ├─> high      │   front of those who come back ─┐     │                   │
//	  ├─> normal    ├── tenants in turn,              ├─> turn, door passed <───┘
//	  ├─> low       │   each first in, first out ─────┘     room, or the door's time has come
//	  └─> batch ────┘
//	        └─> refused at arrival: ErrFull, ErrLate
//
// # Whose turn it is
//
// Between the classes turns are shared by weight (4096, 16, 8, 4 and 1, over those who wait; WFQ with
// self-clocked tags, Golestani 1994): critical calls have 99% of the turns when everybody waits, and
// others share what they leave. With [Strict] the highest class goes first, always. Either way a class
// whose first call has waited for Ageing goes next, but no more than every 32nd turn: urgent work must not
// wait behind all that has become old. So the first call of any class starts at the latest when it has
// waited for Ageing and 128 more turns have passed: 32 for each class that may have aged as well.
//
// Within a class tenants take turns, one call each, and the calls of a tenant start in the order of
// their arrival. A call that comes back (Ticket.Front: a retry waits outside its slot) goes ahead of
// its class.
//
// # What a turn needs
//
// A slot, and whatever the ticket's [Door] stands for: room in a rate limit. Who has the turn and cannot pass
// is waited for, since whoever overtook it would take away what it waits for. Only a higher class may
// go meanwhile, unless it is Ageing that gave the turn.
//
// # How a wait ends
//
// In a slot, or in exactly one of these. At arrival: ErrFull when its class has MaxWaiting calls
// waiting; ErrLate when it would not start within MaxWait or before the ticket's deadline, going by how
// fast its class has been starting. Later: ErrFull when the class is full and the call is the newest
// of the tenant who has most waiting, pushed out by another tenant's; ErrExpired; the context's cause
// when the caller left; ErrClosed. Who expired or left never gets a slot, even if one was handed over
// in that very moment: then it goes to the next in line and is not lost.
//
// There is no goroutine. A call that need not wait costs a mutex and no allocation, and no lock is
// held while anybody waits. Bytes bounds what all bodies together may hold.
package queue

import (
	"context"
	"errors"
	"sync"
	"time"
)

var (
	// ErrFull is returned when the lines of the ticket's class are full.
	ErrFull = errors.New("queue: waiting room is full")
	// ErrLate is returned at once to who would not start in time.
	ErrLate = errors.New("queue: would not start in time")
	// ErrExpired is returned when MaxWait or the ticket's deadline came before a slot.
	ErrExpired = errors.New("queue: expired while waiting")
	// ErrClosed is returned to who waits when the queue is closed, and to who comes later.
	ErrClosed = errors.New("queue: closed")
)

// Ticket says how a call waits.
type Ticket struct {
	Class    Class     // default Normal
	Tenant   string    // whose call it is; tenants of a class take turns
	Deadline time.Time // the slot is of no use from then on; zero: none but MaxWait
	Front    bool      // it had a slot before and comes back: it goes ahead of its class
	Door     Door      // what it needs besides a slot; nil: nothing
}

// Door is what a call needs besides a slot.
type Door interface {
	// Pass takes what the call needs, if it is there; else wait is how long until it may be, 0 if
	// that is not known. aged: Ageing gave it the turn, and everybody waits for it; it should take what
	// there is and leave nothing to others. Pass is called in the order of the queue, with the queue
	// locked, from any goroutine: it must not block, nor use the queue. Who passed and then got an error
	// from Enter gives back what it took, and says [Queue.Wake].
	Pass(now time.Time, aged bool) (wait time.Duration, ok bool)
}

// Queue hands out slots. Safe for concurrent use. Make one with New.
type Queue struct {
	mu       sync.Mutex
	cfg      Config // guarded by mu, as are all below; with defaults
	limit    int    // of slots, below MaxInFlight; 0: none
	inFlight int    // slots handed out
	waiting  int    // in all classes
	rooms    [classes]room
	clock    uint64 // tag of the turn that was served last
	young    int    // turns since the last that Ageing gave
	pace     pace   // of all classes together
	gate     time.Time
	timer    *time.Timer // wakes the queue at gate
	spare    *waiter     // for reuse, linked by next
	spares   int
	draining bool
	closed   bool
}

// New returns an open, empty queue.
func New(cfg Config) *Queue {
	q := &Queue{cfg: cfg.Defaults(), young: youngTurns}
	for rank := range q.rooms {
		q.rooms[rank].rank = rank
	}
	return q
}

// Enter returns a slot, after waiting for it if there is none free or the door does not open. The
// wait is bounded by MaxWait, t.Deadline and ctx. The errors are ErrFull, ErrLate, ErrExpired, ErrClosed,
// or ctx's cause. The caller must Leave the slot, best by defer.
func (q *Queue) Enter(ctx context.Context, t Ticket) (Slot, error) {
	if ctx.Err() != nil {
		return Slot{}, context.Cause(ctx)
	}
	if past(t.Deadline) {
		return Slot{}, ErrExpired
	}
	q.mu.Lock()
	if q.shut(&t) {
		q.mu.Unlock()
		return Slot{}, ErrClosed
	}
	if q.waiting == 0 && t.Door == nil && q.free() {
		q.inFlight++
		q.mu.Unlock()
		return Slot{q}, nil
	}
	now := time.Now()
	if q.through(&t, now) {
		q.mu.Unlock()
		return Slot{q}, nil
	}
	w, longest, err := q.join(&t, now)
	q.mu.Unlock()
	if err != nil {
		return Slot{}, err
	}
	return q.await(ctx, w, t.Deadline, longest)
}

// TryEnter returns a slot if the call can go at once, and nobody waits whose turn is before its own.
// Otherwise wait is how long a call with this ticket would wait, by estimate; 0 if nothing is known.
func (q *Queue) TryEnter(t Ticket) (s Slot, wait time.Duration, ok bool) {
	q.mu.Lock()
	defer q.mu.Unlock()
	if q.shut(&t) {
		return Slot{}, 0, false
	}
	if q.waiting == 0 && t.Door == nil && q.free() {
		q.inFlight++
		return Slot{q}, 0, true
	}
	now := time.Now()
	if q.through(&t, now) {
		return Slot{q}, 0, true
	}
	return Slot{}, q.expect(&t, now), false
}

// through takes a slot for a call that has just come, if it can go at once: nobody of its class or of
// a higher one waits, nor anybody who has aged.
func (q *Queue) through(t *Ticket, now time.Time) bool {
	if !q.free() {
		return false
	}
	rank := t.Class.rank()
	if q.waiting > 0 {
		if rank > 0 && q.ahead(rank) || q.rooms[rank].n > 0 && !(t.Front && q.rooms[rank].front.n == 0) || q.aged(now) != nil {
			return false
		}
	}
	if t.Door != nil {
		if wait, ok := t.Door.Pass(now, false); !ok {
			q.wakeAfter(wait, now)
			return false
		}
	}
	q.gate = time.Time{}
	q.inFlight++
	return true
}

// Slot is the right to one attempt in flight. It is for one goroutine at a time, and a copy
// counts as another slot: pass a pointer.
type Slot struct{ q *Queue }

// InFlight returns how many slots are handed out.
func (q *Queue) InFlight() int {
	q.mu.Lock()
	defer q.mu.Unlock()
	return q.inFlight
}

// Expect returns how long a call with this ticket would wait that came now, by how fast its class
// has been starting; 0 if nothing is known.
func (q *Queue) Expect(t Ticket) time.Duration {
	q.mu.Lock()
	defer q.mu.Unlock()
	return q.expect(&t, time.Now())
}

// Leave gives the slot to the next in line. Any further Leave does nothing, nor does one of
// the zero Slot.
func (s *Slot) Leave() {
	q := s.q
	if q == nil {
		return
	}
	s.q = nil
	q.mu.Lock()
	defer q.mu.Unlock()
	q.inFlight--
	q.handOver()
}

// Wake looks whether those who wait may go: something came back that their doors wait for.
func (q *Queue) Wake() {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.handOver()
}

// Resize changes the bounds and keeps the state. More slots go to those who wait at once. With fewer,
// those in flight stay until they leave; with shorter lines or waits, those who wait stay as they are.
func (q *Queue) Resize(cfg Config) {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.cfg = cfg.Defaults()
	q.handOver()
}

// Limit sets how many slots there are within MaxInFlight, for what changes by the minute, and returns
// how many there were; -1: no cap. 0: no other limit.
func (q *Queue) Limit(n int) (was int) {
	q.mu.Lock()
	defer q.mu.Unlock()
	was = q.slots()
	q.limit = max(n, 0)
	q.handOver()
	return was
}

// shut reports whether nobody is let in any more who holds this ticket.
func (q *Queue) shut(t *Ticket) bool { return q.closed || q.draining && !t.Front }

// Drain lets calls finish that have begun: it answers with ErrClosed those who wait for their first slot,
// and all who come later without Ticket.Front. Draining again does nothing.
func (q *Queue) Drain() {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.draining = true
	for i := range q.rooms {
		for r := &q.rooms[i]; r.tenants != nil; {
			w := r.tenants.head
			q.remove(w)
			w.answer(refused)
		}
	}
	q.handOver()
}

// Close answers all who wait, and all who come later, with ErrClosed. Slots handed out stay
// valid until they are left. Closing again does nothing.
func (q *Queue) Close() {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.closed = true
	if q.timer != nil {
		q.timer.Stop()
	}
	for i := range q.rooms {
		for w := q.rooms[i].first(); w != nil; w = q.rooms[i].first() {
			q.remove(w)
			w.answer(refused)
		}
	}
}

// slots is how many slots there are; -1: no cap.
func (q *Queue) slots() int {
	switch n := q.cfg.MaxInFlight; {
	case q.limit > 0 && n > 0:
		return min(n, q.limit)
	case q.limit > 0:
		return q.limit
	default:
		return max(n, -1)
	}
}

// free reports whether a slot is free.
func (q *Queue) free() bool {
	n := q.slots()
	return n < 0 || q.inFlight < n
}
