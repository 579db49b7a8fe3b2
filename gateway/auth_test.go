package gateway_test

import (
	"net/http"
	"strings"
	"testing"

	"fairlead.dev"
	"fairlead.dev/gateway"
	"fairlead.dev/llm"
	"fairlead.dev/provider/anthropic"
	"fairlead.dev/queue"
)

// authCases: which headers let a client in, and who it then is.
var authCases = []struct {
	name    string
	headers []string
	status  int
	tenant  string
}{
	{"none", nil, 401, ""},
	{"x-api-key", []string{"x-api-key: fl-web"}, 200, "web"},
	{"bearer", []string{"authorization: Bearer fl-web"}, 200, "web"},
	{"bearer in lower case", []string{"authorization: bearer fl-ops"}, 200, "ops"},
	{"fairlead-key", []string{"fairlead-key: fl-ops"}, 200, "ops"},
	{"both, as Claude Code sends them", []string{"x-api-key: other", "authorization: Bearer fl-web"}, 200, "web"},
	{"both, the first of them ours", []string{"x-api-key: fl-web", "authorization: Bearer other"}, 200, "web"},
	{"wrong", []string{"x-api-key: fl-we"}, 401, ""},
	{"longer", []string{"x-api-key: fl-web1"}, 401, ""},
	{"empty", []string{"x-api-key: "}, 401, ""},
	{"empty bearer", []string{"authorization: Bearer "}, 401, ""},
	{"basic", []string{"authorization: Basic fl-web"}, 401, ""},
	{"fairlead-key wins", []string{"fairlead-key: wrong", "x-api-key: fl-web"}, 401, ""},
	{"twice", []string{"x-api-key: fl-web", "x-api-key: fl-web"}, 400, ""},
}

func TestAuth(t *testing.T) {
	bubble(t, setup{gateway: withKeys}, func(w *world) {
		refused := map[string]bool{}
		for _, c := range authCases {
			got := w.ask("POST", "/v1/messages", message("opus"), c.headers...)
			if got.StatusCode != c.status {
				w.Errorf("%s: %d %s, want %d", c.name, got.StatusCode, got.body, c.status)
			}
			switch got.StatusCode {
			case 200:
				r, _ := w.client.Report(got.Header.Get("Fairlead-Call"))
				if s := r.Summary(); s.Tenant != c.tenant {
					w.Errorf("%s: tenant %q, want %q", c.name, s.Tenant, c.tenant)
				}
			case 401:
				got.wants(w, 401, "authentication_error")
				if got.Header.Get("X-Should-Retry") != "false" {
					w.Errorf("%s: x-should-retry %q", c.name, got.Header.Get("X-Should-Retry"))
				}
				refused[got.body] = true
			}
		}
		if len(refused) != 1 {
			w.Errorf("unknown keys are told %d different things: %v", len(refused), refused)
		}
		w.ask("GET", "/v1/models", "").wants(w, 401)
		w.ask("GET", "/v1/unknown", "").wants(w, 401)
		w.ask("POST", "/v1/chat/completions", message("gpt")).wants(w, 401, "error")
	})
}

// spy is a dialect that looks at what it is given to read.
type spy struct {
	anthropic.Provider
	seen *[]http.Header
}

func (s spy) Parse(method, path, query string, h http.Header, body []byte) (*llm.Request, error) {
	*s.seen = append(*s.seen, h.Clone())
	return s.Provider.Parse(method, path, query, h, body)
}

// containing counts the headers of which a value contains text.
func containing(all []http.Header, text string) (n int) {
	for _, h := range all {
		for name, values := range h {
			if strings.Contains(name+": "+strings.Join(values, " "), text) {
				n++
			}
		}
	}
	return n
}

// TestOurKeysStayHere: no key or header of ours and, unless Passthrough is on,
// no credential of a client goes beyond the gateway, into its log least of all.
func TestOurKeysStayHere(t *testing.T) {
	for _, pass := range []bool{false, true} {
		var parsed []http.Header
		keys := func(c *gateway.Config) {
			withKeys(c)
			c.Passthrough, c.Dialects = pass, []llm.Dialect{spy{seen: &parsed}}
		}
		upstream := func(c *fairlead.Config) { c.Providers[0].Keys, c.Providers[0].Passthrough = nil, true }
		bubble(t, setup{gateway: keys, client: upstream}, func(w *world) {
			for _, headers := range [][]string{
				{"x-api-key: fl-web", "authorization: Bearer mine"},
				{"x-api-key: fl-web", "authorization: Bearer fl-ops"},
				{"fairlead-key: fl-web", "x-api-key: mine", "fairlead-class: low", "fairlead-future: 1"},
			} {
				w.ask("POST", "/v1/messages", message("opus"), headers...)
			}
			w.mu.Lock()
			defer w.mu.Unlock()
			for where, seen := range map[string][]http.Header{"upstream": w.seen, "in the client": parsed} {
				if containing(seen, "fl-") > 0 || containing(seen, "Fairlead") > 0 {
					t.Errorf("passthrough %v, %s: something of ours: %v", pass, where, seen)
				}
				if n, want := containing(seen, "mine"), map[bool]int{false: 0, true: 2}[pass]; n != want {
					t.Errorf("passthrough %v, %s: the client's credential %d times, want %d", pass, where, n, want)
				}
			}
			if logs := w.logs.String(); strings.Contains(logs, "fl-web") || strings.Contains(logs, "mine") {
				t.Errorf("a key is in the log: %s", logs)
			}
		})
	}
}

