package fairlead

import (
	"time"

	"fairlead.dev/event"
	"fairlead.dev/llm"
)

// officialHosts are where each dialect comes from. Only they are known to answer
// a request that is asked as a stream as they would have answered it plainly.
var officialHosts = map[string]string{"anthropic": "api.anthropic.com", "openai": "api.openai.com"}

// assembles reports whether a plain request is asked upstream as a stream and
// its answer assembled: then the clocks of a stream tell a slow answer from one
// that will never come.
func (k *call) assembles(l *link) bool {
	if k.req.Stream || k.plain || k.req.Op != llm.Generate {
		return false
	}
	p := l.target.provider
	switch l.policies.Streams.Upstream {
	case UpstreamNever:
		return false
	case UpstreamAuto:
		if p.address.Host != officialHosts[p.dialect()] {
			return false
		}
	}
	return p.cfg.API.Assembles(k.req)
}

// wholeOnly reports whether nothing of the stream can be used before its end.
func (a *attempt) wholeOnly() bool {
	return a.builder != nil || a.call.ask.Complete || a.link.policies.Streams.Complete == On
}

// assemble makes the plain answer of a whole stream. One that cannot be made is
// the mistake of the assembler: the request is then asked plainly.
func (a *attempt) assemble() {
	body, err := a.builder.Answer()
	if err != nil {
		a.strange = true
		a.out = llm.Outcome{Verdict: event.ServerError, Status: a.status(), Header: a.resp.Header, Err: err}
		return
	}
	a.plain, a.out.Usage = body, a.stream.dec.Usage()
	a.out.Header = a.resp.Header.Clone()
	a.out.Header["Content-Type"] = []string{"application/json"}
}

// bound limits an answer that is read to its end before anything is handed out.
func (a *attempt) bound() (until time.Time, late lateError) {
	t := &a.link.policies.Timeouts
	if a.builder == nil {
		if t.MaxStream > 0 {
			return a.begun.Add(t.MaxStream), lateError{phase: phaseMax, limit: t.MaxStream}
		}
		return time.Time{}, lateError{}
	}
	left := a.clock.limits.left
	if t.Answer > 0 && t.Answer < left {
		return a.begun.Add(t.Answer), lateError{phase: phaseAnswer, limit: t.Answer}
	}
	return a.begun.Add(left), lateError{phase: phaseAnswer, limit: left, ours: true}
}
