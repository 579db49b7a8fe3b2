// Package bench measures other libraries beside the decisions of Fairlead, which
// `make bench` runs in the same breath: BenchmarkDecisions in the root module.
package bench

import (
	"errors"
	"testing"
	"time"

	"github.com/failsafe-go/failsafe-go"
	"github.com/failsafe-go/failsafe-go/adaptivelimiter"
	"github.com/failsafe-go/failsafe-go/bulkhead"
	"github.com/failsafe-go/failsafe-go/circuitbreaker"
	"github.com/failsafe-go/failsafe-go/fallback"
	"github.com/failsafe-go/failsafe-go/ratelimiter"
	"github.com/failsafe-go/failsafe-go/retrypolicy"
	"github.com/failsafe-go/failsafe-go/timeout"
	"golang.org/x/sync/semaphore"
	"golang.org/x/time/rate"

	"fairlead.dev/limit"
	"fairlead.dev/queue"
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

// A slot that is free: ours, with classes, tenants and deadlines behind it.
func BenchmarkQueueEnterLeave(b *testing.B) {
	q, ctx := queue.New(queue.Config{}), b.Context()
	b.ReportAllocs()
	for b.Loop() {
		s, err := q.Enter(ctx, queue.Ticket{Class: queue.High, Tenant: "web"})
		if err != nil {
			b.Fatal(err)
		}
		s.Leave()
	}
}

// The same of a weighted semaphore, which is first in, first out.
func BenchmarkSyncSemaphore(b *testing.B) {
	s, ctx := semaphore.NewWeighted(1024), b.Context()
	b.ReportAllocs()
	for b.Loop() {
		if err := s.Acquire(ctx, 1); err != nil {
			b.Fatal(err)
		}
		s.Release(1)
	}
}

// The same of failsafe-go's bulkhead.
func BenchmarkFailsafeBulkhead(b *testing.B) {
	p := bulkhead.New[int](1024)
	b.ReportAllocs()
	for b.Loop() {
		if !p.TryAcquirePermit() {
			b.Fatal("refused")
		}
		p.ReleasePermit()
	}
}

// Requests, input and output tokens in one reservation.
func BenchmarkLimitReserve(b *testing.B) {
	p := limit.NewPool(limit.Limits{RPM: limit.Most, ITPM: limit.Most, OTPM: limit.Most})
	b.ReportAllocs()
	for b.Loop() {
		if _, _, ok := p.Reserve(limit.Need{Requests: 1, Input: 1, Output: 1}, 0, time.Now()); !ok {
			b.Fatal("refused")
		}
	}
}

// One token of failsafe-go's smooth limiter.
func BenchmarkFailsafeRateLimiter(b *testing.B) {
	l := ratelimiter.NewSmooth[int](1e9, time.Second)
	b.ReportAllocs()
	for b.Loop() {
		l.TryAcquirePermit()
	}
}

// What a target can bear: ours, with the signals of a good answer.
func BenchmarkConcurrency(b *testing.B) {
	c := limit.NewConcurrency(limit.ConcurrencyConfig{})
	b.ReportAllocs()
	for b.Loop() {
		now := time.Now()
		c.FirstToken(1000, time.Second, 10, now)
		c.Answered(10, now)
	}
}

// The same of failsafe-go's adaptive limiter.
func BenchmarkFailsafeAdaptiveLimiter(b *testing.B) {
	l := adaptivelimiter.NewWithDefaults[int]()
	b.ReportAllocs()
	for b.Loop() {
		p, ok := l.TryAcquirePermit()
		if !ok {
			b.Fatal("refused")
		}
		p.Record()
	}
}
