package providertest

import (
	"bytes"
	"encoding/json"
	"net/http"
	"strings"
	"testing"
	"time"

	"fairlead.dev/event"
	"fairlead.dev/llm"
)

// answers: a 200 is good only when it proves so.
func (c *suite) answers(t *testing.T) {
	r := c.encode(t, false)
	rows := map[string]event.Verdict{
		c.Whole:                         event.OK,
		c.Refused:                       event.Refused,
		c.Empty:                         event.Empty,
		c.Unfinished:                    event.Truncated,
		c.Error("overloaded_error", ""): event.Overloaded,
		"<html>502 Bad Gateway</html>":  event.ServerError,
		"":                              event.ServerError,
		c.Whole[:len(c.Whole)/2]:        event.ServerError,
		`{}`:                            event.Truncated,
	}
	for body, want := range rows {
		out := c.Outcome(r, 200, http.Header{}, []byte(body), Now)
		if out.Verdict != want || out.Status != 200 {
			t.Errorf("%s, %d, want %s: %s", out.Verdict, out.Status, want, body)
		}
		if out.Good() != (want == event.OK || want == event.Refused) {
			t.Errorf("good: %v: %s", out.Good(), body)
		}
	}
	resp, err := c.Decode([]byte(c.Whole))
	if err != nil || resp.Text != c.Text || resp.StopReason == "" || resp.Usage.Output == 0 || resp.Usage.Input == 0 || resp.Model == "" {
		t.Errorf("decoded: %+v, %v", resp, err)
	}
	if _, err := c.Decode([]byte("<html>")); err == nil {
		t.Error("HTML was decoded")
	}
	other := &llm.Request{Op: llm.Other}
	if out := c.Outcome(other, 200, nil, []byte("anything"), Now); out.Verdict != event.OK {
		t.Errorf("another path's answer: %s", out.Verdict)
	}
	if out := c.Outcome(other, 404, nil, []byte(c.Error("not_found_error", "")), Now); out.Verdict != event.Invalid {
		t.Errorf("another path's 404: %s", out.Verdict)
	}
}

// errors: rows of the verdict table that hold for every provider.
func (c *suite) errors(t *testing.T) {
	r := c.encode(t, false)
	for _, row := range []struct {
		status     int
		kind, code string
		want       event.Verdict
		keyWide    bool
		safe       bool
	}{
		{400, "invalid_request_error", "", event.Invalid, false, false},
		{401, "", "", event.Unauthorized, true, true},
		{402, "", "", event.QuotaExhausted, true, false},
		{403, "", "", event.Unauthorized, false, true},
		{404, "", "", event.UnknownModel, false, false},
		{408, "", "", event.ServerError, false, false},
		{409, "", "", event.ServerError, false, false},
		{410, "", "", event.UnknownModel, false, false},
		{413, "", "", event.TooLarge, false, false},
		{418, "", "", event.Invalid, false, false},
		{422, "", "", event.Invalid, false, false},
		{429, "", "", event.RateLimited, false, true},
		{429, "rate_limit_error", "", event.RateLimited, false, true},
		{429, "overloaded_error", "", event.Overloaded, false, true}, // the type wins over the status
		{429, "rate_limit_error", "ramp_limit_exceeded", event.RampLimited, false, true},
		{429, "rate_limit_error", "enforced_spend_limit_reached", event.QuotaExhausted, true, true},
		{429, "insufficient_quota", "", event.QuotaExhausted, true, true},
		{400, "invalid_request_error", "context_length_exceeded", event.TooLarge, false, false},
		{400, "invalid_request_error", "organization_on_hold", event.QuotaExhausted, true, false},
		{498, "", "", event.Overloaded, false, false},
		{500, "api_error", "", event.ServerError, false, false},
		{500, "overloaded_error", "", event.Overloaded, false, false},
		{502, "", "", event.ServerError, false, false},
		{503, "", "", event.Overloaded, false, false},
		{504, "", "", event.ServerError, false, false},
		{529, "", "", event.Overloaded, false, false},
		{307, "", "", event.ServerError, false, false},
	} {
		body := []byte(c.Error(row.kind, row.code))
		out := c.Outcome(r, row.status, http.Header{"X": {"y"}}, body, Now)
		if out.Verdict != row.want || out.KeyWide != row.keyWide || out.Safe != row.safe || out.Status != row.status || out.Good() {
			t.Errorf("%d %s %s: %s key wide %v safe %v, want %+v", row.status, row.kind, row.code, out.Verdict, out.KeyWide, out.Safe, row)
		}
		if row.kind != "" && !bytes.Equal(out.Body, body) {
			t.Errorf("%d %s: the provider's words were not kept: %s", row.status, row.kind, out.Body)
		}
		if out.Code != row.code || out.Type != row.kind || out.Header.Get("X") != "y" {
			t.Errorf("%d: type %q, code %q, header %v", row.status, out.Type, out.Code, out.Header)
		}
	}
	for _, page := range []string{"<html>no</html>", "", `{"error":`, "upstream connect error", `[`} {
		for status, want := range map[int]event.Verdict{500: event.ServerError, 502: event.ServerError, 413: event.TooLarge, 429: event.RateLimited} {
			if out := c.Outcome(r, status, nil, []byte(page), Now); out.Verdict != want || out.Body != nil {
				t.Errorf("%d with %q: %s, body %q", status, page, out.Verdict, out.Body)
			}
		}
	}
	if out := c.Outcome(r, 503, nil, []byte("<html>maintenance</html>"), Now); out.Verdict != event.ServerError {
		t.Errorf("a page of something in between: %s", out.Verdict)
	}
}

