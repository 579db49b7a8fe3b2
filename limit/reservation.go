package limit

import "time"

// Reservation is what Reserve took for one attempt. Exactly one of Settle and Cancel ends it; any
// further one does nothing, nor does either on the zero Reservation. It is for one goroutine at a
// time, and a copy counts as another reservation: pass a pointer.
type Reservation struct {
	pool    *Pool
	at      time.Time
	probe   bool // it is the attempt that tries a pool after its time
	need    [3]int
	mark    [3]int  // what had been taken from the pool by then, with it
	charged [3]bool // a limit set after the attempt began does not apply to it
}

// Settle corrects the reservation to what the attempt has used: the difference goes back, or
// becomes a debt. Requests never go back, since an attempt that was sent counts whatever came of it
// (help.openai.com 5955604: unsuccessful requests count too); so used.Requests may be left 0.
func (r *Reservation) Settle(used Need, now time.Time) {
	n := used.each()
	n[0] = max(n[0], r.need[0])
	r.end(n, now)
}

// Cancel gives everything back, for an attempt that was not sent. Cancelled in the moment
// of its Reserve, it is as if it had never been. Later, up to a burst may pass twice within a window,
// because the bucket may have been full in between.
func (r *Reservation) Cancel(now time.Time) {
	r.end([3]int{}, now)
}

// Correct takes over what the attempt has used of its input while it goes on: an answer that is
// streamed says so at its beginning.
func (r *Reservation) Correct(input int, now time.Time) {
	p := r.pool
	if p == nil {
		return
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	r.change(1, max(input, 0), now)
}

// change corrects what was taken of the i-th limit.
func (r *Reservation) change(i, used int, now time.Time) {
	p, more := r.pool, used-r.need[i]
	if r.charged[i] {
		p.buckets[i].refill(p.speed(now), now)
		p.buckets[i].take(float64(more))
		p.open[i] += more
	}
	r.need[i] = used
	p.taken[i] += more
	r.mark[i] += more
}

func (r *Reservation) end(used [3]int, now time.Time) {
	p := r.pool
	if p == nil {
		return
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	for i := range p.buckets {
		if r.change(i, used[i], now); r.charged[i] {
			p.open[i] -= used[i]
		}
	}
	if used == [3]int{} {
		p.cruise.cancelled()
	}
	if r.probe {
		p.probed(used != [3]int{}, now)
	}
	r.pool = nil
}
