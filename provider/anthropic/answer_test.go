package anthropic_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"testing"

	"fairlead.dev/event"
	"fairlead.dev/llm"
	"fairlead.dev/provider/anthropic"
	"fairlead.dev/provider/providertest"
)

// whole is a plain answer of these blocks that stopped for this reason.
func whole(stop string, blocks ...string) string {
	return `{"type":"message","role":"assistant","model":"claude-x","content":[` + strings.Join(blocks, ",") + `],"stop_reason":` + stop +
		`,"usage":{"input_tokens":9,"cache_read_input_tokens":5,"cache_creation_input_tokens":3,"output_tokens":7}}`
}

func TestWholeAnswers(t *testing.T) {
	const empty = `{"type":"text","text":""}`
	for name, row := range map[string]struct {
		body string
		want event.Verdict
	}{
		"text":                    {whole(`"end_turn"`, said), event.OK},
		"a tool":                  {whole(`"tool_use"`, called), event.OK},
		"thinking alone":          {whole(`"end_turn"`, thought), event.OK},
		"a block of the future":   {whole(`"end_turn"`, `{"type":"hologram"}`), event.OK},
		"text after nothing":      {whole(`"end_turn"`, empty, said), event.OK},
		"cut by the limit":        {whole(`"max_tokens"`, said), event.OK},
		"a reason of the future":  {whole(`"bored"`, said), event.OK},
		"a pause":                 {whole(`"pause_turn"`, said), event.OK},
		"a stop sequence first":   {whole(`"stop_sequence"`), event.OK},
		"nothing":                 {whole(`"end_turn"`), event.Empty},
		"no text":                 {whole(`"end_turn"`, empty, empty), event.Empty},
		"nothing within 500":      {whole(`"max_tokens"`), event.Empty},
		"a refusal":               {whole(`"refusal"`), event.Refused},
		"a refusal that says why": {whole(`"refusal"`, said), event.Refused},
		"a full window":           {whole(`"model_context_window_exceeded"`), event.TooLarge},
		"text to a full window":   {whole(`"model_context_window_exceeded"`, said), event.OK},
		"no reason":               {whole(`null`, said), event.Truncated},
		"an empty reason":         {whole(`""`, said), event.Truncated},
		"a reason that is none":   {whole(`7`, said), event.Truncated},
		"half a surrogate pair":   {whole(`"end_turn"`, `{"type":"text","text":"\ud83d"}`), event.OK},
		"an error":                {`{"type":"error","error":{"type":"overloaded_error","message":"m"}}`, event.Overloaded},
		"an error without words":  {`{"type":"error"}`, event.ServerError},
		"another API's answer":    {`{"object":"chat.completion","choices":[{"finish_reason":"stop"}]}`, event.Truncated},
		"content that is a word":  {`{"type":"message","content":"hi","stop_reason":"end_turn"}`, event.Empty},
		"cut off":                 {whole(`"end_turn"`, said)[:90], event.ServerError},
		"two answers":             {whole(`"end_turn"`, said) + whole(`"end_turn"`, said), event.ServerError},
		"a stream":                {start() + stop("end_turn") + end, event.ServerError},
	} {
		r := &llm.Request{Op: llm.Generate, MaxTokens: 500}
		out := anthropic.New().Outcome(r, 200, http.Header{}, []byte(row.body), providertest.Now)
		if out.Verdict != row.want {
			t.Errorf("%s: %s, want %s", name, out.Verdict, row.want)
		}
		if good := row.want == event.OK || row.want == event.Refused; out.Good() != good || good && out.Err != nil {
			t.Errorf("%s: good %v, error %v", name, out.Good(), out.Err)
		}
		if want := (event.Usage{Input: 9, Output: 7, CacheRead: 5, CacheWrite: 3}); strings.HasPrefix(row.body, `{"type":"message","role"`) && row.want != event.ServerError && out.Usage != want {
			t.Errorf("%s: usage %+v", name, out.Usage)
		}
	}
	one := &llm.Request{Op: llm.Generate, MaxTokens: 1}
	if out := anthropic.New().Outcome(one, 200, nil, []byte(whole(`"max_tokens"`)), providertest.Now); out.Verdict != event.OK {
		t.Errorf("nothing within the one token that was allowed: %s", out.Verdict)
	}
}

// TestCountsAndModelsAreNoMessages: what need not have a stop reason is good
// without one, and an error in it is still an error.
func TestCountsAndModelsAreNoMessages(t *testing.T) {
	for body, want := range map[string]event.Verdict{
		`{"input_tokens":12}`: event.OK, `{"data":[]}`: event.OK, `<html>`: event.ServerError, ``: event.ServerError,
		`{"type":"error","error":{"type":"rate_limit_error","message":"m"}}`: event.RateLimited,
	} {
		for _, op := range []llm.Op{llm.CountTokens, llm.Models} {
			out := anthropic.New().Outcome(&llm.Request{Op: op}, 200, http.Header{}, []byte(body), providertest.Now)
			if out.Verdict != want || out.Usage != (event.Usage{}) {
				t.Errorf("%s of %s: %s, %+v", op, body, out.Verdict, out.Usage)
			}
		}
	}
}

