package fairlead

import (
	"time"

	"fairlead.dev/breaker"
	"fairlead.dev/event"
	"fairlead.dev/fallback"
	"fairlead.dev/limit"
	"fairlead.dev/llm"
)

// shutWithoutHint is how long a pool stays closed after a 429 that does not say
// when to come back.
const shutWithoutHint = time.Second

// end settles an attempt, once: it gives back what was taken and tells each
// breaker, credential and pool its own kind of news, and no other.
func (a *attempt) end() {
	if a.settled {
		return
	}
	a.settled = true
	k := a.call
	a.close()
	a.copy.Free()
	k.now = time.Now()
	k.note(event.Event{
		Kind: event.Ended, Target: a.target.name, Key: a.key.name, Verdict: a.out.Verdict, Status: a.out.Status,
		Attempt: a.number, Wait: k.now.Sub(a.begun), First: a.first, Detail: a.detail(), N: a.waste(),
	})
	if k.req.Op != llm.Generate {
		a.keyPermit.Done(breaker.Ignore, k.now)
		return
	}
	rule := fallback.For(a.out.Verdict)
	a.tellPool(rule)
	a.leave() // behind what came back to the pool: the next in line may need it
	a.tellKey(rule)
	a.tellBreakers(rule)
	if rule.Mark {
		a.mark()
	}
}

// trusted tells the breakers of a stream that has begun to bring content, when
// they wait for that news before they let more calls through. How the stream
// ends is known minutes later; a failure then takes the success back.
func (a *attempt) trusted() {
	k := a.call
	if u := a.usage(); u.Input > 0 { // a stream tells it at its beginning
		a.reserved.Correct(a.target.provider.cfg.API.Charged(u), time.Now())
	}
	if a.permit.Trial() {
		a.early = true
		k.done(a.target.name, a.target.breaker, &a.permit, breaker.Success)
	}
	if a.upPermit.Trial() {
		k.done(a.target.provider.cfg.Name, a.target.provider.breaker, &a.upPermit, breaker.Success)
	}
	if a.keyPermit.Trial() {
		a.keyPermit.Done(breaker.Success, k.now)
	}
}

// release gives back what was taken for an attempt that was never sent.
func (a *attempt) release() {
	now := a.call.now
	a.copy.Free()
	a.copy = nil
	a.reserved.Cancel(now)
	a.slot.Leave()
	a.keyPermit.Done(breaker.Ignore, now)
	a.upPermit.Done(breaker.Ignore, now)
	a.permit.Done(breaker.Ignore, now)
}

// waste is what an attempt cost that lost a race, in tokens of input by estimate.
func (a *attempt) waste() int {
	if !a.lost {
		return 0
	}
	return a.call.req.InputTokens()
}

// free gives back the memory of a stream that is handed out no more.
func (a *attempt) free() {
	if a.streaming() {
		a.stream.free()
		a.stream.saidIn.Free()
		a.stream.said, a.stream.saidIn = nil, nil
	}
}

// detail names the provider's error, or the clock that ended the attempt.
func (a *attempt) detail() string {
	switch late, ok := a.out.Err.(*lateError); {
	case ok:
		return phaseNames[late.phase]
	case a.out.Code != "":
		return a.out.Code
	}
	return a.out.Type
}

// news is what the target's breaker hears.
func (a *attempt) news(rule fallback.Rule) breaker.News {
	switch late, _ := a.out.Err.(*lateError); {
	case a.out.Reused && !a.call.plan.Bounced():
		return breaker.Ignore // a dead connection from the pool says nothing about the provider
	case late != nil && late.ours && late.limit < patientEnough:
		return breaker.Ignore // the caller was in a hurry
	case a.out.Verdict == event.OK && a.decoding() && a.target.pace.Slow(a.first):
		return breaker.Slow
	}
	return rule.Target
}

// patientEnough is how long a target must have been silent before a deadline
// that ended the attempt counts against it.
const patientEnough = 30 * time.Second

func (a *attempt) tellBreakers(rule fallback.Rule) {
	k, news := a.call, a.news(rule)
	up := breaker.Ignore
	if rule.Provider && news == breaker.Failure {
		up = breaker.Failure
	} else if a.out.Status != 0 {
		up = breaker.Success // whatever it said, it was reached
	}
	p := a.target.provider
	if k.done(p.cfg.Name, p.breaker, &a.upPermit, up) {
		p.soft.Store(false)
	}
	if a.early && news == breaker.Failure {
		if change, moved := a.permit.Regret(k.now); moved {
			k.noteBreaker(a.target.name, change)
			a.target.breakerMoved(k)
		}
		return
	}
	if k.done(a.target.name, a.target.breaker, &a.permit, news) {
		a.target.breakerMoved(k)
	}
}

// done gives a permit back with its news, and reports whether that moved the
// breaker.
func (k *call) done(name string, b *breaker.Breaker, p *breaker.Permit, n breaker.News) bool {
	change, moved := p.Done(n, k.now)
	k.drained(name, b)
	if moved {
		k.noteBreaker(name, change)
		k.calm(name, change)
	}
	return moved
}

// calm makes the calls come one by one that have waited for a breaker.
func (k *call) calm(name string, c breaker.Change) {
	if c.From != breaker.HalfOpen {
		return
	}
	for _, t := range k.table.all() {
		if t.name != name && t.provider.cfg.Name != name {
			continue
		}
		for _, key := range k.keys(t.provider) {
			key.pool(t).Calm(k.now)
		}
	}
}

