package telemetry_test

import (
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"fairlead.dev"
	"fairlead.dev/breaker"
	"fairlead.dev/event"
	"fairlead.dev/telemetry"
)

// samples compares what a scrape shows with what it should; "" is no sample.
func samples(t *testing.T, m *telemetry.Metrics, wants map[string]string) {
	t.Helper()
	got := scrape(t, m)
	for sample, want := range wants {
		if got[sample] != want {
			t.Errorf("%s is %q, want %q", sample, got[sample], want)
		}
	}
}

// TestNamesThatAreNoText: one that a client made of any bytes is one label,
// whichever event brings it.
func TestNamesThatAreNoText(t *testing.T) {
	m := telemetry.New("")
	const name = "p/\xff\xfe\"\\\n"
	for range 3 {
		m.Observe(event.Event{Kind: event.Ended, Target: name, Verdict: event.OK})
		m.Observe(event.Event{Kind: event.Hopped, Target: name, Reason: event.VerdictSays})
		m.Observe(event.Event{Kind: event.Waiting, Target: name, Reason: event.Backoff})
	}
	samples(t, m, map[string]string{
		`fairlead_attempts_total{target="p/?\"\\\n",verdict="ok"}`:      "3",
		`fairlead_fallbacks_total{reason="verdict",target="p/?\"\\\n"}`: "3",
		`fairlead_retries_total{target="p/?\"\\\n"}`:                    "3",
		`fairlead_retries_total{target="other"}`:                        "",
		`fairlead_fallbacks_total{reason="verdict",target="other"}`:     "",
	})
}

// TestWhatLetsANameIn: an attempt that a provider answered does; a hop, a wait and
// a mistake do not, but count for a name that is known already.
func TestWhatLetsANameIn(t *testing.T) {
	m := telemetry.New("")
	for v := range event.Canceled + 1 {
		if v > 0 {
			m.Observe(event.Event{Kind: event.Ended, Target: "p/" + v.String(), Verdict: v})
		}
	}
	m.Observe(event.Event{Kind: event.Hopped, Target: "p/hopped", Reason: event.VerdictSays})
	m.Observe(event.Event{Kind: event.Waiting, Target: "p/waited", Reason: event.Backoff})
	m.Observe(event.Event{Kind: event.Waiting, Target: "p/ok", Reason: event.Pool}) // is no retry
	m.Observe(event.Event{Kind: event.Ended, Target: "p/ok", Verdict: event.Unauthorized})
	wants := map[string]string{
		`fairlead_fallbacks_total{reason="verdict",target="other"}`:     "1",
		`fairlead_retries_total{target="other"}`:                        "1",
		`fairlead_retries_total{target="p/ok"}`:                         "",
		`fairlead_attempts_total{target="p/ok",verdict="unauthorized"}`: "1",
	}
	for v := range event.Canceled + 1 {
		label := "p/" + v.String()
		switch v {
		case 0:
			continue
		case event.UnknownModel, event.Invalid, event.Unauthorized, event.Canceled:
			label = "other"
		}
		wants[fmt.Sprintf(`fairlead_attempts_total{target=%q,verdict=%q}`, label, v)] = "1"
	}
	samples(t, m, wants)
}

// TestCountsOfACall: tokens that a provider did not tell are none, times fall into
// their buckets, and a first token that never came is none.
func TestCountsOfACall(t *testing.T) {
	m := telemetry.New("")
	for _, wait := range []time.Duration{0, 10 * time.Millisecond, 11 * time.Millisecond, 11 * time.Minute} {
		m.Observe(event.Event{Kind: event.Ended, Target: "p/m", Verdict: event.OK, Wait: wait, First: wait / 2})
	}
	m.Observe(event.Event{Kind: event.Finished, Target: "p/m", Detail: "m", Verdict: event.OK, N: -1, M: -1})
	m.Observe(event.Event{Kind: event.Finished, Target: "p/m", Detail: "m", Verdict: event.Refused, N: 5, M: 9})
	m.Observe(event.Event{Kind: event.BreakerMoved, Target: "p", Detail: "half_open>ramp", Reason: event.Consecutive})
	m.Observe(event.Event{Kind: event.BreakerMoved, Target: "p", Detail: "odd", Reason: event.Consecutive})
	samples(t, m, map[string]string{
		`fairlead_attempt_seconds_bucket{target="p/m",le="0.01"}`:                                 "2",
		`fairlead_attempt_seconds_bucket{target="p/m",le="0.02"}`:                                 "3",
		`fairlead_attempt_seconds_bucket{target="p/m",le="655.36"}`:                               "3",
		`fairlead_attempt_seconds_bucket{target="p/m",le="+Inf"}`:                                 "4",
		`fairlead_first_token_seconds_count{target="p/m"}`:                                        "3",
		`fairlead_tokens_total{direction="output",target="p/m"}`:                                  "5",
		`fairlead_tokens_total{direction="input",target="p/m"}`:                                   "9",
		`fairlead_calls_total{model="m",verdict="ok"}`:                                            "1",
		`fairlead_calls_total{model="m",verdict="refused"}`:                                       "1",
		`fairlead_breaker_transitions_total{breaker="p",reason="consecutive_failures",to="ramp"}`: "1",
		`fairlead_breaker_transitions_total{breaker="p",reason="consecutive_failures",to=""}`:     "1",
	})
}

