package queue_test

import (
	"sync"
	"testing"
	"time"

	"fairlead.dev/queue"
)

func BenchmarkEnterLeave(b *testing.B) {
	b.ReportAllocs()
	q, ctx := queue.New(queue.Config{}), b.Context()
	for b.Loop() {
		s, _ := q.Enter(ctx, queue.Ticket{Class: queue.High})
		s.Leave()
	}
}

func BenchmarkEnterLeaveDeadline(b *testing.B) {
	b.ReportAllocs()
	q, ctx, deadline := queue.New(queue.Config{}), b.Context(), time.Now().Add(time.Hour)
	for b.Loop() {
		s, _ := q.Enter(ctx, queue.Ticket{Deadline: deadline})
		s.Leave()
	}
}

func BenchmarkEnterLeaveParallel(b *testing.B) {
	b.ReportAllocs()
	q, ctx := queue.New(queue.Config{}), b.Context()
	b.RunParallel(func(pb *testing.PB) {
		for pb.Next() {
			s, _ := q.Enter(ctx, queue.Ticket{})
			s.Leave()
		}
	})
}

// BenchmarkContended has 64 callers on two slots: each operation is a wait and a hand-over.
func BenchmarkContended(b *testing.B) {
	b.ReportAllocs()
	q, ctx := queue.New(queue.Config{MaxInFlight: 2}), b.Context()
	var wg sync.WaitGroup
	each := b.N/64 + 1
	b.ResetTimer()
	for range 64 {
		wg.Go(func() {
			for range each {
				if s, err := q.Enter(ctx, queue.Ticket{}); err == nil {
					s.Leave()
				}
			}
		})
	}
	wg.Wait()
}

func BenchmarkBytes(b *testing.B) {
	b.ReportAllocs()
	bound := queue.NewBytes(0)
	for b.Loop() {
		bound.Take(1000)
		bound.Give(1000)
	}
}

func TestAllocations(t *testing.T) {
	q, bound, ctx := queue.New(queue.Config{}), queue.NewBytes(0), t.Context()
	deadline := time.Now().Add(time.Hour)
	full := queue.New(queue.Config{MaxInFlight: 1, MaxWaiting: -1})
	enter(t, full)
	brief := queue.New(queue.Config{MaxInFlight: 1, MaxWait: time.Nanosecond})
	enter(t, brief)
	for name, f := range map[string]func(){
		"enter": func() { s, _ := q.Enter(ctx, queue.Ticket{Class: queue.Low, Deadline: deadline}); s.Leave() },
		"try":   func() { s, _, _ := q.TryEnter(queue.Ticket{}); s.Leave() },
		"full":  func() { _, _ = full.Enter(ctx, queue.Ticket{}) },
		"wait":  func() { _, _ = brief.Enter(ctx, queue.Ticket{}) }, // waiter, channel and timer are reused
		"load":  func() { q.Load() },
		"bytes": func() { bound.Take(10); bound.Give(10) },
	} {
		if got := testing.AllocsPerRun(1000, f); got != 0 {
			t.Errorf("%s: %v allocations, want 0", name, got)
		}
	}
}