// TestUsageOfOddNumbers: what is no count is not counted.
func TestUsageOfOddNumbers(t *testing.T) {
	for usage, want := range map[string]event.Usage{
		`{"input_tokens":-1,"output_tokens":2}`:                        {Output: 2},
		`{"input_tokens":1.5,"output_tokens":"2"}`:                     {},
		`{"input_tokens":1e3,"output_tokens":99999999999999999999}`:    {},
		`{"input_tokens":null,"output_tokens":2,"server_tool_use":{}}`: {Output: 2},
		`null`:  {},
		`7`:     {},
		`[1,2]`: {},
	} {
		body := strings.Replace(whole(`"end_turn"`, said), whole("")[strings.Index(whole(""), `{"input_tokens"`):len(whole(""))-1], usage, 1)
		if out := anthropic.New().Outcome(&llm.Request{Op: llm.Generate}, 200, nil, []byte(body), providertest.Now); out.Usage != want || out.Verdict != event.OK {
			t.Errorf("%s: %+v, %s", usage, out.Usage, out.Verdict)
		}
		_, d := read(9, ev(`{"type":"message_start","message":{"usage":`+usage+`}}`))
		if d.Usage() != want {
			t.Errorf("%s in a stream: %+v", usage, d.Usage())
		}
	}
}

// TestUsageIsCumulative: later numbers of a stream replace earlier ones, and what
// they do not name stays.
func TestUsageIsCumulative(t *testing.T) {
	grow := func(n int) string {
		return ev(fmt.Sprintf(`{"type":"message_delta","delta":{"stop_reason":null},"usage":{"output_tokens":%d}}`, n))
	}
	_, d := read(9, start(), grow(3), grow(5), stop("end_turn"), end)
	if got, want := d.Usage(), (event.Usage{Input: 9, Output: 7, CacheRead: 5, CacheWrite: 3}); got != want || d.StopReason() != "end_turn" {
		t.Errorf("%+v, %q", got, d.StopReason())
	}
	_, d = read(9, start(), ev(`{"type":"message_delta","delta":{"stop_reason":"end_turn"},"usage":{"input_tokens":20,"cache_read_input_tokens":0,"output_tokens":1}}`))
	if got, want := d.Usage(), (event.Usage{Input: 20, Output: 1, CacheWrite: 3}); got != want {
		t.Errorf("%+v", got)
	}
}

// TestPromptsAndAnswersRoundTrip: every text arrives as it was meant.
func TestPromptsAndAnswersRoundTrip(t *testing.T) {
	for _, text := range []string{"", "hi", "a \"b\"\\ \n\t\x00", "é 你 😀 <b>&", strings.Repeat("x", 100_000)} {
		r, err := anthropic.New().Encode(llm.Prompt{Model: "m" + text[:min(len(text), 5)], System: text, Messages: []llm.Message{{Role: "user", Text: text}, {Role: "assistant", Text: text}}})
		if err != nil {
			t.Fatal(err)
		}
		var sent struct {
			Model, System string
			MaxTokens     int `json:"max_tokens"`
			Stream        bool
			Messages      []struct{ Role, Content string }
		}
		if err := json.Unmarshal(r.Body, &sent); err != nil || sent.System != text || sent.Messages[0].Content != text || sent.Messages[1].Content != text {
			t.Errorf("%.20q: %v, %.200s", text, err, r.Body)
		}
		if sent.MaxTokens != 4096 || sent.Stream || sent.Model != r.Model || r.Header.Get("Anthropic-Version") != "2023-06-01" {
			t.Errorf("%.20q: %.200s", text, r.Body)
		}
		quoted, _ := json.Marshal(text)
		resp, err := anthropic.New().Decode([]byte(whole(`"end_turn"`, thought, `{"type":"text","text":`+string(quoted)+`}`, called, said)))
		if want := text + "so"; err != nil || resp.Text != want || resp.Model != "claude-x" || resp.StopReason != "end_turn" || resp.Usage.Output != 7 {
			t.Errorf("%.20q: %v, %+v", text, err, resp)
		}
	}
	for body, good := range map[string]bool{`{"content":[]}`: true, `{"content":[{"type":"text","text":"\ud83d"}]}`: true, `{}`: false, `{"choices":[]}`: false, `[]`: false, `{"content":`: false, ``: false} {
		if _, err := anthropic.New().Decode([]byte(body)); (err == nil) != good {
			t.Errorf("%s: %v", body, err)
		}
	}
}

// TestFailureInAStream: without a telling status the verdict chooses the type, and
// what this package reads back is the verdict again.
func TestFailureInAStream(t *testing.T) {
	for v, want := range map[event.Verdict]string{
		event.RateLimited: "rate_limit_error", event.RampLimited: "rate_limit_error", event.Overloaded: "overloaded_error", event.Slow: "timeout_error",
		event.TooLarge: "request_too_large", event.UnknownModel: "not_found_error", event.Invalid: "invalid_request_error", event.Incompatible: "invalid_request_error",
		event.ServerError: "api_error", event.Truncated: "api_error", event.Unreachable: "api_error", event.Empty: "api_error",
	} {
		for _, status := range []int{0, 200} {
			wire := anthropic.New().FailureEvent(llm.Failure{Status: status, Verdict: v, Message: "m", Call: "c"})
			if body := `{"type":"error","error":{"type":"` + want + `","message":"m"},"request_id":"c"}`; string(wire) != "event: error\ndata: "+body+"\n\n" {
				t.Errorf("%s: %s", v, wire)
			}
		}
	}
	for status, want := range map[int]string{400: "invalid_request_error", 402: "billing_error", 404: "not_found_error", 409: "conflict_error", 418: "invalid_request_error", 500: "api_error", 502: "api_error", 504: "timeout_error", 529: "overloaded_error"} {
		if b := anthropic.New().Failure(llm.Failure{Status: status, Verdict: event.RateLimited}); !strings.Contains(string(b), `"type":"`+want+`"`) {
			t.Errorf("%d: the status decides: %s", status, b)
		}
	}
}
