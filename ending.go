package fairlead

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"

	"fairlead.dev/event"
	"fairlead.dev/llm"
)

// endStream settles a stream that has nothing more to give.
func (k *call) endStream(a *attempt) error {
	if k.over {
		return k.result
	}
	defer a.free()
	if a.out.Good() {
		if !a.settled {
			a.drain()
			a.end()
		}
		k.finished(a)
		k.over, k.result = true, io.EOF
		return k.result
	}
	a.end()
	k.over, k.result = true, k.cutShort(a)
	return k.result
}

// cutShort is the error of a stream that failed after its first content, and of
// which no rest was found: the first cause, not what came of looking for it.
func (k *call) cutShort(a *attempt) *Error {
	out, from, spent := a.out, a.target.name, a.usage()
	if c := k.cut; c != nil {
		out, from, spent = c.first, c.from, c.spent
	}
	cut := out.Verdict
	if k.stopped && !errors.Is(k.gone(), ErrClosed) {
		cut = event.Canceled
	} else if out.Status/100 == 2 && (cut != event.Canceled || errors.Is(out.Err, ErrClosed)) {
		cut = event.Truncated
	}
	e := &Error{Report: k.report, Verdict: cut, Status: out.Status, Err: providerError(from, &out), Header: http.Header{}}
	e.Event = k.api.FailureEvent(llm.Failure{
		Status: failureStatus(&out), Verdict: out.Verdict, Body: out.Body, Call: k.id, Path: k.req.Path,
		Message: fmt.Sprintf("fairlead: the answer of %s was cut: %s", from, wordsFor(&out, false)),
	})
	k.head(e.Header, out.Status)
	k.note(event.Event{Kind: event.GaveUp, Reason: event.CutAfter, Verdict: cut, Target: from, Status: out.Status, Detail: k.req.Model})
	k.finish(cut, out.Status, spent)
	return e
}

func failureStatus(o *llm.Outcome) int {
	if o.Verdict == event.Slow {
		return http.StatusGatewayTimeout
	}
	return http.StatusBadGateway
}

// leave ends a call whose caller wants no more of it.
func (k *call) leave(a *attempt) {
	if k.over {
		return
	}
	if !a.stream.done || a.stream.waiting() || a.join != nil && len(a.join.out) > 0 {
		a.out = llm.Outcome{Verdict: event.Canceled, Status: a.status(), Header: a.resp.Header, Err: context.Canceled}
	}
	if a.out.Good() {
		k.endStream(a)
		return
	}
	defer a.free()
	a.end()
	k.note(event.Event{Kind: event.GaveUp, Reason: event.Left, Verdict: a.out.Verdict, Target: a.target.name, Detail: k.req.Model})
	k.finish(event.Canceled, a.status(), a.usage())
	k.over, k.result = true, &Error{Report: k.report, Verdict: event.Canceled, Status: statusClientLeft, Err: context.Canceled, Header: http.Header{}}
}

// drain reads what a connection still brings after a complete answer, so that
// it can be used again. It does not wait long: some hosts never end it.
func (a *attempt) drain() {
	if a.stream.raw {
		return
	}
	a.stream.late = lateError{phase: phaseDrain, limit: drainTime}
	a.clock.set(&a.stream.late, drainTime)
	defer a.clock.stop()
	var rest [512]byte
	for {
		if _, err := a.resp.Body.Read(rest[:]); err != nil {
			return
		}
	}
}
