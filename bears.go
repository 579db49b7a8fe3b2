package fairlead

import (
	"time"

	"fairlead.dev/event"
	"fairlead.dev/llm"
)

// leave gives the slot back, and tells the target's limit of calls in flight how
// the attempt ended: that it was too much before anybody else gets the slot. A
// probe says nothing of what the target can bear: it was all there was.
func (a *attempt) leave() {
	t := a.target
	late, _ := a.out.Err.(*lateError)
	tooLate := late != nil && !late.ours && (late.phase == phaseHeaders || late.phase == phaseFirst)
	switch inFlight := t.queue.InFlight(); {
	case a.probe:
	case a.out.Verdict == event.Overloaded || a.out.Verdict == event.Slow && tooLate:
		n, moved := t.bears.Overloaded(inFlight, a.call.now)
		a.bears(n, moved, event.VerdictSays)
	case a.out.Good():
		n, moved := t.bears.Answered(inFlight, a.call.now)
		a.bears(n, moved, event.VerdictSays)
	}
	a.slot.Leave()
}

// firstToken notes the first content of a stream.
func (a *attempt) firstToken() {
	now := time.Now()
	a.first = now.Sub(a.begun)
	if a.call.req.Op != llm.Generate || a.probe {
		return
	}
	t := a.target
	n, moved := t.bears.FirstToken(a.call.req.InputTokens(), a.first, t.queue.InFlight(), now)
	a.bears(n, moved, event.TooSlow)
}

// bears applies a limit that moved. That it fell is told, perhaps by one of two
// attempts that race: the call's time is not theirs.
func (a *attempt) bears(n int, moved bool, why event.Reason) {
	if !moved {
		return
	}
	q := a.target.queue
	was := q.Limit(n)
	if n < was {
		a.call.tell(event.Event{At: time.Now(), Kind: event.Narrowed, Reason: why, Verdict: a.out.Verdict, Target: a.target.name, N: n, M: was})
	}
}
