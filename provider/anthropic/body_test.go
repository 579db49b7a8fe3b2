package anthropic_test

import (
	"errors"
	"net/http"
	"slices"
	"strings"
	"testing"

	"fairlead.dev/llm"
	"fairlead.dev/provider/anthropic"
)

// hop fits a body made for an Opus to another model.
func hop(t testing.TB, body, to string, own ...llm.Adapt) (llm.Body, error) {
	t.Helper()
	return anthropic.New().Body(parse(t, body), llm.Model{Name: to, Primary: "claude-opus-5-5", Hop: true, Adapt: own})
}

const (
	thought = `{"type":"thinking","thinking":"hm","signature":"sig"}`
	hidden  = `{"type":"redacted_thinking","data":"x"}`
	said    = `{"type":"text","text":"so"}`
	called  = `{"type":"tool_use","id":"t","name":"n","input":{}}`
	result  = `{"role":"user","content":[{"type":"tool_result","tool_use_id":"t","content":"r"}]}`
)

func TestBodyOfAHop(t *testing.T) {
	for name, row := range map[string]struct {
		body, to, want string
		edits          []string
		own            []llm.Adapt
	}{
		"clamped": {
			body:  `{"model":"o","max_tokens":128000,"messages":[]}`,
			to:    "claude-haiku-4-5",
			want:  `{"model":"claude-haiku-4-5","max_tokens":64000,"messages":[]}`,
			edits: []string{"model", "max_tokens"},
		},
		"the user's row first": {
			body:  `{"max_tokens":128000,"model":"o"}`,
			to:    "claude-haiku-4-5",
			own:   []llm.Adapt{{Model: "claude-*", MaxOutput: 100}, {Model: "*", MaxOutput: 5}},
			want:  `{"max_tokens":100,"model":"claude-haiku-4-5"}`,
			edits: []string{"model", "max_tokens"},
		},
		"adaptive thinking and effort": {
			body:  `{"model":"o","thinking":{"type":"adaptive"},"output_config":{"effort":"high"},"x":1}`,
			to:    "claude-haiku-4-5-20251001",
			want:  `{"model":"claude-haiku-4-5-20251001","x":1}`,
			edits: []string{"model", "drop:thinking", "drop:output_config.effort"},
		},
		"effort beside a format": {
			body:  `{"model":"o","output_config":{"effort":"high","format":{"type":"json_schema"}}}`,
			to:    "claude-sonnet-4-5",
			want:  `{"model":"claude-sonnet-4-5","output_config":{"format":{"type":"json_schema"}}}`,
			edits: []string{"model", "drop:output_config.effort"},
		},
		"a budget that older models know": {
			body:  `{"model":"o","max_tokens":5000,"thinking":{"type":"enabled","budget_tokens":2000}}`,
			to:    "claude-sonnet-4-5",
			want:  `{"model":"claude-sonnet-4-5","max_tokens":5000,"thinking":{"type":"enabled","budget_tokens":2000}}`,
			edits: []string{"model"},
		},
		"a budget that newer models refuse": {
			body:  `{"model":"o","thinking":{"type":"enabled","budget_tokens":2000},"temperature":1}`,
			to:    "claude-opus-4-7",
			want:  `{"model":"claude-opus-4-7"}`,
			edits: []string{"model", "drop:thinking", "drop:temperature"},
		},
		"thinking off where it is always on": {
			body:  `{"model":"o","thinking":{"type":"disabled"},"tool_choice":{"type":"auto"}}`,
			to:    "claude-fable-5-1",
			want:  `{"model":"claude-fable-5-1","tool_choice":{"type":"auto"}}`,
			edits: []string{"model", "drop:thinking"},
		},
		"the budget stays below the limit": {
			body:  `{"model":"o","max_tokens":90000,"thinking":{"budget_tokens":80000,"type":"enabled"}}`,
			to:    "claude-sonnet-4-5",
			want:  `{"model":"claude-sonnet-4-5","max_tokens":64000,"thinking":{"budget_tokens":32000,"type":"enabled"}}`,
			edits: []string{"model", "max_tokens", "budget_tokens"},
		},
		"no room for a budget": {
			body:  `{"model":"o","max_tokens":90000,"thinking":{"budget_tokens":80000,"type":"enabled"}}`,
			to:    "tiny",
			own:   []llm.Adapt{{Model: "tiny", MaxOutput: 1500}},
			want:  `{"model":"tiny","max_tokens":1500}`,
			edits: []string{"model", "max_tokens", "drop:thinking"},
		},
		"foreign thinking": {
			body:  `{"model":"o","messages":[{"role":"assistant","content":[` + thought + `,` + hidden + `, ` + said + `]},{"role":"user","content":[` + thought + `]}],"thinking":{"type":"adaptive"}}`,
			to:    "claude-sonnet-5-5",
			want:  `{"model":"claude-sonnet-5-5","messages":[{"role":"assistant","content":[` + said + `]},{"role":"user","content":[` + thought + `]}],"thinking":{"type":"adaptive"}}`,
			edits: []string{"model", "strip-thinking-blocks"},
		},
		"inside a tool loop": {
			body: `{"model":"o","messages":[{"role":"assistant","content":[` + thought + `,` + called + `]},` + result + `],"thinking":{"type":"adaptive"},` +
				`"context_management":{"edits":[{"type":"clear_thinking_20251015","keep":"all"},{"type":"clear_tool_uses_20250919"}]}}`,
			to: "claude-sonnet-5-5",
			want: `{"model":"claude-sonnet-5-5","messages":[{"role":"assistant","content":[` + called + `]},` + result + `],` +
				`"context_management":{"edits":[{"type":"clear_tool_uses_20250919"}]}}`,
			edits: []string{"model", "strip-thinking-blocks", "drop:thinking", "drop:clear_thinking"},
		},
		"a turn of nothing but thinking": {
			body:  `{"model":"o","messages":[{"role":"user","content":"a"},{"role":"assistant","content":[` + thought + `]},{"role":"user","content":"b"}]}`,
			to:    "claude-sonnet-5-5",
			want:  `{"model":"claude-sonnet-5-5","messages":[{"role":"user","content":"a"},{"role":"user","content":"b"}]}`,
			edits: []string{"model", "strip-thinking-blocks", "drop-empty-turns"},
		},
		"the same model elsewhere": {
			body:  `{"model":"claude-opus-5-5","messages":[{"role":"assistant","content":[` + thought + `,` + called + `]},` + result + `],"thinking":{"type":"adaptive"}}`,
			to:    "claude-opus-5-5",
			want:  `{"model":"claude-opus-5-5","messages":[{"role":"assistant","content":[` + thought + `,` + called + `]},` + result + `],"thinking":{"type":"adaptive"}}`,
			edits: nil,
		},
	} {
		t.Run(name, func(t *testing.T) {
			b, err := hop(t, row.body, row.to, row.own...)
			if err != nil || string(b.Bytes) != row.want || !slices.Equal(b.Edits, row.edits) {
				t.Errorf("%v, %q\ngot  %s\nwant %s", err, b.Edits, b.Bytes, row.want)
			}
		})
	}
}

