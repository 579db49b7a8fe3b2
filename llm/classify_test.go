package llm_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"fairlead.dev/event"
	"fairlead.dev/llm"
)

var now = time.Date(2026, 11, 24, 12, 0, 0, 0, time.UTC)

// TestFaultShapes: every shape in which providers write errors.
func TestFaultShapes(t *testing.T) {
	for body, want := range map[string]llm.Fault{
		`{"type":"error","error":{"type":"a","message":"m","details":{"error_code":"c"}},"request_id":"r"}`: {Type: "a", Code: "c", Message: "m", Shape: llm.TypedShape},
		`{"type":"error","error":{"message":"m"}}`:                                                          {Message: "m", Shape: llm.ErrorShape},
		`{"error":{"message":"m","type":"a","code":"c","param":"model"}}`:                                   {Type: "a", Code: "c", Message: "m", Param: "model", Shape: llm.ErrorShape},
		`{"error":{"code":503,"message":"m","status":"UNAVAILABLE"}}`:                                       {Status: 503, Type: "UNAVAILABLE", Message: "m", Shape: llm.ErrorShape},
		`[{"error":{"code":"429","message":"m","status":"S"}}]`:                                             {Status: 429, Type: "S", Message: "m", Shape: llm.ErrorShape},
		`{"error":{"code":99,"message":"m"}}`:                                                               {Message: "m", Shape: llm.ErrorShape},
		`{"error":{"details":[{"reason":"API_KEY_INVALID"}]}}`:                                              {Code: "API_KEY_INVALID", Shape: llm.ErrorShape},
		`{"error":{"details":[{"violations":[{"quotaId":"XPerDayPerY"}]}]}}`:                                {Daily: true, Shape: llm.ErrorShape},
		`{"error":{"details":"none","message":"m"}}`:                                                        {Message: "m", Shape: llm.ErrorShape},
		`{"error":"m","error_type":"overloaded"}`:                                                           {Type: "overloaded", Message: "m", Shape: llm.FlatShape},
		`{"object":"error","message":"m","type":"T","code":400}`:                                            {Status: 400, Type: "T", Message: "m", Shape: llm.MarkedShape},
		`{"message":"m","__type":"com.amazon#ThrottlingException"}`:                                         {Type: "ThrottlingException", Message: "m", Shape: llm.FlatShape},
		`{"detail":"m"}`:               {Message: "m", Shape: llm.FlatShape},
		`{"error":{}}`:                 {},
		`{"error":null}`:               {},
		`{"id":"x"}`:                   {},
		`[]`:                           {},
		`7`:                            {},
		`"error"`:                      {},
		`<html>`:                       {},
		``:                             {},
		`{"error":{"mess`:              {},
		"{\"message\":\"a\\ud83d\"}":   {Message: "a\ufffd", Shape: llm.FlatShape},
		"{\"message\":\"a\xff\"}":      {Message: "a\ufffd", Shape: llm.FlatShape},
		" {\"message\" : \"m\"}\n":     {Message: "m", Shape: llm.FlatShape},
		`{"message":"m","code":"c"}`:   {Message: "m", Code: "c", Shape: llm.FlatShape},
		`{"code":"c","message":["m"]}`: {Code: "c"},
	} {
		f, ok := llm.ReadFault([]byte(body))
		if f != want || ok != (want.Shape != llm.NoShape) {
			t.Errorf("%s\ngot  %+v, %v\nwant %+v", body, f, ok, want)
		}
	}
}