// TestClassOfKey: a key's class is the default and the highest. A higher wish
// does not fail the call; the answer says what it got.
func TestClassOfKey(t *testing.T) {
	bubble(t, setup{gateway: withKeys}, func(w *world) {
		for _, c := range []struct{ key, ask, want, told string }{
			{"fl-web", "", "normal", ""},
			{"fl-web", "low", "low", ""},
			{"fl-web", "normal", "normal", ""},
			{"fl-web", "critical", "normal", "normal"},
			{"fl-ops", "", "critical", ""},
			{"fl-ops", "critical", "critical", ""},
			{"fl-ops", "batch", "batch", ""},
		} {
			headers := []string{"x-api-key: " + c.key}
			if c.ask != "" {
				headers = append(headers, "fairlead-class: "+c.ask)
			}
			got := w.ask("POST", "/v1/messages", message("opus"), headers...)
			got.wants(w, 200)
			r, _ := w.client.Report(got.Header.Get("Fairlead-Call"))
			if class, told := r.Summary().Class, got.Header.Get("Fairlead-Class"); class != c.want || told != c.told {
				w.Errorf("%s asking for %q: class %q, told %q", c.key, c.ask, class, told)
			}
		}
		got := w.ask("POST", "/v1/messages", message("opus"), "x-api-key: fl-web", "fairlead-tenant: blue")
		if r, _ := w.client.Report(got.Header.Get("Fairlead-Call")); r.Summary().Tenant != "blue" {
			w.Errorf("tenant %q", r.Summary().Tenant)
		}
	})
}

// TestTrusted: only a client with a key of ours may be answered on our own
// credentials after its own failed.
func TestTrusted(t *testing.T) {
	mixed := func(c *fairlead.Config) {
		c.Providers = append(c.Providers, fairlead.Provider{
			Name: "mine", API: c.Providers[0].API, BaseURL: "http://fake", Passthrough: true,
		})
		c.Models[0].Chain = []string{"mine/fail-529", "a/haiku"}
	}
	for _, keys := range []bool{true, false} {
		pass := func(c *gateway.Config) {
			c.Passthrough = true
			if keys {
				withKeys(c)
			}
		}
		bubble(t, setup{client: mixed, gateway: pass}, func(w *world) {
			got := w.ask("POST", "/v1/messages", message("opus"), "fairlead-key: fl-web", "x-api-key: mine")
			if want := map[bool]int{true: 200, false: 529}[keys]; got.StatusCode != want {
				w.Errorf("keys %v: %d %s, want %d", keys, got.StatusCode, got.body, want)
			}
		})
	}
}

// TestLoopbackRules: without keys the gateway answers programs of this machine
// only, whatever a page in their browser tries.
func TestLoopbackRules(t *testing.T) {
	lists := func(c *gateway.Config) {
		c.Hosts, c.Origins = []string{"box.local"}, []string{"https://app.example"}
	}
	bubble(t, setup{gateway: lists}, func(w *world) {
		for _, c := range []struct {
			header string
			status int
		}{
			{"Host: localhost", 200}, {"Host: localhost:9999", 200}, {"Host: LOCALHOST:80", 200}, {"Host: 127.0.0.1:8080", 200},
			{"Host: 127.9.9.9", 200}, {"Host: [::1]:8080", 200}, {"Host: [::1]", 200}, {"Host: box.local:8080", 200},
			{"Host: BOX.local", 200},
			{"Host: evil.example", 403}, {"Host: evil.example:8080", 403}, {"Host: localhost.evil.example", 403},
			{"Host: 127.0.0.1.evil.example", 403}, {"Host: 10.0.0.1", 403}, {"Host: 0.0.0.0:8080", 403}, {"Host: [::2]", 403},
			{"Host: xlocalhost", 403},
			{"Origin: https://app.example", 200}, {"Origin: http://app.example", 403}, {"Origin: https://evil.example", 403},
			{"Origin: null", 403}, {"Origin: http://localhost:8080", 403}, {"Origin: ", 403},
		} {
			got := w.ask("POST", "/v1/messages", message("opus"), c.header)
			if got.StatusCode != c.status {
				w.Errorf("%s: %d %s, want %d", c.header, got.StatusCode, got.body, c.status)
			}
			if got.StatusCode == 403 && (got.Header.Get("Access-Control-Allow-Origin") != "" || got.Header.Get("X-Should-Retry") != "false") {
				w.Errorf("%s: headers %v", c.header, got.Header)
			}
			admin := w.ask("GET", "http://localhost:8081/api/targets", "", c.header)
			if want := c.status; admin.StatusCode != want {
				w.Errorf("admin, %s: %d, want %d", c.header, admin.StatusCode, want)
			}
		}
		w.ask("GET", "http://localhost:8081/api/targets", "", "Origin: http://localhost:8081").wants(w, 200)
		w.ask("GET", "http://localhost:8081/api/targets", "", "Origin: http://localhost:9").wants(w, 403)
		w.ask("HEAD", "/", "", "Host: evil.example").wants(w, 403)
	})
}

