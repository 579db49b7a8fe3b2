package fairlead_test

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"fairlead.dev"
	"fairlead.dev/event"
	"fairlead.dev/fakellm"
	"fairlead.dev/llm"
)

// streams runs f for both dialects, streamed.
func streams(t *testing.T, f func(t *testing.T, dialect, provider string)) {
	t.Helper()
	modes(t, func(t *testing.T, dialect, p string, stream bool) {
		if stream {
			f(t, dialect, p)
		}
	})
}

// spliced is a chain whose first target fails as faults say; "other" says
// something else, "prefilling" goes on from a prefill, "good" answers the same.
func spliced(p string, targets ...string) func(*fairlead.Config) {
	return func(cfg *fairlead.Config) {
		for i, t := range targets {
			targets[i] = p + "/" + t
		}
		chain(targets...)(cfg)
		tight(cfg)
	}
}

// tight sets short clocks, and who goes on from the beginning of an answer.
func tight(cfg *fairlead.Config) {
	cfg.Retry.Attempts = 1
	cfg.Timeouts.FirstToken, cfg.Timeouts.Idle = 10*time.Second, 20*time.Second
	for i := range cfg.Providers {
		cfg.Providers[i].Adapt = []llm.Adapt{{Model: "prefilling*", Prefill: "allowed"}, {Model: "good*", Prefill: "refused"}}
	}
}

// oneMessage checks, with no code of ours, that the events are those of one
// message: one start, indices that go on, blocks that end before the next, one
// end and nothing behind it.
func oneMessage(dialect string, body []byte) error {
	var ids []string
	starts, ends, blocks, open := 0, 0, 0, -1
	for line := range strings.Lines(string(body)) {
		data, ok := strings.CutPrefix(strings.TrimRight(line, "\n"), "data: ")
		if !ok {
			continue
		}
		if ends > 0 {
			return fmt.Errorf("an event behind the end: %s", data)
		}
		if data == "[DONE]" {
			ends++
			continue
		}
		var v struct {
			ID      string
			Type    string
			Index   int
			Choices []struct{ Delta struct{ Role string } }
		}
		if err := json.Unmarshal([]byte(data), &v); err != nil {
			return fmt.Errorf("%w: %s", err, data)
		}
		if dialect == "openai" {
			if !slices.Contains(ids, v.ID) {
				ids = append(ids, v.ID)
			}
			for _, c := range v.Choices {
				if c.Delta.Role != "" {
					starts++
				}
			}
			continue
		}
		switch v.Type {
		case "message_start":
			starts++
		case "message_stop":
			ends++
		case "content_block_start":
			if v.Index != blocks || open >= 0 {
				return fmt.Errorf("block %d begins as %d, open %d", blocks, v.Index, open)
			}
			blocks, open = blocks+1, v.Index
		case "content_block_delta":
			if v.Index != open {
				return fmt.Errorf("text for block %d, open %d", v.Index, open)
			}
		case "content_block_stop":
			if v.Index != open {
				return fmt.Errorf("block %d ends, open %d", v.Index, open)
			}
			open = -1
		}
	}
	if starts != 1 || ends != 1 || len(ids) > 1 || open >= 0 {
		return fmt.Errorf("%d starts, %d ends, ids %v, open block %d", starts, ends, ids, open)
	}
	return nil
}

// lateFaults fail a stream after its first content, earlyFaults before.
var (
	lateFaults  = []string{"stall-after-20", "cut-after-40", "close-after-40", "error-after-40", "malformed-after-10", "cut-after-1", "close-after-59"}
	earlyFaults = []string{"reset", "fail-529", "error-after-0", "close-after-0", "lifecycle-only", "pings-only", "slow-first-20s"}
)

// Whatever happens to a stream, its caller gets the whole answer exactly, if a
// target can go on with it, or gives the same answer again.
func TestTheWholeAnswerAfterEveryFault(t *testing.T) {
	for _, spare := range []string{"prefilling", "prefilling:no-prefill", "good", "http2"} {
		for _, fault := range append(append([]string{"no-end"}, lateFaults...), earlyFaults...) {
			t.Run(spare+"/"+fault, func(t *testing.T) {
				streams(t, func(t *testing.T, dialect, p string) {
					w := makeWorld(t, spliced(p, fault, strings.Replace(spare, "http2", "prefilling", 1)), spare == "http2")
					r := w.ask(dialect, "m", true)
					w.whole(r)
					if err := oneMessage(dialect, r.body); err != nil {
						t.Errorf("%v\n%s", err, r.body)
					}
					if r.took > 41*time.Second || fault == "slow-first-20s" && r.took > 15*time.Second {
						t.Errorf("took %v", r.took)
					}
					w.whole(w.ask(dialect, "good", true)) // the next healthy call succeeds
				})
			})
		}
	}
}

