package fallback

import (
	"time"

	"fairlead.dev/event"
	"fairlead.dev/llm"
	"fairlead.dev/retry"
)

// MaxChain is the longest chain. With five attempts a call there is no use for
// a longer one.
const MaxChain = 16

// Useful is the shortest time in which an attempt can be of use: below it a
// wait is not begun.
const Useful = 100 * time.Millisecond

// Plan is the way of one call along its chain. Set the exported fields, then
// use the methods; the zero state stands at the head of the chain.
type Plan struct {
	Policy retry.Policy  // with its defaults filled in
	Length int           // targets in the chain, at most MaxChain
	Pinned bool          // never hop
	Window func(int) int // context window of the i-th target in tokens, 0 unknown; nil: all unknown

	at     int
	total  int
	tries  [MaxChain]uint8
	beside int  // the target that was asked beside another; 0: none was
	bounce bool // the one free repeat on a fresh connection is spent

	pool   int       // of the targets refused because of their pool: the first to open
	openAt time.Time // when it opens; zero: none was
}

// Target returns the position in the chain of the target to ask now.
func (p *Plan) Target() int { return p.at }

// Attempts returns how many attempts were sent, over all targets.
func (p *Plan) Attempts() int { return p.total }

// Limit returns how many attempts the call may send at most.
func (p *Plan) Limit() int {
	if p.Policy.MaxAttempts < 0 {
		return p.Length * max(p.Policy.Attempts, 1)
	}
	return p.Policy.MaxAttempts
}

// Started notes that the target is being asked.
func (p *Plan) Started() {
	p.total++
	p.tries[p.at]++
}

// Hedged notes that the i-th target is being asked beside the present one.
func (p *Plan) Hedged(i int) {
	p.total++
	p.tries[i]++
	p.beside = i
}

// MayHedge reports whether another target may be asked beside the present one:
// once in a call.
func (p *Plan) MayHedge() bool { return !p.Pinned && p.beside == 0 }

// Moved notes that the i-th target, asked beside the present one, goes on with
// the call.
func (p *Plan) Moved(i int) { p.at = i }

// First reports whether the target has not been asked before in this call.
func (p *Plan) First() bool { return p.tries[p.at] == 0 }

// Bounced reports whether the one free repeat, after a connection from the pool
// turned out to be dead, is spent.
func (p *Plan) Bounced() bool { return p.bounce }

// Slice is how much of the time that is left the target may use before its
// first content: all of it on the last target, else a part is kept for each
// later one, so that a silent primary cannot starve its fallbacks.
func (p *Plan) Slice(left time.Duration) time.Duration {
	later := p.Length - 1 - p.at
	if p.Pinned || later <= 0 || p.total >= p.Limit() {
		return left
	}
	later = min(later, max(p.Limit()-p.total, 0))
	const keep = 30 * time.Second
	return left - time.Duration(later)*min(keep, left/time.Duration(later+1))
}

// Verdict corrects a verdict by what only the plan knows: a target other than
// the primary that calls the request wrong merely cannot take it.
func (p *Plan) Verdict(v event.Verdict) event.Verdict {
	if v == event.Invalid && p.at > 0 {
		return event.Incompatible
	}
	return v
}

// After says what to do after an attempt that was not good.
func (p *Plan) After(o *llm.Outcome, t Terms) Step {
	rule := For(o.Verdict)
	switch {
	case o.Verdict == event.Canceled:
		return Step{Kind: Stop, Reason: event.Left}
	case t.ClientKey && rule.Key != KeyFine:
		return Step{Kind: Stop, Reason: event.Final}
	case p.total >= p.Limit():
		return Step{Kind: Stop, Reason: event.AttemptsSpent}
	case o.Reused && !p.bounce:
		p.bounce = true
		return Step{Kind: AskNow, Reason: event.Fresh}
	case rule.Key != KeyFine && t.OtherKey:
		return Step{Kind: AskNow, Reason: event.VerdictSays}
	}
	if s, ok := p.again(rule, o, t); ok {
		return s
	}
	if !rule.Hop {
		return Step{Kind: Stop, Reason: event.Final}
	}
	return p.hop(o, t)
}

