package fallback_test

import (
	"fmt"
	"time"

	"fairlead.dev/event"
	"fairlead.dev/fallback"
	"fairlead.dev/llm"
	"fairlead.dev/retry"
)

// An overloaded target is asked twice, then the next one.
func ExamplePlan() {
	p := fallback.Plan{Policy: retry.Policy{}.Defaults(), Length: 2}
	overloaded := &llm.Outcome{Verdict: event.Overloaded, Status: 529}
	names := []string{"stop", "again", "hop"}
	for range 3 {
		asked := p.Target()
		p.Started()
		step := p.After(overloaded, fallback.Terms{Left: time.Minute, OtherPool: true})
		fmt.Println("target", asked, "is overloaded:", names[step.Kind], step.Wait)
	}
	// Output:
	// target 0 is overloaded: again 200ms
	// target 0 is overloaded: hop 0s
	// target 1 is overloaded: again 200ms
}
