package fakellm

import (
	"encoding/json"
	"errors"
	"fmt"
	"strings"
)

// request is what the fake reads of a request's body, in either dialect.
type request struct {
	Model               string     `json:"model"`
	Messages            *[]message `json:"messages"`
	MaxTokens           *int       `json:"max_tokens"`
	MaxCompletionTokens *int       `json:"max_completion_tokens"`
	MaxOutputTokens     *int       `json:"max_output_tokens"` // responses
	Stream              bool       `json:"stream"`
	N                   *int       `json:"n"`
	StreamOptions       struct {
		IncludeUsage bool `json:"include_usage"`
	} `json:"stream_options"`
	Tools          []tool                `json:"tools"`
	ToolChoice     json.RawMessage       `json:"tool_choice"`
	Thinking       struct{ Type string } `json:"thinking"`
	ContinueFinal  bool                  `json:"continue_final_message"` // vLLM
	Input          json.RawMessage       `json:"input"`                  // embeddings, responses
	EncodingFormat string                `json:"encoding_format"`        // embeddings

	size   int                        // bytes of the body
	fields map[string]json.RawMessage // the body's top level
}

type message struct {
	Role    string          `json:"role"`
	Content json.RawMessage `json:"content"`
	Prefix  bool            `json:"prefix"` // DeepSeek, Mistral: continue this message
}

type tool struct {
	Name        string          `json:"name"`
	InputSchema json.RawMessage `json:"input_schema"`
	Parameters  json.RawMessage `json:"parameters"` // responses
	Function    struct {
		Name       string          `json:"name"`
		Parameters json.RawMessage `json:"parameters"`
	} `json:"function"`
}

// name and params hide where the dialects put them.
func (t *tool) name() string {
	if t.Function.Name != "" {
		return t.Function.Name
	}
	return t.Name
}

func (t *tool) params() json.RawMessage {
	if t.Function.Parameters != nil {
		return t.Function.Parameters
	}
	if t.Parameters != nil {
		return t.Parameters
	}
	return t.InputSchema
}

// block is one content block of a message, as far as the fake cares.
type contentBlock struct {
	Type      string `json:"type"`
	Text      string `json:"text"`
	Signature string `json:"signature"`
}

// parseRequest reads a body. The request is usable (for its model name) even
// when there is an error.
func parseRequest(body []byte) (*request, error) {
	r := &request{size: len(body)}
	if err := json.Unmarshal(body, &r.fields); err != nil {
		return r, fmt.Errorf("The request body is not valid JSON: %s", err) //lint:ignore ST1005 an API's words
	}
	err := json.Unmarshal(body, r)
	if wrong, ok := errors.AsType[*json.UnmarshalTypeError](err); ok {
		return r, fmt.Errorf("%s: Input should be a valid %s", wrong.Field, wrong.Type)
	}
	return r, err
}

// inputTokens estimates as the fake's limits and usage do: four bytes a token.
func (r *request) inputTokens() int { return max(1, r.size/4) }

// budget is the most tokens that the caller wants; -1: no bound given.
func (r *request) budget() int {
	switch {
	case r.MaxTokens != nil:
		return *r.MaxTokens
	case r.MaxCompletionTokens != nil:
		return *r.MaxCompletionTokens
	}
	return -1
}

// choices is how many answers an openai request wants.
func (r *request) choices() int {
	if r.N == nil {
		return 1
	}
	return *r.N
}

// last returns the last message, or an empty one.
func (r *request) last() message {
	if r.Messages == nil || len(*r.Messages) == 0 {
		return message{}
	}
	return (*r.Messages)[len(*r.Messages)-1]
}

// thinks reports whether the caller switched thinking on.
func (r *request) thinks() bool { return r.Thinking.Type == "enabled" || r.Thinking.Type == "adaptive" }

// wantsTool returns the tool to call: the one that tool_choice names or
// demands, or the first if the last message says "use tool".
func (r *request) wantsTool() (*tool, bool) {
	if len(r.Tools) == 0 {
		return nil, false
	}
	kind, name := r.toolChoice()
	for i := range r.Tools {
		if name != "" && r.Tools[i].name() == name {
			return &r.Tools[i], true
		}
	}
	switch kind {
	case "any", "required", "tool", "function":
		return &r.Tools[0], true
	case "none":
		return nil, false
	}
	last := r.last()
	return &r.Tools[0], last.Role == "user" && strings.Contains(strings.ToLower(last.text()), "use tool")
}

// toolChoice reads both dialects' forms: a word, or an object with the name
// inside or one level deeper.
func (r *request) toolChoice() (kind, name string) {
	if json.Unmarshal(r.ToolChoice, &kind) == nil {
		return kind, ""
	}
	var c struct {
		Type, Name string
		Function   struct{ Name string }
	}
	if json.Unmarshal(r.ToolChoice, &c) != nil {
		return "", ""
	}
	return c.Type, c.Name + c.Function.Name
}

// blocks returns the message's content blocks; a plain string is one of text.
func (m *message) blocks() []contentBlock {
	var s string
	if json.Unmarshal(m.Content, &s) == nil {
		return []contentBlock{{Type: "text", Text: s}}
	}
	var list []contentBlock
	_ = json.Unmarshal(m.Content, &list)
	return list
}

func (m *message) text() string {
	var b strings.Builder
	for _, c := range m.blocks() {
		if c.Type == "text" || c.Type == "input_text" {
			b.WriteString(c.Text)
		}
	}
	return b.String()
}
