package fakellm

import (
	"bytes"
	"cmp"
	"compress/gzip"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"time"
)

// pingEvery is the beat of pings-only.
const pingEvery = time.Second

// htmlPage is what a gateway in front of a provider sends in its place.
const htmlPage = "<html>\r\n<head><title>%[1]d %[2]s</title></head>\r\n<body>\r\n<center><h1>%[1]d %[2]s</h1></center>\r\n" +
	"<hr><center>cloudflare</center>\r\n</body>\r\n</html>\r\n"

// before does what a fault does instead of an answer. It reports whether the
// answer may begin.
func (x *exchange) before() bool {
	f := &x.fault
	if x.wait(f.HeadersAfter); x.gone {
		return false
	}
	switch {
	case f.Do == doReset || f.Do == doRefused:
		x.reset()
	case f.Do == doSilent:
		x.silence()
	case f.HTML:
		x.fail(failure{status: f.Status, retryAfter: f.RetryAfter}, "text/html", fmt.Appendf(nil, htmlPage, f.Status, http.StatusText(f.Status)))
	case f.Body != nil:
		x.verbatim()
	case f.fails():
		x.answerFailure(failureOf(x.wire, f, x.req.Model))
	case f.Do == doJSON:
		x.send(http.StatusOK, "application/json", []byte(`{"id":"fake","type":"message","content":[{"type":"te`))
	default:
		return true
	}
	return false
}

// streamFailure is the error of error-after-k.
func (x *exchange) streamFailure() failure {
	f := x.overloaded()
	if x.fault.Type != "" {
		f.typ, f.code = x.fault.Type, x.fault.Code
	}
	f.message = cmp.Or(x.fault.Message, f.message)
	return f
}

// verbatim sends the fault's body: a JSON string's text, else the JSON itself.
func (x *exchange) verbatim() {
	body, kind := []byte(x.fault.Body), "application/json"
	var text string
	if json.Unmarshal(body, &text) == nil {
		body, kind = []byte(text), http.DetectContentType([]byte(text))
		if json.Valid(body) {
			kind = "application/json"
		}
	}
	status := x.fault.Status
	if status == 0 {
		status = http.StatusOK
	}
	x.fail(failure{status: status, retryAfter: x.fault.RetryAfter}, kind, body)
}

// refuse answers with an error that is the fake's own decision.
func (x *exchange) refuse(why string, f failure) {
	x.attempt.Fault = why
	x.answerFailure(f)
}

func (x *exchange) answerFailure(f failure) {
	x.fail(f, "application/json", x.wire.failureBody(f, x.requestID()))
}

func (x *exchange) fail(f failure, contentType string, body []byte) {
	if f.retryAfter != "" {
		x.w.Header().Set("Retry-After", f.retryAfter)
	}
	x.send(f.status, contentType, body)
}

// send answers with a whole body.
func (x *exchange) send(status int, contentType string, body []byte) {
	x.w.Header().Set("Content-Type", contentType)
	x.open(status)
	x.write(body)
}

// requestID and replyID are the same in every run.
func (x *exchange) requestID() string { return "req_" + x.replyID() }

func (x *exchange) replyID() string { return fmt.Sprintf("fake%06d", x.attempt.N) }

// open sends the headers.
func (x *exchange) open(status int) {
	h := x.w.Header()
	x.wire.identify(h, x.requestID())
	x.wire.limitHeaders(h, x.levels, time.Now())
	for name, value := range x.fault.Headers {
		if h.Set(name, value); value == "" {
			h.Del(name)
		}
	}
	x.attempt.Status, x.attempt.First = status, time.Now()
	if x.fault.Gzip && x.r.Method != http.MethodHead {
		h.Set("Content-Encoding", "gzip")
		x.zip = gzip.NewWriter(x.w)
	}
	x.w.WriteHeader(status)
	x.server.log.update(x.epoch, x.attempt)
}

func (x *exchange) write(b []byte) {
	if x.gone {
		return
	}
	var to io.Writer = x.w
	if x.zip != nil {
		to = x.zip
	}
	n, err := to.Write(b)
	x.attempt.BytesOut += int64(n)
	// A length that is wrong on purpose, and a body that HEAD must not have,
	// are no news of the client.
	if err != nil && !errors.Is(err, http.ErrContentLength) && !errors.Is(err, http.ErrBodyNotAllowed) {
		x.gone = true
	}
}

func (x *exchange) flush() {
	if x.zip != nil && !x.gone {
		x.gone = x.zip.Flush() != nil
	}
	if !x.gone && http.NewResponseController(x.w).Flush() != nil {
		x.gone = x.r.Context().Err() != nil
	}
}

// wait sleeps unless the client leaves or the server closes.
func (x *exchange) wait(d time.Duration) {
	if d <= 0 || x.gone {
		return
	}
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-x.r.Context().Done():
		x.gone = true
	case <-x.server.done:
		x.gone = true
	}
}

// silence waits until the client leaves or the server closes, and then aborts:
// nothing may look like an end.
func (x *exchange) silence() {
	x.server.log.update(x.epoch, x.attempt)
	select {
	case <-x.r.Context().Done():
	case <-x.server.done:
	}
	x.gone = true
	panic(http.ErrAbortHandler)
}

// abort breaks the connection in the middle of an answer. What was written
// still arrives: a hard reset could overtake it, and tests could not tell how
// many tokens the client has seen.
func (x *exchange) abort() {
	x.flush()
	panic(http.ErrAbortHandler)
}

// reset breaks the connection before any header, with a TCP reset where there
// is TCP and a close elsewhere.
func (x *exchange) reset() {
	conn, _, err := http.NewResponseController(x.w).Hijack()
	if err != nil {
		panic(http.ErrAbortHandler) // HTTP/2, or no server at all
	}
	resetConn(conn)
	panic(http.ErrAbortHandler)
}

func resetConn(conn net.Conn) {
	if inner, ok := conn.(interface{ NetConn() net.Conn }); ok {
		conn = inner.NetConn() // TLS: no close_notify either
	}
	if tcp, ok := conn.(interface{ SetLinger(int) error }); ok {
		_ = tcp.SetLinger(0)
	}
	_ = conn.Close()
}

// fill writes n bytes of filler without holding them: spaces, which change
// neither the meaning of a text nor that of a tool's input.
func (x *exchange) fill(n int) {
	block := bytes.Repeat([]byte(" "), min(max(n, 0), 64<<10))
	for n > 0 && !x.gone {
		x.write(block[:min(n, len(block))])
		n -= len(block)
	}
}
