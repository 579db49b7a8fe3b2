package sse_test

import (
	"bufio"
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"strings"
	"testing"
	"time"

	"fairlead.dev/sse"
)

// show writes an event so that a test can compare it.
func show(ev sse.Event) string {
	s := fmt.Sprintf("raw=%q name=%q", ev.Raw, ev.Name)
	if ev.HasData {
		s += fmt.Sprintf(" data=%q", ev.Data)
	}
	if ev.Comment {
		s += " comment"
	}
	return s
}

// split gives the events of a stream that comes in the pieces, and what is left at its end.
func split(t testing.TB, limit int, pieces ...string) (events []string, rest string, err error) {
	t.Helper()
	s := sse.Splitter{Max: limit}
	var buf []byte
	for _, p := range pieces {
		buf = append(bytes.Clone(buf), p...) // moves: the splitter may not depend on the address
		for {
			n, ev, ok, err := s.Next(buf)
			if err != nil {
				return events, string(buf), err
			}
			if !ok {
				break
			}
			if n != len(ev.Raw) || n == 0 {
				t.Fatalf("consumed %d bytes of an event of %d", n, len(ev.Raw))
			}
			events = append(events, show(ev))
			buf = buf[n:]
		}
	}
	if ev, ok := s.Last(buf); ok {
		return append(events, show(ev)), "", nil
	} else if !bytes.Equal(ev.Raw, buf) {
		t.Fatalf("the unfinished event has the bytes %q of %q", ev.Raw, buf)
	}
	return events, string(buf), nil
}

func TestSplitter(t *testing.T) {
	for _, c := range []struct {
		name, wire string
		want       []string
		rest       string
	}{
		{"one event", "event: a\ndata: b\n\n", []string{`raw="event: a\ndata: b\n\n" name="a" data="b"`}, ""},
		{"no space after the colon, one dropped, a second kept", "data:a\n\ndata: b\n\ndata:  c\n\n",
			[]string{`raw="data:a\n\n" name="" data="a"`, `raw="data: b\n\n" name="" data="b"`, `raw="data:  c\n\n" name="" data=" c"`}, ""},
		{"several data lines", "data: a\ndata:\ndata: b\nevent: x\n\n",
			[]string{`raw="data: a\ndata:\ndata: b\nevent: x\n\n" name="x" data="a\n\nb"`}, ""},
		{"a field without a colon", "data\n\nevent\n\n", []string{`raw="data\n\n" name="" data=""`, `raw="event\n\n" name=""`}, ""},
		{"the last event field counts", "event: a\nevent: b\ndata\n\n", []string{`raw="event: a\nevent: b\ndata\n\n" name="b" data=""`}, ""},
		{"unknown fields are kept", "id: 1\nretry: 5\nx y\n\n", []string{`raw="id: 1\nretry: 5\nx y\n\n" name=""`}, ""},
		{"names are exact", "Data: a\n data: b\ndatax: c\ndata : d\n\n", []string{`raw="Data: a\n data: b\ndatax: c\ndata : d\n\n" name=""`}, ""},
		{"comments", ": ping\n\n:\n\n: x\ndata: a\n\n",
			[]string{`raw=": ping\n\n" name="" comment`, `raw=":\n\n" name="" comment`, `raw=": x\ndata: a\n\n" name="" data="a"`}, ""},
		{"blank lines alone", "\n\ndata: a\n\n\n", []string{`raw="\n" name="" comment`, `raw="\n" name="" comment`,
			`raw="data: a\n\n" name="" data="a"`, `raw="\n" name="" comment`}, ""},
		{"CRLF", "event: a\r\ndata: b\r\n\r\ndata: c\r\n\r\n",
			[]string{`raw="event: a\r\ndata: b\r\n\r\n" name="a" data="b"`, `raw="data: c\r\n\r\n" name="" data="c"`}, ""},
		{"bare CR", "event: a\rdata: b\r\rdata: c\r\r",
			[]string{`raw="event: a\rdata: b\r\r" name="a" data="b"`, `raw="data: c\r\r" name="" data="c"`}, ""},
		{"CR, blank CRLF: the LF goes with the next", "data: a\r\r\ndata: b\n\n",
			[]string{`raw="data: a\r\r" name="" data="a"`, `raw="\ndata: b\n\n" name="" data="b"`}, ""},
		{"the same at the end", "data: a\r\r\n", []string{`raw="data: a\r\r" name="" data="a"`, `raw="\n" name="" comment`}, ""},
		{"CRLF, blank CR", "data: a\r\n\rdata: b\r\n\r", []string{`raw="data: a\r\n\r" name="" data="a"`, `raw="data: b\r\n\r" name="" data="b"`}, ""},
		{"LF, blank CRLF", "data: a\n\r\ndata: b\n\n", []string{`raw="data: a\n\r" name="" data="a"`, `raw="\ndata: b\n\n" name="" data="b"`}, ""},
		{"blank CRLFs alone", "\r\n\r\ndata: a\r\n\r\n", []string{`raw="\r" name="" comment`, `raw="\n\r\n" name="" comment`,
			`raw="data: a\r\n\r\n" name="" data="a"`}, ""},
		{"a byte order mark at the beginning only", "\ufeffdata: a\n\n\ufeffdata: b\n\n",
			[]string{"raw=\"\\ufeffdata: a\\n\\n\" name=\"\" data=\"a\"", "raw=\"\\ufeffdata: b\\n\\n\" name=\"\""}, ""},
		{"a byte order mark and a blank line", "\ufeff\ndata: a\n\n", []string{"raw=\"\\ufeff\\n\" name=\"\" comment", `raw="data: a\n\n" name="" data="a"`}, ""},
		{"no blank line at the end", "data: a\n\ndata: [DONE]\n", []string{`raw="data: a\n\n" name="" data="a"`}, "data: [DONE]\n"},
		{"half a line at the end", "data: a\n\nda", []string{`raw="data: a\n\n" name="" data="a"`}, "da"},
		{"no stream at all", "<html>x</html>", nil, "<html>x</html>"},
		{"nothing", "", nil, ""},
		{"NUL and bad UTF-8 pass", "data: \x00\xff\n\n", []string{`raw="data: \x00\xff\n\n" name="" data="\x00\xff"`}, ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			check := func(how string, pieces ...string) {
				got, rest, err := split(t, 0, pieces...)
				if fmt.Sprintf("%q", got) != fmt.Sprintf("%q", c.want) || rest != c.rest || err != nil {
					t.Errorf("%s:\ngot  %s\nwant %s\nrest %q, want %q; %v", how, got, c.want, rest, c.rest, err)
				}
			}
			check("whole", c.wire)
			for i := range len(c.wire) + 1 {
				check(fmt.Sprintf("split at %d", i), c.wire[:i], c.wire[i:])
			}
			check("byte by byte", strings.Split(c.wire, "")...)
		})
	}
}