// TestManyAtOnce: nothing is lost, and no name takes two places.
func TestManyAtOnce(t *testing.T) {
	m := telemetry.New("")
	var wg sync.WaitGroup
	for range 8 {
		wg.Go(func() {
			for i := range 2000 {
				m.Observe(event.Event{Kind: event.Ended, Target: fmt.Sprintf("p/m%d", i%999), Verdict: event.OK})
			}
		})
	}
	wg.Wait()
	m.Observe(event.Event{Kind: event.Ended, Target: "p/last", Verdict: event.OK}) // the 1000th has its place
	m.Observe(event.Event{Kind: event.Ended, Target: "p/one too many", Verdict: event.OK})
	got := scrape(t, m)
	if n := count(got, "fairlead_attempts_total", "target"); n != 1001 {
		t.Errorf("%d labels, want 1000 and other", n)
	}
	for sample, want := range map[string]string{"p/m0": "24", "p/m3": "16", "p/last": "1", "other": "1"} {
		if v := got[fmt.Sprintf(`fairlead_attempts_total{target=%q,verdict="ok"}`, sample)]; v != want {
			t.Errorf("%s: %q, want %s", sample, v, want)
		}
	}
}

// TestConfiguredNamesComeFirst: a target of the configuration is a label even when
// clients have used up the room before it was first asked.
func TestConfiguredNamesComeFirst(t *testing.T) {
	m := telemetry.New("")
	m.Watch(source{targets: []fairlead.TargetStatus{target("p/configured", breaker.Closed)}, models: []string{"public"}})
	for i := range 2000 {
		m.Observe(event.Event{Kind: event.Finished, Target: fmt.Sprintf("p/m%d", i), Detail: fmt.Sprint(i), Verdict: event.OK})
	}
	m.Observe(event.Event{Kind: event.GaveUp, Detail: "public", Verdict: event.Invalid})
	m.Observe(event.Event{Kind: event.Ended, Target: "p/configured", Verdict: event.Invalid})
	samples(t, m, map[string]string{
		`fairlead_calls_total{model="public",verdict="invalid"}`:           "1",
		`fairlead_attempts_total{target="p/configured",verdict="invalid"}`: "1",
	})
}

// TestKeysOfAProvider are shown once, however many targets share them, and each
// target's pool under each key.
func TestKeysOfAProvider(t *testing.T) {
	a, b := target("p/a", breaker.Open), target("p/b", breaker.Open)
	second := fairlead.KeyStatus{Name: "second"}
	second.Breaker.State = breaker.HalfOpen
	a.Keys, b.Keys = append(a.Keys, second), append(b.Keys, second)
	b.Upstream.State = breaker.Open // told once, by the first
	m := telemetry.New("")
	m.Watch(source{targets: []fairlead.TargetStatus{a, b, target("q/a", breaker.Closed)}})
	samples(t, m, map[string]string{
		`fairlead_key_breaker_state{key="main",provider="p",state="open"}`:                                "1",
		`fairlead_key_breaker_state{key="second",provider="p",state="` + breaker.HalfOpen.String() + `"}`: "1",
		`fairlead_key_breaker_state{key="second",provider="q",state="open"}`:                              "",
		`fairlead_provider_breaker_state{provider="p",state="closed"}`:                                    "1",
		`fairlead_provider_breaker_state{provider="q",state="closed"}`:                                    "1",
		`fairlead_pool_closed{key="main",target="p/b"}`:                                                   "1",
		`fairlead_pool_closed{key="second",target="p/b"}`:                                                 "0",
		`fairlead_pool_closed{key="second",target="q/a"}`:                                                 "",
	})
	for sample := range scrape(t, m) {
		if strings.Count(sample, "target=") > 1 {
			t.Errorf("%s", sample)
		}
	}
}
