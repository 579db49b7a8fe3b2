package gateway

import (
	"errors"
	"io"
	"net/http"
	"os"

	"fairlead.dev/event"
)

// firstStep is how much is held at first for a body of unknown length; it
// doubles from there.
const firstStep = 64 << 10

// readBody reads the whole body, so that every attempt can be sent from memory,
// and so that net/http, which watches a connection only after the body's end,
// tells us when the client leaves. How long a client may take to send it is the
// server's limit; net/http lifts that when it begins to watch. What is taken is held at the client
// beforehand: many large bodies are refused, not run out of memory with.
func (x *exchange) readBody() ([]byte, *refusal) {
	n := x.r.ContentLength
	if n == 0 {
		return nil, nil
	}
	if n > x.MaxBody {
		return nil, x.tooLarge()
	}
	if x.r.Header.Get("Expect") != "" {
		setWriteDeadline(http.NewResponseController(x.w)) // reading makes net/http write 100 Continue
	}
	if n < 0 {
		return x.readChunks()
	}
	return x.readExactly(n)
}

// readExactly reads a body whose length was announced into a buffer of that
// length.
func (x *exchange) readExactly(n int64) ([]byte, *refusal) {
	if x.buffer = x.Client.Buffer(n); x.buffer == nil {
		return nil, x.full()
	}
	body := x.buffer.Bytes
	if _, err := io.ReadFull(x.r.Body, body); err != nil {
		return nil, x.unreadable(err)
	}
	return body, nil
}

// readChunks reads a body of unknown length.
func (x *exchange) readChunks() ([]byte, *refusal) {
	var body []byte
	for n := 0; ; {
		if n == len(body) {
			grown := x.Client.Buffer(min(int64(max(2*n, firstStep)), x.MaxBody+1))
			if grown == nil {
				return nil, x.full()
			}
			copy(grown.Bytes, body)
			x.free()
			x.buffer, body = grown, grown.Bytes
		}
		m, err := x.r.Body.Read(body[n:])
		n += m
		switch {
		case int64(n) > x.MaxBody:
			return nil, x.tooLarge()
		case err == io.EOF:
			return body[:n], nil
		case err != nil:
			return nil, x.unreadable(err)
		}
	}
}

// free gives back what was held.
func (x *exchange) free() {
	x.buffer.Free()
	x.buffer = nil
}

func (x *exchange) tooLarge() *refusal {
	return &refusal{status: http.StatusRequestEntityTooLarge, verdict: event.TooLarge, closes: true,
		message: "the request body is larger than this gateway takes"}
}

func (x *exchange) full() *refusal {
	return &refusal{status: http.StatusServiceUnavailable, verdict: event.Overloaded, retry: comeBack, closes: true,
		message: "the requests under way fill this gateway's memory; try again soon"}
}

func (x *exchange) unreadable(err error) *refusal {
	if errors.Is(err, os.ErrDeadlineExceeded) {
		return &refusal{status: http.StatusRequestTimeout, verdict: event.Invalid, closes: true,
			message: "the request body took too long to arrive"}
	}
	bad := badRequest("the request body ended early or is not framed as HTTP wants")
	bad.closes = true
	return bad
}
