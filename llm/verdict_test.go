package llm_test

import (
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"fairlead.dev/event"
	"fairlead.dev/llm"
)

// deciding are the words of providers that decide whatever the status says, by
// the verdict that DESIGN 3.1 gives them.
var deciding = map[event.Verdict]string{
	event.Overloaded:  "overloaded_error server_is_overloaded service_unavailable_error compaction_unavailable capacity_exceeded UNAVAILABLE ModelNotReadyException",
	event.RateLimited: "rate_limit_error rate_limit_exceeded RESOURCE_EXHAUSTED ThrottlingException",
	event.RampLimited: "ramp_limit_exceeded slow_down",
	event.QuotaExhausted: "enforced_spend_limit_reached contract_spend_limit_reached organization_on_hold billing_error insufficient_quota " +
		"credit_balance_exhausted organization_spend_limit_exceeded project_spend_limit_exceeded organization_usage_limit_exceeded FAILED_PRECONDITION",
	event.Unauthorized: "authentication_error permission_error invalid_api_key API_KEY_INVALID UNAUTHENTICATED PERMISSION_DENIED FTUFormNotFilled blocked_api_access organization_restricted",
	event.TooLarge:     "request_too_large context_length_exceeded exceed_context_size_error",
	event.UnknownModel: "model_not_found DeploymentNotFound unknown_model",
	event.Refused:      "content_filter content_policy_violation",
	event.ServerError:  "conflict_error timeout_error cmek_key_unreachable DEADLINE_EXCEEDED ModelTimeoutException ModelStreamErrorException InternalServerException",
}

// TestWordsDecide: as a type or as a code, with any status, in any shape.
func TestWordsDecide(t *testing.T) {
	shapes := map[string]string{
		"type":  `{"type":"error","error":{"type":"WORD","message":"m"}}`,
		"code":  `{"error":{"type":"invalid_request_error","code":"WORD","message":"m"}}`,
		"inner": `{"type":"error","error":{"type":"invalid_request_error","message":"m","details":{"error_code":"WORD"}}}`,
		"array": `[{"error":{"status":"WORD","message":"m"}}]`,
		"flat":  `{"message":"m","__type":"com.amazonaws#WORD"}`,
	}
	for want, words := range deciding {
		for word := range strings.FieldsSeq(words) {
			for _, status := range []int{200, 400, 403, 404, 429, 500, 503, 529} {
				for shape, form := range shapes {
					body := strings.ReplaceAll(form, "WORD", word)
					out, _ := llm.Judge(llm.Generate, status, http.Header{}, []byte(body), now)
					if out.Verdict != want {
						t.Errorf("%s as %s with %d: %s, want %s: %s", word, shape, status, out.Verdict, want, body)
					}
				}
			}
		}
	}
}

// TestTheCodeWinsOverTheType, and the type over the status.
func TestTheCodeWinsOverTheType(t *testing.T) {
	for _, row := range []struct {
		status     int
		kind, code string
		want       event.Verdict
	}{
		{429, "rate_limit_error", "enforced_spend_limit_reached", event.QuotaExhausted},
		{429, "rate_limit_error", "ramp_limit_exceeded", event.RampLimited},
		{429, "overloaded_error", "unheard_of", event.Overloaded},
		{500, "unheard_of", "rate_limit_exceeded", event.RateLimited},
		{429, "unheard_of", "unheard_of", event.RateLimited},
		{429, "invalid_request_error", "", event.RateLimited}, // says nothing beyond the status
		{400, "server_error", "", event.Invalid},
		{503, "api_error", "", event.Overloaded},
		{404, "invalid_request_error", "", event.UnknownModel},
	} {
		f := llm.Fault{Status: row.status, Type: row.kind, Code: row.code}
		if got := f.Verdict(llm.Generate); got != row.want {
			t.Errorf("%+v: %s", row, got)
		}
	}
}

// TestVagueWordsDecideInsideAnAnswer: after a 200 there is no status to leave the
// decision to.
func TestVagueWordsDecideInsideAnAnswer(t *testing.T) {
	for word, want := range map[string]event.Verdict{
		"invalid_request_error": event.Invalid, "INVALID_ARGUMENT": event.Invalid, "BadRequestError": event.Invalid, "not_found_error": event.UnknownModel,
		"api_error": event.ServerError, "server_error": event.ServerError, "tokens": event.RateLimited, "requests": event.RateLimited, "": event.ServerError, "new_error": event.ServerError,
	} {
		f := llm.Fault{Status: 200, Type: word}
		if got := f.Verdict(llm.Generate); got != want {
			t.Errorf("%q: %s, want %s", word, got, want)
		}
		if f.Status = 429; f.Verdict(llm.Generate) != event.RateLimited {
			t.Errorf("%q with a status: %s", word, f.Verdict(llm.Generate))
		}
	}
	for code, want := range map[string]event.Verdict{"400": event.Invalid, "401": event.Unauthorized, "402": event.QuotaExhausted, "404": event.UnknownModel, "429": event.RateLimited, "503": event.Overloaded, "200": event.ServerError, "7": event.ServerError} {
		out, _ := llm.Judge(llm.Generate, 200, nil, []byte(`{"error":{"message":"m","code":`+code+`}}`), now)
		if out.Verdict != want || out.Status != 200 {
			t.Errorf("code %s inside a 200: %s with %d", code, out.Verdict, out.Status)
		}
	}
}

