package queue

import (
	"context"
	"time"
)

// outcome is what became of a waiter.
type outcome uint8

const (
	waiting   outcome = iota // in its line
	granted                  // out of it, with a slot
	refused                  // out of it, without: the queue was closed
	pushedOut                // out of it, for another tenant's call
)

// maxSpares bounds the waiters kept for reuse.
const maxSpares = 1024

// waiter is one call in a room. It is reused by its own queue only: a channel must not wander
// into another synctest bubble.
type waiter struct {
	prev, next *waiter
	room       *room
	tenant     *tenant // nil: in front
	door       Door
	outcome    outcome       // guarded by the queue's mu
	ready      chan struct{} // holds one value from answer until await takes it
	timer      *time.Timer   // made with the first bounded wait
}

// pass takes what the call needs besides a slot.
func (w *waiter) pass(now time.Time, aged bool) (time.Duration, bool) {
	if w.door == nil {
		return 0, true
	}
	return w.door.Pass(now, aged)
}

// join lets a call wait, if it is of use and there is a place. longest bounds the wait.
func (q *Queue) join(t *Ticket, now time.Time) (w *waiter, longest time.Duration, err error) {
	r := &q.rooms[t.Class.rank()]
	longest = q.cfg.MaxWait
	if q.cfg.MaxWaiting < 0 {
		return nil, 0, ErrFull
	}
	left := longest
	if !t.Deadline.IsZero() {
		if d := t.Deadline.Sub(now); left < 0 || d < left {
			left = d
		}
	}
	if left >= 0 && q.expect(t, now) > left {
		return nil, 0, ErrLate
	}
	if r.n >= q.cfg.MaxWaiting && !t.Front {
		out := r.crowd(t.Tenant)
		if out == nil {
			return nil, 0, ErrFull
		}
		q.remove(out)
		out.answer(pushedOut)
	}
	w = q.newWaiter()
	w.room, w.door = r, t.Door
	if q.waiting++; q.waiting == 1 {
		q.pace.resume(now)
	}
	r.add(w, t.Tenant, t.Front, q.clock, now)
	return w, longest, nil
}

// answer ends a wait. The waiter is out of its line and its queue's mu is held.
func (w *waiter) answer(o outcome) {
	w.outcome = o
	w.ready <- struct{}{} // never blocks: it is empty and holds one
}

// await waits for an answer to w.
func (q *Queue) await(ctx context.Context, w *waiter, deadline time.Time, longest time.Duration) (Slot, error) {
	expired := w.arm(deadline, longest)
	var err error
	select {
	case <-w.ready:
		if err = late(ctx, deadline); err == nil {
			return q.settle(w, nil)
		}
		w.ready <- struct{}{} // settle takes it
	case <-ctx.Done():
		err = context.Cause(ctx)
	case <-expired:
		err = ErrExpired
	}
	return q.settle(w, err)
}

// settle ends w's wait: with err, or if that is nil, by its answer. A slot that came together
// with err goes to the next in line.
func (q *Queue) settle(w *waiter, err error) (Slot, error) {
	w.disarm()
	q.mu.Lock()
	defer q.mu.Unlock()
	o := w.outcome
	switch {
	case o == waiting:
		q.remove(w)
		q.handOver() // it may have been its door that the others waited for
	case err != nil:
		<-w.ready // never blocks: whoever answered did so under mu
	}
	q.keep(w)
	switch {
	case o == refused:
		return Slot{}, ErrClosed
	case o == pushedOut:
		return Slot{}, ErrFull
	case err == nil:
		return Slot{q}, nil
	case o == granted:
		q.inFlight--
		q.handOver()
	}
	return Slot{}, err
}

// late reports why a slot that has just come is of no use any more.
func late(ctx context.Context, deadline time.Time) error {
	if ctx.Err() != nil {
		return context.Cause(ctx)
	}
	if past(deadline) {
		return ErrExpired
	}
	return nil
}

// past reports whether a deadline has come; the zero deadline never does.
func past(deadline time.Time) bool {
	return !deadline.IsZero() && !time.Now().Before(deadline)
}

// arm starts the timer for the nearer of both bounds; nil if there is none.
func (w *waiter) arm(deadline time.Time, longest time.Duration) <-chan time.Time {
	if !deadline.IsZero() {
		if left := time.Until(deadline); longest < 0 || left < longest {
			longest = max(left, 0)
		}
	}
	if longest < 0 {
		return nil
	}
	if w.timer == nil {
		w.timer = time.NewTimer(longest)
	} else {
		w.timer.Reset(longest)
	}
	return w.timer.C
}

func (w *waiter) disarm() {
	if w.timer != nil {
		w.timer.Stop() // since Go 1.23 no stale value can be received after it
	}
}

// newWaiter returns a waiter that stands in no line.
func (q *Queue) newWaiter() *waiter {
	w := q.spare
	if w == nil {
		return &waiter{ready: make(chan struct{}, 1)}
	}
	q.spare, w.next = w.next, nil
	q.spares--
	w.outcome = waiting
	return w
}

// keep saves w for reuse. It stands in no line and its channel is empty.
func (q *Queue) keep(w *waiter) {
	w.room, w.tenant, w.door = nil, nil, nil
	if q.spares < maxSpares {
		w.next, q.spare = q.spare, w
		q.spares++
	}
}

// line is a FIFO of waiters, linked through them so that leaving it from the middle costs
// nothing to find.
type line struct {
	head, tail *waiter
	n          int
}

func (l *line) push(w *waiter) {
	w.prev = l.tail
	if l.tail == nil {
		l.head = w
	} else {
		l.tail.next = w
	}
	l.tail = w
	l.n++
}

func (l *line) remove(w *waiter) {
	if w.prev == nil {
		l.head = w.next
	} else {
		w.prev.next = w.next
	}
	if w.next == nil {
		l.tail = w.prev
	} else {
		w.next.prev = w.prev
	}
	w.prev, w.next = nil, nil
	l.n--
}
