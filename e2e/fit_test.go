package e2e

import (
	"bytes"
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"fairlead.dev/fakellm"
)

// fits wires a chain whose spare is another model, with rows of its adapt table.
func fits(spareModel, adapt string) func(main, spare *fake) string {
	return func(main, spare *fake) string {
		return fmt.Sprintf(`providers:
  main:      {dialect: anthropic, base_url: "%[1]s", api_keys: [sk-main]}
  spare:     {dialect: anthropic, base_url: "%[2]s", api_keys: [sk-spare], adapt: [%[4]s]}
  main-oai:  {dialect: openai, base_url: "%[1]s/v1", api_keys: [sk-main]}
  spare-oai: {dialect: openai, base_url: "%[2]s/v1", api_keys: [sk-spare], adapt: [%[4]s]}
models:
  claude-opus-5-5: {chain: [main/claude-opus-5-5, spare/%[3]s]}
  gpt-5.5:         {chain: [main-oai/gpt-5.5, spare-oai/%[3]s]}
`, main.url, spare.url, spareModel, adapt)
	}
}

// picky is a model that refuses what newer ones take, as claude-haiku-4-5 does.
const picky = `{"models":[{"name":"*","max_tokens":64000,"reject_fields":["thinking","output_config.effort","reasoning_effort","reasoning"],
	"reject_betas":["effort-*","adaptive-thinking-*"],"own_thinking":true}]}`

// hard is a question that only the primary takes as it is.
func (b *bench) hard() question {
	q := question{model: b.primary, effort: "high"}
	if b.claude {
		q.think, q.beta = true, "effort-2025-11-24,adaptive-thinking-2026-01-28,claude-code-20250219"
	}
	return q
}

// TestFallbackFits: what the fallback would refuse is left out, field and beta
// together, and the call is answered.
func TestFallbackFits(t *testing.T) {
	t.Parallel()
	for name, wired := range map[string]func(main, spare *fake) string{
		"known model":         fits("claude-haiku-4-5", ""),
		"user's row of adapt": fits("house-llm", `{model: "house-*", drop: [thinking, output_config.effort, reasoning_effort, reasoning], drop_betas: ["effort-*", "adaptive-thinking-*"]}`),
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := setup{main: always("fail-529"), spare: picky, wired: wired}
			eachSDK(t, viaGateway, s, func(t *testing.T, b *bench) {
				if name == "known model" && !b.claude {
					t.Skip("a model of Anthropic's")
				}
				forms(t, func(t *testing.T, streamed bool) {
					a, err := b.call(t, b.hard(), streamed)
					b.wantWhole(t, a, err)
					b.wantFallback(t)
				})
				b.wantSent(t, 2)
				for _, x := range b.spare.asked() {
					if x.Status != 200 {
						t.Errorf("spare refused with %d: %s", x.Status, x.Body)
					}
					if beta := x.Header.Get("anthropic-beta"); b.claude && beta != "claude-code-20250219" {
						t.Errorf("spare saw anthropic-beta %q", beta)
					}
				}
			})
		})
	}
}

// TestFallbackRefuses: when nobody knew that the fallback cannot take the
// request, its 400 is not the result: the client did nothing wrong.
func TestFallbackRefuses(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name, adapt string
		asked       int // how often spare is, by one call
	}{
		{"unknown", "", 1},
		{"known, and not to be left out", `{model: "*", refuse: [thinking, reasoning_effort, reasoning]}`, 0},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			s := setup{main: always("fail-503"), spare: picky, wired: fits("house-llm", c.adapt)}
			eachSDK(t, viaGateway, s, func(t *testing.T, b *bench) {
				_, err := b.call(t, b.hard(), false)
				b.wantFailure(t, err, 503, "")
				b.wantSent(t, 1)
				if n := len(b.spare.asked()); n != c.asked {
					t.Errorf("spare was asked %d times, want %d", n, c.asked)
				}
			})
		})
	}
}

// TestFallbackKeeps: a fallback that takes everything gets everything.
func TestFallbackKeeps(t *testing.T) {
	t.Parallel()
	eachSDK(t, viaGateway, setup{main: always("fail-529")}, func(t *testing.T, b *bench) {
		q := b.hard()
		a, err := b.call(t, q, true)
		b.wantWhole(t, a, err)
		if b.claude && a.thinking != fakellm.Thinking() {
			t.Errorf("thinking is %q", a.thinking)
		}
		x := b.spare.asked()[0]
		want := bytes.Replace(b.sent.last(t).body, []byte(`"`+b.primary+`"`), []byte(`"`+b.maker.spare+`"`), 1)
		if !bytes.Equal(x.Body, want) || x.Header.Get("anthropic-beta") != q.beta {
			t.Errorf("spare saw beta %q and\n%s\nwant %q and\n%s", x.Header.Get("anthropic-beta"), x.Body, q.beta, want)
		}
	})
}

