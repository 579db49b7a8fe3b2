package llm

import (
	"net/http"
	"strconv"
	"time"

	"fairlead.dev/limit"
	"fairlead.dev/retry"
)

// LimitHeaders are the canonical names of the headers that tell of one rate limit.
type LimitHeaders struct{ Limit, Remaining, Reset string }

// Seen reads what the headers tell. Numbers that make no sense, such as Azure's remaining of -1, tell nothing.
func (n *LimitHeaders) Seen(h http.Header, now time.Time) limit.Seen {
	left, ok := header(h, n.Remaining)
	if !ok {
		return limit.Seen{}
	}
	s := limit.Seen{Known: true, Remaining: left}
	s.Limit, _ = header(h, n.Limit)
	if reset := h[n.Reset]; len(reset) == 1 {
		s.Reset, _ = retry.ResetHint(reset[0], now)
	}
	return s
}

func header(h http.Header, name string) (int, bool) {
	values := h[name]
	if len(values) != 1 {
		return 0, false
	}
	n, err := strconv.Atoi(values[0])
	if err != nil || n < 0 || n > limit.Most {
		return 0, false
	}
	return n, true
}
