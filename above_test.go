package fairlead_test

import (
	"strings"
	"testing"
	"time"

	"fairlead.dev"
	"fairlead.dev/event"
)

// from gives a call headers of its client.
func from(headers ...string) func(*fairlead.Call) {
	return func(c *fairlead.Call) {
		for _, h := range headers {
			name, value, _ := strings.Cut(h, ": ")
			c.Request.Header.Set(name, value)
		}
	}
}

// An SDK that gives up after so long gets an error of ours before it does.
func TestAnSDKGetsItsErrorInTime(t *testing.T) {
	bubble(t, func(t *testing.T) {
		w := newWorld(t, func(cfg *fairlead.Config) {
			chain("a/silent")(cfg)
			cfg.Breaker.Consecutive, cfg.Breaker.FailureRatio = -1, -1
		})
		for header, want := range map[string]time.Duration{"10": 9500 * time.Millisecond, "2": 1900 * time.Millisecond} {
			if r := w.ask("anthropic", "m", true, from("X-Stainless-Timeout: "+header)); r.took != want || r.status != 503 {
				t.Errorf("timeout %s: status %d after %v", header, r.status, r.took)
			}
		}
		for _, nonsense := range []string{"", "-1", "0", "x", "1e300", "NaN"} {
			if r := w.ask("anthropic", "m", true, from("X-Stainless-Timeout: "+nonsense)); r.took < 30*time.Second {
				t.Errorf("timeout %q: after %v", nonsense, r.took)
			}
		}
	})
}

// A client's own retries draw on the budget that ours draw on.
func TestRetriesOfClientsDrawOnTheBudget(t *testing.T) {
	bubble(t, func(t *testing.T) {
		w := newWorld(t, chain("a/good"))
		full := w.client.Targets()[0].Budget
		w.ask("anthropic", "m", true, from("X-Stainless-Retry-Count: 0"))
		if got := w.client.Targets()[0].Budget; got < full {
			t.Errorf("budget %v of %v after a first try", got, full)
		}
		for range 3 {
			w.whole(w.ask("anthropic", "m", true, from("X-Stainless-Retry-Count: 1")))
		}
		if got := w.client.Targets()[0].Budget; got > full-2 {
			t.Errorf("budget %v of %v after three retries", got, full)
		}
	})
}

// A client that repeats in silence what failed is known by its session and its bytes, and refused when the
// budget is spent. What is new, or comes from others, is not.
func TestSilentRepeatsAreRefused(t *testing.T) {
	bubble(t, func(t *testing.T) {
		w := newWorld(t, func(cfg *fairlead.Config) {
			chain("a/fail-500")(cfg)
			cfg.Breaker.Consecutive, cfg.Breaker.FailureRatio, cfg.Retry.Attempts = -1, -1, 1
		})
		refused := 0
		for range 60 {
			r := w.ask("anthropic", "m", true, from("X-Claude-Code-Session-Id: s1"))
			if s := r.report.Summary(); s.Attempts == 0 {
				refused++
				if r.status != 503 || r.header.Get("X-Should-Retry") != "false" || !strings.Contains(r.failure, "sent again too often") || s.Verdict != event.Overloaded {
					t.Errorf("status %d, %v, %s", r.status, r.header, r.failure)
				}
			}
		}
		if refused < 30 {
			t.Errorf("%d of 60 repeats refused", refused)
		}
		for name, r := range map[string]result{
			"another session": w.ask("anthropic", "m", true, from("X-Claude-Code-Session-Id: s2")),
			"no session":      w.ask("anthropic", "m", true),
			"another request": w.ask("anthropic", "m", false, from("X-Claude-Code-Session-Id: s1")),
		} {
			if r.report.Summary().Attempts != 1 {
				t.Errorf("%s: %s", name, r.failure)
			}
		}
		time.Sleep(10 * time.Minute)
		if r := w.ask("anthropic", "m", true, from("X-Claude-Code-Session-Id: s1")); r.report.Summary().Attempts != 1 {
			t.Errorf("much later: %s", r.failure)
		}
	})
}
