package openai_test

import (
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"

	"fairlead.dev/llm"
	"fairlead.dev/provider/openai"
)

// TestModelsOfTheTable: what each model is known to refuse, asked with a request
// that has one field of every kind.
func TestModelsOfTheTable(t *testing.T) {
	const effort = `"reasoning_effort":"high"`
	sampling := []string{`"temperature":0.5`, `"top_p":0.5`, `"presence_penalty":1`, `"frequency_penalty":1`, `"logprobs":true`, `"top_logprobs":2`, `"logit_bias":{"1":2}`}
	for _, row := range []struct {
		models  string
		dropped []string
		most    int    // tokens of an answer; 0: unknown
		blind   bool   // sees no images
		limit   string // the name that it knows for the limit
	}{
		{"gpt-4o gpt-4o-mini gpt-4o-2024-08-06 chatgpt-4o-latest", []string{effort}, 16_384, false, "max_tokens"},
		{"gpt-4.1 gpt-4.1-nano", []string{effort}, 32_768, false, "max_tokens"},
		{"gpt-4-turbo", []string{effort}, 4_096, false, "max_tokens"},
		{"gpt-3.5-turbo gpt-3.5-turbo-0125", []string{effort}, 4_096, true, "max_tokens"},
		{"o1 o1-2024-12-17 o3 o4-mini", sampling, 100_000, false, "max_completion_tokens"},
		{"o3-mini o3-mini-2025-01-31", sampling, 100_000, true, "max_completion_tokens"},
		{"gpt-5 gpt-5-mini gpt-5-2025-08-07", sampling, 128_000, false, "max_completion_tokens"},
		{"gpt-5-chat-latest", []string{effort}, 16_384, false, "max_completion_tokens"},
		{"gpt-5.5 openai/gpt-5-mini openai/o3", nil, 0, false, "max_completion_tokens"}, // of their own names nothing is known
		{"llama-3.1-70b openai/gpt-4o mistral-large gpt-50", nil, 0, false, "max_tokens"},
	} {
		for model := range strings.FieldsSeq(row.models) {
			for _, field := range append([]string{effort}, sampling...) {
				b, err := hop(t, `{"model":"m",`+field+`}`, model)
				if kept := strings.Contains(string(b.Bytes), field); err != nil || kept == slices.Contains(row.dropped, field) || !json.Valid(b.Bytes) {
					t.Errorf("%s: %s kept: %v, %v, %q", model, field, kept, err, b.Edits)
				}
			}
			b, err := hop(t, `{"model":"m","max_tokens":900000}`, model)
			want := fmt.Sprintf(`{"model":%q,%q:%d}`, model, row.limit, cmp.Or(row.most, 900_000))
			if err != nil || string(b.Bytes) != want {
				t.Errorf("%s: %v, %s, want %s", model, err, b.Bytes, want)
			}
			b, err = hop(t, `{"model":"m","max_completion_tokens":5}`, model) // a name that all know
			if err != nil || string(b.Bytes) != fmt.Sprintf(`{"model":%q,"max_completion_tokens":5}`, model) {
				t.Errorf("%s: %v, %s", model, err, b.Bytes)
			}
			_, err = hop(t, `{"model":"m","messages":[{"role":"user","content":[{"type":"image_url"}]}]}`, model)
			if errors.Is(err, llm.ErrCannot) != row.blind {
				t.Errorf("%s: an image: %v", model, err)
			}
		}
	}
}

