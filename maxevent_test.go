package fairlead_test

import (
	"strings"
	"testing"

	"fairlead.dev"
)

// One event is bounded, by the configuration, and a longer one is a failure of
// the attempt like any other; the default lets large tool inputs pass.
func TestEventsAreBounded(t *testing.T) {
	streams(t, func(t *testing.T, dialect, p string) {
		for max, want := range map[int64]string{0: "huge-line-200000", 50_000: "good", -1: "huge-line-200000"} {
			w := newWorld(t, func(cfg *fairlead.Config) {
				chain(p+"/huge-line-200000", p+"/good")(cfg)
				cfg.Streams.MaxEvent = max
			})
			r := w.ask(dialect, "m", true)
			if got := r.header.Get("Fairlead-Target"); r.err != nil || !strings.HasSuffix(got, want) || !r.complete {
				t.Errorf("max_event %d: answered by %q, want %s: %v", max, got, want, r.err)
			}
		}
		w := newWorld(t, chain(p+"/huge-line-9000000", p+"/good"))
		if r := w.ask(dialect, "m", true); r.header.Get("Fairlead-Target") != p+"/good" {
			t.Errorf("nine megabytes in one event: answered by %q, %v", r.header.Get("Fairlead-Target"), r.err)
		}
	})
}
