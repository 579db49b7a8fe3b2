package llm

import (
	"strings"

	"fairlead.dev/event"
)

// names are error types and codes that decide by themselves, whatever the status says. Sources, unless noted:
// docs.claude.com and platform.claude.com "errors", anthropic-sdk-go v2 (internal/apierror), developers.openai.com
// "error codes", help.openai.com 6614457.
var names = map[string]event.Verdict{
	"overloaded_error":          event.Overloaded,
	"server_is_overloaded":      event.Overloaded,
	"service_unavailable_error": event.Overloaded,
	"compaction_unavailable":    event.Overloaded,
	"capacity_exceeded":         event.Overloaded, // Groq, console.groq.com/docs/flex-processing
	"UNAVAILABLE":               event.Overloaded, // Gemini, ai.google.dev troubleshooting
	"ModelNotReadyException":    event.Overloaded, // Bedrock: the model is being loaded

	"rate_limit_error":    event.RateLimited,
	"rate_limit_exceeded": event.RateLimited,
	"RESOURCE_EXHAUSTED":  event.RateLimited, // Gemini
	"ThrottlingException": event.RateLimited, // Bedrock

	"ramp_limit_exceeded": event.RampLimited,
	"slow_down":           event.RampLimited,

	"enforced_spend_limit_reached":      event.QuotaExhausted,
	"contract_spend_limit_reached":      event.QuotaExhausted,
	"organization_on_hold":              event.QuotaExhausted,
	"billing_error":                     event.QuotaExhausted,
	"insufficient_quota":                event.QuotaExhausted,
	"credit_balance_exhausted":          event.QuotaExhausted,
	"organization_spend_limit_exceeded": event.QuotaExhausted,
	"project_spend_limit_exceeded":      event.QuotaExhausted,
	"organization_usage_limit_exceeded": event.QuotaExhausted,
	"FAILED_PRECONDITION":               event.QuotaExhausted, // Gemini: no free tier in the country, billing off

	"authentication_error":    event.Unauthorized,
	"permission_error":        event.Unauthorized,
	"invalid_api_key":         event.Unauthorized,
	"API_KEY_INVALID":         event.Unauthorized, // Gemini, reason of an INVALID_ARGUMENT
	"UNAUTHENTICATED":         event.Unauthorized,
	"PERMISSION_DENIED":       event.Unauthorized,
	"FTUFormNotFilled":        event.Unauthorized, // Bedrock: the use-case form
	"blocked_api_access":      event.Unauthorized, // Groq
	"organization_restricted": event.Unauthorized, // Groq

	"request_too_large":         event.TooLarge,
	"context_length_exceeded":   event.TooLarge,
	"exceed_context_size_error": event.TooLarge, // llama.cpp server

	"model_not_found":    event.UnknownModel,
	"DeploymentNotFound": event.UnknownModel, // Azure
	"unknown_model":      event.UnknownModel, // Mistral

	"content_filter":           event.Refused, // Azure, of the prompt
	"content_policy_violation": event.Refused,

	"conflict_error":            event.ServerError, // 409: transient, the SDKs retry it
	"timeout_error":             event.ServerError,
	"cmek_key_unreachable":      event.ServerError,
	"DEADLINE_EXCEEDED":         event.ServerError, // Gemini
	"ModelTimeoutException":     event.ServerError, // Bedrock
	"ModelStreamErrorException": event.ServerError, // Bedrock
	"InternalServerException":   event.ServerError, // Bedrock
}

// vague are types that leave the decision to the status, and decide only where there is none: inside a 200.
var vague = map[string]event.Verdict{
	"invalid_request_error": event.Invalid,
	"INVALID_ARGUMENT":      event.Invalid,
	"BadRequestError":       event.Invalid, // vLLM
	"not_found_error":       event.UnknownModel,
	"api_error":             event.ServerError,
	"server_error":          event.ServerError,
	"tokens":                event.RateLimited, // OpenAI's types of a rate limit
	"requests":              event.RateLimited,
}

// keyNames are rejections of a key as such, for all it may be used for.
var keyNames = map[string]bool{
	"authentication_error": true, "invalid_api_key": true, "API_KEY_INVALID": true, "UNAUTHENTICATED": true,
}

// statuses are the verdicts of errors without a telling name. What is missing is invalid (4xx) or a server error.
var statuses = map[int]event.Verdict{
	401: event.Unauthorized,
	402: event.QuotaExhausted,
	403: event.Unauthorized,
	408: event.ServerError,
	409: event.ServerError,
	410: event.UnknownModel, // Azure: retired
	413: event.TooLarge,     // Anthropic's edge sends it before the API, not always as JSON
	424: event.ServerError,  // Bedrock, ModelStreamErrorException
	429: event.RateLimited,
	498: event.Overloaded, // Groq flex
	503: event.Overloaded,
	529: event.Overloaded,
}

// phrase is part of an error message that is read because the provider says it nowhere else.
type phrase struct {
	In     event.Verdict // only where the names and the status came to this
	Status int           // and only with this status, or inside a 200; 0: any
	Has    string
	Within int // the phrase begins in so many bytes: a message may quote the prompt further on; 0: anywhere
	Is     event.Verdict
}

// texts is every phrase that is read, with its source. First match counts.
var texts = [...]phrase{
	// Anthropic, empty credit: "Your credit balance is too low to access the Anthropic API." (bifrost core/failureclass.go)
	{In: event.Invalid, Status: 400, Has: "credit balance", Within: 16, Is: event.QuotaExhausted},
	// Anthropic, a spend limit that the customer set: "You have reached your specified API usage limits."
	{In: event.Invalid, Status: 400, Has: "You have reached your specified API usage limits", Within: 1, Is: event.QuotaExhausted},
	// Anthropic: "prompt is too long: 210000 tokens > 200000 maximum"
	{In: event.Invalid, Status: 400, Has: "prompt is too long", Within: 1, Is: event.TooLarge},
	// Anthropic: "input length and `max_tokens` exceed context limit: 197946 + 21333 > 200000"
	{In: event.Invalid, Status: 400, Has: "exceed context limit", Within: 64, Is: event.TooLarge},
	// vLLM and others that copy OpenAI's words but not its code: "This model's maximum context length is 8192 tokens"
	{In: event.Invalid, Status: 400, Has: "maximum context length", Within: 64, Is: event.TooLarge},
	// Anthropic: "Output blocked by content filtering policy"
	{In: event.Invalid, Status: 400, Has: "blocked by content filtering policy", Within: 16, Is: event.Refused},
	// Anthropic, docs "rate limits": sharp growth, "... to stay within the acceleration limit"
	{In: event.RateLimited, Has: "acceleration limit", Is: event.RampLimited},
	// Azure OpenAI (developersdigest.tech, 429-system-capacity-throttling): capacity, not quota
	{In: event.RateLimited, Has: "experiencing high demand", Is: event.Overloaded},
	// OpenAI and Groq: "... on tokens per day (TPD): Limit 10000". A day's limit does not clear in a minute.
	{In: event.RateLimited, Has: "per day", Is: event.QuotaExhausted},
	{In: event.RateLimited, Has: "(TPD)", Is: event.QuotaExhausted},
	{In: event.RateLimited, Has: "(RPD)", Is: event.QuotaExhausted},
}

// perDay reports whether a message tells of a day's limit, which is one of a model and not of the whole key.
func perDay(msg string) bool {
	return strings.Contains(msg, "per day") || strings.Contains(msg, "(TPD)") || strings.Contains(msg, "(RPD)")
}