// TestPhrases: each phrase that is read, where it is read and where not.
func TestPhrases(t *testing.T) {
	for _, row := range []struct {
		status  int
		kind    string
		message string
		want    event.Verdict
	}{
		{400, "invalid_request_error", "Your credit balance is too low to access the Anthropic API.", event.QuotaExhausted},
		{400, "invalid_request_error", "messages.0: unexpected field named \"credit balance\"", event.Invalid},
		{422, "invalid_request_error", "Your credit balance is too low", event.Invalid},
		{400, "invalid_request_error", "You have reached your specified API usage limits. You will regain access on 2026-12-01.", event.QuotaExhausted},
		{400, "invalid_request_error", "The text \"You have reached your specified API usage limits\" is odd", event.Invalid},
		{400, "invalid_request_error", "prompt is too long: 210000 tokens > 200000 maximum", event.TooLarge},
		{400, "invalid_request_error", "metadata: \"prompt is too long\" is no id", event.Invalid},
		{400, "invalid_request_error", "input length and `max_tokens` exceed context limit: 197946 + 21333 > 200000", event.TooLarge},
		{400, "BadRequestError", "This model's maximum context length is 8192 tokens. However, you requested 9000.", event.TooLarge},
		{400, "invalid_request_error", "Output blocked by content filtering policy", event.Refused},
		{429, "rate_limit_error", "... gradually to stay within the acceleration limit.", event.RampLimited},
		{429, "", "The system is currently experiencing high demand and cannot process your request.", event.Overloaded},
		{429, "tokens", "Rate limit reached for m on tokens per day (TPD): Limit 1", event.QuotaExhausted},
		{429, "requests", "Rate limit reached for m on (RPD): Limit 1", event.QuotaExhausted},
		{429, "tokens", "Rate limit reached for m on tokens per min (TPM): Limit 1", event.RateLimited},
		{500, "api_error", "Your credit balance is too low; per day; high demand", event.ServerError},
		{429, "overloaded_error", "per day", event.Overloaded},
		{200, "invalid_request_error", "prompt is too long: 2 > 1", event.TooLarge}, // inside a stream
	} {
		f := llm.Fault{Status: row.status, Type: row.kind, Message: row.message}
		if got := f.Verdict(llm.Generate); got != row.want {
			t.Errorf("%d %s: %s: %s, want %s", row.status, row.kind, row.message, got, row.want)
		}
	}
}

// TestNotFound: a model that does not exist, and a path that does not.
func TestNotFound(t *testing.T) {
	for _, row := range []struct {
		f    llm.Fault
		want [4]event.Verdict // by operation
	}{
		{llm.Fault{Status: 404}, [4]event.Verdict{event.UnknownModel, event.Invalid, event.Invalid, event.Invalid}},
		{llm.Fault{Status: 404, Type: "not_found_error", Message: "model: x"}, [4]event.Verdict{event.UnknownModel, event.UnknownModel, event.Invalid, event.Invalid}},
		{llm.Fault{Status: 404, Param: "model"}, [4]event.Verdict{event.UnknownModel, event.UnknownModel, event.Invalid, event.Invalid}},
		{llm.Fault{Status: 404, Code: "model_not_found"}, [4]event.Verdict{event.UnknownModel, event.UnknownModel, event.Invalid, event.Invalid}},
		{llm.Fault{Status: 410}, [4]event.Verdict{event.UnknownModel, event.UnknownModel, event.Invalid, event.Invalid}},
		{llm.Fault{Status: 404, Type: "FTUFormNotFilled"}, [4]event.Verdict{event.Unauthorized, event.Unauthorized, event.Unauthorized, event.Unauthorized}},
	} {
		for op, want := range row.want {
			if got := row.f.Verdict(llm.Op(op)); got != want {
				t.Errorf("%+v for %s: %s, want %s", row.f, llm.Op(op), got, want)
			}
		}
	}
}

// TestEveryStatusHasAVerdict, and none of an error is a good one.
func TestEveryStatusHasAVerdict(t *testing.T) {
	for status := range 1000 {
		out, _ := llm.Judge(llm.Generate, status, http.Header{}, nil, now)
		if out.Verdict == 0 || out.Good() || out.Status != status {
			t.Errorf("%d: %s", status, out.Verdict)
		}
		if status >= 500 && out.Verdict != event.ServerError && out.Verdict != event.Overloaded {
			t.Errorf("%d: %s", status, out.Verdict)
		}
	}
}

