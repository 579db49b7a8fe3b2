package e2e

import (
	"net/http"
	"strconv"
	"testing"
	"time"
)

// TestRateLimitSoon: a limit that opens within the patience is waited for.
func TestRateLimitSoon(t *testing.T) {
	t.Parallel()
	eachWay(t, setup{main: once("retry-after-2")}, func(t *testing.T, b *bench) {
		a, err := b.Ask(t.Context(), question{model: b.primary})
		b.wantWhole(t, a, err)
		b.wantSent(t, 1)
		b.wantAsked(t, 2, 0)
		asked := b.main.asked()
		if gap := asked[len(asked)-1].At.Sub(asked[0].At); gap < 2*time.Second {
			t.Errorf("main was asked again after %v, it had said 2 s", gap)
		}
	})
}

// TestRateLimitLate: a limit that opens in an hour is not waited for. Without
// Fairlead an SDK sleeps the hour.
func TestRateLimitLate(t *testing.T) {
	t.Parallel()
	s := setup{main: always("retry-after-3600")}
	eachChain(t, s, func(t *testing.T, b *bench) {
		forms(t, func(t *testing.T, streamed bool) {
			a, err := b.call(t, question{model: b.primary}, streamed)
			b.wantWhole(t, a, err)
			b.wantFallback(t)
		})
		b.wantAsked(t, 1, 2) // the second call knows that the pool is shut
		if gap := b.spare.asked()[0].At.Sub(b.main.asked()[0].At); gap > patience {
			t.Errorf("spare was asked %v after main", gap)
		}
	})
	eachSDK(t, viaWrap, s, func(t *testing.T, b *bench) {
		_, err := b.call(t, question{model: b.primary}, false)
		b.wantFailure(t, err, http.StatusTooManyRequests, "")
		b.wantSent(t, 1)
		b.wantAsked(t, 1, 0)
		if after := b.sent.last(t).header.Get("retry-after"); after != "3600" {
			t.Errorf("retry-after is %q, the provider had said 3600", after)
		}
		_, err = b.call(t, question{model: b.primary}, true) // refused here: the pool is shut
		b.wantFailure(t, err, http.StatusTooManyRequests, "")
		b.wantSent(t, 2)
		b.wantAsked(t, 1, 0)
		if after, _ := strconv.Atoi(b.sent.last(t).header.Get("retry-after")); after < 3000 || after > 4000 {
			t.Errorf("retry-after is %d, want the rest of the hour", after)
		}
	})
}
