package fairlead_test

import (
	"context"
	"errors"
	"net/http"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"fairlead.dev"
	"fairlead.dev/breaker"
	"fairlead.dev/event"
	"fairlead.dev/fakellm"
	"fairlead.dev/llm"
	"fairlead.dev/provider/anthropic"
	"fairlead.dev/provider/openai"
	"fairlead.dev/queue"
)

func TestConfigurationFaultsAreAllNamed(t *testing.T) {
	ok := fairlead.Provider{Name: "p", API: anthropic.Provider{}, BaseURL: "http://p"}
	_, err := fairlead.New(fairlead.Config{
		Providers: []fairlead.Provider{
			ok,
			{Name: "p", API: openai.Provider{}, BaseURL: "http://q/v1"},
			{Name: "a/b", API: anthropic.Provider{}, BaseURL: "http://user:pw@x"},
			{Name: "none", BaseURL: "http://x"},
			{Name: "both", API: openai.Provider{}, BaseURL: "http://x", Passthrough: true, Keys: []fairlead.Key{{Secret: "k"}}},
			{Name: "o", API: openai.Provider{}, BaseURL: "http://o"},
		},
		Models: []fairlead.Model{
			{Name: "m", Chain: []string{"p/x", "nobody/x", "x", "p/x", "o/y"}},
			{Name: "m", Chain: []string{"p/x"}},
			{Name: "", Chain: []string{"p/x"}},
			{Name: "empty"},
		},
	})
	if err == nil {
		t.Fatal("accepted")
	}
	for _, want := range []string{
		"Providers[1].Name", "Providers[2].Name", "Providers[2].BaseURL", "Providers[3].API", "Providers[4].Keys",
		`Models[0].Chain[1]: "nobody/x"`, "Models[0].Chain[2]", "Models[0].Chain[3]", "keeps one dialect",
		"Models[1].Name", "Models[2].Name", "Models[3].Chain",
	} {
		if !strings.Contains(err.Error(), want) {
			t.Errorf("no %q in:\n%v", want, err)
		}
	}
	if strings.Contains(err.Error(), "pw") {
		t.Error("a password is printed")
	}
	if _, err := fairlead.New(fairlead.Config{}); err == nil {
		t.Error("a client without providers was made")
	}
}

func TestUnknownModelsAndDialects(t *testing.T) {
	bubble(t, func(t *testing.T) {
		w := newWorld(t, func(cfg *fairlead.Config) {
			cfg.Models = []fairlead.Model{{Name: "m", Chain: []string{"a/x"}}}
		})
		if r := w.ask("anthropic", "other", false); r.status != 404 || !errors.Is(r.err, fairlead.ErrUnknownModel) {
			t.Errorf("status %d, err %v", r.status, r.err)
		}
		if r := w.ask("openai", "m", false); r.status != 400 || !strings.Contains(r.failure, "anthropic") {
			t.Errorf("status %d: %s", r.status, r.failure)
		}
	})
}

// The deadline holds, whatever the targets do, and a silent primary leaves
// time for the next.
func TestDeadline(t *testing.T) {
	modes(t, func(t *testing.T, dialect, p string, stream bool) {
		w := newWorld(t, chain(p+"/silent", p+"/good"))
		r := w.ask(dialect, "m", stream, func(c *fairlead.Call) { c.Deadline = 10 * time.Second })
		w.whole(r)
		if r.took != 5*time.Second {
			t.Errorf("took %v", r.took)
		}
		w = newWorld(t, chain(p+"/silent", p+"/y:silent"))
		r = w.ask(dialect, "m", stream, func(c *fairlead.Call) { c.Deadline = 10 * time.Second })
		if r.err == nil || r.took > 10*time.Second+time.Millisecond {
			t.Errorf("err %v after %v", r.err, r.took)
		}
		w.closedBreakers() // a caller in a hurry opens nothing
	})
}

// Impatient callers, even many, open no breaker.
func TestHastyCallersOpenNothing(t *testing.T) {
	modes(t, func(t *testing.T, dialect, p string, stream bool) {
		w := newWorld(t, chain(p+"/slow-headers-5s"))
		for range 30 {
			w.ask(dialect, "m", stream, func(c *fairlead.Call) { c.Deadline = time.Second })
		}
		w.closedBreakers()
	})
}

