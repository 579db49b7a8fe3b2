package openai_test

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"fairlead.dev/llm"
	"fairlead.dev/provider/openai"
)

// assembled reads chunks, given as their choices, and returns the plain answer.
func assembled(choices ...string) ([]byte, error) {
	a := openai.Provider{}.Assembler(&llm.Request{})
	for _, c := range choices {
		a.Add([]byte(fmt.Sprintf(`data: {"id":"c1","object":"chat.completion.chunk","created":5,"model":"m","choices":[%s],"usage":null,"obfuscation":"xx"}`, c) + "\n\n"))
	}
	a.Add([]byte(`data: {"id":"c1","object":"chat.completion.chunk","created":5,"model":"m","choices":[],"usage":{"prompt_tokens":3,"completion_tokens":4}}` + "\n\n"))
	a.Add([]byte("data: [DONE]\n\n"))
	return a.Answer()
}

func chunkOf(i int, delta, finish string, more ...string) string {
	return fmt.Sprintf(`{"index":%d,"delta":%s,"finish_reason":%s%s}`, i, delta, finish, strings.Join(more, ""))
}

func TestAssembledChoices(t *testing.T) {
	role := `{"role":"assistant","content":"","refusal":null}`
	for name, c := range map[string]struct {
		chunks []string
		want   string
	}{
		"text": {[]string{chunkOf(0, role, "null"), chunkOf(0, `{"content":"a\"\n"}`, "null"), chunkOf(0, `{"content":"é"}`, "null"), chunkOf(0, `{}`, `"stop"`)},
			`{"index":0,"message":{"role":"assistant","content":"a\"\né","refusal":null},"finish_reason":"stop"}`},
		"two choices, the second first": {[]string{chunkOf(1, `{"role":"assistant","content":"b"}`, `"length"`), chunkOf(0, `{"role":"assistant","content":"a"}`, `"stop"`)},
			`{"index":0,"message":{"role":"assistant","content":"a"},"finish_reason":"stop"},{"index":1,"message":{"role":"assistant","content":"b"},"finish_reason":"length"}`},
		"tools": {[]string{chunkOf(0, `{"role":"assistant","content":null,"tool_calls":[{"index":0,"id":"call_1","type":"function","function":{"name":"look","arguments":""}}]}`, "null"),
			chunkOf(0, `{"tool_calls":[{"index":0,"function":{"arguments":"{\"q\":"}}]}`, "null"), chunkOf(0, `{"tool_calls":[{"index":0,"function":{"arguments":"1}"}},{"index":1,"id":"call_2","type":"function","function":{"name":"go","arguments":"{}"}}]}`, "null"),
			chunkOf(0, `{}`, `"tool_calls"`)},
			`{"index":0,"message":{"role":"assistant","content":null,"tool_calls":[{"id":"call_1","type":"function","function":{"name":"look","arguments":"{\"q\":1}"}},{"id":"call_2","type":"function","function":{"name":"go","arguments":"{}"}}]},"finish_reason":"tool_calls"}`},
		"a legacy call": {[]string{chunkOf(0, `{"role":"assistant","content":null,"function_call":{"name":"look","arguments":""}}`, "null"), chunkOf(0, `{"function_call":{"arguments":"{}"}}`, `"function_call"`)},
			`{"index":0,"message":{"role":"assistant","content":null,"function_call":{"name":"look","arguments":"{}"}},"finish_reason":"function_call"}`},
		"a refusal": {[]string{chunkOf(0, `{"role":"assistant","refusal":"no"}`, "null"), chunkOf(0, `{"refusal":"!"}`, `"stop"`)},
			`{"index":0,"message":{"role":"assistant","refusal":"no!","content":null},"finish_reason":"stop"}`},
		"reasoning": {[]string{chunkOf(0, `{"role":"assistant","reasoning_content":"h"}`, "null"), chunkOf(0, `{"reasoning_content":"m","content":null}`, "null"), chunkOf(0, `{"content":"so"}`, `"stop"`)},
			`{"index":0,"message":{"role":"assistant","reasoning_content":"hm","content":"so"},"finish_reason":"stop"}`},
		"logprobs": {[]string{chunkOf(0, role, "null", `,"logprobs":{"content":[],"refusal":null}`), chunkOf(0, `{"content":"a"}`, "null", `,"logprobs":{"content":[{"token":"a"}],"refusal":null}`),
			chunkOf(0, `{"content":"b"}`, "null", `,"logprobs":{"content":[{"token":"b"}],"refusal":null}`), chunkOf(0, `{}`, `"stop"`, `,"logprobs":null`)},
			`{"index":0,"message":{"role":"assistant","content":"ab","refusal":null},"logprobs":{"content":[{"token":"a"},{"token":"b"}],"refusal":null},"finish_reason":"stop"}`},
	} {
		got, err := assembled(c.chunks...)
		want := `{"id":"c1","object":"chat.completion","created":5,"model":"m","choices":[` + c.want + `],"usage":{"prompt_tokens":3,"completion_tokens":4}}`
		if err != nil || string(got) != want {
			t.Errorf("%s: %v\ngot  %s\nwant %s", name, err, got, want)
		}
	}
}

func TestWhatCannotBeAssembled(t *testing.T) {
	if got, err := assembled(chunkOf(0, `{"audio":{"data":"x"}}`, `"stop"`)); err == nil {
		t.Errorf("audio: %s", got)
	}
	if got, err := assembled(); err == nil {
		t.Errorf("no choices: %s", got)
	}
	a := openai.Provider{}.Assembler(&llm.Request{})
	a.Add([]byte(`data: {"choices":[{"index":0,"delta":{"content":"x"}}]}` + "\n\n"))
	if got, err := a.Answer(); err == nil {
		t.Errorf("no end: %s", got)
	}
}

func TestAssembles(t *testing.T) {
	for body, want := range map[string]bool{
		`{"model":"m","messages":[],"n":2,"seed":1}`:                          true,
		`{"model":"m","messages":[],"tools":[{"type":"function"}]}`:           true,
		`{"model":"m","messages":[],"tools":[{"type":"custom"}]}`:             false,
		`{"model":"m","messages":[],"modalities":["audio"],"audio":{}}`:       false,
		`{"model":"m","messages":[],"stream_options":{"include_usage":true}}`: false,
		`{"model":"m","messages":[],"web_search_options":{}}`:                 false,
	} {
		r := &llm.Request{Path: "/v1/chat/completions", Body: []byte(body)}
		if got := (openai.Provider{}).Assembles(r); got != want {
			t.Errorf("%s: %v", body, got)
		}
		if r.Path = "/v1/responses"; (openai.Provider{}).Assembles(r) {
			t.Error("another form of answer")
		}
	}
}

// FuzzAssemble: whatever comes is valid JSON or an error.
func FuzzAssemble(f *testing.F) {
	f.Add(`{"index":0,"delta":{"content":"a"}}`, `{"index":1,"delta":{"tool_calls":[{"index":3,"function":{"name":"x","arguments":"{"}}]},"logprobs":{"content":[1]}}`)
	f.Add(`{"index":-1,"delta":{"refusal":"a","function_call":{"name":"f"}}}`, `{"index":0,"delta":{"role":"assistant"},"logprobs":null,"more":[]}`)
	f.Fuzz(func(t *testing.T, one, two string) {
		clean := strings.NewReplacer("\n", " ", "\r", " ").Replace
		if got, err := assembled(clean(one), clean(two), clean(one)); err == nil && !json.Valid(got) {
			t.Fatalf("not JSON: %s", got)
		}
	})
}
