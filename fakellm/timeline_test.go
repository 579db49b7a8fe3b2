package fakellm_test

import (
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"fairlead.dev/fakellm"
)

// digits posts n times, a second apart, and returns the last digit of each status:
// 0 for a broken connection, too. For use in bubbles only.
func (b *bed) digits(n int, body func(second int) string) string {
	b.Helper()
	var out strings.Builder
	for second := range n {
		r := b.post(messages, body(second))
		fmt.Fprint(&out, r.status%10)
		time.Sleep(time.Second)
	}
	return out.String()
}

// An incident as rules tell it: slow, then overloaded, a reset at the worst, a
// partial recovery, and all of it for one model only.
func TestAnIncident(t *testing.T) {
	cfg := fakellm.Config{Script: script(t, `{
		"clock": "first",
		"rules": [
			{"match": {"model": "claude-opus-*"}, "from": "2s", "to": "6s", "fault": "fail-529"},
			{"match": {"model": "claude-opus-*"}, "from": "6s", "to": "8s", "fault": "reset"},
			{"match": {"model": "claude-opus-*"}, "from": "8s", "to": "14s", "every": 2, "fault": "fail-503"},
			{"from": "12s", "to": "13s", "fault": "fail-401"}
		]
	}`)}
	bubble(t, cfg, func(b *bed) {
		time.Sleep(time.Hour) // the clock waits
		opus := func(int) string { return prompt("claude-opus-5-5") }
		want(b, "opus", b.digits(16, opus), "0099990003031300")
		b.fake.Reset()
		haiku := func(int) string { return prompt("claude-haiku-5-5") }
		want(b, "haiku", b.digits(16, haiku), "0000000000001000")
	})
}

// Windows are exact: from is the first moment of a rule, to the first after it.
func TestWindowsAreExact(t *testing.T) {
	cfg := fakellm.Config{Script: script(t, `{"rules": [{"from": "1500ms", "to": "1501ms", "fault": "fail-500"}, {"from": "3s", "fault": "fail-404"}]}`)}
	bubble(t, cfg, func(b *bed) {
		start := time.Now()
		for _, step := range []struct {
			at     time.Duration
			status int
		}{{0, 200}, {1499999999, 200}, {1500 * time.Millisecond, 500}, {1500999999, 500}, {1501 * time.Millisecond, 200}, {3*time.Second - 1, 200}, {3 * time.Second, 404}, {time.Hour, 404}} {
			time.Sleep(time.Until(start.Add(step.at)))
			want(b, step.at.String(), b.post(messages, prompt("m")).status, step.status)
		}
	})
}

// A rule counts what it matches inside its window only, and each rule for itself.
func TestRulesCountForThemselves(t *testing.T) {
	body := func(second int) string { return prompt([]string{"a", "b"}[second%2]) }
	for name, row := range map[string]struct{ rules, want string }{
		"every, of what matches":   {`{"match": {"model": "a"}, "every": 2, "fault": "fail-503"}`, "00300030"},
		"times, of what matches":   {`{"match": {"model": "b"}, "times": 2, "fault": "fail-503"}`, "03030000"},
		"counting starts with it":  {`{"from": "3s", "every": 2, "fault": "fail-503"}`, "00003030"},
		"both together":            {`{"match": {"model": "a"}, "every": 2, "fault": "fail-503"}, {"match": {"model": "b"}, "times": 1, "fault": "fail-404"}`, "04300030"},
		"two rules, one suffix":    {`{"match": {"model": "a"}, "fault": "fail-503-twice"}, {"match": {"model": "b"}, "fault": "fail-404-once"}`, "34300000"},
		"the first shields":        {`{"match": {"model": "b"}, "fault": "ok"}, {"fault": "fail-503"}`, "30303030"},
		"skipped lets others look": {`{"every": 2, "fault": "ok"}, {"fault": "fail-503"}`, "30303030"},
		"times of every":           {`{"every": 3, "times": 2, "fault": "fail-503"}`, "00300300"},
	} {
		bubble(t, fakellm.Config{Script: script(t, `{"rules": [`+row.rules+`]}`)}, func(b *bed) {
			if got := b.digits(8, body); got != row.want {
				b.Errorf("%s: got %s, want %s", name, got, row.want)
			}
		})
	}
}

