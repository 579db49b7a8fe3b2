package anthropic_test

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
	"fairlead.dev/provider/anthropic"
)

// TestModelsOfTheTable: what each model is known to refuse, asked with a request
// that has one field and value of every kind.
func TestModelsOfTheTable(t *testing.T) {
	const (
		adaptive, budgeted, disabled = `"thinking":{"type":"adaptive"}`, `"thinking":{"type":"enabled","budget_tokens":2000}`, `"thinking":{"type":"disabled"}`
		effort, temperature          = `"output_config":{"effort":"high"}`, `"temperature":1`
		topP, topK                   = `"top_p":0.5`, `"top_k":5`
	)
	always := []string{budgeted, disabled, temperature, topP, topK}
	sampling := []string{budgeted, temperature, topP, topK}
	old := []string{adaptive, effort}
	for _, row := range []struct {
		models  string
		dropped []string
		most    int    // tokens of an answer; 0: unknown
		forced  bool   // takes a forced choice of a tool
		betas   string // that go
	}{
		{"claude-opus-5-5 claude-opus-5-5-20261101 anthropic.claude-opus-5-5-v1:0 claude-fable-5 claude-fable-5-1", always, 128_000, false, ""},
		{"claude-opus-5 claude-opus-5-1 claude-opus-4-8 claude-opus-4-7", sampling, 128_000, true, ""},
		{"claude-sonnet-5 claude-sonnet-5-5 claude-haiku-5-5", []string{budgeted}, 128_000, true, ""},
		{"claude-opus-4-6", nil, 128_000, true, ""},
		{"claude-opus-4-5 claude-opus-4-5-20251101", []string{adaptive}, 64_000, true, "adaptive-thinking context-1m"},
		{"claude-sonnet-4-5 us.anthropic.claude-sonnet-4-5-20250929-v1:0 claude-sonnet-4-20250514", old, 64_000, true, "adaptive-thinking effort"},
		{"claude-haiku-4-5", old, 64_000, true, "adaptive-thinking effort context-1m"},
		{"claude-opus-4-1-20250805 claude-opus-4-20250514", old, 32_000, true, "adaptive-thinking effort context-1m"},
		{"claude-3-7-sonnet-20250219 claude-3-haiku-20240307", old, 0, true, "adaptive-thinking effort context-1m"},
		{"claude-sonnet-4-6 claude-next-9 gpt-5 some/model", nil, 0, true, ""}, // unknown means allowed
	} {
		for model := range strings.FieldsSeq(row.models) {
			for _, field := range []string{adaptive, budgeted, disabled, effort, temperature, topP, topK} {
				b, err := hop(t, `{"model":"o","max_tokens":4000,`+field+`}`, model)
				if kept := strings.Contains(string(b.Bytes), field); err != nil || kept == slices.Contains(row.dropped, field) || !json.Valid(b.Bytes) {
					t.Errorf("%s: %s kept: %v, %v, %q", model, field, kept, err, b.Edits)
				}
			}
			b, err := hop(t, `{"model":"o","max_tokens":500000}`, model)
			if want := fmt.Sprintf(`"max_tokens":%d}`, cmp.Or(row.most, 500_000)); err != nil || !strings.HasSuffix(string(b.Bytes), want) {
				t.Errorf("%s: %v, %s, want %s", model, err, b.Bytes, want)
			}
			for _, choice := range []string{`{"type":"any"}`, `{"type":"tool","name":"x"}`, `{"type":"auto"}`, `{"type":"none"}`} {
				_, err := hop(t, `{"model":"o","tool_choice":`+choice+`}`, model)
				free := strings.Contains(choice, "auto") || strings.Contains(choice, "none")
				if refused := errors.Is(err, llm.ErrCannot); refused == (row.forced || free) {
					t.Errorf("%s: tool_choice %s: %v", model, choice, err)
				}
			}
			if got := strings.Join(betasGone(t, model), " "); got != row.betas {
				t.Errorf("%s: betas %q go, want %q", model, got, row.betas)
			}
		}
	}
}

// betasGone names the beta values that do not go with a request to a model.
func betasGone(t *testing.T, model string) (gone []string) {
	t.Helper()
	p := anthropic.New()
	all := []string{"adaptive-thinking-2026-01-28", "effort-2025-11-24", "context-1m-2025-08-07", "context-management-2025-06-27"}
	r, err := p.Parse("POST", "/v1/messages", "", http.Header{"Anthropic-Beta": {strings.Join(all, ",")}}, []byte(`{"model":"o"}`))
	if err != nil {
		t.Fatal(err)
	}
	b, err := p.Body(r, llm.Model{Name: model, Primary: "o", Hop: true})
	if err != nil {
		t.Fatal(err)
	}
	dst := http.Header{}
	p.Header(dst, r, &b, llm.Credential{})
	for _, beta := range all {
		if !slices.Contains(strings.Split(dst.Get("Anthropic-Beta"), ","), beta) {
			name, _, _ := strings.Cut(beta, "-20")
			gone = append(gone, name)
		}
	}
	return gone
}

