package openai

import (
	"net/http"

	"fairlead.dev/event"
	"fairlead.dev/limit"
	"fairlead.dev/llm"
)

// Limits reads x-ratelimit-{limit,remaining}-{requests,tokens}. The one limit for tokens is taken for that of the input,
// which is most of them.
func (Provider) Limits(h http.Header) limit.Report {
	return limit.Report{
		llm.LimitSeen(h, "X-Ratelimit-Limit-Requests", "X-Ratelimit-Remaining-Requests"),
		llm.LimitSeen(h, "X-Ratelimit-Limit-Tokens", "X-Ratelimit-Remaining-Tokens"),
	}
}

// Charged is the input that counts for the limit: all of it, from the cache or not.
func (Provider) Charged(u event.Usage) int { return u.Input + u.CacheRead + u.CacheWrite }