// A target that answers differently cannot go on: the caller gets an error event
// with the first cause, and nothing that it could take for an end.
func TestADifferentAnswerIsNotSplicedIn(t *testing.T) {
	for _, fault := range lateFaults {
		streams(t, func(t *testing.T, dialect, p string) {
			w := newWorld(t, spliced(p, fault, "other"))
			w.script(p, `{"rules":[{"match":{"model":"other"},"fault":{"text":"w0 w1 and then something else","no_prefill":true}}]}`)
			if fault == "cut-after-1" {
				return // the other answer begins like this one
			}
			r := w.ask(dialect, "m", true)
			if r.err == nil || r.complete || !strings.HasPrefix(fakellm.Text(60), r.text) || r.text == "" {
				t.Errorf("%s: complete %v, text %q, err %v", fault, r.complete, r.text, r.err)
			}
			e := r.err.(*fairlead.Error)
			if e.Verdict != event.Truncated || !strings.Contains(string(e.Event), "error") || strings.Contains(string(e.Event), "differ") ||
				strings.Contains(string(e.Event), "prefill") {
				t.Errorf("%s: verdict %v, event %s", fault, e.Verdict, e.Event)
			}
			if fault == "error-after-40" && !strings.Contains(string(e.Event), "overloaded") {
				t.Errorf("the cause is lost: %s", e.Event)
			}
			for _, target := range w.client.Targets() {
				if target.Load.InFlight != 0 || strings.HasSuffix(target.Name, "other") && target.Breaker.Failures != 0 {
					t.Errorf("%s: %+v", target.Name, target)
				}
			}
		})
	}
}

// The rest may be cut as well.
func TestARestThatIsCutIsGoneOnWith(t *testing.T) {
	streams(t, func(t *testing.T, dialect, p string) {
		w := newWorld(t, spliced(p, "cut-after-10", "prefilling:cut-after-20", "good:cut-after-50", "good"))
		r := w.ask(dialect, "m", true)
		w.whole(r)
		if err := oneMessage(dialect, r.body); err != nil {
			t.Errorf("%v\n%s", err, r.body)
		}
		if n := r.kinds()[event.Resumed]; n != 3 {
			t.Errorf("resumed %d times", n)
		}
	})
}

// A cut in which nothing but the end was missing needs no more than an end.
func TestOnlyTheEndWasMissing(t *testing.T) {
	streams(t, func(t *testing.T, dialect, p string) {
		for _, spare := range []string{"prefilling", "good"} {
			w := newWorld(t, spliced(p, "cut-after-60", spare))
			r := w.ask(dialect, "m", true)
			w.whole(r)
			if err := oneMessage(dialect, r.body); err != nil {
				t.Errorf("%v\n%s", err, r.body)
			}
		}
	})
}

// White space at the end of what was sent is left out of a prefill, and has to
// be the beginning of the rest.
func TestWhiteSpaceAtTheSeam(t *testing.T) {
	text := "one  \n\n  two\n\n\nthree \t four"
	for at := 1; at < 12; at++ {
		streams(t, func(t *testing.T, dialect, p string) {
			for _, spare := range []string{"prefilling", "good"} {
				w := newWorld(t, spliced(p, "first", spare))
				w.script(p, fmt.Sprintf(`{"rules":[{"match":{"model":"first"},"fault":{"text":%q,"do":"cut","at":%d}},{"fault":{"text":%[1]q}}]}`, text, at))
				r := w.ask(dialect, "m", true)
				if r.err != nil || r.text != text || oneMessage(dialect, r.body) != nil {
					t.Errorf("at %d, %s: err %v, text %q, %v", at, spare, r.err, r.text, oneMessage(dialect, r.body))
				}
			}
		})
	}
}

// In another turn a model goes on, or begins again from the start; one that
// begins again and says something else is found out.
func TestLooseResuming(t *testing.T) {
	whole := fakellm.Text(60)
	rest := whole[len(fakellm.Text(40)):]
	for name, c := range map[string]struct {
		inTurn string
		good   bool
	}{
		"it goes on":          {rest, true},
		"it begins again":     {whole, true},
		"it changes its mind": {"w0 w1 w2 w3 w4 w5 w6 w7, on second thought no", false},
	} {
		t.Run(name, func(t *testing.T) {
			streams(t, func(t *testing.T, dialect, p string) {
				w := newWorld(t, func(cfg *fairlead.Config) {
					spliced(p, "cut-after-40", "other")(cfg)
					cfg.Streams.Resume = fairlead.ResumeLoose
				})
				w.script(p, fmt.Sprintf(`{"rules":[{"match":{"model":"other"},"times":%d,"fault":{"text":"no","no_prefill":true}},
					{"match":{"model":"other"},"fault":{"text":%q,"no_prefill":true}}]}`, map[string]int{"anthropic": 2, "openai": 1}[dialect], c.inTurn))
				r := w.ask(dialect, "m", true)
				if (r.err == nil) != c.good {
					t.Fatalf("err %v, text %q\n%s", r.err, r.text, story(r.report))
				}
				if c.good {
					w.whole(r)
				}
			})
		})
	}
}

