package fakellm

import (
	"fmt"
	"iter"
	"net/http"
	"strings"
)

// openaiWire speaks Chat Completions.
type openaiWire struct{}

func (openaiWire) status(status int) failure { return byStatus(openaiTypes, status) }
func (openaiWire) named(name string) failure { return openaiErrors[name] }

func (w openaiWire) invalid(field, message string) failure {
	f := w.status(http.StatusBadRequest)
	f.param, f.message = field, message
	return f
}

func (openaiWire) identify(h http.Header, requestID string) {
	h.Set("x-request-id", requestID)
	h.Set("openai-version", "2020-10-01")
	h.Set("openai-processing-ms", "12")
}

func (openaiWire) failureBody(f failure, _ string) []byte {
	orNull := func(s string) string {
		if s == "" {
			return "null"
		}
		return quote(s)
	}
	return fmt.Appendf(nil, `{"error":{"message":%s,"type":%s,"param":%s,"code":%s}}`,
		quote(f.message), quote(f.typ), orNull(f.param), orNull(f.code))
}

func (w openaiWire) check(r *request) *failure {
	var f failure
	budget := r.budget()
	switch {
	case r.Model == "":
		f = w.invalid("", "you must provide a model parameter")
	case r.Messages == nil:
		f = w.invalid("messages", "Missing required parameter: 'messages'.")
		f.code = "missing_required_parameter"
	case len(*r.Messages) == 0:
		f = w.invalid("messages", "Invalid 'messages': empty array. Expected an array with minimum length 1, but got an empty array instead.")
		f.code = "empty_array"
	case r.fields["stream_options"] != nil && string(r.fields["stream_options"]) != "null" && !r.Stream:
		f = w.invalid("stream_options", "The 'stream_options' parameter is only allowed when 'stream' is enabled.")
	case r.choices() < 1 || r.choices() > 128:
		f = w.invalid("n", "Invalid 'n': expected a value from 1 to 128.")
		f.code = "integer_out_of_range"
	case budget == 0 || budget < -1:
		f = w.invalid("max_tokens", "Invalid 'max_tokens': integer below minimum value. Expected a value >= 1.")
		f.code = "integer_below_min_value"
	default:
		return nil
	}
	return &f
}

// prefill: OpenAI itself never continues an assistant message; compatible
// hosts do when they are asked to, with a field of their own.
func (openaiWire) prefill(r *request) (string, bool) {
	last := r.last()
	if last.Role != "assistant" {
		return "", false
	}
	if !last.Prefix && !r.ContinueFinal {
		return "", true
	}
	return last.text(), true
}

func (w openaiWire) whole(m *reply, a answer) []byte {
	choices := make([]string, m.request.choices())
	for i := range choices {
		choices[i] = fmt.Sprintf(`{"index":%d,"message":%s,"logprobs":null,"finish_reason":%s}`,
			i, w.message(m, i, a), quote(openaiStop(a.stop)))
	}
	return fmt.Appendf(nil, `{"id":"chatcmpl-%s","object":"chat.completion","created":%d,"model":%s,"choices":[%s],`+
		`"usage":%s,"service_tier":"default","system_fingerprint":"fp_fake"}`,
		m.id, m.at.Unix(), quote(m.request.Model), strings.Join(choices, ","), w.usage(m, a))
}

// message renders choice i; it has a text or a tool call.
func (openaiWire) message(m *reply, i int, a answer) string {
	for _, b := range a.blocks {
		if b.kind == "tool_use" {
			return fmt.Sprintf(`{"role":"assistant","content":null,"refusal":null,"tool_calls":[{"id":"call_%s_%d",`+
				`"type":"function","function":{"name":%s,"arguments":%s}}]}`, m.id, i, quote(b.tool), quote(b.text))
		}
	}
	var text strings.Builder
	for _, b := range a.blocks {
		text.WriteString(b.text)
	}
	return fmt.Sprintf(`{"role":"assistant","content":%s,"refusal":null,"annotations":[]}`, quote(text.String()))
}

