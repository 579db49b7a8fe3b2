package fakellm_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"testing"

	"fairlead.dev/fakellm"
)

// Whatever is asked, the events of a stream follow the API's grammar. The
// readers below are stricter than any SDK.
func TestStreamsFollowTheProtocol(t *testing.T) {
	requests := map[string][]string{
		"text":                {},
		"one token":           {`"max_tokens":1`},
		"thinking":            {`"thinking":{"type":"adaptive"}`},
		"thinking, cut":       {`"thinking":{"type":"enabled"}`, `"max_tokens":3`},
		"cut behind thinking": {`"thinking":{"type":"enabled"}`, `"max_tokens":5`},
		"usage":               {`"stream_options":{"include_usage":true}`},
		"several":             {`"n":3`, `"stream_options":{"include_usage":true}`},
		"prefill":             {`"messages":[{"role":"user","content":"a"},{"role":"assistant","content":"w0"}]`},
		"nothing left":        {`"messages":[{"role":"user","content":"a"},{"role":"assistant","content":` + quoted(fakellm.Text(60)) + `}]`},
	}
	faults := []string{"m", "refuse", "empty", "huge-line-5000", "slow-tokens-1ms", "claude-x/ok"}
	bubble(t, fakellm.Config{}, func(b *bed) {
		for name, more := range requests {
			for _, fault := range faults {
				checkStreams(b, name+", "+fault, fault, more)
			}
		}
		for _, n := range []string{"1", "2", "4"} {
			checkStreams(b, "tools, n "+n, "m", []string{`"n":` + n}, forced)
		}
	})
}

func checkStreams(b *bed, name, model string, more []string, by ...func(path string) []string) {
	b.Helper()
	checks := map[string]func(body string) error{messages: anthropicGrammar, chat: openaiGrammar}
	for path, check := range checks {
		all := more
		for _, f := range by {
			all = append(append([]string(nil), all...), f(path)...)
		}
		r := b.post(path, streamed(model, all...))
		if err := check(r.body); err != nil || r.err != nil {
			b.Errorf("%s %s: %v, %v\n%s", name, path, err, r.err, r.body[:min(len(r.body), 2000)])
		}
	}
}

// anthropicGrammar: start (block start, deltas of its kind, block stop)* delta
// stop; blocks are numbered; the usage at the end counts the deltas.
func anthropicGrammar(body string) error {
	state, index, kind, tokens := "", 0, "", 0
	deltas := map[string]string{"text": "text_delta", "thinking": "thinking_delta", "tool_use": "input_json_delta"}
	for part := range strings.SplitSeq(strings.TrimSuffix(body, "\n\n"), "\n\n") {
		var e struct {
			Type         string
			Index        int
			ContentBlock struct{ Type, ID, Name string } `json:"content_block"`
			Delta        struct {
				Type        string
				PartialJSON *string `json:"partial_json"`
				StopReason  string  `json:"stop_reason"`
			}
			Usage   struct{ Output_tokens int }
			Message struct{ Usage struct{ Input_tokens int } }
		}
		name, data, _ := strings.Cut(strings.TrimPrefix(part, "event: "), "\ndata: ")
		if err := json.Unmarshal([]byte(data), &e); err != nil || e.Type != name {
			return fmt.Errorf("event %s: type %s: %w", name, e.Type, err)
		}
		switch step := state + ">" + name; {
		case step == ">message_start" && e.Message.Usage.Input_tokens > 0:
			state = "open"
		case step == "open>ping", step == "block>ping":
		case step == "open>content_block_start" && e.Index == index && (e.ContentBlock.ID != "") == (e.ContentBlock.Type == "tool_use"):
			state, kind = "block", e.ContentBlock.Type
		case step == "block>content_block_delta" && e.Index == index && e.Delta.Type == deltas[kind]:
			if e.Delta.PartialJSON == nil || *e.Delta.PartialJSON != "" {
				tokens++
			}
		case step == "block>content_block_delta" && kind == "thinking" && e.Delta.Type == "signature_delta":
			kind = "signed"
		case step == "block>content_block_stop" && e.Index == index && kind != "thinking":
			state, index = "open", index+1
		case step == "open>message_delta" && e.Delta.StopReason != "":
			state = "over"
			if d := tokens - e.Usage.Output_tokens; d != 0 && d != 1 { // a huge line is one more
				return fmt.Errorf("%d deltas, %d tokens", tokens, e.Usage.Output_tokens)
			}
		case step == "over>message_stop":
			state = "done"
		default:
			return fmt.Errorf("%s in a block of %s, index %d of %d: %s", step, kind, e.Index, index, data[:min(len(data), 200)])
		}
	}
	if state != "done" {
		return errors.New("no message_stop")
	}
	return nil
}

