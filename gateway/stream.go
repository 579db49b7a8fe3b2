package gateway

import (
	"errors"
	"io"
	"net/http"
	"sync"
	"time"

	"fairlead.dev"
)

// refreshTime is how often the deadline of a stream is moved on. Setting it for
// every event would cost more than it is worth.
const refreshTime = time.Second

// stream writes events as they come: what one read brought is one write and one
// flush. A failure after the headers is an event too, and the stream then ends
// as HTTP wants, but without the dialect's end marker.
func (x *exchange) stream(a *fairlead.Answer) {
	out := x.out.begin(x, a)
	for {
		events, err := a.Next()
		if err == nil {
			if out.send(events) != nil {
				return // the client left or stopped reading; Close tells the provider
			}
			continue
		}
		failed, ok := errors.AsType[*fairlead.Error](err)
		switch {
		case err == io.EOF:
		case !ok:
			panic(http.ErrAbortHandler)
		default:
			_ = out.send(failed.Event) // nothing is left to do when this fails
		}
		out.end(a)
		return
	}
}

// streamWriter writes to a client that may stop reading. It is one stream's
// only writer: the goroutine of the request sends events, and a timer's now and
// then a ping when there are none.
type streamWriter struct {
	mu    sync.Mutex
	w     http.ResponseWriter
	rc    *http.ResponseController
	set   time.Time // guarded by mu; when the deadline was moved last
	early bool      // guarded by mu; the headers went out before the answer was known
	over  bool      // guarded by mu; nothing may be written any more
}

// quiet keeps a client waiting that has got nothing for long: it gets its
// headers, if it has none, and a ping. From then on a failure is an event.
func (x *exchange) quiet(call string) {
	s := &x.out
	if !s.mu.TryLock() {
		return // an event is being written
	}
	defer s.mu.Unlock()
	if s.over {
		return
	}
	if x.code == 0 {
		h := x.w.Header()
		h["Content-Type"] = []string{"text/event-stream"}
		h["Cache-Control"] = []string{"no-cache"}
		h["fairlead-call"] = []string{call}
		s.open(x, http.StatusOK)
		s.early = true
	}
	_ = s.write(x.api.Ping()) // the next event finds out what is wrong
}

// open sends the headers. mu is held.
func (s *streamWriter) open(x *exchange, status int) {
	x.w.Header()["X-Accel-Buffering"] = []string{"no"}
	s.w, s.rc = x.w, http.NewResponseController(x.w)
	x.code = status
	x.w.WriteHeader(status)
}

// begin makes the writer ready for the events of an answer. A client whose
// headers are out already is told in a comment what it could not be told there.
func (s *streamWriter) begin(x *exchange, a *fairlead.Answer) *streamWriter {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.early {
		_ = s.write(a.Comment()) // the next event finds out what is wrong
		return s
	}
	x.copyHeader(a.Header)
	s.open(x, a.Status)
	return s
}

// send writes and flushes.
func (s *streamWriter) send(b []byte) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.write(b)
}

// write is send while mu is held.
func (s *streamWriter) write(b []byte) error {
	if len(b) == 0 {
		return nil
	}
	if now := time.Now(); now.Sub(s.set) > refreshTime {
		s.set = now
		setWriteDeadline(s.rc)
	}
	if _, err := s.w.Write(b); err != nil {
		return err
	}
	return s.rc.Flush()
}

// end tells in trailers what was not known when the headers went out.
func (s *streamWriter) end(a *fairlead.Answer) {
	s.mu.Lock()
	defer s.mu.Unlock()
	trailer := a.Trailer()
	if trailer == nil && s.early {
		trailer = a.Header
	}
	s.trail(trailer)
}

// trail writes the fairlead-* headers of h as trailers. mu is held.
func (s *streamWriter) trail(h http.Header) {
	for name, lower := range ourHeaders {
		if values, ok := h[name]; ok {
			s.w.Header()[http.TrailerPrefix+lower] = values
		}
	}
}

// failLate tells a client of a failure whose headers are out, and reports
// whether it was one.
func (s *streamWriter) failLate(e *fairlead.Error) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if !s.early {
		s.over = true // a status and a body come next
		return false
	}
	_ = s.write(e.Event) // a client that left cannot be told
	s.trail(e.Header)
	return true
}

// close makes sure that nothing is written after the request has ended.
func (s *streamWriter) close() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.over = true
}
