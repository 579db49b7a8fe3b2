package llm

import (
	"net/http"
	"strconv"

	"fairlead.dev/limit"
)

// LimitSeen reads what two headers, by their canonical names, tell of a rate limit. Numbers that make no sense, such as
// Azure's remaining of -1, tell nothing.
func LimitSeen(h http.Header, most, remaining string) limit.Seen {
	left, ok := header(h, remaining)
	if !ok {
		return limit.Seen{}
	}
	n, _ := header(h, most)
	return limit.Seen{Known: true, Limit: n, Remaining: left}
}

func header(h http.Header, name string) (int, bool) {
	values := h[name]
	if len(values) != 1 {
		return 0, false
	}
	n, err := strconv.Atoi(values[0])
	return n, err == nil && n >= 0 && n <= limit.Most
}