// TestWindows: a prompt that is certainly too long for the next model passes it
// over; one that may fit is asked.
func TestWindows(t *testing.T) {
	for model, tokens := range map[string]int{"claude-opus-5-5": 1_000_000, "claude-haiku-4-5": 200_000, "claude-3-haiku": 200_000} {
		for _, over := range []int{-1000, 1000} {
			body := `{"model":"o","system":"` + strings.Repeat("x", 6*(tokens+over)) + `"}`
			if _, err := hop(t, body, model); errors.Is(err, llm.ErrCannot) != (over > 0) {
				t.Errorf("%s: %d tokens beside its window: %v", model, over, err)
			}
		}
	}
	if _, err := hop(t, `{"model":"o","system":"`+strings.Repeat("x", 12_000_000)+`"}`, "claude-next-9"); err != nil {
		t.Errorf("an unknown window: %v", err)
	}
}

// TestCountTokensIsAdaptedLikeItsMessage: a count for another model is of what
// that model would be sent. Other calls pass as they came.
func TestCountTokensIsAdaptedLikeItsMessage(t *testing.T) {
	p := anthropic.New()
	const body = `{"model":"claude-opus-5-5","thinking":{"type":"adaptive"},"messages":[{"role":"assistant","content":[` + thought + `,` + said + `]}]}`
	m := llm.Model{Name: "claude-haiku-4-5", Primary: "claude-opus-5-5", Hop: true}
	for path, want := range map[string]string{
		"/v1/messages/count_tokens": `{"model":"claude-haiku-4-5","messages":[{"role":"assistant","content":[` + said + `]}]}`,
		"/v1/messages":              `{"model":"claude-haiku-4-5","messages":[{"role":"assistant","content":[` + said + `]}]}`,
		"/v1/messages/batches":      body,
		"/v1/files":                 body,
	} {
		r, err := p.Parse("POST", path, "", http.Header{}, []byte(body))
		if err != nil {
			t.Fatal(err)
		}
		if b, err := p.Body(r, m); err != nil || string(b.Bytes) != want {
			t.Errorf("%s: %v\ngot  %s\nwant %s", path, err, b.Bytes, want)
		}
	}
}

// TestThinkingOfAnotherModel: turns of nothing else go, and what is left is a
// conversation that the API takes.
func TestThinkingOfAnotherModel(t *testing.T) {
	turn := func(role string, blocks ...string) string {
		return `{"role":"` + role + `","content":[` + strings.Join(blocks, ",") + `]}`
	}
	for name, row := range map[string]struct{ messages, want string }{
		"between blocks":           {turn("assistant", said, thought, called), turn("assistant", said, called)},
		"last":                     {turn("assistant", said, hidden), turn("assistant", said)},
		"several turns":            {turn("assistant", thought, said) + "," + result + "," + turn("assistant", hidden, called), turn("assistant", said) + "," + result + "," + turn("assistant", called)},
		"the first turn":           {turn("assistant", thought) + "," + result, result},
		"two turns in a row":       {result + "," + turn("assistant", thought) + "," + turn("assistant", hidden, thought) + "," + result, result + "," + result},
		"a string":                 {`{"role":"assistant","content":"thinking"}`, `{"role":"assistant","content":"thinking"}`},
		"the user's":               {turn("user", thought), turn("user", thought)},
		"content before the role":  {`{"content":[` + thought + `,` + said + `],"role":"assistant"}`, `{"content":[` + said + `],"role":"assistant"}`},
		"thinking inside a result": {`{"role":"user","content":[{"type":"tool_result","content":[` + thought + `]}]}`, `{"role":"user","content":[{"type":"tool_result","content":[` + thought + `]}]}`},
		"no role":                  {`{"content":[` + thought + `]},7,"x"`, `{"content":[` + thought + `]},7,"x"`},
	} {
		b, err := hop(t, `{"model":"o","messages":[`+row.messages+`]}`, "unheard-of")
		if want := `{"model":"unheard-of","messages":[` + row.want + `]}`; err != nil || string(b.Bytes) != want {
			t.Errorf("%s: %v\ngot  %s\nwant %s", name, err, b.Bytes, want)
		}
	}
}

// TestThinkingInsideAToolLoop: without its first block a loop may not ask for
// thinking; outside of one, or with nothing stripped, it may.
func TestThinkingInsideAToolLoop(t *testing.T) {
	assistant := func(blocks string) string { return `{"role":"assistant","content":[` + blocks + `]}` }
	for name, row := range map[string]struct {
		messages string
		keeps    bool
	}{
		"in a loop":             {assistant(thought+","+called) + "," + result, false},
		"nothing was stripped":  {assistant(called) + "," + result, true},
		"after the loop":        {assistant(thought+","+called) + "," + result + `,{"role":"user","content":"go on"}`, true},
		"the model speaks last": {assistant(thought+","+called) + "," + result + "," + assistant(said), true},
	} {
		for _, thinking := range []string{`"thinking":{"type":"enabled","budget_tokens":1024}`, `"thinking":{"type":"disabled"}`} {
			b, err := hop(t, `{"model":"o","max_tokens":5000,"messages":[`+row.messages+`],`+thinking+`}`, "unheard-of")
			keeps := row.keeps || strings.Contains(thinking, "disabled")
			if err != nil || strings.Contains(string(b.Bytes), thinking) != keeps || strings.Contains(string(b.Bytes), `"hm"`) {
				t.Errorf("%s, %s: %v, %q, %s", name, thinking, err, b.Edits, b.Bytes)
			}
		}
	}
}
