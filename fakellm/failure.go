package fakellm

import (
	"cmp"
	"fmt"
	"net/http"
)

// failure is an error answer, before a dialect gives it a body.
type failure struct {
	status     int
	typ        string
	code       string // error.details.error_code, or error.code
	param      string // openai only
	message    string
	retryAfter string
}

// anthropicTypes are the error types of platform.claude.com's errors page and
// the SDK's list. 408 and 422 are not on it; a proxy in between sends them.
var anthropicTypes = map[int]failure{
	400: {typ: "invalid_request_error", message: "The request was invalid."},
	401: {typ: "authentication_error", message: "invalid x-api-key"},
	402: {typ: "billing_error", message: "There is an issue with your billing or payment information."},
	403: {typ: "permission_error", message: "Your API key does not have permission to use the specified resource."},
	404: {typ: "not_found_error", message: "The requested resource could not be found."},
	408: {typ: "timeout_error", message: "Request timed out."},
	409: {typ: "conflict_error", message: "The request conflicts with the state of the resource."},
	413: {typ: "request_too_large", message: "Request exceeds the maximum size"},
	422: {typ: "invalid_request_error", message: "The request could not be processed."},
	429: {typ: "rate_limit_error", message: "This request would exceed your account's rate limit. Please try again later."},
	500: {typ: "api_error", message: "Internal server error"},
	502: {typ: "api_error", message: "Bad gateway"},
	503: {typ: "api_error", message: "Service unavailable"},
	504: {typ: "timeout_error", message: "The request timed out while processing."},
	529: {typ: "overloaded_error", message: "Overloaded"},
}

// openaiTypes follow developers.openai.com's error-codes page; 529 is not
// OpenAI's own, compatible hosts send it.
var openaiTypes = map[int]failure{
	400: {typ: "invalid_request_error", message: "The request was invalid."},
	401: {typ: "invalid_request_error", code: "invalid_api_key", message: "Incorrect API key provided."},
	402: {typ: "insufficient_quota", code: "insufficient_balance", message: "Insufficient balance."},
	403: {typ: "invalid_request_error", code: "permission_denied", message: "You do not have access to this resource."},
	404: {typ: "invalid_request_error", code: "model_not_found", message: "The model does not exist or you do not have access to it."},
	408: {typ: "timeout", message: "Request timed out."},
	409: {typ: "invalid_request_error", code: "conflict", message: "The request conflicts with another one."},
	413: {typ: "invalid_request_error", code: "request_too_large", message: "The request is too large."},
	422: {typ: "invalid_request_error", message: "The request could not be processed."},
	429: {typ: "requests", code: "rate_limit_exceeded", message: "Rate limit reached. Please try again later."},
	500: {typ: "server_error", message: "The server had an error while processing your request. Sorry about that!"},
	502: {typ: "server_error", message: "Bad gateway."},
	503: {typ: "service_unavailable_error", code: "server_is_overloaded", message: "The engine is currently overloaded, please try again later"},
	504: {typ: "server_error", message: "Gateway timeout."},
	529: {typ: "service_unavailable_error", code: "server_is_overloaded", message: "Overloaded"},
}

// anthropicErrors are the named errors; codes from the SDK's list of error codes.
var anthropicErrors = map[string]failure{
	"spend-limit":   {status: 429, typ: "rate_limit_error", code: "enforced_spend_limit_reached", message: "You have reached your organization's monthly spend limit. It resets at the beginning of next month (UTC)."},
	"ramp-limit":    {status: 429, typ: "rate_limit_error", code: "ramp_limit_exceeded", message: "Your request rate has increased too quickly. Please scale up gradually.", retryAfter: "1"},
	"no-quota":      {status: 400, typ: "invalid_request_error", message: "Your credit balance is too low to access the Anthropic API. Please go to Plans & Billing to upgrade or purchase credits."},
	"bad-key":       {status: 401, typ: "authentication_error", message: "invalid x-api-key"},
	"unknown-model": {status: 404, typ: "not_found_error", message: "model: %s"},
	"too-long":      {status: 400, typ: "invalid_request_error", message: "prompt is too long: 210000 tokens > 200000 maximum"},
	"policy":        {status: 400, typ: "invalid_request_error", message: "Output blocked by content filtering policy"},
}

var openaiErrors = map[string]failure{
	"spend-limit":   {status: 429, typ: "insufficient_quota", code: "organization_spend_limit_exceeded", message: "Your organization has reached its spend limit."},
	"ramp-limit":    {status: 429, typ: "rate_limit_error", code: "slow_down", message: "Your traffic grew too fast. Please slow down.", retryAfter: "1"},
	"no-quota":      {status: 429, typ: "insufficient_quota", code: "credit_balance_exhausted", message: "You exceeded your current quota, please check your plan and billing details."},
	"bad-key":       {status: 401, typ: "invalid_request_error", code: "invalid_api_key", message: "Incorrect API key provided."},
	"unknown-model": {status: 404, typ: "invalid_request_error", code: "model_not_found", param: "model", message: "The model `%s` does not exist or you do not have access to it."},
	"too-long":      {status: 400, typ: "invalid_request_error", code: "context_length_exceeded", param: "messages", message: "This model's maximum context length is 128000 tokens. However, your messages resulted in 210000 tokens. Please reduce the length of the messages."},
	"policy":        {status: 400, typ: "invalid_request_error", code: "content_policy_violation", message: "Your request was rejected as a result of our safety system."},
}

// failureOf builds the error that a fault asks for.
func failureOf(w wire, f *Fault, model string) failure {
	out := w.status(f.Status)
	if f.Error != "" {
		out = w.named(f.Error)
		if f.Error == "unknown-model" {
			out.message = fmt.Sprintf(out.message, model)
		}
	}
	out.typ, out.code = cmp.Or(f.Type, out.typ), cmp.Or(f.Code, out.code)
	out.message, out.retryAfter = cmp.Or(f.Message, out.message), cmp.Or(f.RetryAfter, out.retryAfter)
	if f.Error != "" && f.Status != 0 {
		out.status = f.Status
	}
	return out
}

// byStatus looks a status up; one that the table lacks gets the type of its kind.
func byStatus(table map[int]failure, status int) failure {
	f, ok := table[status]
	if !ok {
		f = table[500]
		if status >= 400 && status < 500 {
			f = table[400]
		}
		f.message = cmp.Or(http.StatusText(status), f.message)
	}
	f.status = status
	return f
}
