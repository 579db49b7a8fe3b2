package providertest_test

import (
	"bufio"
	"bytes"
	"cmp"
	"encoding/json"
	"fmt"
	"net/http"
	"os"
	"strings"
	"testing"
	"time"

	"fairlead.dev/llm"
	"fairlead.dev/provider/anthropic"
	"fairlead.dev/provider/openai"
	"fairlead.dev/provider/providertest"
)

// rows reads a file of JSON lines.
func rows[T any](t *testing.T, name string) (list []T) {
	t.Helper()
	data, err := os.ReadFile("testdata/" + name)
	if err != nil {
		t.Fatal(err)
	}
	lines := bufio.NewScanner(bytes.NewReader(data))
	for lines.Scan() {
		var row T
		if err := json.Unmarshal(lines.Bytes(), &row); err != nil {
			t.Fatalf("%s: %v", lines.Bytes(), err)
		}
		list = append(list, row)
	}
	return list
}

func classes(t *testing.T) (c struct{ Class, Stream map[string]string }) {
	t.Helper()
	data, err := os.ReadFile("testdata/classes.json")
	if err != nil || json.Unmarshal(data, &c) != nil {
		t.Fatal("testdata/classes.json", err)
	}
	return c
}

type fact struct {
	Provider, Where, Type, Code, Class, Hint string
	Status                                   int
	Retry                                    bool
}

// provider is who reads the row: its own package if there is one, else openai, which reads all compatible hosts.
func (f *fact) provider() llm.Provider {
	if f.Provider == "anthropic" {
		return anthropic.New()
	}
	return openai.New()
}

// wire writes the error as its provider would. The data's code column holds codes, and where a provider has none, the
// words of its message.
func (f *fact) wire() (h http.Header, body string) {
	h, message, code, details := http.Header{}, "no", f.Code, ""
	switch {
	case code == "acceleration":
		message, code = "... more gradually to stay within the acceleration limit.", ""
	case strings.HasSuffix(code, " (TPD)"):
		message, code = "Rate limit reached for gpt-4 on tokens per day (TPD): Limit 10. Please try again in 7s.", strings.TrimSuffix(code, " (TPD)")
	case code == "*PerDay*":
		details = `,"details":[{"@type":"x/google.rpc.QuotaFailure","violations":[{"quotaId":"RequestsPerDayPerModel"}]},{"@type":"x/google.rpc.RetryInfo","retryDelay":"36s"}]`
		code = ""
	case strings.Contains(code, " "):
		message, code = code, ""
	case f.Class == "model_gone":
		message = "model: claude-gone"
	}
	switch f.Provider {
	case "anthropic":
		return h, fmt.Sprintf(`{"type":"error","error":{"type":%q,"message":%q}}`, f.Type, message)
	case "bedrock":
		h.Set("X-Amzn-Errortype", f.Type+":http://internal.amazon.com/")
		return h, `{"message":"no"}`
	case "gemini":
		return h, fmt.Sprintf(`{"error":{"code":%d,"message":%q,"status":%q%s}}`, f.Status, message, f.Type, details)
	case "openrouter":
		return h, fmt.Sprintf(`{"error":{"code":%d,"message":%q}}`, f.Status, message)
	}
	return h, fmt.Sprintf(`{"error":{"message":%q,"type":%q,"code":%q}}`, message, f.Type, code)
}

// stream writes the error as it arrives after a 200.
func (f *fact) stream() string {
	switch {
	case f.Class == "truncated":
		return "data: {\"choices\":[{\"index\":0,\"delta\":{\"content\":\"hi\"}}]}\n\n"
	case f.Provider == "anthropic":
		return fmt.Sprintf("event: error\ndata: {\"type\":\"error\",\"error\":{\"type\":%q,\"message\":\"no\"}}\n\n", f.Code)
	case f.Provider == "vllm":
		return "data: {\"object\":\"error\",\"message\":\"no\",\"type\":\"InternalServerError\",\"code\":500}\n\n"
	case f.Code != "":
		return fmt.Sprintf("event: error\ndata: {\"type\":\"error\",\"code\":%q,\"message\":\"no\"}\n\n", f.Code)
	}
	return "data: {\"error\":{\"message\":\"no\"}}\n\n"
}