// TestStatusesDecide where nothing is said.
func TestStatusesDecide(t *testing.T) {
	for status, want := range map[int]event.Verdict{
		301: event.ServerError, 307: event.ServerError, 400: event.Invalid, 401: event.Unauthorized, 402: event.QuotaExhausted, 403: event.Unauthorized, 404: event.UnknownModel,
		405: event.Invalid, 408: event.ServerError, 409: event.ServerError, 410: event.UnknownModel, 413: event.TooLarge, 415: event.Invalid, 422: event.Invalid, 424: event.ServerError,
		429: event.RateLimited, 451: event.Invalid, 498: event.Overloaded, 499: event.Invalid, 500: event.ServerError, 501: event.ServerError, 502: event.ServerError, 503: event.Overloaded,
		504: event.ServerError, 520: event.ServerError, 524: event.ServerError, 529: event.Overloaded, 599: event.ServerError,
	} {
		out, _ := llm.Judge(llm.Generate, status, http.Header{}, nil, now)
		if out.Verdict != want {
			t.Errorf("%d: %s, want %s", status, out.Verdict, want)
		}
		if safe := slices.Contains([]int{401, 403, 429}, status); out.Safe != safe {
			t.Errorf("%d: certainly not processed: %v, want %v", status, out.Safe, safe)
		}
		page, _ := llm.Judge(llm.Generate, status, http.Header{}, []byte("<html>cloudflare</html>"), now)
		if wantPage := map[bool]event.Verdict{true: event.ServerError, false: want}[status >= 500]; page.Verdict != wantPage {
			t.Errorf("%d with a page: %s, want %s", status, page.Verdict, wantPage)
		}
	}
}

// TestKeyWide: which rejections close a key for every model, and which only tell
// of one.
func TestKeyWide(t *testing.T) {
	for body, want := range map[string]map[int]bool{
		``: {401: true, 403: false, 402: true, 429: false, 500: false},
		`{"error":{"type":"authentication_error"}}`:                                {401: true, 403: true, 400: true},
		`{"error":{"code":"invalid_api_key"}}`:                                     {401: true, 403: true, 400: true},
		`{"error":{"type":"permission_error"}}`:                                    {401: true, 403: false},
		`{"error":{"type":"insufficient_quota"}}`:                                  {429: true, 400: true},
		`{"error":{"type":"rate_limit_error"}}`:                                    {429: false},
		`{"error":{"type":"tokens","message":"on tokens per day (TPD): Limit 5"}}`: {429: false},
		`{"error":{"status":"RESOURCE_EXHAUSTED","details":[{"violations":[{"quotaId":"GenerateRequestsPerDayPerProject"}]}]}}`: {429: false},
	} {
		for status, wide := range want {
			if out, _ := llm.Judge(llm.Generate, status, nil, []byte(body), now); out.KeyWide != wide {
				t.Errorf("%d %s: key wide %v", status, body, out.KeyWide)
			}
		}
	}
}

// TestBedrockNamesItsErrorsInAHeader, with a namespace or a URL around it.
func TestBedrockNamesItsErrorsInAHeader(t *testing.T) {
	for value, want := range map[string]event.Verdict{
		"ThrottlingException":                  event.RateLimited,
		"ThrottlingException:http://internal/": event.RateLimited,
		"ModelTimeoutException:":               event.ServerError,
		"ValidationException":                  event.Invalid,
		"":                                     event.Invalid,
	} {
		h := http.Header{"X-Amzn-Errortype": {value}}
		if out, _ := llm.Judge(llm.Generate, 400, h, []byte(`{"message":"m"}`), now); out.Verdict != want {
			t.Errorf("%q: %s, want %s", value, out.Verdict, want)
		}
		out, _ := llm.Judge(llm.Generate, 429, h, []byte(`{"error":{"type":"overloaded_error"}}`), now)
		if out.Verdict != event.Overloaded || out.Type != "overloaded_error" {
			t.Errorf("%q: the body says more: %s", value, out.Verdict)
		}
	}
}

// TestHintPlaces: the header made for it, then empty buckets, then the body, then
// the message; what is absurd counts as absent.
func TestHintPlaces(t *testing.T) {
	places := []struct {
		name  string
		set   func(h http.Header, body map[string]string)
		value time.Duration
	}{
		{"message", func(_ http.Header, b map[string]string) { b["message"] = "Please try again in 41.7s." }, 41700 * time.Millisecond},
		{"RetryInfo", func(_ http.Header, b map[string]string) { b["details"] = `[{"retryDelay":"3.5s"}]` }, 3500 * time.Millisecond},
		{"bucket", func(h http.Header, _ map[string]string) {
			h["X-Ratelimit-Remaining-Requests"], h["X-Ratelimit-Reset-Requests"] = []string{"0"}, []string{"6m0s"}
		}, 6 * time.Minute},
		{"Retry-After", func(h http.Header, _ map[string]string) {
			h.Set("Retry-After", now.Add(90*time.Second).Format(http.TimeFormat))
		}, 90 * time.Second},
		{"retry-after-ms", func(h http.Header, _ map[string]string) { h.Set("Retry-After-Ms", "250.5") }, 250500 * time.Microsecond},
	}
	h, fields := http.Header{}, map[string]string{"message": "no", "details": "[]"}
	for _, p := range places { // each later one wins over all before it
		p.set(h, fields)
		body := fmt.Sprintf(`{"error":{"type":"rate_limit_error","message":%q,"details":%s}}`, fields["message"], fields["details"])
		if out, _ := llm.Judge(llm.Generate, 429, h, []byte(body), now); out.Hint != p.value {
			t.Errorf("%s: %v, want %v", p.name, out.Hint, p.value)
		}
	}
	for name := range maps.Clone(h) {
		h.Set(name, "absurd")
	}
	out, _ := llm.Judge(llm.Generate, 429, h, []byte(`{"error":{"type":"rate_limit_error","message":"Please try again in 1m9.696s"}}`), now)
	if out.Hint != 69696*time.Millisecond {
		t.Errorf("behind absurd headers: %v", out.Hint)
	}
}
