// Package event holds what happened to a call and why.
//
// Every decision that Fairlead takes is one [Event]: a [Kind] (what), a
// [Reason] (why, from a closed set) and the numbers behind it. The events of
// one call, in order, are its [Report]. Logs, metrics, headers, the page and
// `fairlead explain` all read events; none invents its own story.
//
// Only the loop in package fairlead writes events. The packages that decide
// (retry, breaker, limit, queue) return what changed as values and know
// nothing of calls.
//
// Events carry no prompt, no answer and no key: names, classes and numbers
// only, so that a report can be shown to anyone who may see the metrics.
package event

import "time"

// Event is one decision about one call. Fields that do not apply are zero and
// left out of JSON.
type Event struct {
	At      time.Time     `json:"at"`
	Call    string        `json:"call,omitempty"`           // id of the call it belongs to; empty in a report's own list
	Kind    Kind          `json:"kind"`                     // what
	Reason  Reason        `json:"reason,omitempty"`         // why
	Target  string        `json:"target,omitempty"`         // provider/model
	Key     string        `json:"key,omitempty"`            // name of the credential, never the credential
	Verdict Verdict       `json:"verdict,omitempty"`        // class of an attempt's outcome
	Status  int           `json:"status,omitempty"`         // HTTP status of the provider's answer
	Attempt int           `json:"attempt,omitempty"`        // this is attempt n ...
	Of      int           `json:"of,omitempty"`             // ... of at most m for the call
	Wait    time.Duration `json:"wait_ns,omitempty"`        // how long it took, or will take
	First   time.Duration `json:"first_token_ns,omitempty"` // until the first content, for an Outcome
	Until   time.Time     `json:"until,omitzero"`           // closed, open or overridden until then
	N       int           `json:"n,omitempty"`              // numbers behind the reason: N of M,
	M       int           `json:"m,omitempty"`              // such as failures of attempts
	Detail  string        `json:"detail,omitempty"`         // the provider's error type or code, or the name of an edit
}

// Kind says what an event is about.
type Kind uint8

// The kinds of event.
const (
	Arrived      Kind = iota + 1 // a call came in; N is the estimated input in tokens, Wait its deadline, Detail the model
	Queued                       // the call waited for its turn; Wait is how long
	Skipped                      // a target was not asked
	Started                      // an attempt was sent upstream
	Edited                       // the request was changed for this target; Detail names the edit
	Ended                        // an attempt ended with a verdict
	Waiting                      // a wait before the same target is asked again
	Hopped                       // the next target of the chain is asked instead
	BreakerMoved                 // a breaker changed its state; Detail is "from>to", N failures of M attempts
	PoolClosed                   // a rate-limit pool admits nothing until Until
	KeyClosed                    // a credential admits nothing until Until
	Marked                       // a target was marked as misconfigured
	GaveUp                       // the call failed for good; Detail is the model that was asked for
	Hedged                       // another target is asked beside one that is slow to begin; Wait is how long that was waited for
	Resumed                      // the rest of a cut answer is taken from this target; N bytes of text were sent before, Detail how it was asked
	Held                         // the client of a stream was told to go on waiting; Wait is how long it had got nothing
	Narrowed                     // a target bears N calls in flight from now on, not M
	Panicked                     // code of the caller's panicked; Detail says what and with which type
	Finished                     // the call was answered to its end; N tokens out, M in; Detail is the model that was asked for
)

var kindNames = [...]string{
	Arrived: "arrived", Queued: "queued", Skipped: "skipped", Started: "started", Edited: "edited",
	Ended: "ended", Waiting: "waiting", Hopped: "hopped", BreakerMoved: "breaker", PoolClosed: "pool_closed",
	KeyClosed: "key_closed", Marked: "marked", GaveUp: "gave_up", Hedged: "hedged", Resumed: "resumed", Held: "held",
	Narrowed: "narrowed", Panicked: "panicked",
	Finished: "finished",
}

// String returns the kind's name in snake case.
func (k Kind) String() string { return nameOf(kindNames[:], int(k)) }

// MarshalText writes the kind's name.
func (k Kind) MarshalText() ([]byte, error) { return []byte(k.String()), nil }

func nameOf(names []string, i int) string {
	if i < len(names) {
		return names[i]
	}
	return "unknown"
}
