package sse

import "bytes"

// Splitter finds events in bytes that the caller holds. The zero value is ready for the beginning of a stream.
//
// # Which event a line feed belongs to
//
// A CR that ends the blank line may be all of it, or half of a CRLF whose LF is still on its way. Waiting for the
// next byte would hold back the last event of a stream in bare CRs; not waiting would tear CRLFs apart, and clients
// that know LF and CRLF only would see each event one event late. So the line before decides: after a CRLF the CR
// is expected to be one too, and the next byte is waited for; otherwise the event ends with the CR, and an LF behind
// it is passed over as the first byte of the next Raw. The line before is the same however the bytes were split,
// so the events are too. Only a stream that mixes line ends in one event can wait here, and no longer than for
// its next byte or its end.
type Splitter struct {
	Max int // limit of one event in bytes; 0 or less: MaxEvent

	at     int  // where the current line begins in buf
	sought int  // no line end stands between at and here
	begun  bool // the first line was seen, and its byte order mark passed over
	cr     bool // the line before ended in CR, an LF behind it still belongs to it
	crlf   bool // the line before ended in CRLF
	failed bool

	fields bool // the event has a field
	lines  int  // data fields so far
	name   span
	data   span      // the first data field
	joined [2][]byte // several data fields joined; two, used in turn, so that the last event survives a look ahead
	turn   int
}

type span struct{ start, end int }

func (s span) of(buf []byte) []byte { return buf[s.start:s.end:s.end] }

// Next looks for the first whole event in buf and returns it with the number of its bytes. When ok is false and err
// nil it needs more: call it again with the same bytes and some more behind them (they may have moved elsewhere);
// what was searched is not searched again. After an event go on with buf[n:]. The event aliases buf, or for several
// data fields a buffer of the Splitter that the second next event will reuse. The error is [ErrTooLong].
func (s *Splitter) Next(buf []byte) (n int, ev Event, ok bool, err error) {
	return s.next(buf, false)
}

// Fresh reports whether the next byte begins an event, none of which was looked at: a caller that recognizes a whole
// event by its bytes may then pass over it without Next.
func (s *Splitter) Fresh() bool {
	return s.begun && s.at == 0 && s.sought == 0 && !s.cr && !s.failed && !s.fields && s.lines == 0
}

// Last is Next for the end of the stream: buf is what Next could find no event in. It returns true with a last whole
// event, which was held back for a line feed that did not come or is such a line feed. Else it returns false with
// what there is of an unfinished event, which may be cut anywhere, in the middle of a field too; its Raw is buf.
func (s *Splitter) Last(buf []byte) (Event, bool) {
	n, ev, ok, _ := s.next(buf, true)
	if ok && n == len(buf) {
		return ev, true
	}
	if len(buf) == 1 && s.at == 1 && s.lines == 0 && !s.fields {
		return Event{Raw: buf, Comment: true}, true
	}
	if s.at < len(buf) {
		s.line(buf, s.at, len(buf))
	}
	return s.take(buf), false
}

func (s *Splitter) next(buf []byte, last bool) (int, Event, bool, error) {
	for !s.failed {
		if s.cr && s.at < len(buf) {
			if s.cr = false; buf[s.at] == '\n' {
				s.crlf = true
				s.at++
			}
		}
		e := lineEnd(buf, max(s.at, s.sought))
		if e < 0 {
			s.sought = len(buf)
			break
		}
		s.mark(buf)
		if e > s.at {
			s.line(buf, s.at, e)
			s.at, s.cr, s.crlf = e+1, buf[e] == '\r', false
			continue
		}
		n := s.blank(buf, e, last)
		if n == 0 {
			s.sought = e
			break
		}
		if n > s.max() {
			s.failed = true
			break
		}
		return n, s.take(buf[:n:n]), true, nil
	}
	if s.failed = s.failed || len(buf) > s.max(); s.failed {
		return 0, Event{}, false, ErrTooLong
	}
	return 0, Event{}, false, nil
}

// max is the limit in force.
func (s *Splitter) max() int {
	if s.Max > 0 {
		return s.Max
	}
	return MaxEvent
}

// mark passes over a byte order mark, once, when the first line is whole.
func (s *Splitter) mark(buf []byte) {
	if !s.begun && bytes.HasPrefix(buf, []byte("\xef\xbb\xbf")) {
		s.at = 3
	}
	s.begun = true
}

// blank returns where the event ends whose blank line ends at e, and 0 if the next byte must be seen first.
func (s *Splitter) blank(buf []byte, e int, last bool) int {
	switch {
	case buf[e] == '\n':
		s.crlf = false
	case !s.crlf:
		s.cr = true
	case e+1 == len(buf) && !last:
		return 0
	case e+1 < len(buf) && buf[e+1] == '\n':
		return e + 2
	default:
		s.crlf = false
	}
	return e + 1
}

// line reads the line buf[start:end].
func (s *Splitter) line(buf []byte, start, end int) {
	line := buf[start:end]
	colon, value := bytes.IndexByte(line, ':'), end
	switch {
	case colon == 0:
		return // a comment
	case colon < 0:
		colon = len(line)
	default:
		if value = start + colon + 1; value < end && buf[value] == ' ' {
			value++
		}
	}
	s.fields = true
	switch string(line[:colon]) {
	case "event":
		s.name = span{value, end}
	case "data":
		s.add(buf, span{value, end})
	}
}

// add notes one data field. Only from the second on are bytes copied.
func (s *Splitter) add(buf []byte, v span) {
	switch j := &s.joined[s.turn]; s.lines {
	case 0:
		s.data = v
	case 1:
		*j = append((*j)[:0], s.data.of(buf)...)
		fallthrough
	default:
		*j = append(append(*j, '\n'), v.of(buf)...)
	}
	s.lines++
}

// keep is the largest buffer that is held on to for reuse, in bytes.
const keep = 64 << 10

// take makes the event out of what was noted, and forgets it.
func (s *Splitter) take(raw []byte) Event {
	ev := Event{Raw: raw, Name: s.name.of(raw), HasData: s.lines > 0, Comment: !s.fields}
	if s.lines == 1 {
		ev.Data = s.data.of(raw)
	} else if s.lines > 1 {
		ev.Data = s.joined[s.turn]
		s.turn ^= 1
		if cap(s.joined[s.turn]) > keep {
			s.joined[s.turn] = nil
		}
	}
	s.at, s.sought, s.fields, s.lines, s.name, s.data = 0, 0, false, 0, span{}, span{}
	return ev
}
