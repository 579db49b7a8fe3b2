package event

// Reason says why a decision was taken. The set is closed: every surface that
// shows a reason can list them all, and a metric label made of one is bounded.
type Reason uint8

// The reasons, by the decision that they explain.
const (
	// Why a target was not asked, or asked no longer.
	BreakerOpen   Reason = iota + 1 // its breaker is open, or its probes are out
	Ramp                            // it is recovering and this conversation is not yet in its share
	ProviderDown                    // the breaker of its provider is open
	PoolShut                        // its rate-limit pool is closed until a hint
	KeyShut                         // every credential for it was rejected or has spent its budget
	NoCapacity                      // its queue is full
	Cannot                          // it cannot take this request
	Misconfigured                   // the provider does not know the model
	NoTime                          // too little of the deadline is left
	AttemptsSpent                   // the call has used its attempts
	BudgetSpent                     // the retry budget of the target is used up
	FallbackOff                     // the caller asked never to be answered by another target
	Untrusted                       // a hop to our own credentials needs a client that we know

	// Where a wait came from.
	Hint    // the provider said when to come back
	Backoff // exponential, jittered
	Pool    // the rate-limit pool opens then
	Fresh   // a reused connection was dead: once more on a new one

	// Why the rest of a cut answer is asked for in another way.
	PrefillRefused // the target does not go on from the beginning of an answer
	Differs        // its answer does not begin like the one that was cut

	// What an attempt's verdict asked for.
	VerdictSays // the verdict table; the event's verdict says which row

	// Why a breaker moved.
	Ratio         // too many failures in the window
	Consecutive   // too many failures in a row
	TooSlow       // too many slow answers in the window
	ProbeFailed   // the probe failed
	ProbeExpired  // the probe did not answer within its lease
	ProbeOK       // the probe succeeded
	RampStep      // the next share is admitted
	RampDone      // all calls are admitted again
	RampFailed    // failures while recovering
	Elapsed       // the open interval ended
	TargetsOpen   // two or more targets of the provider are open at once
	KeyRejected   // the provider rejected the credential
	QuotaSpent    // the provider says that the budget is spent
	Overridden    // by hand
	OverrideEnded // the override was removed or expired

	// How a call ended without an answer.
	AllTried  // every target that may be asked was asked
	Final     // the verdict forbids to ask anyone else
	NoTarget  // no target may be asked now
	Deadline  // the deadline was reached
	Left      // the client left
	CutAfter  // the stream failed after its first content
	QueueFull // refused on arrival
	Draining  // refused on arrival, the process is ending
	Expired   // the deadline ended while waiting for a turn
	TooLate   // refused on arrival: its turn would come too late
)

var reasonNames = [...]string{
	BreakerOpen: "breaker_open", Ramp: "ramp", ProviderDown: "provider_down", PoolShut: "pool_closed",
	KeyShut: "key_closed", NoCapacity: "no_capacity", Cannot: "incompatible", Misconfigured: "misconfigured",
	NoTime: "no_time", AttemptsSpent: "attempts_spent", BudgetSpent: "budget_spent", FallbackOff: "fallback_off",
	Untrusted: "untrusted_client", Hint: "hint", Backoff: "backoff", Pool: "pool", Fresh: "fresh_connection",
	PrefillRefused: "prefill_refused", Differs: "answer_differs", VerdictSays: "verdict", Ratio: "failure_ratio", Consecutive: "consecutive_failures", TooSlow: "slow_ratio",
	ProbeFailed: "probe_failed", ProbeExpired: "probe_expired", ProbeOK: "probe_succeeded", RampStep: "ramp_step",
	RampDone: "ramp_done", RampFailed: "ramp_failed", Elapsed: "elapsed", TargetsOpen: "targets_open",
	KeyRejected: "key_rejected", QuotaSpent: "quota_exhausted", Overridden: "override", OverrideEnded: "override_ended",
	AllTried: "all_targets_tried", Final: "final_verdict", NoTarget: "no_target_available", Deadline: "deadline",
	Left: "client_left", CutAfter: "cut_after_content", QueueFull: "queue_full", Draining: "draining", Expired: "expired",
	TooLate: "too_late",
}

// String returns the reason's name in snake case, or "" for none.
func (r Reason) String() string { return nameOf(reasonNames[:], int(r)) }

// MarshalText writes the reason's name.
func (r Reason) MarshalText() ([]byte, error) { return []byte(r.String()), nil }

// Reasons lists every reason, for documentation and for tests of surfaces.
func Reasons() []Reason {
	all := make([]Reason, 0, len(reasonNames)-1)
	for r := range reasonNames[1:] {
		all = append(all, Reason(r+1))
	}
	return all
}
