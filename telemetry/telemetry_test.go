package telemetry_test

import (
	"fmt"
	"io"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"fairlead.dev"
	"fairlead.dev/event"
	"fairlead.dev/telemetry"
)

// scrape returns the samples of fairlead's own metrics, by name and labels.
func scrape(t *testing.T, m *telemetry.Metrics) map[string]string {
	t.Helper()
	var w *httptest.ResponseRecorder
	for range 2 { // the second one tells whether all of the first could be gathered
		w = httptest.NewRecorder()
		m.Handler().ServeHTTP(w, httptest.NewRequest("GET", "/metrics", nil))
	}
	if !strings.Contains(w.Body.String(), `promhttp_metric_handler_errors_total{cause="gathering"} 0`) {
		t.Error("something could not be gathered")
	}
	if w.Code != 200 {
		t.Fatalf("scrape: %d %s", w.Code, w.Body)
	}
	samples := map[string]string{}
	for line := range strings.Lines(w.Body.String()) {
		if name, value, ok := strings.Cut(strings.TrimSpace(line), "} "); ok && strings.HasPrefix(line, "fairlead_") {
			samples[name+"}"] = value
		}
	}
	return samples
}

// story is a call that fell back once, and one that failed.
var story = []event.Event{
	{Kind: event.Arrived, Detail: "opus"},
	{Kind: event.Started, Target: "a/opus"},
	{Kind: event.Ended, Target: "a/opus", Verdict: event.Overloaded, Wait: 50 * time.Millisecond},
	{Kind: event.Waiting, Target: "a/opus", Reason: event.Backoff},
	{Kind: event.Ended, Target: "a/opus", Verdict: event.Overloaded, Wait: 50 * time.Millisecond},
	{Kind: event.BreakerMoved, Target: "a/opus", Reason: event.Consecutive, Detail: "closed>open"},
	{Kind: event.Hopped, Target: "b/sonnet", Reason: event.VerdictSays},
	{Kind: event.Ended, Target: "b/sonnet", Verdict: event.OK, Wait: 3 * time.Second, First: 300 * time.Millisecond},
	{Kind: event.Finished, Target: "b/sonnet", Verdict: event.OK, N: 40, M: 7, Detail: "opus"},
	{Kind: event.Waiting, Target: "a/opus", Reason: event.Pool},
	{Kind: event.GaveUp, Reason: event.AllTried, Verdict: event.Overloaded, Detail: "opus"},
}

func TestObserve(t *testing.T) {
	m := telemetry.New("v1")
	m.Watch(source{targets: []fairlead.TargetStatus{{Name: "a/opus"}, {Name: "b/sonnet"}}})
	for _, e := range story {
		m.Observe(e)
	}
	got := scrape(t, m)
	for sample, want := range map[string]string{
		`fairlead_calls_total{model="opus",verdict="ok"}`:                                              "1",
		`fairlead_calls_total{model="opus",verdict="overloaded"}`:                                      "1",
		`fairlead_attempts_total{target="a/opus",verdict="overloaded"}`:                                "2",
		`fairlead_attempts_total{target="b/sonnet",verdict="ok"}`:                                      "1",
		`fairlead_attempt_seconds_count{target="b/sonnet"}`:                                            "1",
		`fairlead_attempt_seconds_sum{target="b/sonnet"}`:                                              "3",
		`fairlead_attempt_seconds_bucket{target="b/sonnet",le="2.56"}`:                                 "0",
		`fairlead_attempt_seconds_bucket{target="b/sonnet",le="5.12"}`:                                 "1",
		`fairlead_first_token_seconds_count{target="b/sonnet"}`:                                        "1",
		`fairlead_first_token_seconds_count{target="a/opus"}`:                                          "0",
		`fairlead_fallbacks_total{reason="verdict",target="b/sonnet"}`:                                 "1",
		`fairlead_retries_total{target="a/opus"}`:                                                      "1",
		`fairlead_breaker_transitions_total{breaker="a/opus",reason="consecutive_failures",to="open"}`: "1",
		`fairlead_tokens_total{direction="output",target="b/sonnet"}`:                                  "40",
		`fairlead_tokens_total{direction="input",target="b/sonnet"}`:                                   "7",
		`fairlead_events_total{kind="ended",reason=""}`:                                                "3",
		`fairlead_events_total{kind="gave_up",reason="all_targets_tried"}`:                             "1",
		`fairlead_events_total{kind="breaker",reason="consecutive_failures"}`:                          "1",
	} {
		if got[sample] != want {
			t.Errorf("%s is %q, want %s", sample, got[sample], want)
		}
	}
}

