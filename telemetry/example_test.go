package telemetry_test

import (
	"fmt"
	"net/http/httptest"
	"strings"

	"fairlead.dev"
	"fairlead.dev/event"
	"fairlead.dev/telemetry"
)

// Metrics are told of every event, and a scrape shows what became of the calls.
func Example() {
	metrics := telemetry.New("v1.0.0")
	_ = fairlead.Config{Observe: metrics.Observe} // and, once the client is made: metrics.Watch(client)

	metrics.Observe(event.Event{Kind: event.Finished, Target: "anthropic/opus", Detail: "opus", Verdict: event.OK, N: 12})

	scrape := httptest.NewRecorder()
	metrics.Handler().ServeHTTP(scrape, httptest.NewRequest("GET", "/metrics", nil))
	for line := range strings.Lines(scrape.Body.String()) {
		if strings.HasPrefix(line, "fairlead_calls_total") {
			fmt.Print(line)
		}
	}
	// Output:
	// fairlead_calls_total{model="opus",verdict="ok"} 1
}