// No wait begins that cannot end in time: the original error comes at once.
func TestNoPointlessWaits(t *testing.T) {
	modes(t, func(t *testing.T, dialect, p string, stream bool) {
		w := newWorld(t, chain(p+"/retry-after-60"))
		r := w.ask(dialect, "m", stream, func(c *fairlead.Call) { c.Deadline = 30 * time.Second })
		if r.status != 429 || r.took > 10*time.Millisecond || r.header.Get("Retry-After") != "60" {
			t.Errorf("status %d after %v, headers %v", r.status, r.took, r.header)
		}
		// The pool is known to be closed now: nobody is asked.
		r = w.ask(dialect, "m", stream, func(c *fairlead.Call) { c.Deadline = 30 * time.Second })
		if r.status != 429 || len(w.asked(p)) != 1 || r.header.Get("Retry-After") == "" {
			t.Errorf("status %d, asked %d, headers %v", r.status, len(w.asked(p)), r.header)
		}
		// With the time to wait, it waits.
		r = w.ask(dialect, "m", stream, func(c *fairlead.Call) { c.Deadline = 5 * time.Minute })
		if r.took < 60*time.Second {
			t.Errorf("came back after %v", r.took)
		}
	})
}

func TestPinnedNeverFallsBack(t *testing.T) {
	modes(t, func(t *testing.T, dialect, p string, stream bool) {
		w := newWorld(t, chain(p+"/fail-529", p+"/good"))
		r := w.ask(dialect, "m", stream, func(c *fairlead.Call) { c.Pinned = true })
		if r.status != 529 || len(w.asked(p)) != 2 {
			t.Errorf("status %d, asked %v", r.status, w.asked(p))
		}
	})
}

// A cap on calls in flight makes the rest wait for their turn.
func TestInFlightCap(t *testing.T) {
	modes(t, func(t *testing.T, dialect, p string, stream bool) {
		w := newWorld(t, func(cfg *fairlead.Config) {
			chain(p + "/slow-headers-1s")(cfg)
			cfg.Queue = queue.Config{MaxInFlight: 2, MaxWaiting: 3, MaxWait: time.Minute}
		})
		var wg sync.WaitGroup
		var mu sync.Mutex
		refused, longest := 0, time.Duration(0)
		for range 8 {
			wg.Go(func() {
				r := w.ask(dialect, "m", stream)
				mu.Lock()
				defer mu.Unlock()
				longest = max(longest, r.took)
				if r.err == nil {
					return
				}
				refused++
				if !errors.Is(r.err, queue.ErrFull) || r.status != 503 || r.header.Get("X-Should-Retry") != "true" || r.header.Get("Retry-After-Ms") == "" {
					t.Errorf("refused with %d, %v, %v", r.status, r.header, r.err)
				}
			})
		}
		wg.Wait()
		if refused != 3 || longest != 3*time.Second {
			t.Errorf("%d refused, the longest took %v", refused, longest)
		}
	})
}

func TestConfiguredLimitsHold(t *testing.T) {
	modes(t, func(t *testing.T, dialect, p string, stream bool) {
		w := newWorld(t, func(cfg *fairlead.Config) {
			chain(p + "/good")(cfg)
			cfg.Limits.RPM = 60
			cfg.Timeouts.Total = time.Hour
		})
		began := time.Now()
		for range 100 {
			w.whole(w.ask(dialect, "m", stream))
		}
		if took := time.Since(began); took < 80*time.Second || took > 110*time.Second {
			t.Errorf("100 calls at 60 a minute took %v", took)
		}
	})
}

