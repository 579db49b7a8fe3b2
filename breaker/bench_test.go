package breaker_test

import (
	"sync/atomic"
	"testing"
	"time"

	"fairlead.dev/breaker"
)

// TestNoAllocations is the ceiling: none, whatever the state.
func TestNoAllocations(t *testing.T) {
	b := breaker.New(breaker.Config{})
	var pace breaker.Pace
	now, i := t0, 0
	news := []breaker.News{breaker.Success, breaker.Failure, breaker.Failure, breaker.Slow, breaker.Ignore}
	got := testing.AllocsPerRun(10_000, func() {
		i++
		now = now.Add(30 * time.Millisecond)
		p, _, ok := b.Allow(now, breaker.Ask{Call: uint64(i), Share: uint32(i), Elsewhere: true})
		if !ok {
			b.Peek(now, breaker.Ask{})
		}
		p.Done(news[i%len(news)], now)
		b.Take()
		b.Succeeded(now)
		b.Snapshot(now)
		pace.Slow(time.Second)
		if i%1000 == 0 {
			b.Trip(now, 0)
			b.Override(breaker.Override{Mode: breaker.Mode(i / 1000 % 4)}, now)
			b.Peek(now.Add(-time.Hour), breaker.Ask{}) // sets the clock back
		}
	})
	if got != 0 {
		t.Errorf("%v allocations", got)
	}
}

func BenchmarkClosed(b *testing.B) {
	br := breaker.New(breaker.Config{})
	now := t0
	b.ReportAllocs()
	for b.Loop() {
		now = now.Add(time.Microsecond)
		p, _, _ := br.Allow(now, breaker.Ask{Call: 1})
		p.Done(breaker.Success, now)
		br.Take()
	}
}

func BenchmarkClosedParallel(b *testing.B) {
	br := breaker.New(breaker.Config{})
	var clock atomic.Int64
	b.ReportAllocs()
	b.RunParallel(func(pb *testing.PB) {
		for pb.Next() {
			now := at(time.Duration(clock.Add(1000)))
			p, _, _ := br.Allow(now, breaker.Ask{Call: 1})
			p.Done(breaker.Success, now)
			br.Take()
		}
	})
}

// BenchmarkFailing is the slow path: each failure is judged.
func BenchmarkFailing(b *testing.B) {
	br := breaker.New(breaker.Config{FailureRatio: 1})
	now, i := t0, 0
	b.ReportAllocs()
	for b.Loop() {
		i++
		now = now.Add(time.Microsecond)
		p, _, _ := br.Allow(now, breaker.Ask{Call: uint64(i)})
		p.Done(breaker.News(1+i%2), now)
	}
}

func BenchmarkRefused(b *testing.B) {
	br := breaker.New(breaker.Config{})
	br.Trip(t0, time.Hour)
	b.ReportAllocs()
	for b.Loop() {
		br.Allow(t0, breaker.Ask{Call: 1})
	}
}

func BenchmarkPace(b *testing.B) {
	var p breaker.Pace
	b.ReportAllocs()
	for b.Loop() {
		p.Slow(time.Second)
	}
}
