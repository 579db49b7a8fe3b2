package openai_test

import (
	"bytes"
	"fmt"
	"net/http"
	"strings"
	"testing"

	"fairlead.dev/event"
	"fairlead.dev/llm"
	"fairlead.dev/provider/openai"
	"fairlead.dev/provider/providertest"
)

func delta(index int, d string) string {
	return fmt.Sprintf("data: {\"object\":\"chat.completion.chunk\",\"choices\":[{\"index\":%d,\"delta\":%s,\"finish_reason\":null}]}\n\n", index, d)
}

func finish(index int, reason string) string {
	return fmt.Sprintf("data: {\"choices\":[{\"index\":%d,\"delta\":{},\"finish_reason\":%q}]}\n\n", index, reason)
}

const (
	role  = "data: {\"choices\":[{\"index\":0,\"delta\":{\"role\":\"assistant\",\"content\":\"\",\"tool_calls\":[]}}],\"usage\":null,\"error\":null}\n\n"
	done  = "data: [DONE]\n\n"
	usage = "data: {\"choices\":[],\"usage\":{\"prompt_tokens\":12,\"completion_tokens\":3,\"prompt_tokens_details\":{\"cached_tokens\":4}}}\n\n"
)

func read(n int, pieces ...string) (providertest.Seen, llm.Decoder) {
	d := openai.New().Decoder(&llm.Request{Op: llm.Generate, Stream: true, Choices: n}, 200, http.Header{})
	return providertest.Read(d, pieces...), d
}

func TestStream(t *testing.T) {
	hi := delta(0, `{"content":"hi"}`)
	for name, row := range map[string]struct {
		n     int
		wire  string
		kinds string
		want  event.Verdict
		text  string
	}{
		"reasoning":                   {1, role + delta(0, `{"reasoning_content":"hm"}`) + hi + finish(0, "stop") + done, "lTClE", event.OK, "hi"},
		"reasoning, OpenRouter":       {1, delta(0, `{"reasoning":"hm"}`) + finish(0, "stop") + done, "TlE", event.OK, ""},
		"a tool":                      {1, role + delta(0, `{"tool_calls":[{"index":0,"function":{"name":"f","arguments":""}}]}`) + finish(0, "tool_calls") + done, "lClE", event.OK, ""},
		"a function":                  {1, delta(0, `{"function_call":{"name":"f"}}`) + finish(0, "function_call") + done, "ClE", event.OK, ""},
		"a refusal":                   {1, delta(0, `{"refusal":"no"}`) + finish(0, "stop") + done, "ClE", event.OK, ""},
		"a filter":                    {1, hi + finish(0, "content_filter") + done, "ClE", event.Refused, "hi"},
		"two choices":                 {2, hi + delta(1, `{"content":"ho"}`) + finish(1, "stop") + finish(0, "stop"), "CCll", event.OK, "hi"},
		"one of two choices":          {2, hi + delta(1, `{"content":"ho"}`) + finish(1, "stop"), "CCl", event.Truncated, "hi"},
		"one choice finished twice":   {2, hi + finish(0, "stop") + finish(0, "stop"), "Cll", event.Truncated, "hi"},
		"no finish, no end":           {1, hi, "C", event.Truncated, "hi"},
		"no [DONE]":                   {1, hi + finish(0, "stop") + usage, "Cll", event.OK, "hi"},
		"[DONE] without a blank line": {1, hi + "data: [DONE]", "C", event.OK, "hi"},
		"[DONE] with space":           {1, hi + "data:  [DONE] \n\n", "CE", event.OK, "hi"},
		"empty":                       {1, role + finish(0, "stop") + done, "llE", event.Empty, ""},
		"nothing, then [DONE]":        {1, done, "E", event.Empty, ""},
		"the limit, unseen":           {1, role + finish(0, "length") + usage + done, "lllE", event.OK, ""},
		"the limit, no tokens":        {1, role + finish(0, "length") + done, "llE", event.Empty, ""},
		"Azure's first chunk":         {1, "data: {\"choices\":[],\"prompt_filter_results\":[{}]}\n\n" + hi + finish(0, "stop") + done, "lClE", event.OK, "hi"},
		"comments":                    {1, ": OPENROUTER PROCESSING\n\n" + hi + ": OPENROUTER PROCESSING\n\n" + finish(0, "stop") + done, "pCplE", event.OK, "hi"},
		"OpenRouter's error":          {1, hi + "data: {\"error\":{\"code\":502,\"message\":\"no\"},\"choices\":[{\"index\":0,\"delta\":{\"content\":\"\"},\"finish_reason\":\"error\"}]}\n\n", "CF", event.ServerError, "hi"},
		"a choice's error":            {1, "data: {\"choices\":[{\"index\":0,\"error\":{\"code\":429,\"message\":\"no\"},\"delta\":{}}]}\n\n", "F", event.RateLimited, ""},
		"finish_reason error":         {1, hi + finish(0, "error") + done, "ClE", event.ServerError, "hi"},
		"DeepSeek's lack":             {1, hi + finish(0, "insufficient_system_resource") + done, "ClE", event.Overloaded, "hi"},
		"an error of words":           {1, "data: {\"error\":\"model is loading\"}\n\n", "F", event.ServerError, ""},
		"vLLM's error":                {1, "data: {\"object\":\"error\",\"message\":\"no\",\"type\":\"BadRequestError\",\"code\":400}\n\n", "F", event.Invalid, ""},
		"half a surrogate pair":       {1, delta(0, `{"content":"a\ud83d"}`) + finish(0, "stop") + done, "ClE", event.OK, "a\ufffd"},
		"not JSON":                    {1, "data: {\"choices\":[{\n\n", "F", event.Truncated, ""},
		"an array":                    {1, "data: [1]\n\n" + hi, "lC", event.Truncated, "hi"},
		"a ping":                      {1, "event: ping\ndata: {{\n\n" + hi + done, "pCE", event.OK, "hi"},
	} {
		s, _ := read(row.n, row.wire)
		if s.Kinds != row.kinds || s.Out.Verdict != row.want || s.Text != row.text {
			t.Errorf("%s: %v, want %s %s %q", name, s, row.kinds, row.want, row.text)
		}
	}
}

