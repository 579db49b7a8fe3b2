package fairlead

import (
	"bytes"
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
	deadline  time.Time // of the whole answer; zero: none
	last      lateError // what it was late for then
	text      []byte    // answer text of the events last handed out, when the caller wants it
	handed    bool      // something was handed out
	said      []byte    // text that the caller has got or will get, in case the stream is cut
	saidIn    *Buffer   // what it lies in; nil: memory of its own
	long      bool      // that would have been too much to keep
}

const (
	// maxHeld bounds what a provider may send before any content.
	maxHeld = 1 << 20
	// drainTime is how long a connection may take to end after the answer is
	// complete, before it is given up.
	drainTime = 50 * time.Millisecond
)

// scan looks at the whole events that have come, or at those up to the first
// content: what is behind it decides nothing about the opening, or a failure
// would be repaired or told depending on how the bytes were split. It reports
// true when the answer is complete or has failed.
func (a *attempt) scan(opening bool) bool {
	s := a.stream
	for s.held < s.end && !(opening && s.content) {
		rest := s.rest()
		n, kind, text := s.dec.Next(rest)
		switch {
		case kind == llm.Fail:
			a.settleBy(s.dec)
			return true
		case n == 0:
			return false
		case kind.IsContent():
			s.idleSince = 0
		}
		if !a.passOn(rest[:n], kind, text) {
			a.failBy(event.Incompatible, errDiffers)
			return true
		}
		if kind == llm.End {
			a.settleBy(s.dec)
			return true
		}
	}
	return false
}

// settleBy notes the verdict of the decoder, at the end or a failure. Outcomes
// are large: built here, they take no room on the stack of whoever reads, and a
// stream that waits keeps half of a stack of 16 KiB.
//
//go:noinline
func (a *attempt) settleBy(d llm.Decoder) { a.complete(d.Outcome()) }

// failBy notes a verdict of ours.
//
//go:noinline
func (a *attempt) failBy(v event.Verdict, err error) { a.complete(llm.Outcome{Verdict: v, Err: err}) }

// passOn gives an event to whoever wants it: the caller as it is, behind a cut
// answer, or as a part of a plain answer. It is false when the answer does not
// go on where the cut one ended.
func (a *attempt) passOn(raw []byte, kind llm.Kind, text []byte) bool {
	s := a.stream
	switch {
	case a.builder != nil:
		s.content = s.content || kind.IsContent()
		a.builder.Add(raw)
		s.skip(len(raw))
	case a.join != nil:
		ok := true
		if kind == llm.End {
			ok = a.join.end(raw)
		} else {
			text, ok = a.join.add(raw, kind, text)
		}
		s.content = a.join.begun
		s.skip(len(raw))
		a.says(text)
		return ok
	default:
		s.content = s.content || kind.IsContent()
		s.held += len(raw)
		if kind == llm.Content {
			a.says(text)
		}
	}
	return true
}

// says notes the text that the caller gets.
func (a *attempt) says(text []byte) {
	s := a.stream
	if a.call.ask.text {
		s.text = append(s.text, text...)
	}
	if s.long || !a.call.keeps(a.link) {
		return
	}
	if s.long = len(s.said)+len(text) > maxSent; s.long {
		return
	}
	if n := len(s.said) + len(text); n > cap(s.said) {
		a.makeRoom(n)
	}
	s.said = append(s.said, text...)
}

// makeRoom makes room for n bytes of text: little at first, since thousands of
// streams are open at once, then lent memory, since the text of an answer that
// comes at once would be half of all that a call allocates.
func (a *attempt) makeRoom(n int) {
	s, size := a.stream, 256
	for size < n {
		size *= 16
	}
	old, lent := s.said, s.saidIn
	if s.saidIn = nil; pooled(size) {
		s.saidIn = a.call.c.buffers.get(int64(size))
		s.said = append(s.saidIn.Bytes[:0], old...)
	} else {
		s.said = append(make([]byte, 0, size), old...)
	}
	lent.Free()
}

// complete notes the verdict of a stream that is at its end, good or bad.
func (a *attempt) complete(out llm.Outcome) {
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
	a.broke(err)
	return false
}

// broke judges a stream that cannot be read any more.
//
//go:noinline
func (a *attempt) broke(err error) {
	switch out, ours := a.interrupted(a.stream.ctx); {
	case ours:
		a.complete(out)
	case errors.Is(err, io.EOF):
		a.atEOF(a.stream.rest())
	default:
		a.failBy(event.Truncated, err)
	}
}

// atEOF judges a stream that ended in order without its end marker. When it was
// complete all the same, the client gets the marker from us: its SDK waits for
// it.
func (a *attempt) atEOF(rest []byte) {
	s := a.stream
	out := s.dec.EOF(rest)
	unread := len(bytes.TrimSpace(rest)) > 0 // an event without the blank line that ends it
	switch ending := s.dec.Ending(); {
	case !out.Good():
		a.complete(out)
		return
	case unread && (a.join != nil || a.builder != nil):
		a.failBy(event.Truncated, io.ErrUnexpectedEOF)
		return
	case a.builder != nil:
		a.builder.Add(ending)
	case a.join != nil:
		if !a.join.end(ending) {
			a.failBy(event.Incompatible, errDiffers)
			return
		}
	default:
		if unread {
			s.add("\n\n")
		}
		s.add(string(ending))
		s.held = s.end
	}
	a.complete(out)
}

// nextEvents returns the next whole events of an open stream: all that one
// read brought in, so that they go out in one write.
func (ans *Answer) nextEvents() ([]byte, error) {
	k, a := ans.call, ans.stream
	if a.stream.raw {
		return k.nextRaw(a)
	}
	if a.stream.handed {
		a.stream.text = a.stream.text[:0]
	}
	for {
		s := a.stream
		if !s.done {
			a.scan(false)
		}
		if b := a.takeEvents(); len(b) > 0 {
			s.handed = true
			k.hears()
			return b, nil
		}
		if s.done {
			b := k.resume(a)
			if b == nil {
				return nil, k.endStream(a)
			}
			ans.stream, ans.Target, a = b, b.target.name, b
			continue
		}
		a.watch()
		a.fill()
		a.unwatch()
	}
}

// takeEvents hands out the events that wait for it.
func (a *attempt) takeEvents() []byte {
	if a.join != nil {
		return a.join.take()
	}
	return a.stream.take()
}

// failRaw judges an answer that is passed on unread and was cut.
//
//go:noinline
func (a *attempt) failRaw(err error) {
	if out, ours := a.interrupted(a.stream.ctx); ours {
		a.complete(out)
		return
	}
	a.failBy(event.Truncated, err)
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
	a.failRaw(err)
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
			s.late, left = s.last, d
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
