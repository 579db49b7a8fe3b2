// Package queue decides who goes first.
//
// A target takes so many calls at once. Who comes while there is room walks through; the others
// stand in a waiting room, one line per class, and every slot that comes free goes to the head of the
// highest class that has anybody waiting:
//
//	                 room, nobody waiting
//	Enter ────────────────────────────────────────────> Slot ── attempt ──> Leave
//	  │                                                   ↑                   │
//	  └─> critical │ high │ normal │ low │ batch ─────────┴── next in line <──┘
//	        each first in, first out, bounded
//
// A wait ends in a slot, or in exactly one of these: ErrFull at once, when the line of its class is
// full; ErrExpired when it has lasted MaxWait or the ticket's deadline has come; the context's
// cause when the caller left; ErrClosed. Who expired or left never gets a slot, even if one was
// handed over in that very moment: then it goes to the next in line and is not lost.
//
// Within a class nobody overtakes. Between classes the order is strict, so a steady load of a higher
// class can keep a lower one waiting until it expires.
//
// There is no goroutine. A call that need not wait costs a mutex and no allocation, and no lock is
// held while anybody waits. Bytes bounds what all bodies together may hold.
package queue

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"
)

var (
	// ErrFull is returned at once when the line of the ticket's class is full.
	ErrFull = errors.New("queue: waiting room is full")
	// ErrExpired is returned when MaxWait or the ticket's deadline came before a slot.
	ErrExpired = errors.New("queue: expired while waiting")
	// ErrClosed is returned to who waits when the queue is closed, and to who comes later.
	ErrClosed = errors.New("queue: closed")
)

// Config bounds a queue. The zero value of a field is its default; a negative value switches
// it off.
type Config struct {
	// MaxInFlight is the number of slots. Default 1024. Off: no cap, nobody ever waits.
	MaxInFlight int

	// MaxWaiting is the length of each class's line; each has its own, so that a crowd of
	// batch work cannot shut out critical calls. Default 10000. Off: no waiting room, ErrFull instead.
	MaxWaiting int

	// MaxWait is the longest wait. Default 60s. Off: only the deadline and the context bound it.
	MaxWait time.Duration
}

// Defaults returns c with every zero field set. What is off stays negative.
func (c Config) Defaults() Config {
	if c.MaxInFlight == 0 {
		c.MaxInFlight = 1024
	}
	if c.MaxWaiting == 0 {
		c.MaxWaiting = 10_000
	}
	if c.MaxWait == 0 {
		c.MaxWait = time.Minute
	}
	return c
}

// Validate reports every fault of c, joined, each with the name of its field.
func (c Config) Validate() error {
	var faults []error
	if c.MaxInFlight > maxCount {
		faults = append(faults, fmt.Errorf("queue: MaxInFlight: %d is more than %d", c.MaxInFlight, maxCount))
	}
	if c.MaxWaiting > maxCount {
		faults = append(faults, fmt.Errorf("queue: MaxWaiting: %d is more than %d", c.MaxWaiting, maxCount))
	}
	if c.MaxWait > maxWait {
		faults = append(faults, fmt.Errorf("queue: MaxWait: %v is more than %v", c.MaxWait, maxWait))
	}
	return errors.Join(faults...)
}

// Beyond these a value is taken for a slip of the pen.
const (
	maxCount = 10_000_000
	maxWait  = 24 * time.Hour
)

// Ticket says how a call waits.
type Ticket struct {
	Class    Class     // default Normal
	Deadline time.Time // the slot is of no use from then on; zero: none but MaxWait
}

// Queue hands out slots. Safe for concurrent use. Make one with New.
type Queue struct {
	mu       sync.Mutex
	cfg      Config        // guarded by mu, as are all below; with defaults
	inFlight int           // slots handed out
	lines    [classes]line // by rank; none has anybody waiting while a slot is free
	spare    *waiter       // for reuse, linked by next
	spares   int
	closed   bool
}

// New returns an open, empty queue.
func New(cfg Config) *Queue { return &Queue{cfg: cfg.Defaults()} }

// Enter returns a slot, after waiting for it if there is none free. The wait is bounded by MaxWait,
// t.Deadline and ctx. The errors are ErrFull, ErrExpired, ErrClosed, or ctx's cause. The caller must
// Leave the slot, best by defer.
func (q *Queue) Enter(ctx context.Context, t Ticket) (Slot, error) {
	if ctx.Err() != nil {
		return Slot{}, context.Cause(ctx)
	}
	if past(t.Deadline) {
		return Slot{}, ErrExpired
	}
	q.mu.Lock()
	if q.closed {
		q.mu.Unlock()
		return Slot{}, ErrClosed
	}
	if q.free() {
		q.inFlight++
		q.mu.Unlock()
		return Slot{q}, nil
	}
	l := &q.lines[t.Class.rank()]
	if l.n >= q.cfg.MaxWaiting {
		q.mu.Unlock()
		return Slot{}, ErrFull
	}
	w, longest := q.newWaiter(), q.cfg.MaxWait
	l.push(w)
	q.mu.Unlock()
	return q.await(ctx, l, w, t.Deadline, longest)
}

// TryEnter returns a slot if one is free at once.
func (q *Queue) TryEnter() (Slot, bool) {
	q.mu.Lock()
	defer q.mu.Unlock()
	if q.closed || !q.free() {
		return Slot{}, false
	}
	q.inFlight++
	return Slot{q}, true
}

// Slot is the right to one attempt in flight. It is for one goroutine at a time, and a copy
// counts as another slot: pass a pointer.
type Slot struct{ q *Queue }

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

// Resize changes the bounds and keeps the state. More slots go to those who wait at once. With fewer,
// those in flight stay until they leave; with shorter lines or waits, those who wait stay as they are.
func (q *Queue) Resize(cfg Config) {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.cfg = cfg.Defaults()
	q.handOver()
}

// Close answers all who wait, and all who come later, with ErrClosed. Slots handed out stay
// valid until they are left. Closing again does nothing.
func (q *Queue) Close() {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.closed = true
	for i := range q.lines {
		for w := q.lines[i].pop(); w != nil; w = q.lines[i].pop() {
			w.answer(refused)
		}
	}
}

// Load is how busy a queue is at one moment.
type Load struct {
	InFlight int // slots handed out
	Waiting  int // in all classes
	Closed   bool
	byRank   [classes]int
}

// Class returns how many of a class are waiting.
func (l Load) Class(c Class) int { return l.byRank[c.rank()] }

// Load returns how busy the queue is now.
func (q *Queue) Load() Load {
	q.mu.Lock()
	defer q.mu.Unlock()
	l := Load{InFlight: q.inFlight, Closed: q.closed}
	for i := range q.lines {
		l.byRank[i] = q.lines[i].n
		l.Waiting += q.lines[i].n
	}
	return l
}

// free reports whether a slot is free. Nobody waits while one is: handOver sees to it.
func (q *Queue) free() bool { return q.cfg.MaxInFlight < 0 || q.inFlight < q.cfg.MaxInFlight }