func TestWhatCannotBeAdapted(t *testing.T) {
	for name, row := range map[string]struct {
		body string
		own  llm.Adapt
	}{
		"tools":             {`{"model":"o","tools":[{"name":"x"}]}`, llm.Adapt{NoTools: true}},
		"an image":          {`{"model":"o","messages":[{"role":"user","content":[{"type":"image"}]}]}`, llm.Adapt{NoImages: true}},
		"a tool's image":    {`{"model":"o","messages":[{"role":"user","content":[{"type":"tool_result","content":[{"type":"image"}]}]}]}`, llm.Adapt{NoImages: true}},
		"a field":           {`{"model":"o","container":{}}`, llm.Adapt{Refuse: []string{"container"}}},
		"a value":           {`{"model":"o","tool_choice":{"type":"any"}}`, llm.Adapt{Refuse: []string{"tool_choice?type=any"}}},
		"too long a prompt": {`{"model":"o","system":"` + strings.Repeat("word ", 2000) + `"}`, llm.Adapt{Window: 1000}},
		"only thinking":     {`{"model":"o","messages":[{"role":"assistant","content":[` + thought + `]}]}`, llm.Adapt{}},
	} {
		row.own.Model = "other"
		_, err := hop(t, row.body, "other", row.own)
		if !errors.Is(err, llm.ErrCannot) || !strings.Contains(err.Error(), "other") {
			t.Errorf("%s: %v", name, err)
		}
		// The first target is the client's own choice, and only it can refuse.
		r := parse(t, row.body)
		if b, err := anthropic.New().Body(r, llm.Model{Name: "o", Primary: "o", Adapt: []llm.Adapt{row.own}}); err != nil || &b.Bytes[0] != &r.Body[0] {
			t.Errorf("%s: the first target: %v", name, err)
		}
	}
	if _, err := hop(t, `{"model":"o","tool_choice":{"type":"tool","name":"x"}}`, "claude-opus-5-5-20261101"); !errors.Is(err, llm.ErrCannot) {
		t.Errorf("forced tool use where thinking is always on: %v", err)
	}
	if _, err := hop(t, `{"model":"o","tools":[{"name":"x"}],"messages":[{"role":"user","content":[{"type":"text"}]}]}`, "unheard-of"); err != nil {
		t.Errorf("unknown means allowed: %v", err)
	}
}

// TestBetasGoWithTheirFields: what leaves the body leaves the beta header, and what stays there stays here.
func TestBetasGoWithTheirFields(t *testing.T) {
	p := anthropic.New()
	client := http.Header{"Anthropic-Beta": {"effort-2025-11-24,context-management-2025-06-27", "context-1m-2025-08-07"}}
	r, err := p.Parse("POST", "/v1/messages", "", client, []byte(`{"model":"o","output_config":{"effort":"low"}}`))
	if err != nil {
		t.Fatal(err)
	}
	for _, row := range []struct {
		own   []llm.Adapt
		betas string
		body  bool // keeps the field
	}{
		{nil, "context-management-2025-06-27", false},
		{[]llm.Adapt{{Model: "claude-haiku-4-5", Drop: []string{"nothing"}}}, "effort-2025-11-24,context-management-2025-06-27,context-1m-2025-08-07", true},
		{[]llm.Adapt{{Model: "claude-haiku-4-5", DropBetas: []string{"*"}}}, "", true},
	} {
		b, err := p.Body(r, llm.Model{Name: "claude-haiku-4-5", Primary: "o", Hop: true, Adapt: row.own})
		if err != nil {
			t.Fatal(err)
		}
		dst := http.Header{}
		p.Header(dst, r, &b, llm.Credential{})
		if got := strings.Join(dst["Anthropic-Beta"], ","); got != row.betas || strings.Contains(string(b.Bytes), "effort") != row.body {
			t.Errorf("%v: header %q, body %s, edits %q", row.own, got, b.Bytes, b.Edits)
		}
	}
}

func TestAdaptsAreACopy(t *testing.T) {
	a := anthropic.Provider{}.Adapts()
	a[0].Model = "changed"
	if again := (anthropic.Provider{}).Adapts(); again[0].Model == "changed" {
		t.Error("the table can be written to")
	}
}