// TestOriginWithKeys: a page needs to be listed even when it has a key; then
// its browser is told so.
func TestOriginWithKeys(t *testing.T) {
	lists := func(c *gateway.Config) {
		withKeys(c)
		c.Origins = []string{"https://app.example"}
	}
	bubble(t, setup{gateway: lists}, func(w *world) {
		w.ask("POST", "/v1/messages", message("opus"), "x-api-key: fl-web", "Host: gateway.example").wants(w, 200)
		w.ask("POST", "/v1/messages", message("opus"), "x-api-key: fl-web", "Origin: https://evil.example").wants(w, 403)
		got := w.ask("POST", "/v1/messages", message("opus"), "x-api-key: fl-web", "Origin: https://app.example")
		got.wants(w, 200)
		if got.Header.Get("Access-Control-Allow-Origin") != "https://app.example" || got.Header.Get("Vary") != "Origin" {
			w.Errorf("headers %v", got.Header)
		}
		got = w.ask("OPTIONS", "/v1/messages", "", "Origin: https://app.example", "Access-Control-Request-Method: POST",
			"Access-Control-Request-Headers: x-api-key")
		got.wants(w, 204)
		if got.Header.Get("Access-Control-Allow-Headers") != "x-api-key" {
			w.Errorf("headers %v", got.Header)
		}
		w.ask("OPTIONS", "/v1/messages", "", "Origin: https://evil.example", "Access-Control-Request-Method: POST").wants(w, 403)
		got = w.ask("POST", "/v1/messages", message("opus"), "x-api-key: fl-web")
		if got.Header.Get("Access-Control-Allow-Origin") != "" {
			w.Errorf("CORS headers without an Origin: %v", got.Header)
		}
	})
}

func TestLoopback(t *testing.T) {
	for addr, want := range map[string]bool{
		"127.0.0.1:8080": true, "localhost:8080": true, "[::1]:8080": true, "127.1.2.3:0": true, "::1": true, "localhost": true,
		"[::ffff:127.0.0.1]:80": true,
		":8080":                 false, "0.0.0.0:8080": false, "[::]:8080": false, "192.168.0.1:8080": false, "example.com:80": false, "": false,
	} {
		if got := gateway.Loopback(addr); got != want {
			t.Errorf("Loopback(%q) = %v", addr, got)
		}
	}
}

// TestValidate: every fault is named, all at once.
func TestValidate(t *testing.T) {
	_, err := gateway.New(gateway.Config{
		MaxBody: -1, Origins: []string{"app.example", "https://a/b"}, Hosts: []string{""},
		Keys: []gateway.Key{
			{Name: "", SHA256: [32]byte{1}}, {Name: "a"}, key("b", "", queue.Normal), key("c", "x", queue.Normal),
			key("c", "x", queue.Normal), key("d\n", "y", queue.Normal),
		},
		Mounts: nil,
	})
	if err == nil {
		t.Fatal("taken")
	}
	for _, want := range []string{
		"Config.Client:", "Config.Dialects:", "Config.MaxBody:", "Config.Origins[0]:", "Config.Origins[1]:", "Config.Hosts[0]:",
		"Config.Keys[0].Name:", "Config.Keys[1].SHA256: is missing", "Config.Keys[2].SHA256: is that of an empty key",
		"Config.Keys[4].Name:", "Config.Keys[4].SHA256:", "Config.Keys[5].Name:",
	} {
		if !strings.Contains(err.Error(), want) {
			t.Errorf("no %q in\n%v", want, err)
		}
	}
}
