package providertest_test

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"fairlead.dev/event"
	"fairlead.dev/fakellm"
	"fairlead.dev/llm"
	"fairlead.dev/provider/anthropic"
	"fairlead.dev/provider/openai"
	"fairlead.dev/provider/providertest"
)

// asked is what a provider made of one answer of the fake.
type asked struct {
	out   llm.Outcome
	text  string
	usage event.Usage
}

// ask sends the fake a request of the provider's own making, and judges what came
// before the connection ended. pieces is how many bytes are read at once.
func ask(t *testing.T, fake http.Handler, p llm.Provider, model string, stream bool, pieces int) (a asked) {
	t.Helper()
	r, err := p.Encode(llm.Prompt{Model: model, MaxTokens: 500, Stream: stream, Messages: []llm.Message{{Role: "user", Text: "hi"}}})
	if err != nil {
		t.Fatal(err)
	}
	req := httptest.NewRequest(r.Method, r.Path, strings.NewReader(string(r.Body)))
	p.Header(req.Header, r, &llm.Body{Bytes: r.Body}, llm.Credential{Secret: "k"})
	w := httptest.NewRecorder()
	func() {
		defer func() {
			if v := recover(); v != nil && v != any(http.ErrAbortHandler) {
				panic(v)
			}
		}()
		fake.ServeHTTP(w, req)
	}()
	if !stream || w.Code != 200 {
		a.out = p.Outcome(r, w.Code, w.Header(), w.Body.Bytes(), providertest.Now)
		if resp, err := p.Decode(w.Body.Bytes()); err == nil && a.out.Verdict == event.OK {
			a.text = resp.Text
		}
		a.usage = a.out.Usage
		return a
	}
	var parts []string
	for rest := w.Body.String(); rest != ""; {
		n := min(pieces, len(rest))
		parts, rest = append(parts, rest[:n]), rest[n:]
	}
	d := p.Decoder(r, w.Code, w.Header())
	s := providertest.Read(d, parts...)
	return asked{s.Out, s.Text, d.Usage()}
}

// verdicts are what each fault of the fake is to a provider, by dialect and by
// form: streamed, plain.
var verdicts = []struct {
	fault             string
	anthropic, openai [2]event.Verdict
}{
	{"ok", both(event.OK), both(event.OK)},
	{"fail-200", both(event.ServerError), both(event.ServerError)},
	{"fail-400", both(event.Invalid), both(event.Invalid)},
	{"fail-401", both(event.Unauthorized), both(event.Unauthorized)},
	{"fail-402", both(event.QuotaExhausted), both(event.QuotaExhausted)},
	{"fail-403", both(event.Unauthorized), both(event.Unauthorized)},
	{"fail-404", both(event.UnknownModel), both(event.UnknownModel)},
	{"fail-408", both(event.ServerError), both(event.ServerError)},
	{"fail-409", both(event.ServerError), both(event.ServerError)},
	{"fail-413", both(event.TooLarge), both(event.TooLarge)},
	{"fail-422", both(event.Invalid), both(event.Invalid)},
	{"fail-429", both(event.RateLimited), both(event.RateLimited)},
	{"fail-500", both(event.ServerError), both(event.ServerError)},
	{"fail-502", both(event.ServerError), both(event.ServerError)},
	{"fail-503", both(event.Overloaded), both(event.Overloaded)},
	{"fail-504", both(event.ServerError), both(event.ServerError)},
	{"fail-529", both(event.Overloaded), both(event.Overloaded)},
	{"html-200", both(event.ServerError), both(event.ServerError)},
	{"html-403", both(event.Unauthorized), both(event.Unauthorized)},
	{"html-429", both(event.RateLimited), both(event.RateLimited)},
	{"html-502", both(event.ServerError), both(event.ServerError)},
	{"html-503", both(event.ServerError), both(event.ServerError)},
	{"retry-after-7", both(event.RateLimited), both(event.RateLimited)},
	{"spend-limit", both(event.QuotaExhausted), both(event.QuotaExhausted)},
	{"ramp-limit", both(event.RampLimited), both(event.RampLimited)},
	{"no-quota", both(event.QuotaExhausted), both(event.QuotaExhausted)},
	{"bad-key", both(event.Unauthorized), both(event.Unauthorized)},
	{"unknown-model", both(event.UnknownModel), both(event.UnknownModel)},
	{"too-long", both(event.TooLarge), both(event.TooLarge)},
	{"policy", both(event.Refused), both(event.Refused)},
	{"refuse", both(event.Refused), both(event.Refused)},
	{"empty", both(event.Empty), both(event.Empty)},
	{"bad-json", broken, broken},
	{"huge-line-9000", both(event.OK), both(event.OK)},
	{"cut-after-0", broken, broken},
	{"cut-after-40", broken, broken},
	{"cut-after-60", broken, broken},
	{"cut-after-61", both(event.OK), both(event.OK)},
	{"close-after-40", broken, broken},
	{"error-after-40", both(event.Overloaded), both(event.Overloaded)},
	{"malformed-after-40", broken, broken},
	{"no-end", [2]event.Verdict{event.OK, event.ServerError}, [2]event.Verdict{event.OK, event.ServerError}}, // the stop reason came
}

// broken is a stream without its end, or a body that is no JSON.
var broken = [2]event.Verdict{event.Truncated, event.ServerError}

func both(v event.Verdict) [2]event.Verdict { return [2]event.Verdict{v, v} }

