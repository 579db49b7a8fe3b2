package openai

import (
	"bytes"

	"fairlead.dev/llm"
)

// chunk is the data of one event, its parts as they were written. They alias the data.
type chunk struct {
	choices llm.Member
	usage   []byte
	id      []byte
	created []byte
	model   []byte
	failed  bool // it is an error: error is not null, or object is "error"
}

// readChunk finds the parts of an event's data in one pass. It is false when the data is not a JSON object.
func readChunk(data []byte) (c chunk, ok bool) {
	s := llm.ScanNested(data, llm.Member{End: len(data)})
	for m, more := s.Next(); more; m, more = s.Next() {
		raw := data[m.Start:m.End]
		switch string(m.Key) {
		case "choices":
			c.choices = m
		case "id":
			c.id = raw
		case "created":
			c.created = raw
		case "model":
			c.model = raw
		case "usage":
			if m.Kind == llm.Object {
				c.usage = raw
			}
		case "error":
			c.failed = c.failed || llm.Holds(raw) && m.Kind != llm.Array && m.Kind <= llm.String
		case "object":
			c.failed = c.failed || string(raw) == `"error"`
		}
	}
	return c, s.Err() == nil && data[0] == '{'
}

// choices reads the list of choices of a chunk. An empty one comes with the usage, and first from Azure.
func (d *decoder) choices(data []byte, list llm.Member) (llm.Kind, []byte) {
	if list.Kind != llm.Array {
		return llm.Lifecycle, nil
	}
	kind := llm.Lifecycle
	s := llm.ScanNested(data, list)
	for m, ok := s.Next(); ok; m, ok = s.Next() {
		switch k := d.choice(data, m); {
		case k == llm.Fail:
			return llm.Fail, nil
		case k == llm.Content, k == llm.Thought && kind == llm.Lifecycle:
			kind = k
		}
	}
	if !kind.IsContent() {
		return kind, nil
	}
	d.tally.something = true
	return kind, d.text
}

// choice reads one choice of a chunk: what it adds, and whether it ends.
func (d *decoder) choice(data []byte, c llm.Member) llm.Kind {
	var delta llm.Member
	var reason string
	index := 0
	if c.Kind != llm.Object {
		return llm.Lifecycle
	}
	s := llm.ScanNested(data, c)
	for m, ok := s.Next(); ok; m, ok = s.Next() {
		value := data[m.Start:m.End]
		switch string(m.Key) {
		case "index":
			index, _ = llm.Int(value)
		case "delta":
			delta = m
		case "finish_reason":
			reason, _ = llm.Str(value)
		case "error":
			if m.Kind == llm.Object && llm.Holds(value) { // OpenRouter
				return d.failWith(data[c.Start:c.End])
			}
		}
	}
	if reason != "" {
		d.tally.finish(index, reason)
	}
	if delta.Kind != llm.Object {
		return llm.Lifecycle
	}
	return d.delta(data, delta, index == 0)
}

// delta tells what a delta brings, and keeps the text of the first choice.
func (d *decoder) delta(data []byte, at llm.Member, first bool) llm.Kind {
	k := llm.Lifecycle
	s := llm.ScanNested(data, at)
	for m, ok := s.Next(); ok; m, ok = s.Next() {
		value := data[m.Start:m.End]
		if !telling(m.Key) || !llm.Holds(value) {
			continue
		}
		switch key := string(m.Key); {
		case first && m.Kind == llm.String && key == "content":
			k, d.outline.text = llm.Content, true
			d.text = llm.AppendUnquoted(d.text, value)
			d.usual.text, d.usual.count = m, d.usual.count+1
		case key == "reasoning_content" || key == "reasoning":
			d.outline.other = d.outline.other || d.outline.text
			if k == llm.Lifecycle {
				k = llm.Thought
			}
		default:
			k, d.outline.other = llm.Content, true
		}
	}
	return k
}

// usual is how the chunks of a stream look around their text. Nearly all of them are the same but for that: the id,
// the time and the model are the answer's. A chunk that is the same around a valid text means the same as the one
// before (what else it says, a finish reason or a usage, was noted then), and is read at a quarter of the cost.
type usual struct {
	head, tail []byte

	text  llm.Member // of the chunk being read: where its text stands,
	count int        // and how many texts it has
}

// maxUsual bounds what is kept of a chunk.
const maxUsual = 1 << 10

// begin forgets the chunk before this one.
func (u *usual) begin() { u.text, u.count = llm.Member{}, 0 }

// learn keeps the surroundings of a chunk's text.
func (u *usual) learn(data []byte) {
	if u.count == 1 && len(data)-(u.text.End-u.text.Start) <= maxUsual {
		u.head = append(u.head[:0], data[:u.text.Start]...)
		u.tail = append(u.tail[:0], data[u.text.End:]...)
	}
}

// cut returns the text of the chunk that b begins with, if it looks as usual, and the length of its event.
func (u *usual) cut(dst, b []byte) (text []byte, n int) {
	rest, ok := bytes.CutPrefix(b, dataField)
	if !ok || len(u.head) == 0 {
		return dst, 0
	}
	if rest, ok = bytes.CutPrefix(rest, u.head); !ok {
		return dst, 0
	}
	text, n = llm.CutString(dst, rest)
	after, ok := bytes.CutPrefix(rest[n:], u.tail)
	if n == 0 || len(text) == 0 || !ok || !bytes.HasPrefix(after, eventEnd) {
		return dst, 0
	}
	return text, len(b) - len(after) + len(eventEnd)
}

// What stands around the data of an event that nothing else is in.
var (
	dataField = []byte("data: ")
	eventEnd  = []byte("\n\n")
)