// TestErrorsOfProviders: every row of the collected errors has the verdict of its class.
func TestErrorsOfProviders(t *testing.T) {
	class := classes(t).Class
	used := map[string]bool{}
	for _, f := range rows[fact](t, "provider_errors.jsonl") {
		name := strings.Join([]string{f.Provider, fmt.Sprint(f.Status), f.Type, f.Code}, "/")
		t.Run(name, func(t *testing.T) {
			want, known := class[f.Class]
			if used[f.Class] = true; !known {
				t.Fatalf("classes.json lacks %q", f.Class)
			}
			if want == "" {
				t.Skip("only the loop's clocks can tell: ", f.Class)
			}
			p := f.provider()
			r := &llm.Request{Op: llm.Generate, Choices: 1}
			var out llm.Outcome
			if f.Where == "sse" {
				out = providertest.Read(p.Decoder(r, 200, nil), f.stream()).Out
			} else {
				h, body := f.wire()
				out = p.Outcome(r, f.Status, h, []byte(body), providertest.Now)
			}
			if out.Verdict.String() != want {
				t.Errorf("%s, want %s (%s)", out.Verdict, want, f.Class)
			}
			if f.Class == "rate_limit_daily" && (out.Hint != 0 || out.KeyWide) {
				t.Errorf("a day's limit: hint %v, key wide %v", out.Hint, out.KeyWide)
			}
		})
	}
	for c := range class {
		if !used[c] {
			t.Errorf("classes.json has %q, the data does not", c)
		}
	}
}

// TestHintsOfProviders: every row of the collected hints is read, or ignored, as wanted.
func TestHintsOfProviders(t *testing.T) {
	for _, row := range rows[struct{ Header, Value, Want string }](t, "retry_after_cases.jsonl") {
		var seconds float64
		fmt.Sscanf(row.Want, "%f s", &seconds)
		want := time.Duration(seconds * float64(time.Second))
		if strings.HasPrefix(row.Want, "clamp") {
			want = time.Hour // passed on; the policy clamps it
		}
		h, body := http.Header{}, `{"error":{"message":"no"}}`
		if row.Header == "retryDelay" {
			body = fmt.Sprintf(`{"error":{"status":"RESOURCE_EXHAUSTED","details":[{"@type":"x/google.rpc.RetryInfo","retryDelay":%q}]}}`, row.Value)
		}
		h.Set(row.Header, row.Value)
		remaining := "0"
		if strings.Contains(row.Want, "remaining is also -1") {
			remaining = "-1"
		}
		h.Set("X-Ratelimit-Remaining-Tokens", remaining)
		for _, p := range []llm.Provider{anthropic.New(), openai.New()} {
			out := p.Outcome(&llm.Request{}, 429, h, []byte(body), providertest.Now)
			if out.Hint != want {
				t.Errorf("%s: %s: %s: %v, want %v (%s)", p.Name(), row.Header, row.Value, out.Hint, want, row.Want)
			}
		}
	}
}

// TestStreamsOfProviders: every row of the collected streams. Rows about framing alone end without an answer in them:
// their end marker is seen, and that the answer is empty is known as well.
func TestStreamsOfProviders(t *testing.T) {
	framing := map[string]string{"no_space_after_colon": "empty", "field_without_colon": "empty", "retry_and_id_fields": "empty", "openai_finish_no_done": "empty"}
	verdict := classes(t).Stream
	for _, row := range rows[struct{ Name, Wire, Want string }](t, "sse_cases.jsonl") {
		if strings.HasPrefix(row.Wire, "GENERATE") {
			continue // clocks, not words
		}
		t.Run(row.Name, func(t *testing.T) {
			var p llm.Provider = anthropic.New()
			if strings.Contains(row.Wire, "choices") {
				p = openai.New()
			}
			want := cmp.Or(framing[row.Name], verdict[row.Want])
			r := &llm.Request{Op: llm.Generate, Stream: true, Choices: 1}
			for i := range row.Wire {
				s := providertest.Read(p.Decoder(r, 200, nil), row.Wire[:i], row.Wire[i:])
				if s.Out.Verdict.String() != want {
					t.Fatalf("split at %d: %v, want %s (%s)", i, s, want, row.Want)
				}
				if marker := strings.Contains(row.Wire, "message_stop") || strings.Contains(row.Wire, "[DONE]"); marker != strings.HasSuffix(s.Kinds, "E") {
					t.Fatalf("split at %d: the end marker: %v", i, s)
				}
			}
		})
	}
}