func TestJudgeHints(t *testing.T) {
	for name, row := range map[string]struct {
		status int
		h      http.Header
		body   string
		want   time.Duration
		v      event.Verdict
	}{
		"text":                     {429, nil, `{"error":{"message":"Please try again in 579ms.","type":"tokens"}}`, 579 * time.Millisecond, event.RateLimited},
		"text of another error":    {500, nil, `{"error":{"message":"Please try again in 579ms."}}`, 0, event.ServerError},
		"RetryInfo":                {429, nil, `{"error":{"status":"RESOURCE_EXHAUSTED","details":[{"retryDelay":"45.837906927s"}]}}`, 45837906927, event.RateLimited},
		"a day":                    {429, nil, `{"error":{"message":"on tokens per day (TPD). Please try again in 7m","code":"rate_limit_exceeded"}}`, 0, event.QuotaExhausted},
		"a day, with a header":     {429, http.Header{"Retry-After": {"7"}}, `{"error":{"message":"on tokens per day (TPD)","code":"rate_limit_exceeded"}}`, 0, event.QuotaExhausted},
		"a budget with a header":   {402, http.Header{"Retry-After": {"9"}}, `{"error":{"code":402,"message":"in-flight"}}`, 9 * time.Second, event.QuotaExhausted},
		"a budget without":         {429, http.Header{"X-Ratelimit-Remaining-Tokens": {"0"}, "X-Ratelimit-Reset-Tokens": {"9s"}}, `{"error":{"type":"insufficient_quota","message":"x"}}`, 0, event.QuotaExhausted},
		"OpenRouter's metadata":    {429, nil, `{"error":{"code":429,"message":"x","metadata":{"headers":{"X-RateLimit-Reset":"` + fmt.Sprint(now.Add(time.Minute).UnixMilli()) + `"}}}}`, time.Minute, event.RateLimited},
		"overload with a header":   {529, http.Header{"Retry-After": {"3"}}, ``, 3 * time.Second, event.Overloaded},
		"priority tokens":          {429, http.Header{"Anthropic-Priority-Input-Tokens-Remaining": {"0"}, "Anthropic-Priority-Input-Tokens-Reset": {"2026-11-24T12:00:05Z"}}, ``, 5 * time.Second, event.RateLimited},
		"usage based":              {429, http.Header{"X-Ratelimit-Remaining-Tokens_usage_based": {"0"}, "X-Ratelimit-Reset-Tokens_usage_based": {"5s"}}, ``, 5 * time.Second, event.RateLimited},
		"remaining is not a count": {429, http.Header{"X-Ratelimit-Remaining-Tokens": {"none"}, "X-Ratelimit-Reset-Tokens": {"5s"}}, ``, 0, event.RateLimited},
	} {
		out, _ := llm.Judge(llm.Generate, row.status, row.h, []byte(row.body), now)
		if out.Hint != row.want || out.Verdict != row.v {
			t.Errorf("%s: %v %s, want %v %s", name, out.Hint, out.Verdict, row.want, row.v)
		}
	}
}

func TestCleanPath(t *testing.T) {
	for path, want := range map[string]string{
		"/v1/messages": "/v1/messages", "/v1/v1/messages": "/v1/messages", "/v1/v1/v1/x": "/v1/x", "/v1/v1": "/v1/v1", "": "", "/a..b/.c": "/a..b/.c",
		"/v1/../x": "!", "/v1/./x": "!", "/v1/%2e%2E/x": "!", "/..": "!", "/v1/.%2e": "!",
	} {
		got, err := llm.CleanPath(path)
		if (err != nil) != (want == "!") || err == nil && got != want {
			t.Errorf("%s: %s, %v", path, got, err)
		}
	}
}

func TestMendAndOneLine(t *testing.T) {
	for in, want := range map[string]string{`{"a":"\ud83d"}`: "{\"a\":\"\ufffd\"}", "[\"\xff\"]": "[\"\ufffd\"]", `{"a":`: "", "": ""} {
		got, ok := llm.Mend([]byte(in))
		if string(got) != want || ok != (want != "") {
			t.Errorf("%q: %q, %v", in, got, ok)
		}
	}
	in := []byte("{\r\n \"a\":\n1}")
	if got := llm.OneLine(in); strings.ContainsAny(string(got), "\r\n") || !json.Valid(got) || len(in) != len(got) || in[1] != '\r' {
		t.Errorf("%q", got)
	}
}

// TestHolds: what counts as something.
func TestHolds(t *testing.T) {
	for raw, want := range map[string]bool{`{"a":1}`: true, `[0]`: true, `"a"`: true, `{}`: false, `[ ]`: false, `{ }`: false, `""`: false, `null`: false, `true`: false, `123`: false, ``: false} {
		if got := llm.Holds([]byte(raw)); got != want {
			t.Errorf("%s: %v", raw, got)
		}
	}
}

// TestForwardHasTheLastWord: no allow list opens what must stay closed.
func TestForwardHasTheLastWord(t *testing.T) {
	r := &llm.Request{Header: http.Header{
		"Authorization": {"x"}, "Cookie": {"x"}, "X-Forwarded-For": {"x"}, "Fairlead-Key": {"x"}, "Idempotency-Key": {"x"}, "Accept-Encoding": {"br"},
		"Connection": {"close, X-Hop"}, "X-Hop": {"x"}, "Content-Length": {"5"}, "Content-Type": {"text/x"}, "X-Good": {"a", "b"},
	}}
	dst := http.Header{}
	r.Forward(dst, []byte("x"), func(string) bool { return true })
	if len(dst) != 3 || dst.Get("Accept-Encoding") != "identity" || dst.Get("Content-Type") != "text/x" || len(dst["X-Good"]) != 2 {
		t.Errorf("%v", dst)
	}
}

