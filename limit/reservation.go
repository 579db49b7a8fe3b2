package limit

import "time"

// Reservation is what Reserve took for one attempt. Exactly one of Settle and Cancel ends it; any
// further one does nothing, nor does either on the zero Reservation. It is for one goroutine at a
// time, and a copy counts as another reservation: pass a pointer.
type Reservation struct {
	pool    *Pool
	need    [3]int
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
func (r *Reservation) Cancel(now time.Time) { r.end([3]int{}, now) }

func (r *Reservation) end(used [3]int, now time.Time) {
	p := r.pool
	if p == nil {
		return
	}
	r.pool = nil
	p.mu.Lock()
	defer p.mu.Unlock()
	for i := range p.buckets {
		if r.charged[i] {
			p.buckets[i].refill(now)
			p.buckets[i].take(float64(used[i]) - float64(r.need[i]))
		}
	}
}
