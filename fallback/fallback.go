// Package fallback decides whom to ask next.
//
// A chain lists the targets that may answer a call, best first. This package
// holds the two things that turn the verdict of an attempt into the next step:
//
//   - the table ([For]): what each verdict means for the same target, for the
//     next one, for the breaker, for the credential and for the rate-limit pool;
//   - the [Plan] of one call: how often each target was asked, which pools are
//     closed until when, and so whether to ask again, hop, or stop.
//
// The plan is pure. It does no I/O and reads no clock: it is given verdicts and
// the time that is left, and returns a [Step]. Whether a target may be asked at
// this moment (its breaker, its pool, its queue) is found out by the loop in
// package fairlead, which tells the plan when it was refused ([Plan.Refused]).
//
// When a failed target recovers, calls return to it by the ramp of its breaker
// and by nothing else: the plan starts every call at the head of the chain.
//
//	           Refused                        After
//	Target ──────────────▶ wait for the pool ◀────────── verdict of an attempt
//	   ▲                   or hop                │
//	   │                                         ├─ Again  same target, after a wait
//	   └──────── Again, Hop ◀────────────────────┼─ Hop    next target of the chain
//	                                             └─ Stop   the original error is the answer
package fallback

import (
	"time"

	"fairlead.dev/breaker"
	"fairlead.dev/event"
	"fairlead.dev/limit"
)

// Again says whether the same target may be asked again after a verdict.
type Again uint8

// The ways to ask the same target again.
const (
	Never        Again = iota
	AfterBackoff       // after an exponential, jittered wait, within the retry budget
	AfterHint          // when its pool opens, if that is worth waiting for
	Soon               // once, after the shortest backoff
)

// KeyNews is what a credential hears of a verdict.
type KeyNews uint8

// The news for a credential.
const (
	KeyFine     KeyNews = iota
	KeyRejected         // closed until somebody looks at it
	KeySpent            // closed for long
)

// Rule is one row of the verdict table.
type Rule struct {
	Again    Again
	Hop      bool         // the next target may be asked
	Target   breaker.News // what the target's breaker hears
	Provider bool         // the provider's breaker hears it too
	Key      KeyNews
	Pool     limit.Cause // why the pool closes until the hint; 0: it does not
	Mark     bool        // the target is misconfigured: say so loudly
}

// table is the verdict table of DESIGN.md, section 3.1.
var table = map[event.Verdict]Rule{
	event.OK:             {Target: breaker.Success},
	event.RateLimited:    {Again: AfterHint, Hop: true, Pool: limit.RateLimited},
	event.RampLimited:    {Again: AfterHint, Hop: true, Pool: limit.RampLimited},
	event.QuotaExhausted: {Hop: true, Key: KeySpent},
	event.Overloaded:     {Again: AfterBackoff, Hop: true, Target: breaker.Failure},
	event.ServerError:    {Again: AfterBackoff, Hop: true, Target: breaker.Failure},
	event.Empty:          {Again: AfterBackoff, Hop: true, Target: breaker.Failure},
	event.Unreachable:    {Again: Soon, Hop: true, Target: breaker.Failure, Provider: true},
	event.Slow:           {Hop: true, Target: breaker.Failure},
	event.Truncated:      {Again: AfterBackoff, Hop: true, Target: breaker.Failure},
	event.Degraded:       {Hop: true},
	event.Refused:        {},
	event.TooLarge:       {Hop: true},
	event.Unauthorized:   {Hop: true, Key: KeyRejected},
	event.UnknownModel:   {Hop: true, Mark: true},
	event.Invalid:        {},
	event.Incompatible:   {Hop: true},
	event.Canceled:       {},
}

// For returns the row of a verdict. An unknown verdict stops the call and is
// news to nobody.
func For(v event.Verdict) Rule { return rules[min(int(v), len(rules)-1)] }

// rules is table by index, because the loop asks on every attempt.
var rules = func() (r [event.Canceled + 2]Rule) {
	for v, rule := range table {
		r[v] = rule
	}
	return r
}()

// StepKind is what to do next.
type StepKind uint8

// The steps.
const (
	Stop   StepKind = iota // give up; the reason says why
	AskNow                 // ask Plan.Target, after Step.Wait
	Hop                    // Plan.Target has moved on: ask it now
)

// Step is what to do next, and why.
type Step struct {
	Kind   StepKind
	Wait   time.Duration // before AskNow
	Reason event.Reason
	Retry  bool // costs one token of the target's retry budget
}

// Terms are what the plan needs to know at one step beside the verdict.
type Terms struct {
	Now       time.Time
	Left      time.Duration // until the call's deadline
	Rnd       float64       // uniform in [0, 1), for jitter
	OtherKey  bool          // another credential of the same target may be asked now
	OtherPool bool          // a later target in another pool may be asked now
	ClientKey bool          // the credential was the client's own
}
