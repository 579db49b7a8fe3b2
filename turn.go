package fairlead

import (
	"cmp"
	"errors"
	"math/rand/v2"
	"time"

	"fairlead.dev/breaker"
	"fairlead.dev/event"
	"fairlead.dev/fallback"
	"fairlead.dev/limit"
	"fairlead.dev/queue"
)

// takeTurn gets a slot of the target and room in a pool, in the order of the
// target's queue. A wait that is longer than patience, by estimate, is left to
// the plan: it may know of somebody better.
func (a *attempt) takeTurn() (event.Reason, time.Time) {
	k, q := a.call, a.target.queue
	ticket := queue.Ticket{
		Class: k.ask.Class, Tenant: k.ask.Tenant, Deadline: k.deadline.Add(-fallback.Useful), Front: k.plan.Attempts() > 0, Door: a,
	}
	if slot, wait, ok := q.TryEnter(ticket); ok {
		a.slot = slot
		return 0, time.Time{}
	} else if r := a.unwilling(wait); r != 0 {
		return r, after(k.now, wait)
	}
	why := cmp.Or(a.shut, event.NoCapacity)
	a.unprepare() // thousands may wait, and bodies are large
	slot, err := q.Enter(k.ctx, ticket)
	waited := time.Since(k.now)
	k.now = k.now.Add(waited)
	k.queued += waited
	if waited > 0 {
		k.note(event.Event{Kind: event.Queued, Reason: why, Target: a.target.name, Wait: waited})
	}
	if err == nil {
		a.slot = slot
		if a.prepare() != nil { // it could be done before
			return event.Cannot, time.Time{}
		}
		return 0, time.Time{}
	}
	a.reserved.Cancel(k.now)
	a.keyPermit.Done(breaker.Ignore, k.now)
	q.Wake() // what it took and did not use may be what others wait for
	switch {
	case errors.Is(err, queue.ErrClosed):
		return event.Draining, time.Time{}
	case errors.Is(err, queue.ErrFull):
		return event.QueueFull, k.now.Add(comeBack(q.Expect(ticket)))
	case errors.Is(err, queue.ErrLate):
		left := ticket.Deadline.Sub(k.now)
		if most := a.link.policies.Queue.Defaults().MaxWait; most > 0 {
			left = min(left, most)
		}
		return event.TooLate, k.now.Add(comeBack(q.Expect(ticket) - left))
	case k.gone() != nil:
		return event.Left, time.Time{}
	}
	return event.Expired, k.now.Add(comeBack(q.Expect(ticket)))
}

// comeBack is when somebody should come again who was refused a place that may
// be there after so long, by how fast the queue has been: not before a second,
// and not all in one moment.
func comeBack(wait time.Duration) time.Duration {
	wait = min(max(wait, time.Second), time.Minute)
	return wait + rand.N(wait/4)
}

// unwilling says why the attempt does not wait for its turn for so long, or 0.
func (a *attempt) unwilling(wait time.Duration) event.Reason {
	k := a.call
	switch {
	case a.shut == event.KeyShut:
		return event.KeyShut // who waits for credentials waits for somebody to look at them
	case a.lane > 0:
		return event.NoCapacity // who runs beside another does not wait
	case k.stays || wait <= a.link.policies.Retry.Patience:
		return 0
	case a.shut == event.PoolShut:
		return event.PoolShut
	}
	return event.NoCapacity
}

// Pass takes a credential and room in its pool: the one that the conversation
// used before, because prompt caches live there, else the next that has room.
// It is the door of the attempt's ticket, and may be called in any goroutine
// while the attempt's own one waits.
func (a *attempt) Pass(now time.Time, aged bool) (wait time.Duration, ok bool) {
	k := a.call
	keys := k.keys(a.target.provider)
	need, keep := a.need(), a.link.policies.Shares.of(k.ask.Class)
	if aged {
		keep = 0
	}
	a.shut = event.KeyShut
	for i := range keys {
		key := keys[(int(k.share%uint32(len(keys)))+i)%len(keys)]
		permit, shut, ok := key.breaker.Allow(now, breaker.Ask{Call: k.number})
		if ok {
			pool := key.pool(a.target)
			var res limit.Reservation
			if res, shut, ok = pool.Reserve(need, keep, now); ok {
				a.key, a.keyPermit, a.pool, a.reserved, a.shut = key, permit, pool, res, 0
				return 0, true
			}
			permit.Done(breaker.Ignore, now)
			a.shut = event.PoolShut
		}
		if wait == 0 || shut < wait {
			wait = shut
		}
	}
	return wait, false
}

// need is what the attempt will cost its pool, by what others at its target have
// cost: what was really used is settled at the end.
func (a *attempt) need() limit.Need {
	r := a.call.req
	return a.target.cost.Need(r.InputTokens(), r.MaxTokens)
}