// An event ended by bare CRs must be told without waiting for the byte that shows there is no LF.
func TestBareCRIsNotWaitedFor(t *testing.T) {
	var s sse.Splitter
	if n, ev, ok, err := s.Next([]byte("data: a\r\r")); n != 9 || !ok || err != nil || string(ev.Data) != "a" {
		t.Errorf("%d, %s, %v, %v", n, show(ev), ok, err)
	}
}

func TestLastGivesWhatThereIsOfAnUnfinishedEvent(t *testing.T) {
	for wire, want := range map[string]string{
		"data: [DONE]\n":         `raw="data: [DONE]\n" name="" data="[DONE]"`,
		"data: [DONE]":           `raw="data: [DONE]" name="" data="[DONE]"`,
		"event: x\r\ndata: a\r":  `raw="event: x\r\ndata: a\r" name="x" data="a"`,
		"data: a\ndata: {\"b\":": `raw="data: a\ndata: {\"b\":" name="" data="a\n{\"b\":"`,
		"<html>":                 `raw="<html>" name=""`,
		"":                       `raw="" name="" comment`,
	} {
		var s sse.Splitter
		if _, _, ok, err := s.Next([]byte(wire)); ok || err != nil {
			t.Fatal(wire, ok, err)
		}
		if ev, ok := s.Last([]byte(wire)); ok || show(ev) != want {
			t.Errorf("%q: %v, %s, want %s", wire, ok, show(ev), want)
		}
	}
}

