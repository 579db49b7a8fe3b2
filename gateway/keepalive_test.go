package gateway_test

import (
	"bufio"
	"io"
	"strings"
	"testing"
	"time"

	"fairlead.dev"
	"fairlead.dev/fakellm"
)

// timed is a line of a stream and when it came.
type timed struct {
	line string
	at   time.Duration
}

// lines reads an answer line by line.
func lines(t *testing.T, body io.Reader, began time.Time) (all []timed) {
	t.Helper()
	scan := bufio.NewScanner(body)
	for scan.Scan() {
		all = append(all, timed{scan.Text(), time.Since(began)})
	}
	if err := scan.Err(); err != nil {
		t.Error(err)
	}
	return all
}

func count(all []timed, prefix string) (n int) {
	for _, l := range all {
		if strings.HasPrefix(l.line, prefix) {
			n++
		}
	}
	return n
}

var dialects = map[string]struct{ path, model, ping, content, failure, text string }{
	"anthropic": {"/v1/messages", "opus", `data: {"type": "ping"}`, "event: content_block_delta", "event: error", `"text_delta"`},
	"openai":    {"/v1/chat/completions", "gpt", ": ping", "data: {", `data: {"error"`, `"content"`},
}

// calling makes "opus" and "gpt" chains of targets with these names.
func calling(models ...string) func(*fairlead.Config) {
	return func(cfg *fairlead.Config) {
		cfg.Models = []fairlead.Model{{Name: "opus"}, {Name: "gpt"}}
		for _, m := range models {
			cfg.Models[0].Chain = append(cfg.Models[0].Chain, "a/"+m)
			cfg.Models[1].Chain = append(cfg.Models[1].Chain, "o/"+m)
		}
	}
}

// A client that gets nothing gives up by itself after a while. So it gets its
// headers and a ping, and what could not be in the headers in a comment and in
// trailers.
func TestAWaitingClientIsKept(t *testing.T) {
	for name, d := range dialects {
		t.Run(name, func(t *testing.T) {
			bubble(t, setup{client: calling("slow-first-40s")}, func(w *world) {
				began := time.Now()
				resp, err := w.start(w.Context(), "POST", d.path, strings.NewReader(message(d.model, streamed)))
				if err != nil {
					w.Fatal(err)
				}
				defer resp.Body.Close()
				if took := time.Since(began); took != 15*time.Second || resp.StatusCode != 200 || resp.Header.Get("Content-Type") != "text/event-stream" {
					w.Errorf("headers after %v: %d %v", took, resp.StatusCode, resp.Header)
				}
				if resp.Header.Get("fairlead-target") != "" || resp.Header.Get("fairlead-call") == "" {
					w.Errorf("headers guess: %v", resp.Header)
				}
				got := lines(w.T, resp.Body, began)
				if n := count(got, d.ping); n != 2 {
					w.Errorf("%d pings", n)
				}
				target := map[string]string{"opus": "a", "gpt": "o"}[d.model] + "/slow-first-40s"
				if count(got, ": fairlead-target="+target+" fairlead-attempts=1 fairlead-fallback=false") != 1 {
					w.Errorf("no comment: %v", got)
				}
				if got := resp.Trailer.Get("fairlead-target"); got != target {
					w.Errorf("trailers %v", resp.Trailer)
				}
				var text strings.Builder
				for _, l := range got {
					text.WriteString(l.line + "\n")
				}
				if strings.Count(text.String(), d.text) < 60 || strings.Contains(text.String(), "error") {
					w.Errorf("got %s", text.String())
				}
			})
		})
	}
}

// Once the headers are out, a failure is an event; before, it is a status.
func TestAFailureAfterTheHeadersIsAnEvent(t *testing.T) {
	for name, d := range dialects {
		t.Run(name, func(t *testing.T) {
			slow := setup{client: func(cfg *fairlead.Config) {
				calling("lifecycle-only", "slow-first-1s+fail-529")(cfg)
				cfg.Timeouts.FirstToken = 20 * time.Second
			}}
			bubble(t, slow, func(w *world) {
				began := time.Now()
				resp, err := w.start(w.Context(), "POST", d.path, strings.NewReader(message(d.model, streamed)))
				if err != nil {
					w.Fatal(err)
				}
				defer resp.Body.Close()
				got := lines(w.T, resp.Body, began)
				if resp.StatusCode != 200 || count(got, d.failure) != 1 || count(got, "event: message_stop")+count(got, "data: [DONE]") != 0 {
					w.Errorf("%d: %v", resp.StatusCode, got)
				}
				if resp.Trailer.Get("fairlead-attempts") == "" {
					w.Errorf("trailers %v", resp.Trailer)
				}
			})
			slow.client = func(cfg *fairlead.Config) {
				calling("lifecycle-only", "fail-529")(cfg)
				cfg.Timeouts.FirstToken = 10 * time.Second
			}
			bubble(t, slow, func(w *world) {
				w.ask("POST", d.path, message(d.model, streamed)).wants(w, 503)
			})
		})
	}
}

// Pings are for silence only: a stream that flows has none, and one that pauses
// has some.
func TestPingsAreForSilenceOnly(t *testing.T) {
	for tokens, pings := range map[string]int{"slow-tokens-5s": 0, "slow-tokens-40s": 2 * 59} {
		bubble(t, setup{client: calling(tokens)}, func(w *world) {
			began := time.Now()
			resp, err := w.start(w.Context(), "POST", "/v1/messages", strings.NewReader(message("opus", streamed)))
			if err != nil {
				w.Fatal(err)
			}
			defer resp.Body.Close()
			got := lines(w.T, resp.Body, began)
			if n := count(got, `data: {"type": "ping"}`); n != pings { // the fake's own look otherwise
				w.Errorf("%s: %d pings, want %d", tokens, n, pings)
			}
		})
	}
}

// No ping, and no headers before the answer, for who wants a plain one, or with
// keepalive off.
func TestWhoGetsNoPings(t *testing.T) {
	off := setup{client: func(cfg *fairlead.Config) { calling("slow-first-40s")(cfg); cfg.Streams.Keepalive = -1 }}
	bubble(t, off, func(w *world) {
		a := w.ask("POST", "/v1/messages", message("opus", streamed))
		a.wants(w, 200)
		if a.Header.Get("fairlead-target") != "a/slow-first-40s" || len(a.Trailer) > 0 {
			w.Errorf("headers %v, trailers %v", a.Header, a.Trailer)
		}
	})
	bubble(t, setup{client: calling("slow-first-40s")}, func(w *world) {
		a := w.ask("POST", "/v1/messages", message("opus"))
		a.wants(w, 200, fakellm.Text(60))
		if a.Header.Get("fairlead-target") != "a/slow-first-40s" {
			w.Errorf("headers %v", a.Header)
		}
	})
}

// A client that asks for all or nothing waits for it with pings.
func TestCompleteOverHTTP(t *testing.T) {
	bubble(t, setup{client: calling("slow-tokens-1s+cut-after-40", "good")}, func(w *world) {
		a := w.ask("POST", "/v1/messages", message("opus", streamed), "fairlead-stream: complete")
		a.wants(w, 200, "event: message_stop", "event: ping", ": fairlead-target=a/good")
		if strings.Count(a.body, "event: message_start") != 1 || strings.Contains(a.body, "event: error") {
			w.Errorf("got %s", a.body)
		}
		w.ask("POST", "/v1/messages", message("opus", streamed), "fairlead-stream: whole").wants(w, 400, "only the value complete is known")
		w.ask("POST", "/v1/messages", message("opus", streamed), "fairlead-resume: on").wants(w, 400, "only the value off is known")
	})
}
