package gateway_test

import (
	"encoding/json"
	"strings"
	"testing"
	"time"

	"fairlead.dev"
	"fairlead.dev/fakellm"
)

// ids returns the ids of a list of models.
func ids(t testing.TB, body string) string {
	t.Helper()
	var list struct{ Data []struct{ ID string } }
	if err := json.Unmarshal([]byte(body), &list); err != nil {
		t.Fatalf("%v: %s", err, body)
	}
	var names []string
	for _, m := range list.Data {
		names = append(names, m.ID)
	}
	return strings.Join(names, " ")
}

// open adds a chain for all other names, at both providers.
func open(c *fairlead.Config) {
	c.Models = append(c.Models, fairlead.Model{Name: "*", Chain: []string{"a/*", "o/*"}})
}

var listed = fakellm.Config{Models: []string{"x", "opus", "y"}}

func TestModels(t *testing.T) {
	bubble(t, setup{fake: listed}, func(w *world) {
		got := w.ask("GET", "/v1/models?limit=1000", "", version)
		got.wants(w, 200)
		if names := ids(w, got.body); names != "opus" {
			w.Errorf("anthropic: %s", names)
		}
		if names := ids(w, w.ask("GET", "/v1/v1/models", "").body); names != "gpt" {
			w.Errorf("openai: %s", names)
		}
		w.ask("GET", "/v1/models/opus", "", version).wants(w, 200, `"opus"`)
		w.ask("GET", "/v1/models/x", "", version).wants(w, 404, "not_found_error")
		w.ask("GET", "/v1/models/opus", "").wants(w, 404, "error") // of the other dialect
		if n := len(w.fake.Attempts()); n != 0 {
			w.Errorf("%d requests upstream for names that are all ours", n)
		}
	})
}

func TestOpenModels(t *testing.T) {
	bubble(t, setup{fake: listed, client: open}, func(w *world) {
		got := w.ask("GET", "/v1/models", "", version)
		if names := ids(w, got.body); names != "opus x y" {
			w.Errorf("anthropic: %s", names)
		}
		if names := ids(w, w.ask("GET", "/v1/models", "").body); names != "gpt x opus y" {
			w.Errorf("openai: %s", names)
		}
		if names := ids(w, w.ask("GET", "/v1/models?after_id=opus", "", version).body); strings.HasPrefix(names, "opus x") {
			w.Errorf("a later page begins with our names again: %s", names)
		}
		w.ask("GET", "/v1/models/x", "", version).wants(w, 200, `"x"`)
		w.ask("GET", "/v1/models/nobody", "", version).wants(w, 404)
	})
}

// TestModelsWithoutProvider: a provider that fails or is silent hides our names
// from nobody, for no longer than Claude Code waits.
func TestModelsWithoutProvider(t *testing.T) {
	for _, fault := range []string{"silent", "fail-500", "html-502", "bad-json"} {
		script := &fakellm.Script{Rules: []fakellm.Rule{{Fault: fakellm.MustFault(fault)}}}
		bubble(t, setup{fake: fakellm.Config{Script: script}, client: open}, func(w *world) {
			begun := time.Now()
			got := w.ask("GET", "/v1/models", "", version)
			got.wants(w, 200)
			if names := ids(w, got.body); names != "opus" || time.Since(begun) >= 3*time.Second {
				w.Errorf("%s: %s after %v", fault, names, time.Since(begun))
			}
		})
		onlyOpen := func(c *fairlead.Config) { open(c); c.Models = c.Models[2:] }
		bubble(t, setup{fake: fakellm.Config{Script: script}, client: onlyOpen}, func(w *world) {
			begun := time.Now()
			got := w.ask("GET", "/v1/models", "", version)
			if got.StatusCode < 500 || time.Since(begun) >= 3*time.Second {
				w.Errorf("%s, without names of ours: %d after %v: %s", fault, got.StatusCode, time.Since(begun), got.body)
			}
		})
	}
}