// Dismiss says what to do when a repeat of the same target was planned and the
// retry budget refused it.
func (p *Plan) Dismiss(o *llm.Outcome, t Terms) Step {
	s := p.hop(o, t)
	if s.Kind == Stop && s.Reason == event.AllTried {
		s.Reason = event.BudgetSpent
	}
	return s
}

// again plans a repeat of the same target, if the verdict allows one and it
// can be of use.
func (p *Plan) again(rule Rule, o *llm.Outcome, t Terms) (Step, bool) {
	if rule.Again == AfterHint && t.OtherKey {
		return Step{Kind: AskNow, Reason: event.VerdictSays}, true
	}
	if rule.Again == Never || o.NoRetry || int(p.tries[p.at]) >= max(p.Policy.Attempts, 1) {
		return Step{}, false
	}
	s := Step{Kind: AskNow, Retry: true, Reason: event.Backoff}
	n := int(p.tries[p.at])
	switch {
	case o.Hint > 0:
		s.Wait, s.Reason = p.Policy.AfterHint(o.Hint, t.Rnd), event.Hint
	case rule.Again == AfterHint && t.OtherPool:
		return Step{}, false // no hint: another pool is the better bet
	case rule.Again == Soon:
		s.Wait = p.Policy.Backoff(1, t.Rnd)
	default:
		s.Wait = p.Policy.Backoff(n, t.Rnd)
	}
	patient := o.Hint == 0 || o.Hint <= p.Policy.Patience || !t.OtherPool
	return s, patient && retry.Fits(s.Wait, t.Left, Useful)
}

// hop moves on to the next target that the verdict allows.
func (p *Plan) hop(o *llm.Outcome, t Terms) Step {
	switch {
	case p.Pinned:
		return Step{Kind: Stop, Reason: event.FallbackOff}
	case t.Left < Useful:
		return Step{Kind: Stop, Reason: event.Deadline}
	}
	from := p.at
	for i := p.at + 1; i < p.Length; i++ {
		if i == p.beside || o.Verdict == event.TooLarge && !p.larger(i, from) {
			continue // it has just failed, or will
		}
		p.at = i
		return Step{Kind: Hop, Reason: event.VerdictSays}
	}
	return Step{Kind: Stop, Reason: event.AllTried}
}

// larger reports whether target i may take what was too large for target j:
// unless both windows are known it may.
func (p *Plan) larger(i, j int) bool {
	if p.Window == nil {
		return true
	}
	wi, wj := p.Window(i), p.Window(j)
	return wi == 0 || wj == 0 || wi > wj
}

// Refused says what to do when the target may not be asked for reason r. until
// is when its pool opens, or its queue may have a turn; zero when that is
// unknown, or something else is the reason.
//
// What comes within Patience is waited for, in the target's queue. Otherwise the
// chain goes on, and when nobody else may be asked either, what comes first is
// waited for, if the deadline allows: better late than never.
func (p *Plan) Refused(r event.Reason, until time.Time, t Terms) Step {
	wait, ok := p.worth(r, until, t)
	if ok && p.total < p.Limit() {
		if wait <= p.Policy.Patience || p.Pinned {
			return Step{Kind: AskNow, Wait: wait, Reason: event.Pool}
		}
		if p.openAt.IsZero() || until.Before(p.openAt) {
			p.pool, p.openAt = p.at, until
		}
	}
	if !p.Pinned && p.at+1 < p.Length {
		p.at++
		return Step{Kind: Hop, Reason: r}
	}
	if p.openAt.IsZero() {
		return Step{Kind: Stop, Reason: r}
	}
	wait, ok = p.worth(event.PoolShut, p.openAt, t)
	p.at, p.openAt = p.pool, time.Time{}
	if !ok {
		return Step{Kind: Stop, Reason: r}
	}
	return Step{Kind: AskNow, Wait: wait, Reason: event.Pool}
}

// worth returns the wait for a pool or a turn, and whether it can end in time.
func (p *Plan) worth(r event.Reason, until time.Time, t Terms) (time.Duration, bool) {
	if r != event.PoolShut && r != event.NoCapacity || until.IsZero() {
		return 0, false
	}
	wait := max(until.Sub(t.Now), time.Millisecond)
	return wait, retry.Fits(wait, t.Left, Useful)
}