// hints: when to come back, and whether at all.
func (c *suite) hints(t *testing.T) {
	r := c.encode(t, false)
	limited := []byte(c.Error("rate_limit_error", ""))
	for _, row := range []struct {
		h    http.Header
		want time.Duration
	}{
		{http.Header{}, 0},
		{http.Header{"Retry-After": {"7"}}, 7 * time.Second},
		{http.Header{"Retry-After": {"7"}, "Retry-After-Ms": {"250"}}, 250 * time.Millisecond},
		{http.Header{"Retry-After": {"1e300"}}, 0},
		{http.Header{"Retry-After": {"-5"}}, 0},
		{http.Header{"X-Ratelimit-Remaining-Tokens": {"0"}, "X-Ratelimit-Reset-Tokens": {"1m9.696s"}}, 69696 * time.Millisecond},
		{http.Header{"X-Ratelimit-Remaining-Tokens": {"5"}, "X-Ratelimit-Reset-Tokens": {"1m9.696s"}}, 0},
		{http.Header{"X-Ratelimit-Remaining-Tokens": {"-1"}, "X-Ratelimit-Reset-Tokens": {"9s"}}, 0},
		{http.Header{"Anthropic-Ratelimit-Input-Tokens-Remaining": {"0"}, "Anthropic-Ratelimit-Input-Tokens-Reset": {"2026-11-24T12:00:30Z"},
			"Anthropic-Ratelimit-Requests-Remaining": {"0"}, "Anthropic-Ratelimit-Requests-Reset": {"2026-11-24T12:00:10Z"},
			"Anthropic-Ratelimit-Output-Tokens-Remaining": {"9"}, "Anthropic-Ratelimit-Output-Tokens-Reset": {"2026-11-24T12:05:00Z"}}, 30 * time.Second},
		{http.Header{"Anthropic-Ratelimit-Tokens-Remaining": {"0"}, "Anthropic-Ratelimit-Tokens-Reset": {"2026-11-24T11:59:00Z"}}, 0},
	} {
		if out := c.Outcome(r, 429, row.h, limited, Now); out.Hint != row.want {
			t.Errorf("%v: %v, want %v", row.h, out.Hint, row.want)
		}
	}
	for value, want := range map[string]bool{"false": true, "true": false, "": false, "maybe": false} {
		out := c.Outcome(r, 500, http.Header{"X-Should-Retry": {value}}, nil, Now)
		if out.NoRetry != want || out.Verdict != event.ServerError {
			t.Errorf("x-should-retry: %s: %v, %s", value, out.NoRetry, out.Verdict)
		}
	}
	if out := c.Outcome(r, 400, http.Header{"X-Should-Retry": {"true"}}, []byte(c.Error("invalid_request_error", "")), Now); out.Verdict != event.Invalid {
		t.Errorf("x-should-retry: true made a mistake into %s", out.Verdict)
	}
}

