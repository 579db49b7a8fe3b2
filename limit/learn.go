package limit

import "time"

// Seen is what the headers of an answer tell of one limit.
type Seen struct {
	Known     bool // the headers name it
	Limit     int  // per minute; 0: not told
	Remaining int  // what the provider would still take
}

// Report is what the headers of an answer tell of a pool: requests, input tokens, output tokens.
type Report [3]Seen

// raise is the part of its rate by which a level rises faster while the provider says that there is more
// than we thought: what is in flight may not be counted there yet. In the minute after an outage it is less,
// since what has collected there must not come out at once.
const (
	raise     = 0.6
	raiseCalm = 0.05
	calmTime  = time.Minute
)

// spare is the part of a minute's limit that is left with the provider, for what its counting and ours
// differ by: a bucket that is always at its bottom refuses somebody at every mistake.
const spare = 0.1

// Learn takes over what an answer to the attempt of r tells of the limits. A limit that is not
// configured is the one that is told, and one that is told lower holds. Less remaining than we thought
// wins at once, since somebody else may use the pool too; more is believed slowly. accepted: the provider
// took the request. A pool that was closed opens for others then.
func (r *Reservation) Learn(seen Report, accepted bool, now time.Time) {
	p := r.pool
	if p == nil {
		return
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	if accepted && r.probe {
		r.probe = false
		p.probed(true, now)
	}
	for i := range seen {
		if seen[i].Known {
			p.learn(i, &seen[i], r, now)
		}
	}
	if p.cruise.on && p.limited() {
		p.cruise = cruise{}
	}
}

func (p *Pool) learn(i int, s *Seen, r *Reservation, now time.Time) {
	b := &p.buckets[i]
	b.refill(p.speed(now), now)
	if s.Limit > 0 && s.Limit != p.told[i] && p.limits.each()[i] >= 0 {
		p.told[i] = s.Limit
		p.apply(i)
	}
	if !b.limited() {
		return
	}
	// What the provider had left when it took this request, less what was sent since, and what has
	// come in since. Output is charged as it is written: what is reserved is yet to come.
	p.most[i] = max(p.most[i], s.Remaining)
	margin := min(float64(s.Limit)*spare, float64(p.most[i])/4)
	there := float64(s.Remaining) - margin + now.Sub(r.at).Seconds()*b.rate
	if i == 2 {
		there -= float64(p.open[i])
	} else {
		there -= float64(p.taken[i] - r.mark[i])
	}
	there = min(there, b.burst)
	if there > b.level {
		since := 0.0
		if !b.raised.IsZero() {
			since = min(now.Sub(b.raised), time.Second).Seconds()
		}
		part := raise
		if now.Sub(p.calm) < calmTime {
			part = raiseCalm
		}
		there = min(there, b.level+part*b.rate*since)
		b.raised = now
	}
	b.level = there
}

// limited reports whether any limit is known.
func (p *Pool) limited() bool {
	return p.buckets[0].limited() || p.buckets[1].limited() || p.buckets[2].limited()
}
