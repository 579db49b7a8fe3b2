package e2e

import (
	"net/http"
	"strings"
	"testing"

	"fairlead.dev/fakellm"
)

// TestFallback: whatever the primary does, the SDK gets the full answer from
// the next target, for one HTTP request.
func TestFallback(t *testing.T) {
	t.Parallel()
	for fault, asked := range map[string]int{ // how often main is, in one call
		"fail-529": 2, "fail-500": 2, "fail-503": 2, "html-502": 2, "reset": 2, "bad-json": 2, "empty": 2,
		"silent":      1,                // the silent route is not asked twice
		"spend-limit": 1, "no-quota": 1, // waiting cannot help
		"unknown-model": 1,
	} {
		t.Run(fault, func(t *testing.T) {
			t.Parallel()
			eachChain(t, setup{main: always(fault), short: true}, func(t *testing.T, b *bench) {
				forms(t, func(t *testing.T, streamed bool) {
					a, err := b.call(t, question{model: b.primary}, streamed)
					b.wantWhole(t, a, err)
					if a.model != b.maker.spare {
						t.Errorf("the answer says it is of %q, want %q", a.model, b.maker.spare)
					}
					b.wantFallback(t)
					if !streamed {
						b.wantAsked(t, asked, 1)
					}
				})
				b.wantSent(t, 2)
			})
		})
	}
}

// wantFallback fails the test unless the headers say that spare answered.
func (b *bench) wantFallback(t *testing.T) {
	t.Helper()
	h := b.sent.last(t).header
	if h.Get("fairlead-fallback") != "true" || !strings.HasPrefix(h.Get("fairlead-target"), "spare") || h.Get("fairlead-reason") == "" {
		t.Errorf("the headers do not say that spare answered, and why: %v", h)
	}
}

// TestOneFailure: the same target is asked once more before anybody else is.
func TestOneFailure(t *testing.T) {
	t.Parallel()
	for _, fault := range []string{"fail-500", "fail-529", "html-502", "reset"} {
		t.Run(fault, func(t *testing.T) {
			t.Parallel()
			eachWay(t, setup{main: once(fault)}, func(t *testing.T, b *bench) {
				a, err := b.Ask(t.Context(), question{model: b.primary})
				b.wantWhole(t, a, err)
				b.wantSent(t, 1)
				b.wantAsked(t, 2, 0)
			})
		})
	}
}

// TestCutStream: after the first content a failure is an error, or the whole
// answer where somebody could finish it, but never a silent end. Without
// Fairlead both SDKs take a clean close for success.
func TestCutStream(t *testing.T) {
	t.Parallel()
	for _, fault := range []string{"cut-after-20", "close-after-20", "error-after-20", "malformed-after-20", "no-end"} {
		t.Run(fault, func(t *testing.T) {
			t.Parallel()
			eachWay(t, setup{main: always(fault), spare: always(fault)}, wantNoSilentEnd)
		})
		if fault == "malformed-after-20" || fault == "no-end" {
			continue // the rest of the text comes all the same
		}
		paced := "slow-tokens-10ms+" + fault
		t.Run(paced, func(t *testing.T) {
			t.Parallel()
			eachWay(t, setup{main: always(paced), spare: always(paced)}, wantHonestCut)
		})
	}
	t.Run("stall-after-20", func(t *testing.T) {
		t.Parallel()
		const stall = "slow-tokens-10ms+stall-after-20"
		eachChain(t, setup{main: always(stall), spare: always(stall), short: true}, wantHonestCut)
	})
}

func wantNoSilentEnd(t *testing.T, b *bench) {
	a, err := b.call(t, question{model: b.primary}, true)
	switch {
	case err == nil && a.text != whole:
		t.Fatalf("a silent success with half an answer: %q", a.text)
	case err == nil:
		return
	case !strings.HasPrefix(whole, a.text):
		t.Errorf("the SDK read %q, which is no beginning of the answer", a.text)
	}
	if _, typed := b.Failure(err); !typed {
		t.Errorf("the error is not one of the SDK's own: %T: %v", err, err)
	}
	b.wantSent(t, 1)
	b.wantJSON(t)
}

