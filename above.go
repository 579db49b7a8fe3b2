package fairlead

import (
	"hash/maphash"
	"strconv"
	"time"

	"fairlead.dev/event"
	"fairlead.dev/llm"
)

// What the layers above us say of a call: SDKs count their retries and tell how
// long they wait; Claude Code and Codex repeat what failed without a word, and
// are known by their session and the bytes that they send again.
const (
	retryCount  = "X-Stainless-Retry-Count"
	sdkTimeout  = "X-Stainless-Timeout" // seconds
	maxAsked    = 4096                  // requests that failed and may come again
	repeatedFor = 5 * time.Minute       // how long one that comes again is a repeat
)

var askedSeed = maphash.MakeSeed()

// above reads what the layers above us say, and reports whether the call may
// begin. A client's retries draw on the retry budget of the first target, as our
// own do: one that was told not to repeat and does so all the same is refused
// when there is none left.
func (k *call) above() bool {
	if seconds, err := strconv.ParseFloat(k.req.Header.Get(sdkTimeout), 64); err == nil && seconds > 0 && seconds < 1e6 {
		wait := time.Duration(seconds * float64(time.Second))
		// An SDK that gives up by itself asks again: an error of ours has to come first.
		if limit := k.began.Add(wait - min(wait/20, time.Second/2)); limit.Before(k.deadline) {
			k.deadline = limit
		}
	}
	budget := k.links[0].target.budget
	if n, err := strconv.Atoi(k.req.Header.Get(retryCount)); err == nil && n > 0 {
		budget.Withdraw(k.now)
		return true
	}
	if k.c.asked.empty() { // as nearly always: no body is hashed for nothing
		return true
	}
	id, named := k.fingerprint()
	if !named {
		return true
	}
	if last, ok := k.c.asked.get(id); !ok || k.now.Sub(last) > repeatedFor || budget.Withdraw(k.now) {
		return true
	}
	k.note(event.Event{Kind: event.Skipped, Reason: event.BudgetSpent, Target: k.links[0].target.name})
	k.refused = event.BudgetSpent
	return false
}

// fingerprint tells requests of a session apart. It is false for clients that
// count their retries, or have no session.
func (k *call) fingerprint() (uint64, bool) {
	session := k.req.Session()
	if session == "" || k.req.Op != llm.Generate || k.req.Header.Get(retryCount) != "" && k.req.Header.Get(retryCount) != "0" {
		return 0, false
	}
	var h maphash.Hash
	h.SetSeed(askedSeed)
	h.WriteString(session)
	h.Write(k.req.Body)
	return h.Sum64(), true
}

// repeatable remembers a call that failed after attempts upstream: its client
// was told not to repeat it, and may do so.
func (k *call) repeatable(v event.Verdict) {
	if k.plan.Attempts() == 0 || v == event.OK || v == event.Refused || v == event.Canceled || v == event.Invalid {
		return
	}
	if id, named := k.fingerprint(); named {
		k.c.asked.put(id, k.now)
	}
}