// breakerMoved opens the breaker of the provider when at least two of its
// targets are open at once: then it is not a model that is in trouble.
func (t *target) breakerMoved(k *call) {
	p := t.provider
	if t.breaker.Snapshot(k.now).State != breaker.Open || p.openTargets(k) < 2 {
		return
	}
	if change, ok := p.breaker.Trip(k.now, 0); ok {
		p.soft.Store(true)
		k.noteBreaker(p.cfg.Name, change)
	}
}

func (p *provider) openTargets(k *call) (n int) {
	for _, t := range k.table.all() {
		if t.provider == p && t.breaker.Snapshot(k.now).State == breaker.Open {
			n++
		}
	}
	return n
}

// drained notes what time has done to a breaker since it was asked last.
func (k *call) drained(name string, b *breaker.Breaker) {
	for {
		change, ok := b.Take()
		if !ok {
			return
		}
		k.noteBreaker(name, change)
	}
}

func (k *call) noteBreaker(name string, c breaker.Change) {
	k.note(breakerEvent(name, c))
}

func breakerEvent(name string, c breaker.Change) event.Event {
	return event.Event{
		Kind: event.BreakerMoved, Reason: breakerReasons[c.Cause], Target: name, Until: c.Until,
		N: c.Failures, M: c.Attempts, Detail: c.From.String() + ">" + c.To.String(),
	}
}

func (a *attempt) tellPool(rule fallback.Rule) {
	k := a.call
	if a.lost { // the provider has read the prompt, and nobody told how much it wrote
		a.reserved.Settle(limit.Need{Requests: 1, Input: k.req.InputTokens()}, k.now)
	} else if a.out.Good() || a.out.Verdict == event.Empty || a.streaming() && a.stream.content {
		a.reserved.Settle(a.used(), k.now)
	} else { // it was sent, and counts for that alone
		a.reserved.Settle(limit.Need{Requests: 1}, k.now)
	}
	if rule.Pool == 0 {
		return
	}
	wait := a.out.Hint
	if wait <= 0 {
		wait = shutWithoutHint
	}
	a.closePool(wait, rule.Pool)
}

// used is what a good answer, or the beginning of one, has cost.
func (a *attempt) used() limit.Need {
	api, u := a.target.provider.cfg.API, a.usage()
	if a.out.Good() {
		a.target.cost.Learn(a.call.req.InputTokens(), u.Input+u.CacheRead+u.CacheWrite, u.Output)
	}
	n := limit.Need{Requests: 1, Input: api.Charged(u), Output: u.Output}
	if u == (event.Usage{}) { // nobody told: what was reserved is as good a guess as any
		n = a.need()
	}
	return n
}

func (a *attempt) closePool(wait time.Duration, why limit.Cause) {
	k, until := a.call, a.call.now.Add(wait)
	if a.pool.CloseUntil(until, why, k.now) {
		k.note(event.Event{Kind: event.PoolClosed, Reason: event.VerdictSays, Verdict: a.out.Verdict,
			Target: a.target.name, Key: a.key.name, Until: until})
	}
}

// tellKey closes a credential of ours that was rejected or has spent its
// budget. A client's own is never closed: it ends its own call only.
func (a *attempt) tellKey(rule fallback.Rule) {
	k := a.call
	if rule.Key == fallback.KeyFine || a.key.cred.Client {
		news := breaker.Ignore
		if a.out.Good() {
			news = breaker.Success
		}
		a.keyPermit.Done(news, k.now)
		return
	}
	a.keyPermit.Done(breaker.Ignore, k.now)
	why, cause, shut := event.KeyRejected, limit.Unauthorized, keyRetry
	if rule.Key == fallback.KeySpent {
		why, cause, shut = event.QuotaSpent, limit.Quota, keySpent
	}
	shut = max(shut, a.out.Hint)
	if !a.out.KeyWide {
		a.closePool(shut, cause) // for this family of models only
		return
	}
	if change, ok := a.key.breaker.Trip(k.now, shut); ok {
		k.note(event.Event{Kind: event.KeyClosed, Reason: why, Target: a.target.name, Key: a.key.name, Until: change.Until})
	}
}

// markFor is how long a target counts as misconfigured after the provider said
// that it does not know the model. Then it is asked again: models appear too.
const markFor = time.Minute

func (a *attempt) mark() {
	until := a.call.now.Add(markFor)
	a.target.marked.Store(until.UnixNano())
	a.call.note(event.Event{Kind: event.Marked, Reason: event.Misconfigured, Target: a.target.name, Until: until})
}

func (a *attempt) usage() event.Usage {
	if a.decoding() {
		return a.stream.dec.Usage()
	}
	return a.out.Usage
}

// breakerReasons translates a breaker's causes into reasons.
var breakerReasons = map[breaker.Cause]event.Reason{
	breaker.Ratio: event.Ratio, breaker.ConsecutiveFailures: event.Consecutive, breaker.SlowRatio: event.TooSlow,
	breaker.ProbeFailed: event.ProbeFailed, breaker.ProbeExpired: event.ProbeExpired, breaker.ProbeSucceeded: event.ProbeOK,
	breaker.RampStep: event.RampStep, breaker.RampDone: event.RampDone, breaker.RampFailed: event.RampFailed,
	breaker.Elapsed: event.Elapsed, breaker.Tripped: event.TargetsOpen, breaker.Overridden: event.Overridden,
	breaker.OverrideEnded: event.OverrideEnded,
}
