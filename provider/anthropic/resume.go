package anthropic

import (
	"bytes"
	"strconv"
	"strings"

	"fairlead.dev/llm"
	"fairlead.dev/sse"
)

// Prefills reports whether the model goes on from the beginning of an answer to r. With thinking it cannot
// (platform.claude.com, extended thinking). A model that nothing is known of is tried: one that refuses says so.
func (Provider) Prefills(r *llm.Request, m llm.Model) bool {
	raw, _ := llm.Get(r.Body, "thinking")
	return !thinks(typeOf(raw)) && m.Known(adapts).Prefill != refused
}

// outline is what a stream has begun, as far as another answer must fit to it.
type outline struct {
	blocks int  // content blocks begun
	open   bool // the last one has not ended
	text   bool // it is the first text
	other  bool // something else than one text, and thinking before it, has come
}

// Seam is where another answer may go on: inside or behind the first text.
func (d *decoder) Seam() llm.Seam {
	o := d.outline
	if !d.started || d.stop != "" || o.other || !o.text {
		return nil
	}
	return &seam{next: o.blocks, open: o.open}
}

// thought reports whether a block of this type is thinking.
func thought(kind string) bool { return kind == "thinking" || kind == "redacted_thinking" }

// seam fits the blocks of other answers behind those that the client has.
type seam struct {
	next   int  // index of the next block that the client gets
	open   bool // its last block has not ended
	goesOn bool // the first text of the answer goes on in that block
	within bool // a block of the answer that the client does not get
	tokens int  // of cut answers, which the usage of this one leaves out
}

// Begin notes that the events of another answer follow.
func (s *seam) Begin(tokens int) { s.goesOn, s.tokens = true, s.tokens+tokens }

// Pass appends what the client gets of an event.
func (s *seam) Pass(dst, event []byte, k llm.Kind) []byte {
	var split sse.Splitter
	_, ev, ok, err := split.Next(event)
	if !ok || err != nil || len(ev.Data) == 0 || k == llm.Ping {
		return append(dst, event...)
	}
	kind := typeOf(ev.Data)
	if s.within && strings.HasPrefix(kind, "content_block_") {
		s.within = kind != "content_block_stop"
		return dst
	}
	switch kind {
	case "message_start":
		return dst
	case "content_block_start":
		return s.start(dst, ev.Data)
	case "content_block_delta":
		if !s.open { // it began without saying so
			dst = s.text(dst)
		}
		return s.write(dst, "content_block_delta", ev.Data, "index", s.next-1)
	case "content_block_stop":
		s.open = false
		return s.write(dst, "content_block_stop", ev.Data, "index", s.next-1)
	case "message_delta":
		return s.end(dst, ev.Data)
	}
	return append(dst, event...)
}

// start takes the beginning of a block. The first text goes on in the client's block, if that is open.
func (s *seam) start(dst, data []byte) []byte {
	block, _ := llm.Get(data, "content_block")
	goesOn := s.goesOn
	if goesOn && thought(typeOf(block)) {
		s.within = true
		return dst
	}
	s.goesOn = false
	if goesOn && s.open && typeOf(block) == "text" {
		if raw, _ := llm.Get(block, "text"); llm.Holds(raw) { // it may bring the first words with it
			return s.Text(dst, llm.AppendUnquoted(nil, raw))
		}
		return dst
	}
	dst = s.stop(dst)
	s.next, s.open = s.next+1, true
	return s.write(dst, "content_block_start", data, "index", s.next-1)
}

// text begins a block of text of our own.
func (s *seam) text(dst []byte) []byte {
	s.next, s.open, s.goesOn = s.next+1, true, false
	return s.write(dst, "content_block_start", []byte(emptyText), "index", s.next-1)
}

// stop ends the client's block, if it is open.
func (s *seam) stop(dst []byte) []byte {
	if !s.open {
		return dst
	}
	s.open = false
	return s.write(dst, "content_block_stop", []byte(`{"type":"content_block_stop","index":0}`), "index", s.next-1)
}

const (
	emptyText = `{"type":"content_block_start","index":0,"content_block":{"type":"text","text":""}}`
	textDelta = `{"type":"content_block_delta","index":0,"delta":{"type":"text_delta","text":""}}`
)

// Text appends an event that brings text.
func (s *seam) Text(dst, text []byte) []byte {
	if !s.open {
		dst = s.text(dst)
	}
	s.goesOn = false
	data := []byte(textDelta)
	m, _ := field(data, llm.Member{End: len(data)}, "delta")
	m, _ = field(data, m, "text")
	data = llm.Apply(data, []llm.Edit{{Start: m.Start, End: m.End, With: llm.AppendQuoted(nil, string(text))}})
	return s.write(dst, "content_block_delta", data, "index", s.next-1)
}

// end takes the event that tells the stop reason and the usage: what the cut answers cost belongs to it.
func (s *seam) end(dst, data []byte) []byte {
	dst = s.stop(dst)
	usage, _ := field(data, llm.Member{End: len(data)}, "usage")
	m, ok := field(data, usage, "output_tokens")
	n, isInt := llm.Int(data[m.Start:m.End])
	if ok && isInt {
		data = llm.Apply(data, []llm.Edit{{Start: m.Start, End: m.End, With: strconv.AppendInt(nil, int64(n+s.tokens), 10)}})
	}
	return frameOf(dst, "message_delta", data)
}

// write appends an event with a number of its data replaced.
func (s *seam) write(dst []byte, name string, data []byte, key string, n int) []byte {
	if m, ok := field(data, llm.Member{End: len(data)}, key); ok {
		data = llm.Apply(data, []llm.Edit{{Start: m.Start, End: m.End, With: strconv.AppendInt(nil, int64(n), 10)}})
	}
	return frameOf(dst, name, data)
}

// frameOf appends an event. Data of several lines was joined by line feeds, which stand between JSON's tokens only.
func frameOf(dst []byte, name string, data []byte) []byte {
	dst = append(append(append(dst, "event: "...), name...), "\ndata: "...)
	dst = append(dst, bytes.ReplaceAll(data, []byte("\n"), []byte(" "))...)
	return append(dst, "\n\n"...)
}
