package fairlead

import (
	"maps"
	"net/http"
	"strings"
)

// passed lists the headers of a provider's answer that its client should see,
// beside those that begin with passedPrefixes. Everything else (cookies, server
// names, hop-by-hop headers) stays here.
var passed = map[string]bool{
	"Content-Type": true, "Request-Id": true, "X-Request-Id": true, "Retry-After": true, "Retry-After-Ms": true,
	"X-Should-Retry": true, "Content-Disposition": true, "Warning": true, "Deprecation": true, "Sunset": true,
	"X-Ms-Retry-After-Ms": true, "Apim-Request-Id": true,
}

var passedPrefixes = [...]string{"Anthropic-", "X-Ratelimit-", "Openai-"}

// passHeaders copies what a client should see of a provider's answer. The
// values are shared: nobody changes them.
func passHeaders(dst, src http.Header) {
	for name, values := range src {
		if passed[name] || hasAnyPrefix(name) {
			dst[name] = values
		}
	}
}

func hasAnyPrefix(name string) bool {
	for _, prefix := range passedPrefixes {
		if strings.HasPrefix(name, prefix) {
			return true
		}
	}
	return false
}

// rawHeader copies the headers of a request that [Wrap] sends on. The client's
// process is ours, so all of them go. Idempotency-Key keeps its meaning for the
// provider but not its spelling: under the usual one Go's transport would
// repeat a POST behind our back.
func rawHeader(src http.Header) http.Header {
	h := src.Clone()
	maps.DeleteFunc(h, func(name string, _ []string) bool { return strings.HasPrefix(name, "Fairlead-") })
	for _, name := range [...]string{"Idempotency-Key", "X-Idempotency-Key"} {
		if v, ok := h[name]; ok {
			delete(h, name)
			h[strings.ToLower(name)] = v
		}
	}
	return h
}
