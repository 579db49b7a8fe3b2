package fairlead

import (
	"io"
	"net/http"

	"fairlead.dev/event"
)

// Answer is what a target answered. A plain answer is whole when [Client.Do]
// returns; of a stream the first content has come, and the rest is pulled by
// [Answer.Next].
type Answer struct {
	Status int
	Header http.Header // for the client: fairlead-* and what it should see of the provider's
	Target string      // who answers, as "provider/model"
	Report *event.Report

	plain  []byte
	served bool     // plain was handed out
	stream *attempt // nil for a plain answer
	call   *call
}

// Streaming reports whether the answer is a stream of events.
func (a *Answer) Streaming() bool { return a.stream != nil }

// Next returns the next bytes of the answer: of a stream, all whole events
// that one read brought in; of a plain answer, all of it. The bytes are valid
// until the next call. At the proven end it returns io.EOF; any other error is
// an *[Error] and final.
func (a *Answer) Next() ([]byte, error) {
	if a.stream != nil {
		return a.nextEvents()
	}
	if a.served || len(a.plain) == 0 {
		return nil, io.EOF
	}
	a.served = true
	return a.plain, nil
}

// Comment is a line of the stream that says who answers, as the fairlead-*
// headers do: for a client whose headers went out before that was known.
func (a *Answer) Comment() []byte {
	k := a.call
	return []byte(k.comment(a.Target, k.plan.Attempts(), k.served != &k.links[0], k.why))
}

// Trailer returns the fairlead-* headers as they are after the end, when they
// are others than those of Header: the answer was resumed by another attempt.
// Otherwise it is nil.
func (a *Answer) Trailer() http.Header {
	k := a.call
	if k.cut == nil {
		return nil
	}
	h := http.Header{}
	k.head(h, a.Status)
	return h
}

// Close ends the call and frees what it holds. An answer that was not read to
// its end is cancelled at the provider. It may be called more than once.
func (a *Answer) Close() error {
	if a.stream != nil {
		a.call.leave(a.stream)
	}
	return nil
}
