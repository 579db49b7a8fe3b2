// Package bench measures other libraries beside the decisions of Fairlead, which
// `make bench` runs in the same breath: BenchmarkDecisions in the root module.
package bench

import (
	"errors"
	"testing"
	"time"

	"github.com/failsafe-go/failsafe-go"
	"github.com/failsafe-go/failsafe-go/bulkhead"
	"github.com/failsafe-go/failsafe-go/circuitbreaker"
	"github.com/failsafe-go/failsafe-go/fallback"
	"github.com/failsafe-go/failsafe-go/retrypolicy"
	"github.com/failsafe-go/failsafe-go/timeout"
	"golang.org/x/time/rate"
)

// One token bucket: what a single one of our decisions may be compared with.
func BenchmarkTimeRateAllow(b *testing.B) {
	l := rate.NewLimiter(rate.Inf, 1)
	l.SetLimit(1e9)
	l.SetBurst(1e9)
	b.ReportAllocs()
	for b.Loop() {
		if !l.Allow() {
			b.Fatal("refused")
		}
	}
}

// Fallback, retry, breaker, bulkhead and timeout around a call that succeeds.
func BenchmarkFailsafeFivePolicies(b *testing.B) {
	executor := failsafe.With[int](
		fallback.NewWithError[int](errors.New("fallback")),
		retrypolicy.NewWithDefaults[int](),
		circuitbreaker.NewWithDefaults[int](),
		bulkhead.New[int](1024),
		timeout.New[int](time.Minute),
	)
	b.ReportAllocs()
	for b.Loop() {
		if _, err := executor.Get(func() (int, error) { return 1, nil }); err != nil {
			b.Fatal(err)
		}
	}
}
