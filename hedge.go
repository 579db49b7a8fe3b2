package fairlead

import (
	"context"
	"sync"
	"time"

	"fairlead.dev/breaker"
	"fairlead.dev/event"
	"fairlead.dev/llm"
)

// Of the calls that a target gets first, hedgeShare may be hedged, after quiet
// times up to hedgeBurst at once (The Tail at Scale: 5% more load).
const (
	hedgeShare = 0.05
	hedgeBurst = 3
)

// hedges bounds how many calls of a target are hedged.
type hedges struct {
	mu     sync.Mutex
	tokens float64 // guarded by mu
}

// deposit pays in for a call.
func (h *hedges) deposit() {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.tokens = min(h.tokens+hedgeShare, hedgeBurst)
}

// withdraw pays for a hedge, if there is enough.
func (h *hedges) withdraw() bool {
	h.mu.Lock()
	defer h.mu.Unlock()
	const rounding = 1e-9 // twenty deposits are one hedge
	if h.tokens < 1-rounding {
		return false
	}
	h.tokens--
	return true
}

// race opens an attempt, and when it is slow to bring content another beside
// it. It returns the one to go on with; the other is settled. No goroutine is
// begun when nobody may be asked beside it.
func (k *call) race(a *attempt) *attempt {
	i := k.rival(a)
	if i < 0 {
		k.c.open(a)
		return a
	}
	a.target.hedges.deposit()
	done := make(chan *attempt, 2)
	launch := func(a *attempt) {
		go func() {
			k.c.open(a)
			done <- a
		}()
	}
	launch(a)
	timer := time.NewTimer(a.link.policies.Timeouts.HedgeAfter)
	defer timer.Stop()
	select {
	case <-done:
		return a
	case <-timer.C:
	}
	k.now = time.Now()
	b := k.hedge(a, i)
	if b == nil {
		<-done
		return a
	}
	launch(b)
	first := <-done
	if first.out.Good() {
		k.c.end(k, 1-first.lane, errLost)
		return k.won(first, <-done, i)
	}
	if second := <-done; second.out.Good() {
		return k.won(second, first, i)
	}
	b.end()
	b.free()
	return a
}

// errLost is why a racer ends that came second.
var errLost = context.Canceled

// rival returns whom to ask beside an attempt that is slow to begin: the first
// target behind it that the chain calls equal, in another pool. -1 is nobody.
func (k *call) rival(a *attempt) int {
	if a.link.policies.Timeouts.HedgeAfter <= 0 || !a.asksForStream() || k.cut != nil || !k.plan.MayHedge() {
		return -1
	}
	for i := k.plan.Target() + 1; i < len(k.links); i++ {
		if o := k.links[i].target; k.links[i].equal && !samePool(o, a.target) {
			return i
		}
	}
	return -1
}

// hedge gets an attempt at the i-th target ready to be sent beside a, or nil:
// it never waits, never goes where a breaker is not closed, and is paid for.
func (k *call) hedge(a *attempt, i int) *attempt {
	b := &attempt{call: k, link: &k.links[i], target: k.links[i].target, lane: 1}
	closed := a.target.breaker.Snapshot(k.now).State == breaker.Closed && b.target.breaker.Snapshot(k.now).State == breaker.Closed
	if !closed || k.gone() != nil || k.plan.Attempts() >= k.plan.Limit() || !a.target.hedges.withdraw() {
		return nil
	}
	if no := b.take(); no.why != 0 {
		k.note(event.Event{Kind: event.Skipped, Reason: no.why, Target: b.target.name, Until: no.until, Detail: no.detail})
		return nil
	}
	k.plan.Hedged(i)
	b.begun, b.number = k.now, k.plan.Attempts()
	b.clock.limits = b.opening()
	k.note(event.Event{Kind: event.Hedged, Target: b.target.name, Key: b.key.name, Attempt: b.number, Of: k.plan.Limit(), Wait: k.now.Sub(a.begun)})
	return b
}

// won settles the loser of a race, which may be good as well, and returns the
// winner. i is the position of the one that was asked second.
func (k *call) won(winner, loser *attempt, i int) *attempt {
	if loser.out.Good() || loser.out.Verdict == event.Canceled {
		loser.out = llm.Outcome{Verdict: event.Canceled, Status: loser.status(), Err: errLost}
		loser.lost = true
	}
	loser.close()
	loser.end()
	loser.free()
	if winner.lane > 0 {
		k.plan.Moved(i)
		k.why = event.Hedged.String()
	}
	return winner
}

// samePool reports whether two targets share their rate limits.
func samePool(a, b *target) bool { return a.provider == b.provider && a.family == b.family }
