package fakellm_test

import (
	"encoding/base64"
	"strings"
	"testing"

	"fairlead.dev/fakellm"
)

const image = `"messages":[{"role":"user","content":[{"type":"image","source":{}},{"type":"image_url"}]}]`

func TestCapabilities(t *testing.T) {
	cfg := fakellm.Config{Script: script(t, `{"models": [
		{"name": "fields", "reject_fields": ["thinking", "output_config.effort"]},
		{"name": "betas", "reject_betas": ["context-1m-*", "old"]},
		{"name": "short", "max_tokens": 999},
		{"name": "small", "context": 1000},
		{"name": "tiny", "context": 12},
		{"name": "blind", "no_images": true},
		{"name": "fresh", "no_prefill": true},
		{"name": "sealed", "own_thinking": true},
		{"name": "any*"}
	]}`)}
	prefill := `"messages":[{"role":"user","content":"x"},{"role":"assistant","content":"w0"}]`
	thought := func(model string) string {
		signature := base64.StdEncoding.EncodeToString([]byte("fakellm " + model))
		return `"messages":[{"role":"assistant","content":[{"type":"thinking","thinking":"x","signature":"` + signature + `"}]},{"role":"user","content":"x"}]`
	}
	tests := []struct {
		name, path, body, beta string
		message                string // of the 400; "": answered
	}{
		{"field", messages, prompt("fields", `"thinking":{"type":"adaptive"}`), "", "thinking: Extra inputs are not permitted"},
		{"deep field", messages, prompt("fields", `"output_config":{"effort":"low"}`), "", "output_config.effort: Extra"},
		{"neighbour", messages, prompt("fields", `"output_config":{"format":{}}`), "", ""},
		{"no object", messages, prompt("fields", `"output_config":3`), "", ""},
		{"openai field", chat, prompt("fields", `"thinking":{}`), "", "Unsupported parameter: 'thinking'"},
		{"beta", messages, prompt("betas"), "fine, context-1m-2025-08-07", "`context-1m-2025-08-07` for the `anthropic-beta`"},
		{"second pattern", messages, prompt("betas"), "old", "`old`"},
		{"good beta", messages, prompt("betas"), "fine,older", ""},
		{"max_tokens", messages, prompt("short"), "", "max_tokens: 1000 > 999"},
		{"context", messages, prompt("small"), "", "exceed context limit: "},
		{"prompt", messages, prompt("tiny"), "", "prompt is too long: "},
		{"openai prompt", chat, prompt("tiny"), "", "maximum context length is 12 tokens"},
		{"image", messages, prompt("blind", image), "", "messages.0.content.0: "},
		{"no image", messages, prompt("blind"), "", ""},
		{"prefill", messages, prompt("fresh", prefill), "", "does not support assistant message prefill"},
		{"openai prefill", chat, prompt("fresh", prefill), "", "does not support assistant message prefill"},
		{"no prefill", messages, prompt("fresh"), "", ""},
		{"foreign thinking", messages, prompt("sealed", thought("opus")), "", "Invalid `signature` in `thinking` block"},
		{"own thinking", messages, prompt("sealed", thought("sealed")), "", ""},
		{"takes all", messages, prompt("anything", image, `"thinking":{}`), "x", ""},
		{"not named", messages, prompt("other", image), "x", ""},
	}
	bubble(t, cfg, func(b *bed) {
		for _, tt := range tests {
			r := b.post(tt.path, tt.body, "anthropic-beta", tt.beta)
			if tt.message == "" {
				want(b, tt.name, r.status, 200)
				continue
			}
			e := decode[struct {
				Error struct{ Type, Code, Message string }
			}](b, r.body).Error
			want(b, tt.name+": status", r.status, 400)
			want(b, tt.name+": type", e.Type, "invalid_request_error")
			want(b, tt.name+": logged", b.last().Fault, "incapable")
			want(b, tt.name+": code", e.Code, map[string]string{"openai prompt": "context_length_exceeded", "openai field": "unsupported_parameter"}[tt.name])
			if !strings.Contains(e.Message, tt.message) {
				b.Errorf("%s: %q lacks %q", tt.name, e.Message, tt.message)
			}
		}
		// What a model has thought, it accepts again; the next model does not.
		own := b.post(messages, prompt("sealed", `"thinking":{"type":"enabled"}`)).body
		signature := own[strings.Index(own, `"signature":"`)+13:]
		signature = signature[:strings.IndexByte(signature, '"')]
		want(b, "round trip", strings.Contains(thought("sealed"), signature), true)
	})
}
