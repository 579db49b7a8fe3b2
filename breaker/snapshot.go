package breaker

import "time"

// Snapshot is a breaker at one instant, for pages and metrics.
type Snapshot struct {
	State       State
	Since       time.Time // when the state was entered; zero: since the beginning
	Until       time.Time // when the state or step ends at the earliest; zero if only news can end it
	Share       int       // percent of the conversations that is admitted as an ordinary call: 0 while open and half-open
	Attempts    int       // in the window
	Failures    int       // among them
	Slow        int       // among them
	Consecutive int       // failures with no success between
	Probes      int       // probes under way
	Generation  uint64    // of the permits whose news counts; grows with each change of state
	Override    Override  // the one in force; under ObserveOnly nothing is refused, whatever State says
	Last        Change    // the latest change: why it is as it is
	Dropped     uint64    // changes that nobody took, see Take
}

// Snapshot returns the state and the numbers as they are now, aged. Changes
// that time brings about are left for [Breaker.Take], as by Allow.
func (b *Breaker) Snapshot(now time.Time) Snapshot {
	b.mu.Lock()
	defer b.mu.Unlock()
	now = b.tick(now)
	b.counts.advance(now)
	t := b.counts.total(slices)
	s := Snapshot{
		State: b.state, Since: b.since, Until: b.until, Share: b.share(),
		Attempts: int(t.attempts), Failures: int(t.failures), Slow: int(t.slow),
		Consecutive: b.run.length(now, b.memory()), Generation: b.generation,
		Override: b.override, Last: b.last, Dropped: b.news.dropped,
	}
	for _, l := range b.probes {
		if l.serial != 0 {
			s.Probes++
		}
	}
	return s
}

func (b *Breaker) share() int {
	switch b.state {
	case Closed:
		return 100
	case Ramp:
		return int(shares[b.climb.step-1])
	}
	return 0
}