// TestImagesAreFoundWhereTheyAre, and nowhere else.
func TestImagesAreFoundWhereTheyAre(t *testing.T) {
	for messages, shows := range map[string]bool{
		`[{"role":"user","content":[{"type":"text","text":"x"},{"type":"image_url","image_url":{}}]}]`: true,
		`[{"role":"user","content":"x"},{"role":"user","content":[{"type":"input_image"}]}]`:           true,
		`[{"content":[{"type":"image"}],"role":"tool"}]`:                                               true,
		`[{"role":"user","content":"image_url"}]`:                                                      false,
		`[{"role":"user","content":[{"type":"text","text":"{\"type\":\"image_url\"}"}]}]`:              false,
		`[{"role":"user","content":[{"type":"input_audio"}]}]`:                                         false,
		`[{"role":"user","content":{"type":"image_url"}}]`:                                             false,
		`{"content":[{"type":"image_url"}]}`:                                                           false,
		`"odd"`:                                                                                        false,
		`[7,null,[{"type":"image"}]]`:                                                                  false,
	} {
		_, err := hop(t, `{"model":"m","messages":`+messages+`}`, "o3-mini")
		if errors.Is(err, llm.ErrCannot) != shows {
			t.Errorf("%s: %v", messages, err)
		}
	}
}

// TestWindows: a prompt that is certainly too long for the next model passes it
// over; one that may fit is asked.
func TestWindows(t *testing.T) {
	for model, tokens := range map[string]int{"gpt-4o": 128_000, "gpt-3.5-turbo": 16_385, "o3": 200_000, "gpt-4.1-mini": 1_047_576} {
		for _, over := range []int{-1000, 1000} {
			body := `{"model":"m","x":"` + strings.Repeat("x", 6*(tokens+over)) + `"}`
			if _, err := hop(t, body, model); errors.Is(err, llm.ErrCannot) != (over > 0) {
				t.Errorf("%s: %d tokens beside its window: %v", model, over, err)
			}
		}
	}
}

// TestTheFirstTargetGetsTheClientsBytes, whatever is known of it.
func TestTheFirstTargetGetsTheClientsBytes(t *testing.T) {
	r := parse(t, `{"model":"o3","temperature":1,"max_tokens":900000}`)
	b, err := openai.New().Body(r, llm.Model{Name: "o3", Primary: "o3"})
	if err != nil || &b.Bytes[0] != &r.Body[0] || b.Edits != nil {
		t.Errorf("%v, %s", err, b.Bytes)
	}
	b, err = openai.New().Body(r, llm.Model{Name: "o3-pro", Primary: "o3-pro"})
	if err != nil || string(b.Bytes) != `{"model":"o3-pro","temperature":1,"max_tokens":900000}` {
		t.Errorf("%v, %s", err, b.Bytes)
	}
}

// TestHeader: what goes upstream, by name. Whatever is not listed stays here.
func TestHeader(t *testing.T) {
	pass := []string{"Accept", "Content-Type", "User-Agent", "Originator", "Session-Id", "Thread-Id", "X-Request-Id", "X-Client-Request-Id", "Traceparent", "Tracestate",
		"Http-Referer", "X-Title", "Openai-Beta", "Openai-Unheard-Of", "X-Stainless-Retry-Count", "X-Codex-Turn-Metadata"}
	stay := []string{"Authorization", "Api-Key", "X-Api-Key", "X-Goog-Api-Key", "Cookie", "Set-Cookie", "Proxy-Authorization", "Openai-Organization", "Openai-Project", "Referer", "Origin",
		"Anthropic-Version", "Anthropic-Beta", "X-Forwarded-For", "X-Real-Ip", "Forwarded", "Via", "Fairlead-Key", "Fairlead-Class", "Idempotency-Key", "X-Amz-Security-Token", "X-Unheard-Of", "Host", "Accept-Encoding"}
	client := http.Header{}
	for _, name := range append(pass, stay...) {
		client.Set(name, "theirs")
	}
	dst := http.Header{}
	openai.New().Header(dst, &llm.Request{Header: client}, &llm.Body{Bytes: []byte("{}")}, llm.Credential{Secret: "ours"})
	for _, name := range pass {
		if dst.Get(name) != "theirs" {
			t.Errorf("%s does not pass", name)
		}
		dst.Del(name)
	}
	if len(dst) != 2 || dst.Get("Authorization") != "Bearer ours" || dst.Get("Accept-Encoding") != "identity" {
		t.Errorf("beside what passes: %v", dst)
	}
}
