package retry_test

import (
	"context"
	"net/http"
	"testing"
	"time"

	"fairlead.dev/retry"
)

func BenchmarkBackoff(b *testing.B) {
	b.ReportAllocs()
	p, n := retry.Policy{}, 0
	for b.Loop() {
		n++
		p.Backoff(n&7, 0.5)
	}
}

func BenchmarkBudget(b *testing.B) {
	b.ReportAllocs()
	budget, now := retry.NewBudget(0), start
	for b.Loop() {
		budget.Deposit(now)
		budget.Withdraw(now)
	}
}

func BenchmarkHeaderHint(b *testing.B) {
	b.ReportAllocs()
	h := http.Header{"Retry-After": {"30"}, "Content-Type": {"application/json"}}
	for b.Loop() {
		retry.HeaderHint(h, start)
	}
}

func BenchmarkDoSuccess(b *testing.B) {
	b.ReportAllocs()
	ctx, budget := b.Context(), retry.NewBudget(0)
	for b.Loop() {
		_ = retry.Policy{}.Do(ctx, budget, succeed)
	}
}

func succeed(context.Context) (time.Duration, bool, error) { return 0, false, nil }

func TestAllocations(t *testing.T) {
	budget, ctx := retry.NewBudget(0), t.Context()
	none, date := http.Header{}, http.Header{"Retry-After": {"Sat, 01 Jan 2000 00:01:30 GMT"}}
	for name, f := range map[string]func(){
		"decide": func() {
			p := retry.Policy{}
			p.Again(1, 1)
			w := p.Wait(3, 0, 0.5)
			p.Patient(w)
			retry.Fits(w, time.Minute, time.Second)
		},
		"budget":  func() { budget.Deposit(start); budget.Withdraw(start); budget.Refund() },
		"no hint": func() { retry.HeaderHint(none, start) },
		"date":    func() { retry.HeaderHint(date, start) },
		"text":    func() { retry.TextHint("Overloaded, please try later") },
		"Do":      func() { _ = retry.Policy{}.Do(ctx, budget, succeed) },
	} {
		if got := testing.AllocsPerRun(1000, f); got != 0 {
			t.Errorf("%s: %v allocations, want 0", name, got)
		}
	}
}
