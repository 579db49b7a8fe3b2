package openai_test

import (
	"fmt"
	"net/http"
	"strings"
	"testing"

	"fairlead.dev/event"
	"fairlead.dev/llm"
	"fairlead.dev/provider/openai"
	"fairlead.dev/provider/providertest"
)

// streams are of every kind that ends.
func streams() map[string]string {
	text := role + delta(0, `{"content":"sö \"x\""}`) + delta(0, `{"content":" 😀"}`) + delta(0, `{"content":" \u00e9"}`)
	tool := role + delta(0, `{"tool_calls":[{"index":0,"id":"c","function":{"name":"f","arguments":""}}]}`) + delta(0, `{"tool_calls":[{"index":0,"function":{"arguments":"{}"}}]}`)
	overload := "data: {\"error\":{\"message\":\"Overloaded\",\"type\":\"service_unavailable_error\",\"code\":\"server_is_overloaded\"}}\n\n"
	return map[string]string{
		"text":             text + finish(0, "stop") + usage + done,
		"tool":             tool + finish(0, "tool_calls") + done,
		"filtered":         text + finish(0, "content_filter") + done,
		"no marker":        text + finish(0, "stop") + usage,
		"cut":              text,
		"an error":         text + overload,
		"an error at once": overload,
		"a named error":    text + strings.Replace(overload, "data:", "event: error\ndata:", 1),
		"broken":           text + "data: {\"choices\":[{\"index\":0,\n\n" + finish(0, "stop") + done,
		"no space":         strings.ReplaceAll(text+finish(0, "stop")+done, "data: ", "data:"),
		"comments between": strings.ReplaceAll(text+finish(0, "stop")+done, "data: ", ": PROCESSING\n\ndata: "),
	}
}

// TestStreamsByteByByte: a verdict, a text and a usage do not depend on how the
// network split the bytes, nor on how lines end.
func TestStreamsByteByByte(t *testing.T) {
	for name, wire := range streams() {
		for ending, line := range map[string]string{"LF": "\n", "CRLF": "\r\n", "CR": "\r"} {
			wire := strings.ReplaceAll(wire, "\n", line)
			want, whole := read(1, wire)
			for size := 1; size < 40; size++ {
				var parts []string
				for rest := wire; rest != ""; rest = rest[min(size, len(rest)):] {
					parts = append(parts, rest[:min(size, len(rest))])
				}
				got, d := read(1, parts...)
				if got.String() != want.String() || d.Usage() != whole.Usage() || d.StopReason() != whole.StopReason() {
					t.Fatalf("%s with %s, %d bytes at once: %v, want %v", name, ending, size, got, want)
				}
			}
		}
	}
}

// TestNothingIsGoodBeforeItsProof: closed in order anywhere, a stream is good only
// behind its finish reason; broken off, only behind its marker.
func TestNothingIsGoodBeforeItsProof(t *testing.T) {
	for name, wire := range streams() {
		for i := range wire {
			got, _ := read(1, wire[:i])
			if told := strings.Contains(wire[:i], `"finish_reason":"`); got.Out.Good() && !told {
				t.Fatalf("%s closed at %d: %v", name, i, got)
			}
			d := openai.New().Decoder(&llm.Request{Choices: 1}, 200, nil)
			for rest := []byte(wire[:i]); ; {
				n, k, _ := d.Next(rest)
				if rest = rest[n:]; n == 0 || k == llm.Fail {
					break
				}
			}
			if out := d.Outcome(); out.Good() && !strings.Contains(wire[:i], "[DONE]\n\n") {
				t.Fatalf("%s broken off at %d: %s", name, i, out.Verdict)
			}
		}
	}
}

