package gateway

import (
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

	// writeStep is how much of a whole answer is written under one deadline.
	writeStep = 256 << 10
)

// tell writes an answer and closes it.
func (x *exchange) tell(a *fairlead.Answer) *refusal {
	defer a.Close()
	if a.Streaming() {
		x.stream(a)
		return nil
	}
	x.copyHeader(a.Header)
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
	x.out.close()
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