// Who does not want it resumed, and what must not be resumed.
func TestWhatIsNotResumed(t *testing.T) {
	tools := `,"tools":[{"name":"look","description":"d","input_schema":{"type":"object"}}],"tool_choice":{"type":"any"}`
	thinking := `,"thinking":{"type":"enabled","budget_tokens":1024}`
	for name, c := range map[string]struct {
		more  string
		fault string
		edit  func(*fairlead.Config)
		call  func(*fairlead.Call)
	}{
		"off":              {fault: "cut-after-40", edit: func(cfg *fairlead.Config) { cfg.Streams.Resume = fairlead.ResumeOff }},
		"off for one call": {fault: "cut-after-40", call: func(c *fairlead.Call) { c.Final = true }},
		"inside a tool":    {fault: "cut-after-2", more: tools},
		"inside thinking":  {fault: "cut-after-2", more: thinking},
	} {
		t.Run(name, func(t *testing.T) {
			bubble(t, func(t *testing.T) {
				w := newWorld(t, func(cfg *fairlead.Config) {
					spliced("a", c.fault, "prefilling")(cfg)
					if c.edit != nil {
						c.edit(cfg)
					}
				})
				more := []func(*fairlead.Call){}
				if c.call != nil {
					more = append(more, c.call)
				}
				r := w.send(t.Context(), "anthropic", strings.Replace(body("m", true), `"max_tokens":1000`, `"max_tokens":2000`+c.more, 1), more...)
				if r.err == nil || r.complete || len(w.asked("a")) != 1 {
					t.Errorf("err %v, asked %v, body %s", r.err, w.asked("a"), r.body)
				}
			})
		})
	}
}

// An answer that thought before its text is gone on with like any other. The
// client keeps the thinking that it has: that of the other answer is no part of
// its message.
func TestAnswersThatThinkAreResumed(t *testing.T) {
	thoughtful := strings.Replace(body("m", true), `"max_tokens":1000`, `"max_tokens":2000,"thinking":{"type":"adaptive"}`, 1)
	for _, fault := range append([]string{"cut-after-65", "cut-after-6"}, lateFaults...) {
		if fault == "cut-after-1" {
			continue // inside the thinking
		}
		for _, spare := range []string{"good", "prefilling:no-prefill", "good:cut-after-50"} {
			t.Run(spare+"/"+fault, func(t *testing.T) {
				bubble(t, func(t *testing.T) {
					w := newWorld(t, spliced("a", fault, spare, "goody"))
					r := w.send(t.Context(), "anthropic", thoughtful)
					w.whole(r)
					if err := oneMessage("anthropic", r.body); err != nil {
						t.Errorf("%v\n%s", err, r.body)
					}
					healthy := w.send(t.Context(), "anthropic", strings.Replace(thoughtful, `"m"`, `"goody"`, 1))
					for _, part := range []string{`"type":"thinking"`, "thinking_delta", "signature_delta"} {
						if got, want := strings.Count(string(r.body), part), strings.Count(string(healthy.body), part); got != want || want == 0 {
							t.Errorf("%s: %d times, want %d\n%s", part, got, want, r.body)
						}
					}
				})
			})
		}
	}
}

// Headers that went out cannot be changed: the splice is told in a comment, in
// trailers and in the report.
func TestASpliceIsAnnounced(t *testing.T) {
	streams(t, func(t *testing.T, dialect, p string) {
		w := newWorld(t, spliced(p, "cut-after-40", "prefilling"))
		r, err := parse(dialect, body("m", true))
		if err != nil {
			t.Fatal(err)
		}
		a, err := w.client.Do(t.Context(), fairlead.Call{Request: r})
		if err != nil {
			t.Fatal(err)
		}
		defer a.Close()
		var got strings.Builder
		for b, err := a.Next(); err == nil; b, err = a.Next() {
			got.WriteString(string(b))
		}
		if want := ": fairlead-target=" + p + "/prefilling fairlead-attempts=2 fairlead-fallback=true fairlead-reason=truncated\n\n"; strings.Count(got.String(), want) != 1 {
			t.Errorf("no comment %q in %s", want, got.String())
		}
		h := a.Trailer()
		if h.Get("Fairlead-Target") != p+"/prefilling" || h.Get("Fairlead-Fallback") != "true" || h.Get("Fairlead-Attempts") != "2" {
			t.Errorf("trailer %v", h)
		}
		if s := a.Report.Summary(); s.Target != p+"/prefilling" || s.Verdict != event.OK || !s.Fallback {
			t.Errorf("summary %+v", s)
		}
	})
}

// What a spliced answer cost is the sum of what was told, and in the message the
// tokens of all of it.
func TestUsageOfASplicedAnswer(t *testing.T) {
	bubble(t, func(t *testing.T) {
		for spare, want := range map[string]int{"prefilling": 20 + (len(fakellm.Text(40))+3)/4, "good": 60} {
			w := newWorld(t, spliced("a", "cut-after-40", spare))
			r := w.ask("anthropic", "m", true)
			w.whole(r)
			if !strings.Contains(string(r.body), fmt.Sprintf(`"output_tokens":%d}`, want)) {
				t.Errorf("%s: want %d in %s", spare, want, r.body)
			}
			if u := r.report.Summary().Usage; u.Input < 40 {
				t.Errorf("usage %+v", u)
			}
		}
	})
}
