package fairlead

import (
	"context"
	"errors"
	"io"
	"time"

	"fairlead.dev/event"
	"fairlead.dev/llm"
)

// stream is the state of an attempt whose answer is a stream of events.
type stream struct {
	window
	ctx       context.Context
	dec       llm.Decoder   // nil for an answer that is passed on unread
	content   bool          // the first content has come
	done      bool          // the end marker was seen, or the last error told
	idleSince time.Duration // time that we read since the last content
	raw       bool          // passed on unread
	late      lateError
	reading   time.Time // since when we read
	deadline  time.Time // of the whole stream, by max_stream
	text      []byte    // answer text of the events last handed out, when the caller wants it
	handed    bool      // something was handed out
}

const (
	// maxHeld bounds what a provider may send before any content.
	maxHeld = 1 << 20
	// drainTime is how long a connection may take to end after the answer is
	// complete, before it is given up.
	drainTime = 50 * time.Millisecond
)

// openStream reads until the first content. Nothing is handed to the caller
// before, so that every failure up to here can be repaired without a trace.
func (a *attempt) openStream(ctx context.Context) {
	s := &stream{ctx: ctx, window: newWindow(a.call.c.buffers)}
	s.dec = a.target.provider.cfg.API.Decoder(a.call.req, a.resp.StatusCode, a.resp.Header)
	a.stream = s
	a.clock.next(phaseFirst)
	for !a.scan(true) {
		if s.content {
			a.out = llm.Outcome{Verdict: event.OK, Status: a.status(), Header: a.resp.Header}
			break
		}
		if s.held > maxHeld {
			a.fail(llm.Outcome{Verdict: event.ServerError, Err: errors.New("a megabyte of events without content")})
			break
		}
		if !a.fill() {
			break
		}
	}
	a.first = time.Since(a.begun)
	a.clock.stop()
}

// openRaw hands the answer on as it comes, unread: there is no dialect to
// prove anything by.
func (a *attempt) openRaw(ctx context.Context) {
	a.stream = &stream{ctx: ctx, raw: true, window: newWindow(a.call.c.buffers)}
	a.out = llm.Outcome{Verdict: event.OK, Status: a.status(), Header: a.resp.Header}
	a.clock.stop()
}

// scan looks at the whole events that have come, or at those up to the first
// content: what is behind it decides nothing about the opening, or a failure
// would be repaired or told depending on how the bytes were split. It reports
// true when the answer is complete or has failed.
func (a *attempt) scan(opening bool) bool {
	s := a.stream
	for s.held < s.end && !(opening && s.content) {
		n, kind, text := s.dec.Next(s.rest())
		if n == 0 && kind != llm.Fail {
			return false
		}
		switch kind {
		case llm.Fail:
			a.fail(s.dec.Outcome())
			return true
		case llm.End:
			s.held += n
			a.complete(s.dec.Outcome())
			return true
		case llm.Content:
			s.content, s.idleSince = true, 0
			if a.call.ask.text {
				s.text = append(s.text, text...)
			}
		}
		s.held += n
	}
	return false
}

// complete notes the verdict of an answer that is at its end.
func (a *attempt) complete(out llm.Outcome) {
	out.Status, out.Header = a.status(), a.resp.Header
	a.out, a.stream.done = out, true
}

// fail notes why the stream cannot go on.
func (a *attempt) fail(out llm.Outcome) {
	out.Status, out.Header = a.status(), a.resp.Header
	a.out, a.stream.done = out, true
}

// fill reads once more. It reports false when there is nothing more to read;
// the outcome is then known.
func (a *attempt) fill() bool {
	s := a.stream
	n, err := s.read(a.resp.Body)
	if n > 0 || err == nil {
		return true // an error comes again with the next read
	}
	rest := s.rest()
	switch out, ours := a.interrupted(s.ctx); {
	case ours:
		a.fail(out)
	case errors.Is(err, io.EOF):
		if out = s.dec.EOF(rest); out.Good() {
			if len(rest) > 0 { // the last event lacks the blank line that ends it
				s.add("\n\n")
			}
			s.add(string(s.dec.Ending()))
			s.held = s.end
			a.complete(out)
			return false
		}
		a.fail(out)
	default:
		a.fail(llm.Outcome{Verdict: event.Truncated, Err: err})
	}
	return false
}

// nextEvents returns the next whole events of an open stream: all that one
// read brought in, so that they go out in one write.
func (k *call) nextEvents(a *attempt) ([]byte, error) {
	s := a.stream
	if s.raw {
		return k.nextRaw(a)
	}
	if s.handed {
		s.text = s.text[:0]
	}
	for {
		if !s.done {
			a.scan(false)
		}
		if s.waiting() {
			s.handed = true
			return s.take(), nil
		}
		if s.done {
			return nil, k.endStream(a)
		}
		a.watch()
		a.fill()
		a.unwatch()
	}
}

// nextRaw returns the next bytes of an answer that is passed on unread.
func (k *call) nextRaw(a *attempt) ([]byte, error) {
	s := a.stream
	n, err := s.read(a.resp.Body)
	if n > 0 {
		s.held = s.end
		return s.take(), nil
	}
	if err == nil || errors.Is(err, io.EOF) {
		return nil, k.endStream(a)
	}
	a.fail(llm.Outcome{Verdict: event.Truncated, Err: err})
	if out, ours := a.interrupted(s.ctx); ours {
		a.fail(out)
	}
	return nil, k.endStream(a)
}

// watch lets the idle clock run while we read, and only then: a client that
// reads slowly is not a provider that writes slowly.
func (a *attempt) watch() {
	s, t := a.stream, &a.link.policies.Timeouts
	s.reading = time.Now()
	s.late = lateError{phase: phaseIdle, limit: t.Idle}
	left := t.Idle - s.idleSince
	if !s.deadline.IsZero() {
		if d := s.deadline.Sub(s.reading); t.Idle <= 0 || d < left {
			s.late, left = lateError{phase: phaseMax, limit: t.MaxStream}, d
		}
	} else if t.Idle <= 0 {
		return
	}
	a.clock.set(&s.late, max(left, 0))
}

func (a *attempt) unwatch() {
	a.clock.stop()
	a.stream.idleSince += time.Since(a.stream.reading)
}
