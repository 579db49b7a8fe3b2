package anthropic_test

import (
	"errors"
	"fmt"
	"net/http"
	"strings"
	"testing"

	"fairlead.dev/event"
	"fairlead.dev/llm"
	"fairlead.dev/provider/anthropic"
	"fairlead.dev/provider/providertest"
	"fairlead.dev/sse"
)

// ev writes one event named by its type.
func ev(data string) string {
	name := strings.Split(data, `"`)[3]
	return "event: " + name + "\ndata: " + data + "\n\n"
}

func start() string {
	return ev(`{"type":"message_start","message":{"usage":{"input_tokens":9,"cache_read_input_tokens":5,"cache_creation_input_tokens":3}}}`)
}
func block(kind string) string {
	return ev(fmt.Sprintf(`{"type":"content_block_start","index":0,"content_block":{"type":%q,"text":""}}`, kind))
}
func delta(kind, key, value string) string {
	return ev(fmt.Sprintf(`{"type":"content_block_delta","index":0,"delta":{"type":%q,%q:%q}}`, kind, key, value))
}
func stop(reason string) string {
	return ev(fmt.Sprintf(`{"type":"message_delta","delta":{"stop_reason":%q},"usage":{"output_tokens":7}}`, reason))
}

var end = ev(`{"type":"message_stop"}`)

func read(max int, pieces ...string) (providertest.Seen, llm.Decoder) {
	d := anthropic.New().Decoder(&llm.Request{Op: llm.Generate, Stream: true, MaxTokens: max}, 200, http.Header{})
	return providertest.Read(d, pieces...), d
}

func TestStream(t *testing.T) {
	for name, row := range map[string]struct {
		wire  string
		kinds string
		want  event.Verdict
		text  string
	}{
		"thinking, then text":    {start() + block("thinking") + delta("thinking_delta", "thinking", "hm") + delta("signature_delta", "signature", "s") + block("text") + delta("text_delta", "text", "so") + stop("end_turn") + end, "llTllClE", event.OK, "so"},
		"a tool":                 {start() + block("tool_use") + delta("input_json_delta", "partial_json", "") + delta("input_json_delta", "partial_json", "{}") + stop("tool_use") + end, "lllClE", event.OK, ""},
		"a tool without input":   {start() + block("tool_use") + delta("input_json_delta", "partial_json", "") + stop("tool_use") + end, "llllE", event.OK, ""},
		"empty text":             {start() + block("text") + delta("text_delta", "text", "") + stop("end_turn") + end, "llllE", event.Empty, ""},
		"a refusal":              {start() + stop("refusal") + end, "llE", event.Refused, ""},
		"a stop sequence first":  {start() + stop("stop_sequence") + end, "llE", event.OK, ""},
		"a full window":          {start() + stop("model_context_window_exceeded") + end, "llE", event.TooLarge, ""},
		"unknown events":         {start() + ev(`{"type":"from_the_future","x":[1]}`) + block("text") + delta("future_delta", "x", "y") + delta("text_delta", "text", "so") + stop("end_turn") + end, "llllClE", event.OK, "so"},
		"a stop reason, no end":  {start() + block("text") + delta("text_delta", "text", "so") + stop("end_turn"), "llCl", event.OK, "so"},
		"a stop, no blank line":  {start() + block("text") + delta("text_delta", "text", "so") + strings.TrimSuffix(stop("end_turn"), "\n\n"), "llC", event.OK, "so"},
		"a text cut off":         {start() + block("text") + delta("text_delta", "text", "so"), "llC", event.Truncated, "so"},
		"two starts":             {start() + start(), "lF", event.Truncated, ""},
		"names only":             {"event: message_stop\n\n", "p", event.Truncated, ""},
		"a type against a name":  {"event: ping\ndata: " + `{"type":"content_block_delta","delta":{"type":"text_delta","text":"so"}}` + "\n\n", "C", event.Truncated, "so"},
		"a name without a type":  {"event: message_stop\ndata: {}\n\n", "E", event.Empty, ""},
		"a ping that is broken":  {"event: ping\ndata: {{{\n\n" + end, "pE", event.Empty, ""},
		"half a surrogate pair":  {block("text") + ev(`{"type":"content_block_delta","index":0,"delta":{"type":"text_delta","text":"a\ud83d"}}`) + end, "lCE", event.OK, "a\ufffd"},
		"an error, no JSON":      {"event: error\ndata: overloaded\n\n", "F", event.ServerError, ""},
		"an error, flat":         {ev(`{"type":"error","error":{"type":"authentication_error","message":"no"}}`), "F", event.Unauthorized, ""},
		"text in the first part": {ev(`{"type":"content_block_start","index":0,"content_block":{"type":"text","text":"so"}}`) + end, "CE", event.OK, "so"},
	} {
		s, _ := read(100, row.wire)
		if s.Kinds != row.kinds || s.Out.Verdict != row.want || s.Text != row.text {
			t.Errorf("%s: %v, want %s %s %q", name, s, row.kinds, row.want, row.text)
		}
		if s.Out.Good() != (s.Out.Err == nil && s.Out.Type == "" && s.Out.Verdict != event.ServerError) {
			t.Errorf("%s: good %v with error %v", name, s.Out.Good(), s.Out.Err)
		}
	}
	if s, _ := read(1, start()+stop("max_tokens")+end); s.Out.Verdict != event.OK {
		t.Errorf("an answer of at most one token: %v", s)
	}
	if s, _ := read(100, start()+stop("max_tokens")+end); s.Out.Verdict != event.Empty {
		t.Errorf("an answer of at most 100 tokens: %v", s)
	}
}