// TestFitRows: the user's rows first, field by field; what is dropped in two places comes from one row.
func TestFitRows(t *testing.T) {
	own := []llm.Adapt{{Model: "b*", Window: 3, MaxOutput: 3, Drop: []string{"y"}, DropBetas: []string{"y-*"}, NoTools: true}, {Model: "*", NoImages: true, Refuse: []string{"z"}}}
	user := []llm.Adapt{{Model: "c", Window: 9}, {Model: "big", Window: 5}, {Model: "b*g", Window: 6, Drop: []string{"x"}}}
	f := llm.NewFit(&llm.Request{Body: []byte("{}")}, llm.Model{Name: "big", Hop: true, Adapt: user}, own)
	if r := f.Row; r.Window != 5 || r.MaxOutput != 3 || len(r.Drop) != 1 || r.Drop[0] != "x" || r.DropBetas != nil || !r.NoTools || !r.NoImages || r.Refuse[0] != "z" {
		t.Errorf("%+v", r)
	}
	f = llm.NewFit(&llm.Request{Body: []byte("{}")}, llm.Model{Name: "big", Adapt: user}, own)
	if f.Row.Window != 0 {
		t.Errorf("the first target is adapted to: %+v", f.Row)
	}
}

func FuzzReadFault(f *testing.F) {
	f.Add([]byte(`{"error":{"code":429,"details":[{"retryDelay":"1s","violations":[{"quotaId":"PerDay"}]}]}}`))
	f.Add([]byte(`[[{"error":"x"}]]`))
	f.Fuzz(func(t *testing.T, body []byte) {
		fault, ok := llm.ReadFault(body)
		if ok && !json.Valid(body) || ok != (fault.Shape != llm.NoShape) {
			t.Fatalf("%+v, %v", fault, ok)
		}
		if v := fault.Verdict(llm.Generate); v == 0 || v == event.OK {
			t.Fatalf("%s", v)
		}
	})
}

// FuzzFit: whatever is dropped and replaced, the body stays JSON, and what is not named stays.
func FuzzFit(f *testing.F) {
	f.Add([]byte(`{"model":"m","a":{"b":1,"c":2},"d":[1],"max_tokens":7}`), "a.b", "d")
	f.Add([]byte(`{"a":{"b":1},"model":"m"}`), "a.b", "a?b=1")
	f.Fuzz(func(t *testing.T, body []byte, one, two string) {
		r := &llm.Request{Body: body}
		if r.Envelope(func(llm.Member, []byte) error { return nil }) != nil {
			return
		}
		fit := llm.NewFit(r, llm.Model{Name: "n"}, nil)
		for _, field := range []string{one, two} {
			if field != "model" && !strings.HasPrefix(field, "model?") && !strings.HasPrefix(field, "model.") {
				fit.Drop(field)
			}
		}
		b, err := fit.Body()
		if err != nil {
			t.Fatal(err)
		}
		again := &llm.Request{Body: b.Bytes}
		if err := again.Envelope(func(llm.Member, []byte) error { return nil }); err != nil || again.Model != "n" {
			t.Fatalf("%v: %s became %s", err, body, b.Bytes)
		}
		if fit.Dropped(one) && !strings.Contains(one, ".") {
			if _, there := llm.Get(b.Bytes, one); there {
				t.Fatalf("%q is still in %s", one, b.Bytes)
			}
		}
	})
}

// A 429 is four different things; the type and the code tell which.
func ExampleFault_Verdict() {
	for _, body := range []string{
		`{"type":"error","error":{"type":"rate_limit_error","message":"..."}}`,
		`{"type":"error","error":{"type":"rate_limit_error","message":"...","details":{"error_code":"ramp_limit_exceeded"}}}`,
		`{"type":"error","error":{"type":"rate_limit_error","message":"...","details":{"error_code":"enforced_spend_limit_reached"}}}`,
		`{"type":"error","error":{"type":"overloaded_error","message":"..."}}`,
	} {
		f, _ := llm.ReadFault([]byte(body))
		f.Status = 429
		fmt.Println(f.Verdict(llm.Generate))
	}
	// Output:
	// rate_limited
	// ramp_limited
	// quota_exhausted
	// overloaded
}
