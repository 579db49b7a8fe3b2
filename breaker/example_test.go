package breaker_test

import (
	"fmt"
	"time"

	"fairlead.dev/breaker"
)

// A target fails, is left alone, is probed and comes back.
func Example() {
	b := breaker.New(breaker.Config{Rand: func() float64 { return 0.5 }})
	now := time.Date(2026, 11, 24, 14, 2, 0, 0, time.UTC)
	start := now
	tell := func(c breaker.Change, changed bool) {
		for t, ok := b.Take(); ok; t, ok = b.Take() {
			fmt.Printf("%5v %v > %v: %v\n", t.At.Sub(start), t.From, t.To, t.Cause)
		}
		if changed {
			fmt.Printf("%5v %v > %v: %v, %d of %d failed\n", c.At.Sub(start), c.From, c.To, c.Cause, c.Failures, c.Attempts)
		}
	}

	for call := range uint64(8) {
		p, wait, ok := b.Allow(now, breaker.Ask{Call: call})
		if !ok {
			fmt.Println("not asked, for", wait)
			now = now.Add(wait)
			continue
		}
		news := breaker.Failure
		if p.Probe() {
			news = breaker.Success
		}
		tell(p.Done(news, now))
	}
	// Output:
	//    0s closed > open: consecutive_failures, 5 of 5 failed
	// not asked, for 4.25s
	// 4.25s open > half_open: elapsed
	// 4.25s half_open > ramp: probe_succeeded, 0 of 1 failed
}

// During the ramp a conversation outside the share is refused where another
// target can take it, and served where none can.
func ExampleBreaker_Allow_ramp() {
	b := breaker.New(breaker.Config{})
	now := time.Date(2026, 11, 24, 14, 2, 0, 0, time.UTC)
	b.Trip(now, time.Second)
	now = now.Add(time.Second)
	probe, _, _ := b.Allow(now, breaker.Ask{Call: 1})
	probe.Done(breaker.Success, now)

	_, _, ok := b.Allow(now, breaker.Ask{Call: 2, Share: 5, Elsewhere: true})
	fmt.Println("with a fallback:", ok)
	_, _, ok = b.Allow(now, breaker.Ask{Call: 2, Share: 5})
	fmt.Println("without:", ok)
	fmt.Println(b.Snapshot(now).Share, "percent")
	// Output:
	// with a fallback: false
	// without: true
	// 10 percent
}

// A person takes a target out for an hour.
func ExampleBreaker_Override() {
	b := breaker.New(breaker.Config{})
	now := time.Date(2026, 11, 24, 14, 2, 0, 0, time.UTC)
	b.Override(breaker.Override{Mode: breaker.ForceOpen, Reason: "kim: invoice dispute", Until: now.Add(time.Hour)}, now)
	_, wait, ok := b.Allow(now, breaker.Ask{})
	fmt.Println(ok, wait, b.Snapshot(now).Override.Reason)
	// Output: false 1h0m0s kim: invoice dispute
}

func ExampleConfig_Validate() {
	fmt.Println(breaker.Config{FailureRatio: 50, Lease: -1}.Validate())
	// Output:
	// breaker: FailureRatio is 50, must be at most 1, or negative for off
	// breaker: Lease is -1ns, must be positive: a probe that never answers would block the breaker
}

// What is slow depends on what is usual for the target.
func ExamplePace() {
	var chat, reasoning breaker.Pace
	for range 20 {
		chat.Slow(800 * time.Millisecond)
		reasoning.Slow(30 * time.Second)
	}
	fmt.Println(chat.Slow(40*time.Second), reasoning.Slow(40*time.Second))
	// Output: true false
}