// TestSeam: thinking before the text is no obstacle to another answer, whatever comes beside or after the text is.
func TestSeam(t *testing.T) {
	text := block("text") + delta("text_delta", "text", "so")
	thought := block("thinking") + delta("thinking_delta", "thinking", "hm") + delta("signature_delta", "signature", "s")
	for name, c := range map[string]struct {
		wire string
		want bool
	}{
		"text":                {start() + text, true},
		"nothing yet":         {start(), false},
		"no start":            {text, false},
		"thinking":            {start() + thought, false},
		"text after thinking": {start() + thought + block("redacted_thinking") + text, true},
		"thinking after text": {start() + text + thought, false},
		"a seal after text":   {start() + text + delta("signature_delta", "signature", "s"), false},
		"two texts":           {start() + text + text, false},
		"a citation":          {start() + text + delta("citations_delta", "citation", "x"), false},
		"a tool after text":   {start() + text + block("tool_use"), false},
		"a tool before text":  {start() + block("tool_use") + text, false},
		"a stop reason":       {start() + text + stop("end_turn"), false},
	} {
		if _, d := read(9, c.wire); (d.Seam() != nil) != c.want {
			t.Errorf("%s: a seam: %v, want %v", name, !c.want, c.want)
		}
	}
}

func TestStreamUsage(t *testing.T) {
	_, d := read(9, start()+stop("end_turn"))
	if got, want := d.Usage(), (event.Usage{Input: 9, Output: 7, CacheRead: 5, CacheWrite: 3}); got != want || d.StopReason() != "end_turn" {
		t.Errorf("%+v, %s", got, d.StopReason())
	}
}

// TestAfterTheEnd: nothing that follows changes a verdict.
func TestAfterTheEnd(t *testing.T) {
	_, d := read(9, start()+block("text")+delta("text_delta", "text", "so")+stop("end_turn")+end)
	late := ev(`{"type":"error","error":{"type":"overloaded_error","message":"late"}}`)
	if n, k, _ := d.Next([]byte(late)); n != len(late) || k != llm.Lifecycle || d.Outcome().Verdict != event.OK || d.EOF(nil).Verdict != event.OK {
		t.Errorf("%d %v %s", n, k, d.Outcome().Verdict)
	}
	if _, d = read(9); d.Outcome().Verdict != event.Truncated {
		t.Error("a stream is good only when it proves so")
	}
	d = anthropic.New().Decoder(&llm.Request{}, 200, nil)
	if n, k, _ := d.Next(append([]byte("data: "), make([]byte, 9<<20)...)); n != 0 || k != llm.Fail || !errors.Is(d.Outcome().Err, sse.ErrTooLong) {
		t.Errorf("an endless event: %d %v", n, k)
	}
}

