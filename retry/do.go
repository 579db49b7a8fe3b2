package retry

import (
	"context"
	"errors"
	"math"
	"math/rand/v2"
	"time"
)

// Try is one attempt. It returns nil when it succeeded. Otherwise again says whether the failure
// is one that another attempt may cure, and hint how long the server asked to wait (0: it did not).
type Try func(ctx context.Context) (hint time.Duration, again bool, err error)

// Do calls try until it succeeds, fails for good, or the policy has had enough, and returns the
// last attempt's own error: never a timeout that hides it. It gives up at once, without waiting,
// when the attempts are used up, the hint is longer than Patience (there may be someone else to
// ask; raise Patience if there is not), the wait does not fit ctx's deadline, or b has no token.
//
// If ctx ends during a wait, the token goes back and the error is the attempt's joined with
// ctx's cause. If ctx has ended before the first attempt, the error is ctx's cause.
// b may be nil, for no budget; one Budget is meant to be shared by all calls to one target.
func (p Policy) Do(ctx context.Context, b *Budget, try Try) error {
	if ctx.Err() != nil {
		return context.Cause(ctx)
	}
	b.Deposit(time.Now())
	for n := 1; ; n++ {
		hint, again, err := try(ctx)
		if err == nil || !again || ctx.Err() != nil || !p.Again(n, n) {
			return err
		}
		wait := p.Wait(n, hint, rand.Float64())
		if hint > 0 && !p.Patient(hint) || !Fits(wait, left(ctx), MinWait) || !b.Withdraw(time.Now()) {
			return err
		}
		if cause := sleep(ctx, wait); cause != nil {
			b.Refund()
			return errors.Join(err, cause)
		}
	}
}

// left returns the time until ctx's deadline, the longest duration if it has none.
func left(ctx context.Context) time.Duration {
	if deadline, ok := ctx.Deadline(); ok {
		return time.Until(deadline)
	}
	return math.MaxInt64
}

// sleep waits, and returns ctx's cause if that ends first.
func sleep(ctx context.Context, wait time.Duration) error {
	timer := time.NewTimer(wait)
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}
