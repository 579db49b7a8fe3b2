package fakellm_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"

	"fairlead.dev/fakellm"
)

func TestText(t *testing.T) {
	want(t, "Text(0)", fakellm.Text(0), "")
	want(t, "Text(3)", fakellm.Text(3), "w0 w1 w2")
	if !strings.HasPrefix(fakellm.Text(60), fakellm.Text(40)) {
		t.Error("a shorter text must be the beginning of a longer one")
	}
	want(t, "tokens of Thinking", len(strings.Fields(fakellm.Thinking())), fakellm.ThinkingTokens)
}

func TestAnthropicStream(t *testing.T) {
	bubble(t, fakellm.Config{Tokens: 3}, func(b *bed) {
		r := b.post(messages+"?beta=true", streamed("claude-opus-5-5"))
		got := read(r.body)
		want(b, "status", r.status, 200)
		want(b, "content type", r.header.Get("Content-Type"), "text/event-stream; charset=utf-8")
		want(b, "request id", r.header.Get("request-id"), "req_fake000001")
		want(b, "text", got.text, fakellm.Text(3))
		want(b, "stop", got.stop, "end_turn")
		want(b, "usage", got.usage, fmt.Sprintf(`{"input_tokens":%d,"output_tokens":3}`, b.last().BytesIn/4))
		order := []string{"message_start", "content_block_start", "ping", "content_block_delta", "content_block_delta",
			"content_block_delta", "content_block_stop", "message_delta", "message_stop"}
		if !slices.Equal(got.events, order) {
			b.Errorf("events: got %v, want %v", got.events, order)
		}
		for _, part := range []string{`"model":"claude-opus-5-5"`, `"stop_reason":null`, `"input_tokens":`} {
			if !strings.Contains(strings.SplitN(r.body, "\n\n", 2)[0], part) {
				b.Errorf("message_start lacks %s", part)
			}
		}
	})
}

func TestAnthropicPlain(t *testing.T) {
	bubble(t, fakellm.Config{}, func(b *bed) {
		r := b.post(messages, prompt("claude-opus-5-5"))
		m := decode[struct {
			Model      string
			Content    []struct{ Type, Text string }
			StopReason string `json:"stop_reason"`
			Usage      struct {
				OutputTokens int `json:"output_tokens"`
			}
		}](b, r.body)
		want(b, "model", m.Model, "claude-opus-5-5")
		want(b, "text", m.Content[0].Text, fakellm.Text(60))
		want(b, "stop", m.StopReason, "end_turn")
		want(b, "output", m.Usage.OutputTokens, 60)
	})
}

func TestOpenAIStream(t *testing.T) {
	bubble(t, fakellm.Config{Tokens: 3}, func(b *bed) {
		for _, path := range []string{chat, "/chat/completions"} {
			r := b.post(path, streamed("gpt-5.5", `"stream_options":{"include_usage":true}`), "authorization", "Bearer k", "x-api-key", "")
			got := read(r.body)
			want(b, "text", got.text, fakellm.Text(3))
			want(b, "stop", got.stop, "stop")
			want(b, "done", got.done, true)
			if !strings.Contains(got.usage, `"completion_tokens":3`) {
				b.Errorf("usage: %s", got.usage)
			}
			parts := strings.Split(strings.TrimSpace(r.body), "\n\n")
			want(b, "chunks", len(parts), 1+3+1+1+1)
			for i, part := range []string{`"role":"assistant"`, `"content":"w0"`, `"content":" w1"`, `"content":" w2"`,
				`"finish_reason":"stop"`, `"choices":[],"usage":{`, "[DONE]"} {
				if !strings.Contains(parts[i], part) {
					b.Errorf("chunk %d: %s lacks %s", i, parts[i], part)
				}
			}
		}
		if r := b.post(chat, streamed("gpt-5.5")); strings.Contains(r.body, "usage") {
			b.Error("usage that nobody asked for")
		}
	})
}

