package fairlead_test

import (
	"context"
	"io"
	"testing"
	"testing/synctest"
	"time"

	"fairlead.dev"
	"fairlead.dev/event"
)

// A caller that leaves while the rest is looked for ends the call: nobody is
// asked any more, and nothing is held.
func TestLeavingWhileTheRestIsLookedFor(t *testing.T) {
	streams(t, func(t *testing.T, dialect, p string) {
		for _, how := range []string{"context", "body"} {
			w := newWorld(t, func(cfg *fairlead.Config) {
				chain(p+"/cut-after-40+no-prefill", p+"/silent")(cfg)
				cfg.Retry.Base, cfg.Retry.Max = 8*time.Second, 8*time.Second
			})
			ctx, cancel := context.WithCancel(t.Context())
			path := map[string]string{"anthropic": "/v1/messages", "openai": "/v1/chat/completions"}[dialect]
			req := withKey(ctx, "http://any"+path, body("m", true))
			resp, err := w.client.HTTPClient().Do(req)
			if err != nil {
				t.Fatal(err)
			}
			ended := make(chan error, 1)
			go func() {
				_, err := io.Copy(io.Discard, resp.Body)
				ended <- err
			}()
			synctest.Wait() // the stream is cut, and a wait has begun
			asked := len(w.asked(p))
			if how == "context" {
				cancel()
			} else {
				resp.Body.Close()
			}
			if err := <-ended; err == nil {
				t.Errorf("%s: a whole answer", how)
			}
			cancel()
			resp.Body.Close()
			synctest.Wait()
			if n := len(w.asked(p)); n != asked {
				t.Errorf("%s: asked %d times more", how, n-asked)
			}
			for _, target := range w.client.Targets() {
				if target.Load.InFlight != 0 {
					t.Errorf("%s: %s: %d in flight", how, target.Name, target.Load.InFlight)
				}
			}
		}
	})
}

// A client that is closed while the rest is looked for says what had happened.
func TestClosingWhileTheRestIsLookedFor(t *testing.T) {
	streams(t, func(t *testing.T, dialect, p string) {
		w := newWorld(t, chain(p+"/cut-after-40", p+"/silent"))
		r := make(chan result)
		go func() { r <- w.ask(dialect, "m", true) }()
		synctest.Wait()
		closed := make(chan error)
		go func() { closed <- w.client.Close() }()
		got := <-r
		if e, ok := got.err.(*fairlead.Error); !ok || e.Verdict != event.Truncated || len(e.Event) == 0 {
			t.Errorf("err %v", got.err)
		}
		if err := <-closed; err != nil {
			t.Error(err)
		}
	})
}
