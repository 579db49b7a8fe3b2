package openai_test

import (
	"net/http"
	"strings"
	"testing"
	"time"

	"fairlead.dev/event"
	"fairlead.dev/llm"
	"fairlead.dev/provider/openai"
)

const pathResponses = "/v1/responses"

func parseResponse(t testing.TB, body string) *llm.Request {
	t.Helper()
	r, err := openai.Provider{}.Parse("POST", pathResponses, "", http.Header{}, []byte(body))
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func TestParseResponses(t *testing.T) {
	r := parseResponse(t, `{"model":"m","input":[{"role":"user","content":"hi"}],"stream":true,"max_output_tokens":7,"tools":[{}],"reasoning":{"effort":"low"}}`)
	if r.Op != llm.Generate || !r.Stream || r.MaxTokens != 7 || !r.Thinking || r.Bound || r.MessagesAt.Empty() {
		t.Errorf("%+v", r)
	}
	for body, bound := range map[string]bool{
		`{"model":"m","previous_response_id":"resp_1"}`: true, `{"model":"m","conversation":"conv_1"}`: true,
		`{"model":"m","conversation":{"id":"c"}}`: true, `{"model":"m","previous_response_id":null}`: false,
	} {
		r := parseResponse(t, body)
		_, err := openai.Provider{}.Body(r, llm.Model{Name: "other", Hop: true})
		if _, first := (openai.Provider{}).Body(r, llm.Model{Name: "other"}); r.Bound != bound || (err != nil) != bound || first != nil {
			t.Errorf("%s: bound %v, %v, %v", body, r.Bound, err, first)
		}
	}
}

func TestWholeResponses(t *testing.T) {
	for body, want := range map[string]event.Verdict{
		`{"object":"response","status":"completed","output":[{"type":"message"}],"error":null,"usage":{"input_tokens":9,"input_tokens_details":{"cached_tokens":4},"output_tokens":2}}`: event.OK,
		`{"object":"response","status":"completed","output":[]}`:                                                      event.Empty,
		`{"object":"response","status":"incomplete","incomplete_details":{"reason":"max_output_tokens"},"output":[]}`: event.OK,
		`{"object":"response","status":"incomplete","incomplete_details":{"reason":"content_filter"},"output":[]}`:    event.Refused,
		`{"object":"response","status":"queued","output":[]}`:                                                         event.OK,
		`{"object":"response","status":"failed","error":{"code":"rate_limit_exceeded","message":"slow"},"output":[]}`: event.RateLimited,
		`{"object":"response","status":"failed","error":{"code":"insufficient_quota","message":"spent"},"output":[]}`: event.QuotaExhausted,
		`{"object":"response","status":"failed","error":{"code":"server_error","message":"oops"},"output":[]}`:        event.ServerError,
		`{"object":"response","status":"failed"}`:                                                                     event.ServerError,
		`{"object":"response","output":[{"type":"message"}]}`:                                                         event.Truncated,
		`{"error":{"type":"server_error","code":"server_is_overloaded","message":"busy"}}`:                            event.Overloaded,
		`{"object":"response","status":`:                                                                              event.ServerError,
	} {
		out := openai.Provider{}.Outcome(parseResponse(t, `{"model":"m"}`), 200, http.Header{}, []byte(body), time.Time{})
		if out.Verdict != want {
			t.Errorf("%s: %v", body, out.Verdict)
		}
		if strings.Contains(body, "cached") && (out.Usage.Input != 5 || out.Usage.CacheRead != 4 || out.Usage.Output != 2) {
			t.Errorf("usage %+v", out.Usage)
		}
		if strings.Contains(body, "slow") && string(out.Body) != `{"error":{"code":"rate_limit_exceeded","message":"slow"}}` {
			t.Errorf("body %s", out.Body)
		}
	}
}

func responseEvent(kind, rest string) string {
	return "event: " + kind + "\ndata: {\"type\":\"" + kind + "\"" + rest + "}\n\n"
}

// Each event of a stream, and what it is.
func TestKindsOfResponseEvents(t *testing.T) {
	for _, c := range []struct {
		wire string
		kind llm.Kind
		text string
	}{
		{responseEvent("response.created", `,"response":{"status":"in_progress"}`), llm.Lifecycle, ""},
		{responseEvent("response.output_item.added", `,"item":{}`), llm.Lifecycle, ""},
		{responseEvent("response.output_text.delta", `,"delta":"a\"b"`), llm.Content, `a"b`},
		{responseEvent("response.output_text.delta", `,"delta":""`), llm.Lifecycle, ""},
		{responseEvent("response.reasoning_summary_text.delta", `,"delta":"hm"`), llm.Content, ""},
		{responseEvent("response.function_call_arguments.delta", `,"delta":"{"`), llm.Content, ""},
		{responseEvent("response.output_text.done", `,"text":"a"`), llm.Lifecycle, ""},
		{responseEvent("response.surprise", ``), llm.Lifecycle, ""},
		{": ping\n\n", llm.Ping, ""},
		{responseEvent("response.completed", `,"response":{"status":"completed","output":[{}]}`), llm.End, ""},
		{responseEvent("response.incomplete", `,"response":{"status":"incomplete","incomplete_details":{"reason":"max_output_tokens"}}`), llm.End, ""},
		{responseEvent("response.failed", `,"response":{"error":{"code":"server_error"}}`), llm.Fail, ""},
		{responseEvent("error", `,"code":"server_is_overloaded","message":"m"`), llm.Fail, ""},
		{"event: response.output_text.delta\ndata: {\"type\":\"resp\n\n", llm.Fail, ""},
	} {
		d := openai.Provider{}.Decoder(parseResponse(t, `{"model":"m"}`), 200, http.Header{})
		n, kind, text := d.Next([]byte(c.wire))
		if kind != c.kind || string(text) != c.text || n != len(c.wire) && kind != llm.Fail {
			t.Errorf("%s: %d, %v, %q", c.wire, n, kind, text)
		}
		if d.Seam() != nil || d.Ending() != nil {
			t.Errorf("%s: resumed or ended by us", c.wire)
		}
	}
}

var responseStream = responseEvent("response.created", `,"response":{}`) + responseEvent("response.output_text.delta", `,"delta":"hé"`) +
	responseEvent("response.completed", `,"response":{"status":"completed","output":[{}],"usage":{"input_tokens":3,"output_tokens":1}}`)

// readResponses gives a decoder a stream in pieces of n bytes.
func readResponses(d llm.Decoder, wire string, n int) (out llm.Outcome, text string) {
	var held []byte
	for at := 0; at < len(wire); {
		end := min(at+n, len(wire))
		held, at = append(held, wire[at:end]...), end
		for len(held) > 0 {
			m, kind, said := d.Next(held)
			text += string(said)
			if kind == llm.Fail || kind == llm.End {
				return d.Outcome(), text
			}
			if m == 0 {
				break
			}
			held = held[m:]
		}
	}
	return d.EOF(held), text
}

func TestSplitResponses(t *testing.T) {
	for n := 1; n <= len(responseStream); n++ {
		d := openai.Provider{}.Decoder(parseResponse(t, `{"model":"m"}`), 200, http.Header{})
		if out, text := readResponses(d, responseStream, n); out.Verdict != event.OK || text != "hé" || d.Usage().Output != 1 || d.StopReason() != "completed" {
			t.Fatalf("in pieces of %d: %v, %q", n, out.Verdict, text)
		}
	}
	for cut := 1; cut < len(responseStream)-1; cut++ { // the blank line may be missing
		d := openai.Provider{}.Decoder(parseResponse(t, `{"model":"m"}`), 200, http.Header{})
		if out, _ := readResponses(d, responseStream[:cut], 1000); out.Good() && cut < len(responseStream)-2 {
			t.Fatalf("cut at %d: %v", cut, out.Verdict)
		}
	}
}

func TestResponseFailures(t *testing.T) {
	f := llm.Failure{Status: 529, Verdict: event.Overloaded, Message: "busy", Path: pathResponses}
	want := `{"type":"error","code":"server_is_overloaded","message":"busy","param":null,"sequence_number":0,"error":{"message":"busy","type":"service_unavailable_error","param":null,"code":"server_is_overloaded"}}`
	if got := string(openai.Provider{}.FailureEvent(f)); got != "event: error\ndata: "+want+"\n\n" {
		t.Errorf("got %s", got)
	}
	f.Body = []byte("{\"error\":\n{\"code\":\"c\",\"message\":\"theirs\"}}")
	if got := string(openai.Provider{}.FailureEvent(f)); !strings.Contains(got, `"code":"c","message":"theirs","param":null`) || strings.Count(got, "\n") != 3 {
		t.Errorf("got %s", got)
	}
}

// FuzzResponses: whatever comes, in whatever pieces, the verdict is the same,
// and only an end marker makes it good.
func FuzzResponses(f *testing.F) {
	f.Add(responseStream, 7)
	f.Add(responseEvent("error", `,"error":{"message":1}`), 1)
	f.Add(responseEvent("response.failed", `,"response":[]`), 3)
	f.Fuzz(func(t *testing.T, wire string, n int) {
		r := parseResponse(t, `{"model":"m"}`)
		whole, text := readResponses(openai.Provider{}.Decoder(r, 200, http.Header{}), wire, len(wire)+1)
		out, again := readResponses(openai.Provider{}.Decoder(r, 200, http.Header{}), wire, max(n, 1))
		if out.Verdict != whole.Verdict || again != text {
			t.Fatalf("%v %q, in pieces %v %q", whole.Verdict, text, out.Verdict, again)
		}
		if whole.Good() && !strings.Contains(wire, "completed") && !strings.Contains(wire, "incomplete") && !strings.Contains(wire, `\u`) {
			t.Fatalf("good without an end: %q", wire)
		}
	})
}
