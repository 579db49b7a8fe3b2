package anthropic

import (
	"net/http"

	"fairlead.dev/event"
	"fairlead.dev/llm"
	"fairlead.dev/sse"
)

// Failure is an error body of ours in the API's shape.
func (Provider) Failure(f llm.Failure) []byte {
	b := append([]byte(nil), `{"type":"error","error":{"type":`...)
	b = llm.AppendQuoted(b, errorType(f.Status, f.Verdict))
	b = append(b, `,"message":`...)
	b = append(llm.AppendQuoted(b, f.Message), `},"request_id":`...)
	return append(llm.AppendQuoted(b, f.Call), '}')
}

// Ping is an event that says nothing.
func (Provider) Ping() []byte { return []byte(ping) }

const ping = "event: ping\ndata: {\"type\": \"ping\"}\n\n"

// FailureEvent is an error event: the provider's own error if it sent one, else ours.
func (p Provider) FailureEvent(f llm.Failure) []byte {
	if fault, ok := llm.ReadFault(f.Body); ok && fault.Shape == llm.TypedShape {
		return sse.Append(nil, "error", llm.OneLine(f.Body))
	}
	return sse.Append(nil, "error", p.Failure(f))
}

// byStatus are the error types of statuses (docs, errors). What is missing is invalid_request_error or api_error.
var byStatus = map[int]string{
	http.StatusUnauthorized:          "authentication_error",
	http.StatusPaymentRequired:       "billing_error",
	http.StatusForbidden:             "permission_error",
	http.StatusNotFound:              "not_found_error",
	http.StatusConflict:              "conflict_error",
	http.StatusRequestEntityTooLarge: "request_too_large",
	http.StatusTooManyRequests:       "rate_limit_error",
	http.StatusServiceUnavailable:    "overloaded_error",
	http.StatusGatewayTimeout:        "timeout_error",
	529:                              "overloaded_error",
}

// byVerdict are the error types of verdicts, for a failure without a telling status: in a stream, or a 502 of ours.
var byVerdict = map[event.Verdict]string{
	event.RateLimited: "rate_limit_error", event.RampLimited: "rate_limit_error", event.QuotaExhausted: "rate_limit_error",
	event.Overloaded: "overloaded_error", event.Slow: "timeout_error", event.TooLarge: "request_too_large",
	event.UnknownModel: "not_found_error", event.Invalid: "invalid_request_error", event.Incompatible: "invalid_request_error",
}

// errorType chooses the type by the status. A 503 that stands for a rejected or exhausted key of ours is not called
// overload: clients that count overloads would draw the wrong conclusion, and ours would not end by waiting.
func errorType(status int, v event.Verdict) string {
	t := byStatus[status]
	switch {
	case status == http.StatusServiceUnavailable && (v == event.Unauthorized || v == event.QuotaExhausted):
		return "api_error"
	case t != "":
		return t
	case status >= 400 && status < 500:
		return "invalid_request_error"
	case status < 400 && byVerdict[v] != "":
		return byVerdict[v]
	}
	return "api_error"
}

// ModelList is the answer to GET /v1/models: one page. Dates of release are not known here; the API writes the epoch
// for those.
func (p Provider) ModelList(ids []string) []byte {
	b := append([]byte(nil), `{"data":[`...)
	for i, id := range ids {
		if i > 0 {
			b = append(b, ',')
		}
		b = append(b, p.ModelInfo(id)...)
	}
	b = append(b, `],"has_more":false,"first_id":`...)
	if len(ids) == 0 {
		return append(b, `null,"last_id":null}`...)
	}
	b = append(llm.AppendQuoted(b, ids[0]), `,"last_id":`...)
	return append(llm.AppendQuoted(b, ids[len(ids)-1]), '}')
}

// ModelInfo is the answer to GET /v1/models/{id}.
func (Provider) ModelInfo(id string) []byte {
	b := llm.AppendQuoted([]byte(`{"type":"model","id":`), id)
	b = llm.AppendQuoted(append(b, `,"display_name":`...), id)
	return append(b, `,"created_at":"1970-01-01T00:00:00Z"}`...)
}
