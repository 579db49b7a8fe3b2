package retry_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"time"

	"fairlead.dev/retry"
)

// A failed attempt: read the server's hint, then ask whether waiting is worth it.
func Example() {
	now := time.Date(2026, 11, 24, 12, 0, 0, 0, time.UTC)
	policy, budget := retry.Policy{}, retry.NewBudget(0)
	budget.Deposit(now)

	answer := http.Header{"Retry-After": {"Tue, 24 Nov 2026 12:00:04 GMT"}}
	hint, _ := retry.HeaderHint(answer, now)
	wait := policy.Wait(1, hint, 0.5) // rand.Float64() outside examples

	fmt.Println("hint", hint, "wait", wait)
	fmt.Println("attempts left:", policy.Again(1, 1))
	fmt.Println("worth staying:", policy.Patient(hint))
	fmt.Println("in time:", retry.Fits(wait, 30*time.Second, 2*time.Second))
	fmt.Println("affordable:", budget.Withdraw(now))
	// Output:
	// hint 4s wait 4.2s
	// attempts left: true
	// worth staying: true
	// in time: true
	// affordable: true
}

// Do is the same in a loop, for programs that use the package alone.
func ExamplePolicy_Do() {
	policy, budget := retry.Policy{Attempts: 3}, retry.NewBudget(0)
	n := 0
	err := policy.Do(context.Background(), budget, func(context.Context) (time.Duration, bool, error) {
		if n++; n == 1 {
			return 0, true, errors.New("529 overloaded_error")
		}
		return 0, false, nil
	})
	fmt.Println(n, err)
	// Output: 2 <nil>
}

// The cap comes before the jitter: even at the cap, waits stay spread.
func ExamplePolicy_Backoff() {
	p := retry.Policy{}
	for n := 1; n <= 6; n++ {
		fmt.Println(n, p.Backoff(n, 0.5), "to", p.Backoff(n, 0.999).Round(10*time.Millisecond))
	}
	// Output:
	// 1 250ms to 500ms
	// 2 500ms to 1s
	// 3 1s to 2s
	// 4 2s to 4s
	// 5 4s to 7.99s
	// 6 4s to 7.99s
}

func ExampleTextHint() {
	fmt.Println(retry.TextHint("Rate limit reached on tokens per min (TPM). Please try again in 1m9.696s."))
	fmt.Println(retry.TextHint("Please try again later."))
	// Output:
	// 1m9.696s true
	// 0s false
}

func ExampleResetHint() {
	now := time.Date(2026, 11, 24, 12, 0, 0, 0, time.UTC)
	for _, v := range []string{"6m0s", "45.837906927s", "37", "2026-11-24T12:01:00Z", "-1"} {
		d, ok := retry.ResetHint(v, now)
		fmt.Println(d, ok)
	}
	// Output:
	// 6m0s true
	// 45.837906927s true
	// 37s true
	// 1m0s true
	// 0s false
}
