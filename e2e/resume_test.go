package e2e

import (
	"strings"
	"testing"
)

// resuming wires a chain whose spare has a row of the adapt table, and short
// clocks.
func resuming(adapt string) func(main, spare *fake) string {
	return func(main, spare *fake) string {
		return fits("spare-llm", adapt)(main, spare) + `
retry: {attempts: 1}
timeouts: {first_token: 2s, idle: 2s}
`
	}
}

// TestResume: a stream dies after its first content, and the SDK reads the
// whole answer all the same: from a spare that goes on with it, from one that
// refuses to and answers afresh, and from one that was never asked to.
func TestResume(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct{ adapt, spare string }{
		"prefill":         {`{model: "*", prefill: allowed}`, ""},
		"prefill refused": {`{model: "*", prefill: allowed}`, always("no-prefill")},
		"afresh":          {`{model: "*", prefill: refused}`, ""},
	} {
		for _, fault := range []string{"cut-after-20", "close-after-20", "error-after-20", "malformed-after-10", "stall-after-20"} {
			t.Run(name+"/"+fault, func(t *testing.T) {
				t.Parallel()
				s := setup{main: always("slow-tokens-5ms+" + fault), spare: c.spare, wired: resuming(c.adapt)}
				eachSDK(t, viaGateway, s, func(t *testing.T, b *bench) {
					if !b.resumes {
						wantHonestCut(t, b)
						return
					}
					a, err := b.call(t, question{model: b.primary}, true)
					b.wantWhole(t, a, err)
					b.wantSent(t, 1)
				})
			})
		}
	}
}

// TestDifferentAnswer: an answer that goes another way is no rest of the first.
// The SDK gets its typed error with the first cause.
func TestDifferentAnswer(t *testing.T) {
	t.Parallel()
	other := `{"rules":[{"fault":{"text":"something else altogether","no_prefill":true}}]}`
	for _, fault := range []string{"cut-after-20", "close-after-20", "error-after-20"} {
		t.Run(fault, func(t *testing.T) {
			t.Parallel()
			s := setup{main: always("slow-tokens-5ms+" + fault), spare: other, wired: resuming(`{model: "*"}`)}
			eachSDK(t, viaGateway, s, wantHonestCut)
		})
	}
}

// TestCompleteStreams: all or nothing.
func TestCompleteStreams(t *testing.T) {
	t.Parallel()
	wired := func(main, spare *fake) string {
		return resuming(`{model: "*"}`)(main, spare) + "stream: {complete: on}\n"
	}
	eachSDK(t, viaGateway, setup{main: always("slow-tokens-5ms+cut-after-20"), wired: wired}, func(t *testing.T, b *bench) {
		a, err := b.call(t, question{model: b.primary}, true)
		b.wantWhole(t, a, err)
		b.wantFallback(t)
	})
	both := always("slow-tokens-5ms+cut-after-20")
	eachSDK(t, viaGateway, setup{main: both, spare: both, wired: wired}, func(t *testing.T, b *bench) {
		if a, err := b.call(t, question{model: b.primary}, true); err == nil || a.text != "" {
			t.Errorf("%q, %v", a.text, err)
		}
		if x := b.sent.last(t); x.status != 502 {
			t.Errorf("status %d", x.status)
		}
		b.wantSent(t, 1)
	})
}

// TestWaitingClients: pings and comments keep a client waiting, and no SDK takes
// one for an answer.
func TestWaitingClients(t *testing.T) {
	t.Parallel()
	wired := func(main, spare *fake) string {
		text := strings.Replace(resuming(`{model: "*"}`)(main, spare), "first_token: 2s", "first_token: 10s", 1)
		return text + "stream: {keepalive: 300ms}\n"
	}
	eachSDK(t, viaGateway, setup{main: always("slow-first-2s"), wired: wired}, func(t *testing.T, b *bench) {
		a, err := b.call(t, question{model: b.primary}, true)
		b.wantWhole(t, a, err)
		if h := b.sent.last(t).header; h.Get("fairlead-target") != "" {
			t.Errorf("the headers did not go out before the answer was known: %v", h)
		}
		b.wantSent(t, 1)
	})
	eachSDK(t, viaGateway, setup{main: always("slow-first-1s+fail-529"), spare: always("slow-headers-1s+fail-500"), wired: wired}, func(t *testing.T, b *bench) {
		_, err := b.call(t, question{model: b.primary}, true)
		if _, typed := b.Failure(err); !typed {
			t.Errorf("the error is not one of the SDK's own: %T: %v", err, err)
		}
		b.wantSent(t, 1)
	})
}
