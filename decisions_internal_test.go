package fairlead

import (
	"context"
	"net/http"
	"testing"
	"time"

	"fairlead.dev/event"
	"fairlead.dev/fallback"
	"fairlead.dev/limit"
	"fairlead.dev/llm"
	"fairlead.dev/provider/anthropic"
)

// decide takes one call through every decision: deadline, queue, limits,
// breakers, plan, settling and report, without context, timer, or I/O.
func decide(c *Client, links []link, r *llm.Request) {
	now := time.Now()
	k := &call{c: c, table: c.table.Load(), req: r, links: links, id: "call_x", number: c.number.Add(1), share: 1, now: now}
	k.ctx = context.Background()
	k.deadline = now.Add(time.Minute)
	k.plan = fallback.Plan{Policy: links[0].policies.Retry, Length: len(links)}
	k.report = event.NewReport(event.Summary{ID: k.id, Model: r.Model, Start: now})
	c.log.Open(k.report)
	k.note(event.Event{Kind: event.Arrived, N: r.InputTokens(), Detail: r.Model})
	a, why := k.run(fallback.Step{Kind: fallback.AskNow})
	if a == nil {
		panic(why)
	}
	a.end()
	k.finished(a)
}

func decisionClient(tb testing.TB) (*Client, []link, *llm.Request) {
	c, err := New(Config{
		Providers: []Provider{{Name: "a", API: anthropic.Provider{}, BaseURL: "http://a", Keys: []Key{{Secret: "k"}}}},
		Models:    []Model{{Name: "m", Chain: []string{"a/claude-opus-5-5", "a/claude-sonnet-5-5", "a/claude-haiku-5-5"}}},
		Policies:  Policies{Limits: limit.Limits{RPM: 1e9, ITPM: 1e9, OTPM: 1e9}},
	})
	if err != nil {
		tb.Fatal(err)
	}
	c.open = func(a *attempt) {
		a.out = llm.Outcome{Verdict: event.OK, Status: 200, Usage: event.Usage{Input: 3, Output: 5}}
	}
	r, err := anthropic.Provider{}.Parse("POST", "/v1/messages", "", http.Header{},
		[]byte(`{"model":"m","max_tokens":100,"messages":[{"role":"user","content":"hi"}]}`))
	if err != nil {
		tb.Fatal(err)
	}
	links, err := c.table.Load().links(r)
	if err != nil {
		tb.Fatal(err)
	}
	return c, links, r
}

// maxDecisionAllocs is the bar of DESIGN.md, section 7.
const maxDecisionAllocs = 8

func TestDecisionsAllocateLittle(t *testing.T) {
	c, links, r := decisionClient(t)
	if n := testing.AllocsPerRun(1000, func() { decide(c, links, r) }); n > maxDecisionAllocs {
		t.Errorf("%v allocations per call, want at most %d", n, maxDecisionAllocs)
	}
}

func BenchmarkDecisions(b *testing.B) {
	c, links, r := decisionClient(b)
	b.ReportAllocs()
	for b.Loop() {
		decide(c, links, r)
	}
}