func TestSeveralChoices(t *testing.T) {
	bubble(t, fakellm.Config{Tokens: 2}, func(b *bed) {
		r := b.post(chat, prompt("gpt-5.5", `"n":3`))
		m := decode[struct {
			Choices []struct{ Message struct{ Content string } }
			Usage   struct {
				CompletionTokens int `json:"completion_tokens"`
			}
		}](b, r.body)
		want(b, "choices", len(m.Choices), 3)
		want(b, "content", m.Choices[2].Message.Content, fakellm.Text(2))
		want(b, "usage", m.Usage.CompletionTokens, 6)
		s := b.post(chat, streamed("gpt-5.5", `"n":3`))
		want(b, "streamed", read(s.body).text, "w0w0w0 w1 w1 w1")
		want(b, "finishes", strings.Count(s.body, `"finish_reason":"stop"`), 3)
		want(b, "tokens", b.last().Tokens, 6)
		b.post(messages, prompt("m", `"n":3`))
		want(b, "n means nothing to anthropic", b.last().Tokens, 2)
		want(b, "n: 0", b.post(chat, prompt("gpt-5.5", `"n":0`)).status, 400)
	})
}

func TestMaxTokens(t *testing.T) {
	bubble(t, fakellm.Config{}, func(b *bed) {
		body := func(model string) string {
			return `{"model":"` + model + `","max_tokens":7,"stream":true,"messages":[{"role":"user","content":"hi"}]}`
		}
		a, o := read(b.post(messages, body("m")).body), read(b.post(chat, body("m")).body)
		want(b, "anthropic", a.text+"|"+a.stop, fakellm.Text(7)+"|max_tokens")
		want(b, "openai", o.text+"|"+o.stop, fakellm.Text(7)+"|length")
		exact := strings.Replace(body("m"), "7", "60", 1)
		want(b, "exactly enough", read(b.post(messages, exact).body).stop, "end_turn")
	})
}

const weather = `"tools":[{"name":"weather","input_schema":{"type":"object","required":["city","days","unit"],"properties":` +
	`{"city":{"type":"string"},"days":{"type":"integer"},"unit":{"enum":["C","F"]},"note":{"type":"string"}}}}]`

func TestTools(t *testing.T) {
	type input struct {
		City string
		Days int
		Unit string
	}
	sample := input{fakellm.Text(3), 1, "C"}
	bubble(t, fakellm.Config{}, func(b *bed) {
		a := read(b.post(messages, streamed("m", weather, `"tool_choice":{"type":"any"}`)).body)
		want(b, "anthropic", decode[input](b, a.input), sample)
		want(b, "stop", a.stop, "tool_use")
		if !strings.Contains(strings.Join(a.events, " "), "content_block_start ping content_block_delta") {
			b.Errorf("events: %v", a.events)
		}
		o := read(b.post(chat, streamed("m", weatherFunction, `"tool_choice":"required"`)).body)
		want(b, "openai", decode[input](b, o.input), sample)
		want(b, "finish", o.stop, "tool_calls")

		plain := decode[struct {
			Content []struct {
				Type, Name string
				Input      input
			}
		}](b, b.post(messages, prompt("m", weather, `"messages":[{"role":"user","content":[{"type":"text","text":"Use tool now"}]}]`)).body)
		want(b, "by word", plain.Content[0].Name, "weather")
		want(b, "its input", plain.Content[0].Input, sample)
		chosen := b.post(chat, prompt("m", weatherFunction, `"tool_choice":{"type":"function","function":{"name":"weather"}}`))
		if !strings.Contains(chosen.body, `"tool_calls":[{"id":`) {
			b.Errorf("by name: %s", chosen.body)
		}
		want(b, "unasked", read(b.post(messages, streamed("m", weather)).body).text, fakellm.Text(60))
		none := read(b.post(chat, streamed("m", weatherFunction, `"tool_choice":"none"`, `"messages":[{"role":"user","content":"use tool"}]`)).body)
		want(b, "none", none.text, fakellm.Text(60))
		result := read(b.post(messages, streamed("m", weather, `"messages":[{"role":"user","content":"use tool"},`+
			`{"role":"user","content":[{"type":"tool_result","content":"use tool"}]}]`)).body)
		want(b, "after the result", result.stop, "end_turn")
		accents := `"tools":[{"name":"t","input_schema":{"required":["a"],"properties":{"a":{"enum":["ééééééé日本語"]}}}}],"tool_choice":{"type":"any"}`
		want(b, "no character is split", read(b.post(messages, streamed("m", accents)).body).input, `{"a":"ééééééé日本語"}`)
		cut := `{"model":"m","max_tokens":2,"messages":[{"role":"user","content":"x"}],"tool_choice":{"type":"tool","name":"weather"},` + weather + "}"
		if r := b.post(messages, cut); !json.Valid([]byte(r.body)) || !strings.Contains(r.body, `"input":{}`) {
			b.Errorf("cut by max_tokens: %s", r.body)
		}
	})
}

