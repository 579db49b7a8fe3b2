package e2e

import (
	"net/http"
	"testing"
)

// TestRefusal: a refusal is an answer. Nobody else is asked to say what the
// primary would not.
func TestRefusal(t *testing.T) {
	t.Parallel()
	eachWay(t, setup{main: always("refuse")}, func(t *testing.T, b *bench) {
		want := "content_filter"
		if b.claude {
			want = "refusal"
		}
		forms(t, func(t *testing.T, streamed bool) {
			a, err := b.call(t, question{model: b.primary}, streamed)
			if err != nil || a.stop != want {
				t.Errorf("stop %q, %v; want %q", a.stop, err, want)
			}
		})
		b.wantSent(t, 2)
		b.wantAsked(t, 2, 0)
	})
}

// TestTooLong: a prompt that is too long for the primary is too long for a
// spare that is known to have no larger window, and may fit one that is not.
func TestTooLong(t *testing.T) {
	t.Parallel()
	eachChain(t, setup{main: always("too-long")}, func(t *testing.T, b *bench) {
		a, err := b.call(t, question{model: b.primary}, false)
		if b.claude { // both windows are known, and equal
			b.wantFailure(t, err, http.StatusBadRequest, "invalid_request_error")
			b.wantAsked(t, 1, 0)
		} else {
			b.wantWhole(t, a, err)
			b.wantAsked(t, 1, 1)
		}
		b.wantSent(t, 1)
	})
}

// TestHopeless: what waiting cannot help is one attempt and one HTTP request,
// where an SDK alone would send three.
func TestHopeless(t *testing.T) {
	t.Parallel()
	for fault, status := range map[string]int{"spend-limit": 429, "unknown-model": 404, "bad-key": 401, "too-long": 400} {
		t.Run(fault, func(t *testing.T) {
			t.Parallel()
			eachSDK(t, viaWrap, setup{main: always(fault)}, func(t *testing.T, b *bench) {
				_, err := b.call(t, question{model: b.primary}, true)
				b.wantFailure(t, err, status, "")
				b.wantSent(t, 1)
				b.wantAsked(t, 1, 0)
			})
		})
	}
}

// TestCompressedAnswer: a provider that compresses without being asked is
// understood, streamed or not.
func TestCompressedAnswer(t *testing.T) {
	t.Parallel()
	eachWay(t, setup{main: always("gzip")}, func(t *testing.T, b *bench) {
		forms(t, func(t *testing.T, streamed bool) {
			a, err := b.call(t, question{model: b.primary}, streamed)
			b.wantWhole(t, a, err)
		})
		b.wantAsked(t, 2, 0)
	})
}

// TestTwiceV1: a base URL with the /v1 that the SDK adds by itself.
func TestTwiceV1(t *testing.T) {
	t.Parallel()
	for _, m := range makers {
		t.Run(m.name, func(t *testing.T) {
			t.Parallel()
			b := &bench{maker: m, main: newFake(t, ""), spare: newFake(t, "")}
			b.connect(t, serve(t, chains(b.main, b.spare, false)).url+"/v1", "sk-client", plainClient())
			forms(t, func(t *testing.T, streamed bool) {
				a, err := b.call(t, question{model: b.primary}, streamed)
				b.wantWhole(t, a, err)
			})
			if names, err := b.Models(t.Context()); err != nil || len(names) == 0 {
				t.Errorf("models: %q, %v", names, err)
			}
		})
	}
}
