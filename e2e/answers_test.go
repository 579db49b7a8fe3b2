package e2e

import (
	"encoding/json"
	"errors"
	"slices"
	"testing"

	"fairlead.dev/fakellm"
)

// whole is what every healthy model of the fakes answers.
var whole = fakellm.Text(60)

// wantWhole fails the test unless the call was answered completely.
func (b *bench) wantWhole(t *testing.T, a answer, err error) {
	t.Helper()
	switch {
	case err != nil:
		t.Fatalf("the SDK got an error: %v", err)
	case a.text != whole:
		t.Errorf("the SDK read %q, not the whole answer", a.text)
	case a.stop != b.stops:
		t.Errorf("the answer stops with %q, want %q", a.stop, b.stops)
	}
}

// wantSent fails the test unless the SDK sent n HTTP requests.
func (b *bench) wantSent(t *testing.T, n int) {
	t.Helper()
	if got := len(b.sent.all()); got != n {
		t.Errorf("the SDK sent %d HTTP requests, want %d", got, n)
	}
}

// wantAsked fails the test unless the two providers were asked so often.
func (b *bench) wantAsked(t *testing.T, main, spare int) {
	t.Helper()
	m, s := b.main.asked(), b.spare.asked()
	if len(m) != main || len(s) != spare {
		t.Errorf("main was asked %d times and spare %d times, want %d and %d\nmain: %v\nspare: %v",
			len(m), len(s), main, spare, faults(m), faults(s))
	}
}

// faults lists what the provider did to each attempt.
func faults(attempts []fakellm.Attempt) (list []string) {
	for _, a := range attempts {
		list = append(list, a.Fault)
	}
	return list
}

func TestAnswers(t *testing.T) {
	t.Parallel()
	eachWay(t, setup{}, func(t *testing.T, b *bench) {
		forms(t, func(t *testing.T, streamed bool) {
			a, err := b.call(t, question{model: b.primary}, streamed)
			b.wantWhole(t, a, err)
			if a.model != b.primary || a.output != 60 {
				t.Errorf("model %q with %d tokens, want %q with 60", a.model, a.output, b.primary)
			}
		})
		b.wantSent(t, 2)
		b.wantAsked(t, 2, 0)
	})
}

func TestTools(t *testing.T) {
	t.Parallel()
	eachWay(t, setup{}, func(t *testing.T, b *bench) {
		forms(t, func(t *testing.T, streamed bool) {
			a, err := b.call(t, question{model: b.primary, tool: true}, streamed)
			if err != nil {
				t.Fatal(err)
			}
			var input map[string]string
			if err := json.Unmarshal([]byte(a.tool), &input); err != nil || input["rope"] != fakellm.Text(3) {
				t.Errorf("the tool's input is %q (%v)", a.tool, err)
			}
		})
		b.wantSent(t, 2)
	})
}

func TestThinking(t *testing.T) {
	t.Parallel()
	eachWay(t, setup{}, func(t *testing.T, b *bench) {
		if !b.claude {
			t.Skip("chat completions show no thinking")
		}
		forms(t, func(t *testing.T, streamed bool) {
			a, err := b.call(t, question{model: b.primary, think: true}, streamed)
			b.wantWhole(t, a, err)
			if a.thinking != fakellm.Thinking() {
				t.Errorf("thinking is %q, want %q", a.thinking, fakellm.Thinking())
			}
		})
	})
}

func TestCountTokens(t *testing.T) {
	t.Parallel()
	eachWay(t, setup{}, func(t *testing.T, b *bench) {
		n, err := b.CountTokens(t.Context(), b.primary)
		if errors.Is(err, errUnsupported) {
			t.Skip(err)
		}
		if err != nil || n < 1 {
			t.Errorf("%d tokens, %v", n, err)
		}
		b.wantAsked(t, 0, 0) // counting is free; an answer is not
	})
}

func TestModels(t *testing.T) {
	t.Parallel()
	eachWay(t, setup{}, func(t *testing.T, b *bench) {
		names, err := b.Models(t.Context())
		if err != nil || !slices.Contains(names, b.primary) {
			t.Errorf("the models are %q (%v), %s is missing", names, err, b.primary)
		}
		b.wantSent(t, 1)
	})
}
