package queue

import "time"

// pace is how fast calls start while somebody waits: an average over the latest twenty or so.
type pace struct {
	starts float64       // each start counts for 5% less with every later one
	busy   time.Duration // likewise: time in which somebody waited
	from   time.Time     // since when somebody waits, or the last start if that was later; zero: nobody waits
}

const fade = 0.95

// resume notes that somebody waits from now on.
func (p *pace) resume(now time.Time) { p.from = now }

// pause notes that nobody waits any more.
func (p *pace) pause() { p.from = time.Time{} }

// start notes that a call started, and whether others still wait.
func (p *pace) start(now time.Time, others bool) {
	p.starts = p.starts*fade + 1
	p.busy = time.Duration(float64(p.busy) * fade)
	if !p.from.IsZero() {
		p.busy += now.Sub(p.from)
	}
	if p.from = (time.Time{}); others {
		p.from = now
	}
}

// interval is the time between two starts; 0 before four have told. A start that is overdue counts.
func (p *pace) interval(now time.Time) time.Duration {
	if p.starts < 3 {
		return 0
	}
	each := time.Duration(float64(p.busy) / p.starts)
	if !p.from.IsZero() {
		if late := now.Sub(p.from); late > each {
			return time.Duration(float64(p.busy+late) / (p.starts + 1))
		}
	}
	return each
}

// expect estimates how long a call would wait that came now; 0 if nothing is known.
func (q *Queue) expect(t *Ticket, now time.Time) time.Duration {
	r := &q.rooms[t.Class.rank()]
	ahead := r.front.n
	if !t.Front {
		// Tenants take turns: of each other one, as many go first as this one has waiting itself.
		own := 0
		if o := r.names[t.Tenant]; o != nil {
			own = o.n
		}
		ahead += min(r.n-r.front.n, (own+1)*len(r.names))
	}
	each := r.pace.interval(now)
	if each == 0 {
		each = q.pace.interval(now)
	}
	wait := time.Duration(ahead+1) * each
	if q.cfg.Ageing > 0 {
		wait = min(wait, time.Duration(ahead+1)*q.cfg.Ageing)
	}
	return max(wait, q.gate.Sub(now))
}
