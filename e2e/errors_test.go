package e2e

import (
	"bytes"
	"net/http"
	"strings"
	"testing"
)

// TestTypedErrors: a call that nobody answered is one HTTP request of the SDK,
// however often the providers were asked, and the SDK's own typed error with
// the status and the words of the primary.
func TestTypedErrors(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		fault          string
		status         int
		claude, openai string // the type that the SDK reads
	}{
		{"fail-529", 529, "overloaded_error", "service_unavailable_error"},
		{"fail-500", 500, "api_error", "server_error"},
		{"fail-400", 400, "invalid_request_error", "invalid_request_error"},
		{"policy", 400, "invalid_request_error", "invalid_request_error"},
		{"html-502", 502, "api_error", "server_error"},
		{"reset", 503, "", ""},
	} {
		t.Run(c.fault, func(t *testing.T) {
			t.Parallel()
			eachWay(t, setup{main: always(c.fault), spare: always("fail-504")}, func(t *testing.T, b *bench) {
				want := c.claude
				if !b.claude {
					want = c.openai
				}
				forms(t, func(t *testing.T, streamed bool) {
					_, err := b.call(t, question{model: b.primary}, streamed)
					b.wantFailure(t, err, c.status, want)
				})
				b.wantSent(t, 2)
			})
		})
	}
}

// wantFailure fails the test unless err is the SDK's own type with this status,
// and with this error type unless that is "".
func (b *bench) wantFailure(t *testing.T, err error, status int, kind string) {
	t.Helper()
	if err == nil {
		t.Fatal("the SDK got no error")
	}
	f, typed := b.Failure(err)
	switch {
	case !typed:
		t.Fatalf("the error is not one of the SDK's own: %T: %v", err, err)
	case f.status != status || kind != "" && f.kind != kind:
		t.Errorf("the SDK got status %d and type %q, want %d and %q\n%s", f.status, f.kind, status, kind, f.body)
	}
	if retry := b.sent.last(t).header.Get("x-should-retry"); retry != "false" {
		t.Errorf("x-should-retry is %q, want false: we have tried enough", retry)
	}
	b.wantJSON(t)
}

// wantJSON fails the test unless an error answer says that it is JSON, as its
// body is.
func (b *bench) wantJSON(t *testing.T) {
	t.Helper()
	x := b.sent.last(t)
	if kind := x.header.Get("content-type"); x.status >= 400 && !strings.HasPrefix(kind, "application/json") {
		t.Errorf("the error body of status %d is called %q", x.status, kind)
	}
}

// TestCallerMistake: a 400 ends the call at once; nobody else is asked, and the
// provider sees the client's own bytes.
func TestCallerMistake(t *testing.T) {
	t.Parallel()
	eachWay(t, setup{main: always("fail-400")}, func(t *testing.T, b *bench) {
		_, err := b.Ask(t.Context(), question{model: b.primary})
		b.wantFailure(t, err, http.StatusBadRequest, "invalid_request_error")
		b.wantSent(t, 1)
		b.wantAsked(t, 1, 0)
		if got, want := b.main.asked()[0].Body, b.sent.last(t).body; !bytes.Equal(got, want) {
			t.Errorf("the provider saw %s, the SDK had sent %s", got, want)
		}
	})
}

// TestOnlyTheModelChanges: a body goes upstream byte for byte but for the name
// of the model, to the spare as well.
func TestOnlyTheModelChanges(t *testing.T) {
	t.Parallel()
	eachChain(t, setup{main: always("fail-500")}, func(t *testing.T, b *bench) {
		forms(t, func(t *testing.T, streamed bool) {
			a, err := b.call(t, question{model: b.primary, tool: true}, streamed)
			if err != nil || a.tool == "" {
				t.Fatalf("%+v, %v", a, err)
			}
			sent := b.sent.last(t).body
			main, spare := b.main.asked(), b.spare.asked()
			if got := main[len(main)-1].Body; !bytes.Equal(got, sent) {
				t.Errorf("main saw %s, the SDK had sent %s", got, sent)
			}
			renamed := bytes.Replace(sent, []byte(`"`+b.primary+`"`), []byte(`"`+b.maker.spare+`"`), 1)
			if got := spare[len(spare)-1].Body; !bytes.Equal(got, renamed) {
				t.Errorf("spare saw %s, want %s", got, renamed)
			}
		})
	})
}

// TestOurKeyRejected: a client must not doubt its key because ours is wrong.
func TestOurKeyRejected(t *testing.T) {
	t.Parallel()
	const other = `{"keys":{"good":"sk-good"}}`
	t.Run("everywhere", func(t *testing.T) {
		t.Parallel()
		eachChain(t, setup{main: other, spare: other}, func(t *testing.T, b *bench) {
			_, err := b.Ask(t.Context(), question{model: b.primary})
			b.wantFailure(t, err, http.StatusServiceUnavailable, "")
			b.wantSent(t, 1)
			b.wantAsked(t, 1, 1)
		})
	})
	t.Run("at main", func(t *testing.T) {
		t.Parallel()
		eachChain(t, setup{main: other}, func(t *testing.T, b *bench) {
			a, err := b.Ask(t.Context(), question{model: b.primary})
			b.wantWhole(t, a, err)
			b.wantAsked(t, 1, 1)
		})
	})
}

// TestClientKeyRejected: a rejected key of the client's own is its 401 in the
// provider's bytes, and closes nothing for others.
func TestClientKeyRejected(t *testing.T) {
	t.Parallel()
	for _, m := range makers {
		t.Run(m.name, func(t *testing.T) {
			t.Parallel()
			main := newFake(t, `{"keys":{"good":"sk-good"}}`)
			g := serve(t, passthrough(main))
			bad, good := &bench{maker: m, main: main}, &bench{maker: m, main: main}
			bad.connect(t, g.url, "sk-bad", plainClient())
			good.connect(t, g.url, "sk-good", plainClient())
			for range 12 { // more than any breaker's minimum
				_, err := bad.Ask(t.Context(), question{model: m.primary})
				bad.wantFailure(t, err, http.StatusUnauthorized, "")
				f, _ := bad.Failure(err)
				said := main.said()
				if words := said[len(said)-1].body; !bytes.Contains(words, []byte(f.body)) {
					t.Fatalf("the SDK read %s, the provider had said %s", f.body, words)
				}
				a, err := good.Ask(t.Context(), question{model: m.primary})
				good.wantWhole(t, a, err)
			}
			bad.wantSent(t, 12)
			if n := len(main.asked()); n != 24 {
				t.Errorf("the provider was asked %d times, want 24", n)
			}
		})
	}
}

// TestWrapKeepsTheKey: under Wrap the SDK's own key is the only one there is.
func TestWrapKeepsTheKey(t *testing.T) {
	t.Parallel()
	eachSDK(t, viaWrap, setup{main: `{"keys":{"good":"sk-good"}}`}, func(t *testing.T, b *bench) {
		_, err := b.Ask(t.Context(), question{model: b.primary})
		b.wantFailure(t, err, http.StatusUnauthorized, "")
		b.wantSent(t, 1)
		b.wantAsked(t, 1, 0)
	})
}
