package e2e

import (
	"fmt"
	"net/http"
	"sync"
	"testing"

	"fairlead.dev/fakellm"
)

// TestStorm: two hundred SDK clients that retry on their own ask at once, twice
// each, of a gateway that can answer half of them in time. The provider is never
// asked for more than it can take, and every call ends with the answer or with
// one honest error of the SDK's own type, after no more requests than the SDK
// makes by itself.
func TestStorm(t *testing.T) {
	t.Parallel()
	const clients, capacity, tries = 200, 20, 3
	for _, m := range makers[:1] {
		t.Run(m.name, func(t *testing.T) {
			t.Parallel()
			main := newFake(t, `{"capacity":20,"ttft":"1s"}`)
			g := serve(t, fmt.Sprintf("providers: {main: {dialect: anthropic, base_url: %q, api_keys: [k]}}\n"+
				"models: {only: {chain: [main/claude-opus-5-5]}}\nqueue: {max_in_flight: %d, max_wait: 2s}\n", main.url, capacity))
			var mu sync.Mutex
			var wg sync.WaitGroup
			whole200, honest := 0, 0
			for range clients {
				wg.Go(func() {
					b := &bench{maker: m, main: main}
					b.connect(t, g.url, "sk-client", plainClient())
					for range 2 {
						before := len(b.sent.all())
						a, err := b.Ask(t.Context(), question{model: "only"})
						f, typed := b.Failure(err)
						mu.Lock()
						switch {
						case err == nil && a.text == whole:
							whole200++
						case typed && f.status == http.StatusServiceUnavailable:
							honest++
						default:
							t.Errorf("%q, %v", a.text, err)
						}
						mu.Unlock()
						if sent := len(b.sent.all()) - before; sent > tries {
							t.Errorf("%d requests for one call", sent)
						}
					}
				})
			}
			wg.Wait()
			refused := 0
			attempts := main.asked()
			for _, a := range attempts {
				if a.Status != http.StatusOK {
					refused++
				}
			}
			t.Logf("%d answers, %d errors, %d attempts upstream of which %d were refused", whole200, honest, len(attempts), refused)
			if refused > 0 || len(attempts) != whole200 || whole200 < capacity*4 || most(attempts) > capacity {
				t.Errorf("%d answers, %d errors, %d attempts, %d refused, %d at once", whole200, honest, len(attempts), refused, most(attempts))
			}
		})
	}
}

// most is how many attempts were served at once.
func most(attempts []fakellm.Attempt) (n int) {
	for _, a := range attempts {
		at := 0
		for _, b := range attempts {
			if !b.At.After(a.At) && b.End.After(a.At) {
				at++
			}
		}
		n = max(n, at)
	}
	return n
}
