package providertest

import (
	"bytes"
	"fmt"
	"strings"
	"testing"

	"fairlead.dev/event"
	"fairlead.dev/llm"
)

// Seen is what a decoder told of a stream.
type Seen struct {
	Kinds string // one letter each: l p C T E F
	Text  string
	Out   llm.Outcome
	Rest  int // bytes that were no whole event
}

// String is all that must not depend on how the bytes were split.
func (s Seen) String() string {
	return fmt.Sprintf("%s %q %s %s %s %d", s.Kinds, s.Text, s.Out.Verdict, s.Out.Type, s.Out.Code, s.Rest)
}

// Read feeds a decoder the pieces as a connection would, to the end marker, a failure, or the end of the bytes.
func Read(d llm.Decoder, pieces ...string) (s Seen) {
	var buf []byte
	for _, piece := range pieces {
		buf = append(buf, piece...)
		for len(buf) > 0 {
			n, k, text := d.Next(buf)
			if n == 0 && k != llm.Fail {
				break
			}
			s.Kinds += string("lpCTEF"[k])
			s.Text += string(text)
			buf = buf[n:]
			if k == llm.End || k == llm.Fail {
				s.Out = d.Outcome()
				return s
			}
		}
		// What comes next may lie elsewhere in memory, as in the loop.
		buf = bytes.Clone(buf)
	}
	s.Rest = len(buf)
	s.Out = d.EOF(buf)
	return s
}

// streams: what a stream proves, and what not.
func (c *suite) streams(t *testing.T) {
	r := c.encode(t, true)
	s := Read(c.Decoder(r, 200, nil), c.Stream)
	if s.Out.Verdict != event.OK || s.Text != c.Text || !strings.HasSuffix(s.Kinds, "E") || s.Out.Status != 200 {
		t.Errorf("a whole stream: %v", s)
	}
	if !strings.HasPrefix(strings.TrimLeft(s.Kinds, "lp"), "C") || !strings.HasPrefix(s.Kinds, "l") {
		t.Errorf("kinds %s", s.Kinds)
	}
	d := c.Decoder(r, 200, nil)
	Read(d, c.Stream)
	if u := d.Usage(); u.Input == 0 || u.Output == 0 || d.StopReason() == "" {
		t.Errorf("usage %+v, stop %q", u, d.StopReason())
	}
	if s = Read(c.Decoder(r, 200, nil), c.EmptyStream); s.Out.Verdict != event.Empty || strings.Contains(s.Kinds, "C") {
		t.Errorf("an empty stream: %v", s)
	}
	at := strings.Index(c.Stream, c.FirstContent)
	for name, row := range map[string]struct {
		wire string
		want event.Verdict
	}{
		"nothing":        {"", event.Truncated},
		"only lifecycle": {c.Stream[:at], event.Truncated},
		"HTML":           {"<html>x</html>", event.ServerError},
		"a JSON error":   {c.Error("overloaded_error", ""), event.Overloaded},
		"an error event": {c.Stream[:at] + c.ErrorEvent("overloaded_error"), event.Overloaded},
		"a late error":   {c.Stream[:at] + c.FirstContent + c.ErrorEvent("rate_limit_error"), event.RateLimited},
		"an odd error":   {c.ErrorEvent("never_heard_of"), event.ServerError},
		"not JSON":       {c.Stream[:at] + c.Broken + c.Stream[at:], event.Truncated},
	} {
		if s := Read(c.Decoder(r, 200, nil), row.wire); s.Out.Verdict != row.want || s.Out.Good() || s.Out.Status != 200 {
			t.Errorf("%s: %v, want %s", name, s, row.want)
		}
	}
	out := Read(c.Decoder(r, 200, nil), c.ErrorEvent("overloaded_error")).Out
	if out.Body == nil || out.Type != "overloaded_error" || out.Safe {
		t.Errorf("the error in a stream: %+v", out)
	}
}

// splits: an answer is the same however the network cuts it, at every byte; and cut off at any byte it is good only
// when all that proves it had come.
func (c *suite) splits(t *testing.T) {
	r := c.encode(t, true)
	for _, wire := range []string{c.Stream, c.EmptyStream, c.Stream[:len(c.Stream)/2] + c.ErrorEvent("overloaded_error"),
		strings.ReplaceAll(c.Stream, "\n", "\r\n"), strings.ReplaceAll(c.Stream, "\n", "\r"), "\ufeff" + c.Stream} {
		want := Read(c.Decoder(r, 200, nil), wire)
		for i := range wire {
			if got := Read(c.Decoder(r, 200, nil), wire[:i], wire[i:]); got.String() != want.String() {
				t.Fatalf("split at %d: %v, want %v", i, got, want)
			}
		}
		if got := Read(c.Decoder(r, 200, nil), strings.Split(wire, "")...); got.String() != want.String() {
			t.Fatalf("byte by byte: %v, want %v", got, want)
		}
	}
	for i := range c.Stream {
		got := Read(c.Decoder(r, 200, nil), c.Stream[:i])
		if proven := strings.Contains(c.Stream[:i], c.Proof); got.Out.Good() && !proven {
			t.Fatalf("cut off at %d it was good: %v\n%s", i, got, c.Stream[:i])
		}
	}
}
