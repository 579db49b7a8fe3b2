package fairlead

import (
	"context"
	crand "crypto/rand"
	"math/rand/v2"
	"sync/atomic"
	"time"

	"fairlead.dev/event"
	"fairlead.dev/fallback"
	"fairlead.dev/llm"
)

// call is one call on its way through the loop.
type call struct {
	c        *Client
	table    *table
	ctx      context.Context
	ask      Call
	req      *llm.Request
	api      llm.Dialect // the client's side
	links    []link
	plan     fallback.Plan
	report   *event.Report
	id       string
	number   uint64 // tells calls apart for breakers
	share    uint32 // the conversation
	began    time.Time
	now      time.Time // read once for each step
	deadline time.Time
	queued   time.Duration
	primary  *llm.Outcome // the last outcome of the chain's head; nil when it was not asked
	cut      *resumption  // what a stream was when it was cut first; nil: none was
	plain    bool         // ask for a plain answer, assembling one has failed
	why      string       // the last decision against the primary
	refused  event.Reason
	retryIn  time.Duration // when the target that was refused last may be asked again
	served   *link         // who answered
	client   []*key        // the client's own credential at ...
	clientOf *provider     // ... this provider
	fresh    bool          // the next attempt needs a new connection
	stopped  bool          // no rest of a cut answer was found because nobody waits for it
	heard    atomic.Int64  // when the caller got something last, Unix nanoseconds
	beat     atomic.Pointer[time.Timer]
	stays    bool        // it waits for its turn however long that may be
	held     bool        // the caller was told to keep its client waiting
	left     atomic.Bool // the caller wants no more of it
	ended    atomic.Bool // nothing more is told to the caller
	over     bool        // the stream was settled ...
	result   error       // ... and this is what its reader gets
}

// run is the loop: it asks targets until one is good or nobody is left, and then
// says why. Every way of calling Fairlead ends up here, and a stream that was cut
// comes back to it for the rest.
func (k *call) run(step fallback.Step) (*attempt, event.Reason) {
	for {
		switch {
		case step.Kind == fallback.Stop:
			return nil, step.Reason
		case step.Kind == fallback.AskNow && step.Reason == event.Pool:
			k.stays = true // in the queue of the target, which knows when it may go
		case step.Kind == fallback.AskNow && !k.sleep(step, k.links[k.plan.Target()].target), k.left.Load():
			return nil, event.Left
		}
		var a *attempt
		if a, step = k.admit(&k.links[k.plan.Target()]); a == nil {
			continue
		}
		k.start(a)
		a = k.race(a)
		a.out.Verdict = k.plan.Verdict(a.out.Verdict)
		k.remember(a)
		if a.out.Good() {
			return a, 0
		}
		step = k.after(a)
	}
}

// start counts an attempt that is about to be sent, and tells of it.
func (k *call) start(a *attempt) {
	if k.plan.First() && k.req.Op == llm.Generate {
		a.target.budget.Deposit(k.now)
	}
	k.plan.Started()
	a.begun, a.number = k.now, k.plan.Attempts()
	a.fresh, k.fresh = k.fresh, false
	a.clock.limits = a.opening()
	k.note(event.Event{Kind: event.Started, Target: a.target.name, Key: a.key.name, Attempt: a.number, Of: k.plan.Limit()})
	for _, edit := range a.body.Edits {
		k.note(event.Event{Kind: event.Edited, Target: a.target.name, Detail: edit})
	}
}

// after settles a failed attempt and asks the plan what to do.
func (k *call) after(a *attempt) fallback.Step {
	a.end()
	a.free()
	k.plain = k.plain || a.strange
	if step, ok := k.otherwise(a); ok {
		return step
	}
	terms := k.terms(a.target)
	terms.ClientKey = a.key.cred.Client
	from := k.plan.Target()
	step := k.plan.After(&a.out, terms)
	k.fresh = step.Reason == event.Fresh
	if step.Retry && !a.target.budget.Withdraw(k.now) {
		k.note(event.Event{Kind: event.Skipped, Reason: event.BudgetSpent, Target: a.target.name})
		step = k.plan.Dismiss(&a.out, terms)
	}
	if step.Kind == fallback.Hop {
		k.hopped(from, a.out.Verdict.String(), event.Event{Reason: step.Reason, Verdict: a.out.Verdict})
	}
	return step
}

