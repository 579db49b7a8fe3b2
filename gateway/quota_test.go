package gateway_test

import (
	"encoding/json"
	"io"
	"net/http"
	"runtime"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"fairlead.dev"
	"fairlead.dev/event"
	"fairlead.dev/fakellm"
	"fairlead.dev/gateway"
	"fairlead.dev/limit"
)

// later sends a request and reads its answer while the test goes on.
func (w *world) later(body string, headers ...string) {
	go func() {
		resp, err := w.start(w.Context(), "POST", "/v1/messages", strings.NewReader(body), headers...)
		if err != nil {
			w.Error(err)
			return
		}
		defer resp.Body.Close()
		_, _ = io.Copy(io.Discard, resp.Body)
	}()
}

// limited gives each key of withKeys a limit.
func limited(l limit.Limits, inFlight int) func(*gateway.Config) {
	return func(c *gateway.Config) {
		withKeys(c)
		c.Keys[0].Limits, c.Keys[0].MaxInFlight = l, inFlight
	}
}

// TestQuota: a key's limits hold for it alone, in each dialect's own words, with when to come back; nothing that
// is refused goes upstream.
func TestQuota(t *testing.T) {
	for name, c := range map[string]struct {
		limits limit.Limits
		passes int // at once
		wait   time.Duration
		text   string
	}{
		"requests": {limit.Limits{RPM: 3}, 3, 20 * time.Second, "3 requests a minute"},
		"input":    {limit.Limits{ITPM: 60}, 3, time.Second, "60 input tokens a minute"},
		"output":   {limit.Limits{OTPM: 240}, 3, time.Second, "240 output tokens a minute"},
	} {
		t.Run(name, func(t *testing.T) {
			bubble(t, setup{gateway: limited(c.limits, 0)}, func(w *world) {
				passed := 0
				for range 10 {
					got := w.ask("POST", "/v1/messages", message("opus"), "x-api-key: fl-web", version)
					if got.StatusCode == 200 {
						passed++
						continue
					}
					got.wants(w, 429, `"rate_limit_error"`, `the key \"web\" has used up its limit of `+c.text)
					if got.Header.Get("X-Should-Retry") != "true" || got.Header.Get("Retry-After") == "" {
						w.Errorf("headers %v", got.Header)
					}
				}
				if asked := len(w.credentials()); passed != c.passes || asked != passed {
					w.Errorf("%d passed, %d asked upstream, want %d", passed, asked, c.passes)
				}
				w.ask("POST", "/v1/chat/completions", message("gpt"), "authorization: Bearer fl-web").wants(w, 429, `"rate_limit_exceeded"`)
				w.ask("POST", "/v1/messages", message("opus"), "x-api-key: fl-ops", version).wants(w, 200)
				w.ask("GET", "/v1/models", "", "x-api-key: fl-web", version).wants(w, 200)
				w.ask("POST", "/v1/messages/count_tokens", message("opus"), "x-api-key: fl-web", version).wants(w, 200)
				// What was used up comes back, and a reload does not bring it back sooner.
				if err := w.gw.Reload(w.gwCfg); err != nil {
					w.Fatal(err)
				}
				w.ask("POST", "/v1/messages", message("opus"), "x-api-key: fl-web", version).wants(w, 429)
				faulty := w.gwCfg
				faulty.Mounts = map[string]http.Handler{"GET /x": http.NotFoundHandler(), "GET  /x": http.NotFoundHandler()}
				faulty.Keys = append([]gateway.Key(nil), w.gwCfg.Keys...)
				faulty.Keys[0].Limits = limit.Limits{}
				if err := w.gw.Reload(faulty); err == nil {
					w.Fatal("a faulty configuration was taken")
				}
				w.ask("POST", "/v1/messages", message("opus"), "x-api-key: fl-web", version).wants(w, 429)
				time.Sleep(time.Minute)
				w.ask("POST", "/v1/messages", message("opus"), "x-api-key: fl-web", version).wants(w, 200)
			})
		})
	}
}

// TestCallsAtOnce: a key has so many calls in flight and no more, streams to their end included.
func TestCallsAtOnce(t *testing.T) {
	slow := fakellm.Config{PerToken: time.Second}
	bubble(t, setup{gateway: limited(limit.Limits{}, 2), fake: slow}, func(w *world) {
		for range 2 {
			w.later(message("opus", streamed), "x-api-key: fl-web", version)
		}
		time.Sleep(30 * time.Second)
		w.ask("POST", "/v1/messages", message("opus"), "x-api-key: fl-web", version).wants(w, 429, `has 2 calls in flight`)
		w.later(message("opus", streamed), "x-api-key: fl-ops", version)
		time.Sleep(time.Minute)
		w.ask("POST", "/v1/messages", message("opus:fail-400"), "x-api-key: fl-web", version).wants(w, 404) // and gives its place back
		w.ask("POST", "/v1/messages", message("opus"), "x-api-key: fl-web", version).wants(w, 200)
	})
}