// TestTheShortWayIsTheLongWay: a chunk that is like the one before but for its text is read by a shortcut, which must
// tell the same as the long way, taken here by a chunk in another spelling in between.
func TestTheShortWayIsTheLongWay(t *testing.T) {
	chunk := func(text, more string) string {
		return `data: {"id":"c","choices":[{"index":0,"delta":{"content":` + text + more + "}]}\n\n"
	}
	const rest = `},"finish_reason":null`
	other := "data: {\"choices\":[{\"index\":1,\"delta\":{\"content\":\"other\"}}]}\n\n"
	for _, text := range []string{`"so"`, `""`, `"\u00e9\n"`, `"\ud83d"`, `"so`, `so"`, `"a"b"`, `null`, `["a"]`, `"a","refusal":"b"`, `"a"},"finish_reason":"stop","x":{"y":"z"`, ``} {
		for _, more := range []string{rest, `},"finish_reason":"stop"`, `,"reasoning":"r"},"finish_reason":null`} {
			first := chunk(`"first"`, more)
			a, _ := read(3, first, chunk(text, more))
			b, _ := read(3, first, other, chunk(text, more))
			if want := strings.Replace(b.String(), "CC", "C", 1); a.String() != want {
				t.Errorf("%s: %v, the long way %v", chunk(text, more), a, want)
			}
		}
	}
	twice := "data: {\"choices\":[{\"delta\":{\"content\":\"x\",\"content\":\"y\"}}]}\n\n"
	if s, _ := read(1, twice, twice); s.Text != "xyxy" {
		t.Errorf("two texts in a chunk: %v", s)
	}
	a, _ := read(1, chunk(`"first"`, `},"finish_reason":null}],"usage":{"prompt_tokens":1},"x":[{`), chunk(`"x"`, `},"finish_reason":"stop"`), done)
	if a.Kinds != "CCE" || a.Out.Verdict != event.OK {
		t.Errorf("%v", a)
	}
}

