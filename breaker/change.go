package breaker

import "time"

// State is where a breaker stands.
type State uint8

// The states. See the picture in the package's comment.
const (
	Closed   State = iota // all attempts are admitted
	Open                  // none is
	HalfOpen              // a few probes are
	Ramp                  // a probe succeeded: a growing share of the conversations is
)

var stateNames = [...]string{Closed: "closed", Open: "open", HalfOpen: "half_open", Ramp: "ramp"}

// String returns the state's name in snake case.
func (s State) String() string { return nameOf(stateNames[:], uint8(s)) }

// MarshalText writes the state's name.
func (s State) MarshalText() ([]byte, error) { return []byte(s.String()), nil }

// News is what an attempt says about its target's health.
type News uint8

// The kinds of news. Any other value counts as Ignore.
const (
	Ignore  News = iota // nothing: a rate limit, a caller's mistake, a cancellation. Releases the permit
	Success             // answered to its proven end
	Failure             // overloaded, broken, unreachable, silent or cut
	Slow                // a success whose first token took too long, see Pace
)

// Cause says why a breaker changed.
type Cause uint8

// The causes; the set is closed.
const (
	Ratio               Cause = iota + 1 // too many failures among the attempts of the window
	ConsecutiveFailures                  // too many failures in a row
	SlowRatio                            // too many slow answers among the attempts of the window
	ProbeFailed                          // a probe failed, or was as slow as what had opened the breaker
	ProbeExpired                         // a probe was not answered within its lease
	ProbeSucceeded                       // a probe succeeded
	RampStep                             // the ramp admits its next share
	RampDone                             // the ramp has ended well
	RampFailed                           // the target failed again during the ramp
	Elapsed                              // the open interval has ended
	Tripped                              // opened, or kept open for longer, from outside
	Overridden                           // by hand
	OverrideEnded                        // the override was removed or has expired
)

var causeNames = [...]string{
	Ratio: "failure_ratio", ConsecutiveFailures: "consecutive_failures", SlowRatio: "slow_ratio",
	ProbeFailed: "probe_failed", ProbeExpired: "probe_expired", ProbeSucceeded: "probe_succeeded",
	RampStep: "ramp_step", RampDone: "ramp_done", RampFailed: "ramp_failed", Elapsed: "elapsed",
	Tripped: "tripped", Overridden: "override", OverrideEnded: "override_ended",
}

// String returns the cause's name in snake case, "" for none.
func (c Cause) String() string { return nameOf(causeNames[:], uint8(c)) }

// MarshalText writes the cause's name.
func (c Cause) MarshalText() ([]byte, error) { return []byte(c.String()), nil }

// Change is one transition and the numbers behind it. Each is handed out
// exactly once: by the method that brought it about or, if time did, by
// [Breaker.Take]. From equals To for a step of the ramp, for a longer Trip and
// for an override that changes no state.
type Change struct {
	Seq         uint64 // 1, 2, 3 ... of this breaker; orders the changes that concurrent callers were given
	At          time.Time
	From, To    State
	Cause       Cause
	Attempts    int       // in the window, when it changed
	Failures    int       // among them
	Slow        int       // among them
	Consecutive int       // failures with no success between
	Until       time.Time // when the state, step or override ends at the earliest; zero if only news can end it
	Observed    bool      // under an ObserveOnly override: nothing was refused because of it
}

// Take returns the oldest change that time has brought about and that nobody
// was told of: an interval, a lease or an override that ended, a step of the
// ramp. It costs next to nothing when there is none: call it until it returns
// false after each Allow and Done. Sixteen are kept, older ones are dropped and
// counted in [Snapshot.Dropped].
func (b *Breaker) Take() (Change, bool) {
	if b.pending.Load() == 0 {
		return Change{}, false
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	c, ok := b.news.take()
	b.pending.Store(int32(b.news.n))
	return c, ok
}

// tell leaves a change for Take.
func (b *Breaker) tell(c Change) {
	b.news.put(c)
	b.pending.Store(int32(b.news.n))
}

// mailbox is a small ring of changes.
type mailbox struct {
	ring    [16]Change
	head, n int
	dropped uint64
}

func (m *mailbox) put(c Change) {
	if m.n == len(m.ring) {
		m.take()
		m.dropped++
	}
	m.ring[(m.head+m.n)%len(m.ring)] = c
	m.n++
}

func (m *mailbox) take() (Change, bool) {
	if m.n == 0 {
		return Change{}, false
	}
	c := m.ring[m.head]
	m.head = (m.head + 1) % len(m.ring)
	m.n--
	return c, true
}

func nameOf(names []string, i uint8) string {
	if int(i) < len(names) {
		return names[i]
	}
	return "unknown"
}
