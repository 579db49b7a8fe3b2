package fairlead_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"fairlead.dev"
)

// The default clocks never cut healthy work, however long it is silent or goes
// on, streamed or assembled.
func TestDefaultsNeverCutHealthyWork(t *testing.T) {
	tool := `,"tools":[{"name":"write","description":"d","input_schema":{"type":"object","properties":{"a":{"type":"string"},"b":{"type":"string"},"c":{"type":"string"}},"required":["a","b","c"]}}],"tool_choice":{"type":"any"}`
	prompt := strings.Repeat("All ropes chafe where they turn. ", 18_000) // about 150,000 tokens
	for name, c := range map[string]struct {
		more, prompt, fault string
		least               time.Duration
	}{
		"a long thought":         {`,"thinking":{"type":"enabled","budget_tokens":1024}`, "hi", `{"ttft":"4m50s"}`, 4 * time.Minute},
		"effort":                 {`,"output_config":{"effort":"max"}`, "hi", `{"ttft":"4m50s"}`, 4 * time.Minute},
		"a long prompt":          {"", prompt, `{"ttft":"2m10s"}`, 2 * time.Minute},
		"late headers":           {"", prompt, `{"headers_after":"2m10s"}`, 2 * time.Minute},
		"a large input of tools": {tool, "use tool", `{"per_token":"110s"}`, 2 * time.Minute},
		"a slow answer":          {"", "hi", `{"per_token":"110s","tokens":40}`, time.Hour},
		"a long answer":          {"", "hi", `{"per_token":"2s","tokens":10000}`, 5 * time.Hour},
	} {
		for _, way := range []string{"stream", "complete", "assembled"} {
			t.Run(name+"/"+way, func(t *testing.T) {
				bubble(t, func(t *testing.T) {
					w := newWorld(t, func(cfg *fairlead.Config) {
						chain("a/good")(cfg)
						cfg.Streams.Upstream = fairlead.UpstreamAlways
						cfg.Timeouts.Answer, cfg.Timeouts.Total = -1, -1 // plain answers have a limit of their own
					})
					w.script("a", `{"rules":[{"fault":`+c.fault+`}]}`)
					ask := fmt.Sprintf(`{"model":"m","max_tokens":20000,"stream":%v%s,"messages":[{"role":"user","content":%q}]}`, way != "assembled", c.more, c.prompt)
					r := w.send(t.Context(), "anthropic", ask, func(call *fairlead.Call) { call.Complete = way == "complete" })
					if r.err != nil || !r.complete || len(w.asked("a")) != 1 || r.took < c.least {
						t.Errorf("after %v, asked %d times: %v", r.took, len(w.asked("a")), r.err)
					}
				})
			})
		}
	}
}

// A limit of one's own is meant as it is: neither thinking nor a long prompt
// stretches it, as they do the default.
func TestALimitOfOnesOwnIsMeantAsItIs(t *testing.T) {
	prompt := strings.Repeat("All ropes chafe where they turn. ", 18_000)
	for _, fault := range []string{"slow-headers-20s", "slow-first-20s"} {
		bubble(t, func(t *testing.T) {
			w := newWorld(t, func(cfg *fairlead.Config) {
				chain("a/"+fault, "a/good")(cfg)
				cfg.Timeouts.Headers, cfg.Timeouts.FirstToken = 10*time.Second, 10*time.Second
			})
			r := w.send(t.Context(), "anthropic", fmt.Sprintf(
				`{"model":"m","max_tokens":2000,"stream":true,"thinking":{"type":"adaptive"},"messages":[{"role":"user","content":%q}]}`, prompt))
			w.whole(r)
			if r.took < 10*time.Second || r.took > 15*time.Second {
				t.Errorf("%s: took %v", fault, r.took)
			}
		})
	}
}
