package openai

import "fairlead.dev/llm"

// chunk is the data of one event, its parts as they were written. They alias the data.
type chunk struct {
	choices []byte
	usage   []byte
	failed  bool // it is an error: error is not null, or object is "error"
}

// readChunk finds the parts of an event's data in one pass. It is false when the data is not a JSON object.
func readChunk(data []byte) (c chunk, ok bool) {
	s := llm.ScanNested(data, llm.Member{End: len(data)})
	for m, more := s.Next(); more; m, more = s.Next() {
		raw := data[m.Start:m.End]
		switch string(m.Key) {
		case "choices":
			c.choices = raw
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
func (d *decoder) choices(raw []byte) (llm.Kind, []byte) {
	d.text = d.text[:0]
	if len(raw) == 0 || raw[0] != '[' {
		return llm.Lifecycle, nil
	}
	kind := llm.Lifecycle
	s := llm.ScanArray(raw)
	for m, ok := s.Next(); ok; m, ok = s.Next() {
		switch d.choice(raw[m.Start:m.End]) {
		case llm.Fail:
			return llm.Fail, nil
		case llm.Content:
			kind = llm.Content
		}
	}
	if kind != llm.Content {
		return kind, nil
	}
	d.tally.something = true
	return kind, d.text
}

// choice reads one choice of a chunk: what it adds, and whether it ends.
func (d *decoder) choice(raw []byte) llm.Kind {
	var delta, finish []byte
	index := 0
	s := llm.ScanNested(raw, llm.Member{End: len(raw)})
	for m, ok := s.Next(); ok; m, ok = s.Next() {
		value := raw[m.Start:m.End]
		switch string(m.Key) {
		case "index":
			index, _ = llm.Int(value)
		case "delta":
			delta = value
		case "finish_reason":
			finish = value
		case "error":
			if m.Kind == llm.Object && llm.Holds(value) { // OpenRouter
				return d.failWith(raw)
			}
		}
	}
	if len(finish) > 2 && finish[0] == '"' {
		reason, _ := llm.Str(finish)
		d.tally.finish(index, reason)
	}
	if len(delta) == 0 || !d.delta(delta, index == 0) {
		return llm.Lifecycle
	}
	return llm.Content
}

// delta reports whether a delta brings anything, and keeps the text of the first choice.
func (d *decoder) delta(raw []byte, first bool) (content bool) {
	s := llm.ScanNested(raw, llm.Member{End: len(raw)})
	for m, ok := s.Next(); ok; m, ok = s.Next() {
		value := raw[m.Start:m.End]
		if !telling(m.Key) || !llm.Holds(value) {
			continue
		}
		content = true
		if first && m.Kind == llm.String && string(m.Key) == "content" {
			d.text = llm.AppendUnquoted(d.text, value)
		}
	}
	return content
}
