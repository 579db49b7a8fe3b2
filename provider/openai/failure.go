package openai

import (
	"net/http"

	"fairlead.dev/event"
	"fairlead.dev/llm"
	"fairlead.dev/sse"
)

// Failure is an error body of ours in the API's shape.
func (Provider) Failure(f llm.Failure) []byte {
	kind, code := words(f.Status, f.Verdict)
	b := llm.AppendQuoted([]byte(`{"error":{"message":`), f.Message)
	b = llm.AppendQuoted(append(b, `,"type":`...), kind)
	b = append(b, `,"param":null,"code":`...)
	if code == "" {
		return append(b, `null}}`...)
	}
	return append(llm.AppendQuoted(b, code), `}}`...)
}

// Ping is an event that says nothing.
func (Provider) Ping() []byte { return []byte(ping) }

const ping = ": ping\n\n"

// FailureEvent is an error in a stream, without an event name and without [DONE] behind it, as the API sends it: the
// provider's own error if it sent one, else ours.
func (p Provider) FailureEvent(f llm.Failure) []byte {
	body := p.Failure(f)
	if fault, ok := llm.ReadFault(f.Body); ok && fault.Shape >= llm.ErrorShape && !isArray(f.Body) && llm.Valid(f.Body) == nil {
		body = llm.OneLine(f.Body)
	}
	if f.Path == pathResponses {
		return responseFailure(body)
	}
	return sse.Append(nil, "", body)
}

// words chooses type and code by the status, and where that is telling nothing by the verdict (developers.openai.com,
// error codes).
func words(status int, v event.Verdict) (kind, code string) {
	switch {
	case status == http.StatusServiceUnavailable && (v == event.Unauthorized || v == event.QuotaExhausted):
		return "server_error", "" // our key, not the client's, and nothing that waiting mends
	case status == http.StatusUnauthorized:
		return "invalid_request_error", "invalid_api_key"
	case status == http.StatusTooManyRequests, status < 400 && (v == event.RateLimited || v == event.RampLimited):
		return "requests", "rate_limit_exceeded"
	case status == http.StatusServiceUnavailable, status == 529, status < 400 && v == event.Overloaded:
		return "service_unavailable_error", "server_is_overloaded"
	case status == http.StatusPaymentRequired, status < 400 && v == event.QuotaExhausted:
		return "insufficient_quota", "insufficient_quota"
	case (status == http.StatusNotFound || status < 400) && v == event.UnknownModel:
		return "invalid_request_error", "model_not_found"
	case status < 400 && v == event.TooLarge:
		return "invalid_request_error", "context_length_exceeded"
	case status >= 400 && status < 500, status < 400 && (v == event.Invalid || v == event.Incompatible):
		return "invalid_request_error", ""
	}
	return "server_error", ""
}

// ModelList is the answer to GET /v1/models.
func (p Provider) ModelList(ids []string) []byte {
	b := []byte(`{"object":"list","data":[`)
	for i, id := range ids {
		if i > 0 {
			b = append(b, ',')
		}
		b = append(b, p.ModelInfo(id)...)
	}
	return append(b, `]}`...)
}

// ModelInfo is the answer to GET /v1/models/{id}. When a model was made is not known here.
func (Provider) ModelInfo(id string) []byte {
	b := llm.AppendQuoted([]byte(`{"id":`), id)
	return append(b, `,"object":"model","created":0,"owned_by":"fairlead"}`...)
}
