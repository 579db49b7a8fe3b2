package fakellm_test

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"time"

	"fairlead.dev/fakellm"
)

// forced makes a request call the tool weather, in either dialect.
func forced(path string) []string {
	if path == chat {
		return []string{weatherFunction, `"tool_choice":"required"`}
	}
	return []string{weather, `"tool_choice":{"type":"any"}`}
}

// weatherFunction is weather in OpenAI's words.
var weatherFunction = strings.NewReplacer(`{"name"`, `{"type":"function","function":{"name"`, "input_schema", "parameters", "}}]", "}}}]").Replace(weather)

// A plain answer is cut at the end of the k-th token, whatever it is made of.
func TestPlainAnswersAreCutAtTheirToken(t *testing.T) {
	const input = `{"city":"w0 w1 w2","days":1,"unit":"C"}`
	tests := []struct {
		name, path string
		k          int
		more       []string
		want       string // what the body ends in
	}{
		{"nothing", messages, 0, nil, `"text":"`},
		{"text", messages, 3, nil, `"text":"w0 w1 w2`},
		{"all of the text", messages, 60, nil, `"text":"` + fakellm.Text(60)},
		{"thinking", messages, 2, []string{`"thinking":{"type":"enabled"}`}, `"thinking":"t0 t1`},
		{"behind the thinking", messages, 7, []string{`"thinking":{"type":"enabled"}`}, `"text":"w0 w1`},
		{"a tool's input", messages, 2, forced(messages), `"input":` + input[:12]},
		{"a tool's arguments", chat, 2, forced(chat), `"arguments":"` + strings.ReplaceAll(input[:12], `"`, `\"`)},
		{"the first of three", chat, 60, []string{`"n":3`}, `"content":"` + fakellm.Text(60)},
		{"the second of three", chat, 62, []string{`"n":3`}, `"index":1,"message":{"role":"assistant","content":"w0 w1`},
		{"the third of three", chat, 180, []string{`"n":3`}, `"index":2,"message":{"role":"assistant","content":"` + fakellm.Text(60)},
		{"input that max_tokens cut", messages, 1, append(forced(messages), `"max_tokens":1`), `"input":{}}],"`},
	}
	bubble(t, fakellm.Config{}, func(b *bed) {
		for _, tt := range tests {
			for _, fault := range []string{"close", "cut", "malformed"} {
				r := b.post(tt.path, prompt(fmt.Sprintf("%s-after-%d", fault, tt.k), tt.more...))
				if !strings.HasSuffix(r.body, tt.want) {
					b.Errorf("%s, %s: %q does not end in %q", tt.name, fault, r.body, tt.want)
				}
				want(b, tt.name+": tokens", b.last().Tokens, tt.k)
				want(b, tt.name+": broken off", r.err != nil, fault == "cut")
			}
		}
	})
}

// The text of an answer may stand elsewhere in its body, too.
func TestPlainAnswersAreCutInTheirText(t *testing.T) {
	for _, text := range []string{"message", "m", `te"xt`, "content", "fake000001"} {
		cfg := fakellm.Config{Script: script(t, `{"rules": [{"fault": {"text": `+quoted(text)+`, "do": "close", "at": 1}}]}`)}
		bubble(t, cfg, func(b *bed) {
			escaped := strings.Trim(quoted(text), `"`)
			want(b, text, strings.HasSuffix(b.post(messages, prompt("m")).body, `"text":"`+escaped), true)
			want(b, text, strings.HasSuffix(b.post(chat, prompt("m")).body, `"content":"`+escaped), true)
		})
	}
}

