package openai

import (
	"errors"
	"net/http"
	"strconv"

	"fairlead.dev/llm"
)

// Encode makes a Chat Completions request of a prompt. The limit of the answer goes under the name that the model
// knows: max_completion_tokens for OpenAI's reasoning models, max_tokens for all others, compatible hosts included.
func (p Provider) Encode(q llm.Prompt) (*llm.Request, error) {
	b := llm.AppendQuoted([]byte(`{"model":`), q.Model)
	b = append(b, `,"messages":[`...)
	if q.System != "" {
		b = appendMessage(b, "system", q.System)
	}
	for _, m := range q.Messages {
		b = appendMessage(b, m.Role, m.Text)
	}
	b = append(b, ']')
	if q.MaxTokens > 0 {
		name := `,"max_tokens":`
		if reasons(q.Model) {
			name = `,"max_completion_tokens":`
		}
		b = strconv.AppendInt(append(b, name...), int64(q.MaxTokens), 10)
	}
	if q.Stream {
		b = append(b, `,"stream":true,"stream_options":{"include_usage":true}`...)
	}
	h := http.Header{"Content-Type": {"application/json"}}
	return p.Parse(http.MethodPost, pathChat, "", h, append(b, '}'))
}

func appendMessage(b []byte, role, text string) []byte {
	if b[len(b)-1] != '[' {
		b = append(b, ',')
	}
	b = llm.AppendQuoted(append(b, `{"role":`...), role)
	return append(llm.AppendQuoted(append(b, `,"content":`...), text), '}')
}

var errNoCompletion = errors.New("openai: the answer is not a chat completion")

// Decode reads a whole good answer: the text of its first choice.
func (Provider) Decode(body []byte) (llm.Response, error) {
	var r llm.Response
	if llm.Valid(body) != nil {
		mended, ok := llm.Mend(body)
		if !ok {
			return r, errNoCompletion
		}
		body = mended
	}
	list, _ := llm.Get(body, "choices")
	choices := members(list)
	if len(choices) == 0 {
		return r, errNoCompletion
	}
	r.Model, r.StopReason = word(body, "model"), word(choices[0], "finish_reason")
	if r.Text = word(choices[0], "message", "content"); r.Text == "" {
		r.Text = word(choices[0], "message", "refusal")
	}
	usage, _ := llm.Get(body, "usage")
	addUsage(&r.Usage, usage)
	return r, nil
}
