package fairlead

import (
	"errors"
	"fmt"
	"net/http"

	"fairlead.dev/event"
	"fairlead.dev/llm"
)

// Errors that an [*Error] may wrap, beside those of the packages that refuse
// (queue.ErrFull, queue.ErrExpired, ...) and context errors.
var (
	// ErrClosed is returned for calls after [Client.Close] has begun.
	ErrClosed = errors.New("fairlead: the client is closed")
	// ErrUnknownModel is returned for a model that no chain has.
	ErrUnknownModel = errors.New("fairlead: unknown model")
	// ErrNoTarget is returned when no target of the chain may be asked now:
	// breakers are open, pools or credentials closed.
	ErrNoTarget = errors.New("fairlead: no target may be asked now")
	// ErrTooMuch is returned when the bodies of all open calls together would
	// pass Config.MaxBytes.
	ErrTooMuch = errors.New("fairlead: too many bytes in open calls")
	// ErrDeadline is the cause of a call that ended at its deadline.
	ErrDeadline = errors.New("fairlead: the call's deadline was reached")
)

// Error is how a call failed, ready to be told to a client of the dialect that
// it spoke: Status, Header and Body are the HTTP answer.
//
// When a provider answered in the words of its dialect, Status and Body are
// its own, unmodified; they are those of the primary target's last answer,
// never of a target that was asked in its place. Otherwise they are ours.
type Error struct {
	Verdict event.Verdict // of the attempt that decided
	Status  int           // HTTP status for the client
	Header  http.Header   // for the client: fairlead-*, x-should-retry, retry-after, and what the provider sent
	Body    []byte        // for the client, in its dialect
	Event   []byte        // the same as an event, for a stream whose headers are out
	Report  *event.Report // what happened; nil when the call was refused before it had one
	Err     error         // the sentinel, or what the provider said
}

// Error says in one line what happened.
func (e *Error) Error() string {
	switch {
	case e.Report == nil:
		return fmt.Sprintf("fairlead: status %d: %v", e.Status, e.Err)
	case e.Verdict == 0:
		return fmt.Sprintf("fairlead: call %s: %v", e.Report.Summary().ID, e.Err)
	}
	s := e.Report.Summary()
	return fmt.Sprintf("fairlead: call %s to %s failed (attempts: %d): %s: %v", s.ID, s.Model, s.Attempts, e.Verdict, e.Err)
}

// Unwrap returns the cause.
func (e *Error) Unwrap() error { return e.Err }

// ProviderError is what a provider said when it did not answer.
type ProviderError struct {
	Target string // provider/model
	Status int    // HTTP status; 0 when no answer came
	Type   string // its error type
	Code   string // its error code
	Body   []byte // its error body, when it was in the dialect's shape
	Err    error  // what failed below HTTP
}

// Error says which target failed how.
func (e *ProviderError) Error() string {
	switch {
	case e.Err != nil && e.Status == 0:
		return fmt.Sprintf("%s: %v", e.Target, e.Err)
	case e.Code != "":
		return fmt.Sprintf("%s: status %d, %s, %s", e.Target, e.Status, e.Type, e.Code)
	case e.Type != "":
		return fmt.Sprintf("%s: status %d, %s", e.Target, e.Status, e.Type)
	case e.Err != nil:
		return fmt.Sprintf("%s: status %d: %v", e.Target, e.Status, e.Err)
	}
	return fmt.Sprintf("%s: status %d", e.Target, e.Status)
}

// Unwrap returns what failed below HTTP.
func (e *ProviderError) Unwrap() error { return e.Err }

func providerError(target string, o *llm.Outcome) *ProviderError {
	return &ProviderError{Target: target, Status: o.Status, Type: o.Type, Code: o.Code, Body: o.Body, Err: o.Err}
}
