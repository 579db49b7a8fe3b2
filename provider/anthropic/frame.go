package anthropic

import (
	"bytes"

	"fairlead.dev/event"
	"fairlead.dev/llm"
)

// frame is the data of one event, its parts as they were written. They alias the data.
type frame struct {
	kind    []byte // the member type, without quotes; nil: none
	delta   []byte
	block   []byte // content_block
	message []byte
	usage   []byte
}

// readFrame finds the parts of an event's data in one pass. It is false when the data is not a JSON object.
func readFrame(data []byte) (f frame, ok bool) {
	s := llm.ScanNested(data, llm.Member{End: len(data)})
	for m, more := s.Next(); more; m, more = s.Next() {
		raw := data[m.Start:m.End]
		switch string(m.Key) {
		case "type":
			if m.Kind == llm.String {
				f.kind = raw[1 : len(raw)-1]
			}
		case "delta":
			f.delta = raw
		case "content_block":
			f.block = raw
		case "message":
			f.message = raw
		case "usage":
			f.usage = raw
		}
	}
	return f, s.Err() == nil && data[0] != '['
}

// The one event that nearly all of a stream is made of, as the API writes it.
var (
	usualHead = []byte("event: content_block_delta\ndata: {\"type\":\"content_block_delta\",\"index\":")
	usualBody = []byte(`,"delta":{"type":"text_delta","text":`)
	usualTail = []byte("}}\n\n")
)

// usual reads the event that b begins with if it is a delta of text in exactly the usual spelling, for a third of the
// cost, and returns its length. The text is validated like any other; whatever is not as expected is 0, and read the
// long way.
func (d *decoder) usual(b []byte) int {
	rest, ok := bytes.CutPrefix(b, usualHead)
	if !ok || d.over || !d.split.Fresh() {
		return 0
	}
	n := 0
	for n < len(rest) && '0' <= rest[n] && rest[n] <= '9' {
		n++
	}
	if n == 0 || n > 1 && rest[0] == '0' {
		return 0
	}
	if rest, ok = bytes.CutPrefix(rest[n:], usualBody); !ok {
		return 0
	}
	text, n := llm.CutString(d.text[:0], rest)
	if n == 0 || len(text) == 0 || !bytes.HasPrefix(rest[n:], usualTail) {
		return 0
	}
	d.text, d.something, d.seen = text, true, true
	return len(b) - len(rest) + n + len(usualTail)
}

// delta reads a content_block_delta. Only one that brings something is content.
func (d *decoder) delta(raw []byte) (llm.Kind, []byte) {
	content, k := false, llm.Content
	d.text = d.text[:0]
	s := llm.ScanNested(raw, llm.Member{End: len(raw)})
	for m, ok := s.Next(); ok; m, ok = s.Next() {
		if m.Kind != llm.String || m.End-m.Start <= 2 {
			continue
		}
		switch string(m.Key) {
		case "text":
			d.text = llm.AppendUnquoted(d.text, raw[m.Start:m.End])
			content = true
		case "partial_json":
			content = true
		case "thinking":
			content, k = true, llm.Thought
		}
	}
	switch typeOf(raw) {
	case "text_delta":
	case "thinking_delta", "signature_delta":
		d.outline.other = d.outline.other || d.outline.text
	default:
		d.outline.other = true
	}
	if !content {
		return llm.Lifecycle, nil // a signature, a citation, what the future brings
	}
	d.something = true
	return k, d.text
}

// block reads a content_block_start. A block that is not text is something, whatever follows: a call of a tool may
// have no input. A text block may bring its first words with it.
func (d *decoder) block(raw []byte) (llm.Kind, []byte) {
	kind, o := typeOf(raw), &d.outline
	o.other = o.other || o.text || kind != "text" && !thought(kind)
	if kind != "text" {
		d.something = true
		return llm.Lifecycle, nil
	}
	o.text = true
	value, _ := llm.Get(raw, "text")
	if d.text = llm.AppendUnquoted(d.text[:0], value); len(d.text) == 0 {
		return llm.Lifecycle, nil
	}
	d.something = true
	return llm.Content, d.text
}

// count takes over what a usage object tells. Later numbers are cumulative (docs, streaming) and replace earlier ones.
func (d *decoder) count(raw []byte) { addUsage(&d.usage, raw) }

func addUsage(u *event.Usage, raw []byte) {
	if len(raw) == 0 {
		return
	}
	s := llm.ScanNested(raw, llm.Member{End: len(raw)})
	for m, ok := s.Next(); ok; m, ok = s.Next() {
		n, isInt := llm.Int(raw[m.Start:m.End])
		if !isInt || n < 0 {
			continue
		}
		switch string(m.Key) {
		case "input_tokens":
			u.Input = n
		case "output_tokens":
			u.Output = n
		case "cache_read_input_tokens":
			u.CacheRead = n
		case "cache_creation_input_tokens":
			u.CacheWrite = n
		}
	}
}
