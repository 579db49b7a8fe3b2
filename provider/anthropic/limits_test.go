package anthropic_test

import (
	"net/http"
	"testing"
	"time"

	"fairlead.dev/event"
	"fairlead.dev/limit"
	"fairlead.dev/provider/anthropic"
	"fairlead.dev/provider/providertest"
)

func TestLimits(t *testing.T) {
	reset := providertest.Now.Add(3 * time.Second).UTC().Format(time.RFC3339)
	h := http.Header{}
	for name, value := range map[string]string{
		"anthropic-ratelimit-requests-limit": "4000", "anthropic-ratelimit-requests-remaining": "3800", "anthropic-ratelimit-requests-reset": reset,
		"anthropic-ratelimit-input-tokens-limit": "2000000", "anthropic-ratelimit-input-tokens-remaining": "1999000",
		"anthropic-ratelimit-output-tokens-limit": "-1", "anthropic-ratelimit-output-tokens-remaining": "12", "anthropic-ratelimit-output-tokens-reset": "soon",
		"anthropic-ratelimit-tokens-limit": "1", "anthropic-ratelimit-tokens-remaining": "0",
	} {
		h.Set(name, value)
	}
	want := limit.Report{
		{Known: true, Limit: 4000, Remaining: 3800, Reset: 3 * time.Second},
		{Known: true, Limit: 2_000_000, Remaining: 1_999_000},
		{Known: true, Remaining: 12},
	}
	if got := anthropic.New().Limits(h, providertest.Now.Truncate(time.Second)); got != want {
		t.Errorf("%+v, want %+v", got, want)
	}
	for _, remaining := range [][]string{nil, {"-1"}, {"x"}, {""}, {"1", "2"}, {"99999999999999999999"}} {
		h := http.Header{"Anthropic-Ratelimit-Requests-Limit": {"50"}, "Anthropic-Ratelimit-Requests-Remaining": remaining}
		if got := anthropic.New().Limits(h, providertest.Now); got != (limit.Report{}) {
			t.Errorf("%q: %+v", remaining, got)
		}
	}
	if n := anthropic.New().Charged(event.Usage{Input: 10, CacheRead: 100, CacheWrite: 5, Output: 7}); n != 15 {
		t.Errorf("charged %d: what is read from the cache does not count", n)
	}
}
