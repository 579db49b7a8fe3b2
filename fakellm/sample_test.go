package fakellm_test

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"fairlead.dev/fakellm"
)

// called is the tool call of an answer: the tool's name and its input.
func called(b *bed, more ...string) (name, input string) {
	b.Helper()
	m := decode[struct {
		Content []struct {
			Type, Name string
			Input      json.RawMessage
		}
	}](b, b.post(messages, prompt("m", more...)).body)
	for _, c := range m.Content {
		if c.Type == "tool_use" {
			name, input = c.Name, string(c.Input)
		}
	}
	return name, input
}

// A tool's input is the smallest that its schema accepts.
func TestToolInputs(t *testing.T) {
	deep := strings.Repeat(`{"type":"object","required":["a"],"properties":{"a":`, 30) + `{}` + strings.Repeat(`}}`, 30)
	tests := []struct{ schema, input string }{
		{`{"type":"object","required":["a"],"properties":{"a":{"type":"string"}}}`, `{"a":"w0 w1 w2"}`},
		{`{"required":["a","b"],"properties":{"a":{"type":"integer"},"b":{"type":"number"},"c":{"type":"string"}}}`, `{"a":1,"b":1}`},
		{`{"required":["a"],"properties":{"a":{"type":"boolean"}}}`, `{"a":true}`},
		{`{"required":["a"],"properties":{"a":{"type":"null"}}}`, `{"a":null}`},
		{`{"required":["a"],"properties":{"a":{"type":["null","string"]}}}`, `{"a":null}`},
		{`{"required":["a"],"properties":{"a":{"type":["integer","null"]}}}`, `{"a":1}`},
		{`{"required":["a"],"properties":{"a":{"type":[]}}}`, `{"a":"w0 w1 w2"}`},
		{`{"required":["a"],"properties":{"a":{"type":[7]}}}`, `{"a":"w0 w1 w2"}`},
		{`{"required":["a"],"properties":{"a":{"enum":["x","y"]}}}`, `{"a":"x"}`},
		{`{"required":["a"],"properties":{"a":{"enum":[],"type":"integer"}}}`, `{"a":1}`},
		{`{"required":["a"],"properties":{"a":{"const":{"k":[1]}}}}`, `{"a":{"k":[1]}}`},
		{`{"required":["a"],"properties":{"a":{"type":"array","items":{"type":"integer"}}}}`, `{"a":[]}`},
		{`{"required":["a"],"properties":{"a":{"type":"array","items":{"type":"integer"},"minItems":2}}}`, `{"a":[1,1]}`},
		{`{"required":["a"],"properties":{"a":{"type":"array","minItems":-1}}}`, `{"a":[]}`},
		{`{"required":["a"],"properties":{"a":{"required":["b"],"properties":{"b":{"type":"integer"}}}}}`, `{"a":{"b":1}}`},
		{`{"required":["a"],"properties":{"a":{"properties":{"b":{"type":"integer"}}}}}`, `{"a":{}}`},
		{`{"required":["a"]}`, `{"a":null}`}, // nothing is known of it
		{`{"type":"object"}`, `{"input":"w0 w1 w2"}`},
		{`{"required":"a"}`, `{"input":"w0 w1 w2"}`},
		{`"odd"`, `{"input":"w0 w1 w2"}`},
		{`{"required":["a"],"properties":{"a":{"type":"array","minItems":1000000000}}}`, `{"a":[` + strings.Repeat("null,", 15) + `null]}`},
		{deep, strings.Repeat(`{"a":`, 17) + `null` + strings.Repeat(`}`, 17)},
	}
	bubble(t, fakellm.Config{}, func(b *bed) {
		for _, tt := range tests {
			_, input := called(b, `"tools":[{"name":"t","input_schema":`+tt.schema+`}]`, `"tool_choice":{"type":"any"}`)
			want(b, tt.schema, input, tt.input)
		}
	})
}

// Who decides which tool is called, and whether one is.
func TestToolChoice(t *testing.T) {
	const tools = `"tools":[{"name":"one","input_schema":{}},{"name":"two","input_schema":{}}]`
	say := func(text string) string { return `"messages":[{"role":"user","content":` + quoted(text) + `}]` }
	tests := []struct {
		choice, text, want string
	}{
		{``, "hi", ""},
		{``, "please USE TOOL now", "one"},
		{`"tool_choice":{"type":"auto"}`, "hi", ""},
		{`"tool_choice":{"type":"auto"}`, "use tool", "one"},
		{`"tool_choice":{"type":"any"}`, "hi", "one"},
		{`"tool_choice":{"type":"tool","name":"two"}`, "hi", "two"},
		{`"tool_choice":{"type":"tool","name":"gone"}`, "hi", "one"},
		{`"tool_choice":{"type":"none"}`, "use tool", ""},
		{`"tool_choice":"required"`, "hi", "one"},
		{`"tool_choice":"none"`, "use tool", ""},
		{`"tool_choice":{"type":"function","function":{"name":"two"}}`, "hi", "two"},
		{`"tool_choice":7`, "use tool", "one"},
	}
	bubble(t, fakellm.Config{}, func(b *bed) {
		for _, tt := range tests {
			more := []string{tools, say(tt.text)}
			if tt.choice != "" {
				more = append(more, tt.choice)
			}
			name, _ := called(b, more...)
			want(b, tt.choice+" "+tt.text, name, tt.want)
		}
		name, _ := called(b, say("use tool"))
		want(b, "without tools", name, "")
	})
}

// What max_tokens leaves of an answer, token by token, in both dialects.
func TestEveryMaxTokens(t *testing.T) {
	bubble(t, fakellm.Config{Tokens: 6}, func(b *bed) {
		for n := 1; n <= 13; n++ {
			body := streamed("m", `"thinking":{"type":"enabled"}`, fmt.Sprintf(`"max_tokens":%d`, n))
			got := read(b.post(messages, body).body)
			thought := strings.Join(strings.Fields(fakellm.Thinking())[:min(n, 5)], " ")
			want(b, "thinking", got.thinking, thought)
			want(b, "text", got.text, fakellm.Text(min(6, max(0, n-5))))
			want(b, "stop", got.stop, map[bool]string{true: "end_turn", false: "max_tokens"}[n >= 11])
			want(b, "tokens", b.last().Tokens, min(n, 11))
			for _, name := range []string{"max_tokens", "max_completion_tokens"} {
				body := strings.Replace(streamed("m"), `"max_tokens":1000`, fmt.Sprintf(`%q:%d`, name, n), 1)
				got := read(b.post(chat, body).body)
				want(b, name, got.text, fakellm.Text(min(n, 6)))
				want(b, name, got.stop, map[bool]string{true: "stop", false: "length"}[n >= 6])
			}
		}
	})
}
