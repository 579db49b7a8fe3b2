package event

import (
	"encoding/json"
	"sync"
	"time"
)

// inline is how many events a report holds without another allocation: those of
// a call that is answered at once.
const inline = 5

// MaxEvents is how many events a report keeps. A call makes at most a few
// dozen; the bound only guards against a mistake. What does not fit is counted
// in Dropped.
const MaxEvents = 256

// Usage is what an answer cost, in tokens, as the provider counted it.
type Usage struct {
	Input      int `json:"input_tokens"`
	Output     int `json:"output_tokens"`
	CacheRead  int `json:"cache_read_tokens,omitempty"`
	CacheWrite int `json:"cache_write_tokens,omitempty"`
}

// Summary is a call in one line: who asked for what, who answered.
type Summary struct {
	ID       string    `json:"id"`
	Model    string    `json:"model"`             // as the caller named it
	Dialect  string    `json:"dialect,omitempty"` // as the caller spoke it
	Class    string    `json:"class,omitempty"`   // priority class
	Tenant   string    `json:"tenant,omitempty"`
	Start    time.Time `json:"start"`
	End      time.Time `json:"end,omitzero"`       // zero while the call is open
	Target   string    `json:"target,omitempty"`   // who answered, or was asked last
	Attempts int       `json:"attempts"`           // requests sent upstream
	Fallback bool      `json:"fallback,omitempty"` // another target than the primary answered
	Reason   string    `json:"reason,omitempty"`   // why the last decision against the primary was taken: a verdict or a reason
	Verdict  Verdict   `json:"verdict,omitempty"`  // of the call; 0 while it is open
	Status   int       `json:"status,omitempty"`   // HTTP status that the caller got
	Usage    Usage     `json:"usage"`
	Dropped  int       `json:"dropped,omitempty"` // events that did not fit
}

// Report is everything that happened to one call, in order. It may be read
// while the call is still open.
type Report struct {
	mu     sync.Mutex
	sum    Summary // guarded by mu
	events []Event // guarded by mu
	space  [inline]Event
}

// NewReport begins the report of one call.
func NewReport(s Summary) *Report {
	r := &Report{sum: s}
	r.events = r.space[:0]
	return r
}

// Add appends one event.
func (r *Report) Add(e Event) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if len(r.events) >= MaxEvents {
		r.sum.Dropped++
		return
	}
	r.events = append(r.events, e)
}

// Update changes the summary under the report's lock. f must not block.
func (r *Report) Update(f func(*Summary)) {
	r.mu.Lock()
	defer r.mu.Unlock()
	f(&r.sum)
}

// Summary returns the call in one line.
func (r *Report) Summary() Summary {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.sum
}

// Events returns a copy of the events so far.
func (r *Report) Events() []Event {
	r.mu.Lock()
	defer r.mu.Unlock()
	return append([]Event(nil), r.events...)
}

// Count returns how many events have the reason.
func (r *Report) Count(reason Reason) int {
	r.mu.Lock()
	defer r.mu.Unlock()
	n := 0
	for i := range r.events {
		if r.events[i].Reason == reason {
			n++
		}
	}
	return n
}

// MarshalJSON writes the summary and the events as one object.
func (r *Report) MarshalJSON() ([]byte, error) {
	return json.Marshal(struct {
		Summary
		Events []Event `json:"events"`
	}{r.Summary(), r.Events()})
}
