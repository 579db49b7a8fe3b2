package gateway_test

import (
	"encoding/json"
	"io"
	"strings"
	"testing"

	"fairlead.dev"
)

// refusals are requests that never reach a provider.
var refusals = []struct {
	name, method, path, body string
	headers                  []string
	status                   int
	text                     string
}{
	{"broken JSON", "POST", "/v1/messages", `{"model":`, nil, 400, "invalid_request_error"},
	{"no JSON", "POST", "/v1/messages", `hello`, nil, 400, "invalid_request_error"},
	{"empty body", "POST", "/v1/messages", ``, nil, 400, "invalid_request_error"},
	{"no model", "POST", "/v1/messages", `{"max_tokens":1,"messages":[]}`, nil, 400, "model"},
	{"two models", "POST", "/v1/messages", `{"model":"a","model":"b"}`, nil, 400, "invalid_request_error"},
	{"deep", "POST", "/v1/messages", `{"model":"opus","a":` + strings.Repeat("[", 600) + strings.Repeat("]", 600) + "}", nil, 400, "invalid_request_error"},
	{"encoded body", "POST", "/v1/messages", "\x1f\x8b", []string{"Content-Encoding: gzip"}, 415, "invalid_request_error"},
	{"unknown model", "POST", "/v1/messages", message("nobody"), nil, 404, "not_found_error"},
	{"unknown model, openai", "POST", "/v1/chat/completions", message("nobody"), nil, 404, "error"},
	{"wrong method", "GET", "/v1/messages", "", nil, 405, "error"},
	{"wrong method for models", "DELETE", "/v1/models", "", nil, 405, "error"},
	{"method without meaning", "OPTIONS", "/v1/files", "", nil, 405, "error"},
	{"root", "GET", "/", "", nil, 405, "error"},
	{"unknown path", "POST", "/v2/messages", message("opus"), []string{version}, 404, "not_found_error"},
	{"unknown path, openai", "POST", "/chat", message("opus"), nil, 404, "error"},
	{"no path", "POST", "/v1/", "{}", nil, 404, "error"},
	{"dot segments", "POST", "/v1/files/../../secret", "{}", nil, 404, "error"},
	{"escaped dot segments", "POST", "/v1/files/%2e%2e/secret", "{}", nil, 404, "error"},
	{"escaped slashes", "POST", "/v1/files%2f..%2fsecret", "{}", nil, 404, "error"},
	{"class", "POST", "/v1/messages", message("opus"), []string{"fairlead-class: urgent"}, 400, "fairlead-class"},
	{"empty class", "POST", "/v1/messages", message("opus"), []string{"fairlead-class: "}, 400, "fairlead-class"},
	{"two classes", "POST", "/v1/messages", message("opus"), []string{"fairlead-class: low", "fairlead-class: low"}, 400, "more than once"},
	{"deadline", "POST", "/v1/messages", message("opus"), []string{"fairlead-deadline-ms: soon"}, 400, "fairlead-deadline-ms"},
	{"deadline 0", "POST", "/v1/messages", message("opus"), []string{"fairlead-deadline-ms: 0"}, 400, "fairlead-deadline-ms"},
	{"deadline past", "POST", "/v1/messages", message("opus"), []string{"fairlead-deadline-ms: -5"}, 400, "fairlead-deadline-ms"},
	{"deadline overflows", "POST", "/v1/messages", message("opus"), []string{"fairlead-deadline-ms: 9223372036854775807"}, 400, "fairlead-deadline-ms"},
	{"fallback", "POST", "/v1/messages", message("opus"), []string{"fairlead-fallback: on"}, 400, "fairlead-fallback"},
	{"tenant too long", "POST", "/v1/messages", message("opus"), []string{"fairlead-tenant: " + strings.Repeat("x", 129)}, 400, "fairlead-tenant"},
	{"tenant with an escape", "POST", "/v1/messages", message("opus"), []string{"fairlead-tenant: a\u0085b"}, 400, "fairlead-tenant"},
}

func TestRefusals(t *testing.T) {
	bubble(t, setup{}, func(w *world) {
		for _, c := range refusals {
			got := w.ask(c.method, c.path, c.body, c.headers...)
			if got.StatusCode != c.status || !strings.Contains(got.body, c.text) {
				w.Errorf("%s: %d %s, want %d with %q", c.name, got.StatusCode, got.body, c.status, c.text)
			}
			if got.Header.Get("X-Should-Retry") != "false" {
				w.Errorf("%s: x-should-retry is %q", c.name, got.Header.Get("X-Should-Retry"))
			}
			if !json.Valid([]byte(got.body)) || got.Header.Get("Content-Type") != "application/json" {
				w.Errorf("%s: %q is %s", c.name, got.body, got.Header.Get("Content-Type"))
			}
		}
		if n := len(w.fake.Attempts()); n > 0 {
			w.Errorf("%d refused requests reached the provider", n)
		}
	})
}

func TestAllow(t *testing.T) {
	bubble(t, setup{}, func(w *world) {
		for path, allow := range map[string]string{
			"/v1/messages": "POST", "/v1/models": "GET", "/healthz": "GET, HEAD", "/": "HEAD",
		} {
			if got := w.ask("DELETE", path, ""); got.StatusCode != 405 || got.Header.Get("Allow") != allow {
				w.Errorf("DELETE %s: %d, Allow %q", path, got.StatusCode, got.Header.Get("Allow"))
			}
		}
	})
}

// TestFull: bodies beyond what the client may hold are refused on arrival, and
// the bytes come back.
func TestFull(t *testing.T) {
	small := func(c *fairlead.Config) { c.MaxBytes = 1000 }
	bubble(t, setup{client: small}, func(w *world) {
		for range 30 { // 30 times 100 bytes only fit one after another
			w.ask("POST", "/v1/messages", message("opus")).wants(w, 200)
			w.ask("POST", "/v1/messages", `{"x":`).wants(w, 400)
		}
		for _, body := range []io.Reader{strings.NewReader(strings.Repeat(" ", 2000)), io.LimitReader(spaces{}, 2000)} {
			resp, err := w.start(w.Context(), "POST", "/v1/messages", body)
			if err != nil {
				w.Fatal(err)
			}
			resp.Body.Close()
			if resp.StatusCode != 503 || resp.Header.Get("X-Should-Retry") != "true" || resp.Header.Get("Retry-After-Ms") == "" {
				w.Errorf("%d %v", resp.StatusCode, resp.Header)
			}
		}
	})
}

// spaces is a body without an end.
type spaces struct{}

func (spaces) Read(p []byte) (int, error) {
	for i := range p {
		p[i] = ' '
	}
	return len(p), nil
}