// TestEveryReasonCounts guards the table of counters against new kinds and
// reasons.
func TestEveryReasonCounts(t *testing.T) {
	m := telemetry.New("")
	kinds := 0
	for k := event.Kind(1); k.String() != "unknown"; k++ {
		for _, r := range event.Reasons() {
			m.Observe(event.Event{Kind: k, Reason: r, Verdict: event.OK})
		}
		kinds++
	}
	n := 0
	for sample := range scrape(t, m) {
		if strings.HasPrefix(sample, "fairlead_events_total{") {
			n++
		}
	}
	if want := kinds * len(event.Reasons()); n != want {
		t.Errorf("%d counters of events, want %d", n, want)
	}
	m.Observe(event.Event{Kind: 250, Reason: 250}) // of a newer event package: dropped, no panic
}

// count returns how many different values a label has.
func count(samples map[string]string, metric, label string) int {
	seen := map[string]bool{}
	for s := range samples {
		if strings.HasPrefix(s, metric+"{") {
			_, rest, _ := strings.Cut(s, label+`="`)
			value, _, _ := strings.Cut(rest, `"`)
			seen[value] = true
		}
	}
	return len(seen)
}

// TestBoundedLabels: 10,000 models and targets make 1,000 labels and "other",
// and nothing is lost.
func TestBoundedLabels(t *testing.T) {
	m := telemetry.New("")
	m.Watch(source{targets: []fairlead.TargetStatus{{Name: "a/opus", Provider: "a"}}, models: []string{"opus"}})
	var wg sync.WaitGroup
	for worker := range 4 {
		wg.Go(func() {
			for i := worker; i < 10_000; i += 4 {
				target, model := fmt.Sprintf("p/m%d", i), fmt.Sprintf("m%d", i)
				m.Observe(event.Event{Kind: event.Ended, Target: target, Verdict: event.OK, Wait: time.Second})
				m.Observe(event.Event{Kind: event.Finished, Target: target, Verdict: event.OK, Detail: model, N: 1})
			}
		})
	}
	wg.Wait()
	m.Observe(event.Event{Kind: event.Finished, Target: "a/opus", Verdict: event.OK, Detail: "opus", N: 1})
	got := scrape(t, m)
	if n := count(got, "fairlead_attempts_total", "target"); n != 1000 {
		t.Errorf("%d targets are labels, want 999 beside the configured one, and other", n)
	}
	if n := count(got, "fairlead_calls_total", "model"); n != 1001 {
		t.Errorf("%d models are labels, want 1000 and other", n)
	}
	for sample, want := range map[string]string{
		`fairlead_calls_total{model="other",verdict="ok"}`:         "9001",
		`fairlead_calls_total{model="opus",verdict="ok"}`:          "1",
		`fairlead_attempts_total{target="other",verdict="ok"}`:     "9001",
		`fairlead_tokens_total{direction="output",target="other"}`: "9001",
		`fairlead_attempt_seconds_count{target="other"}`:           "9001",
		`fairlead_breaker_state{state="closed",target="a/opus"}`:   "1",
	} {
		if got[sample] != want {
			t.Errorf("%s is %q, want %s", sample, got[sample], want)
		}
	}
}

