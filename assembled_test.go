package fairlead_test

import (
	"encoding/json"
	"reflect"
	"strings"
	"testing"
	"time"

	"fairlead.dev"
	"fairlead.dev/event"
)

func always(edit func(*fairlead.Config)) func(*fairlead.Config) {
	return func(cfg *fairlead.Config) {
		edit(cfg)
		cfg.Streams.Upstream = fairlead.UpstreamAlways
	}
}

// plainly runs f for both dialects, not streamed.
func plainly(t *testing.T, f func(t *testing.T, dialect, provider string)) {
	t.Helper()
	modes(t, func(t *testing.T, dialect, p string, stream bool) {
		if !stream {
			f(t, dialect, p)
		}
	})
}

// A plain caller is protected by the clocks of a stream, and by the end marker.
func TestPlainCallersAreProtected(t *testing.T) {
	faults := append(append([]string{"no-end"}, brokenStreams...), earlyFaults...)
	for _, fault := range faults {
		plainly(t, func(t *testing.T, dialect, p string) {
			w := newWorld(t, always(spliced(p, fault, "good")))
			r := w.ask(dialect, "m", false)
			w.whole(r)
			if r.took > 41*time.Second || r.header.Get("Content-Type") != "application/json" {
				t.Errorf("%s: took %v, headers %v", fault, r.took, r.header)
			}
			if n := r.kinds()[event.Edited]; n == 0 {
				t.Errorf("%s: no edit in the report", fault)
			}
		})
	}
}

// same removes what two answers of one provider never share.
func same(t *testing.T, body []byte) (v map[string]any) {
	t.Helper()
	if err := json.Unmarshal(body, &v); err != nil {
		t.Fatalf("%v: %s", err, body)
	}
	delete(v, "id")
	delete(v, "created")
	var forget func(v any)
	forget = func(v any) {
		switch v := v.(type) {
		case map[string]any:
			for k, inner := range v {
				if text, ok := inner.(string); ok && k == "id" && (strings.HasPrefix(text, "call_") || strings.HasPrefix(text, "toolu_")) {
					delete(v, k)
				}
				if k == "input_tokens" || k == "prompt_tokens" || k == "total_tokens" { // the fake counts bytes of the body
					delete(v, k)
				}
				forget(inner)
			}
		case []any:
			for _, inner := range v {
				forget(inner)
			}
		}
	}
	forget(v)
	return v
}

// The assembled answer is the provider's own plain one, field for field.
func TestAnAssembledAnswerIsThePlainOne(t *testing.T) {
	anthropicTool := `,"tools":[{"name":"look","description":"d","input_schema":{"type":"object","properties":{"q":{"type":"string"}},"required":["q"]}}],"tool_choice":{"type":"any"}`
	openaiTool := `,"tools":[{"type":"function","function":{"name":"look","parameters":{"type":"object","properties":{"q":{"type":"string"}}}}}],"tool_choice":"required"`
	for name, more := range map[string]map[string]string{
		"text":      {"anthropic": "", "openai": ""},
		"tools":     {"anthropic": anthropicTool, "openai": openaiTool},
		"thinking":  {"anthropic": `,"thinking":{"type":"enabled","budget_tokens":1024}`},
		"choices":   {"openai": `,"n":3`},
		"stream":    {"anthropic": `,"stream":false`, "openai": `,"stream":false`},
		"cut short": {"anthropic": `,"stop_sequences":["w3"]`, "openai": `,"stop":["w3"]`},
	} {
		t.Run(name, func(t *testing.T) {
			plainly(t, func(t *testing.T, dialect, p string) {
				more, ok := more[dialect]
				if !ok {
					return
				}
				ask := strings.Replace(body("m", false), `,"stream":false`, more, 1)
				ask = strings.Replace(ask, `"max_tokens":1000`, `"max_tokens":2000`, 1)
				var answers [2]map[string]any
				for i, upstream := range []fairlead.Upstream{fairlead.UpstreamNever, fairlead.UpstreamAlways} {
					w := newWorld(t, func(cfg *fairlead.Config) {
						chain(p + "/good")(cfg)
						cfg.Streams.Upstream = upstream
					})
					r := w.send(t.Context(), dialect, ask)
					if r.err != nil {
						t.Fatal(r.err)
					}
					if got := w.fake[p].Attempts()[0].Stream; got != (i == 1) {
						t.Fatalf("asked for a stream: %v", got)
					}
					answers[i] = same(t, r.body)
				}
				if !reflect.DeepEqual(answers[0], answers[1]) {
					a, _ := json.Marshal(answers[0])
					b, _ := json.Marshal(answers[1])
					t.Errorf("plain     %s\nassembled %s", a, b)
				}
			})
		})
	}
}

// Only what can be assembled exactly is, and by default only at the official
// hosts.
func TestWhatIsAskedPlainly(t *testing.T) {
	for name, c := range map[string]struct {
		more     string
		upstream fairlead.Upstream
	}{
		"another host":     {"", fairlead.UpstreamAuto},
		"never":            {"", fairlead.UpstreamNever},
		"a tool of theirs": {`,"tools":[{"type":"web_search_20250305","name":"web_search"}]`, fairlead.UpstreamAlways},
		"an unknown field": {`,"new_thing":true`, fairlead.UpstreamAlways},
		"audio":            {`,"modalities":["text","audio"]`, fairlead.UpstreamAlways},
	} {
		plainly(t, func(t *testing.T, dialect, p string) {
			w := newWorld(t, func(cfg *fairlead.Config) {
				chain(p + "/good")(cfg)
				cfg.Streams.Upstream = c.upstream
			})
			w.send(t.Context(), dialect, strings.Replace(body("m", false), `,"stream":false`, c.more, 1))
			for _, a := range w.fake[p].Attempts() {
				if a.Stream {
					t.Errorf("%s: asked for a stream", name)
				}
			}
		})
	}
}

// A request that is wrong is wrong once.
func TestAnAssembledBadRequestIsOneAttempt(t *testing.T) {
	plainly(t, func(t *testing.T, dialect, p string) {
		w := newWorld(t, always(chain(p+"/policy", p+"/good")))
		if r := w.ask(dialect, "m", false); r.status != 400 || len(w.asked(p)) != 1 {
			t.Errorf("status %d, asked %v", r.status, w.asked(p))
		}
	})
}

// A stream that has something without a place in a plain answer is asked for
// again, plainly.
func TestAnAnswerThatCannotBeAssembledIsAskedForPlainly(t *testing.T) {
	bubble(t, func(t *testing.T) {
		w := newWorld(t, always(chain("a/good")))
		strange := `event: message_start\ndata: {\"type\":\"message_start\",\"message\":{\"role\":\"assistant\"}}\n\n` +
			`event: content_block_start\ndata: {\"type\":\"content_block_start\",\"index\":0,\"content_block\":{\"type\":\"new_thing\"}}\n\n` +
			`event: message_delta\ndata: {\"type\":\"message_delta\",\"delta\":{\"stop_reason\":\"end_turn\"}}\n\nevent: message_stop\ndata: {\"type\":\"message_stop\"}\n\n`
		w.script("a", `{"rules":[{"match":{"stream":true},"fault":{"status":200,"headers":{"content-type":"text/event-stream"},"body":"`+strange+`"}}]}`)
		w.whole(w.ask("anthropic", "m", false))
		if got := w.fake["a"].Attempts(); len(got) != 2 || got[1].Stream {
			t.Errorf("asked %+v", got)
		}
	})
}