// A k that is never reached leaves the answer healthy, streamed or not.
func TestFaultsBeyondTheEnd(t *testing.T) {
	bubble(t, fakellm.Config{}, func(b *bed) {
		for _, path := range []string{messages, chat} {
			for _, fault := range []string{"stall", "cut", "close", "error", "malformed"} {
				for k, healthy := range map[int]bool{60: false, 61: true, 1000: true} {
					name := fmt.Sprintf("%s-after-%d", fault, k)
					plain := b.within(time.Hour, path, prompt(name))
					want(b, "plain "+name, plain.status == 200 && plain.err == nil && json.Valid([]byte(plain.body)), healthy)
					want(b, "logged", b.last().Fault, name)
					stream := b.within(time.Hour, path, streamed(name))
					got := read(stream.body)
					want(b, "streamed "+name, stream.err == nil && got.done && got.failed == "" && got.broken == 0, healthy)
				}
			}
		}
		ending := `"messages":[{"role":"user","content":"hi"},{"role":"assistant","content":` + quoted(fakellm.Text(40)) + `}]`
		rest := b.post(messages, streamed("cut-after-40", ending))
		want(b, "the rest is shorter than k", fakellm.Text(40)+read(rest.body).text, fakellm.Text(60))
	})
}

// An error after k tokens costs a plain request the time of its answer.
func TestErrorAfterIsLate(t *testing.T) {
	cfg := fakellm.Config{Tokens: 11, TTFT: 2 * time.Second, PerToken: 100 * time.Millisecond}
	bubble(t, cfg, func(b *bed) {
		r := b.post(messages, prompt("error-after-11"))
		want(b, "status", r.status, 529)
		want(b, "took", r.opened, 3*time.Second)
		want(b, "no tokens came", b.last().Tokens, 0)
		want(b, "a side call has no tokens", b.post(messages+"/count_tokens", prompt("error-after-0")).status, 200)
	})
}

// A huge line is one event that clients understand, of exactly so many bytes,
// and the answer is whole.
func TestHugeLines(t *testing.T) {
	bubble(t, fakellm.Config{}, func(b *bed) {
		for _, path := range []string{messages, chat} {
			for _, more := range [][]string{nil, {`"thinking":{"type":"enabled"}`}, forced(path)} {
				for _, size := range []int{1000, 65536, 300_000} {
					name := fmt.Sprintf("huge-line-%d", size)
					healthy := read(b.post(path, streamed("m", more...)).body)
					got := read(b.post(path, streamed(name, more...)).body)
					want(b, "longest", got.longest, size)
					want(b, "text", strings.TrimLeft(got.text, " "), healthy.text)
					want(b, "thinking", strings.TrimLeft(got.thinking, " "), healthy.thinking)
					want(b, "input", strings.TrimLeft(got.input, " "), healthy.input)
					want(b, "done", got.done, true)

					r := b.post(path, prompt(name, more...))
					plain := b.post(path, prompt("m", more...)).body
					want(b, "size", len(r.body), size)
					want(b, "valid", json.Valid([]byte(r.body)), true)
					at := strings.Index(plain, `"content":`)
					want(b, "answer", strings.Contains(r.body, plain[at:at+40]), true)
				}
			}
			short := b.post(path, streamed("huge-line-1"))
			want(b, "never shorter than its event", read(short.body).text, fakellm.Text(60))
			want(b, "tokens", b.last().Tokens, 60)
		}
	})
}

// An error inside a 200, as some hosts send it.
func TestErrorsInsideAnAnswer(t *testing.T) {
	cfg := fakellm.Config{Script: script(t, `{"rules": [
		{"match": {"model": "type"}, "fault": {"status": 200, "type": "overloaded_error", "message": "busy"}},
		{"match": {"model": "body"}, "fault": {"body": {"fine": true}}}
	]}`)}
	bubble(t, cfg, func(b *bed) {
		for fault, kind := range map[string]string{"fail-200": "api_error", "type": "overloaded_error"} {
			r := b.post(messages, prompt(fault))
			want(b, fault, r.status, 200)
			want(b, fault, decode[struct{ Error struct{ Type string } }](b, r.body).Error.Type, kind)
		}
		want(b, "openai", decode[struct{ Error struct{ Type string } }](b, b.post(chat, prompt("fail-200")).body).Error.Type, "server_error")
		want(b, "body", b.post(chat, prompt("body")).body, `{"fine": true}`)
		want(b, "a redirect", b.post(chat, prompt("fail-304")).status, 304)
	})
}
