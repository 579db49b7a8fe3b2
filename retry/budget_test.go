package retry_test

import (
	"math"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"fairlead.dev/retry"
)

var start = time.Date(2000, 1, 1, 0, 0, 0, 0, time.UTC)

// R9: during a total outage the upstream sees at most 1.2 x the offered load, plus the reserve.
func TestR9BudgetBoundsAnOutage(t *testing.T) {
	for name, gap := range map[string]time.Duration{
		"busy": 100 * time.Millisecond, "steady": time.Second, "quiet": time.Minute,
	} {
		t.Run(name, func(t *testing.T) {
			b := retry.NewBudget(0)
			offered, retries := 0, 0
			const outage = 3 * time.Hour
			for at := time.Duration(0); at < outage; at += gap {
				now := start.Add(at)
				offered++
				b.Deposit(now)
				for range 4 { // each call would like four retries
					if b.Withdraw(now) {
						retries++
					}
				}
			}
			reserve := 10 + outage.Seconds()/10
			if got, most := float64(retries), 0.2*float64(offered)+reserve; got > most {
				t.Errorf("%d calls, %d retries, want at most %.0f", offered, retries, most)
			}
			if got, least := float64(retries), 0.2*float64(offered); got < least*0.95 {
				t.Errorf("%d calls, %d retries, want at least %.0f: the budget starves", offered, retries, least)
			}
		})
	}
}

func TestBudgetLife(t *testing.T) {
	b, now := retry.NewBudget(0.2), start
	for i := range 10 {
		if !b.Withdraw(now) {
			t.Fatalf("full budget refused retry %d", i+1)
		}
	}
	if b.Withdraw(now) {
		t.Fatal("an empty budget gave")
	}
	for range 5 {
		b.Deposit(now)
	}
	if !b.Withdraw(now) || b.Withdraw(now) {
		t.Fatal("five calls pay for exactly one retry")
	}
	b.Refund()
	if !b.Withdraw(now) || b.Withdraw(now) {
		t.Fatal("a refund gives exactly one back")
	}
	now = now.Add(10 * time.Second)
	if b.Withdraw(now.Add(-time.Second)) {
		t.Fatal("nine seconds gave one token")
	}
	if !b.Withdraw(now) || b.Withdraw(now) {
		t.Fatal("ten seconds give exactly one")
	}
	if b.Withdraw(start) || b.Level(start) != 0 {
		t.Fatal("a clock behind gave something")
	}
	b.Refund()
	if got := b.Level(start); got != 1 {
		t.Fatalf("Level = %v with a clock behind, want 1", got)
	}
	now = now.Add(1000 * time.Hour)
	b.Refund()
	if got := b.Level(now); got != 10 {
		t.Fatalf("Level = %v after a long rest, want the burst", got)
	}
}

func TestBudgetOff(t *testing.T) {
	for name, b := range map[string]*retry.Budget{"off": retry.NewBudget(-1), "nil": nil} {
		for range 1000 {
			if b.Deposit(start); !b.Withdraw(start) {
				t.Fatal(name + ": refused")
			}
			b.Refund()
		}
		if got := b.Level(start); got != 10 {
			t.Errorf("%s: Level = %v", name, got)
		}
	}
}

func TestBudgetSetRatio(t *testing.T) {
	b := retry.NewBudget(math.NaN())
	for b.Withdraw(start) {
	}
	b.Deposit(start)
	if got := b.Level(start); !(math.Abs(got-0.2) < 1e-9) {
		t.Errorf("NaN: a call paid %v, want the default", got)
	}
	b.SetRatio(0.5)
	b.Deposit(start)
	if got := b.Level(start); math.Abs(got-0.7) > 1e-9 {
		t.Errorf("Level = %v after SetRatio, want what was saved plus 0.5", got)
	}
}

// Ten deposits of 0.1 add up to a little less than 1 in floats, and still pay for a retry.
func TestBudgetRounding(t *testing.T) {
	b := retry.NewBudget(0.1)
	for b.Withdraw(start) {
	}
	for range 10 {
		b.Deposit(start)
	}
	if !b.Withdraw(start) {
		t.Errorf("refused at %v", b.Level(start))
	}
}

func TestBudgetRace(t *testing.T) {
	b := retry.NewBudget(0.2)
	var won atomic.Int64
	var wg sync.WaitGroup
	for range 8 {
		wg.Go(func() {
			for range 1000 {
				b.Deposit(start)
				if b.Withdraw(start) {
					won.Add(1)
				}
				b.Level(start)
			}
		})
	}
	wg.Wait()
	if got := won.Load(); got > 1610 || got < 1600 {
		t.Errorf("%d retries for 8000 calls, want 1600 to 1610", got)
	}
}
