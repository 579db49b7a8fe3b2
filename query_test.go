package fairlead_test

import (
	"errors"
	"testing"
	"time"

	"fairlead.dev"
	"fairlead.dev/event"
	"fairlead.dev/fakellm"
)

func TestQuery(t *testing.T) {
	modes(t, func(t *testing.T, dialect, p string, stream bool) {
		if stream {
			return
		}
		w := newWorld(t, chain(p+"/fail-529", p+"/good"))
		resp, err := w.client.Query(t.Context(), fairlead.Request{Model: "m", System: "Be brief.", Prompt: "hi"})
		if err != nil {
			t.Fatal(err)
		}
		if resp.Text != fakellm.Text(60) || resp.Model != p+"/good" || resp.Usage.Output == 0 || resp.StopReason == "" {
			t.Errorf("%+v", resp)
		}
		s := resp.Report.Summary()
		if s.Attempts != 3 || !s.Fallback || s.Reason != "overloaded" || s.Verdict != event.OK {
			t.Errorf("%+v", s)
		}
	})
}

func TestQueryFailsHonestly(t *testing.T) {
	modes(t, func(t *testing.T, dialect, p string, stream bool) {
		if stream {
			return
		}
		w := newWorld(t, chain(p+"/fail-529"))
		_, err := w.client.Query(t.Context(), fairlead.Request{Model: "m", Prompt: "hi"})
		e, ok := errors.AsType[*fairlead.Error](err)
		if !ok || e.Status != 529 || e.Verdict != event.Overloaded || e.Report == nil {
			t.Fatalf("%v", err)
		}
		pe, ok := errors.AsType[*fairlead.ProviderError](err)
		if !ok || pe.Target != p+"/fail-529" || pe.Status != 529 {
			t.Errorf("%v", pe)
		}
		if _, err := w.client.Query(t.Context(), fairlead.Request{Model: "a/b/c", Prompt: "hi"}); dialect == "x" && err == nil {
			t.Error("an unknown model was answered")
		}
	})
}

func TestStream(t *testing.T) {
	modes(t, func(t *testing.T, dialect, p string, stream bool) {
		if !stream {
			return
		}
		w := newWorld(t, chain(p+"/error-after-0", p+"/good"))
		text, last := "", fairlead.Chunk{}
		for chunk, err := range w.client.Stream(t.Context(), fairlead.Request{Model: "m", Prompt: "hi"}) {
			if err != nil {
				t.Fatal(err)
			}
			text += chunk.Text
			last = chunk
		}
		if text != fakellm.Text(60) || last.Response == nil || last.Response.Text != text || last.Response.Usage.Output == 0 {
			t.Errorf("text %q, last %+v", text, last)
		}
	})
}

func TestAStreamThatIsCutSaysSo(t *testing.T) {
	modes(t, func(t *testing.T, dialect, p string, stream bool) {
		if !stream {
			return
		}
		for _, model := range []string{"cut-after-40", "close-after-40", "error-after-40", "malformed-after-40", "stall-after-40"} {
			w := newWorld(t, func(cfg *fairlead.Config) {
				chain(p + "/" + model)(cfg)
				cfg.Streams.Resume = fairlead.ResumeOff
			})
			began, text, failure := time.Now(), "", error(nil)
			for chunk, err := range w.client.Stream(t.Context(), fairlead.Request{Model: "m", Prompt: "hi"}) {
				text += chunk.Text
				failure = err
			}
			e, ok := errors.AsType[*fairlead.Error](failure)
			if !ok || text != fakellm.Text(40) {
				t.Errorf("%s: err %v, text %q", model, failure, text)
				continue
			}
			if e.Verdict != event.Truncated || e.Event == nil {
				t.Errorf("%s: verdict %v, event %q", model, e.Verdict, e.Event)
			}
			if took := time.Since(began); model == "stall-after-40" && took != 2*time.Minute {
				t.Errorf("the idle clock took %v", took)
			}
		}
	})
}

// Leaving the loop early ends the call at the provider.
func TestLeavingAStream(t *testing.T) {
	modes(t, func(t *testing.T, dialect, p string, stream bool) {
		if !stream {
			return
		}
		w := newWorld(t, chain(p+"/slow-tokens-1s"))
		for range w.client.Stream(t.Context(), fairlead.Request{Model: "m", Prompt: "hi"}) {
			break
		}
		time.Sleep(time.Second)
		if got := w.fake[p].Attempts(); len(got) != 1 || !got[0].Canceled {
			t.Errorf("the provider saw %+v", got)
		}
		w.closedBreakers()
	})
}
