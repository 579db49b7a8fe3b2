package queue

import (
	"context"
	"time"
)

// outcome is what became of a waiter.
type outcome uint8

const (
	waiting outcome = iota // in its line
	granted                // out of it, with a slot
	refused                // out of it, without
)

// maxSpares bounds the waiters kept for reuse.
const maxSpares = 1024

// waiter is one call in a line. It is reused by its own queue only: a channel must not wander
// into another synctest bubble.
type waiter struct {
	prev, next *waiter
	outcome    outcome       // guarded by the queue's mu
	ready      chan struct{} // holds one value from answer until await takes it
	timer      *time.Timer   // made with the first bounded wait
}

// answer ends a wait. The waiter is out of its line and its queue's mu is held.
func (w *waiter) answer(o outcome) {
	w.outcome = o
	w.ready <- struct{}{} // never blocks: it is empty and holds one
}

// await waits for an answer to w, which stands in l.
func (q *Queue) await(ctx context.Context, l *line, w *waiter, deadline time.Time, longest time.Duration) (Slot, error) {
	expired := w.arm(deadline, longest)
	var err error
	select {
	case <-w.ready:
		if err = late(ctx, deadline); err == nil {
			return q.settle(l, w, nil)
		}
		w.ready <- struct{}{} // settle takes it
	case <-ctx.Done():
		err = context.Cause(ctx)
	case <-expired:
		err = ErrExpired
	}
	return q.settle(l, w, err)
}

// settle ends w's wait: with err, or if that is nil, by its answer. A slot that came together
// with err goes to the next in line.
func (q *Queue) settle(l *line, w *waiter, err error) (Slot, error) {
	w.disarm()
	q.mu.Lock()
	defer q.mu.Unlock()
	o := w.outcome
	switch {
	case o == waiting:
		l.remove(w)
	case err != nil:
		<-w.ready // never blocks: whoever answered did so under mu
	}
	q.keep(w)
	switch {
	case o == refused:
		return Slot{}, ErrClosed
	case err == nil:
		return Slot{q}, nil
	case o == granted:
		q.inFlight--
		q.handOver()
	}
	return Slot{}, err
}

// handOver gives every free slot to the next in line, highest class first.
func (q *Queue) handOver() {
	for i := range q.lines {
		for q.free() {
			w := q.lines[i].pop()
			if w == nil {
				break
			}
			q.inFlight++
			w.answer(granted)
		}
	}
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

func (l *line) pop() *waiter {
	w := l.head
	if w != nil {
		l.remove(w)
	}
	return w
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