// refuse tells the plan that a target may not be asked, and why.
func (k *call) refuse(t *target, no denial) fallback.Step {
	r, until := no.why, no.until
	switch {
	case k.gone() != nil:
		return fallback.Step{Kind: fallback.Stop, Reason: event.Left}
	case !k.now.Before(k.deadline):
		k.refused = r
		return fallback.Step{Kind: fallback.Stop, Reason: event.Deadline}
	case r == event.Draining:
		k.refused = r
		return fallback.Step{Kind: fallback.Stop, Reason: r}
	}
	k.note(event.Event{Kind: event.Skipped, Reason: r, Target: t.name, Until: until, Detail: no.detail})
	k.refused = r
	if !until.IsZero() && (k.retryIn == 0 || until.Sub(k.now) < k.retryIn) {
		k.retryIn = max(until.Sub(k.now), time.Millisecond)
	}
	from := k.plan.Target()
	step := k.plan.Refused(r, until, k.terms(t))
	if step.Kind == fallback.Hop {
		k.hopped(from, r.String(), event.Event{Reason: r})
	}
	return step
}

func (k *call) hopped(from int, why string, e event.Event) {
	if from == 0 || k.why == "" {
		k.why = why
	}
	k.stays = false
	e.Kind, e.Target = event.Hopped, k.links[k.plan.Target()].target.name
	k.note(e)
}

// terms gathers what the plan wants to know of this moment.
func (k *call) terms(t *target) fallback.Terms {
	return fallback.Terms{
		Now: k.now, Left: k.deadline.Sub(k.now), Rnd: rand.Float64(),
		OtherKey: k.otherKey(t), OtherPool: k.elsewhere(t),
	}
}

// remember keeps the outcome of the chain's head for the final error.
func (k *call) remember(a *attempt) {
	if a.link == &k.links[0] && k.cut == nil && a.out.Verdict != event.Canceled {
		k.primary = &a.out
	}
}

// sleep waits before the same target is asked again. It ends early only when
// the client leaves, and is then false; the plan has seen to it that the
// deadline allows it.
func (k *call) sleep(s fallback.Step, t *target) bool {
	if s.Wait <= 0 {
		return true
	}
	k.note(event.Event{Kind: event.Waiting, Reason: s.Reason, Target: t.name, Wait: s.Wait})
	timer := time.NewTimer(s.Wait)
	defer timer.Stop()
	select {
	case <-timer.C:
		k.now = time.Now()
		return true
	case <-k.ctx.Done():
	case <-k.c.stop:
	}
	k.now = time.Now()
	if s.Retry {
		t.budget.Refund()
	}
	return false
}

// gone says why nobody waits for the call any more, or nil: its caller left, or
// the client is closing.
func (k *call) gone() error {
	switch {
	case k.left.Load():
		return context.Canceled
	case k.ctx.Err() != nil:
		return context.Cause(k.ctx)
	case k.expired(k.now):
		return context.DeadlineExceeded
	}
	select {
	case <-k.c.stop:
		return ErrClosed
	default:
		return nil
	}
}

// expired reports whether the deadline of the caller's context has passed. Its
// timer may fire later than ours on a busy machine, and the caller would get an
// error of ours instead of its own.
func (k *call) expired(now time.Time) bool {
	t, ok := k.ctx.Deadline()
	return ok && !now.Before(t)
}

// note adds an event to the report and tells it to whoever watches.
func (k *call) note(e event.Event) {
	e.At = k.now
	k.tell(e)
}

// tell is note for an event that has its time.
func (k *call) tell(e event.Event) {
	k.report.Add(e)
	if k.c.watched() {
		e.Call = k.id
		k.c.publish(e)
	}
}

// newID makes the id of a call: 130 random bits, so that knowing one does not
// help to guess another.
func newID() string { return "call_" + crand.Text() }
