package breaker

import "time"

// Mode is what an override does.
type Mode uint8

// The modes.
const (
	None        Mode = iota // no override
	ForceOpen               // refuses everything and learns nothing; then half-open, for the ramp is the only way back
	Disabled                // admits everything and learns nothing; then closed, with nothing known
	ObserveOnly             // admits everything; the states, changes and numbers are those of a breaker in force
)

var modeNames = [...]string{None: "none", ForceOpen: "force_open", Disabled: "disabled", ObserveOnly: "observe_only"}

// String returns the mode's name in snake case.
func (m Mode) String() string { return nameOf(modeNames[:], uint8(m)) }

// MarshalText writes the mode's name.
func (m Mode) MarshalText() ([]byte, error) { return []byte(m.String()), nil }

// Override is a person's decision that rules over the breaker's own.
type Override struct {
	Mode   Mode
	Reason string    // who and why, for whoever finds it in force
	Until  time.Time // when it ends by itself; zero: only by another Override
}

// Override puts o in force, in place of any other; mode None, an unknown mode
// and an Until that has passed remove the one in force. An override that
// changes no state still yields a Change, from a state to itself. Attempts
// that are under way when ForceOpen or Disabled begins or ends count for
// nothing.
func (b *Breaker) Override(o Override, now time.Time) (Change, bool) {
	b.mu.Lock()
	defer b.mu.Unlock()
	now = b.tick(now)
	over := !o.Until.IsZero() && !o.Until.After(now)
	if o.Mode != None && o.Mode <= ObserveOnly && !over {
		return b.turn(o, Overridden, now), true
	}
	if b.override.Mode == None {
		return Change{}, false
	}
	return b.turn(Override{}, OverrideEnded, now), true
}

// frozen reports whether an override keeps the breaker from learning.
func (b *Breaker) frozen() bool {
	return b.override.Mode == ForceOpen || b.override.Mode == Disabled
}

// turn replaces the override in force.
func (b *Breaker) turn(o Override, cause Cause, at time.Time) Change {
	wasForced, wasFrozen := b.override.Mode == ForceOpen, b.frozen()
	b.override = o
	to, until := b.state, b.until
	switch {
	case o.Mode == ForceOpen:
		// Nothing is known of the target: the way back is the shortest one.
		to, until, b.interval, b.opened = Open, o.Until, b.cfg.Open, cause
	case o.Mode == Disabled:
		to, until = Closed, time.Time{}
	case wasForced:
		to, until = HalfOpen, time.Time{}
	}
	c := b.move(to, cause, at, until)
	if wasFrozen || b.frozen() {
		b.renew()
		b.forget()
	}
	if o.Mode != None {
		c.Until = o.Until
		b.last = c
	}
	return c
}
