package anthropic

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

	usage     event.Usage
	stop      string
	seen      bool // an event with data has come
	started   bool // message_start has come
	something bool // the answer has something in it: text, or a block that is not text
	outline   outline
	unmarked  bool // the answer is complete, and its end marker did not come
	over      bool // out is final
	out       llm.Outcome
}

// Decoder reads a stream that answers r.
func (Provider) Decoder(r *llm.Request, status int, h http.Header) llm.Decoder {
	return &decoder{req: r, status: status, header: h, split: sse.Splitter{Max: r.MaxEvent}}
}

// Next looks at the first whole event of b.
func (d *decoder) Next(b []byte) (n int, k llm.Kind, text []byte) {
	if n = d.usual(b); n > 0 {
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

// StopReason is why the model stopped, once told.
func (d *decoder) StopReason() string { return d.stop }

// Ending is the end marker, when the stream of a complete answer came without it.
func (d *decoder) Ending() []byte {
	if !d.unmarked {
		return nil
	}
	return []byte(ending)
}

const ending = "event: message_stop\ndata: {\"type\":\"message_stop\"}\n\n"

// EOF is the verdict of a stream that ended in order without message_stop. A stop reason proves the answer whole; an
// event at the very end may lack its blank line.
func (d *decoder) EOF(rest []byte) llm.Outcome {
	if d.over {
		return d.out
	}
	if ev, _ := d.split.Last(rest); ev.HasData {
		d.event(&ev)
	}
	if !d.over && d.stop != "" {
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
	case !d.seen && bytes.HasPrefix(rest, []byte("{")) && typeOf(rest) == "error":
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
	d.out = d.outcome(finished(d.req, d.stop, d.something))
	return llm.End
}

// event tells what one event is.
func (d *decoder) event(ev *sse.Event) (llm.Kind, []byte) {
	switch {
	case len(ev.Data) == 0: // comments, and what a browser would not dispatch either
		return llm.Ping, nil
	case d.over:
		return llm.Lifecycle, nil
	}
	d.seen = true
	f, ok := readFrame(ev.Data)
	if f.kind == nil || !ok {
		f.kind = ev.Name
	}
	if !ok && string(f.kind) != "ping" && string(f.kind) != "error" {
		mended, valid := llm.Mend(ev.Data)
		if !valid {
			return d.fail(event.Truncated, errBadEvent), nil
		}
		f, _ = readFrame(mended)
	}
	return d.frame(&f, ev.Data)
}

// frame follows the protocol by one step.
func (d *decoder) frame(f *frame, data []byte) (llm.Kind, []byte) {
	switch string(f.kind) {
	case "content_block_delta":
		return d.delta(f.delta)
	case "ping":
		return llm.Ping, nil
	case "content_block_start":
		d.outline.blocks++
		d.outline.open = true
		return d.block(f.block)
	case "content_block_stop":
		d.outline.open = false
	case "message_start":
		if d.started {
			return d.fail(event.Truncated, errTwoStart), nil
		}
		d.started = true
		usage, _ := llm.Get(f.message, "usage")
		d.count(usage)
	case "message_delta":
		d.count(f.usage)
		if stop := word(f.delta, "stop_reason"); stop != "" {
			d.stop = stop
		}
	case "message_stop":
		return d.finish(), nil
	case "error":
		return d.failWith(data), nil
	}
	return llm.Lifecycle, nil
}