// TestFailureWords: the status decides where it tells, the verdict where it does
// not; and what this package reads back from a stream is the verdict again.
func TestFailureWords(t *testing.T) {
	for _, row := range []struct {
		status     int
		v          event.Verdict
		kind, code string
		again      event.Verdict // as read back after a 200
	}{
		{0, event.RateLimited, "requests", "rate_limit_exceeded", event.RateLimited},
		{200, event.RampLimited, "requests", "rate_limit_exceeded", event.RateLimited},
		{200, event.Overloaded, "service_unavailable_error", "server_is_overloaded", event.Overloaded},
		{200, event.QuotaExhausted, "insufficient_quota", "insufficient_quota", event.QuotaExhausted},
		{200, event.TooLarge, "invalid_request_error", "context_length_exceeded", event.TooLarge},
		{200, event.UnknownModel, "invalid_request_error", "model_not_found", event.UnknownModel},
		{200, event.Invalid, "invalid_request_error", "", event.Invalid},
		{200, event.Incompatible, "invalid_request_error", "", event.Invalid},
		{200, event.Slow, "server_error", "", event.ServerError},
		{200, event.Truncated, "server_error", "", event.ServerError},
		{400, event.Overloaded, "invalid_request_error", "", event.Invalid},
		{401, event.Invalid, "invalid_request_error", "invalid_api_key", event.Unauthorized},
		{402, event.Invalid, "insufficient_quota", "insufficient_quota", event.QuotaExhausted},
		{404, event.UnknownModel, "invalid_request_error", "model_not_found", event.UnknownModel},
		{404, event.Invalid, "invalid_request_error", "", event.Invalid},
		{418, event.ServerError, "invalid_request_error", "", event.Invalid},
		{429, event.QuotaExhausted, "requests", "rate_limit_exceeded", event.RateLimited},
		{500, event.RateLimited, "server_error", "", event.ServerError},
		{503, event.Slow, "service_unavailable_error", "server_is_overloaded", event.Overloaded},
		{529, event.Slow, "service_unavailable_error", "server_is_overloaded", event.Overloaded},
	} {
		f := llm.Failure{Status: row.status, Verdict: row.v, Message: "m"}
		code := "null"
		if row.code != "" {
			code = `"` + row.code + `"`
		}
		want := fmt.Sprintf(`{"error":{"message":"m","type":%q,"param":null,"code":%s}}`, row.kind, code)
		if got := string(openai.New().Failure(f)); got != want {
			t.Errorf("%d %s: %s, want %s", row.status, row.v, got, want)
		}
		wire := string(openai.New().FailureEvent(f))
		if s, _ := read(1, wire); wire != "data: "+want+"\n\n" || s.Out.Verdict != row.again {
			t.Errorf("%d %s: %q is read as %s", row.status, row.v, wire, s.Out.Verdict)
		}
	}
}

// TestTheProvidersOwnWordsInAStream, on one line and only when its clients can read
// them.
func TestTheProvidersOwnWordsInAStream(t *testing.T) {
	for body, theirs := range map[string]bool{
		"{\"error\":\n {\"message\":\"m\",\r\n \"type\":\"tokens\"}}": true,
		`{"type":"error","error":{"type":"x","message":"m"}}`:         true,
		`{"error":{"message":"a\ud83d"}}`:                             false, // no JSON that every client reads
		`[{"error":{"message":"m"}}]`:                                 false,
		`{"object":"error","message":"m"}`:                            false,
		`{"error":"m"}`:                                               false,
		`<html>`:                                                      false,
		``:                                                            false,
	} {
		wire := string(openai.New().FailureEvent(llm.Failure{Status: 502, Message: "ours", Body: []byte(body)}))
		if strings.Contains(wire, "ours") == theirs || strings.Count(wire, "\n") != 2 || strings.Contains(wire, "\r") {
			t.Errorf("%s: %q", body, wire)
		}
	}
}

// TestHeadersOfA200AreNoHints: they were sent before the stream failed.
func TestHeadersOfA200AreNoHints(t *testing.T) {
	h := http.Header{"Retry-After": {"9"}, "X-Should-Retry": {"false"}, "X-Request-Id": {"r"}}
	d := openai.New().Decoder(&llm.Request{Choices: 1}, 200, h)
	out := providertest.Read(d, "data: {\"error\":{\"type\":\"tokens\",\"message\":\"Please try again in 1m9.696s.\"}}\n\n").Out
	if out.NoRetry || out.Hint.Seconds() != 69.696 || out.Header.Get("X-Request-Id") != "r" || out.Safe {
		t.Errorf("%+v", out)
	}
}

// TestAfterTheEnd: nothing that follows changes a verdict, and an event without end
// is none.
func TestAfterTheEnd(t *testing.T) {
	_, d := read(1, delta(0, `{"content":"hi"}`)+finish(0, "stop")+done)
	for _, late := range []string{"data: {\"error\":{\"message\":\"late\"}}\n\n", done, finish(0, "error"), "data: {{\n\n"} {
		if n, k, _ := d.Next([]byte(late)); n != len(late) || k != llm.Lifecycle || d.Outcome().Verdict != event.OK || d.EOF([]byte(late)).Verdict != event.OK {
			t.Errorf("%q: %d %v %s", late, n, k, d.Outcome().Verdict)
		}
	}
	d = openai.New().Decoder(&llm.Request{Choices: 1}, 200, nil)
	if n, k, _ := d.Next(append([]byte("data: "), make([]byte, 9<<20)...)); n != 0 || k != llm.Fail || d.Outcome().Verdict != event.Truncated {
		t.Errorf("an endless event: %d %v", n, k)
	}
	if d.EOF([]byte(done)).Verdict != event.Truncated {
		t.Error("an end behind a failure was believed")
	}
}
