package fairlead_test

import (
	"encoding/json"
	"testing"

	"fairlead.dev"
	"fairlead.dev/event"
)

// An SDK that asked for a stream reads no events in a JSON answer, and calls it
// an empty success.
func TestPlainAnswerToAStreamedRequest(t *testing.T) {
	modes(t, func(t *testing.T, dialect, p string, stream bool) {
		if !stream {
			return
		}
		w := newWorld(t, chain(p+"/primary", p+"/good"))
		whole := map[string]string{
			"a": `{"type":"message","content":[{"type":"text","text":"x"}],"stop_reason":"end_turn"}`,
			"o": `{"object":"chat.completion","choices":[{"index":0,"message":{"content":"x"},"finish_reason":"stop"}]}`,
		}[p]
		w.script(p, `{"rules":[{"match":{"model":"primary"},"fault":{"status":200,"headers":{"Content-Type":"application/json"},"body":`+whole+`}}]}`)
		r := w.ask(dialect, "m", true)
		w.whole(r)
		if r.header.Get("Fairlead-Target") != p+"/good" {
			t.Errorf("answered by %s", r.header.Get("Fairlead-Target"))
		}
	})
}

// An error that a stream tells before any content is an ordinary HTTP error to
// the client.
func TestErrorEventBeforeContentIsAnHTTPError(t *testing.T) {
	modes(t, func(t *testing.T, dialect, p string, stream bool) {
		if !stream {
			return
		}
		w := newWorld(t, chain(p+"/error-after-0"))
		r := w.ask(dialect, "m", true)
		e, ok := r.err.(*fairlead.Error)
		if !ok || r.status < 500 || !json.Valid(r.body) || r.header.Get("Content-Type") != "application/json" {
			t.Fatalf("status %d, %v: %s", r.status, r.header, r.body)
		}
		if want := map[string]int{"a": 529, "o": 503}[p]; e.Verdict == event.Overloaded && r.status != want {
			t.Errorf("status %d for an overload, want %d", r.status, want)
		}
	})
}

// A context window that is known not to be larger is not tried.
func TestTooLargeKnowsTheWindows(t *testing.T) {
	bubble(t, func(t *testing.T) {
		w := newWorld(t, chain("a/claude-opus-5-5", "a/claude-sonnet-5-5"))
		w.script("a", `{"rules":[{"match":{"model":"claude-opus-5-5"},"fault":"too-long"}]}`)
		if r := w.ask("anthropic", "m", false); r.status != 400 || len(w.asked("a")) != 1 {
			t.Errorf("status %d, asked %v", r.status, w.asked("a"))
		}
	})
}