// TestClaudeCodeFallback: Claude Code's own request falls back to an older
// model: beta and field go together, system blocks and cache marks stay as they
// are, and so does what nobody knows.
func TestClaudeCodeFallback(t *testing.T) {
	t.Parallel()
	main, spare := newFake(t, always("fail-529")), newFake(t, picky)
	g := serve(t, fits("claude-haiku-4-5", "")(main, spare))
	body := claudeBody(t)
	got := send(t, "POST", g.url+"/v1/messages?beta=true", body, claudeHeaders...)
	if got.status != 200 || !strings.Contains(got.body, "message_stop") {
		t.Fatalf("status %d: %s", got.status, got.body)
	}
	x := spare.asked()[0]
	var seen, sent map[string]json.RawMessage
	if json.Unmarshal(x.Body, &seen) != nil || json.Unmarshal([]byte(body), &sent) != nil {
		t.Fatalf("spare saw no JSON: %s", x.Body)
	}
	for _, field := range []string{"system", "messages", "tools", "metadata", "some_new_field", "stream"} {
		if !bytes.Equal(seen[field], sent[field]) {
			t.Errorf("%s became %s", field, seen[field])
		}
	}
	if string(seen["model"]) != `"claude-haiku-4-5"` || string(seen["max_tokens"]) != "64000" {
		t.Errorf("model %s with max_tokens %s, want claude-haiku-4-5 with its 64000", seen["model"], seen["max_tokens"])
	}
	for field, text := range map[string]string{"thinking": "adaptive", "output_config": "effort", "context_management": "clear_thinking"} {
		if bytes.Contains(seen[field], []byte(text)) {
			t.Errorf("%s still is %s", field, seen[field])
		}
	}
	if beta := x.Header.Get("anthropic-beta"); beta != "claude-code-20250219,context-management-2025-06-27" {
		t.Errorf("spare saw anthropic-beta %q", beta)
	}
	for _, name := range []string{"anthropic-version", "anthropic-not-invented-yet", "anthropic-workspace-id", "x-app"} {
		if x.Header.Get(name) == "" {
			t.Errorf("%s did not come through", name)
		}
	}
}

// TestForeignThinking: thinking blocks are signed for the model that wrote
// them; another one refuses them, so that they are left out for it alone.
func TestForeignThinking(t *testing.T) {
	t.Parallel()
	const own = `{"models":[{"name":"*","own_thinking":true}]}`
	main, spare := newFake(t, own), newFake(t, own)
	g := serve(t, chains(main, spare, false))
	first := send(t, "POST", g.url+"/v1/messages",
		strings.Replace(simple, `{`, `{"thinking":{"type":"adaptive"},`, 1), claudeHeaders...)
	var answer struct{ Content json.RawMessage }
	if err := json.Unmarshal([]byte(first.body), &answer); err != nil || !bytes.Contains(answer.Content, []byte(`"signature"`)) {
		t.Fatalf("no signed thinking in %s", first.body)
	}
	second := fmt.Sprintf(`{"model":"claude-opus-5-5","max_tokens":100,"thinking":{"type":"adaptive"},"messages":[
		{"role":"user","content":"hi"},{"role":"assistant","content":%s},{"role":"user","content":"go on"}]}`, answer.Content)
	ask := func() raw { return send(t, "POST", g.url+"/v1/messages", second, claudeHeaders...) }
	if got := ask(); got.status != 200 || string(main.asked()[1].Body) != second {
		t.Errorf("main: status %d: %s\nit saw %s", got.status, got.body, main.asked()[1].Body)
	}
	main.play(t, always("fail-529"))
	if got := ask(); got.status != 200 || got.header.Get("fairlead-fallback") != "true" {
		t.Errorf("spare: status %d: %s", got.status, got.body)
	}
	if asked := spare.asked(); len(asked) != 1 || bytes.Contains(asked[0].Body, []byte("signature")) {
		t.Errorf("spare was asked %d times: %v", len(asked), bodies(asked))
	}
}
