package openai

import (
	"bytes"
	"net/http"
	"time"

	"fairlead.dev/event"
	"fairlead.dev/llm"
	"fairlead.dev/sse"
)

// decoder reads one stream. It allocates nothing for an event, but for a text with escapes that outgrows its buffer.
type decoder struct {
	req    *llm.Request
	status int
	header http.Header
	split  sse.Splitter
	text   []byte // of the event last read; reused

	usual    usual
	usage    event.Usage
	tally    tally
	seen     bool // an event with data has come
	outline  outline
	unmarked bool // the answer is complete, and its end marker did not come
	over     bool // out is final
	out      llm.Outcome
}

// Decoder reads a stream that answers r.
func (Provider) Decoder(r *llm.Request, status int, h http.Header) llm.Decoder {
	d := decoder{req: r, status: status, header: h, split: sse.Splitter{Max: r.MaxEvent}}
	if r.Path == pathResponses {
		return &responses{decoder: d}
	}
	return &d
}

// Next looks at the first whole event of b.
func (d *decoder) Next(b []byte) (n int, k llm.Kind, text []byte) {
	if n = d.usualText(b); n > 0 {
		return n, llm.Content, d.text
	}
	n, ev, ok, err := d.split.Next(b)
	if err != nil {
		return 0, d.fail(event.Truncated, err), nil
	}
	if !ok {
		return 0, llm.Lifecycle, nil
	}
	k, text = d.event(&ev)
	return n, k, text
}

// Outcome is the verdict after End or Fail; before, the stream is truncated.
func (d *decoder) Outcome() llm.Outcome {
	if !d.over {
		return d.outcome(event.Truncated, errCut)
	}
	return d.out
}

// Usage is what the stream has told of its cost so far.
func (d *decoder) Usage() event.Usage { return d.usage }

// StopReason is why the model stopped, of the first choice that did.
func (d *decoder) StopReason() string { return d.tally.stop }

// Ending is the end marker, when the stream of a complete answer came without it.
func (d *decoder) Ending() []byte {
	if !d.unmarked {
		return nil
	}
	return []byte(ending)
}

const ending = "data: [DONE]\n\n"

// EOF is the verdict of a stream that ended in order without [DONE], which some hosts never send: complete when every
// choice that was asked for has a finish reason. An event at the very end may lack its blank line.
func (d *decoder) EOF(rest []byte) llm.Outcome {
	if d.over {
		return d.out
	}
	if ev, _ := d.split.Last(rest); ev.HasData {
		d.event(&ev)
	}
	if !d.over && d.tally.closed() >= max(d.req.Choices, 1) {
		d.unmarked = true
		d.finish()
	}
	if !d.over {
		d.eof(bytes.TrimSpace(rest))
	}
	return d.out
}

// eof judges a stream that ended too early. One that never was a stream says so by its first byte.
func (d *decoder) eof(rest []byte) {
	switch {
	case !d.seen && bytes.HasPrefix(rest, []byte("<")):
		d.fail(event.ServerError, errNoStream)
	case !d.seen && isError(rest):
		d.failWith(rest)
	default:
		d.fail(event.Truncated, errCut)
	}
}

func (d *decoder) outcome(v event.Verdict, err error) llm.Outcome {
	return llm.Outcome{Verdict: v, Status: d.status, Header: d.header, Err: err}
}

func (d *decoder) fail(v event.Verdict, err error) llm.Kind {
	if !d.over {
		d.over, d.out = true, d.outcome(v, err)
	}
	return llm.Fail
}

// failWith ends the stream with an error that the provider sent in it. Headers of the 200 before it are no hints.
func (d *decoder) failWith(data []byte) llm.Kind {
	d.over, d.out = true, judge(d.req.Op, d.status, nil, bytes.Clone(data), time.Time{})
	d.out.Header = d.header
	return llm.Fail
}

// finish ends the stream at its proper end.
func (d *decoder) finish() llm.Kind {
	d.over = true
	d.out = d.outcome(d.tally.verdict(d.usage))
	return llm.End
}

var done = []byte("[DONE]")

// event tells what one event is.
func (d *decoder) event(ev *sse.Event) (llm.Kind, []byte) {
	data := bytes.TrimSpace(ev.Data)
	switch {
	case len(data) == 0: // comments, and what a browser would not dispatch either
		return llm.Ping, nil
	case d.over:
		return llm.Lifecycle, nil
	}
	d.seen = true
	switch {
	case bytes.Equal(data, done):
		return d.finish(), nil
	case string(ev.Name) == "error":
		return d.failWith(data), nil
	case string(ev.Name) == "ping":
		return llm.Ping, nil
	}
	return d.chunk(data)
}

// usualText reads the event that b begins with if its chunk is like the one before but for its text, and returns its
// length; otherwise 0.
func (d *decoder) usualText(b []byte) int {
	if d.over || !d.split.Fresh() {
		return 0
	}
	text, n := d.usual.cut(d.text[:0], b)
	if n > 0 {
		d.text = text
	}
	return n
}

// chunk reads a chunk the long way.
func (d *decoder) chunk(data []byte) (llm.Kind, []byte) {
	c, ok := readChunk(data)
	if !ok {
		mended, valid := llm.Mend(data)
		if !valid {
			return d.fail(event.Truncated, errBadEvent), nil
		}
		data = mended
		c, _ = readChunk(data)
	}
	if c.failed {
		return d.failWith(data), nil
	}
	d.outline.learn(&c)
	addUsage(&d.usage, c.usage)
	d.text = d.text[:0]
	d.usual.begin()
	k, text := d.choices(data, c.choices)
	if k == llm.Content {
		d.usual.learn(data)
	}
	return k, text
}
