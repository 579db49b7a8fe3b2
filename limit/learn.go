package limit

import "time"

// Seen is what the headers of an answer tell of one limit.
type Seen struct {
	Known     bool          // the headers name it
	Limit     int           // what is there in a whole window, of a minute unless Reset says otherwise; 0: not told
	Remaining int           // what the provider would still take
	Reset     time.Duration // until all of it is there again; 0: not told
}

// perMinute is the limit per minute, going by how long the provider takes to have again what is missing.
// Most windows are of a minute. Some are of a second, and their limits would choke us; others are of a day, tell
// nothing of minutes, and are false.
func (s *Seen) perMinute() (int, bool) {
	missing := float64(s.Limit - s.Remaining)
	if s.Reset <= 0 || missing <= 0 {
		return s.Limit, true
	}
	const rounding = 1500 * time.Millisecond // many tell whole seconds
	expected := time.Duration(missing / float64(s.Limit) * float64(time.Minute))
	switch {
	case s.Reset > 3*expected && s.Reset > expected+rounding:
		return 0, false
	case s.Reset < expected/4:
		return min(int(missing/s.Reset.Minutes()), Most), true
	}
	return s.Limit, true
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
	perMinute, ok := s.perMinute()
	if !ok {
		return
	}
	b := &p.buckets[i]
	b.refill(p.speed(now), now)
	another := perMinute == s.Limit && perMinute != p.told[i] || differs(p.told[i], perMinute)
	if perMinute > 0 && p.limits.each()[i] >= 0 && another {
		p.told[i] = perMinute
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

// differs reports whether a limit that was reckoned is another one than before.
func differs(before, now int) bool { return now < before*9/10 || now > before*11/10 }

// limited reports whether any limit is known.
func (p *Pool) limited() bool {
	return p.buckets[0].limited() || p.buckets[1].limited() || p.buckets[2].limited()
}