func (openaiWire) usage(m *reply, a answer) string {
	out := a.output * m.request.choices()
	return fmt.Sprintf(`{"prompt_tokens":%d,"completion_tokens":%d,"total_tokens":%d,`+
		`"prompt_tokens_details":{"cached_tokens":0},"completion_tokens_details":{"reasoning_tokens":0}}`,
		a.input, out, a.input+out)
}

// openaiStop translates a stop reason; one of openai's own passes.
func openaiStop(stop string) string {
	switch stop {
	case stopEnd:
		return "stop"
	case stopLength:
		return "length"
	case stopTool:
		return "tool_calls"
	case stopRefusal:
		return "content_filter"
	}
	return stop
}

// chunk renders one chunk around its list of choices.
func (openaiWire) chunk(m *reply, choices, usage string) []byte {
	if m.request.StreamOptions.IncludeUsage {
		usage = `,"usage":` + usage
	} else {
		usage = ""
	}
	return fmt.Appendf(nil, "data: {\"id\":\"chatcmpl-%s\",\"object\":\"chat.completion.chunk\",\"created\":%d,\"model\":%s,"+
		"\"service_tier\":\"default\",\"system_fingerprint\":\"fp_fake\",\"choices\":[%s]%s}\n\n",
		m.id, m.at.Unix(), quote(m.request.Model), choices, usage)
}

func (w openaiWire) delta(m *reply, i int, delta, finish string) []byte {
	return w.chunk(m, fmt.Sprintf(`{"index":%d,"delta":%s,"logprobs":null,"finish_reason":%s}`, i, delta, finish), "null")
}

// frames sends the role first, then the tokens of all choices in turn, then a
// finish reason for each, the usage if wanted, and the end marker.
func (w openaiWire) frames(m *reply, a answer) iter.Seq[frame] {
	return func(yield func(frame) bool) {
		ok := true
		each := func(delta, finish string, f frame) {
			for i := range m.request.choices() {
				f.wire = w.delta(m, i, delta, finish)
				ok = ok && yield(f)
			}
		}
		each(`{"role":"assistant","content":"","refusal":null}`, "null", frame{head: true})
		for _, b := range a.blocks {
			for i := range m.request.choices() {
				if b.kind == "tool_use" {
					call := fmt.Sprintf(`{"tool_calls":[{"index":0,"id":"call_%s_%d","type":"function","function":{"name":%s,"arguments":""}}]}`, m.id, i, quote(b.tool))
					ok = ok && yield(frame{wire: w.delta(m, i, call, "null")})
				}
			}
			for t := range b.tokens() {
				if each(tokenDelta(b.kind, t), "null", frame{token: t}); !ok {
					return
				}
			}
		}
		each("{}", quote(openaiStop(a.stop)), frame{})
		if m.request.StreamOptions.IncludeUsage {
			ok = ok && yield(frame{wire: w.chunk(m, "", w.usage(m, a))})
		}
		if ok {
			yield(frame{wire: []byte("data: [DONE]\n\n"), marker: true})
		}
	}
}

func tokenDelta(kind, token string) string {
	if kind == "tool_use" {
		return `{"tool_calls":[{"index":0,"function":{"arguments":` + quote(token) + `}}]}`
	}
	return `{"content":` + quote(token) + `}`
}

// errorEvent is a data line with an error and no choices, as OpenAI sends it.
func (w openaiWire) errorEvent(f failure, requestID string) []byte {
	return fmt.Appendf(nil, "data: %s\n\n", w.failureBody(f, requestID))
}

// ping is a comment: the dialect has no event for it.
func (openaiWire) ping() []byte { return []byte(": ping\n\n") }

func (openaiWire) broken() []byte {
	return []byte("data: {\"id\":\"chatcmpl-fake\",\"object\":\"chat.completion.chunk\",\"choices\":[{\"index\":0,\"delta\":{\"cont\n\n")
}