func TestTooLongIsToldAtTheSameByteHoweverSplit(t *testing.T) {
	for _, c := range []struct {
		wire string
		ok   bool
	}{
		{"data: 0123\n\n", true}, {"data: 01234\n\n", false}, {"data: 01\r\n\r\n", true}, {"data: 012\r\n\r\n", false},
		{"data: 0123\r\r\n", true}, {"data: 01234567890", false}, {"data: 012345", true},
		{"data: a\n\ndata: 0123\n\n", true}, {"data: a\n\ndata: 01234\n\n", false},
	} {
		for i := range len(c.wire) + 1 {
			got, _, err := split(t, 12, c.wire[:i], c.wire[i:])
			if (err == nil) != c.ok || err != nil && err != sse.ErrTooLong {
				t.Errorf("%q split at %d: %s, %v", c.wire, i, got, err)
			}
		}
	}
	s := sse.Splitter{Max: 3}
	for range 2 {
		if _, _, ok, err := s.Next([]byte("data")); ok || err != sse.ErrTooLong {
			t.Errorf("%v, %v", ok, err)
		}
	}
	if _, _, ok, err := s.Next(nil); ok || err != sse.ErrTooLong {
		t.Errorf("the error is not final: %v, %v", ok, err)
	}
}

func TestDefaultLimit(t *testing.T) {
	at := "data: " + strings.Repeat("x", sse.MaxEvent-8) + "\n\n"
	if got, _, err := split(t, 0, at); len(got) != 1 || err != nil {
		t.Errorf("%d events, %v", len(got), err)
	}
	if got, _, err := split(t, 0, "x"+at); len(got) != 0 || err != sse.ErrTooLong {
		t.Errorf("%d events, %v", len(got), err)
	}
}

// A buffer that grows byte by byte, or holds many lines, must not be searched again and again.
func TestSearchIsLinear(t *testing.T) {
	const n = 1 << 20
	var s sse.Splitter
	buf := []byte("data: " + strings.Repeat("x", n) + "\n\n")
	start := time.Now()
	for i := range len(buf) { // searching anew each time would look at 1e12 bytes: 20 s and more
		if _, _, ok, err := s.Next(buf[:i]); ok || err != nil {
			t.Fatal(i, ok, err)
		}
	}
	for _, line := range []string{"data: x\r", "data: x\n", ":\r\n"} {
		s := sse.Splitter{Max: 16 << 20}
		buf := []byte(strings.Repeat(line, n) + line[len(line)-1:])
		if _, ev, ok, err := s.Next(buf); !ok || err != nil || len(ev.Raw) != len(buf) {
			t.Fatal(ok, err)
		}
	}
	if took := time.Since(start); took > 8*time.Second {
		t.Errorf("took %v", took)
	}
}

func TestSplitterCopiesAndAllocatesNothingForOneDataLine(t *testing.T) {
	wire := []byte("event: a\ndata: " + strings.Repeat("x", 200) + "\n\n")
	var s sse.Splitter
	_, ev, _, _ := s.Next(wire)
	if &ev.Data[0] != &wire[15] || &ev.Raw[0] != &wire[0] || &ev.Name[0] != &wire[7] {
		t.Error("the event does not alias the buffer")
	}
	if cap(ev.Data) != len(ev.Data) || cap(ev.Raw) != len(ev.Raw) {
		t.Error("an append to the event would write into the buffer")
	}
	lines := []byte("data: a\ndata: b\n\n")
	for range 4 {
		s.Next(lines) // the two buffers for joined data are made once
	}
	for _, w := range [][]byte{wire, lines, []byte("\n"), []byte(": ping\n\n")} {
		if n := testing.AllocsPerRun(100, func() { s.Next(w) }); n != 0 {
			t.Errorf("%q: %v allocations", w, n)
		}
	}
}

func TestALargeJoinedEventIsNotHeldOnTo(t *testing.T) {
	var s sse.Splitter
	for i, size := range []int{100_000, 1, 1, 1} {
		wire := []byte("data: " + strings.Repeat("x", size) + "\ndata: y\n\n")
		if _, ev, ok, _ := s.Next(wire); !ok || i > 1 && cap(ev.Data) > 64<<10 {
			t.Errorf("event %d: %v, %d bytes are held", i, ok, cap(ev.Data))
		}
	}
}