func TestThinking(t *testing.T) {
	bubble(t, fakellm.Config{Tokens: 4}, func(b *bed) {
		for _, kind := range []string{"enabled", "adaptive"} {
			r := b.post(messages, streamed("m", `"thinking":{"type":"`+kind+`"}`))
			got := read(r.body)
			want(b, "thinking", got.thinking, fakellm.Thinking())
			want(b, "text", got.text, fakellm.Text(4))
			want(b, "signed", strings.Count(r.body, "signature_delta"), 1)
			if strings.Index(r.body, "signature_delta") > strings.Index(r.body, "text_delta") {
				b.Error("the signature must close the thinking block, before the text")
			}
		}
		off := b.post(messages, prompt("m", `"thinking":{"type":"disabled"}`))
		if strings.Contains(off.body, "thinking") {
			b.Error("thought although disabled")
		}
	})
}

func TestPrefill(t *testing.T) {
	ending := func(text string, more ...string) string {
		return streamed("m", append(more, `"messages":[{"role":"user","content":"hi"},{"role":"assistant","content":`+quoted(text)+`}]`)...)
	}
	bubble(t, fakellm.Config{}, func(b *bed) {
		sent := fakellm.Text(40)
		want(b, "continued", sent+read(b.post(messages, ending(sent)).body).text, fakellm.Text(60))
		want(b, "tokens", b.last().Tokens, 20)
		want(b, "foreign text", read(b.post(messages, ending("Once upon")).body).text, fakellm.Text(60))
		all := read(b.post(messages, ending(fakellm.Text(60))).body)
		want(b, "nothing left", all.text+all.stop, "end_turn")
		want(b, "trailing space", b.post(messages, ending("w0 ")).status, 400)
		want(b, "openai starts anew", read(b.post(chat, ending(sent)).body).text, fakellm.Text(60))
		vllm := read(b.post(chat, ending(sent, `"continue_final_message":true`)).body).text
		want(b, "openai on demand", sent+vllm, fakellm.Text(60))
	})
}

func TestInvalidRequests(t *testing.T) {
	hi := `"messages":[{"role":"user","content":"hi"}]`
	tests := []struct{ name, path, body, message string }{
		{"broken", messages, `{"model":`, "not valid JSON"},
		{"no model", messages, `{"max_tokens":1,` + hi + `}`, "model: Field required"},
		{"no messages", messages, `{"model":"m","max_tokens":1}`, "messages: Field required"},
		{"empty messages", messages, `{"model":"m","max_tokens":1,"messages":[]}`, "at least one message"},
		{"no max_tokens", messages, `{"model":"m",` + hi + `}`, "max_tokens: Field required"},
		{"max_tokens 0", messages, `{"model":"m","max_tokens":0,` + hi + `}`, "max_tokens: Input"},
		{"wrong type", messages, `{"model":"m","max_tokens":"1",` + hi + `}`, "max_tokens: Input should be a valid int"},
		{"openai broken", chat, `]`, "not valid JSON"},
		{"openai no model", chat, `{` + hi + `}`, "model parameter"},
		{"openai no messages", chat, `{"model":"m"}`, "Missing required parameter: 'messages'"},
		{"openai max_tokens 0", chat, `{"model":"m","max_completion_tokens":0,` + hi + `}`, "below minimum"},
		{"no input", "/v1/embeddings", `{"model":"m"}`, "'input'"},
		{"misspelt fault", messages, prompt("claude:fail-abc"), "fail-abc"},
	}
	bubble(t, fakellm.Config{}, func(b *bed) {
		for _, tt := range tests {
			r := b.post(tt.path, tt.body)
			e := decode[struct {
				Error struct{ Type, Message string }
			}](b, r.body).Error
			want(b, tt.name+": status", r.status, 400)
			want(b, tt.name+": type", e.Type, "invalid_request_error")
			want(b, tt.name+": fault", b.last().Fault, "invalid")
			if !strings.Contains(e.Message, tt.message) {
				b.Errorf("%s: message %q lacks %q", tt.name, e.Message, tt.message)
			}
		}
		big := b.post(messages, strings.Repeat(" ", 33<<20))
		want(b, "33 MiB", big.status, http.StatusRequestEntityTooLarge)
	})
}

