// Package retry decides whether and when to try again.
//
// A failed attempt leaves three questions, and each has one answer here:
//
//	may it be tried again?     Policy.Again   attempts at this target, attempts of this call
//	                           Budget         what all calls together may add to the load
//	when?                      Policy.Wait    the server's hint, or else backoff; both jittered
//	is waiting worth it?       Patient, Fits  against another target, against the deadline
//
// The rules behind the answers, each learned from a client that lacked it:
//
//   - The cap is applied before the jitter. A client that clips afterwards lines up every
//     waiter at exactly the cap, and the recovered server meets them all at once.
//   - A server's hint is a promise about the earliest useful moment: the wait is never
//     shorter than the hint, and it is spread, because the server told everybody the same.
//     Absurd hints (negative, NaN, a thousand years) are no hints.
//   - No wait begins that cannot end in time to be useful. The original error is returned
//     at once, not a timeout after a pointless sleep.
//   - The budget is asked before the wait, never after it.
//
// The package holds no goroutine and no clock: now is passed in, waits are returned. Do is a
// small loop around these parts for programs that use the package alone. Which outcome deserves
// a retry at all is for the caller to say.
package retry

import (
	"errors"
	"fmt"
	"math"
	"time"
)

const (
	// MinWait is the shortest wait between two attempts at one target. Anything shorter
	// is a hot loop for an API that answers in seconds.
	MinWait = 200 * time.Millisecond

	// MaxHint is the longest server hint that is believed. Weekly limits exist; anything
	// longer is a mistake or an attack, and is ignored.
	MaxHint = 7 * 24 * time.Hour

	// minCeiling is the least upper end of the jitter. Below twice MinWait the floor would
	// swallow so much of the range that the spread (sd/mean) falls under 0.25.
	minCeiling = 2 * MinWait

	minSpread = 50 * time.Millisecond
)

// Policy says how often and how long. The zero value of a field is its default; a negative
// value switches that rule off.
type Policy struct {
	// Attempts is the number of attempts per target and call, the first included.
	// Default 2. Off: one attempt, no retry.
	Attempts int

	// MaxAttempts is the number of attempts per call over all targets. Default 5. Off: no cap.
	MaxAttempts int

	// Base is the upper end of the first backoff; it doubles with every further one. Default
	// 500ms; anything under 400ms counts as that (see MinWait). Off: no growth, every backoff ends by 400ms.
	Base time.Duration

	// Max caps the upper end of a backoff. Default 8s. Off: no cap.
	Max time.Duration

	// Patience is the price of staying with the better target: a wait up to this long is
	// preferred to asking another. Default 5s. Off: never wait for a hint.
	Patience time.Duration

	// Budget is the share of offered calls that may be retries, 0 to 1. Default 0.2. Off: no limit.
	Budget float64
}

// Defaults returns p with every zero field set. A default gives way to a neighbour that was
// set: Attempts to a smaller MaxAttempts, Base to a smaller Max, Max to a larger Base. What is
// off stays negative.
func (p Policy) Defaults() Policy {
	if p.MaxAttempts == 0 {
		p.MaxAttempts = max(5, p.Attempts)
	}
	if p.Attempts == 0 {
		p.Attempts = 2
		if p.MaxAttempts > 0 {
			p.Attempts = min(2, p.MaxAttempts)
		}
	}
	if p.Max == 0 {
		p.Max = max(8*time.Second, p.Base)
	}
	if p.Base == 0 {
		p.Base = 500 * time.Millisecond
		if p.Max > 0 {
			p.Base = min(p.Base, p.Max)
		}
	}
	if p.Patience == 0 {
		p.Patience = 5 * time.Second
	}
	if p.Budget == 0 {
		p.Budget = 0.2
	}
	return p
}

// Validate reports every fault of p, joined, each with the name of its field.
func (p Policy) Validate() error {
	var faults []error
	fault := func(wrong bool, format string, args ...any) {
		if wrong {
			faults = append(faults, fmt.Errorf("retry: "+format, args...))
		}
	}
	p = p.Defaults()
	fault(p.MaxAttempts > 0 && p.Attempts > p.MaxAttempts,
		"Attempts: %d is more than MaxAttempts, %d", p.Attempts, p.MaxAttempts)
	fault(p.Max > 0 && p.Base > p.Max, "Base: %v is more than Max, %v", p.Base, p.Max)
	fault(p.Max > MaxHint, "Max: %v is more than %v", p.Max, MaxHint)
	fault(p.Patience > MaxHint, "Patience: %v is more than %v", p.Patience, MaxHint)
	fault(math.IsNaN(p.Budget) || p.Budget > 1, "Budget: %v is not a share of 1", p.Budget)
	return errors.Join(faults...)
}

// Again reports whether another attempt is allowed after here attempts at this target and
// total attempts of this call at all targets.
func (p Policy) Again(here, total int) bool {
	p = p.Defaults()
	return here < p.Attempts && (p.MaxAttempts < 0 || total < p.MaxAttempts)
}

// Patient reports whether a target that can be asked again after wait is worth staying with
// while another could be asked now.
func (p Policy) Patient(wait time.Duration) bool {
	return wait <= p.Defaults().Patience
}

// Wait returns the time to wait before retry n (1 is the first): after the server's hint where
// there is one, by Backoff where hint is 0 or less. rnd is a random number in [0,1).
func (p Policy) Wait(n int, hint time.Duration, rnd float64) time.Duration {
	if hint > 0 {
		return p.AfterHint(hint, rnd)
	}
	return p.Backoff(n, rnd)
}

// Backoff returns the wait before retry n (1 is the first) without a hint: max(MinWait,
// rnd x min(Max, Base x 2^(n-1))), for a random rnd in [0,1). This is "full jitter" of the AWS
// architecture blog ("Exponential Backoff And Jitter"), capped before the jitter so that waiters
// at the cap stay spread: sd/mean is at least 0.25 at every n.
func (p Policy) Backoff(n int, rnd float64) time.Duration {
	p = p.Defaults()
	ceiling, limit := max(p.Base, minCeiling), p.Max
	if limit < 0 {
		limit = MaxHint
	}
	if p.Base > 0 {
		for ; n > 1 && ceiling < limit; n-- {
			ceiling *= 2
		}
	}
	ceiling = max(min(ceiling, limit), minCeiling)
	return max(MinWait, time.Duration(unit(rnd)*float64(ceiling)))
}

// AfterHint returns the wait for a server's hint: never shorter than the hint (or MinWait, for
// a tiny one), and spread over a tenth of it (at least 50ms) above, since every client was told
// the same. rnd is a random number in [0,1).
func (Policy) AfterHint(hint time.Duration, rnd float64) time.Duration {
	from := max(hint, MinWait)
	wait := from + time.Duration(unit(rnd)*float64(max(minSpread, from/10)))
	if wait < from { // overflow
		return math.MaxInt64
	}
	return wait
}

// Fits is the deadline rule: it reports whether a wait leaves enough of what is left of the
// deadline to be useful. useful is the least time an attempt needs to bring anything, such as the
// target's median time to first token. Pass math.MaxInt64 as left where there is no deadline.
func Fits(wait, left, useful time.Duration) bool {
	return left > 0 && max(wait, 0) <= left-max(useful, 0)
}

// unit forces a random number into [0,1).
func unit(rnd float64) float64 {
	switch {
	case rnd >= 1:
		return math.Nextafter(1, 0)
	case rnd > 0:
		return rnd
	}
	return 0 // negative or NaN
}
