package anthropic_test

import (
	"net/http"
	"testing"

	"fairlead.dev/llm"
	"fairlead.dev/provider/anthropic"
)

func parse(t testing.TB, body string) *llm.Request {
	t.Helper()
	r, err := anthropic.New().Parse("POST", "/v1/messages", "beta=true", http.Header{}, []byte(body))
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func TestParseOps(t *testing.T) {
	for _, row := range []struct {
		method, path string
		want         llm.Op
	}{
		{"POST", "/v1/messages", llm.Generate},
		{"POST", "/v1/messages/count_tokens", llm.CountTokens},
		{"GET", "/v1/models", llm.Models},
		{"GET", "/v1/models/claude-opus-5-5", llm.Models},
		{"GET", "/v1/models/", llm.Other},
		{"GET", "/v1/models/a/b", llm.Other},
		{"GET", "/v1/messages", llm.Other},
		{"POST", "/v1/messages/batches", llm.Other},
		{"POST", "/v1/messages/", llm.Other},
		{"DELETE", "/v1/models/x", llm.Other},
	} {
		r, err := anthropic.New().Parse(row.method, row.path, "", http.Header{}, []byte(`{"model":"m"}`))
		if err != nil || r.Op != row.want {
			t.Errorf("%s %s: %v, %v; want %v", row.method, row.path, r, err, row.want)
		}
	}
}

func TestParseSigns(t *testing.T) {
	for body, want := range map[string]struct {
		thinking, tools bool
		max             int
	}{
		`{"model":"m"}`: {},
		`{"model":"m","thinking":{"type":"enabled","budget_tokens":2000},"max_tokens":4000}`: {thinking: true, max: 4000},
		`{"model":"m","thinking":{"type":"adaptive"},"tools":[]}`:                            {thinking: true},
		`{"model":"m","thinking":{"type":"disabled"},"tools":[{"name":"x"}]}`:                {tools: true},
		`{"model":"m","output_config":{"effort":"high"}}`:                                    {thinking: true},
		`{"model":"m","output_config":{"format":{}},"max_tokens":-1}`:                        {},
	} {
		r := parse(t, body)
		if r.Thinking != want.thinking || r.Tools != want.tools || r.MaxTokens != want.max || r.Query != "beta=true" || r.MaxTokensAt.Empty() != (want.max == 0) {
			t.Errorf("%s: %+v", body, r)
		}
	}
}

func header(t *testing.T, client http.Header, b llm.Body, cred llm.Credential) http.Header {
	t.Helper()
	dst := http.Header{}
	anthropic.New().Header(dst, &llm.Request{Header: client}, &b, cred)
	return dst
}

func TestHeader(t *testing.T) {
	dst := header(t, http.Header{
		"Anthropic-Version": {"2026-10-21"}, "Anthropic-Beta": {"a-1, b-2", "c-3"}, "Anthropic-Unheard-Of": {"x"}, "Anthropic-Workspace-Id": {"w"},
		"X-App": {"cli"}, "X-Claude-Code-Session-Id": {"s"},
	}, llm.Body{Betas: []string{"b-2"}}, llm.Credential{Secret: "sk-ant-oat01-x"})
	for name, want := range map[string]string{
		"Anthropic-Version": "2026-10-21", "Anthropic-Beta": "a-1,c-3", "Anthropic-Unheard-Of": "x", "Anthropic-Workspace-Id": "w", "X-App": "cli",
		"X-Claude-Code-Session-Id": "s", "Authorization": "Bearer sk-ant-oat01-x", "X-Api-Key": "", "Content-Type": "",
	} {
		if got := dst.Get(name); got != want {
			t.Errorf("%s: %q, want %q", name, got, want)
		}
	}
	dst = header(t, http.Header{"Anthropic-Beta": {"a-1"}}, llm.Body{Betas: []string{"a-1"}}, llm.Credential{Secret: "sk-ant-api03-x"})
	if _, ok := dst["Anthropic-Beta"]; ok || dst.Get("X-Api-Key") != "sk-ant-api03-x" || dst.Get("Anthropic-Version") != "2023-06-01" {
		t.Errorf("%v", dst)
	}
	client := http.Header{"Anthropic-Beta": make([]string, 1, 2)}
	client["Anthropic-Beta"][0] = "a-1"
	dst = header(t, client, llm.Body{}, llm.Credential{})
	dst.Add("Anthropic-Beta", "ours")
	if got := client["Anthropic-Beta"][:2]; got[1] != "" {
		t.Errorf("an append reached the client's header: %q", got)
	}
}

func TestFamily(t *testing.T) {
	for model, want := range map[string]string{
		"claude-opus-5-5": "opus", "claude-3-5-sonnet-20241022": "sonnet", "anthropic.claude-haiku-4-5-v1:0": "haiku", "claude-fable-5-2": "fable", "claude-mythos-5": "mythos", "claude-2.1": "claude-2.1",
	} {
		if got := anthropic.New().Family(model); got != want {
			t.Errorf("%s: %s, want %s", model, got, want)
		}
	}
}

func FuzzParse(f *testing.F) {
	f.Add("POST", "/v1/messages", []byte(`{"model":"m","max_tokens":5,"thinking":{"type":"adaptive"},"messages":[{"role":"assistant","content":[{"type":"thinking"},{"type":"text","text":"x"}]}]}`))
	f.Add("GET", "/v1/models/x", []byte(nil))
	f.Add("POST", "/v1/messages", []byte(`{"model":"m","max_tokens":70000,"thinking":{"type":"enabled","budget_tokens":69000},"output_config":{"effort":"low"},"context_management":{"edits":[{"type":"clear_thinking_20251015"}]}}`))
	f.Fuzz(func(t *testing.T, method, path string, body []byte) {
		p := anthropic.New()
		r, err := p.Parse(method, path, "", http.Header{}, body)
		if err != nil {
			if _, ok := err.(*llm.BadRequest); !ok || r != nil {
				t.Fatalf("%v with %v", err, r)
			}
			return
		}
		if r.Op > llm.CountTokens {
			return
		}
		if s, ok := llm.Str(body[r.ModelAt.Start:r.ModelAt.End]); !ok || s != r.Model {
			t.Fatalf("model %q at %v", r.Model, r.ModelAt)
		}
		for _, target := range []string{"claude-haiku-4-5", "claude-opus-5-5", "x"} {
			b, err := p.Body(r, llm.Model{Name: target, Primary: "first", Hop: true})
			if err != nil {
				continue
			}
			again, err := p.Parse("POST", "/v1/messages", "", http.Header{}, b.Bytes)
			if err != nil || again.Model != target || again.Stream != r.Stream {
				t.Fatalf("%v\n%s\nbecame\n%s", err, body, b.Bytes)
			}
		}
	})
}
