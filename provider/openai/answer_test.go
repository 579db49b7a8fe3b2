package openai_test

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"fairlead.dev/event"
	"fairlead.dev/llm"
	"fairlead.dev/provider/openai"
	"fairlead.dev/provider/providertest"
)

// choice is one choice of a plain answer.
func choice(message, reason string) string {
	return `{"index":0,"message":` + message + `,"finish_reason":` + reason + `}`
}

// completion is a plain answer of these choices.
func completion(choices ...string) string {
	return `{"object":"chat.completion","model":"gpt-x","choices":[` + strings.Join(choices, ",") + `],"usage":{"prompt_tokens":12,"completion_tokens":3,"prompt_tokens_details":{"cached_tokens":4}}}`
}

// TestEveryPartOfAMessageIsAnAnswer, in a plain answer and in a stream alike; what
// holds nothing is none.
func TestEveryPartOfAMessageIsAnAnswer(t *testing.T) {
	for part, something := range map[string]bool{
		`{"content":"hi"}`:                                true,
		`{"content":[{"type":"text","text":"hi"}]}`:       true,
		`{"content":null,"reasoning_content":"hm"}`:       true,
		`{"reasoning":"hm"}`:                              true,
		`{"refusal":"no"}`:                                true,
		`{"tool_calls":[{"index":0,"id":"c"}]}`:           true,
		`{"function_call":{"name":"f"}}`:                  true,
		`{"audio":{"id":"a"}}`:                            true,
		`{"images":[{"type":"image_url"}]}`:               true,
		`{}`:                                              false,
		`{"role":"assistant","content":""}`:               false,
		`{"content":null,"refusal":null}`:                 false,
		`{"tool_calls":[],"function_call":{},"audio":{}}`: false,
		`{"content":[]}`:                                  false,
		`{"unheard_of":"x"}`:                              false,
	} {
		want := map[bool]event.Verdict{true: event.OK, false: event.Empty}[something]
		// Without a usage that shows tokens which nobody sees.
		body := strings.Replace(completion(choice(part, `"stop"`)), `"completion_tokens":3`, `"completion_tokens":0`, 1)
		if out := openai.New().Outcome(&llm.Request{Op: llm.Generate}, 200, nil, []byte(body), providertest.Now); out.Verdict != want {
			t.Errorf("%s: %s, want %s", part, out.Verdict, want)
		}
		s, _ := read(1, role, delta(0, part), finish(0, "stop"), done)
		if kinds := map[bool]string{true: "lClE", false: "lllE"}[something]; s.Out.Verdict != want || strings.Replace(s.Kinds, "T", "C", 1) != kinds {
			t.Errorf("%s in a stream: %v, want %s %s", part, s, kinds, want)
		}
	}
}

// TestEveryFinishReason, with something said and with nothing.
func TestEveryFinishReason(t *testing.T) {
	for reason, wants := range map[string][2]event.Verdict{
		"stop":                         {event.OK, event.Empty},
		"tool_calls":                   {event.OK, event.Empty},
		"function_call":                {event.OK, event.Empty},
		"length":                       {event.OK, event.OK}, // the usage shows that the model worked
		"content_filter":               {event.Refused, event.Refused},
		"error":                        {event.ServerError, event.ServerError},
		"insufficient_system_resource": {event.Overloaded, event.Overloaded},
		"from_the_future":              {event.OK, event.Empty},
	} {
		for i, message := range []string{`{"content":"hi"}`, `{"content":""}`} {
			body := completion(choice(message, `"`+reason+`"`))
			out := openai.New().Outcome(&llm.Request{Op: llm.Generate}, 200, nil, []byte(body), providertest.Now)
			if out.Verdict != wants[i] {
				t.Errorf("%s with %s: %s, want %s", reason, message, out.Verdict, wants[i])
			}
			s, d := read(1, role, delta(0, message), finish(0, reason), usage, done)
			if s.Out.Verdict != wants[i] || d.StopReason() != reason {
				t.Errorf("%s with %s in a stream: %v, stopped by %q", reason, message, s, d.StopReason())
			}
			if cut, _ := read(1, role, delta(0, message), finish(0, reason), usage); cut.Out.Verdict != wants[i] {
				t.Errorf("%s with %s and an orderly end: %v", reason, message, cut)
			}
		}
	}
	for _, none := range []string{"null", `""`, "7", "{}"} {
		body := completion(choice(`{"content":"hi"}`, none))
		if out := openai.New().Outcome(&llm.Request{Op: llm.Generate}, 200, nil, []byte(body), providertest.Now); out.Verdict != event.Truncated {
			t.Errorf("finish_reason %s: %s", none, out.Verdict)
		}
	}
}

