package limit_test

import (
	"testing"
	"time"

	"fairlead.dev/limit"
)

var roomy = limit.Limits{RPM: 1_000_000, ITPM: 1_000_000_000, OTPM: 1_000_000_000}

func BenchmarkReserveSettle(b *testing.B) {
	b.ReportAllocs()
	p, now := limit.NewPool(roomy), start
	for b.Loop() {
		now = now.Add(time.Millisecond)
		r, _, _ := p.Reserve(limit.Need{Requests: 1, Input: 1000, Output: 500}, 0, now)
		r.Settle(limit.Need{Requests: 1, Input: 900, Output: 100}, now)
	}
}

func BenchmarkReserveSettleNoLimits(b *testing.B) {
	b.ReportAllocs()
	p := limit.NewPool(limit.Limits{})
	for b.Loop() {
		r, _, _ := p.Reserve(limit.Need{Requests: 1, Input: 1000, Output: 500}, 0, start)
		r.Settle(limit.Need{Requests: 1, Input: 900, Output: 100}, start)
	}
}

func BenchmarkReserveRefused(b *testing.B) {
	b.ReportAllocs()
	p := limit.NewPool(limit.Limits{RPM: 6})
	p.Reserve(limit.Need{Requests: 1}, 0, start)
	for b.Loop() {
		p.Reserve(limit.Need{Requests: 1}, 0, start)
	}
}

func BenchmarkReserveSettleParallel(b *testing.B) {
	b.ReportAllocs()
	p := limit.NewPool(limit.Limits{ITPM: 1_000_000_000})
	b.RunParallel(func(pb *testing.PB) {
		for pb.Next() {
			r, _, _ := p.Reserve(limit.Need{Requests: 1, Input: 1000}, 0, start)
			r.Cancel(start)
		}
	})
}

func TestAllocations(t *testing.T) {
	p, now := limit.NewPool(roomy), start
	empty := limit.NewPool(limit.Limits{RPM: 6})
	empty.Reserve(limit.Need{Requests: 1}, 0, now)
	for name, f := range map[string]func(){
		"settle": func() {
			now = now.Add(time.Millisecond)
			r, _, _ := p.Reserve(limit.Need{Requests: 1, Input: 1000, Output: 500}, 0, now)
			r.Settle(limit.Need{Input: 900, Output: 100}, now)
		},
		"cancel": func() {
			r, _, _ := p.Reserve(limit.Need{Requests: 1, Input: 1000, Output: 500}, 0, now)
			r.Cancel(now)
		},
		"refuse":   func() { empty.Reserve(limit.Need{Requests: 1}, 0, start) },
		"close":    func() { p.CloseUntil(now.Add(1), limit.RateLimited, now); p.Closed(now); p.Reopen(now) },
		"snapshot": func() { p.Snapshot(now) },
	} {
		if got := testing.AllocsPerRun(1000, f); got != 0 {
			t.Errorf("%s: %v allocations, want 0", name, got)
		}
	}
}
