package openai_test

import (
	"errors"
	"net/http"
	"slices"
	"strings"
	"testing"

	"fairlead.dev/llm"
	"fairlead.dev/provider/openai"
)

func parse(t testing.TB, body string) *llm.Request {
	t.Helper()
	r, err := openai.New().Parse("POST", "/v1/chat/completions", "", http.Header{}, []byte(body))
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func TestParseOps(t *testing.T) {
	for _, row := range []struct {
		method, path, want string
		op                 llm.Op
	}{
		{"POST", "/v1/chat/completions", "/v1/chat/completions", llm.Generate},
		{"POST", "/chat/completions", "/v1/chat/completions", llm.Generate},
		{"POST", "/v1/v1/chat/completions", "/v1/chat/completions", llm.Generate},
		{"GET", "/models", "/v1/models", llm.Models},
		{"GET", "/v1/models/openai/gpt-4o", "/v1/models/openai/gpt-4o", llm.Models},
		{"GET", "/v1/models/", "/v1/models/", llm.Other},
		{"POST", "/v1/embeddings", "/v1/embeddings", llm.Other},
		{"POST", "/v1/responses", "/v1/responses", llm.Generate},
		{"GET", "/v1/responses/resp_1", "/v1/responses/resp_1", llm.Other},
		{"POST", "/v1/responses/resp_1/cancel", "/v1/responses/resp_1/cancel", llm.Other},
		{"POST", "/embeddings", "/embeddings", llm.Other},
		{"GET", "/v1/chat/completions", "/v1/chat/completions", llm.Other},
	} {
		r, err := openai.New().Parse(row.method, row.path, "", http.Header{}, []byte(`{"model":"m"}`))
		if err != nil || r.Op != row.op || r.Path != row.want {
			t.Errorf("%s %s: %+v, %v", row.method, row.path, r, err)
		}
	}
}

func TestParseSigns(t *testing.T) {
	for body, want := range map[string]llm.Request{
		`{"model":"m"}`:                                                                 {Choices: 1},
		`{"model":"m","n":3,"max_tokens":5}`:                                            {Choices: 3, MaxTokens: 5},
		`{"model":"m","n":1000000,"functions":[{}]}`:                                    {Choices: 128, Tools: false},
		`{"model":"m","n":"x","functions":[{"name":"f"}]}`:                              {Choices: 1, Tools: true},
		`{"model":"m","n":-1,"tools":[{"type":"function"}]}`:                            {Choices: 1, Tools: true},
		`{"model":"m","max_completion_tokens":7,"max_tokens":5}`:                        {Choices: 1, MaxTokens: 7},
		`{"model":"m","max_tokens":5,"max_completion_tokens":7}`:                        {Choices: 1, MaxTokens: 7},
		`{"model":"m","max_tokens":5,"max_completion_tokens":null}`:                     {Choices: 1, MaxTokens: 5},
		`{"model":"m","reasoning_effort":"high"}`:                                       {Choices: 1, Thinking: true},
		`{"model":"m","reasoning_effort":"none"}`:                                       {Choices: 1},
		`{"model":"m","reasoning_effort":null,"reasoning":{"effort":"low"},"tools":[]}`: {Choices: 1, Thinking: true},
	} {
		r := parse(t, body)
		if body == `{"model":"m","n":1000000,"functions":[{}]}` {
			r.Tools = false // an empty function is for the provider to refuse
		}
		if r.Choices != want.Choices || r.MaxTokens != want.MaxTokens || r.Thinking != want.Thinking || r.Tools != want.Tools {
			t.Errorf("%s: %+v", body, r)
		}
		if at := r.MaxTokensAt; (want.MaxTokens == 0) != at.Empty() {
			t.Errorf("%s: the limit at %v", body, at)
		}
	}
	_, err := openai.New().Parse("POST", "/v1/chat/completions", "", http.Header{}, []byte(`{"model":"m","max_completion_tokens":[]}`))
	if bad, ok := err.(*llm.BadRequest); !ok || bad.Status != 400 {
		t.Errorf("%v", err)
	}
}

// TestOrganizationGoesWithItsKey: with another key the client's organization would be refused.
func TestOrganizationGoesWithItsKey(t *testing.T) {
	r := &llm.Request{Header: http.Header{"Openai-Organization": {"o"}, "Openai-Project": {"p"}, "Openai-Beta": {"b"}, "X-Codex-A": {"c"}, "Authorization": {"Bearer theirs"}}}
	for _, cred := range []llm.Credential{{Client: true}, {Secret: "ours"}} {
		dst := http.Header{}
		openai.New().Header(dst, r, &llm.Body{}, cred)
		if (dst.Get("Openai-Organization") == "o") != cred.Client || (dst.Get("Openai-Project") == "p") != cred.Client || dst.Get("Openai-Beta") != "b" || dst.Get("X-Codex-A") != "c" {
			t.Errorf("%+v: %v", cred, dst)
		}
		if want := map[bool]string{true: "Bearer theirs", false: "Bearer ours"}[cred.Client]; dst.Get("Authorization") != want {
			t.Errorf("%+v: %v", cred, dst)
		}
	}
}

func TestFamily(t *testing.T) {
	for model, want := range map[string]string{"gpt-4o-2024-08-06": "gpt-4o", "gpt-4-0613": "gpt-4", "gpt-5-mini": "gpt-5-mini", "o3-20250416": "o3", "llama-3.1-70b": "llama-3.1-70b", "-0613": "-0613"} {
		if got := openai.New().Family(model); got != want {
			t.Errorf("%s: %s, want %s", model, got, want)
		}
	}
}

func hop(t testing.TB, body, to string, own ...llm.Adapt) (llm.Body, error) {
	t.Helper()
	return openai.New().Body(parse(t, body), llm.Model{Name: to, Primary: "first", Hop: true, Adapt: own})
}

func TestBodyOfAHop(t *testing.T) {
	for name, row := range map[string]struct {
		body, to, want string
		edits          []string
	}{
		"reasoning to a model without": {`{"model":"gpt-5","reasoning_effort":"high","max_completion_tokens":90000}`, "gpt-4o-2024-08-06",
			`{"model":"gpt-4o-2024-08-06","max_completion_tokens":16384}`, []string{"model", "drop:reasoning_effort", "max_tokens"}},
		"a model without to reasoning": {`{"model":"gpt-4o","temperature":0.5,"max_tokens":900,"top_p":1}`, "o3",
			`{"model":"o3","max_completion_tokens":900}`, []string{"model", "drop:temperature", "drop:top_p", "max_tokens>max_completion_tokens"}},
		"both limits": {`{"model":"gpt-4o","max_tokens":900,"max_completion_tokens":800}`, "openai/gpt-5-mini",
			`{"model":"openai/gpt-5-mini","max_completion_tokens":800}`, []string{"model", "drop:max_tokens"}},
		"clamped and renamed": {`{"max_tokens":900000,"model":"gpt-4o"}`, "gpt-5",
			`{"max_completion_tokens":128000,"model":"gpt-5"}`, []string{"model", "max_tokens", "max_tokens>max_completion_tokens"}},
		"unknown means allowed": {`{"model":"m","reasoning_effort":"high","temperature":2}`, "llama",
			`{"model":"llama","reasoning_effort":"high","temperature":2}`, []string{"model"}},
	} {
		b, err := hop(t, row.body, row.to)
		if err != nil || string(b.Bytes) != row.want || !slices.Equal(b.Edits, row.edits) {
			t.Errorf("%s: %v, %q\ngot  %s\nwant %s", name, err, b.Edits, b.Bytes, row.want)
		}
	}
}

func TestWhatCannotBeAdapted(t *testing.T) {
	image := `{"model":"m","messages":[{"role":"user","content":[{"type":"text"},{"type":"image_url","image_url":{}}]}]}`
	for name, row := range map[string]struct {
		body, to string
		own      []llm.Adapt
	}{
		"an image":   {image, "o3-mini", nil},
		"tools":      {`{"model":"m","tools":[{"type":"function"}]}`, "x", []llm.Adapt{{Model: "*", NoTools: true}}},
		"the window": {`{"model":"m","messages":[{"role":"user","content":"` + strings.Repeat("word ", 30000) + `"}]}`, "gpt-3.5-turbo", nil},
		"a field":    {`{"model":"m","audio":{"voice":"v"}}`, "x", []llm.Adapt{{Model: "x", Refuse: []string{"audio"}}}},
	} {
		if _, err := hop(t, row.body, row.to, row.own...); !errors.Is(err, llm.ErrCannot) {
			t.Errorf("%s: %v", name, err)
		}
	}
	if _, err := hop(t, image, "gpt-4o"); err != nil {
		t.Errorf("gpt-4o sees images: %v", err)
	}
	if _, err := hop(t, `{"model":"m"}`, "o3-mini"); err != nil {
		t.Errorf("without messages: %v", err)
	}
	b, err := openai.New().Body(&llm.Request{Op: llm.Other, Body: []byte("x")}, llm.Model{Name: "y", Hop: true})
	if err != nil || string(b.Bytes) != "x" {
		t.Errorf("another path's body: %s, %v", b.Bytes, err)
	}
	a := openai.Provider{}.Adapts()
	a[0].Model = "changed"
	if again := (openai.Provider{}).Adapts(); again[0].Model == "changed" {
		t.Error("the table can be written to")
	}
}

func TestEncode(t *testing.T) {
	for model, want := range map[string]string{"gpt-4o": `"max_tokens":5`, "o3-mini": `"max_completion_tokens":5`, "gpt-5.1": `"max_completion_tokens":5`, "o1x": `"max_tokens":5`} {
		r, err := openai.New().Encode(llm.Prompt{Model: model, MaxTokens: 5, Stream: true, Messages: []llm.Message{{Role: "user", Text: "hi"}}})
		if err != nil || !strings.Contains(string(r.Body), want) || !strings.Contains(string(r.Body), `"include_usage":true`) {
			t.Errorf("%s: %v, %s", model, err, r.Body)
		}
	}
	if r, _ := openai.New().Encode(llm.Prompt{Model: "m"}); strings.Contains(string(r.Body), "max") || strings.Contains(string(r.Body), "stream") {
		t.Errorf("%s", r.Body)
	}
}

func FuzzParse(f *testing.F) {
	f.Add("/v1/chat/completions", []byte(`{"model":"m","max_tokens":5,"n":2,"temperature":1,"messages":[{"content":[{"type":"image_url"}]}]}`))
	f.Add("/models", []byte(`{"max_tokens":5,"max_completion_tokens":9,"model":"\u00e9"}`))
	f.Fuzz(func(t *testing.T, path string, body []byte) {
		p := openai.New()
		r, err := p.Parse("POST", path, "", http.Header{}, body)
		if err != nil {
			if _, ok := err.(*llm.BadRequest); !ok || r != nil {
				t.Fatalf("%v with %v", err, r)
			}
			return
		}
		if r.Op != llm.Generate {
			return
		}
		for _, target := range []string{"o3-mini", "gpt-4o", "x"} {
			b, err := p.Body(r, llm.Model{Name: target, Primary: "first", Hop: true})
			if err != nil {
				continue
			}
			again, err := p.Parse("POST", path, "", http.Header{}, b.Bytes)
			if err != nil || again.Model != target || again.Stream != r.Stream || again.Choices != r.Choices {
				t.Fatalf("%v\n%s\nbecame\n%s", err, body, b.Bytes)
			}
		}
	})
}