// TestFaultsOfTheFake: the fake shares no code with the providers; what it means
// and what they understand is the same, however the bytes are split.
func TestFaultsOfTheFake(t *testing.T) {
	fake, err := fakellm.New(fakellm.Config{})
	if err != nil {
		t.Fatal(err)
	}
	for _, row := range verdicts {
		for p, wants := range map[llm.Provider][2]event.Verdict{anthropic.New(): row.anthropic, openai.New(): row.openai} {
			for i, want := range wants {
				stream := i == 0
				whole := ask(t, fake, p, row.fault, stream, 1<<20)
				name := fmt.Sprintf("%s %s, stream %v", p.Name(), row.fault, stream)
				if whole.out.Verdict != want {
					t.Errorf("%s: %s, want %s", name, whole.out.Verdict, want)
				}
				if want == event.OK && strings.TrimLeft(whole.text, " ") != fakellm.Text(60) {
					t.Errorf("%s: %q", name, whole.text)
				}
				if want == event.OK && (whole.usage.Output != 60 || whole.usage.Input < 10) && row.fault != "no-end" {
					t.Errorf("%s: usage %+v", name, whole.usage)
				}
				if bytewise := ask(t, fake, p, row.fault, stream, 1); bytewise.text != whole.text || bytewise.out.Verdict != whole.out.Verdict {
					t.Errorf("%s: byte by byte %s %q", name, bytewise.out.Verdict, bytewise.text)
				}
			}
		}
	}
}

// TestWhatTheFakeSays: type, code, hint and the provider's words arrive as sent.
func TestWhatTheFakeSays(t *testing.T) {
	fake, err := fakellm.New(fakellm.Config{})
	if err != nil {
		t.Fatal(err)
	}
	for _, row := range []struct {
		p                 llm.Provider
		fault, kind, code string
		hint              float64
		keyWide, safe     bool
	}{
		{anthropic.New(), "retry-after-7", "rate_limit_error", "", 7, false, true},
		{anthropic.New(), "retry-after-0.25", "rate_limit_error", "", 0.25, false, true},
		{anthropic.New(), "retry-after-0", "rate_limit_error", "", 0, false, true},
		{anthropic.New(), "ramp-limit", "rate_limit_error", "ramp_limit_exceeded", 1, false, true},
		{anthropic.New(), "spend-limit", "rate_limit_error", "enforced_spend_limit_reached", 0, true, true},
		{anthropic.New(), "no-quota", "invalid_request_error", "", 0, true, false},
		{anthropic.New(), "bad-key", "authentication_error", "", 0, true, true},
		{anthropic.New(), "fail-403", "permission_error", "", 0, false, true},
		{anthropic.New(), "fail-529", "overloaded_error", "", 0, false, false},
		{openai.New(), "retry-after-7", "requests", "rate_limit_exceeded", 7, false, true},
		{openai.New(), "ramp-limit", "rate_limit_error", "slow_down", 1, false, true},
		{openai.New(), "spend-limit", "insufficient_quota", "organization_spend_limit_exceeded", 0, true, true},
		{openai.New(), "bad-key", "invalid_request_error", "invalid_api_key", 0, true, true},
		{openai.New(), "fail-503", "service_unavailable_error", "server_is_overloaded", 0, false, false},
		{openai.New(), "too-long", "invalid_request_error", "context_length_exceeded", 0, false, false},
	} {
		out := ask(t, fake, row.p, row.fault, true, 1<<20).out
		name := row.p.Name() + " " + row.fault
		if out.Type != row.kind || out.Code != row.code || out.Hint.Seconds() != row.hint {
			t.Errorf("%s: type %q, code %q, hint %v", name, out.Type, out.Code, out.Hint)
		}
		if out.KeyWide != row.keyWide || out.Safe != row.safe || out.NoRetry {
			t.Errorf("%s: key wide %v, safe %v", name, out.KeyWide, out.Safe)
		}
		if len(out.Body) == 0 || !strings.Contains(string(out.Body), row.kind) {
			t.Errorf("%s: the provider's words were lost: %q", name, out.Body)
		}
	}
}

// TestLimitsOfTheFake: the waits that the fake's buckets ask for are the hints that
// providers read, from whichever place.
func TestLimitsOfTheFake(t *testing.T) {
	for name, limit := range map[string]fakellm.Limit{"requests": {RPM: 6, Burst: 1}, "output": {OTPM: 60}} {
		for _, p := range []llm.Provider{anthropic.New(), openai.New()} {
			fake, err := fakellm.New(fakellm.Config{Limits: []fakellm.Limit{limit}})
			if err != nil {
				t.Fatal(err)
			}
			if first := ask(t, fake, p, "m", true, 1<<20); first.out.Verdict != event.OK || first.out.Hint != 0 {
				t.Errorf("%s %s: the first: %+v", p.Name(), name, first.out)
			}
			out := ask(t, fake, p, "m", true, 1<<20).out
			if out.Verdict != event.RateLimited || out.Hint < 1e9 || out.Hint > 10e9 {
				t.Errorf("%s %s: %s, hint %v", p.Name(), name, out.Verdict, out.Hint)
			}
			out.Header.Del("Retry-After")
			r := &llm.Request{Op: llm.Generate}
			if again := p.Outcome(r, 429, out.Header, out.Body, providertest.Now); p.Name() == "openai" && again.Hint == 0 {
				t.Errorf("%s: without the header: %v, from %s", name, again.Hint, out.Body)
			}
		}
	}
}