// TestTheDecoderKeepsNothingOfTheBuffer: the loop reuses its buffer under the decoder.
func TestTheDecoderKeepsNothingOfTheBuffer(t *testing.T) {
	d := anthropic.New().Decoder(&llm.Request{}, 200, nil)
	buf := []byte(ev(`{"type":"error","error":{"type":"overloaded_error","message":"Overloaded"}}`))
	d.Next(buf)
	for i := range buf {
		buf[i] = 'x'
	}
	if out := d.Outcome(); !strings.Contains(string(out.Body), "Overloaded") || out.Type != "overloaded_error" {
		t.Errorf("%s %s", out.Type, out.Body)
	}
}

// TestTheShortWayIsTheLongWay: the usual spelling is read by a shortcut. One space more takes the long way, and both
// must tell the same.
func TestTheShortWayIsTheLongWay(t *testing.T) {
	for _, text := range []string{`"so"`, `""`, `"\u00e9\n\ud83d\ude00"`, `"\ud83d"`, `"so`, `so"`, `"a"b"`, `null`, `7`, `"a","x":"b"`, "\"\xff\"", "\"\t\"", `{}`, ``, `"a"}`} {
		for _, index := range []string{"0", "12", "", "00", "-1", "1.5", "x"} {
			short := `{"type":"content_block_delta","index":` + index + `,"delta":{"type":"text_delta","text":` + text + `}}`
			a, _ := read(9, "data: "+short+"\n\n", end)
			b, _ := read(9, "data: { "+short[1:]+"\n\n", end)
			if a.String() != b.String() {
				t.Errorf("%s: %v, the long way %v", short, a, b)
			}
		}
	}
}

func FuzzDecoder(f *testing.F) {
	f.Add([]byte(start()+block("text")+delta("text_delta", "text", "só")+stop("end_turn")+end), 30)
	f.Add([]byte("event: error\ndata: {\"error\":\"\n\n"), 3)
	f.Add([]byte("data: [1]\r\rdata: \"x\"\n\n: c\n\n<html>"), 9)
	f.Fuzz(func(t *testing.T, wire []byte, at int) {
		i := min(max(at, 0), len(wire))
		one, _ := read(9, string(wire))
		two, _ := read(9, string(wire[:i]), string(wire[i:]))
		if one.String() != two.String() {
			t.Fatalf("split at %d: %v, want %v", i, two, one)
		}
		if one.Out.Verdict == 0 || one.Out.Good() && !strings.Contains(string(wire), "stop") {
			t.Fatalf("%v", one)
		}
	})
}

func FuzzOutcome(f *testing.F) {
	f.Add(200, []byte(`{"type":"message","content":[{"type":"text","text":"x"}],"stop_reason":"end_turn"}`))
	f.Add(429, []byte(`{"type":"error","error":{"type":"rate_limit_error","message":"x","details":{"error_code":"slow_down"}}}`))
	f.Add(500, []byte(`[{"error":{"code":429,"details":[{"retryDelay":"1s"}]}}]`))
	f.Fuzz(func(t *testing.T, status int, body []byte) {
		r := &llm.Request{Op: llm.Generate}
		p := anthropic.New()
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
	wire := []byte(delta("text_delta", "text", strings.Repeat("word ", 20)))
	d := anthropic.New().Decoder(&llm.Request{}, 200, nil)
	b.SetBytes(int64(len(wire)))
	b.ReportAllocs()
	for b.Loop() {
		if _, k, _ := d.Next(wire); k != llm.Content {
			b.Fatal(k)
		}
	}
}

func TestDecoderDoesNotAllocate(t *testing.T) {
	d := anthropic.New().Decoder(&llm.Request{}, 200, nil)
	events := [][]byte{[]byte(delta("text_delta", "text", `a "b"`)), []byte(ev(`{"type":"ping"}`)), []byte(": c\n\n"), []byte(stop("end_turn"))}
	if n := testing.AllocsPerRun(100, func() {
		for _, e := range events {
			d.Next(e)
		}
	}); n > 1 { // the word of the stop reason, once in a stream
		t.Errorf("%v allocations", n)
	}
}
