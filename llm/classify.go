package llm

import (
	"net/http"
	"strings"
	"time"

	"fairlead.dev/event"
)

// Fault is what an error answer says of itself, in the words of any dialect. Providers agree on little: the word that
// counts stands in the type here and in the code there, the status may be 200, and the same host speaks in several
// shapes. [ReadFault] reads them all into this one.
type Fault struct {
	Status  int    // of HTTP; inside a 200 the status that the error names, if it names one
	Type    string // "overloaded_error", "insufficient_quota", "RESOURCE_EXHAUSTED"
	Code    string // "enforced_spend_limit_reached", "context_length_exceeded"
	Message string // for people; read only by the listed patterns
	Param   string // the field that is at fault
	Shape   Shape  // how it was written
	Daily   bool   // a quota of a whole day is spent
	delay   string // google.rpc.RetryInfo.retryDelay
	reset   string // X-RateLimit-Reset inside the body
}

// Shape is how an error body is written.
type Shape uint8

// The shapes of error bodies.
const (
	NoShape     Shape = iota // not an error that we can read
	FlatShape                // {"message":...}, {"error":"..."}, {"detail":...}
	MarkedShape              // {"object":"error","message":...}
	ErrorShape               // {"error":{...}}
	TypedShape               // {"type":"error","error":{"type":...,"message":...}}
)

// Verdict classifies the fault. The most specific word wins: the code, then the type, then the status, so that a 429
// that calls itself overloaded_error is overload. Message text only refines a verdict that says too little, by the
// patterns listed beside it.
func (f *Fault) Verdict(op Op) event.Verdict {
	v := names[f.Code]
	if v == 0 {
		v = names[f.Type]
	}
	if v == 0 && !failed(f.Status) {
		v = vague[f.Type]
	}
	if v == 0 {
		v = f.byStatus(op)
	}
	if v == event.UnknownModel && op > CountTokens {
		return event.Invalid // a list of models or a path that does not exist says nothing of the target
	}
	if f.Daily && v == event.RateLimited {
		return event.QuotaExhausted
	}
	return f.refine(v)
}

// failed reports whether an HTTP status is that of an error.
func failed(status int) bool { return status >= 400 }

// byStatus is the verdict of an error that has no telling name.
func (f *Fault) byStatus(op Op) event.Verdict {
	switch s := f.Status; {
	case s == http.StatusNotFound:
		return f.notFound(op)
	case statuses[s] != 0:
		return statuses[s]
	case s >= 400 && s < 500:
		return event.Invalid
	}
	return event.ServerError // 5xx, a redirect, an error inside a 200 without a name
}

// notFound tells a model that does not exist from a path that does not. For a request that asks a model to answer
// there is no difference: this target cannot serve, another one may.
func (f *Fault) notFound(op Op) event.Verdict {
	named := f.Param == "model" || strings.Contains(strings.ToLower(f.Message), "model")
	if op == Generate || op == CountTokens && named {
		return event.UnknownModel
	}
	return event.Invalid
}

// refine reads the message where the verdict so far is one that hides several.
func (f *Fault) refine(v event.Verdict) event.Verdict {
	for i := range texts {
		t := &texts[i]
		if t.In != v || t.Status != 0 && t.Status != f.Status && failed(f.Status) {
			continue
		}
		msg := f.Message
		if t.Within > 0 {
			msg = msg[:min(len(msg), t.Within+len(t.Has))]
		}
		if strings.Contains(msg, t.Has) {
			return t.Is
		}
	}
	return v
}

// Judge makes the outcome of an error: of an answer that is not 2xx, or of an error object inside one that is. It
// leaves Body to the dialect, which knows its own shape.
func Judge(op Op, status int, h http.Header, body []byte, now time.Time) (Outcome, Fault) {
	f, ok := ReadFault(body)
	if f.Status = firstStatus(status, f.Status); f.Type == "" {
		f.Type = awsType(h)
	}
	out := Outcome{Status: status, Header: h, Type: f.Type, Code: f.Code}
	out.Verdict = f.Verdict(op)
	if !ok && len(body) > 0 && status >= 500 && f.Type == "" {
		out.Verdict = event.ServerError // the page of something in between, whatever its status
	}
	key := out.Verdict == event.Unauthorized
	out.KeyWide = key && (status == http.StatusUnauthorized || keyNames[f.Type] || keyNames[f.Code]) ||
		out.Verdict == event.QuotaExhausted && !f.Daily && !perDay(f.Message)
	out.Safe = status == http.StatusTooManyRequests || status == http.StatusUnauthorized || status == http.StatusForbidden
	// true is not obeyed: a caller's mistake stays one, and a retry that we would make anyway needs no leave.
	out.NoRetry = h.Get("X-Should-Retry") == "false"
	out.Hint = f.hint(out.Verdict, h, now)
	return out, f
}

// firstStatus prefers the status of HTTP, unless that is a success.
func firstStatus(status, named int) int {
	if status/100 == 2 && failed(named) {
		return named
	}
	return status
}

// awsType reads the error's name where Bedrock puts it: X-Amzn-Errortype, maybe with a URL behind a colon.
func awsType(h http.Header) string {
	t, _, _ := strings.Cut(h.Get("X-Amzn-Errortype"), ":")
	return t
}
