package fairlead

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"io"
	"net/http"
	"net/http/httptrace"
	"strings"
	"time"

	"fairlead.dev/breaker"
	"fairlead.dev/event"
	"fairlead.dev/limit"
	"fairlead.dev/llm"
	"fairlead.dev/queue"
)

// attempt is one request sent upstream. It has two phases: open runs until the
// first content of a stream, or until a plain answer is whole; next pulls the
// rest of a stream in the goroutine of the caller. Exactly once, end settles
// what was taken for it.
type attempt struct {
	call   *call
	link   *link
	target *target
	body   llm.Body
	copy   *Buffer // what body lies in; nil: in the request's own memory

	// What was taken, in admit.go.
	slot      queue.Slot
	key       *key
	keyPermit breaker.Permit
	pool      *limit.Pool
	shut      event.Reason // why it may not pass its queue's door
	reserved  limit.Reservation
	upPermit  breaker.Permit
	permit    breaker.Permit

	begun   time.Time
	number  int           // this is attempt n of the call
	lane    int           // 1: it runs beside another one
	lost    bool          // another one was first
	strange bool          // its stream cannot be made a plain answer
	probe   bool          // it decides whether its target has recovered
	early   bool          // its target's breaker has been told of a success
	fresh   bool          // needs a new connection
	prefer  llm.Resume    // how the rest of a cut answer is asked for
	join    *join         // fits the answer behind the one that was cut; nil: it is the first
	builder llm.Assembler // makes a plain answer of the stream; nil: it stays one
	first   time.Duration // until the first content of a stream
	cancel  context.CancelCauseFunc
	clock   clock
	reused  bool // the connection had served before
	resp    *http.Response
	out     llm.Outcome
	plain   []byte
	stream  *stream // nil for a plain answer
	settled bool
}

// open sends the request and waits for the first content, or for all of a
// plain answer. What came of it is in out.
func (a *attempt) open() {
	k := a.call
	ctx, cancel := context.WithCancelCause(k.ctx)
	a.cancel = cancel
	k.c.track(k, a.lane, cancel)
	a.clock.start(cancel)
	defer func() {
		if !a.streaming() || !a.out.Good() {
			a.close()
		}
	}()
	resp, err := a.roundTrip(ctx)
	if err == nil {
		a.resp = resp
		now := time.Now()
		a.reserved.Learn(a.target.provider.cfg.API.Limits(resp.Header, now), resp.StatusCode/100 == 2, now)
		err = unpack(resp, k.c.maxAnswer())
	}
	if err != nil {
		a.unanswered(ctx, err)
		return
	}
	if a.asksForStream() && resp.StatusCode/100 == 2 && !isDocument(resp.Header) {
		a.openStream(ctx)
		return
	}
	if k.req.Op == llm.Other {
		a.openRaw(ctx) // good or bad, it is the answer: we cannot judge it
		return
	}
	a.readAll(ctx)
}

// asksForStream reports whether the provider is asked for a stream, whatever the
// client gets.
func (a *attempt) asksForStream() bool {
	return a.call.req.Op == llm.Generate && (a.call.req.Stream || a.builder != nil)
}

// decoding reports whether the answer is a stream that we read.
func (a *attempt) decoding() bool { return a.stream != nil && a.stream.dec != nil }

func (a *attempt) streaming() bool { return a.stream != nil }

// opening returns the clocks that run until the first content.
func (a *attempt) opening() limits {
	k := a.call
	t := &a.link.policies.Timeouts
	l := limits{left: k.plan.Slice(k.deadline.Sub(a.begun)), now: a.begun}
	if !a.asksForStream() {
		l.headers, l.first = t.Answer, t.Answer
		return l
	}
	// Long prompts are slow to read, and a model that thinks is silent for
	// minutes: the defaults must never cut healthy work.
	more := time.Duration(k.req.InputTokens()/2000) * time.Second
	factor := time.Duration(1)
	if k.req.Thinking {
		factor = 5
	}
	l.headers, l.first = t.Headers, t.FirstToken
	if l.headers == defaultTimeouts.Headers {
		l.headers = (l.headers + more) * factor
	}
	if l.first == defaultTimeouts.FirstToken {
		l.first = (l.first + more) * factor
	}
	return l
}

// roundTrip sends the request. Redirects are not followed: a credential is
// bound to the provider's own address.
func (a *attempt) roundTrip(ctx context.Context) (*http.Response, error) {
	req := a.request(ctx)
	rt := a.target.provider.rt
	if a.fresh {
		rt = a.target.provider.fresh()
	}
	return rt.RoundTrip(req)
}

