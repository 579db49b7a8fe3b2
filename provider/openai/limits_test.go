package openai_test

import (
	"net/http"
	"testing"
	"time"

	"fairlead.dev/event"
	"fairlead.dev/limit"
	"fairlead.dev/provider/openai"
	"fairlead.dev/provider/providertest"
)

func TestLimits(t *testing.T) {
	h := http.Header{}
	for name, value := range map[string]string{
		"x-ratelimit-limit-requests": "500", "x-ratelimit-remaining-requests": "499", "x-ratelimit-reset-requests": "120ms",
		"x-ratelimit-limit-tokens": "30000", "x-ratelimit-remaining-tokens": "0", "x-ratelimit-reset-tokens": "6m0s",
	} {
		h.Set(name, value)
	}
	want := limit.Report{
		{Known: true, Limit: 500, Remaining: 499, Reset: 120 * time.Millisecond}, {Known: true, Limit: 30_000, Reset: 6 * time.Minute},
	}
	if got := openai.New().Limits(h, providertest.Now); got != want {
		t.Errorf("%+v, want %+v", got, want)
	}
	azure := http.Header{"X-Ratelimit-Limit-Tokens": {"-1"}, "X-Ratelimit-Remaining-Tokens": {"-1"}}
	if got := openai.New().Limits(azure, providertest.Now); got != (limit.Report{}) {
		t.Errorf("Azure's -1: %+v", got)
	}
	if n := openai.New().Charged(event.Usage{Input: 10, CacheRead: 100, Output: 7}); n != 110 {
		t.Errorf("charged %d: what is read from the cache counts", n)
	}
}
