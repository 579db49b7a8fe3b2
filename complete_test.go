package fairlead_test

import (
	"strings"
	"testing"
	"time"

	"fairlead.dev"
	"fairlead.dev/event"
)

func complete(c *fairlead.Call) { c.Complete = true }

// brokenStreams are the ways in which a stream fails after its first content.
var brokenStreams = []string{
	"cut-after-40", "close-after-40", "stall-after-20", "error-after-40", "malformed-after-10", "cut-after-1", "close-after-60",
}

// Who wants a whole answer or none gets one from the next target, whatever
// became of the first, and nothing of the first.
func TestACompleteStreamIsNeverCut(t *testing.T) {
	for _, fault := range brokenStreams {
		modes(t, func(t *testing.T, dialect, p string, stream bool) {
			if !stream {
				return
			}
			w := newWorld(t, chain(p+"/"+fault, p+"/good"))
			r := w.ask(dialect, "m", true, complete)
			w.whole(r)
			if starts := strings.Count(string(r.body), `"type":"message_start"`); dialect == "anthropic" && starts != 1 {
				t.Errorf("%s: %d starts", fault, starts)
			}
			if got := r.header.Get("Fairlead-Target"); got != p+"/good" {
				t.Errorf("%s: answered by %q", fault, got)
			}
		})
	}
}

// When nobody has a whole answer, it is an HTTP error, not half a stream.
func TestACompleteStreamFailsWithAStatus(t *testing.T) {
	modes(t, func(t *testing.T, dialect, p string, stream bool) {
		if !stream {
			return
		}
		w := newWorld(t, chain(p+"/cut-after-40"))
		if r := w.ask(dialect, "m", true, complete); r.status != 502 || r.text != "" {
			t.Errorf("status %d, text %q, err %v", r.status, r.text, r.err)
		}
	})
}

// The configuration can ask for it too, and the clocks of a stream go on: a
// stream that takes long is not cut, and one that stalls is not waited for.
func TestACompleteStreamMayTakeLong(t *testing.T) {
	modes(t, func(t *testing.T, dialect, p string, stream bool) {
		if !stream {
			return
		}
		w := newWorld(t, func(cfg *fairlead.Config) {
			chain(p + "/slow-tokens-30s")(cfg)
			cfg.Streams.Complete = fairlead.On
		})
		r := w.ask(dialect, "m", true)
		w.whole(r)
		if r.took < 29*time.Minute {
			t.Errorf("took %v", r.took)
		}
		if got := w.client.Targets()[0].Load.InFlight; got != 0 {
			t.Errorf("%d in flight", got)
		}
	})
}

// What is held is bounded.
func TestACompleteStreamIsBounded(t *testing.T) {
	bubble(t, func(t *testing.T) {
		w := newWorld(t, func(cfg *fairlead.Config) {
			chain("a/slow-tokens-1ms")(cfg)
			cfg.MaxAnswer = 2000
		})
		if r := w.ask("anthropic", "m", true, complete); r.status != 502 || !strings.Contains(r.failure, "2000 bytes") {
			t.Errorf("status %d, %s", r.status, r.failure)
		}
		w.whole(w.ask("anthropic", "m", true))
	})
}

// A slot is free when the answer has come, not when a slow reader has read it.
func TestACompleteStreamHoldsNothingWhileItIsRead(t *testing.T) {
	bubble(t, func(t *testing.T) {
		w := newWorld(t, chain("a/good"))
		r, err := parse("anthropic", body("m", true))
		if err != nil {
			t.Fatal(err)
		}
		a, err := w.client.Do(t.Context(), fairlead.Call{Request: r, Complete: true})
		if err != nil {
			t.Fatal(err)
		}
		defer a.Close()
		if got := w.client.Targets()[0].Load.InFlight; got != 0 {
			t.Errorf("%d in flight", got)
		}
		if b, err := a.Next(); err != nil || strings.Count(string(b), "text_delta") != 60 {
			t.Errorf("%v: %q", err, b)
		}
	})
}

// An end marker that did not come is supplied: SDKs wait for it, and call the
// answer cut without it.
func TestAMissingEndMarkerIsSupplied(t *testing.T) {
	modes(t, func(t *testing.T, dialect, p string, stream bool) {
		if !stream {
			return
		}
		for _, more := range [][]func(*fairlead.Call){nil, {complete}} {
			w := newWorld(t, chain(p+"/no-end"))
			r := w.ask(dialect, "m", true, more...)
			w.whole(r)
			end := map[string]string{"anthropic": "event: message_stop\n", "openai": "data: [DONE]\n"}[dialect]
			if n := strings.Count(string(r.body), end); n != 1 {
				t.Errorf("%d end markers: %s", n, r.body)
			}
			if u := r.report.Summary().Usage; dialect == "anthropic" && (u.Output != 60 || u.Input == 0) {
				t.Errorf("usage %+v", u)
			}
		}
	})
}

func TestTheReportOfACompleteStream(t *testing.T) {
	bubble(t, func(t *testing.T) {
		w := newWorld(t, chain("a/cut-after-40", "a/good"))
		r := w.ask("anthropic", "m", true, complete)
		var kinds []event.Kind
		for _, e := range r.report.Events() {
			kinds = append(kinds, e.Kind)
		}
		if s := r.report.Summary(); s.Attempts != 3 || s.Verdict != event.OK || s.End.IsZero() {
			t.Errorf("%+v\n%v", s, kinds)
		}
	})
}