// A target that cannot take a request is passed over, and its 400 is never the
// result.
func TestIncompatibleTargetsArePassedOver(t *testing.T) {
	bubble(t, func(t *testing.T) {
		w := newWorld(t, func(cfg *fairlead.Config) {
			chain("a/fail-529", "a/small", "a/picky", "a/good")(cfg)
			for i := range cfg.Providers {
				cfg.Providers[i].Adapt = []llm.Adapt{{Model: "small", Window: 10}}
			}
			cfg.Retry.Attempts = 1
		})
		w.script("a", `{"models":[{"name":"picky","reject_fields":["thinking"]},{"name":"good"},{"name":"small"},{"name":"fail-529"}]}`)
		r := w.send(t.Context(), "anthropic", `{"model":"m","max_tokens":2000,"thinking":{"type":"enabled","budget_tokens":1024},
			"messages":[{"role":"user","content":"`+strings.Repeat("x", 200)+`"}]}`)
		if r.err != nil || r.header.Get("Fairlead-Target") != "a/good" {
			t.Fatalf("target %q, err %v\n%s", r.header.Get("Fairlead-Target"), r.err, story(r.report))
		}
		if r.report.Count(event.Cannot) == 0 {
			t.Errorf("small was not passed over:\n%s", story(r.report))
		}
	})
}

func TestPassthrough(t *testing.T) {
	bubble(t, func(t *testing.T) {
		w := newWorld(t, func(cfg *fairlead.Config) {
			for i := range cfg.Providers {
				if cfg.Providers[i].Name == "a" {
					cfg.Providers[i].Passthrough, cfg.Providers[i].Keys = true, nil
				}
			}
			own := fairlead.Provider{Name: "own", API: anthropic.Provider{}, BaseURL: "http://own", Keys: []fairlead.Key{{Secret: "ours"}}}
			cfg.Providers = append(cfg.Providers, own)
			chain("a/fail-529", "own/good")(cfg)
			cfg.Models = append(cfg.Models, fairlead.Model{Name: "rejected", Chain: []string{"a/bad-key", "own/good"}})
		})
		w.serve("own", fakellm.Config{Listen: w.listen})
		// A client that we do not know is not answered on our credential.
		if r := w.ask("anthropic", "m", false); r.status != 529 || len(w.asked("own")) != 0 {
			t.Errorf("status %d, own asked %v", r.status, w.asked("own"))
		}
		// One that we know is.
		r := w.ask("anthropic", "m", false, func(c *fairlead.Call) { c.Trusted = true })
		w.whole(r)
		// A client's rejected key is its own 401 and closes nothing.
		for range 20 {
			if r := w.ask("anthropic", "rejected", false, func(c *fairlead.Call) { c.Trusted = true }); r.status != 401 {
				t.Fatalf("status %d", r.status)
			}
		}
		w.whole(w.ask("anthropic", "fine", false))
		if got := w.fake["a"].Attempts()[0].Header; got.Get("X-Api-Key") == "" {
			t.Errorf("the client's key did not travel: %v", got)
		}
	})
}

// A rejected key of ours is no 401 of the client's.
func TestOurRejectedKeyIsA503(t *testing.T) {
	modes(t, func(t *testing.T, dialect, p string, stream bool) {
		w := newWorld(t, chain(p+"/fail-401"))
		r := w.ask(dialect, "m", stream)
		if r.status != 503 || strings.Contains(r.failure, "sk-") {
			t.Errorf("status %d: %s", r.status, r.failure)
		}
		// The key is closed: nobody is asked with it for a while.
		if r = w.ask(dialect, "good", stream); r.status != 503 || len(w.asked(p)) != 1 {
			t.Errorf("status %d, asked %v", r.status, w.asked(p))
		}
		time.Sleep(31 * time.Second)
		w.whole(w.ask(dialect, "good", stream))
	})
}

// Several keys are several pools: when one is limited the next is used.
func TestSeveralKeys(t *testing.T) {
	modes(t, func(t *testing.T, dialect, p string, stream bool) {
		w := newWorld(t, func(cfg *fairlead.Config) {
			for i := range cfg.Providers {
				cfg.Providers[i].Keys = []fairlead.Key{{Secret: "k-one"}, {Secret: "k-two"}}
			}
			chain(p + "/retry-after-60-once")(cfg)
		})
		r := w.ask(dialect, "m", stream)
		w.whole(r)
		got := w.fake[p].Attempts()
		if len(got) != 2 || got[0].Key == got[1].Key || r.took > time.Second {
			t.Errorf("%d attempts in %v", len(got), r.took)
		}
	})
}