// openaiGrammar: for each choice role, deltas, finish; then the usage; then the
// marker. All chunks are of one answer.
func openaiGrammar(body string) error {
	type choice struct{ role, finish, call string }
	choices := map[int]*choice{}
	id, over, calls := "", false, map[string]bool{}
	parts := strings.Split(strings.TrimSuffix(body, "\n\n"), "\n\n")
	for i, part := range parts {
		data := strings.TrimPrefix(part, "data: ")
		if i == len(parts)-1 {
			if data != "[DONE]" {
				return fmt.Errorf("the end is %s", data)
			}
			break
		}
		var c chatChunk
		if err := json.Unmarshal([]byte(data), &c); err != nil {
			return err
		}
		one := fmt.Sprint(c.ID, c.Object, c.Created, c.Model)
		if id == "" {
			id = one
		}
		if one != id || c.Object != "chat.completion.chunk" || over {
			return fmt.Errorf("a chunk of another answer, or after the usage: %s", data)
		}
		over = len(c.Choices) == 0 && c.Usage != nil
		for _, in := range c.Choices {
			ch := choices[in.Index]
			if ch == nil {
				ch = &choice{role: in.Delta.Role}
				choices[in.Index] = ch
			}
			if ch.role != "assistant" || ch.finish != "" {
				return fmt.Errorf("choice %d has role %q and ended by %q: %s", in.Index, ch.role, ch.finish, data)
			}
			for _, call := range in.Delta.ToolCalls {
				if call.ID != "" && (ch.call != "" || calls[call.ID] || call.Function.Name == "") {
					return fmt.Errorf("a second call %q: %s", call.ID, data)
				}
				if ch.call += call.ID; ch.call == "" {
					return fmt.Errorf("arguments before their call: %s", data)
				}
				calls[ch.call] = true
			}
			ch.finish = in.FinishReason
		}
	}
	for i, ch := range choices {
		if ch.finish == "" || (ch.finish == "tool_calls") != (ch.call != "") {
			return fmt.Errorf("choice %d ended by %q with call %q", i, ch.finish, ch.call)
		}
	}
	return nil
}

// chatChunk is a chunk of a stream in the words of OpenAI.
type chatChunk struct {
	ID, Object, Model string
	Created           int64
	Usage             *struct{ Completion_tokens int }
	Choices           []struct {
		Index int
		Delta struct {
			Role      string
			ToolCalls []struct {
				ID       string
				Function struct{ Name, Arguments string }
			} `json:"tool_calls"`
		}
		FinishReason string `json:"finish_reason"`
	}
}

// The readers notice when an event is missing, or two change places.
func TestGrammarsAreStrict(t *testing.T) {
	bubble(t, fakellm.Config{Tokens: 2}, func(b *bed) {
		parts := strings.SplitAfter(b.post(messages, streamed("m", `"thinking":{"type":"enabled"}`)).body, "\n\n")
		parts = parts[:len(parts)-1]
		for i, gone := range parts {
			rest := strings.Join(parts[:i], "") + strings.Join(parts[i+1:], "")
			want(b, "without "+gone, anthropicGrammar(rest) == nil, strings.Contains(gone, "event: ping"))
		}
		for i := range len(parts) - 1 {
			if pair := parts[i] + parts[i+1]; strings.Count(pair, "content_block_delta\n")+strings.Count(pair, "event: ping") < 2 {
				swapped := strings.Join(parts[:i], "") + parts[i+1] + parts[i] + strings.Join(parts[i+2:], "")
				want(b, "swapped: "+pair, anthropicGrammar(swapped) == nil, strings.HasPrefix(parts[i+1], "event: ping"))
			}
		}
		body := b.post(chat, streamed("m", `"n":2`, weatherFunction, `"tool_choice":"required"`)).body
		for _, cut := range []string{`"role":"assistant",`, "data: [DONE]\n\n", `"name":"weather",`, `"finish_reason":"tool_calls"`, `"id":"call_fake000002_1",`} {
			rest := strings.Replace(body, cut, map[bool]string{true: `"finish_reason":null`}[strings.HasPrefix(cut, `"finish`)], 1)
			want(b, "without "+cut, openaiGrammar(rest) == nil && rest != body, false)
		}
	})
}

// The blocks and usage of a plain answer and of a streamed one are the same.
func TestPlainAndStreamedAgree(t *testing.T) {
	bubble(t, fakellm.Config{}, func(b *bed) {
		for _, more := range [][]string{nil, {`"max_tokens":9`}, {`"thinking":{"type":"enabled"}`}, forced(messages)} {
			got := read(b.post(messages, streamed("m", more...)).body)
			m := decode[struct {
				Content []struct {
					Text, Thinking string
					Input          json.RawMessage
				}
				StopReason string `json:"stop_reason"`
				Usage      struct {
					Output int `json:"output_tokens"`
				}
			}](b, b.post(messages, prompt("m", more...)).body)
			var text, thinking, input string
			for _, c := range m.Content {
				text, thinking, input = text+c.Text, thinking+c.Thinking, input+string(c.Input)
			}
			want(b, "text", text, got.text)
			want(b, "thinking", thinking, got.thinking)
			want(b, "input", input, got.input)
			want(b, "stop", m.StopReason, got.stop)
			want(b, "usage", strings.HasSuffix(got.usage, fmt.Sprintf(`"output_tokens":%d}`, m.Usage.Output)), true)
		}
		for _, n := range []string{"1", "3"} {
			more := []string{`"n":` + n}
			got := read(b.post(chat, streamed("m", append(more, `"stream_options":{"include_usage":true}`)...)).body)
			m := decode[chatChunk](b, b.post(chat, prompt("m", more...)).body)
			want(b, "openai usage", strings.Contains(got.usage, fmt.Sprintf(`"completion_tokens":%d,`, m.Usage.Completion_tokens)), true)
			want(b, "tokens", b.last().Tokens, m.Usage.Completion_tokens)
		}
	})
}
