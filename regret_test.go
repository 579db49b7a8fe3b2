package fairlead_test

import (
	"testing"
	"time"

	"fairlead.dev"
	"fairlead.dev/breaker"
)

// A target whose streams begin well and die has not recovered: its probes do
// not bring the traffic back to it.
func TestATargetWhoseStreamsDieStaysOpen(t *testing.T) {
	streams(t, func(t *testing.T, dialect, p string) {
		w := newWorld(t, func(cfg *fairlead.Config) {
			chain(p+"/slow-tokens-10ms+error-after-40", p+"/good")(cfg)
			cfg.Retry.Attempts = 1
		})
		const calls = 1200
		for range calls {
			w.whole(w.ask(dialect, "m", true))
			time.Sleep(500 * time.Millisecond)
		}
		asked := 0
		for _, model := range w.asked(p) {
			if model != "good" {
				asked++
			}
		}
		if asked > 60 {
			t.Errorf("asked %d times in %d calls", asked, calls)
		}
		if s := w.client.Targets()[0].Breaker; s.State == breaker.Closed {
			t.Errorf("%+v", s)
		}
	})
}