// request writes the HTTP request. Its body is sent from memory: the transport
// then writes headers and body at once, and an answer that comes early cannot
// break the sending (reference/performance.md, section 7).
func (a *attempt) request(ctx context.Context) *http.Request {
	k, p := a.call, a.target.provider
	trace := &httptrace.ClientTrace{GotConn: func(info httptrace.GotConnInfo) { a.reused = info.Reused }}
	if b := cmp.Or(a.copy, k.ask.Buffer); b != nil {
		b.watch(trace)
	}
	req := &http.Request{
		Method: k.req.Method, URL: k.upstream(p), Host: p.address.Host,
		Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1, Header: make(http.Header, 16),
	}
	if k.ask.raw != nil {
		req.Header, req.Host = rawHeader(k.req.Header), k.ask.raw.Host
	} else {
		p.cfg.API.Header(req.Header, k.req, &a.body, a.key.cred)
		for name, value := range p.cfg.Headers {
			req.Header.Set(name, value)
		}
	}
	if req.Header["User-Agent"] == nil {
		req.Header["User-Agent"] = userAgent
	}
	if len(a.body.Bytes) > 0 {
		b := a.body.Bytes
		req.Body = io.NopCloser(bytes.NewReader(b))
		req.ContentLength = int64(len(b))
		req.GetBody = func() (io.ReadCloser, error) { return io.NopCloser(bytes.NewReader(b)), nil }
	}
	return req.WithContext(httptrace.WithClientTrace(ctx, trace))
}

var userAgent = []string{"fairlead"}

// unanswered judges an attempt that got no headers, or none that can be read.
// See settleBy.
//
//go:noinline
func (a *attempt) unanswered(ctx context.Context, err error) {
	if a.resp == nil {
		a.out = a.broken(ctx, err)
		return
	}
	a.out = llm.Outcome{Verdict: event.ServerError, Status: a.status(), Header: a.resp.Header, Err: err}
}

// broken judges an attempt that got no headers.
func (a *attempt) broken(ctx context.Context, err error) llm.Outcome {
	if out, ok := a.interrupted(ctx); ok {
		return out
	}
	out := llm.Outcome{Verdict: event.Unreachable, Err: err}
	var op interface{ Timeout() bool }
	dialing := dialFailed(err)
	out.Safe = dialing
	out.Reused = a.reused && !dialing && !(errors.As(err, &op) && op.Timeout())
	if k := a.call; k.req.Op == llm.Other && k.req.Method != http.MethodGet && k.req.Method != http.MethodHead {
		// Not every request may be sent twice: only one that no connection was
		// made for was certainly not processed.
		out.NoRetry, out.Reused = !out.Safe, false
	}
	return out
}

// interrupted judges an attempt that we ended ourselves. HTTP/2 reports a bare
// "context canceled", so the cause is read from the context.
func (a *attempt) interrupted(ctx context.Context) (llm.Outcome, bool) {
	if ctx.Err() == nil {
		return llm.Outcome{}, false
	}
	cause := context.Cause(ctx)
	var late *lateError
	if errors.As(cause, &late) {
		if late.ours && a.call.expired(time.Now()) {
			return llm.Outcome{Verdict: event.Canceled, Status: a.status(), Err: context.DeadlineExceeded}, true
		}
		return llm.Outcome{Verdict: event.Slow, Status: a.status(), Err: late}, true
	}
	return llm.Outcome{Verdict: event.Canceled, Status: a.status(), Err: cause}, true
}

func (a *attempt) status() int {
	if a.resp == nil {
		return 0
	}
	return a.resp.StatusCode
}

// readAll reads and judges a whole answer, good or bad.
func (a *attempt) readAll(ctx context.Context) {
	k := a.call
	a.clock.next(phaseAnswer)
	body, err := readBounded(a.resp, k.c.maxAnswer())
	h := a.resp.Header
	switch out, ours := a.interrupted(ctx); {
	case err != nil && ours:
		a.out = out
	case errors.Is(err, errTooLong):
		a.out = llm.Outcome{Verdict: event.ServerError, Status: a.status(), Header: h, Err: err}
	case err != nil && a.status()/100 == 2:
		a.out = llm.Outcome{Verdict: event.Truncated, Status: a.status(), Header: h, Err: err}
	default:
		a.out = a.target.provider.cfg.API.Outcome(k.req, a.status(), h, body, time.Now())
		a.out.Header, a.out.Status = h, a.status()
		a.plain = body
		if k.req.Stream && k.req.Op == llm.Generate && a.out.Good() {
			// An SDK that asked for a stream reads no events in this and calls it
			// an empty success.
			a.out.Verdict, a.out.Err = event.ServerError, errNoStream
		}
	}
}

var errNoStream = errors.New("the answer to a streamed request is no stream")

// close gives the connection back, or ends the request when it is still open.
func (a *attempt) close() {
	a.clock.stop()
	if a.cancel != nil {
		if a.resp != nil {
			a.resp.Body.Close()
		}
		a.cancel(nil)
		a.cancel = nil
	}
}

// isDocument reports whether an answer says that it is JSON or HTML. Anything
// else in answer to a streamed request is read as a stream, whatever it calls
// itself: its end marker proves it.
func isDocument(h http.Header) bool {
	ct, _, _ := strings.Cut(strings.ToLower(h.Get("Content-Type")), ";")
	return ct == "application/json" || ct == "text/html"
}
