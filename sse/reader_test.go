package sse_test

import (
	"bytes"
	"errors"
	"io"
	"strings"
	"testing"
	"testing/iotest"

	"fairlead.dev/sse"
)

// pieces is a source that gives one piece a Read, then err.
type pieces struct {
	list  []string
	err   error
	reads int
}

func (p *pieces) Read(b []byte) (int, error) {
	p.reads++
	if len(p.list) == 0 {
		return 0, p.err
	}
	n := copy(b, p.list[0])
	if p.list[0] = p.list[0][n:]; p.list[0] == "" {
		p.list = p.list[1:]
	}
	return n, nil
}

// readAll gives the events of r, the unfinished one if there is, and the final error.
func readAll(r *sse.Reader) (events []string, unfinished string, err error) {
	for {
		ev, err := r.Next()
		if err != nil {
			if ev.Raw != nil {
				unfinished = show(ev)
			}
			return events, unfinished, err
		}
		events = append(events, show(ev))
	}
}

func TestReaderEnds(t *testing.T) {
	cut := errors.New("connection reset")
	for _, c := range []struct {
		name       string
		wire       string
		src        error
		events     int
		unfinished string
		want       error
	}{
		{"clean", "data: a\n\ndata: b\n\n", io.EOF, 2, "", io.EOF},
		{"empty", "", io.EOF, 0, "", io.EOF},
		{"inside an event", "data: a\n\ndata: [DO", io.EOF, 1, `raw="data: [DO" name="" data="[DO"`, sse.ErrIncomplete},
		{"without its blank line", "data: [DONE]\n", io.EOF, 0, `raw="data: [DONE]\n" name="" data="[DONE]"`, sse.ErrIncomplete},
		{"CR awaited in vain", "data: a\r\n\r", io.EOF, 1, "", io.EOF},
		{"LF left over", "data: a\r\r\n", io.EOF, 2, "", io.EOF},
		{"cut between events", "data: a\n\n", cut, 1, "", cut},
		{"cut inside one", "data: a\n\ndata: b\n", cut, 1, `raw="data: b\n" name="" data="b"`, cut},
	} {
		t.Run(c.name, func(t *testing.T) {
			src := &pieces{list: strings.Split(c.wire, ""), err: c.src}
			r := sse.NewReader(src)
			events, unfinished, err := readAll(r)
			if len(events) != c.events || unfinished != c.unfinished || err != c.want {
				t.Errorf("%s, unfinished %s, %v", events, unfinished, err)
			}
			if hasRest := len(r.Rest()) > 0; hasRest != (c.unfinished != "") {
				t.Errorf("rest %q", r.Rest())
			}
			reads := src.reads
			if ev, again := r.Next(); again != err || ev.Raw != nil || src.reads != reads {
				t.Errorf("after the end: %s, %v", show(ev), again)
			}
		})
	}
}

func TestReaderToldBytesAndErrorAtOnce(t *testing.T) {
	r := sse.NewReader(iotest.DataErrReader(strings.NewReader("data: a\n\ndata: b\n\n")))
	if events, _, err := readAll(r); len(events) != 2 || err != io.EOF {
		t.Errorf("%s, %v", events, err)
	}
}

func TestReaderGivesUpOnASourceThatReadsNothing(t *testing.T) {
	r := sse.NewReader(&pieces{})
	if _, err := r.Next(); err != io.ErrNoProgress {
		t.Error(err)
	}
}

// A piece that brings three events is one read: the writer learns when to flush.
func TestBufferedLooksAheadWithoutReading(t *testing.T) {
	src := &pieces{list: []string{"data: a\ndata: 1\n\ndata: b\ndata: 2\n\nda", "ta: c\n\n"}, err: io.EOF}
	r := sse.NewReader(src)
	if r.Buffered() || src.reads != 0 {
		t.Error("something is at hand before the first read")
	}
	for i, want := range []struct {
		data     string
		buffered bool
		reads    int
	}{{"a\n1", true, 1}, {"b\n2", false, 1}, {"c", false, 2}} {
		ev, err := r.Next()
		if err != nil {
			t.Fatal(err)
		}
		for range 2 {
			if got := r.Buffered(); got != want.buffered || src.reads != want.reads {
				t.Errorf("event %d: buffered %v after %d reads", i, got, src.reads)
			}
		}
		if string(ev.Data) != want.data { // looking ahead may not overwrite it
			t.Errorf("event %d: %q", i, ev.Data)
		}
	}
	if _, err := r.Next(); err != io.EOF || r.Buffered() {
		t.Error(err)
	}
}

