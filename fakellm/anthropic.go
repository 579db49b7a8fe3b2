package fakellm

import (
	"encoding/base64"
	"encoding/json"
	"fmt"
	"iter"
	"net/http"
	"strings"
)

// anthropicWire speaks the Messages API.
type anthropicWire struct{}

func (anthropicWire) status(status int) failure { return byStatus(anthropicTypes, status) }
func (anthropicWire) named(name string) failure { return anthropicErrors[name] }

func (w anthropicWire) invalid(field, message string) failure {
	f := w.status(http.StatusBadRequest)
	f.message = message
	if field != "" {
		f.message = field + ": " + message
	}
	return f
}

func (anthropicWire) identify(h http.Header, requestID string) {
	h.Set("request-id", requestID)
	h.Set("anthropic-organization-id", "fa4e0000-0000-4000-8000-000000000000")
}

func (anthropicWire) failureBody(f failure, requestID string) []byte {
	details := ""
	if f.code != "" {
		details = `,"details":{"error_code":` + quote(f.code) + `}`
	}
	return fmt.Appendf(nil, `{"type":"error","error":{"type":%s,"message":%s%s},"request_id":%s}`,
		quote(f.typ), quote(f.message), details, quote(requestID))
}

// check refuses what the API refuses, in its words.
func (w anthropicWire) check(r *request) *failure {
	var f failure
	last := r.last()
	switch {
	case r.Model == "":
		f = w.invalid("model", "Field required")
	case r.Messages == nil:
		f = w.invalid("messages", "Field required")
	case len(*r.Messages) == 0:
		f = w.invalid("messages", "at least one message is required")
	case r.MaxTokens == nil:
		f = w.invalid("max_tokens", "Field required")
	case *r.MaxTokens < 1:
		f = w.invalid("max_tokens", "Input should be greater than or equal to 1")
	case last.Role == "assistant" && strings.TrimRight(last.text(), " \t\r\n") != last.text():
		f = w.invalid("messages", "final assistant content cannot end with trailing whitespace")
	default:
		return nil
	}
	return &f
}

func (anthropicWire) prefill(r *request) (string, bool) {
	last := r.last()
	return last.text(), last.Role == "assistant"
}

// signatureOf stands for the provider's seal on a thinking block, which only
// the model that wrote it accepts.
func signatureOf(model string) string {
	return base64.StdEncoding.EncodeToString([]byte("fakellm " + model))
}

func (w anthropicWire) whole(m *reply, a answer) []byte {
	blocks := make([]string, len(a.blocks))
	for i := range a.blocks {
		blocks[i] = w.block(m, i, &a.blocks[i])
	}
	return w.message(m, strings.Join(blocks, ","), a.stop, a.input, a.output)
}

// block renders a finished content block.
func (anthropicWire) block(m *reply, i int, b *block) string {
	switch b.kind {
	case "thinking":
		return fmt.Sprintf(`{"type":"thinking","thinking":%s,"signature":%s}`, quote(b.text), quote(signatureOf(m.request.Model)))
	case "tool_use":
		input := b.text
		if !json.Valid([]byte(input)) {
			input = "{}" // cut by max_tokens
		}
		return fmt.Sprintf(`{"type":"tool_use","id":"toolu_%s_%d","name":%s,"input":%s}`, m.id, i, quote(b.tool), input)
	}
	return fmt.Sprintf(`{"type":"text","text":%s}`, quote(b.text))
}

// message renders a message object; an empty stop is null, as in message_start.
func (anthropicWire) message(m *reply, content, stop string, input, output int) []byte {
	reason := "null"
	if stop != "" {
		reason = quote(stop)
	}
	return fmt.Appendf(nil, `{"id":"msg_%s","type":"message","role":"assistant","model":%s,"content":[%s],`+
		`"stop_reason":%s,"stop_sequence":null,"usage":{"input_tokens":%d,"cache_creation_input_tokens":0,`+
		`"cache_read_input_tokens":0,"output_tokens":%d,"service_tier":"standard"}}`,
		m.id, quote(m.request.Model), content, reason, input, output)
}

func anthropicEvent(name, format string, args ...any) []byte {
	b := fmt.Appendf(nil, "event: %s\ndata: {\"type\":\"%s\"", name, name)
	b = fmt.Appendf(b, format, args...)
	return append(b, "}\n\n"...)
}

// frames is the order of events of a real stream: start, blocks, delta, stop.
func (w anthropicWire) frames(m *reply, a answer) iter.Seq[frame] {
	return func(yield func(frame) bool) {
		start := w.message(m, "", "", a.input, 1)
		if !yield(frame{wire: anthropicEvent("message_start", `,"message":%s`, start), head: true}) {
			return
		}
		for i := range a.blocks {
			for f := range w.blockFrames(m, i, &a.blocks[i]) {
				if !yield(f) {
					return
				}
			}
		}
		if yield(frame{wire: anthropicEvent("message_delta",
			`,"delta":{"stop_reason":%s,"stop_sequence":null},"usage":{"input_tokens":%d,"output_tokens":%d}`,
			quote(a.stop), a.input, a.output)}) {
			yield(frame{wire: anthropicEvent("message_stop", ""), marker: true})
		}
	}
}

// blockFrames are the events of block i. A ping follows the start of the first
// block, as the real one sends it, and a tool's input starts with an empty part.
func (w anthropicWire) blockFrames(m *reply, i int, b *block) iter.Seq[frame] {
	return func(yield func(frame) bool) {
		opening, delta := w.shapes(m, i, b)
		ok := yield(frame{wire: anthropicEvent("content_block_start", `,"index":%d,"content_block":%s`, i, opening)})
		if i == 0 {
			ok = ok && yield(frame{wire: w.ping()})
		}
		event := func(shape string, text string) []byte {
			return anthropicEvent("content_block_delta", `,"index":%d,"delta":`+shape, i, quote(text))
		}
		if b.kind == "tool_use" {
			ok = ok && yield(frame{wire: event(delta, "")})
		}
		for t := range b.tokens() {
			ok = ok && yield(frame{wire: event(delta, t), token: t})
			if !ok {
				return
			}
		}
		if b.kind == "thinking" {
			ok = ok && yield(frame{wire: event(`{"type":"signature_delta","signature":%s}`, signatureOf(m.request.Model))})
		}
		if ok {
			yield(frame{wire: anthropicEvent("content_block_stop", `,"index":%d`, i)})
		}
	}
}

// shapes returns the opening of a block and the form of its deltas.
func (anthropicWire) shapes(m *reply, i int, b *block) (opening, delta string) {
	switch b.kind {
	case "thinking":
		return `{"type":"thinking","thinking":"","signature":""}`, `{"type":"thinking_delta","thinking":%s}`
	case "tool_use":
		return fmt.Sprintf(`{"type":"tool_use","id":"toolu_%s_%d","name":%s,"input":{}}`, m.id, i, quote(b.tool)),
			`{"type":"input_json_delta","partial_json":%s}`
	}
	return `{"type":"text","text":""}`, `{"type":"text_delta","text":%s}`
}

func (w anthropicWire) errorEvent(f failure, requestID string) []byte {
	return fmt.Appendf(nil, "event: error\ndata: %s\n\n", w.failureBody(f, requestID))
}

func (anthropicWire) ping() []byte { return anthropicEvent("ping", "") }

func (anthropicWire) broken() []byte {
	return []byte("event: content_block_delta\ndata: {\"type\":\"content_block_delta\",\"index\":0,\"delta\":{\"type\":\"text_del\n\n")
}