// TestInventedNames: a name that no provider knew becomes no label, so that a
// client cannot use up the room for those that work.
func TestInventedNames(t *testing.T) {
	m := telemetry.New("")
	for _, v := range []event.Verdict{event.UnknownModel, event.Invalid, event.Unauthorized, event.Canceled} {
		m.Observe(event.Event{Kind: event.Ended, Target: "p/junk", Verdict: v})
		m.Observe(event.Event{Kind: event.GaveUp, Detail: "junk", Verdict: v})
	}
	m.Observe(event.Event{Kind: event.GaveUp, Detail: "real", Verdict: event.Overloaded})
	m.Observe(event.Event{Kind: event.GaveUp, Detail: "real", Verdict: event.Invalid})
	m.Observe(event.Event{Kind: event.GaveUp, Detail: "bad\xffname", Verdict: event.Overloaded})
	m.Observe(event.Event{Kind: event.GaveUp, Verdict: event.Overloaded})
	got := scrape(t, m)
	for sample, want := range map[string]string{
		`fairlead_calls_total{model="other",verdict="unknown_model"}`:    "1",
		`fairlead_calls_total{model="real",verdict="invalid"}`:           "1",
		`fairlead_calls_total{model="bad?name",verdict="overloaded"}`:    "1",
		`fairlead_calls_total{model="unknown",verdict="overloaded"}`:     "1",
		`fairlead_attempts_total{target="other",verdict="unauthorized"}`: "1",
	} {
		if got[sample] != want {
			t.Errorf("%s is %q, want %s", sample, got[sample], want)
		}
	}
	for sample := range got {
		if strings.Contains(sample, "junk") {
			t.Errorf("an invented name became a label: %s", sample)
		}
	}
}

// TestHandler: process and build are there, and OpenMetrics for who wants it.
func TestHandler(t *testing.T) {
	m := telemetry.New("v1.2.3")
	for accept, mark := range map[string]string{"": "# TYPE", "application/openmetrics-text": "# EOF"} {
		r := httptest.NewRequest("GET", "/metrics", nil)
		r.Header.Set("Accept", accept)
		w := httptest.NewRecorder()
		m.Handler().ServeHTTP(w, r)
		body, _ := io.ReadAll(w.Body)
		for _, want := range []string{mark, "go_goroutines ", "process_cpu_seconds_total ", `version="v1.2.3"`} {
			if !strings.Contains(string(body), want) {
				t.Errorf("Accept %q: no %q", accept, want)
			}
		}
	}
}

// TestNoGlobals: two Metrics in one process do not meet.
func TestNoGlobals(t *testing.T) {
	a, b := telemetry.New(""), telemetry.New("")
	a.Observe(event.Event{Kind: event.GaveUp, Detail: "m", Verdict: event.Slow})
	if got := scrape(t, b); got[`fairlead_calls_total{model="m",verdict="slow"}`] != "" {
		t.Error("what one was told shows in the other")
	}
}

// BenchmarkObserve is the cost of a call that is answered at once: four events.
func BenchmarkObserve(b *testing.B) {
	m := telemetry.New("")
	call := []event.Event{
		{Kind: event.Arrived, Detail: "opus"},
		{Kind: event.Started, Target: "a/opus"},
		{Kind: event.Ended, Target: "a/opus", Verdict: event.OK, Wait: time.Second, First: time.Second},
		{Kind: event.Finished, Target: "a/opus", Verdict: event.OK, Detail: "opus", N: 10},
	}
	b.ReportAllocs()
	for b.Loop() {
		for i := range call {
			m.Observe(call[i])
		}
	}
}

// TestObserveAllocates holds the promise that watching costs next to nothing.
func TestObserveAllocates(t *testing.T) {
	m := telemetry.New("")
	e := event.Event{Kind: event.Ended, Target: "a/opus", Verdict: event.OK, Wait: time.Second}
	m.Observe(e)
	if n := testing.AllocsPerRun(100, func() { m.Observe(e) }); n > 0 {
		t.Errorf("%v allocations for an event, want none", n)
	}
}
