package openai

import (
	"bytes"
	"strconv"

	"fairlead.dev/llm"
	"fairlead.dev/sse"
)

// Prefills reports whether the model goes on from the beginning of an answer to r. OpenAI's own models begin a new
// answer instead, and so do most servers, without a word; only a row of the user's says that one does not.
func (Provider) Prefills(_ *llm.Request, m llm.Model) bool {
	return m.Known(adapts).Prefill == "allowed"
}

// outline is what a stream has begun, as far as another answer must fit to it.
type outline struct {
	id, created, model []byte // of its first chunk, as written
	text               bool   // the text of the first choice has begun
	other              bool   // something else than the text of one choice, and reasoning before it, has come
}

// learn notes what the chunks of an answer have in common.
func (o *outline) learn(c *chunk) {
	if o.id == nil && len(c.id) > 0 {
		o.id, o.created, o.model = bytes.Clone(c.id), bytes.Clone(c.created), bytes.Clone(c.model)
	}
}

// Seam is where another answer may go on: behind the text of the only choice.
func (d *decoder) Seam() llm.Seam {
	logprobs, _ := llm.Get(d.req.Body, "logprobs") // our own text would have none
	if d.outline.other || d.outline.id == nil || d.req.Choices > 1 || d.tally.closed() > 0 || string(logprobs) == "true" {
		return nil
	}
	return &seam{outline: d.outline}
}

// seam gives the chunks of other answers the identity of the one that the client has. The model is told as it is:
// the new one.
type seam struct {
	outline
	tokens int // of cut answers, which the usage of this one leaves out
}

// Begin notes that the events of another answer follow.
func (s *seam) Begin(tokens int) { s.tokens += tokens }

// Pass appends what the client gets of an event.
func (s *seam) Pass(dst, event []byte, k llm.Kind) []byte {
	var split sse.Splitter
	_, ev, ok, err := split.Next(event)
	if !ok || err != nil || len(ev.Data) == 0 || ev.Data[0] != '{' || k == llm.Ping {
		return append(dst, event...)
	}
	data := ev.Data
	c, _ := readChunk(data)
	if len(c.model) > 0 {
		s.model = bytes.Clone(c.model)
	}
	edits, drop := s.roles(data, c.choices, k)
	if drop {
		return dst
	}
	all := llm.Member{End: len(data)}
	scan := llm.ScanNested(data, all)
	for m, ok := scan.Next(); ok; m, ok = scan.Next() {
		switch string(m.Key) {
		case "id":
			edits = append(edits, llm.Edit{Start: m.Start, End: m.End, With: s.id})
		case "created":
			if len(s.created) > 0 {
				edits = append(edits, llm.Edit{Start: m.Start, End: m.End, With: s.created})
			}
		case "usage":
			edits = s.count(edits, data, m)
		}
	}
	return frameOf(dst, llm.Apply(data, edits))
}

// roles takes the role out of a chunk: SDKs that join what they are told would make "assistantassistant" of two. A
// chunk that has nothing else is dropped.
func (s *seam) roles(data []byte, choices llm.Member, k llm.Kind) (edits []llm.Edit, drop bool) {
	if choices.Kind != llm.Array {
		return nil, false
	}
	list := llm.ScanNested(data, choices)
	for c, ok := list.Next(); ok; c, ok = list.Next() {
		if c.Kind != llm.Object {
			continue
		}
		inner := llm.ScanNested(data, c)
		for m, ok := inner.Next(); ok; m, ok = inner.Next() {
			if string(m.Key) == "finish_reason" && m.Kind == llm.String {
				k = llm.Content // it ends something
			}
			if string(m.Key) != "delta" || m.Kind != llm.Object {
				continue
			}
			cut, err := llm.Without(data, m, func(d llm.Member) bool { return string(d.Key) == "role" })
			if err == nil {
				edits = append(edits, cut...)
			}
		}
	}
	return edits, len(edits) > 0 && k == llm.Lifecycle
}

// count adds what the cut answers cost to the usage.
func (s *seam) count(edits []llm.Edit, data []byte, usage llm.Member) []llm.Edit {
	if usage.Kind != llm.Object || s.tokens == 0 {
		return edits
	}
	scan := llm.ScanNested(data, usage)
	for m, ok := scan.Next(); ok; m, ok = scan.Next() {
		n, isInt := llm.Int(data[m.Start:m.End])
		if key := string(m.Key); isInt && (key == "completion_tokens" || key == "total_tokens") {
			edits = append(edits, llm.Edit{Start: m.Start, End: m.End, With: strconv.AppendInt(nil, int64(n+s.tokens), 10)})
		}
	}
	return edits
}

// Text appends a chunk that brings text.
func (s *seam) Text(dst, text []byte) []byte {
	data := append([]byte(`{"id":`), s.id...)
	data = append(data, `,"object":"chat.completion.chunk"`...)
	if len(s.created) > 0 {
		data = append(append(data, `,"created":`...), s.created...)
	}
	if len(s.model) > 0 {
		data = append(append(data, `,"model":`...), s.model...)
	}
	data = append(data, `,"choices":[{"index":0,"delta":{"content":`...)
	data = llm.AppendQuoted(data, string(text))
	return frameOf(dst, append(data, `},"finish_reason":null}]}`...))
}

// frameOf appends an event. Data of several lines was joined by line feeds, which stand between JSON's tokens only.
func frameOf(dst, data []byte) []byte {
	dst = append(append(dst, "data: "...), bytes.ReplaceAll(data, []byte("\n"), []byte(" "))...)
	return append(dst, "\n\n"...)
}
