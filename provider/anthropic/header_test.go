package anthropic_test

import (
	"fmt"
	"net/http"
	"strings"
	"testing"

	"fairlead.dev/llm"
	"fairlead.dev/provider/anthropic"
	"fairlead.dev/provider/providertest"
)

// TestHeadersByName: what goes upstream. Anything of Anthropic's own passes, known
// or not; whatever else is not listed stays here.
func TestHeadersByName(t *testing.T) {
	pass := []string{"Accept", "Content-Type", "User-Agent", "X-App", "X-Claude-Code-Session-Id", "X-Request-Id", "X-Client-Request-Id", "Traceparent", "Tracestate",
		"Anthropic-Version", "Anthropic-Beta", "Anthropic-Dangerous-Direct-Browser-Access", "Anthropic-Unheard-Of", "X-Stainless-Lang", "X-Stainless-Helper-Method"}
	stay := []string{"Authorization", "Api-Key", "X-Api-Key", "X-Goog-Api-Key", "Cookie", "Set-Cookie", "Proxy-Authorization", "Referer", "Origin", "Openai-Beta", "Openai-Organization",
		"X-Forwarded-For", "X-Real-Ip", "Forwarded", "Via", "Fairlead-Key", "Fairlead-Class", "Idempotency-Key", "X-Amz-Security-Token", "X-Unheard-Of", "Host", "Accept-Encoding", "Xanthropic-Beta"}
	client := http.Header{}
	for _, name := range append(pass, stay...) {
		client.Set(name, "theirs")
	}
	dst := header(t, client, llm.Body{Bytes: []byte("{}")}, llm.Credential{Secret: "ours"})
	for _, name := range pass {
		if dst.Get(name) != "theirs" {
			t.Errorf("%s does not pass", name)
		}
		dst.Del(name)
	}
	if len(dst) != 2 || dst.Get("X-Api-Key") != "ours" || dst.Get("Accept-Encoding") != "identity" {
		t.Errorf("beside what passes: %v", dst)
	}
}

// TestWhereTheCredentialGoes: a key, a subscription's token, a place of the user's
// choice; and the client's own, both forms, as they came.
func TestWhereTheCredentialGoes(t *testing.T) {
	client := http.Header{"X-Api-Key": {"their key"}, "Authorization": {"Bearer their token"}}
	for _, row := range []struct {
		cred        llm.Credential
		key, bearer string
		elsewhere   string
	}{
		{llm.Credential{}, "", "", ""},
		{llm.Credential{Secret: "sk-ant-api03-x"}, "sk-ant-api03-x", "", ""},
		{llm.Credential{Secret: "any"}, "any", "", ""},
		{llm.Credential{Secret: "sk-ant-oat01-x"}, "", "Bearer sk-ant-oat01-x", ""},
		{llm.Credential{Secret: "sk-ant-oat01-x", Header: "x-api-key"}, "sk-ant-oat01-x", "", ""},
		{llm.Credential{Secret: "k", Header: "authorization"}, "", "Bearer k", ""},
		{llm.Credential{Secret: "k", Header: "x-elsewhere"}, "", "", "k"},
		{llm.Credential{Client: true}, "their key", "Bearer their token", ""},
		{llm.Credential{Client: true, Secret: "sk-ant-oat01-x"}, "their key", "Bearer their token", ""},
	} {
		dst := header(t, client, llm.Body{}, row.cred)
		if dst.Get("X-Api-Key") != row.key || dst.Get("Authorization") != row.bearer || dst.Get("X-Elsewhere") != row.elsewhere {
			t.Errorf("%+v: %v", row.cred, dst)
		}
	}
}

// TestBetasThatGo leave the others as they were, in one line.
func TestBetasThatGo(t *testing.T) {
	for _, row := range []struct {
		lines []string
		gone  string
		want  []string
	}{
		{[]string{"a, b"}, "", []string{"a, b"}},
		{[]string{"a", "b"}, "", []string{"a", "b"}},
		{[]string{"a, b,c"}, "b", []string{"a,c"}},
		{[]string{"a", "b,c"}, "a c", []string{"b"}},
		{[]string{"a", "b"}, "a b", nil},
		{[]string{" ,a,, a"}, "b", []string{"a,a"}},
		{[]string{"ab"}, "a b", []string{"ab"}},
	} {
		client := http.Header{"Anthropic-Beta": row.lines}
		dst := header(t, client, llm.Body{Betas: strings.Fields(row.gone)}, llm.Credential{})
		if fmt.Sprint(dst["Anthropic-Beta"]) != fmt.Sprint(row.want) {
			t.Errorf("%q without %q: %q, want %q", row.lines, row.gone, dst["Anthropic-Beta"], row.want)
		}
	}
}

