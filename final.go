package fairlead

import (
	"errors"
	"fmt"
	"net/http"
	"strconv"
	"time"

	"fairlead.dev/event"
	"fairlead.dev/llm"
	"fairlead.dev/queue"
)

// giveUp ends a call that nobody answered and says so honestly.
//
// The error is that of the chain's head, in the provider's own words, when it
// was asked; what a later target said never replaces it. Without such words it
// is ours.
func (k *call) giveUp(why event.Reason) *Error {
	e := &Error{Report: k.report, Header: http.Header{}}
	gone := k.gone()
	switch {
	case errors.Is(gone, ErrClosed):
		e.Verdict, e.Status, e.Err = event.Overloaded, http.StatusServiceUnavailable, gone
		k.words(e, "the gateway is closing")
	case gone != nil && why == event.Left:
		e.Verdict, e.Status, e.Err = event.Canceled, statusClientLeft, gone
	case k.primary != nil:
		k.tellOutcome(e, k.primary)
	default:
		k.tellRefusal(e, why)
	}
	if k.req.Stream && e.Event == nil {
		e.event(k, nil)
	}
	k.head(e.Header, e.Status)
	k.retryAdvice(e, why)
	k.note(event.Event{Kind: event.GaveUp, Reason: why, Verdict: e.Verdict, Status: e.Status, Detail: k.req.Model})
	k.finish(e.Verdict, e.Status, event.Usage{})
	return e
}

// statusClientLeft is what logs call a request whose client is gone; nobody
// reads it (nginx's convention).
const statusClientLeft = 499

// tellOutcome puts what the head of the chain said into e.
func (k *call) tellOutcome(e *Error, out *llm.Outcome) {
	head := k.links[0].target
	e.Verdict, e.Status, e.Body = out.Verdict, out.Status, out.Body
	e.Err = providerError(head.name, out)
	passHeaders(e.Header, out.Header)
	ours := out.Verdict == event.Unauthorized && !head.provider.cfg.Passthrough && k.ask.raw == nil
	switch {
	case ours:
		e.Status, e.Body = http.StatusServiceUnavailable, nil
		clear(e.Header) // what the provider said of our credential is not the client's business
	case out.Body != nil && out.Status >= 400:
	case out.Body != nil: // an error inside a stream or under a 200
		e.Status = statusOf(out.Verdict, k.req.Dialect)
	case out.Status == 0:
		e.Status = http.StatusServiceUnavailable
	default: // HTML, half an answer, an answer that cannot be read
		e.Status = http.StatusBadGateway
	}
	if out.Verdict == event.Slow {
		e.Status = http.StatusServiceUnavailable
	}
	e.Header.Set("Content-Type", "application/json") // the answer may have begun as a stream
	if e.Body == nil {
		k.words(e, fmt.Sprintf("%s did not answer: %s", head.name, wordsFor(out, ours)))
	}
	e.event(k, out.Body)
}

// statusOf is the HTTP status that a provider would have given an error that it
// only told of after its 200.
func statusOf(v event.Verdict, dialect string) int {
	switch v {
	case event.RateLimited, event.RampLimited, event.QuotaExhausted:
		return http.StatusTooManyRequests
	case event.Overloaded:
		if dialect == "anthropic" {
			return 529
		}
		return http.StatusServiceUnavailable
	case event.Invalid, event.TooLarge, event.Refused:
		return http.StatusBadRequest
	}
	return http.StatusBadGateway
}

func wordsFor(out *llm.Outcome, ours bool) string {
	switch {
	case ours:
		return "it rejected the gateway's own credential"
	case out.Err != nil:
		return out.Verdict.String() + ": " + out.Err.Error()
	case out.Status != 0:
		return fmt.Sprintf("%s (status %d)", out.Verdict, out.Status)
	}
	return out.Verdict.String()
}

// tellRefusal is for a call of which the chain's head was not asked.
func (k *call) tellRefusal(e *Error, why event.Reason) {
	e.Status, e.Err, e.Verdict = http.StatusServiceUnavailable, ErrNoTarget, event.Overloaded
	text := "no model of the chain for " + k.req.Model + " can be asked now: " + k.refused.String()
	switch k.refused {
	case event.Draining:
		e.Err, text = ErrClosed, "the gateway is closing"
	case event.QueueFull:
		e.Err, text = queue.ErrFull, "too many calls are waiting"
	case event.TooLate:
		e.Err, text = queue.ErrLate, "too many calls are waiting: this one would not have its turn in time"
	case event.NoCapacity:
		text = "every model of the chain for " + k.req.Model + " has as many calls as it can bear"
	case event.Expired:
		e.Err, text = queue.ErrExpired, "the call waited too long for its turn"
	case event.PoolShut:
		e.Status, e.Verdict = http.StatusTooManyRequests, event.RateLimited
		text = "the rate limit of every model of the chain for " + k.req.Model + " is used up"
	case event.BudgetSpent:
		text = "this request has just failed, and was sent again too often"
	case event.Cannot:
		text = "no model that is available now can take this request"
	}
	if why == event.Deadline {
		e.Err = ErrDeadline
	}
	k.words(e, text)
	e.event(k, nil)
}

