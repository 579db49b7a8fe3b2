package fakellm

import (
	"encoding/json"
	"iter"
	"net/http"
	"time"
)

// wire is one dialect as a provider speaks it.
type wire interface {
	status(status int) failure // the usual error for a status
	named(name string) failure // the error for a name in the fault table
	invalid(field, message string) failure
	unknownField(path string) *failure
	tooLong(tokens, most int) failure
	failureBody(f failure, requestID string) []byte
	identify(h http.Header, requestID string)
	limitHeaders(h http.Header, l levels, now time.Time)
	limited(f failure, l levels, model string) failure // rewords a 429 for the limit that was hit

	check(r *request) *failure // what the API itself refuses
	prefill(r *request) (text string, ok bool)
	whole(m *reply, a answer) []byte           // the body of a plain answer
	frames(m *reply, a answer) iter.Seq[frame] // the events of a streamed one
	errorEvent(f failure, requestID string) []byte
	defaultModels() []string
	modelInfo(name string) string
	modelList(names, infos []string) []byte

	ping() []byte
	broken() []byte // an event whose JSON breaks off
}

// reply is what an answer repeats of its request.
type reply struct {
	id      string
	at      time.Time
	request *request
}

// frame is one event on the wire.
type frame struct {
	wire   []byte
	token  string // of the answer; empty: the event carries none
	head   bool   // opens the stream; sent before the wait for the first token
	marker bool   // the end marker, which proves the answer complete
}

// quote returns s as JSON.
func quote(s string) string {
	b, _ := json.Marshal(s) // a string always marshals
	return string(b)
}