func TestKeys(t *testing.T) {
	bubble(t, fakellm.Config{Keys: map[string]string{"web": "sk-web"}}, func(b *bed) {
		r := b.post(messages, prompt("m"))
		want(b, "unknown key", r.status, 401)
		want(b, "type", decode[struct{ Error struct{ Type string } }](b, r.body).Error.Type, "authentication_error")
		want(b, "named by its hash", len(b.last().Key), 8)
		want(b, "no key", b.post(chat, prompt("m"), "x-api-key", "").status, 401)
		want(b, "x-api-key", b.post(messages, prompt("m"), "x-api-key", "sk-web").status, 200)
		want(b, "bearer", b.post(chat, prompt("m"), "x-api-key", "", "authorization", "bearer sk-web").status, 200)
		want(b, "name", b.last().Key, "web")
	})
	bubble(t, fakellm.Config{}, func(b *bed) {
		want(b, "any key", b.post(messages, prompt("m")).status, 200)
		want(b, "but one", b.post(messages, prompt("m"), "x-api-key", "").status, 401)
	})
}

func TestSideCalls(t *testing.T) {
	get := func(b *bed, path string, header ...string) result {
		return b.send(b.Context(), http.MethodGet, path, "", header...)
	}
	bubble(t, fakellm.Config{}, func(b *bed) {
		count := b.post(messages+"/count_tokens", `{"model":"m","messages":[{"role":"user","content":"hi"}]}`)
		want(b, "count_tokens", count.body, `{"input_tokens":14}`)
		ids := decode[struct{ Data []struct{ ID string } }](b, get(b, "/v1/models?limit=1000", "anthropic-version", "2023-06-01").body)
		want(b, "anthropic", ids.Data[0].ID, "claude-opus-5-5")
		if r := get(b, "/models"); !strings.Contains(r.body, `"object":"list"`) {
			b.Errorf("openai models: %s", r.body)
		}
		want(b, "one", get(b, "/v1/models/claude-haiku-5-5", "anthropic-version", "2023-06-01").status, 200)
		want(b, "none", get(b, "/v1/models/gone", "anthropic-version", "2023-06-01").status, 404)
		want(b, "path", b.post("/v1/nothing", "{}").status, 404)
		want(b, "get path", get(b, "/v1/nothing").status, 404)
		want(b, "method", b.send(b.Context(), http.MethodDelete, messages, "").status, 405)
		want(b, "HEAD /", b.send(b.Context(), http.MethodHead, "/", "", "x-api-key", "").status, 200)
		e := b.post("/v1/embeddings", `{"model":"m","input":["a","b"]}`)
		if strings.Count(e.body, `"embedding":[0.5,`) != 2 {
			b.Errorf("embeddings: %s", e.body)
		}
		e = b.post("/v1/embeddings", `{"model":"m","input":[1,2],"encoding_format":"base64"}`)
		want(b, "base64", strings.Count(e.body, `"embedding":"AAAAPwAAAL8AAAA/AAAAvw=="`), 1)
		want(b, "a fault on a side call", b.post("/v1/embeddings", `{"model":"fail-503","input":"x"}`).status, 503)
	})
	bubble(t, fakellm.Config{Models: []string{"only"}}, func(b *bed) {
		if r := get(b, "/v1/models"); !strings.Contains(r.body, `[{"id":"only"`) {
			b.Errorf("configured: %s", r.body)
		}
	})
}