// words writes the error body in the client's dialect.
func (k *call) words(e *Error, text string) {
	e.Body = k.api.Failure(llm.Failure{Status: e.Status, Verdict: e.Verdict, Message: "fairlead: " + text, Call: k.id})
	e.Header.Set("Content-Type", "application/json")
}

func (e *Error) event(k *call, body []byte) {
	if !k.req.Stream {
		return
	}
	e.Event = k.api.FailureEvent(llm.Failure{Status: e.Status, Verdict: e.Verdict, Message: "fairlead: " + e.Error(), Body: body, Call: k.id, Path: k.req.Path})
}

// retryAdvice tells clients that retry by themselves whether that can help. We
// have spent what could be spent after any attempt upstream; only a refusal
// before one is worth a repeat of theirs.
func (k *call) retryAdvice(e *Error, why event.Reason) {
	again := k.plan.Attempts() == 0 && (k.refused == event.QueueFull || k.refused == event.TooLate || k.refused == event.NoCapacity || k.refused == event.Draining)
	e.Header.Set("X-Should-Retry", strconv.FormatBool(again))
	wait := k.retryIn
	if again {
		wait = max(wait, time.Second)
		e.Header.Set("Retry-After-Ms", strconv.FormatInt(wait.Milliseconds(), 10))
	}
	if k.primary == nil && wait > 0 {
		e.Header.Set("Retry-After", strconv.Itoa(int((wait+time.Second-1)/time.Second)))
	}
}

// answer makes the Answer of a good attempt.
func (k *call) answer(a *attempt) *Answer {
	ans := &Answer{Status: a.out.Status, Header: make(http.Header, 12), Report: k.report, call: k, Target: a.target.name}
	passHeaders(ans.Header, a.out.Header)
	k.served = a.link
	k.head(ans.Header, ans.Status)
	if a.streaming() && a.builder == nil {
		ans.stream = a
		a.trusted()
		if a.stream.done { // whole already: nobody else need wait until the caller has read it
			a.drain()
			a.end()
		}
		return ans
	}
	ans.plain = a.plain
	a.end()
	a.free()
	k.finished(a)
	return ans
}

func (k *call) finished(a *attempt) {
	u := a.usage()
	if k.cut != nil {
		u = sum(u, k.cut.spent)
	}
	k.note(event.Event{Kind: event.Finished, Verdict: a.out.Verdict, Status: a.out.Status, Target: a.target.name, N: u.Output, M: u.Input, Detail: k.req.Model})
	k.finish(a.out.Verdict, a.out.Status, u)
}

// head writes the headers that say what became of the call.
func (k *call) head(h http.Header, status int) {
	target, served := k.links[0].target.name, k.served
	if served != nil {
		target = served.target.name
	} else if k.plan.Attempts() > 0 && k.primary == nil {
		target = k.links[k.plan.Target()].target.name
	}
	fallback := served != nil && served != &k.links[0]
	values := [...]string{
		k.id, target, strconv.Itoa(k.plan.Attempts()), strconv.FormatBool(fallback),
		strconv.FormatInt(k.queued.Milliseconds(), 10), k.why,
	}
	for i, name := range callHeaders {
		if values[i] != "" {
			h[name] = values[i : i+1 : i+1] // one array for all
		}
	}
	k.report.Update(func(s *event.Summary) {
		s.Target, s.Attempts, s.Fallback, s.Reason, s.Status = target, k.plan.Attempts(), fallback, k.why, status
	})
}

// callHeaders say what became of a call.
var callHeaders = [...]string{
	"Fairlead-Call", "Fairlead-Target", "Fairlead-Attempts", "Fairlead-Fallback", "Fairlead-Queued-Ms", "Fairlead-Reason",
}

// finish closes the report.
func (k *call) finish(v event.Verdict, status int, u event.Usage) {
	k.report.Update(func(s *event.Summary) { s.End, s.Verdict, s.Status, s.Usage = k.now, v, status, u })
	k.c.tenants.ended(k.ask.Tenant, v, k.plan.Attempts(), u)
	k.repeatable(v)
	k.stopQuiet()
	k.c.unregister(k)
}