// wantHonestCut also wants the content that came before the failure.
func wantHonestCut(t *testing.T, b *bench) {
	wantNoSilentEnd(t, b)
	if x := b.sent.last(t); x.status != http.StatusOK {
		t.Errorf("status %d: the first content came at once, and its stream had begun", x.status)
	}
}

// TestFailureBeforeContent: a stream that breaks before its first content is
// asked for again, and nobody notices.
func TestFailureBeforeContent(t *testing.T) {
	t.Parallel()
	for _, fault := range []string{"cut-after-0", "close-after-0", "error-after-0", "lifecycle-only", "pings-only"} {
		t.Run(fault, func(t *testing.T) {
			t.Parallel()
			eachChain(t, setup{main: always(fault), short: true}, func(t *testing.T, b *bench) {
				a, err := b.call(t, question{model: b.primary}, true)
				b.wantWhole(t, a, err)
				b.wantSent(t, 1)
			})
		})
	}
}

// TestUnfairLength: half of an announced body is no answer; but a stream is
// complete when its end marker is there, whatever the length says.
func TestUnfairLength(t *testing.T) {
	t.Parallel()
	eachChain(t, setup{main: always("wrong-length")}, func(t *testing.T, b *bench) {
		a, err := b.call(t, question{model: b.primary}, false)
		b.wantWhole(t, a, err)
		b.wantFallback(t)
		a, err = b.call(t, question{model: b.primary}, true)
		b.wantWhole(t, a, err)
	})
}

// TestPlainInsteadOfStream: a whole JSON answer to a streamed request. The SDKs
// find no event in it and report an empty success; it is no answer to what was
// asked.
func TestPlainInsteadOfStream(t *testing.T) {
	t.Parallel()
	const claude = `{"id":"m","type":"message","role":"assistant","model":"x","content":[{"type":"text","text":"hi"}],
		"stop_reason":"end_turn","usage":{"input_tokens":1,"output_tokens":1}}`
	const openai = `{"id":"c","object":"chat.completion","created":1,"model":"x","choices":[{"index":0,"finish_reason":"stop",
		"message":{"role":"assistant","content":"hi"}}],"usage":{"prompt_tokens":1,"completion_tokens":1,"total_tokens":2}}`
	script := `{"rules":[{"match":{"path":"*/messages"},"fault":{"status":200,"body":` + claude + `}},
		{"match":{"path":"*/chat/completions"},"fault":{"status":200,"body":` + openai + `}},
		{"match":{"path":"*/responses"},"fault":{"status":200,"body":` + openai + `}}]}`
	eachChain(t, setup{main: script}, func(t *testing.T, b *bench) {
		a, err := b.call(t, question{model: b.primary}, true)
		b.wantWhole(t, a, err)
	})
	eachSDK(t, viaWrap, setup{main: script}, func(t *testing.T, b *bench) {
		a, err := b.call(t, question{model: b.primary}, true)
		if err == nil && a.text == "" {
			t.Error("a silent success without an answer")
		}
		b.wantSent(t, 1)
	})
}

// TestSilentEndsAreReal: if the SDKs noticed a clean close without us,
// TestCutStream would prove nothing.
func TestSilentEndsAreReal(t *testing.T) {
	t.Parallel()
	for _, m := range makers {
		t.Run(m.name, func(t *testing.T) {
			t.Parallel()
			b := &bench{maker: m, main: newFake(t, always("close-after-20"))}
			b.connect(t, b.main.url, "sk-client", plainClient())
			a, err := b.call(t, question{model: b.primary}, true)
			if err != nil || a.text != fakellm.Text(20) {
				t.Errorf("%q, %v: this SDK notices by itself; the comment above is out of date", a.text, err)
			}
		})
	}
}