// TestSeam: reasoning before the text is no obstacle to another answer, whatever comes beside or after the text is.
func TestSeam(t *testing.T) {
	hi, id := delta(0, `{"content":"hi"}`), "data: {\"id\":\"c1\",\"choices\":[]}\n\n"
	for name, c := range map[string]struct {
		wire string
		want bool
	}{
		"text":                   {id + role + hi, true},
		"nothing yet":            {id + role, true},
		"no identity":            {role + hi, false},
		"reasoning":              {id + delta(0, `{"reasoning_content":"hm"}`) + delta(0, `{"reasoning":"hm"}`) + hi, true},
		"reasoning with text":    {id + delta(0, `{"reasoning":"hm","content":"hi"}`), true},
		"reasoning after text":   {id + hi + delta(0, `{"reasoning":"hm"}`), false},
		"a tool":                 {id + hi + delta(0, `{"tool_calls":[{"index":0,"function":{"arguments":"{"}}]}`), false},
		"a refusal":              {id + delta(0, `{"refusal":"no"}`), false},
		"text of another choice": {id + hi + delta(1, `{"content":"ho"}`), false},
		"a finished text":        {id + hi + finish(0, "stop"), false},
	} {
		if _, d := read(1, c.wire); (d.Seam() != nil) != c.want {
			t.Errorf("%s: a seam: %v, want %v", name, !c.want, c.want)
		}
	}
}

func TestStreamUsage(t *testing.T) {
	_, d := read(1, delta(0, `{"content":"hi"}`)+finish(0, "length")+usage+done)
	if got, want := d.Usage(), (event.Usage{Input: 8, Output: 3, CacheRead: 4}); got != want || d.StopReason() != "length" {
		t.Errorf("%+v, %s", got, d.StopReason())
	}
	late := []byte("data: {\"error\":{\"message\":\"late\"}}\n\n")
	if n, k, _ := d.Next(late); n != len(late) || k != llm.Lifecycle || d.EOF(nil).Verdict != event.OK {
		t.Errorf("after the end: %d %v", n, k)
	}
}

func TestWholeAnswers(t *testing.T) {
	for body, want := range map[string]event.Verdict{
		`{"choices":[{"message":{"content":null,"tool_calls":[{"id":"x"}]},"finish_reason":"tool_calls"}]}`:                 event.OK,
		`{"choices":[{"message":{"content":null,"refusal":"no"},"finish_reason":"stop"}]}`:                                  event.OK,
		`{"choices":[{"message":{"content":"a"},"finish_reason":"stop"},{"message":{"content":"b"},"finish_reason":null}]}`: event.Truncated,
		`{"choices":[{"message":{"content":"a"},"finish_reason":"stop"},{"message":{},"finish_reason":"content_filter"}]}`:  event.OK,
		`{"choices":[{"error":{"code":503,"message":"no"},"message":{"content":""},"finish_reason":"error"}]}`:              event.Overloaded,
		`{"object":"chat.completion","choices":[]}`:                                                                         event.Empty,
		`{"choices":[{"message":{"content":""},"finish_reason":"length"}],"usage":{"completion_tokens":9}}`:                 event.OK,
		`{"error":{"message":"no","code":"model_not_found"}}`:                                                               event.UnknownModel,
		`{"error":"no"}`: event.ServerError,
		`{"object":"error","message":"This model's maximum context length is 9 tokens","type":"BadRequestError","code":400}`: event.TooLarge,
		`[{"error":{"code":429,"status":"RESOURCE_EXHAUSTED","message":"no"}}]`:                                              event.RateLimited,
		`{"error":null,"choices":[{"message":{"content":"a"},"finish_reason":"stop"}]}`:                                      event.OK,
		`7`:  event.Truncated,
		`[]`: event.Truncated,
	} {
		out := openai.New().Outcome(&llm.Request{Op: llm.Generate}, 200, http.Header{}, []byte(body), providertest.Now)
		if out.Verdict != want {
			t.Errorf("%s, want %s: %s", out.Verdict, want, body)
		}
	}
}

