package anthropic

import (
	"bytes"
	"errors"
	"fmt"
	"strings"

	"fairlead.dev/llm"
	"fairlead.dev/sse"
)

// assembled are the fields of a request whose streamed answer is known to hold everything that its plain one does.
var assembled = map[string]bool{
	"model": true, "messages": true, "max_tokens": true, "metadata": true, "stop_sequences": true, "stream": true,
	"system": true, "temperature": true, "thinking": true, "tool_choice": true, "tools": true, "top_k": true, "top_p": true,
	"service_tier": true, "output_config": true,
}

// assembledBetas are values of the beta header that change what a request may ask, not the form of its answer.
var assembledBetas = []string{
	"prompt-caching-*", "extended-cache-ttl-*", "interleaved-thinking-*", "context-1m-*", "output-128k-*", "effort-*",
	"adaptive-thinking-*", "token-efficient-tools-*",
}

// Assembles reports whether a plain answer to r can be assembled of a stream, the same field for field: an answer of
// text, thinking and calls of the client's own tools. Tools that run at Anthropic, citations, and what is not known
// are asked for plainly.
func (Provider) Assembles(r *llm.Request) bool {
	for _, line := range r.Header["Anthropic-Beta"] {
		for v := range strings.SplitSeq(line, ",") {
			if v = strings.TrimSpace(v); v != "" && !matchesAny(assembledBetas, v) {
				return false
			}
		}
	}
	if bytes.Contains(r.Body, []byte(`"citations"`)) {
		return false
	}
	s := llm.ScanNested(r.Body, llm.Member{End: len(r.Body)})
	for m, ok := s.Next(); ok; m, ok = s.Next() {
		if !assembled[string(m.Key)] || string(m.Key) == "tools" && !ownTools(r.Body, m) {
			return false
		}
	}
	return s.Err() == nil
}

func matchesAny(patterns []string, v string) bool {
	for _, p := range patterns {
		if llm.Match(p, v) {
			return true
		}
	}
	return false
}

// ownTools reports whether the client runs all of the tools itself.
func ownTools(body []byte, tools llm.Member) bool {
	if tools.Kind != llm.Array {
		return false
	}
	s := llm.ScanNested(body, tools)
	for m, ok := s.Next(); ok; m, ok = s.Next() {
		kind := typeOf(body[m.Start:m.End])
		if kind != "" && kind != "custom" && !matchesAny([]string{"bash_*", "text_editor_*", "computer_*", "memory_*"}, kind) {
			return false
		}
	}
	return true
}

// Assembler makes the plain answer to r.
func (Provider) Assembler(*llm.Request) llm.Assembler { return &assembler{} }

// assembler collects the parts of a message. Texts stay as they were escaped.
type assembler struct {
	message llm.Fields
	usage   llm.Fields
	blocks  []*block
	ended   bool
	err     error
}

// block is one content block: what it began as, and what came to it.
type block struct {
	start     llm.Fields
	text      llm.Text
	thinking  llm.Text
	signature llm.Text
	input     []byte // decoded partial_json
	hasInput  bool
}

// Add takes the next whole event.
func (a *assembler) Add(event []byte) {
	var split sse.Splitter
	_, ev, ok, err := split.Next(event)
	if a.err != nil || !ok || err != nil || len(ev.Data) == 0 {
		return
	}
	data := bytes.Clone(ev.Data)
	switch kind := typeOf(data); kind {
	case "message_start":
		message, _ := llm.Get(data, "message")
		a.message, _ = llm.ReadFields(message)
		a.usage, _ = llm.ReadFields(a.message.Get("usage"))
	case "content_block_start":
		raw, _ := llm.Get(data, "content_block")
		start, ok := llm.ReadFields(raw)
		if !ok {
			a.err = fmt.Errorf("anthropic: a content block without a beginning")
		}
		b := &block{start: start}
		b.text.Add(start.Get("text"))
		a.blocks = append(a.blocks, b)
	case "content_block_delta":
		a.delta(data)
	case "message_delta":
		a.merge(data)
	case "message_stop":
		a.ended = true
	case "content_block_stop", "ping":
	default:
		a.err = fmt.Errorf("anthropic: no place in a plain answer for an event %.40q", kind)
	}
}

func (a *assembler) delta(data []byte) {
	at, _ := llm.Get(data, "index")
	i, ok := llm.Int(at)
	if !ok || i < 0 || i >= len(a.blocks) {
		a.err = fmt.Errorf("anthropic: a delta for block %.20s of %d", at, len(a.blocks))
		return
	}
	b := a.blocks[i]
	raw, _ := llm.Get(data, "delta")
	delta, _ := llm.ReadFields(raw)
	switch kind := typeOf(raw); kind {
	case "text_delta":
		b.text.Add(delta.Get("text"))
	case "thinking_delta":
		b.thinking.Add(delta.Get("thinking"))
	case "signature_delta":
		b.signature.Add(delta.Get("signature"))
	case "input_json_delta":
		b.input, b.hasInput = llm.AppendUnquoted(b.input, delta.Get("partial_json")), true
	default:
		a.err = fmt.Errorf("anthropic: no place in a plain answer for a delta %.40q", kind)
	}
}

// merge takes what is known at the end: why the model stopped, and the usage, of which later numbers count.
func (a *assembler) merge(data []byte) {
	raw, _ := llm.Get(data, "delta")
	delta, _ := llm.ReadFields(raw)
	for _, f := range delta {
		a.message.Set(f.Key, f.Value)
	}
	raw, _ = llm.Get(data, "usage")
	usage, _ := llm.ReadFields(raw)
	for _, f := range usage {
		if string(f.Value) != "null" || a.usage.Get(f.Key) == nil {
			a.usage.Set(f.Key, f.Value)
		}
	}
}

var errNotWhole = errors.New("anthropic: the stream has no whole message in it")

// Answer returns the plain answer.
func (a *assembler) Answer() ([]byte, error) {
	if a.err != nil {
		return nil, a.err
	}
	if !a.ended || a.message.Get("role") == nil {
		return nil, errNotWhole
	}
	content := []byte{'['}
	for i, b := range a.blocks {
		if i > 0 {
			content = append(content, ',')
		}
		whole, err := b.whole()
		if err != nil {
			return nil, err
		}
		content = append(content, whole...)
	}
	a.message.Set("content", append(content, ']'))
	a.message.Set("usage", a.usage.Append(nil))
	return a.message.Append(nil), nil
}

// whole is the block with everything that came to it.
func (b *block) whole() ([]byte, error) {
	switch kind, _ := llm.Str(b.start.Get("type")); kind {
	case "text":
		b.start.Set("text", b.text.JSON())
	case "thinking":
		b.start.Set("thinking", b.thinking.JSON())
		b.start.Set("signature", b.signature.JSON())
	case "redacted_thinking":
	case "tool_use":
		if b.hasInput && len(bytes.TrimSpace(b.input)) > 0 {
			if err := llm.Valid(b.input); err != nil {
				return nil, fmt.Errorf("anthropic: the input of a tool is not JSON: %w", err)
			}
			b.start.Set("input", b.input)
		}
	default:
		return nil, fmt.Errorf("anthropic: no place in a plain answer for a block %.40q", kind)
	}
	return b.start.Append(nil), nil
}
