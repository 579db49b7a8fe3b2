package gateway

import (
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"runtime"
	"runtime/debug"
	"strconv"
	"time"

	"fairlead.dev"
	"fairlead.dev/event"
	"fairlead.dev/llm"
)

// comeBack is when a client should ask again after a refusal that is ours and
// passes.
const comeBack = time.Second

// exchange is one request on its way through the gateway. It lives as long as
// ServeHTTP.
type exchange struct {
	*settings
	g      *Gateway
	w      http.ResponseWriter
	r      *http.Request
	rt     route
	api    llm.Dialect
	buffer *fairlead.Buffer // what the body lies in; nil: nothing, or given back
	code   int              // status, once headers were written
	out    streamWriter     // of a stream
}

// refusal is an answer of ours instead of a call.
type refusal struct {
	status  int
	verdict event.Verdict
	message string
	retry   time.Duration // the client should ask again after this; 0: it should not
	allow   string        // for 405
	closes  bool          // the connection cannot or should not be used again
}

func badRequest(format string, args ...any) *refusal {
	return &refusal{status: http.StatusBadRequest, verdict: event.Invalid, message: fmt.Sprintf(format, args...)}
}

// serve does what the route says, or returns why not.
func (x *exchange) serve() *refusal {
	x.rt = routeOf(x.r)
	var served bool
	x.api, served = x.dialect(x.rt.dialect)
	if bad := x.foreign(x.r); bad != nil {
		return bad
	}
	if x.allowOrigin() {
		return nil
	}
	if x.rt.kind == probe && x.rt.allows(x.r.Method) {
		return x.alive()
	}
	key, bad := x.authenticate(x.r.Header)
	switch {
	case bad != nil:
		return bad
	case x.rt.kind == nowhere || !served:
		return &refusal{status: http.StatusNotFound, verdict: event.Invalid, message: "there is nothing at this path"}
	case !x.rt.allows(x.r.Method):
		return &refusal{status: http.StatusMethodNotAllowed, verdict: event.Invalid, allow: x.rt.methods(),
			message: "this path does not take the method " + x.r.Method}
	case x.g.draining.Load():
		return &refusal{status: http.StatusServiceUnavailable, verdict: event.Overloaded, retry: comeBack, closes: true,
			message: "this gateway is shutting down; ask again, another one will answer"}
	}
	return x.call(key)
}

// alive answers a probe.
func (x *exchange) alive() *refusal {
	x.w.Header().Set("Content-Type", "text/plain; charset=utf-8")
	var body []byte
	if x.r.Method == http.MethodGet {
		body = []byte("ok\n")
	}
	x.write(http.StatusOK, body)
	return nil
}

// call makes a call of the request, and has it answered.
func (x *exchange) call(key *Key) *refusal {
	call, lowered, bad := callOf(x.r.Header, key)
	if bad != nil {
		return bad
	}
	if lowered {
		x.w.Header()["Fairlead-Class"] = []string{call.Class.String()}
	}
	body, bad := x.readBody()
	if bad != nil {
		return bad
	}
	req, err := x.api.Parse(x.r.Method, x.rt.path, x.r.URL.RawQuery, x.r.Header, body)
	if err != nil {
		return unparsed(err)
	}
	call.Request, call.Buffer = req, x.buffer
	if x.rt.kind == models {
		return x.models(call)
	}
	if req.Stream {
		call.Quiet = x.quiet
	}
	spent, bad := x.spend(key, req)
	if bad != nil {
		return bad
	}
	var report *event.Report
	defer func() { spent.done(report) }() // behind tell, which closes the answer, and after a panic too
	answer, err := x.Client.Do(x.r.Context(), call)
	if err != nil {
		return x.fail(err)
	}
	report = answer.Report
	return x.tell(answer)
}

func unparsed(err error) *refusal {
	bad, ok := errors.AsType[*llm.BadRequest](err)
	if !ok {
		return badRequest("the request cannot be read")
	}
	r := badRequest("%s", bad.Message)
	if bad.Status != 0 {
		r.status = bad.Status
	}
	if r.status == http.StatusRequestEntityTooLarge {
		r.verdict = event.TooLarge
	}
	return r
}

// refuse writes an answer of ours in the client's dialect.
func (x *exchange) refuse(bad *refusal) {
	h := x.w.Header()
	h.Set("X-Should-Retry", strconv.FormatBool(bad.retry > 0))
	if bad.retry > 0 {
		h.Set("Retry-After-Ms", strconv.FormatInt(bad.retry.Milliseconds(), 10))
		h.Set("Retry-After", strconv.Itoa(int((bad.retry+time.Second-1)/time.Second)))
	}
	if bad.allow != "" {
		h.Set("Allow", bad.allow)
	}
	if bad.closes {
		h.Set("Connection", "close")
	}
	x.write(bad.status, x.api.Failure(llm.Failure{Status: bad.status, Verdict: bad.verdict, Message: bad.message}))
}

// end frees what the request held. A panic becomes a 500 when nothing was
// written yet, and cuts the connection otherwise: a whole-looking half of an
// answer would be taken for the answer.
func (x *exchange) end() {
	x.out.close()
	x.free()
	v := recover()
	if v == http.ErrAbortHandler {
		panic(v)
	}
	if v != nil {
		x.panicked(v)
	}
	if x.Log.Enabled(x.r.Context(), slog.LevelDebug) {
		x.Log.Debug("request", "method", x.r.Method, "path", x.r.URL.Path, "status", x.code)
	}
}

// panicked logs what happened without what it was about: the text of a panic
// may quote a request, that of a runtime error cannot.
func (x *exchange) panicked(v any) {
	what := fmt.Sprintf("a %T", v)
	if err, ok := v.(runtime.Error); ok {
		what = err.Error()
	}
	x.Log.Error("panic while serving", "path", x.r.URL.Path, "panic", what, "stack", string(debug.Stack()))
	if x.code != 0 {
		panic(http.ErrAbortHandler)
	}
	if x.api == nil {
		x.api = x.Dialects[0]
	}
	x.refuse(&refusal{status: http.StatusInternalServerError, verdict: event.ServerError, closes: true,
		message: "this gateway failed; its log says where"})
}

// fail writes how a call failed, as the client made it ready.
func (x *exchange) fail(err error) *refusal {
	failed, ok := errors.AsType[*fairlead.Error](err)
	if !ok {
		x.Log.Error("a call failed with a strange error", "type", fmt.Sprintf("%T", err))
		return &refusal{status: http.StatusInternalServerError, verdict: event.ServerError, message: "this gateway failed"}
	}
	if failed.Report == nil && len(failed.Header["Content-Type"]) == 0 { // no provider speaks the dialect, so that nobody found words
		return &refusal{status: failed.Status, verdict: event.UnknownModel, message: "no provider is configured for this dialect"}
	}
	if x.out.failLate(failed) {
		return nil
	}
	x.copyHeader(failed.Header)
	x.write(failed.Status, failed.Body)
	return nil
}