// TestOnlyItsOwnShapeIsPassedOn: clients of this API read {"error":{...}} and nothing else.
func TestOnlyItsOwnShapeIsPassedOn(t *testing.T) {
	for body, kept := range map[string]bool{
		`{"error":{"message":"no","type":"x"}}`: true, `{"type":"error","error":{"type":"x","message":"no"}}`: true, `{"error":"no"}`: false,
		`{"object":"error","message":"no"}`: false, `{"detail":"no"}`: false, `[{"error":{"message":"no"}}]`: false, `<html>`: false, `{"error":{}}`: false, `"no"`: false,
	} {
		out := openai.New().Outcome(&llm.Request{}, 400, http.Header{}, []byte(body), providertest.Now)
		if out.Verdict != event.Invalid || (out.Body != nil) != kept || kept && !bytes.Equal(out.Body, []byte(body)) {
			t.Errorf("%s: %s, kept %q", body, out.Verdict, out.Body)
		}
	}
}

func TestFailureOfOurKeyIsNoOverload(t *testing.T) {
	for v, want := range map[event.Verdict]string{event.Unauthorized: `"server_error"`, event.QuotaExhausted: `"server_error"`, event.Overloaded: `"service_unavailable_error"`} {
		if b := openai.New().Failure(llm.Failure{Status: 503, Verdict: v}); !strings.Contains(string(b), want) {
			t.Errorf("%s: %s", v, b)
		}
	}
}

func FuzzDecoder(f *testing.F) {
	f.Add([]byte(role+delta(0, `{"content":"hé"}`)+finish(0, "stop")+usage+done), 30)
	f.Add([]byte("data: {\"error\":{\"code\":1e9}}\n\n"), 3)
	f.Add([]byte("data: [1]\r\rdata: \"x\"\n\n: c\n\n<html>"), 9)
	f.Fuzz(func(t *testing.T, wire []byte, at int) {
		i := min(max(at, 0), len(wire))
		one, _ := read(1, string(wire))
		two, _ := read(1, string(wire[:i]), string(wire[i:]))
		if one.String() != two.String() || one.Out.Verdict == 0 {
			t.Fatalf("split at %d: %v, want %v", i, two, one)
		}
	})
}

func FuzzOutcome(f *testing.F) {
	f.Add(200, []byte(`{"choices":[{"message":{"content":"a"},"finish_reason":"stop"}]}`))
	f.Add(429, []byte(`{"error":{"message":"Please try again in 7s","type":"tokens","code":"rate_limit_exceeded"}}`))
	f.Add(500, []byte(`[{"error":{"code":429,"details":[{"retryDelay":"1s","violations":[{"quotaId":"PerDay"}]}]}}]`))
	f.Fuzz(func(t *testing.T, status int, body []byte) {
		r := &llm.Request{Op: llm.Generate, Choices: 1}
		p := openai.New()
		out := p.Outcome(r, status, http.Header{}, body, providertest.Now)
		if out.Verdict == 0 || out.Good() && status/100 != 2 || out.Hint < 0 {
			t.Fatalf("%+v", out)
		}
		if out.Body != nil {
			if _, k, _ := p.Decoder(r, 200, nil).Next(p.FailureEvent(llm.Failure{Body: out.Body})); k != llm.Fail {
				t.Fatalf("%s is not an error event: %v", out.Body, k)
			}
		}
	})
}

func BenchmarkDecoder(b *testing.B) {
	wire := []byte(delta(0, `{"content":"`+strings.Repeat("word ", 20)+`"}`))
	d := openai.New().Decoder(&llm.Request{}, 200, nil)
	b.SetBytes(int64(len(wire)))
	b.ReportAllocs()
	for b.Loop() {
		if _, k, _ := d.Next(wire); k != llm.Content {
			b.Fatal(k)
		}
	}
}

func TestDecoderDoesNotAllocate(t *testing.T) {
	d := openai.New().Decoder(&llm.Request{Choices: 1}, 200, nil)
	events := [][]byte{[]byte(delta(0, `{"content":"a \"b\""}`)), []byte(role), []byte(": c\n\n"), []byte(usage)}
	if n := testing.AllocsPerRun(100, func() {
		for _, e := range events {
			d.Next(e)
		}
	}); n > 0 {
		t.Errorf("%v allocations", n)
	}
}
