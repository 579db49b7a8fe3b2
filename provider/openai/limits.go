package openai

import (
	"net/http"
	"time"

	"fairlead.dev/event"
	"fairlead.dev/limit"
	"fairlead.dev/llm"
)

// Limits reads x-ratelimit-{limit,remaining,reset}-{requests,tokens}. The one limit for tokens is taken for that of the input,
// which is most of them.
func (Provider) Limits(h http.Header, now time.Time) limit.Report {
	return limit.Report{limitHeaders[0].Seen(h, now), limitHeaders[1].Seen(h, now)}
}

var limitHeaders = [...]llm.LimitHeaders{named("Requests"), named("Tokens")}

func named(of string) llm.LimitHeaders {
	return llm.LimitHeaders{Limit: "X-Ratelimit-Limit-" + of, Remaining: "X-Ratelimit-Remaining-" + of, Reset: "X-Ratelimit-Reset-" + of}
}

// Charged is the input that counts for the limit: all of it, from the cache or not.
func (Provider) Charged(u event.Usage) int { return u.Input + u.CacheRead + u.CacheWrite }
