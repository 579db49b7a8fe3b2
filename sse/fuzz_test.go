package sse_test

import (
	"bytes"
	"fmt"
	"io"
	"slices"
	"strings"
	"testing"

	"fairlead.dev/sse"
)

// parsed is what the standard dispatches for one block of lines.
type parsed struct {
	name, data string
	hasData    bool
	fields     bool
}

// oracle reads a stream the slow and obvious way: all line ends to LF, then line by line. It gives the blocks that
// a blank line ends, and whether anything follows the last.
func oracle(stream string) (blocks []parsed, open bool) {
	stream = strings.TrimPrefix(stream, "\ufeff")
	stream = strings.ReplaceAll(strings.ReplaceAll(stream, "\r\n", "\n"), "\r", "\n")
	lines := strings.Split(stream, "\n")
	tail := lines[len(lines)-1]
	var p parsed
	var data []string
	for _, line := range lines[:len(lines)-1] {
		if open = line != ""; !open {
			p.data, p.hasData = strings.Join(data, "\n"), data != nil
			blocks = append(blocks, p)
			p, data = parsed{}, nil
			continue
		}
		field, value, _ := strings.Cut(line, ":")
		value = strings.TrimPrefix(value, " ")
		p.fields = p.fields || field != ""
		switch field {
		case "event":
			p.name = value
		case "data":
			data = append(data, value)
		}
	}
	return blocks, open || tail != ""
}

func addSeeds(f *testing.F) {
	for _, s := range []string{
		"event: a\ndata: b\n\n", "data: a\r\n\r\ndata: b\r\n\r\n", "data: a\r\rdata: b\r\r", "data: a\r\r\n\ndata\n\n", "\ufeffdata: a\n\n",
		"\r\n\r\n", "\n\r\n\r", ": c\n\nid: 1\ndata:x\ndata:  y\n\nda", "data: a\r\n\r", "\ufeff", "\r", "x\r\n\rdata: y\n\r\n",
	} {
		f.Add([]byte(s), uint16(3))
	}
}

// FuzzEverySplitIsTheWhole: two splits and every single byte give what the whole gives, and no byte is lost.
func FuzzEverySplitIsTheWhole(f *testing.F) {
	addSeeds(f)
	f.Fuzz(func(t *testing.T, data []byte, at uint16) {
		if len(data) > 2000 {
			return
		}
		wire := string(data)
		want, rest, _ := split(t, 0, wire)
		i := int(at) % (len(wire) + 1)
		j := i + int(at)%(len(wire)-i+1)
		splits := [][]string{{wire[:i], wire[i:]}, {wire[:i], wire[i:j], wire[j:]}, strings.Split(wire, "")}
		for k := range data {
			if len(data) < 64 {
				splits = append(splits, []string{wire[:k], wire[k:]})
			}
		}
		for _, s := range splits {
			if got, r, _ := split(t, 0, s...); fmt.Sprint(got) != fmt.Sprint(want) || r != rest {
				t.Fatalf("%q:\ngot  %s, rest %q\nwant %s, rest %q", s, got, r, want, rest)
			}
		}
		var raws []byte
		r := sse.NewReader(&pieces{list: splits[1], err: io.EOF})
		for n := 0; ; n++ {
			buffered := r.Buffered()
			ev, err := r.Next()
			if err != nil {
				if n != len(want) {
					t.Fatalf("the reader gives %d events, the splitter %d", n, len(want))
				}
				break
			}
			if raws = append(raws, ev.Raw...); show(ev) != want[n] {
				t.Fatalf("event %d (buffered %v): %s, want %s", n, buffered, show(ev), want[n])
			}
		}
		if raws = append(raws, r.Rest()...); !bytes.Equal(raws, data) {
			t.Fatalf("%q came back as %q", data, raws)
		}
	})
}

// FuzzAgreesWithTheOracle: the events are those of the standard.
func FuzzAgreesWithTheOracle(f *testing.F) {
	addSeeds(f)
	f.Fuzz(func(t *testing.T, data []byte, _ uint16) {
		want, open := oracle(string(data))
		var got []parsed
		r := sse.NewReader(bytes.NewReader(data))
		var err error
		for {
			var ev sse.Event
			if ev, err = r.Next(); err != nil {
				break
			}
			if string(ev.Raw) == "\n" && len(r.Rest()) == 0 && bytes.HasSuffix(data, []byte("\r\n")) {
				continue // the other half of a CRLF that ended the event before, told by itself at the end
			}
			got = append(got, parsed{string(ev.Name), string(ev.Data), ev.HasData, !ev.Comment})
		}
		if !slices.Equal(got, want) {
			t.Fatalf("%q:\ngot  %+v\nwant %+v", data, got, want)
		}
		if string(data) == "\ufeff" {
			open = true // a byte order mark and nothing else is no event
		}
		if (err == sse.ErrIncomplete) != open || !open && err != io.EOF {
			t.Fatalf("%q: %v, open %v", data, err, open)
		}
	})
}

// FuzzAppendIsReadBack: whatever is written is one event and carries the same lines.
func FuzzAppendIsReadBack(f *testing.F) {
	f.Add("name", []byte("data"))
	f.Add("", []byte("a\r\n\rb\n"))
	f.Fuzz(func(t *testing.T, name string, data []byte) {
		wire := sse.Append(nil, name, data)
		wire = sse.AppendComment(wire, string(data))
		r := sse.NewReader(bytes.NewReader(wire))
		ev, err := r.Next()
		want := strings.ReplaceAll(strings.ReplaceAll(string(data), "\r\n", "\n"), "\r", "\n")
		if err != nil || string(ev.Data) != want || string(ev.Name) != strings.NewReplacer("\r", "", "\n", "").Replace(name) {
			t.Fatalf("%q: %s, %v", wire, show(ev), err)
		}
		if ev, err := r.Next(); err != nil || !ev.Comment {
			t.Fatalf("%q: the comment is %s, %v", wire, show(ev), err)
		}
		if _, err := r.Next(); err != io.EOF {
			t.Fatalf("%q: then %v", wire, err)
		}
	})
}