// Next may not wait for bytes behind an event: on a live stream they are seconds away.
func TestReaderReturnsAnEventWithTheReadThatEndsIt(t *testing.T) {
	for _, wire := range []string{"data: a\n\n", "data: a\r\n\r\n", "data: a\r\r"} {
		src := &pieces{list: []string{wire}, err: io.EOF}
		if ev, err := sse.NewReader(src).Next(); err != nil || string(ev.Data) != "a" || src.reads != 1 {
			t.Errorf("%q: %s, %v, %d reads", wire, show(ev), err, src.reads)
		}
	}
}

// newlines is a source of line ends without end.
type newlines struct{}

func (newlines) Read(b []byte) (int, error) {
	for i := range b {
		b[i] = '\n'
	}
	return len(b), nil
}

func TestEndlessNewlinesAreCommentsInABoundedBuffer(t *testing.T) {
	r := sse.NewReader(newlines{})
	for range 100_000 {
		if ev, err := r.Next(); err != nil || !ev.Comment || len(ev.Raw) != 1 {
			t.Fatal(show(ev), err)
		}
		if n := cap(r.Rest()); n > 4<<10 {
			t.Fatalf("the buffer holds %d bytes", n)
		}
	}
}

func TestTheBufferDoesNotGrowForSmallEvents(t *testing.T) {
	wire := sse.Append(nil, "a", []byte("an odd number of bytes"))
	r := sse.NewReader(&loop{wire: wire, most: 1 << 20}) // fills whatever buffer it is given
	for range 100_000 {
		if _, err := r.Next(); err != nil || cap(r.Rest()) > 4<<10 {
			t.Fatalf("%d bytes at hand, %v", cap(r.Rest()), err)
		}
	}
}

// endless is a source of one line without end.
type endless struct{ read int }

func (e *endless) Read(b []byte) (int, error) {
	for i := range b {
		b[i] = 'x'
	}
	e.read += len(b)
	return len(b), nil
}

func TestReaderStopsAtMax(t *testing.T) {
	for _, limit := range []int{1, 4 << 10, 100_000} {
		src := &endless{}
		r := sse.NewReader(src)
		r.Max = limit
		for range 2 {
			if ev, err := r.Next(); err != sse.ErrTooLong || ev.Raw != nil || r.Buffered() {
				t.Fatal(show(ev), err)
			}
		}
		if len(r.Rest()) != src.read || src.read > limit+4<<10 {
			t.Errorf("limit %d: %d bytes were read, the rest is %d", limit, src.read, len(r.Rest()))
		}
	}
}

func TestReaderTakesEventsOfEverySizeAndShrinks(t *testing.T) {
	var wire, got []byte
	for _, n := range []int{10, 300, 5000, 200, 100_000, 1 << 20, 7, 4090, 4096, 20, 70_000, 1, 2, 3} {
		wire = sse.Append(wire, "x", bytes.Repeat([]byte{'y'}, n))
	}
	for _, src := range []io.Reader{bytes.NewReader(wire), iotest.HalfReader(bytes.NewReader(wire)), iotest.OneByteReader(bytes.NewReader(wire))} {
		r := sse.NewReader(src)
		got = got[:0]
		for ev, err := r.Next(); err != io.EOF; ev, err = r.Next() {
			if err != nil {
				t.Fatal(err)
			}
			got = append(got, ev.Raw...)
		}
		if !bytes.Equal(got, wire) {
			t.Errorf("%T: %d bytes came back of %d, or others", src, len(got), len(wire))
		}
	}
	r := sse.NewReader(io.MultiReader(bytes.NewReader(wire), newlines{}))
	for range 1 << 17 {
		r.Next()
	}
	if n := cap(r.Rest()); n > 4<<10 {
		t.Errorf("long after a large event the buffer still has room for %d bytes", n)
	}
}

// loop repeats one event without end.
type loop struct {
	wire []byte
	at   int
	most int // bytes of one read; 0: 1000
}

func (l *loop) Read(b []byte) (int, error) {
	n, want := 0, min(len(b), max(l.most, 1000))
	for n < want {
		k := copy(b[n:want], l.wire[l.at:])
		n, l.at = n+k, (l.at+k)%len(l.wire)
	}
	return n, nil
}

func TestReaderDoesNotAllocateInSteadyState(t *testing.T) {
	for _, wire := range []string{"event: a\ndata: {\"x\":1}\n\n", "data: a\r\ndata: b\r\n\r\n", ": ping\n\n"} {
		r := sse.NewReader(&loop{wire: []byte(wire)})
		for range 1000 {
			r.Next()
		}
		if n := testing.AllocsPerRun(1000, func() { r.Next(); r.Buffered() }); n != 0 {
			t.Errorf("%q: %v allocations", wire, n)
		}
	}
}
