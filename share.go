package fairlead

import (
	"cmp"
	"errors"
	"fmt"

	"fairlead.dev/limit"
	"fairlead.dev/queue"
)

// Concurrency says how the number of calls in flight at a target follows what
// the target can bear. See [limit.Concurrency].
type Concurrency struct {
	// Adaptive lowers the number when the target is overloaded or its first
	// tokens come late, and raises it again. Off: it is Queue.MaxInFlight.
	// Default On.
	Adaptive Switch

	// Min is the lowest number. Default 4.
	Min int
}

// Shares are the parts of each rate limit's burst that calls of a class leave
// to those of higher ones, so that urgent work finds room at once. 0 means the
// default, negative off. Critical calls leave nothing.
type Shares struct {
	High   float64 // default 0
	Normal float64 // default 0
	Low    float64 // default 0.1
	Batch  float64 // default 0.2
}

// defaultShares are the documented defaults of [Shares].
var defaultShares = Shares{Low: 0.1, Batch: 0.2}

// of is the share that a class leaves to others.
func (s *Shares) of(c queue.Class) float64 {
	share := 0.0
	switch {
	case c >= queue.Critical:
	case c == queue.High:
		share = s.High
	case c == queue.Normal:
		share = s.Normal
	case c == queue.Low:
		share = s.Low
	default:
		share = s.Batch
	}
	return max(share, 0)
}

func (s Shares) over(inner Shares) Shares {
	return Shares{
		High: cmp.Or(inner.High, s.High), Normal: cmp.Or(inner.Normal, s.Normal),
		Low: cmp.Or(inner.Low, s.Low), Batch: cmp.Or(inner.Batch, s.Batch),
	}
}

// Validate reports every fault of s, joined, each with the name of its field.
func (s Shares) Validate() error {
	var faults []error
	for _, f := range []struct {
		name string
		part float64
	}{{"High", s.High}, {"Normal", s.Normal}, {"Low", s.Low}, {"Batch", s.Batch}} {
		if f.part > 0.9 {
			faults = append(faults, fmt.Errorf("shares: %s: %v is more than 0.9: hardly anything would be left", f.name, f.part))
		}
	}
	return errors.Join(faults...)
}

// unlimited is where the number of calls in flight begins when the queue has no
// bound of its own.
const unlimited = 10_000

// concurrency is what a target's number of calls in flight is bounded by.
func (p *Policies) concurrency() limit.ConcurrencyConfig {
	most := p.Queue.Defaults().MaxInFlight
	if most < 0 {
		most = unlimited
	}
	return limit.ConcurrencyConfig{Max: most, Min: p.Concurrency.Min, Fixed: p.Concurrency.Adaptive == Off}
}
