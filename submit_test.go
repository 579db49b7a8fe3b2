package fairlead_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"fairlead.dev"
	"fairlead.dev/event"
	"fairlead.dev/fakellm"
	"fairlead.dev/queue"
)

// told counts how often each callback was called, and with what.
type told struct {
	mu   sync.Mutex
	errs map[int][]error
}

func (c *told) callback(n int) func(fairlead.Response, error) {
	return func(got fairlead.Response, err error) {
		c.mu.Lock()
		defer c.mu.Unlock()
		if err == nil && got.Text != fakellm.Text(60) {
			err = fmt.Errorf("the text is %q", got.Text)
		}
		c.errs[n] = append(c.errs[n], err)
	}
}

// of returns what a callback was called with.
func (c *told) of(n int) []error {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.errs[n]
}

// R34: every callback is called once, with other callbacks panicking beside it; a panic is told as an event.
func TestR34CallbacksAreCalledOnce(t *testing.T) {
	bubble(t, func(t *testing.T) {
		w := newWorld(t, func(cfg *fairlead.Config) {
			chain("a/good")(cfg)
			cfg.Queue.MaxInFlight = 2
		})
		w.script("a", `{"ttft":"1s"}`)
		ctx, cancel := context.WithCancel(t.Context())
		panicked := 0
		go func() {
			for e := range w.client.Events(ctx) {
				if e.Kind == event.Panicked && e.Detail == "a callback: string" {
					panicked++
				}
			}
		}()
		synctest.Wait()
		c := &told{errs: map[int][]error{}}
		for i := range 30 {
			done := c.callback(i)
			if i%3 == 0 {
				done = func(fairlead.Response, error) { panic("in a callback") }
			}
			w.client.Submit(ctx, fairlead.Request{Model: "m", Prompt: "hi", Class: fairlead.Low}, done)
		}
		synctest.Wait()
		if l := w.client.Load(); l.Calls != 30 || l.InFlight != 2 || l.Waiting != 28 || l.Targets[0].Queue.Class(queue.Low) != 28 {
			t.Errorf("load %+v", l)
		}
		time.Sleep(time.Minute)
		if l := w.client.Load(); l.Calls != 0 || l.InFlight != 0 || l.Waiting != 0 {
			t.Errorf("load %+v at the end", l)
		}
		for i := range 30 {
			if errs := c.of(i); i%3 != 0 && (len(errs) != 1 || errs[0] != nil) {
				t.Errorf("callback %d: %v", i, errs)
			}
		}
		cancel()
		synctest.Wait()
		if panicked != 10 {
			t.Errorf("told of %d panics, want 10", panicked)
		}
	})
}

// R36: a drain lets open calls finish, tells the waiting, and calls every callback; so does a client that is closed
// already.
func TestR36CallbacksAfterADrain(t *testing.T) {
	bubble(t, func(t *testing.T) {
		w := newWorld(t, func(cfg *fairlead.Config) {
			chain("a/good")(cfg)
			cfg.Queue.MaxInFlight = 3
		})
		w.script("a", `{"ttft":"10s"}`)
		c := &told{errs: map[int][]error{}}
		for i := range 9 {
			w.client.Submit(t.Context(), fairlead.Request{Model: "m", Prompt: "hi"}, c.callback(i))
		}
		synctest.Wait()
		ctx, cancel := context.WithTimeout(t.Context(), 15*time.Second)
		defer cancel()
		if err := w.client.Drain(ctx); err != nil {
			t.Errorf("drain: %v", err)
		}
		w.client.Submit(t.Context(), fairlead.Request{Model: "m", Prompt: "hi"}, c.callback(9))
		synctest.Wait()
		good, closed := 0, 0
		for i := range 10 {
			switch errs := c.of(i); {
			case len(errs) != 1:
				t.Errorf("callback %d: %v", i, errs)
			case errs[0] == nil:
				good++
			case errors.Is(errs[0], fairlead.ErrClosed):
				closed++
				if e, ok := errors.AsType[*fairlead.Error](errs[0]); i < 9 && (!ok || e.Header.Get("X-Should-Retry") != "true" || e.Header.Get("Retry-After-Ms") != "1000" || e.Header.Get("Retry-After") != "1") {
					t.Errorf("callback %d: %+v", i, errs[0])
				}
			}
		}
		if good != 3 || closed != 7 {
			t.Errorf("%d answered, %d told that the client is closed", good, closed)
		}
	})
}

// A client that is closed tells those who wait at a target of an older
// configuration too.
func TestCloseAfterAReload(t *testing.T) {
	bubble(t, func(t *testing.T) {
		var cfg fairlead.Config
		w := newWorld(t, func(c *fairlead.Config) {
			chain("a/good")(c)
			c.Limits.RPM = 2 // two of three calls wait for their limit, with nothing in flight
			cfg = *c
		})
		c := &told{errs: map[int][]error{}}
		for i := range 3 {
			w.client.Submit(t.Context(), fairlead.Request{Model: "m", Prompt: "hi"}, c.callback(i))
		}
		synctest.Wait()
		cfg.Queue.MaxInFlight = 2
		if err := w.client.Reload(cfg); err != nil {
			t.Fatal(err)
		}
		began := time.Now()
		w.client.Close()
		if took := time.Since(began); took > 0 || len(c.of(0)) != 1 || len(c.of(1)) != 1 || len(c.of(2)) != 1 {
			t.Errorf("closed after %v, told %v, %v, %v", took, c.of(0), c.of(1), c.of(2))
		}
	})
}

// Each tenant's calls are counted by what became of them, and names from clients
// cannot fill the memory.
func TestTenants(t *testing.T) {
	bubble(t, func(t *testing.T) {
		w := newWorld(t, func(cfg *fairlead.Config) {
			chain("a/fail-529")(cfg)
			cfg.Models = append(cfg.Models, fairlead.Model{Name: "busy", Chain: []string{"a/full"}, Policies: fairlead.Policies{
				Queue: queue.Config{MaxInFlight: 1, MaxWaiting: -1},
			}})
			cfg.Retry.Attempts = 1
		})
		w.script("a", `{"rules":[{"match":{"model":"full"},"fault":{"ttft":"5s"}}]}`)
		as := func(name string) func(*fairlead.Call) { return func(c *fairlead.Call) { c.Tenant = name } }
		w.whole(w.ask("anthropic", "good", true, as("a")))
		w.whole(w.ask("anthropic", "good", false, as("a")))
		w.ask("anthropic", "m", true, as("a"))
		go w.ask("anthropic", "busy", false, as("b"))
		synctest.Wait()
		w.ask("anthropic", "busy", false, as("b"))
		list := w.client.Tenants()
		a, b := list[0], list[1]
		if a.Name != "a" || a.Calls != 3 || a.Answered != 2 || a.Failed != 1 || a.Refused != 0 || a.Open != 0 || a.Usage.Output != 120 || a.Usage.Input < 40 {
			t.Errorf("%+v", a)
		}
		if b.Name != "b" || b.Calls != 2 || b.Refused != 1 || b.Open != 1 {
			t.Errorf("%+v", b)
		}
		for i := range 1500 {
			w.ask("anthropic", "unheard of:fail-400", false, as(fmt.Sprint("tenant", i)))
		}
		list = w.client.Tenants()
		other := slices.IndexFunc(list, func(t fairlead.Tenant) bool { return t.Name == "other" })
		if len(list) != 1001 || other < 0 || list[other].Calls != 502 {
			t.Errorf("%d tenants", len(list))
		}
		time.Sleep(time.Minute)
	})
}
