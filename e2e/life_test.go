package e2e

import (
	"context"
	"errors"
	"sync"
	"testing"
	"time"

	"fairlead.dev/fakellm"
)

// TestClientLeaves: when the SDK's context ends, so does the request to the
// provider; nobody pays for words that nobody reads.
func TestClientLeaves(t *testing.T) {
	t.Parallel()
	for _, fault := range []string{"silent", "slow-tokens-1s"} {
		t.Run(fault, func(t *testing.T) {
			t.Parallel()
			eachWay(t, setup{main: always(fault)}, func(t *testing.T, b *bench) {
				ctx, cancel := context.WithCancel(t.Context())
				defer cancel()
				go func() {
					b.main.until(t, "main is asked", func(list []fakellm.Attempt) bool { return len(list) == 1 })
					cancel()
				}()
				_, err := b.Stream(ctx, question{model: b.primary})
				if !errors.Is(err, context.Canceled) {
					t.Errorf("the SDK got %v", err)
				}
				b.main.until(t, "main sees the client leave", func(list []fakellm.Attempt) bool { return list[0].Canceled })
				b.wantAsked(t, 1, 0)
			})
		})
	}
}

// until waits for a fact in the fake's log.
func (f *fake) until(t *testing.T, what string, fact func([]fakellm.Attempt) bool) {
	for end := time.Now().Add(patience); !fact(f.asked()); time.Sleep(5 * time.Millisecond) {
		if time.Now().After(end) {
			t.Errorf("waited in vain: %s: %+v", what, f.asked())
			return
		}
	}
}

// TestDeadline: the SDK's own deadline ends a call that a provider lets hang. A
// client in the same process knows the deadline, and keeps a part of it for the
// spare; Wrap has no spare, and the gateway is not told.
func TestDeadline(t *testing.T) {
	t.Parallel()
	for _, way := range []string{viaWrap, viaClient, viaGateway} {
		eachSDK(t, way, setup{main: always("silent")}, func(t *testing.T, b *bench) {
			ctx, cancel := context.WithTimeout(t.Context(), 4*time.Second)
			defer cancel()
			a, err := b.Ask(ctx, question{model: b.primary})
			if way == viaClient {
				b.wantWhole(t, a, err)
				b.wantAsked(t, 1, 1)
				return
			}
			if !errors.Is(err, context.DeadlineExceeded) {
				t.Errorf("the SDK got %v", err)
			}
			b.wantAsked(t, 1, 0)
		})
	}
}

// TestSlowButHealthy: the clocks of a stream run between two events. A long
// answer is not cut because it is long.
func TestSlowButHealthy(t *testing.T) {
	t.Parallel()
	eachChain(t, setup{main: always("slow-tokens-75ms"), short: true}, func(t *testing.T, b *bench) {
		began := time.Now()
		a, err := b.call(t, question{model: b.primary}, true)
		b.wantWhole(t, a, err)
		b.wantAsked(t, 1, 0)
		if took := time.Since(began); took < shortClock {
			t.Errorf("%v proves nothing: the clocks are longer", took)
		}
	})
}

// TestCrowd: many programs at once, a provider that fails every third request
// in one way or another, and not one of them notices.
func TestCrowd(t *testing.T) {
	t.Parallel()
	const crowd = 48
	script := `{"rules":[{"every":3,"fault":"fail-529"},{"every":5,"fault":"reset"},{"every":7,"fault":"cut-after-0"},
		{"every":11,"fault":"retry-after-1"},{"every":13,"fault":"html-502"}]}`
	eachChain(t, setup{main: script}, func(t *testing.T, b *bench) {
		var wg sync.WaitGroup
		for i := range crowd {
			wg.Go(func() {
				a, err := b.call(t, question{model: b.primary}, i%2 == 0)
				if err != nil || a.text != whole {
					t.Errorf("client %d read %q, %v", i, a.text, err)
				}
			})
		}
		wg.Wait()
		b.wantSent(t, crowd)
		if n := len(b.main.asked()); n > crowd*12/10+10 {
			t.Errorf("main was asked %d times for %d calls: retries are no fifth of the load any more", n, crowd)
		}
	})
}

// TestDrain: a stream that is under way when the gateway is told to stop comes
// to its end, and the program then exits in order (serve checks that).
func TestDrain(t *testing.T) {
	t.Parallel()
	for _, m := range makers {
		t.Run(m.name, func(t *testing.T) {
			t.Parallel()
			b := &bench{maker: m, main: newFake(t, always("slow-tokens-20ms")), spare: newFake(t, "")}
			g := serve(t, chains(b.main, b.spare, false))
			b.connect(t, g.url, "sk-client", plainClient())
			go func() {
				b.main.until(t, "main answers", func(list []fakellm.Attempt) bool { return len(list) == 1 && !list[0].First.IsZero() })
				g.terminate()
			}()
			a, err := b.call(t, question{model: b.primary}, true)
			b.wantWhole(t, a, err)
		})
	}
}
