package event_test

import (
	"fmt"

	"fairlead.dev/event"
)

// A report tells a call's story in order.
func ExampleReport() {
	r := event.NewReport(event.Summary{ID: "call_1", Model: "claude-opus-5-5"})
	r.Add(event.Event{Kind: event.Ended, Target: "anthropic/claude-opus-5-5", Verdict: event.Overloaded, Status: 529})
	r.Add(event.Event{Kind: event.Hopped, Target: "anthropic/claude-sonnet-5-5", Verdict: event.Overloaded})
	for _, e := range r.Events() {
		fmt.Println(e.Kind, e.Target, e.Verdict)
	}
	// Output:
	// ended anthropic/claude-opus-5-5 overloaded
	// hopped anthropic/claude-sonnet-5-5 overloaded
}
