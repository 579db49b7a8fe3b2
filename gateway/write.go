package gateway

import (
	"errors"
	"io"
	"net/http"
	"strconv"
	"time"

	"fairlead.dev"
)

const (
	// writeTime is how long a client may take nothing before it is given up:
	// one that stops reading would hold its connection, and a stream its slot
	// at the target, for ever.
	//
	// Every write of the gateway sets the deadline anew and none clears it:
	// net/http writes the last bytes of an answer after we returned, and those
	// can wait for the client as well.
	writeTime = time.Minute

	// refreshTime is how often the deadline of a stream is moved on. Setting
	// it for every event would cost more than it is worth.
	refreshTime = time.Second

	// writeStep is how much of a whole answer is written under one deadline.
	writeStep = 256 << 10
)

// tell writes an answer and closes it.
func (x *exchange) tell(a *fairlead.Answer) *refusal {
	defer a.Close()
	x.copyHeader(a.Header)
	if a.Streaming() {
		x.stream(a)
		return nil
	}
	body, err := a.Next()
	if err != nil && err != io.EOF {
		return x.fail(err)
	}
	x.free() // nobody will be asked again
	x.write(a.Status, body)
	return nil
}

// write writes a whole answer.
func (x *exchange) write(status int, body []byte) {
	h := x.w.Header()
	h["Content-Length"] = []string{strconv.Itoa(len(body))}
	if len(h["Content-Type"]) == 0 {
		h["Content-Type"] = []string{"application/json"}
	}
	x.code = status
	rc := http.NewResponseController(x.w)
	setWriteDeadline(rc)
	x.w.WriteHeader(status)
	for len(body) > writeStep {
		if _, err := x.w.Write(body[:writeStep]); err != nil {
			return // a client that left cannot be told
		}
		body = body[writeStep:]
		setWriteDeadline(rc)
	}
	_, _ = x.w.Write(body) // as above
}

func setWriteDeadline(rc *http.ResponseController) {
	_ = rc.SetWriteDeadline(time.Now().Add(writeTime)) // not every ResponseWriter has one
}

// stream writes events as they come: what one read brought is one write and one
// flush. A failure after the headers is an event too, and the stream then ends
// as HTTP wants, but without the dialect's end marker.
func (x *exchange) stream(a *fairlead.Answer) {
	h := x.w.Header()
	h["X-Accel-Buffering"] = []string{"no"}
	x.code = a.Status
	x.w.WriteHeader(a.Status)
	out := streamWriter{w: x.w, rc: http.NewResponseController(x.w)}
	for {
		events, err := a.Next()
		if err == nil {
			err = out.send(events)
			if err != nil {
				return // the client left or stopped reading; Close tells the provider
			}
			continue
		}
		if err == io.EOF {
			return
		}
		failed, ok := errors.AsType[*fairlead.Error](err)
		if !ok {
			panic(http.ErrAbortHandler)
		}
		_ = out.send(failed.Event) // nothing is left to do when this fails
		return
	}
}

// streamWriter writes to a client that may stop reading.
type streamWriter struct {
	w   http.ResponseWriter
	rc  *http.ResponseController
	set time.Time // when the deadline was moved last
}

func (s *streamWriter) send(b []byte) error {
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

// copyHeader hands the headers of an answer on. They were made for the client.
// Ours are written in lower case, whatever the HTTP version: that is how they
// are documented, and how people grep for them.
func (x *exchange) copyHeader(from http.Header) {
	h := x.w.Header()
	for name, values := range from {
		if lower, ours := ourHeaders[name]; ours {
			name = lower
		}
		if name != "Content-Length" {
			h[name] = values
		}
	}
}

var ourHeaders = map[string]string{
	"Fairlead-Call": "fairlead-call", "Fairlead-Target": "fairlead-target", "Fairlead-Attempts": "fairlead-attempts",
	"Fairlead-Fallback": "fairlead-fallback", "Fairlead-Reason": "fairlead-reason", "Fairlead-Queued-Ms": "fairlead-queued-ms",
	"Fairlead-Class": "fairlead-class",
}
