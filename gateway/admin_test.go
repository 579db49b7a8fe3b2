package gateway_test

import (
	"bufio"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"

	"fairlead.dev"
	"fairlead.dev/gateway"
)

const admin = "http://localhost:8081"

func TestAdmin(t *testing.T) {
	mounts := func(c *gateway.Config) {
		c.Mounts = map[string]http.Handler{
			"/metrics": http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, "fairlead_calls_total 1") }),
			"/":        http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, "the page") }),
		}
	}
	bubble(t, setup{client: failing, gateway: mounts}, func(w *world) {
		call := w.ask("POST", "/v1/messages", message("opus")).Header.Get("Fairlead-Call")
		last := w.ask("POST", "/v1/chat/completions", message("gpt")).Header.Get("Fairlead-Call")
		for path, c := range map[string]struct {
			status int
			texts  []string
		}{
			"/livez":               {200, []string{"ok"}},
			"/readyz":              {200, []string{"ready"}},
			"/metrics":             {200, []string{"fairlead_calls_total"}},
			"/":                    {200, []string{"the page"}},
			"/any":                 {200, []string{"the page"}},
			"/api/targets":         {200, []string{`"target": "a/fail-529"`, `"breaker"`}},
			"/api/calls":           {200, []string{call, last}},
			"/api/calls?limit=1":   {200, []string{last}},
			"/api/calls?limit=0":   {400, []string{"error"}},
			"/api/calls?limit=all": {400, []string{"error"}},
			"/api/calls/" + call:   {200, []string{`"kind": "hopped"`, `"a/fail-529"`, `"overloaded"`}},
			"/api/calls/call_none": {404, []string{"error"}},
			"/api/nothing":         {404, []string{"error"}},
		} {
			got := w.ask("GET", admin+path, "")
			got.wants(w, c.status, c.texts...)
			if got.Header.Get("X-Content-Type-Options") != "nosniff" {
				w.Errorf("%s: no nosniff", path)
			}
			if strings.HasPrefix(path, "/api/") && (!json.Valid([]byte(got.body)) || got.Header.Get("Cache-Control") != "no-store") {
				w.Errorf("%s: %q with Cache-Control %q", path, got.body, got.Header.Get("Cache-Control"))
			}
			if path == "/api/calls?limit=1" && strings.Contains(got.body, call) {
				w.Errorf("%s: more than one, or not the newest", path)
			}
		}
		w.ask("POST", admin+"/api/targets", "{}").wants(w, 404, "error")
	})
}

// TestNotReady says why.
func TestNotReady(t *testing.T) {
	alone := func(c *fairlead.Config) {
		c.Models = []fairlead.Model{{Name: "opus", Chain: []string{"a/bad-key"}}}
	}
	bubble(t, setup{client: alone}, func(w *world) {
		w.ask("POST", "/v1/messages", message("opus")).wants(w, 503)
		w.ask("GET", admin+"/readyz", "").wants(w, 503, "not ready", "key_closed")
	})
}

// TestEvents: what happens is told as it happens, until the watcher leaves or
// the gateway is drained.
func TestEvents(t *testing.T) {
	bubble(t, setup{}, func(w *world) {
		resp, err := w.start(w.Context(), "GET", admin+"/api/events", nil)
		if err != nil {
			w.Fatal(err)
		}
		defer resp.Body.Close()
		if ct := resp.Header.Get("Content-Type"); ct != "text/event-stream" {
			w.Errorf("content type %q", ct)
		}
		synctest.Wait()
		w.ask("POST", "/v1/messages", message("opus")).wants(w, 200)
		synctest.Wait() // what happened was told
		w.gw.Drain()
		var kinds []string
		lines := bufio.NewScanner(resp.Body)
		for lines.Scan() {
			if data, ok := strings.CutPrefix(lines.Text(), "data: "); ok && !json.Valid([]byte(data)) {
				w.Errorf("not JSON: %s", data)
			}
			if kind, ok := strings.CutPrefix(lines.Text(), "event: "); ok {
				kinds = append(kinds, kind)
			}
		}
		if got := strings.Join(kinds, " "); lines.Err() != nil || !strings.HasPrefix(got, "arrived") || !strings.HasSuffix(got, "finished") {
			w.Errorf("%v, events %s", lines.Err(), got)
		}
		late, err := w.start(w.Context(), "GET", admin+"/api/events", nil)
		if err != nil {
			w.Fatal(err)
		}
		defer late.Body.Close()
		if _, err := io.ReadAll(late.Body); err != nil {
			w.Errorf("a stream that began after draining: %v", err)
		}
	})
}

// TestMountFaults: two mounts that contradict each other are a fault of the
// configuration, not a panic.
func TestMountFaults(t *testing.T) {
	bubble(t, setup{}, func(w *world) {
		page := http.NotFoundHandler()
		for _, mounts := range []map[string]http.Handler{
			{"/api/calls": nil}, {"GET /livez": page}, {"metrics": page}, {"/a/{x}": page, "/{y}/b": page},
		} {
			cfg := w.gwCfg
			cfg.Mounts = mounts
			if _, err := gateway.New(cfg); err == nil || !strings.Contains(err.Error(), "Config.Mounts") {
				w.Errorf("%v: %v", mounts, err)
			}
		}
	})
}