// failures: errors of ours are read by our own client as the errors that they are.
func (c *suite) failures(t *testing.T) {
	r := c.encode(t, true)
	for status, want := range map[int]event.Verdict{
		400: event.Invalid, 401: event.Unauthorized, 403: event.Unauthorized, 413: event.TooLarge, 429: event.RateLimited,
		500: event.ServerError, 502: event.ServerError, 503: event.Overloaded, 504: event.ServerError,
	} {
		f := llm.Failure{Status: status, Verdict: want, Message: "ours \"quoted\"\n<b>", Call: "call-1"}
		body := c.Failure(f)
		out := c.Outcome(r, status, nil, body, Now)
		if out.Verdict != want || !bytes.Equal(out.Body, body) || !json.Valid(body) || !strings.Contains(string(body), "ours") {
			t.Errorf("%d: %s, %s", status, out.Verdict, body)
		}
		d := c.Decoder(r, 200, nil)
		wire := c.FailureEvent(f)
		if n, k, _ := d.Next(wire); n != len(wire) || k != llm.Fail || d.Outcome().Verdict == event.OK {
			t.Errorf("%d: event is %v, %d of %d bytes: %s", status, k, n, len(wire), wire)
		}
	}
	theirs := strings.Replace(c.Error("overloaded_error", ""), ",", ",\n  ", 1)
	wire := c.FailureEvent(llm.Failure{Status: 502, Verdict: event.Overloaded, Message: "ours", Body: []byte(theirs)})
	d := c.Decoder(r, 200, nil)
	if _, k, _ := d.Next(wire); k != llm.Fail || d.Outcome().Verdict != event.Overloaded || bytes.Contains(wire, []byte("ours")) {
		t.Errorf("the provider's own error: %s", wire)
	}
	if wire = c.FailureEvent(llm.Failure{Status: 502, Message: "ours", Body: []byte("<html>")}); !bytes.Contains(wire, []byte("ours")) {
		t.Errorf("HTML in an event: %s", wire)
	}
	for v := range event.Canceled + 1 {
		for _, status := range []int{0, 200, 400, 404, 418, 429, 500, 503, 599} {
			if b := c.Failure(llm.Failure{Status: status, Verdict: v}); !json.Valid(b) {
				t.Errorf("%d %s: %s", status, v, b)
			}
		}
	}
}

// models: lists that are JSON and name what they list.
func (c *suite) models(t *testing.T) {
	for _, ids := range [][]string{nil, {"a"}, {"a", "b\"c"}} {
		var list struct{ Data []struct{ ID string } }
		if err := json.Unmarshal(c.ModelList(ids), &list); err != nil || len(list.Data) != len(ids) {
			t.Fatalf("%q: %v in %s", ids, err, c.ModelList(ids))
		}
		for i, id := range ids {
			var one struct{ ID string }
			if err := json.Unmarshal(c.ModelInfo(id), &one); err != nil || one.ID != id || list.Data[i].ID != id {
				t.Errorf("%q: %v, %+v", id, err, one)
			}
		}
		out := c.Outcome(&llm.Request{Op: llm.Models}, 200, nil, c.ModelList(ids), Now)
		if out.Verdict != event.OK {
			t.Errorf("a list of models: %s", out.Verdict)
		}
	}
	if c.Family("") != "" || c.Family("unheard-of") != "unheard-of" {
		t.Error("an unknown model is a family of its own")
	}
}
