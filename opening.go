package fairlead

import (
	"context"
	"fmt"

	"fairlead.dev/event"
	"fairlead.dev/llm"
)

// openStream reads until the first content, or when nobody can use a beginning
// until the end. Nothing is handed to the caller before, so that every failure
// up to here can be repaired without a trace.
func (a *attempt) openStream(ctx context.Context) {
	s := &stream{ctx: ctx, window: newWindow(a.call.c.buffers)}
	s.dec = a.target.provider.cfg.API.Decoder(a.call.req, a.resp.StatusCode, a.resp.Header)
	a.stream = s
	if a.call.cut != nil {
		c := a.call.cut
		a.join = newJoin(c, a.prefer, a.call.comment(a.target.name, a.number, a.link != &a.call.links[0], c.first.Verdict.String()))
	}
	s.deadline, s.last = a.bound()
	a.clock.next(phaseFirst)
	whole := a.wholeOnly()
	for !a.scan(!whole) {
		if s.content && !whole {
			a.begins()
			break
		}
		if most := a.mostHeld(); int64(s.held-s.out) > most {
			a.failBy(event.ServerError, fmt.Errorf("more than %d bytes of events without an end to them", most))
			break
		}
		if !a.fillOpening() {
			break
		}
	}
	a.clock.stop()
	if a.first == 0 && s.content {
		a.firstToken()
	}
	if a.builder != nil && a.out.Good() {
		a.assemble()
	}
}

// fillOpening reads once more. Until the first content the clock of the opening
// runs, then the one between two contents.
func (a *attempt) fillOpening() bool {
	if !a.stream.content {
		return a.fill()
	}
	if a.first == 0 {
		a.firstToken()
	}
	a.watch()
	defer a.unwatch()
	return a.fill()
}

// mostHeld bounds what is held of a stream that nothing was handed out of.
func (a *attempt) mostHeld() int64 {
	if a.wholeOnly() {
		return a.call.c.maxAnswer()
	}
	return maxHeld
}

// openRaw hands the answer on as it comes, unread: there is no dialect to
// prove anything by.
func (a *attempt) openRaw(ctx context.Context) {
	a.stream = &stream{ctx: ctx, raw: true, window: newWindow(a.call.c.buffers)}
	a.begins()
	a.clock.stop()
}

// begins notes that the answer is good so far.
//
//go:noinline
func (a *attempt) begins() {
	a.out = llm.Outcome{Verdict: event.OK, Status: a.status(), Header: a.resp.Header}
}