// streams are of every kind that ends, each with what it proves.
func streams() map[string]string {
	text := start() + block("text") + delta("text_delta", "text", "sö \"x\"") + delta("text_delta", "text", " 😀")
	think := start() + block("thinking") + delta("thinking_delta", "thinking", "hm") + delta("signature_delta", "signature", "s")
	tool := think + block("tool_use") + delta("input_json_delta", "partial_json", "{\"a\":") + delta("input_json_delta", "partial_json", "1}")
	overload := ev(`{"type":"error","error":{"type":"overloaded_error","message":"Overloaded"}}`)
	return map[string]string{
		"text":             text + stop("end_turn") + end,
		"tool":             tool + stop("tool_use") + end,
		"refusal":          text + stop("refusal") + end,
		"cut":              text,
		"an error":         text + overload,
		"an error at once": overload,
		"broken":           text + "data: {\"type\":\"content_block_delta\",\n\n" + stop("end_turn") + end,
		"two lines":        strings.ReplaceAll(text, `"delta":`, "\ndata: \"delta\":") + stop("end_turn") + end,
		"pings between":    strings.ReplaceAll(tool, "event: content", "event: ping\ndata: {\"type\":\"ping\"}\n\n: c\n\nevent: content") + stop("tool_use") + end,
	}
}

// TestStreamsByteByByte: a verdict, a text and a usage do not depend on how the
// network split the bytes, nor on how lines end.
func TestStreamsByteByByte(t *testing.T) {
	for name, wire := range streams() {
		for ending, line := range map[string]string{"LF": "\n", "CRLF": "\r\n", "CR": "\r"} {
			wire := strings.ReplaceAll(wire, "\n", line)
			want, whole := read(500, wire)
			for size := 1; size < 40; size++ {
				var parts []string
				for rest := wire; rest != ""; rest = rest[min(size, len(rest)):] {
					parts = append(parts, rest[:min(size, len(rest))])
				}
				got, d := read(500, parts...)
				if got.String() != want.String() || d.Usage() != whole.Usage() || d.StopReason() != whole.StopReason() {
					t.Fatalf("%s with %s, %d bytes at once: %v, want %v", name, ending, size, got, want)
				}
			}
		}
	}
}

// TestNothingIsGoodBeforeItsProof: cut off anywhere, with the connection broken or
// closed in order, a stream is good only behind its stop reason; and broken off
// only behind its end.
func TestNothingIsGoodBeforeItsProof(t *testing.T) {
	for name, wire := range streams() {
		for i := range wire {
			got, _ := read(500, wire[:i])
			told := strings.Contains(wire[:i], "stop_reason")
			if got.Out.Good() && !told {
				t.Fatalf("%s closed at %d: %v", name, i, got)
			}
			d := anthropic.New().Decoder(&llm.Request{MaxTokens: 500}, 200, nil)
			for rest := []byte(wire[:i]); ; {
				n, k, _ := d.Next(rest)
				if rest = rest[n:]; n == 0 || k == llm.Fail {
					break
				}
			}
			if out := d.Outcome(); out.Good() && !strings.Contains(wire[:i], "message_stop\"}\n\n") {
				t.Fatalf("%s broken off at %d: %s", name, i, out.Verdict)
			}
		}
	}
}

// TestHeadersOfA200AreNoHints: they were sent before the stream failed.
func TestHeadersOfA200AreNoHints(t *testing.T) {
	h := http.Header{"Retry-After": {"9"}, "X-Should-Retry": {"false"}, "Request-Id": {"r"}}
	d := anthropic.New().Decoder(&llm.Request{}, 200, h)
	out := providertest.Read(d, ev(`{"type":"error","error":{"type":"rate_limit_error","message":"Please try again in 41.7s"}}`)).Out
	if out.NoRetry || out.Hint.Seconds() != 41.7 || out.Header.Get("Request-Id") != "r" || out.Safe {
		t.Errorf("%+v", out)
	}
}
