// Package sse is event-stream framing, nothing else: it finds where one event of a text/event-stream ends and the
// next begins, reads the event and data fields, and writes events. What events mean is for others to say.
//
//	event: delta\n          Name  "delta"
//	data: {"a":1}\n         Data  {"a":1}
//	: a comment\n
//	\n                      the blank line ends it: Raw is all of these bytes, unchanged
//
// The format is the WHATWG HTML standard, section 9.2.6: a line ends in LF, CRLF or CR; a byte order mark may begin
// the stream; one space after the colon is dropped; several data lines are joined by LF; a line without a colon is
// a field without a value; a line that begins with a colon is a comment. Unknown fields (id and retry among them)
// are passed over and kept in Raw.
//
// [Splitter] works on bytes that the caller holds, [Reader] reads them from an io.Reader. Both give the same events,
// and the Raws of all events joined are the stream byte for byte, however the bytes were split on their way.
package sse

import (
	"bytes"
	"errors"
)

// MaxEvent is the default limit of one event in bytes.
const MaxEvent = 8 << 20

var (
	// ErrTooLong is returned for an event of more bytes than the limit. Nothing can be read after it.
	ErrTooLong = errors.New("sse: event too long")
	// ErrIncomplete is returned when a stream ends inside an event, before its blank line. The standard says to
	// drop such an event; here the caller decides.
	ErrIncomplete = errors.New("sse: stream ended inside an event")
)

// Event is one event: everything up to and including a blank line. A blank line by itself is an event as well, one
// without fields, so that a stream of nothing but line ends can be seen and passed on as it comes.
type Event struct {
	Raw     []byte // the whole event as it was read, blank line, comments and unknown fields included
	Name    []byte // value of the last event field; empty: none, which stands for "message"
	Data    []byte // values of the data fields, joined by LF; aliases Raw when there is one
	HasData bool   // there is a data field, maybe an empty one; a browser would not dispatch an event without
	Comment bool   // no field at all: comments, or nothing; keeps the connection and says nothing
}

// Append appends an event to dst: an event field unless name is empty, then data, one field for each of its lines
// (LF, CRLF and CR end a line; at least one field), then the blank line. CR and LF in name are left out: they
// would end the field.
func Append(dst []byte, name string, data []byte) []byte {
	if name != "" {
		dst = append(dst, "event: "...)
		for i := range len(name) {
			if c := name[i]; c != '\n' && c != '\r' {
				dst = append(dst, c)
			}
		}
		dst = append(dst, '\n')
	}
	return append(appendLines(dst, "data: ", data), '\n')
}

// AppendComment appends a comment to dst, one for each line of text, and a blank line. Clients pass over it; it
// shows that the connection lives.
func AppendComment(dst []byte, text string) []byte {
	return append(appendLines(dst, ": ", []byte(text)), '\n')
}

// appendLines appends the lines of data, at least one, each behind the prefix.
func appendLines(dst []byte, prefix string, data []byte) []byte {
	for {
		e := lineEnd(data, 0)
		if e < 0 {
			return append(append(append(dst, prefix...), data...), '\n')
		}
		dst = append(append(append(dst, prefix...), data[:e]...), '\n')
		if data[e] == '\r' && e+1 < len(data) && data[e+1] == '\n' {
			e++
		}
		data = data[e+1:]
	}
}

// window bounds the search for one of two bytes: with the nearer one close by, the farther is not sought through
// the whole buffer, line after line.
const window = 1 << 10

// lineEnd returns the offset of the first CR or LF at or after i, or -1.
func lineEnd(buf []byte, i int) int {
	for i < len(buf) {
		w := buf[i:min(i+window, len(buf))]
		lf := bytes.IndexByte(w, '\n')
		if lf >= 0 {
			w = w[:lf]
		}
		if cr := bytes.IndexByte(w, '\r'); cr >= 0 {
			return i + cr
		}
		if lf >= 0 {
			return i + lf
		}
		i += len(w)
	}
	return -1
}
