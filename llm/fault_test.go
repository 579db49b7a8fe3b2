package llm_test

import (
	"fmt"
	"net/http"
	"strings"
	"testing"

	"fairlead.dev/event"
	"fairlead.dev/llm"
)

// permutations calls f with every order of list.
func permutations(list []string, f func([]string)) {
	if len(list) < 2 {
		f(list)
		return
	}
	for i := range list {
		rest := append(append([]string(nil), list[:i]...), list[i+1:]...)
		permutations(rest, func(tail []string) { f(append([]string{list[i]}, tail...)) })
	}
}

// TestFaultsDoNotDependOnOrder: JSON objects have none, and libraries write their
// members as they like.
func TestFaultsDoNotDependOnOrder(t *testing.T) {
	for name, members := range map[string][]string{
		"Anthropic":            {`"type":"error"`, `"error":{"type":"overloaded_error","message":"m"}`, `"request_id":"r"`},
		"flat beside an error": {`"message":"outer"`, `"error":{"type":"t","message":"inner","code":"c"}`},
		"codes inside and out": {`"code":"outer"`, `"error":{"type":"t","message":"inner","code":"inner"}`, `"type":"error"`},
		"a code outside only":  {`"code":"slow_down"`, `"error":{"type":"t","message":"inner"}`},
		"an error of words":    {`"error":"m"`, `"code":"c"`, `"error_type":"t"`},
		"vLLM":                 {`"object":"error"`, `"message":"m"`, `"type":"BadRequestError"`, `"code":400`},
		"Responses":            {`"type":"error"`, `"code":"server_is_overloaded"`, `"message":"m"`},
		"AWS":                  {`"__type":"x#ThrottlingException"`, `"message":"m"`},
		"detail and message":   {`"detail":"d"`, `"message":"m"`, `"code":"c"`},
		"statuses in and out":  {`"code":429`, `"error":{"code":503,"message":"m"}`},
	} {
		first, seen := "", ""
		permutations(members, func(order []string) {
			body := "{" + strings.Join(order, ",") + "}"
			f, ok := llm.ReadFault([]byte(body))
			if got := fmt.Sprintf("%+v %v", f, ok); seen == "" {
				first, seen = body, got
			} else if got != seen {
				t.Errorf("%s: %s is %s, but %s is %s", name, body, got, first, seen)
			}
		})
	}
	inner := []string{`"type":"RESOURCE"`, `"status":"RESOURCE_EXHAUSTED"`, `"code":429`, `"message":"m"`, `"details":[{"reason":"RATE_LIMIT_EXCEEDED"},{"retryDelay":"5s"}]`}
	seen := ""
	permutations(inner, func(order []string) {
		f, _ := llm.ReadFault([]byte(`{"error":{` + strings.Join(order, ",") + `}}`))
		if got := fmt.Sprintf("%+v", f); seen == "" {
			seen = got
		} else if got != seen {
			t.Errorf("%v is %s, want %s", order, got, seen)
		}
	})
}

// TestTheInnerCodeCounts, and the outer one where there is none inside.
func TestTheInnerCodeCounts(t *testing.T) {
	for body, want := range map[string]string{
		`{"code":"outer","error":{"code":"inner","message":"m"}}`:                          "inner",
		`{"code":"outer","error":{"message":"m"}}`:                                         "outer",
		`{"code":"outer","error":"m"}`:                                                     "outer",
		`{"error":{"code":"c","details":{"error_code":"finer"}}}`:                          "finer",
		`{"error":{"details":[{"reason":"finer"}],"code":"c"}}`:                            "finer",
		`{"error":{"details":[{"reason":"one"},{"metadata":{"reason":"deep"}}]}}`:          "one",
		`{"error":{"details":{"error_code":7}}}`:                                           "7",
		`{"error":{"code":["x"],"message":"m"}}`:                                           "",
		`{"error":{"code":null,"message":"m"},"code":null}`:                                "",
		`[{"code":"outer","error":{"code":"inner"}},{"error":{"code":"of the next one"}}]`: "inner",
	} {
		if f, ok := llm.ReadFault([]byte(body)); !ok || f.Code != want {
			t.Errorf("%s: %q, %v; want %q", body, f.Code, ok, want)
		}
	}
}