// TestSeveralChoices: every one must end; a refused one beside a good one is no
// matter, a broken one is.
func TestSeveralChoices(t *testing.T) {
	good, filtered, open, failed := choice(`{"content":"a"}`, `"stop"`), choice(`{}`, `"content_filter"`), choice(`{"content":"a"}`, "null"), choice(`{"content":"a"}`, `"error"`)
	for name, row := range map[string]struct {
		choices []string
		want    event.Verdict
	}{
		"all good":        {[]string{good, good, good}, event.OK},
		"one is filtered": {[]string{good, filtered}, event.OK},
		"all filtered":    {[]string{filtered, filtered}, event.Refused},
		"one is open":     {[]string{good, open}, event.Truncated},
		"one failed":      {[]string{good, failed, filtered}, event.ServerError},
		"failed and open": {[]string{open, failed}, event.ServerError},
	} {
		if out := openai.New().Outcome(&llm.Request{Op: llm.Generate}, 200, nil, []byte(completion(row.choices...)), providertest.Now); out.Verdict != row.want {
			t.Errorf("%s: %s, want %s", name, out.Verdict, row.want)
		}
	}
	var all []string
	for i := range 128 {
		all = append(all, delta(i, `{"content":"a"}`), finish(i, "stop"))
	}
	if s, _ := read(128, all...); s.Out.Verdict != event.OK {
		t.Errorf("128 choices: %v", s.Out)
	}
	if s, _ := read(128, all[:len(all)-1]...); s.Out.Verdict != event.Truncated {
		t.Errorf("127 of 128 choices: %v", s.Out)
	}
	if s, _ := read(2, finish(0, "stop"), finish(-1, "stop"), finish(500, "stop")); s.Out.Verdict != event.Truncated {
		t.Errorf("choices that nobody asked for: %v", s.Out)
	}
	// Only the first choice's text is the answer's, whichever comes first.
	if s, _ := read(2, delta(1, `{"content":"b"}`), delta(0, `{"content":"a"}`), delta(1, `{"content":"c"}`), done); s.Text != "a" || s.Kinds != "CCCE" {
		t.Errorf("%v", s)
	}
}

// TestUsage: what came from the cache is counted apart, what is no count is none,
// and the latest chunk counts.
func TestUsage(t *testing.T) {
	for raw, want := range map[string]event.Usage{
		`{"prompt_tokens":12,"completion_tokens":3,"prompt_tokens_details":{"cached_tokens":4}}`:   {Input: 8, Output: 3, CacheRead: 4},
		`{"prompt_tokens":12,"completion_tokens":3}`:                                               {Input: 12, Output: 3},
		`{"prompt_tokens":12,"completion_tokens":3,"prompt_tokens_details":null}`:                  {Input: 12, Output: 3},
		`{"prompt_tokens":2,"prompt_tokens_details":{"cached_tokens":4}}`:                          {CacheRead: 4},
		`{"prompt_tokens":-5,"completion_tokens":-1,"prompt_tokens_details":{"cached_tokens":-4}}`: {},
		`{"prompt_tokens":1.5,"completion_tokens":99999999999999999999}`:                           {},
		`null`: {}, `[]`: {}, `{}`: {},
	} {
		body := `{"choices":[` + choice(`{"content":"a"}`, `"stop"`) + `],"usage":` + raw + `}`
		if out := openai.New().Outcome(&llm.Request{Op: llm.Generate}, 200, nil, []byte(body), providertest.Now); out.Usage != want {
			t.Errorf("%s: %+v", raw, out.Usage)
		}
		if _, d := read(1, `data: {"choices":[],"usage":`+raw+"}\n\n"); d.Usage() != want {
			t.Errorf("%s in a stream: %+v", raw, d.Usage())
		}
	}
	grow := func(n int) string { // vLLM, continuous_usage_stats
		return fmt.Sprintf("data: {\"choices\":[{\"index\":0,\"delta\":{\"content\":\"a\"}}],\"usage\":{\"prompt_tokens\":5,\"completion_tokens\":%d}}\n\n", n)
	}
	if _, d := read(1, grow(1), grow(2), grow(3)); d.Usage() != (event.Usage{Input: 5, Output: 3}) {
		t.Errorf("growing: %+v", d.Usage())
	}
}

// TestPromptsAndAnswersRoundTrip: every text arrives as it was meant.
func TestPromptsAndAnswersRoundTrip(t *testing.T) {
	for _, text := range []string{"", "hi", "a \"b\"\\ \n\t\x00", "é 你 😀 <b>&", strings.Repeat("x", 100_000)} {
		r, err := openai.New().Encode(llm.Prompt{Model: "m", System: text, Messages: []llm.Message{{Role: "user", Text: text}, {Role: "assistant", Text: text}}})
		if err != nil {
			t.Fatal(err)
		}
		var sent struct {
			Messages []struct{ Role, Content string }
		}
		if err := json.Unmarshal(r.Body, &sent); err != nil {
			t.Fatal(err)
		}
		roles := "user assistant"
		if text != "" {
			roles = "system user assistant"
		}
		var got []string
		for _, m := range sent.Messages {
			if got = append(got, m.Role); m.Content != text {
				t.Errorf("%.20q: %.20q", text, m.Content)
			}
		}
		if strings.Join(got, " ") != roles {
			t.Errorf("%.20q: roles %q", text, got)
		}
		quoted, _ := json.Marshal(text)
		resp, err := openai.New().Decode([]byte(completion(choice(`{"content":`+string(quoted)+`}`, `"stop"`), choice(`{"content":"second"}`, `"stop"`))))
		if err != nil || resp.Text != text || resp.Model != "gpt-x" || resp.StopReason != "stop" || resp.Usage != (event.Usage{Input: 8, Output: 3, CacheRead: 4}) {
			t.Errorf("%.20q: %v, %+v", text, err, resp)
		}
	}
	if resp, err := openai.New().Decode([]byte(completion(choice(`{"content":null,"refusal":"no"}`, `"stop"`)))); err != nil || resp.Text != "no" {
		t.Errorf("a refusal: %v, %+v", err, resp)
	}
	for body, good := range map[string]bool{completion(choice(`{"content":"\ud83d"}`, `"stop"`)): true, `{"choices":[{}]}`: true, `{"choices":[]}`: false, `{}`: false, `[]`: false, `{"choices":[`: false, ``: false} {
		if _, err := openai.New().Decode([]byte(body)); (err == nil) != good {
			t.Errorf("%s: %v", body, err)
		}
	}
}
