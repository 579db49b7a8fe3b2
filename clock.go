package fairlead

import (
	"fmt"
	"sync/atomic"
	"time"
)

// phase is what an attempt is waiting for.
type phase uint32

const (
	phaseHeaders phase = iota // the answer's headers
	phaseFirst                // the first content
	phaseIdle                 // the next content
	phaseAnswer               // the rest of a plain answer
	phaseMax                  // the end of a stream that max_stream bounds
	phaseDrain                // the end of a connection whose answer is complete
)

var phaseNames = [...]string{"headers", "first_token", "idle", "answer", "max_stream", "drain"}

// lateError is the cause of an attempt that one of its clocks ended.
type lateError struct {
	phase phase
	limit time.Duration
	ours  bool // the call's deadline set the limit, so it says little about the target
}

// Error names the clock.
func (e *lateError) Error() string {
	if e.ours {
		return fmt.Sprintf("no %s within %v, all that the deadline allowed", phaseNames[e.phase], e.limit)
	}
	return fmt.Sprintf("no %s within %v", phaseNames[e.phase], e.limit)
}

// Timeout says that it is one, as net.Error has it.
func (e *lateError) Timeout() bool { return true }

// limits are the clocks that run until the first content.
type limits struct {
	headers time.Duration // since the attempt began
	first   time.Duration // since the attempt began
	left    time.Duration // what the call's deadline leaves to this attempt
	now     time.Time
}

// clock is the one timer of an attempt, and serves all its limits in turn.
// Resetting a timer costs 108 ns and no allocation; a context with a timeout
// for each limit costs five times that.
type clock struct {
	timer  *time.Timer
	limits limits
	late   atomic.Pointer[lateError] // what the timer says when it fires
	spare  [2]lateError              // of the opening; further phases allocate only when they fire
	cancel func(error)
}

// start begins the opening. Its limits are set.
func (c *clock) start(cancel func(error)) {
	c.cancel = cancel
	d := c.arm(&c.spare[0], phaseHeaders, c.limits.headers, c.limits.left)
	c.timer = time.AfterFunc(d, c.fire)
}

// arm notes what a phase would be late for and returns how long it may take.
func (c *clock) arm(e *lateError, p phase, limit, left time.Duration) time.Duration {
	*e = lateError{phase: p, limit: limit}
	if limit <= 0 || left < limit {
		e.limit, e.ours = left, true
	}
	c.late.Store(e)
	return max(e.limit, 0)
}

func (c *clock) fire() { c.cancel(c.late.Load()) }

// next begins the next phase of the opening; its limit counts from the
// attempt's beginning, as the earlier ones did.
func (c *clock) next(p phase) {
	since := time.Since(c.limits.now)
	limit := c.limits.first
	if limit > 0 {
		limit = max(limit-since, 1)
	}
	if c.timer.Stop() {
		c.timer.Reset(c.arm(&c.spare[1], p, limit, c.limits.left-since))
	}
	// A timer that could not be stopped has fired: the attempt is late for the
	// phase before, and says so.
}

// set lets the timer fire after d, for a reason.
func (c *clock) set(e *lateError, d time.Duration) {
	c.late.Store(e)
	c.timer.Reset(d)
}

func (c *clock) stop() {
	if c.timer != nil {
		c.timer.Stop()
	}
}