// The cases of the project's reference list that are about framing: whatever they mean, they are framed in one way
// for every split, without a byte lost.
func TestReferenceCases(t *testing.T) {
	f, err := os.Open("testdata/sse_cases.jsonl")
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	want := map[string]struct {
		events int
		rest   bool
		last   string // name and data of the last event
	}{
		"complete": {2, false, `message_stop {"type":"message_stop"}`}, "clean_eof_no_terminal": {1, false, ""},
		"eof_inside_event": {1, true, ""}, "error_event": {2, false, ""}, "ping_only_then_eof": {1, false, `ping {"type":"ping"}`},
		"crlf": {2, false, `message_stop {"type":"message_stop"}`}, "bare_cr": {2, false, `message_stop {"type":"message_stop"}`},
		"bom": {2, false, `message_stop {"type":"message_stop"}`}, "no_space_after_colon": {1, false, ` {"type":"message_stop"}`},
		"field_without_colon": {2, false, `message_stop {"type":"message_stop"}`},
		"retry_and_id_fields": {1, false, `message_stop {"type":"message_stop"}`}, "html_body_with_sse_type": {0, true, ""},
		"openai_done": {2, false, " [DONE]"}, "openai_finish_no_done": {1, false, ""}, "two_starts": {2, false, ""},
		"split_utf8": {2, false, " [DONE]"},
	}
	seen := 0
	for sc := bufio.NewScanner(f); sc.Scan(); {
		var c struct{ Name, Wire string }
		if err := json.Unmarshal(sc.Bytes(), &c); err != nil {
			t.Fatal(err)
		}
		if strings.HasPrefix(c.Wire, "GENERATE") {
			continue // endless streams: TestEndlessNewlines, and the clocks of others
		}
		w, known := want[c.Name]
		if seen++; !known {
			t.Errorf("%s: no expectation", c.Name)
		}
		whole, rest, _ := split(t, 0, c.Wire)
		if len(whole) != w.events || (rest != "") != w.rest {
			t.Errorf("%s: %d events and the rest %q", c.Name, len(whole), rest)
		}
		for i := range c.Wire {
			if got, r, _ := split(t, 0, c.Wire[:i], c.Wire[i:]); fmt.Sprint(got) != fmt.Sprint(whole) || r != rest {
				t.Errorf("%s split at %d: %s, rest %q", c.Name, i, got, r)
			}
		}
		if r := sse.NewReader(strings.NewReader(c.Wire)); w.last != "" {
			var last string
			for ev, err := r.Next(); err == nil; ev, err = r.Next() {
				last = string(ev.Name) + " " + string(ev.Data)
			}
			if last != w.last {
				t.Errorf("%s: the last event is %q, want %q", c.Name, last, w.last)
			}
		}
	}
	if seen != len(want) {
		t.Errorf("%d cases read, %d expected", seen, len(want))
	}
}

func TestAppend(t *testing.T) {
	for _, c := range []struct{ name, data, wire, back string }{
		{"", "", "data: \n\n", ""},
		{"ping", `{"a":1}`, "event: ping\ndata: {\"a\":1}\n\n", `{"a":1}`},
		{"", "a\nb\r\nc\rd\n", "data: a\ndata: b\ndata: c\ndata: d\ndata: \n\n", "a\nb\nc\nd\n"},
		{"x\r\ndata: forged", " b", "event: xdata: forged\ndata:  b\n\n", " b"},
	} {
		got := sse.Append([]byte("before"), c.name, []byte(c.data))
		if string(got) != "before"+c.wire {
			t.Errorf("%q, %q: got %q", c.name, c.data, got)
		}
		var s sse.Splitter
		n, ev, ok, _ := s.Next([]byte(c.wire))
		if n != len(c.wire) || !ok || string(ev.Data) != c.back || !ev.HasData {
			t.Errorf("%q is read back as %s", c.wire, show(ev))
		}
	}
	if got := sse.AppendComment(nil, "ping"); string(got) != ": ping\n\n" {
		t.Errorf("comment %q", got)
	}
	if got := sse.AppendComment(nil, "a\n\ndata: forged"); string(got) != ": a\n: \n: data: forged\n\n" {
		t.Errorf("comment of several lines %q", got)
	}
	buf := make([]byte, 0, 256)
	if n := testing.AllocsPerRun(100, func() { sse.AppendComment(sse.Append(buf, "a", buf[:9]), "ping") }); n != 0 {
		t.Errorf("%v allocations", n)
	}
}
