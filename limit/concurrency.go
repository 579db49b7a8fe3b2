package limit

import (
	"errors"
	"fmt"
	"math"
	"math/bits"
	"sync"
	"time"
)

// ConcurrencyConfig bounds what [Concurrency] finds. The zero value of a field is its default.
type ConcurrencyConfig struct {
	// Max is the highest limit, and the first. Default 1024.
	Max int

	// Min is the lowest limit. Default 4, or Max if that is less.
	Min int

	// Fixed keeps the limit at Max.
	Fixed bool
}

// Defaults returns c with every zero field set.
func (c ConcurrencyConfig) Defaults() ConcurrencyConfig {
	if c.Max <= 0 {
		c.Max = 1024
	}
	if c.Min <= 0 {
		c.Min = 4
	}
	c.Min = min(c.Min, c.Max)
	return c
}

// Validate reports every fault of c, joined, each with the name of its field.
func (c ConcurrencyConfig) Validate() error {
	var faults []error
	if c.Min < 0 {
		faults = append(faults, fmt.Errorf("limit: Min: %d is negative", c.Min))
	}
	if c.Max > 0 && c.Min > c.Max {
		faults = append(faults, fmt.Errorf("limit: Min: %d is more than Max, %d", c.Min, c.Max))
	}
	return errors.Join(faults...)
}

// Concurrency finds how many attempts at once a target can bear.
//
// It goes down by a tenth when the target says that it is overloaded, or lets a first token time out, at most
// once a second; and by three tenths, at most every five, while first tokens come more than twice as late as
// they used to for prompts of their size. It never looks at how long a whole answer takes: that depends on its
// length.
//
// It goes up while it is used, by one for as many good answers as it has places. When nothing has been wrong
// for half a minute it doubles every ten seconds up to where it was, used or not, and after a minute it grows
// beyond that by a tenth every ten seconds while it is used.
//
// What may wait at the target at once is not what bothers it when the answers get longer; so a
// shift of lengths moves nothing. Safe for concurrent use; no method waits or allocates.
type Concurrency struct {
	mu    sync.Mutex
	cfg   ConcurrencyConfig // guarded by mu, as are all below
	limit float64
	was   float64   // before it fell
	floor float64   // below which late first tokens alone do not push it
	fell  time.Time // last
	rose  time.Time // last, by time
	late  float64   // how late first tokens are, in powers of two: a moving average
	peak  [2]int    // most in flight in this step of time and in the one before
	since time.Time // when the step began
	usual [sizes]usual
}

// usual is how long the first token takes for prompts of one size.
type usual struct {
	log float64 // of its seconds, base 2
	n   int
}

const (
	sizes      = 16              // of prompts, by powers of two of their tokens
	cutBack    = 0.7             // when first tokens come late
	ease       = 0.9             // when the target says that it is overloaded: it will say so again
	tooLate    = 1.0             // twice as late
	intime     = 0.5             // 1.4 times
	settle     = 5 * time.Second // before first tokens are believed again after a fall
	oneFall    = time.Second     // several signs of one trouble count once
	calm       = 30 * time.Second
	step       = 10 * time.Second
	leastKnown = 10     // first tokens that tell what is usual
	quick      = 0.05   // weight of a first token in what is now
	slowly     = 0.005  // and in what is usual
	glacial    = 0.0005 // and while it is late: a target that stays slower is so
)

// NewConcurrency returns a limit at its highest.
func NewConcurrency(cfg ConcurrencyConfig) *Concurrency {
	c := &Concurrency{cfg: cfg.Defaults()}
	c.limit, c.was = float64(c.cfg.Max), float64(c.cfg.Max)
	return c
}

// Limit is how many attempts may be in flight.
func (c *Concurrency) Limit() int {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.whole()
}

func (c *Concurrency) whole() int { return int(math.Round(c.limit)) }

// Overloaded takes the news that the target could not bear what was in flight. It returns the limit, and
// whether it moved.
func (c *Concurrency) Overloaded(inFlight int, now time.Time) (int, bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	before := c.whole()
	c.flies(inFlight, now)
	if now.Sub(c.fell) >= oneFall {
		c.fall(ease, float64(c.cfg.Min), now)
	}
	return c.whole(), c.whole() != before
}

// flies notes what is in flight. Failures come fast: when the last is heard of there may be nothing in flight
// any more of what was too much.
func (c *Concurrency) flies(n int, now time.Time) {
	if now.Sub(c.since) >= step {
		c.peak[0], c.peak[1], c.since = 0, c.peak[0], now
	}
	c.peak[0] = max(c.peak[0], n)
}

// fall lowers the limit to a part of what was in flight.
func (c *Concurrency) fall(part, least float64, now time.Time) {
	if c.cfg.Fixed {
		return
	}
	flying := min(c.limit, float64(max(c.peak[0], c.peak[1], 1)))
	if c.fell.IsZero() || now.Sub(c.fell) >= calm || c.limit >= c.was {
		c.was, c.floor = c.limit, max(flying/4, float64(c.cfg.Min))
		if part > cutBack { // so many were too many
			c.was = flying
		}
	}
	c.limit = min(c.limit, max(flying*part, least, float64(c.cfg.Min)))
	c.fell, c.rose = now, now
}

// Answered takes the news of a good answer, with what was in flight beside it.
func (c *Concurrency) Answered(inFlight int, now time.Time) (int, bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	before := c.whole()
	c.flies(inFlight, now)
	if c.cfg.Fixed || c.limit >= float64(c.cfg.Max) || c.late > intime {
		return before, false
	}
	used, quiet := float64(inFlight)*2 >= c.limit, now.Sub(c.fell)
	if used {
		c.limit += 1 / c.limit
	}
	if now.Sub(c.rose) >= step && quiet >= calm {
		switch {
		case c.limit < c.was:
			c.limit, c.rose = min(c.limit*2, c.was), now
		case used && quiet >= 2*calm:
			c.limit, c.rose = c.limit*1.1, now
		}
	}
	c.limit = min(c.limit, float64(c.cfg.Max))
	return c.whole(), c.whole() != before
}

// FirstToken takes the news of how long the first token took for a prompt of so many tokens.
func (c *Concurrency) FirstToken(prompt int, took time.Duration, inFlight int, now time.Time) (int, bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	before := c.whole()
	c.flies(inFlight, now)
	u := &c.usual[min(bits.Len(uint(max(prompt, 0))), sizes-1)]
	log := math.Log2(max(took.Seconds(), 1e-3))
	if u.n < leastKnown {
		u.n++
		u.log += (log - u.log) / float64(u.n)
		return before, false
	}
	c.late += (log - u.log - c.late) * quick
	weight := slowly
	if c.late > intime {
		weight = glacial
	}
	u.log += (log - u.log) * weight
	if c.late > tooLate && now.Sub(c.fell) >= settle && c.limit > c.floor {
		c.fall(cutBack, c.floor, now)
	}
	return c.whole(), c.whole() != before
}