// TestAPanicGivesItsPlaceBack: of the key that it was called with.
func TestAPanicGivesItsPlaceBack(t *testing.T) {
	breaks := func(c *fairlead.Config) {
		c.Observe = func(e event.Event) {
			if e.Kind == event.Started {
				panic("in an observer")
			}
		}
	}
	bubble(t, setup{gateway: limited(limit.Limits{}, 1), client: breaks}, func(w *world) {
		for range 3 {
			w.ask("POST", "/v1/messages", message("opus"), "x-api-key: fl-web", version).wants(w, 500)
		}
	})
}

// TestTenantsAndLoad: what each tenant has used, and what goes on now.
func TestTenantsAndLoad(t *testing.T) {
	one := func(c *fairlead.Config) { c.Queue.MaxInFlight = 1 }
	bubble(t, setup{gateway: withKeys, client: one, fake: fakellm.Config{TTFT: time.Second}}, func(w *world) {
		w.ask("POST", "/v1/messages", message("opus"), "x-api-key: fl-web", version).wants(w, 200)
		w.ask("POST", "/v1/messages", message("opus"), "x-api-key: fl-web", version, "fairlead-tenant: blue").wants(w, 200)
		for range 3 {
			w.later(message("opus"), "x-api-key: fl-ops", version)
		}
		synctest.Wait()
		var load fairlead.Load
		if err := json.Unmarshal([]byte(w.ask("GET", "http://localhost:8081/api/load", "").body), &struct {
			*fairlead.Load
			Targets []struct{}
		}{Load: &load}); err != nil {
			w.Fatal(err)
		}
		if load.Calls != 3 || load.InFlight != 1 || load.Waiting != 2 {
			w.Errorf("%+v", load)
		}
		w.ask("GET", "http://localhost:8081/api/load", "").wants(w, 200, `"critical": 2`, `"target": "a/opus"`)
		time.Sleep(10 * time.Second)
		var tenants []fairlead.Tenant
		if err := json.Unmarshal([]byte(w.ask("GET", "http://localhost:8081/api/tenants", "").body), &tenants); err != nil {
			w.Fatal(err)
		}
		calls := map[string]int64{}
		for _, t := range tenants {
			if calls[t.Name] = t.Answered; t.Usage.Output != int(60*t.Answered) {
				w.Errorf("%+v", t)
			}
		}
		if len(calls) != 3 || calls["web"] != 1 || calls["blue"] != 1 || calls["ops"] != 3 {
			w.Errorf("%+v", tenants)
		}
	})
	bad := gateway.Config{Keys: []gateway.Key{{Name: "web", SHA256: [32]byte{1}, MaxInFlight: -1, Limits: limit.Limits{RPM: -1}}}}
	if _, err := gateway.New(bad); err == nil {
		t.Error("negative limits were taken")
	}
}

// TestLargeBodiesWait: large bodies are held within max_bytes, once each while their calls wait, and who does
// not fit is refused at arrival.
func TestLargeBodiesWait(t *testing.T) {
	const mib, size = 1 << 20, 8
	heap := func() int64 {
		runtime.GC()
		var m runtime.MemStats
		runtime.ReadMemStats(&m)
		return int64(m.HeapAlloc)
	}
	few := func(c *fairlead.Config) {
		c.MaxBytes, c.Queue.MaxInFlight = (3*size+1)*mib, 1
		c.Models = append(c.Models, fairlead.Model{Name: "big", Chain: []string{"a/opus"}}) // its name has to be written into each body
	}
	bubble(t, setup{client: few, fake: fakellm.Config{TTFT: 10 * time.Second}}, func(w *world) {
		body := strings.Replace(message("big"), "hi", strings.Repeat("rope", size*mib/4), 1)
		before := heap()
		var mu sync.Mutex
		statuses := map[int]int{}
		for range 6 {
			go func() {
				resp, err := w.start(w.Context(), "POST", "/v1/messages", strings.NewReader(body), version)
				if err != nil {
					w.Error(err)
					return
				}
				defer resp.Body.Close()
				_, _ = io.Copy(io.Discard, resp.Body)
				mu.Lock()
				defer mu.Unlock()
				statuses[resp.StatusCode]++
			}()
		}
		time.Sleep(5 * time.Second)
		l := w.client.Load()
		if l.Bytes > (3*size+1)*mib || l.InFlight != 1 || l.Waiting != 2 {
			w.Errorf("%+v", l)
		}
		// Three bodies, the one in flight once more, and what the fake makes of it, are seven; nine if those who
		// wait held theirs twice.
		if held := heap() - before; held > 8*size*mib {
			w.Errorf("%d MiB held for three calls", held/mib)
		}
		time.Sleep(5 * time.Minute)
		mu.Lock()
		defer mu.Unlock()
		if statuses[200] != 3 || statuses[503] != 3 {
			w.Errorf("statuses %v", statuses)
		}
	})
}
