package anthropic_test

import (
	"strings"
	"testing"

	"fairlead.dev/event"
	"fairlead.dev/llm"
	"fairlead.dev/provider/anthropic"
	"fairlead.dev/provider/providertest"
)

func TestConformance(t *testing.T) { providertest.Run(t, anthropic.New()) }

// TestOnlyItsOwnShapeIsPassedOn: clients of this API read {"type":"error","error":{...}} and nothing else.
func TestOnlyItsOwnShapeIsPassedOn(t *testing.T) {
	for body, kept := range map[string]bool{
		`{"type":"error","error":{"type":"x","message":"no"}}`: true, `{"error":{"type":"x","message":"no"}}`: false, `{"error":"no"}`: false,
		`{"type":"error","error":{"message":"no"}}`: false, `{"type":"error","message":"no"}`: false, `{"message":"no"}`: false, `<html>`: false,
	} {
		out := anthropic.New().Outcome(&llm.Request{}, 400, nil, []byte(body), providertest.Now)
		if out.Verdict != event.Invalid || (out.Body != nil) != kept {
			t.Errorf("%s: %s, kept %q", body, out.Verdict, out.Body)
		}
	}
}

// TestFailureOfOurKeyIsNoOverload: clients count overloads, and this one does not end by waiting.
func TestFailureOfOurKeyIsNoOverload(t *testing.T) {
	for v, want := range map[event.Verdict]string{event.Unauthorized: "api_error", event.QuotaExhausted: "api_error", event.Overloaded: "overloaded_error", event.Slow: "overloaded_error"} {
		if b := anthropic.New().Failure(llm.Failure{Status: 503, Verdict: v, Call: "c"}); !strings.Contains(string(b), `"`+want+`"`) || !strings.Contains(string(b), `"request_id":"c"`) {
			t.Errorf("%s: %s", v, b)
		}
	}
}
