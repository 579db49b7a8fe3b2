package anthropic

import (
	"net/http"
	"time"

	"fairlead.dev/event"
	"fairlead.dev/limit"
	"fairlead.dev/llm"
)

// Limits reads anthropic-ratelimit-{requests,input-tokens,output-tokens}-{limit,remaining,reset} (platform.claude.com, rate
// limits). Those for tokens of both kinds together stand for whichever limit is nearest, and tell nothing of their own.
func (Provider) Limits(h http.Header, now time.Time) limit.Report {
	return limit.Report{limitHeaders[0].Seen(h, now), limitHeaders[1].Seen(h, now), limitHeaders[2].Seen(h, now)}
}

var limitHeaders = [...]llm.LimitHeaders{named("Requests"), named("Input-Tokens"), named("Output-Tokens")}

func named(of string) llm.LimitHeaders {
	of = "Anthropic-Ratelimit-" + of
	return llm.LimitHeaders{Limit: of + "-Limit", Remaining: of + "-Remaining", Reset: of + "-Reset"}
}

// Charged is the input that counts for the limit: what is read from the cache does not.
func (Provider) Charged(u event.Usage) int { return u.Input + u.CacheWrite }