// TestPhrasesAreReadWhereTheyStand: a message that quotes a prompt further on says
// nothing of the request.
func TestPhrasesAreReadWhereTheyStand(t *testing.T) {
	for phrase, row := range map[string]struct {
		within int // how far from the start it still counts
		want   event.Verdict
	}{
		"credit balance": {16, event.QuotaExhausted}, "You have reached your specified API usage limits": {1, event.QuotaExhausted}, "prompt is too long": {1, event.TooLarge},
		"exceed context limit": {64, event.TooLarge}, "maximum context length": {64, event.TooLarge}, "blocked by content filtering policy": {16, event.Refused},
	} {
		for _, at := range []int{0, row.within, row.within + 1, 500} {
			f := llm.Fault{Status: 400, Type: "invalid_request_error", Message: strings.Repeat("x", at) + phrase + " and more"}
			want := event.Invalid
			if at <= row.within {
				want = row.want
			}
			if got := f.Verdict(llm.Generate); got != want {
				t.Errorf("%q at %d: %s, want %s", phrase, at, got, want)
			}
			for _, other := range []llm.Fault{{Status: 404, Message: f.Message}, {Status: 500, Message: f.Message}, {Status: 429, Message: f.Message}, {Status: 400, Code: "slow_down", Message: f.Message}} {
				plain := other
				plain.Message = ""
				if got, want := other.Verdict(llm.Generate), plain.Verdict(llm.Generate); got != want {
					t.Errorf("%q changes %d %s into %s", phrase, other.Status, want, got)
				}
			}
		}
	}
}

// TestRateLimitMessages, of which the words for a day are the only sign.
func TestRateLimitMessages(t *testing.T) {
	for message, want := range map[string]event.Verdict{
		"Rate limit reached for gpt-4 in organization org-x on tokens per min (TPM): Limit 10000, Used 9000, Requested 2000. Please try again in 579ms.": event.RateLimited,
		"Rate limit reached for gpt-4 on requests per min (RPM): Limit 3, Used 3, Requested 1. Please try again in 20s.":                                 event.RateLimited,
		"Rate limit reached for gpt-4 on requests per day (RPD): Limit 200, Used 200, Requested 1. Please try again in 7m12s.":                           event.QuotaExhausted,
		"Rate limit reached for llama on tokens per day (TPD): Limit 500000.":                                                                            event.QuotaExhausted,
		"Limit reached (TPD)": event.QuotaExhausted,
		"Number of request tokens has exceeded your rate limit. Increase usage more gradually to stay within the acceleration limit.": event.RampLimited,
		"The system is currently experiencing high demand and cannot process your request.":                                           event.Overloaded,
		"": event.RateLimited,
	} {
		for _, kind := range []string{"", "rate_limit_error", "tokens"} {
			f := llm.Fault{Status: 429, Type: kind, Message: message}
			if got := f.Verdict(llm.Generate); got != want {
				t.Errorf("%q of type %q: %s, want %s", message, kind, got, want)
			}
		}
	}
}

// TestNoErrorIsAnAnswer: whatever a provider says with whichever status, it is
// never good, and x-should-retry only ever forbids.
func TestNoErrorIsAnAnswer(t *testing.T) {
	for _, status := range []int{200, 307, 400, 401, 404, 429, 500, 529} {
		for _, body := range []string{"", "{}", "ok", `{"error":{"code":200,"message":"OK"}}`, `{"type":"error","error":{"type":"success"}}`} {
			plain, _ := llm.Judge(llm.Generate, status, http.Header{}, []byte(body), now)
			for value, forbids := range map[string]bool{"false": true, "true": false, "FALSE": false, "": false} {
				out, _ := llm.Judge(llm.Generate, status, http.Header{"X-Should-Retry": {value}}, []byte(body), now)
				if out.Good() || out.NoRetry != forbids || out.Verdict != plain.Verdict {
					t.Errorf("%d %s, x-should-retry %q: %s, no retry %v", status, body, value, out.Verdict, out.NoRetry)
				}
			}
		}
	}
}
