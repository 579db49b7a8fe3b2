package fakellm

import (
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
)

// modelOf returns the capabilities of a model, nil if the script names none.
func (s *Script) modelOf(name string) *Model {
	if s == nil {
		return nil
	}
	for i := range s.Models {
		if glob(s.Models[i].Name, name) {
			return &s.Models[i]
		}
	}
	return nil
}

// refuse returns the error for a request that the model cannot take, nil if it
// can.
func (m *Model) refuse(w wire, r *request, h http.Header) *failure {
	for _, check := range []func(wire, *request, http.Header) *failure{
		m.refuseFields, m.refuseBetas, m.refuseSize, m.refuseMessages,
	} {
		if f := check(w, r, h); f != nil {
			return f
		}
	}
	return nil
}

func (m *Model) refuseFields(w wire, r *request, _ http.Header) *failure {
	for _, path := range m.RejectFields {
		if hasField(r.fields, path) {
			return w.unknownField(path)
		}
	}
	return nil
}

// hasField reports whether a body has the field at a dotted path.
func hasField(fields map[string]json.RawMessage, path string) bool {
	name, rest, deeper := strings.Cut(path, ".")
	raw, ok := fields[name]
	if !ok || !deeper {
		return ok
	}
	var inner map[string]json.RawMessage
	_ = json.Unmarshal(raw, &inner)
	return hasField(inner, rest)
}

func (anthropicWire) unknownField(path string) *failure {
	f := anthropicWire{}.invalid(path, "Extra inputs are not permitted")
	return &f
}

func (openaiWire) unknownField(path string) *failure {
	f := openaiWire{}.invalid(path, fmt.Sprintf("Unsupported parameter: '%s' is not supported with this model.", path))
	f.code = "unsupported_parameter"
	return &f
}

func (m *Model) refuseBetas(w wire, _ *request, h http.Header) *failure {
	for _, line := range h.Values("Anthropic-Beta") {
		for beta := range strings.SplitSeq(line, ",") {
			for _, bad := range m.RejectBetas {
				if beta = strings.TrimSpace(beta); beta != "" && glob(bad, beta) {
					f := w.invalid("", fmt.Sprintf("Unexpected value(s) `%s` for the `anthropic-beta` header.", beta))
					return &f
				}
			}
		}
	}
	return nil
}

func (m *Model) refuseSize(w wire, r *request, _ http.Header) *failure {
	input, budget := r.inputTokens(), r.budget()
	var f failure
	switch {
	case m.MaxTokens > 0 && budget > m.MaxTokens:
		f = w.invalid("max_tokens", fmt.Sprintf("%d > %d, which is the maximum allowed number of output tokens for %s", budget, m.MaxTokens, r.Model))
	case m.Context > 0 && input > m.Context:
		f = w.tooLong(input, m.Context)
	case m.Context > 0 && input+max(0, budget) > m.Context:
		f = w.invalid("", fmt.Sprintf("input length and `max_tokens` exceed context limit: %d + %d > %d, "+
			"decrease input length or `max_tokens` and try again", input, budget, m.Context))
		f.code = w.tooLong(0, 0).code
	default:
		return nil
	}
	return &f
}

func (w anthropicWire) tooLong(tokens, most int) failure {
	f := w.named("too-long")
	f.message = fmt.Sprintf("prompt is too long: %d tokens > %d maximum", tokens, most)
	return f
}

func (w openaiWire) tooLong(tokens, most int) failure {
	f := w.named("too-long")
	f.message = fmt.Sprintf("This model's maximum context length is %d tokens. However, your messages resulted in %d tokens. "+
		"Please reduce the length of the messages.", most, tokens)
	return f
}

func (m *Model) refuseMessages(w wire, r *request, _ http.Header) *failure {
	if m.NoPrefill {
		if f := refusePrefill(w, r); f != nil {
			return f
		}
	}
	for i, msg := range *r.Messages {
		for j, b := range msg.blocks() {
			place := fmt.Sprintf("messages.%d.content.%d", i, j)
			var f failure
			switch {
			case m.NoImages && (b.Type == "image" || b.Type == "image_url"):
				f = w.invalid(place, "Input should not be an image: this model takes no images")
			case m.OwnThinking && b.Type == "thinking" && b.Signature != signatureOf(r.Model):
				f = w.invalid(place, "Invalid `signature` in `thinking` block")
			default:
				continue
			}
			return &f
		}
	}
	return nil
}

// refusePrefill answers an assistant message at the end as models without
// prefill do.
func refusePrefill(w wire, r *request) *failure {
	if r.last().Role != "assistant" {
		return nil
	}
	f := w.invalid("", "This model does not support assistant message prefill. The conversation must end with a user message.")
	return &f
}
