package anthropic

import (
	"net/http"

	"fairlead.dev/event"
	"fairlead.dev/limit"
	"fairlead.dev/llm"
)

// Limits reads anthropic-ratelimit-{requests,input-tokens,output-tokens}-{limit,remaining} (platform.claude.com, rate
// limits). Those for tokens of both kinds together stand for whichever limit is nearest, and tell nothing of their own.
func (Provider) Limits(h http.Header) limit.Report {
	return limit.Report{
		llm.LimitSeen(h, "Anthropic-Ratelimit-Requests-Limit", "Anthropic-Ratelimit-Requests-Remaining"),
		llm.LimitSeen(h, "Anthropic-Ratelimit-Input-Tokens-Limit", "Anthropic-Ratelimit-Input-Tokens-Remaining"),
		llm.LimitSeen(h, "Anthropic-Ratelimit-Output-Tokens-Limit", "Anthropic-Ratelimit-Output-Tokens-Remaining"),
	}
}

// Charged is the input that counts for the limit: what is read from the cache does not.
func (Provider) Charged(u event.Usage) int { return u.Input + u.CacheWrite }
