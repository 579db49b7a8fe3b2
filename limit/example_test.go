package limit_test

import (
	"fmt"
	"time"

	"fairlead.dev/limit"
)

// Reserve an estimate, send the attempt, settle what it has used.
func Example() {
	now := time.Date(2026, 11, 24, 12, 0, 0, 0, time.UTC)
	pool := limit.NewPool(limit.Limits{RPM: 60, ITPM: 30_000, OTPM: 6_000})

	r, _, ok := pool.Reserve(limit.Need{Requests: 1, Input: 2_000, Output: 1_000}, 0, now)
	fmt.Println("may go:", ok)
	_, wait, ok := pool.Reserve(limit.Need{Requests: 1, Input: 500, Output: 1_000}, 0, now)
	fmt.Println("the next one:", ok, "wait", wait)

	r.Settle(limit.Need{Requests: 1, Input: 2_100, Output: 150}, now)
	_, wait, ok = pool.Reserve(limit.Need{Requests: 1, Input: 500, Output: 800}, 0, now)
	fmt.Println("after settling:", ok, wait)
	// Output:
	// may go: true
	// the next one: false wait 10s
	// after settling: true 0s
}

// A 429 with a hint closes the door; an earlier hint does not open it.
func ExamplePool_CloseUntil() {
	now := time.Date(2026, 11, 24, 12, 0, 0, 0, time.UTC)
	pool := limit.NewPool(limit.Limits{})

	fmt.Println(pool.CloseUntil(now.Add(30*time.Second), limit.RateLimited, now))
	fmt.Println(pool.CloseUntil(now.Add(5*time.Second), limit.RateLimited, now))
	_, wait, ok := pool.Reserve(limit.Need{Requests: 1}, 0, now.Add(10*time.Second))
	_, why, _ := pool.Closed(now)
	fmt.Println(ok, wait, why)
	// Output:
	// true
	// false
	// false 20s rate_limited
}

// A prompt larger than a whole minute's limit passes once the bucket is full, and is paid for after.
func ExamplePool_Reserve_debt() {
	now := time.Date(2026, 11, 24, 12, 0, 0, 0, time.UTC)
	pool := limit.NewPool(limit.Limits{ITPM: 30_000})

	_, _, ok := pool.Reserve(limit.Need{Requests: 1, Input: 150_000}, 0, now)
	fmt.Println(ok, pool.Snapshot(now).Left.Input)
	_, wait, _ := pool.Reserve(limit.Need{Requests: 1, Input: 1_000}, 0, now)
	fmt.Println("the next one waits", wait)
	// Output:
	// true -145000
	// the next one waits 4m52s
}
