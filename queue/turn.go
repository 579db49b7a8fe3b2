package queue

import "time"

// strides are the steps of a class's tags, by rank: 4096 over its weight.
var strides = [classes]uint64{1, 256, 512, 1024, 4096}

// youngTurns is how many turns lie at least between two that Ageing gives.
const youngTurns = 32

// room is the waiting room of a class.
type room struct {
	rank    int
	front   line    // those who come back
	tenants *tenant // whose turn is next; a ring
	names   map[string]*tenant
	spare   *tenant // for reuse
	n       int
	tag     uint64    // of its next turn
	since   time.Time // when its first call became the first
	pace    pace
}

// tenant is one tenant's line in a class.
type tenant struct {
	line
	name       string
	prev, next *tenant
}

// first returns who goes first of the class, or nil.
func (r *room) first() *waiter {
	switch {
	case r.front.head != nil:
		return r.front.head
	case r.tenants != nil:
		return r.tenants.head
	}
	return nil
}

// add lets w wait. The clock is the queue's.
func (r *room) add(w *waiter, name string, front bool, clock uint64, now time.Time) {
	if r.n++; r.n == 1 {
		r.tag, r.since = max(r.tag, clock)+strides[r.rank], now
		r.pace.resume(now)
	}
	if front {
		w.tenant = nil
		r.front.push(w)
		return
	}
	t := r.tenant(name)
	w.tenant = t
	t.push(w)
}

// tenant returns the line of a tenant. A new one gets its first turn when all others had one.
func (r *room) tenant(name string) *tenant {
	if t := r.names[name]; t != nil {
		return t
	}
	t := r.spare
	if t == nil {
		t = &tenant{}
	} else {
		r.spare = t.next
	}
	t.name = name
	if r.names == nil {
		r.names = map[string]*tenant{}
	}
	r.names[name] = t
	if r.tenants == nil {
		t.prev, t.next, r.tenants = t, t, t
		return t
	}
	t.next, t.prev = r.tenants, r.tenants.prev
	t.prev.next, t.next.prev = t, t
	return t
}

// remove takes w out of the room. served: it got its turn, and the next tenant's is next.
func (r *room) remove(w *waiter, served bool, now time.Time) {
	r.n--
	t := w.tenant
	if r.first() == w {
		r.since = now
	}
	if t == nil {
		r.front.remove(w)
		return
	}
	t.remove(w)
	if served {
		r.tenants = t.next
	}
	if t.n > 0 {
		return
	}
	if r.tenants == t {
		r.tenants = t.next
	}
	if t.next == t {
		r.tenants = nil
	}
	t.prev.next, t.next.prev = t.next, t.prev
	delete(r.names, t.name)
	*t = tenant{next: r.spare}
	r.spare = t
}

// crowd returns the newest call of the tenant who has most waiting, if that is clearly more than
// the named tenant has; else nil.
func (r *room) crowd(name string) *waiter {
	own := 1
	if t := r.names[name]; t != nil {
		own += t.n
	}
	if r.n-r.front.n == len(r.names) {
		return nil // one each
	}
	var most *tenant
	for t, next := r.tenants, r.tenants; t != nil; {
		if most == nil || t.n > most.n {
			most = t
		}
		if t = t.next; t == next {
			break
		}
	}
	if most == nil || most.n <= own {
		return nil
	}
	return most.tail
}

// ahead reports whether anybody of a higher class waits.
func (q *Queue) ahead(rank int) bool {
	for r := range rank {
		if q.rooms[r].n > 0 {
			return true
		}
	}
	return false
}

// aged returns the class whose first call has waited for longest, if that is Ageing or more and it is
// time for a turn by age; else nil.
func (q *Queue) aged(now time.Time) (oldest *room) {
	if q.cfg.Ageing < 0 || q.young < youngTurns {
		return nil
	}
	for i := range q.rooms {
		r := &q.rooms[i]
		if r.n > 0 && now.Sub(r.since) >= q.cfg.Ageing && (oldest == nil || r.since.Before(oldest.since)) {
			oldest = r
		}
	}
	return oldest
}

// turn returns the class whose turn it is, and whether it is so by age. Somebody waits.
func (q *Queue) turn(now time.Time) (next *room, aged bool) {
	if r := q.aged(now); r != nil {
		return r, true
	}
	for i := range q.rooms {
		r := &q.rooms[i]
		if r.n == 0 || next != nil && (q.cfg.Order == Strict || r.tag >= next.tag) {
			continue
		}
		next = r
	}
	return next, false
}

// handOver lets everybody go who may, in turn.
func (q *Queue) handOver() {
	if q.waiting == 0 || q.closed {
		return
	}
	now := time.Now()
	for q.waiting > 0 && q.free() {
		r, aged := q.turn(now)
		w := r.first()
		wait, ok := w.pass(now, aged)
		if !ok && !aged {
			// Only a higher class may go meanwhile: its need may be smaller, or its share larger.
			if higher := q.highest(); higher != r {
				r, w = higher, higher.first()
				var sooner time.Duration
				if sooner, ok = w.pass(now, false); sooner > 0 && (wait <= 0 || sooner < wait) {
					wait = sooner
				}
			}
		}
		if !ok {
			q.wakeAfter(wait, now)
			return
		}
		q.serve(r, w, aged, now)
	}
}

// highest returns the highest class of which anybody waits.
func (q *Queue) highest() *room {
	for i := range q.rooms {
		if q.rooms[i].n > 0 {
			return &q.rooms[i]
		}
	}
	return nil
}

// serve gives w its slot.
func (q *Queue) serve(r *room, w *waiter, aged bool, now time.Time) {
	if q.young++; aged {
		q.young = 0
	}
	q.clock, q.gate = max(q.clock, r.tag), time.Time{}
	q.waiting--
	q.inFlight++
	if r.remove(w, true, now); r.n > 0 {
		r.tag += strides[r.rank]
	}
	r.pace.start(now, r.n > 0)
	q.pace.start(now, q.waiting > 0)
	w.answer(granted)
}

// remove takes a call out of its room that gets no slot.
func (q *Queue) remove(w *waiter) {
	q.waiting--
	w.room.remove(w, false, time.Now())
	if w.room.n == 0 {
		w.room.pace.pause()
	}
	if q.waiting == 0 {
		q.pace.pause()
	}
}

// unknownWait is when a door is tried again that does not say when it opens.
const unknownWait = 100 * time.Millisecond

// wakeAfter has the queue look again when a door may open.
func (q *Queue) wakeAfter(wait time.Duration, now time.Time) {
	if wait <= 0 {
		wait = unknownWait
	}
	q.gate = now.Add(wait)
	switch {
	case q.closed:
	case q.timer == nil:
		q.timer = time.AfterFunc(wait, q.Wake)
	default:
		q.timer.Reset(wait)
	}
}