func TestReload(t *testing.T) {
	bubble(t, func(t *testing.T) {
		var cfg fairlead.Config
		w := newWorld(t, func(c *fairlead.Config) {
			chain("a/fail-529", "a/good")(c)
			cfg = *c
		})
		for range 5 {
			w.ask("anthropic", "m", false)
		}
		before := w.client.Targets()
		if before[0].Breaker.State != breaker.Open {
			t.Fatalf("breaker %v", before[0].Breaker.State)
		}
		if err := w.client.Reload(fairlead.Config{}); err == nil {
			t.Error("a faulty configuration was taken")
		}
		open := make(chan result)
		go func() { open <- w.ask("anthropic", "slow-tokens-100ms", true) }()
		synctest.Wait()
		cfg.Models = append(cfg.Models, fairlead.Model{Name: "new", Chain: []string{"a/other"}})
		if err := w.client.Reload(cfg); err != nil {
			t.Fatal(err)
		}
		w.whole(<-open)
		w.whole(w.ask("anthropic", "new", false))
		after := w.client.Targets()
		if after[0].Breaker.State == breaker.Closed {
			t.Error("the breaker was forgotten")
		}
		cfg.Breaker.Consecutive = 7
		if err := w.client.Reload(cfg); err != nil {
			t.Fatal(err)
		}
		if got := w.client.Targets(); got[0].Breaker.State != breaker.Closed {
			t.Error("a target with other settings kept its breaker")
		}
	})
}

func TestDrainWaitsForOpenCalls(t *testing.T) {
	bubble(t, func(t *testing.T) {
		w := newWorld(t, nil)
		open := make(chan result)
		go func() { open <- w.ask("anthropic", "slow-tokens-100ms", true) }()
		time.Sleep(time.Second)
		drained := make(chan error)
		go func() { drained <- w.client.Drain(context.Background()) }()
		synctest.Wait()
		r := w.ask("anthropic", "good", false)
		if r.status != 503 || !errors.Is(r.err, fairlead.ErrClosed) || r.header.Get("X-Should-Retry") != "true" {
			t.Errorf("a new call got %d, %v", r.status, r.err)
		}
		w.whole(<-open)
		if err := <-drained; err != nil {
			t.Error(err)
		}
	})
}

func TestDrainEndsWhatTakesTooLong(t *testing.T) {
	modes(t, func(t *testing.T, dialect, p string, stream bool) {
		w := newWorld(t, nil)
		calls := []string{"slow-tokens-1s", "silent", "retry-after-30"}
		open := make(chan result, len(calls))
		for _, model := range calls {
			go func() { open <- w.ask(dialect, model, stream) }()
		}
		time.Sleep(2 * time.Second)
		ctx, cancel := context.WithTimeout(t.Context(), 3*time.Second)
		defer cancel()
		began := time.Now()
		if err := w.client.Drain(ctx); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("err %v", err)
		}
		for range calls {
			r := <-open
			if r.err == nil || r.complete {
				t.Errorf("status %d, complete %v", r.status, r.complete)
			}
		}
		if took := time.Since(began); took != 3*time.Second {
			t.Errorf("took %v", took)
		}
		if err := w.client.Close(); err != nil {
			t.Error(err)
		}
	})
}

func TestOverride(t *testing.T) {
	bubble(t, func(t *testing.T) {
		w := newWorld(t, chain("a/primary", "a/good"))
		o := breaker.Override{Mode: breaker.ForceOpen, Reason: "maintenance", Until: time.Now().Add(time.Minute)}
		if err := w.client.Override("a/primary", o); err != nil {
			t.Fatal(err)
		}
		if r := w.ask("anthropic", "m", false); r.header.Get("Fairlead-Target") != "a/good" || r.header.Get("Fairlead-Reason") != "breaker_open" {
			t.Errorf("headers %v", r.header)
		}
		time.Sleep(time.Minute)
		if r := w.ask("anthropic", "m", false); r.header.Get("Fairlead-Target") != "a/primary" {
			t.Errorf("headers %v", r.header)
		}
		if err := w.client.Override("nobody", o); err == nil {
			t.Error("an unknown name was taken")
		}
	})
}