// The rules see side calls too, by their path; HEAD and what a gate refuses they do
// not see.
func TestWhatRulesSee(t *testing.T) {
	cfg := fakellm.Config{Script: script(t, `{"rules": [
		{"match": {"path": "*/count_tokens"}, "fault": "fail-503"},
		{"match": {"path": "/v1/models*"}, "fault": "fail-504"},
		{"times": 1, "fault": "fail-529"}
	]}`)}
	bubble(t, cfg, func(b *bed) {
		want(b, "count_tokens", b.post(messages+"/count_tokens", prompt("m")).status, 503)
		want(b, "models", b.send(b.Context(), http.MethodGet, "/v1/models?limit=5", "").status, 504)
		want(b, "HEAD", b.send(b.Context(), http.MethodHead, "/v1/models", "").status, 200)
		want(b, "broken", b.post(messages, "{").status, 400)
		want(b, "no key", b.post(messages, prompt("m"), "x-api-key", "").status, 401)
		want(b, "a path without /v1", b.send(b.Context(), http.MethodGet, "/models", "").status, 529)
		want(b, "once", b.post(messages, prompt("m")).status, 200)
	})
}

// A new script starts its own clock, counters and limits; requests under way end
// under the old one.
func TestANewScript(t *testing.T) {
	two := `{"rules": [{"from": "1s", "times": 1, "fault": "fail-503"}], "limits": [{"rpm": 4}]}`
	bubble(t, fakellm.Config{Script: script(t, two)}, func(b *bed) {
		body := func(int) string { return prompt("m") }
		for range 2 {
			want(b, "timeline", b.digits(5, body), "03009")
			if err := b.fake.SetScript(script(t, two)); err != nil {
				b.Fatal(err)
			}
		}
		want(b, "the log stays", len(b.fake.Attempts()), 10)
		done := make(chan result)
		go func() { done <- b.post(messages, streamed("slow-tokens-1s")) }()
		time.Sleep(10 * time.Second)
		if err := b.fake.SetScript(script(t, `{"rules": [{"fault": "fail-500"}], "tokens": 3}`)); err != nil {
			b.Fatal(err)
		}
		want(b, "new", b.post(messages, prompt("m")).status, 500)
		want(b, "under way", read((<-done).body).text, fakellm.Text(60))
	})
}

// Chance is drawn per rule and comes out the same in every run; a rule's own seed
// counts before the script's.
func TestChanceOfTwoRules(t *testing.T) {
	run := func(seeds string) string {
		out := ""
		cfg := fakellm.Config{Script: script(t, `{`+seeds+` "rules": [{"probability": 0.5, "fault": "fail-503"}, {"probability": 0.5, "fault": "fail-404", "seed": 5}]}`)}
		bubble(t, cfg, func(b *bed) { out = b.digits(100, func(int) string { return prompt("m") }) })
		return out
	}
	one, two := run(`"seed": 1,`), run(`"seed": 2,`)
	want(t, "again", run(`"seed": 1,`), one)
	want(t, "another seed", one != two, true)
	for _, digit := range []string{"0", "3", "4"} {
		if n := strings.Count(one, digit); n < 12 || n > 65 {
			t.Errorf("%d of 100 end in %s", n, digit)
		}
	}
	// The second rule draws only where the first lets it look.
	first, second := strings.ReplaceAll(one, "3", ""), strings.ReplaceAll(two, "3", "")
	n := min(len(first), len(second))
	want(t, "the second rule's own seed", first[:n], second[:n])
}
