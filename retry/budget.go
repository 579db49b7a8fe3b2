package retry

import (
	"math"
	"sync"
	"time"
)

const (
	budgetBurst   = 10.0             // tokens it holds at most, and at first
	budgetTrickle = 10 * time.Second // one token comes free in this time
	budgetSlack   = 1e-9             // five deposits of 0.2 are one token in spite of rounding
)

// Budget bounds what retries add to the load of one target, over all calls. It is a token
// bucket: every first attempt pays in a share of a token, every retry costs one. In a full
// outage the target then sees at most (1 + ratio) times the offered load, plus a reserve of one
// retry per ten seconds for targets with little traffic, plus a burst of ten after quiet times.
// The form is Finagle's RetryBudget; its reserve of ten per second would be no limit at all at
// the rate of LLM calls.
//
// A nil Budget has no limit. Safe for concurrent use; no method allocates or waits.
type Budget struct {
	mu     sync.Mutex
	ratio  float64   // guarded by mu; negative: no limit
	tokens float64   // guarded by mu
	at     time.Time // guarded by mu; the trickle is counted up to here
}

// NewBudget returns a full budget. ratio is Policy.Budget: 0 means 0.2, negative means no limit.
func NewBudget(ratio float64) *Budget {
	b := &Budget{tokens: budgetBurst}
	b.SetRatio(ratio)
	return b
}

// SetRatio changes the ratio, as NewBudget takes it, and keeps what has been saved.
func (b *Budget) SetRatio(ratio float64) {
	if math.IsNaN(ratio) {
		ratio = 0
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	b.ratio = Policy{Budget: ratio}.Defaults().Budget
}

// Deposit pays in for one first attempt.
func (b *Budget) Deposit(now time.Time) {
	if b == nil {
		return
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	b.trickle(now)
	b.add(max(b.ratio, 0))
}

// Withdraw takes a token for one retry and reports whether there was one. Ask before the wait,
// not after it, and Refund if the retry is not made after all.
func (b *Budget) Withdraw(now time.Time) bool {
	if b == nil {
		return true
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.ratio < 0 {
		return true
	}
	b.trickle(now)
	if b.tokens < 1-budgetSlack {
		return false
	}
	b.tokens--
	return true
}

// Refund returns the token of a retry that was not made: the call was cancelled in its wait,
// or a breaker or limit stood in the way.
func (b *Budget) Refund() {
	if b == nil {
		return
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.ratio >= 0 {
		b.add(1)
	}
}

// Level returns how many retries could be made now; the burst, 10, when there is no limit.
func (b *Budget) Level(now time.Time) float64 {
	if b == nil {
		return budgetBurst
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.ratio < 0 {
		return budgetBurst
	}
	b.trickle(now)
	return max(b.tokens, 0)
}

func (b *Budget) trickle(now time.Time) {
	if b.at.IsZero() {
		b.at = now
		return
	}
	if d := now.Sub(b.at); d > 0 { // a late caller's now may lie behind
		b.add(float64(d) / float64(budgetTrickle))
		b.at = now
	}
}

func (b *Budget) add(tokens float64) { b.tokens = min(b.tokens+tokens, budgetBurst) }