// Everything that is decided is an event, and watchers see it.
func TestEventsAndReports(t *testing.T) {
	bubble(t, func(t *testing.T) {
		var mu sync.Mutex
		seen := map[event.Kind]int{}
		w := newWorld(t, func(cfg *fairlead.Config) {
			chain("a/fail-500", "a/spend-limit", "a/good")(cfg)
			cfg.Observe = func(e event.Event) {
				mu.Lock()
				defer mu.Unlock()
				seen[e.Kind]++
			}
		})
		ctx, cancel := context.WithCancel(t.Context())
		watched := 0
		go func() {
			for range w.client.Events(ctx) {
				watched++
			}
		}()
		synctest.Wait()
		r := w.ask("anthropic", "m", false)
		synctest.Wait()
		cancel()
		synctest.Wait()
		mu.Lock()
		defer mu.Unlock()
		for _, k := range []event.Kind{event.Arrived, event.Started, event.Ended, event.Waiting, event.Hopped, event.KeyClosed} {
			if seen[k] == 0 {
				t.Errorf("no event %v", k)
			}
		}
		got, ok := w.client.Report(r.header.Get("Fairlead-Call"))
		if !ok || len(got.Events()) != watched || got.Summary().End.IsZero() {
			t.Errorf("found %v, %d events, %d watched", ok, len(got.Events()), watched)
		}
		if len(w.client.Reports()) != 1 {
			t.Errorf("%d reports", len(w.client.Reports()))
		}
	})
}

func TestReady(t *testing.T) {
	bubble(t, func(t *testing.T) {
		w := newWorld(t, func(cfg *fairlead.Config) {
			cfg.Models = []fairlead.Model{{Name: "m", Chain: []string{"a/fail-529"}}}
		})
		if err := w.client.Ready(); err != nil {
			t.Error(err)
		}
		for range 5 {
			w.ask("anthropic", "m", false)
		}
		if err := w.client.Ready(); err == nil || !strings.Contains(err.Error(), "breaker_open") {
			t.Errorf("err %v", err)
		}
	})
}

// A connection that died in the pool is not held against the provider.
func TestDeadConnectionsAreRepeatedOnAFreshOne(t *testing.T) {
	modes(t, func(t *testing.T, dialect, p string, stream bool) {
		w := newWorld(t, chain(p+"/good", p+"/other"))
		w.whole(w.ask(dialect, "m", stream))
		w.script(p, `{"rules":[{"match":{"model":"good"},"times":1,"fault":"reset"}]}`)
		r := w.ask(dialect, "m", stream)
		w.whole(r)
		if r.header.Get("Fairlead-Target") != p+"/good" || r.took > time.Millisecond || r.report.Count(event.Fresh) > 1 {
			t.Errorf("headers %v after %v\n%s", r.header, r.took, story(r.report))
		}
		w.closedBreakers()
		for _, s := range w.client.Targets() {
			if s.Breaker.Failures != 0 {
				t.Errorf("%s: %d failures", s.Name, s.Breaker.Failures)
			}
		}
	})
}

func TestOtherPathsAreOnlyRepeatedWhenTheyWereNotProcessed(t *testing.T) {
	bubble(t, func(t *testing.T) {
		w := newWorld(t, nil)
		send := func(path string) (int, http.Header) {
			r, err := openai.Provider{}.Parse("POST", path, "", http.Header{"Authorization": {"Bearer x"}}, []byte(`{"model":"fail-500","input":"x"}`))
			if err != nil {
				t.Fatal(err)
			}
			a, err := w.client.Do(t.Context(), fairlead.Call{Request: r})
			if e, ok := errors.AsType[*fairlead.Error](err); ok {
				return e.Status, e.Header
			}
			defer a.Close()
			return a.Status, a.Header
		}
		status, _ := send("/v1/embeddings")
		if status != 500 || len(w.asked("o")) != 1 {
			t.Errorf("status %d, the provider saw %+v", status, w.fake["o"].Attempts())
		}
		w.fake["o"].Close()
		if status, _ = send("/v1/embeddings"); status != 503 {
			t.Errorf("status %d from a provider that is gone", status)
		}
	})
}
