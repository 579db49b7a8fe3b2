package e2e

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"fairlead.dev"
)

// TestNoConfiguration: with nothing but the usual variables the gateway works
// for any model, with our key where one is set, else with the client's.
func TestNoConfiguration(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ name, key string }{{"our key", "sk-main"}, {"the client's key", ""}} {
		for _, m := range makers[:2] {
			t.Run(c.name+"/"+m.name, func(t *testing.T) {
				t.Parallel()
				main := newFake(t, `{"keys":{"ours":"sk-main","theirs":"sk-client"}}`)
				g := startWith(t, []string{"ANTHROPIC_BASE_URL=" + main.url, "ANTHROPIC_API_KEY=" + c.key,
					"FAIRLEAD_LISTEN=127.0.0.1:0", "FAIRLEAD_ADMIN=127.0.0.1:0"}, "serve")
				b := &bench{maker: m, main: main}
				b.connect(t, g.url, "sk-client", plainClient())
				a, err := b.call(t, question{model: "claude-of-next-year"}, true)
				b.wantWhole(t, a, err)
				if key := main.asked()[0].Key; (key == "ours") != (c.key != "") {
					t.Errorf("the provider saw the key %q", key)
				}
			})
		}
	}
}

// TestBadConfiguration: it is refused with its place and exit code 78.
func TestBadConfiguration(t *testing.T) {
	t.Parallel()
	file := filepath.Join(t.TempDir(), "fairlead.yaml")
	if err := os.WriteFile(file, []byte("listen: 127.0.0.1:0\nprovidors: {}\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, command := range []string{"serve", "check"} {
		out, err := exec.CommandContext(t.Context(), program, command, "--config", file).CombinedOutput()
		var exit *exec.ExitError
		if !errors.As(err, &exit) || exit.ExitCode() != 78 || !strings.Contains(string(out), "fairlead.yaml:2:1") {
			t.Errorf("%s: %v\n%s", command, err, out)
		}
	}
}

// TestGatewayKey: a gateway with keys takes them in the header that each SDK
// uses, tells a wrong one as 401 in the dialect, and never passes one on.
func TestGatewayKey(t *testing.T) {
	t.Parallel()
	for _, m := range makers {
		t.Run(m.name, func(t *testing.T) {
			t.Parallel()
			b := &bench{maker: m, main: newFake(t, `{"keys":{"ours":"sk-main"}}`), spare: newFake(t, "")}
			g := serve(t, chains(b.main, b.spare, false)+withKey)
			b.connect(t, g.url, "fl-web", plainClient())
			a, err := b.call(t, question{model: m.primary}, false)
			b.wantWhole(t, a, err)
			b.wantAsked(t, 1, 0)
			b.connect(t, g.url, "fl-wrong", plainClient())
			_, err = b.call(t, question{model: m.primary}, false)
			b.wantFailure(t, err, http.StatusUnauthorized, "")
			b.wantSent(t, 1)
			b.wantAsked(t, 1, 0)
		})
	}
}

// TestPassthroughHop: a call with the client's own key falls back to a provider
// where we pay only if the client is one of ours, and its key stays behind.
func TestPassthroughHop(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name, auth string
		headers    []string
		status     int
	}{
		{"a stranger", "", nil, 529},
		{"one of ours", withKey, []string{"fairlead-key: fl-web"}, 200},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			main := newFake(t, always("fail-529"))
			spare := newFake(t, `{"keys":{"ours":"sk-spare"}}`)
			g := serve(t, fmt.Sprintf("providers:\n  main: {dialect: anthropic, base_url: %q, credentials: passthrough}\n"+
				"  spare: {dialect: anthropic, base_url: %q, api_keys: [sk-spare]}\n"+
				"models: {claude-opus-5-5: {chain: [main/claude-opus-5-5, spare/claude-sonnet-5-5]}}\n%s", main.url, spare.url, c.auth))
			got := send(t, "POST", g.url+"/v1/messages", simple, append(c.headers, "x-api-key: sk-client")...)
			if got.status != c.status {
				t.Errorf("status %d: %s", got.status, got.body)
			}
			if n := len(spare.Attempts()); (n > 0) != (c.status == 200) {
				t.Errorf("spare was asked %d times", n)
			}
		})
	}
}

// TestReport: the id in the answer leads to the story of the call, and metrics
// count it.
func TestReport(t *testing.T) {
	t.Parallel()
	g := serve(t, chains(newFake(t, always("fail-529")), newFake(t, ""), false))
	got := send(t, "POST", g.url+"/v1/messages", simple, claudeHeaders...)
	id := got.header.Get("fairlead-call")
	story := send(t, "GET", g.admin+"/api/calls/"+id, "")
	if story.status != http.StatusOK || !json.Valid([]byte(story.body)) {
		t.Fatalf("status %d: %s", story.status, story.body)
	}
	for _, word := range []string{id, "main/claude-opus-5-5", "spare/claude-sonnet-5-5", "overloaded"} {
		if !strings.Contains(story.body, word) {
			t.Errorf("no %s in %s", word, story.body)
		}
	}
	if strings.Contains(story.body, "sk-") {
		t.Errorf("a key is in %s", story.body)
	}
	if metrics := send(t, "GET", g.admin+"/metrics", ""); metrics.status != http.StatusOK || !strings.Contains(metrics.body, "fairlead_") {
		t.Errorf("metrics: status %d: %.500s", metrics.status, metrics.body)
	}
}

// TestWrapIsHTTP: what Wrap returns looks like any other HTTP answer to a
// program that uses it without an SDK.
func TestWrapIsHTTP(t *testing.T) {
	t.Parallel()
	for fault, want := range map[string]string{"ok": "200 OK", "fail-400": "400 Bad Request", "fail-503": "503 Service Unavailable"} {
		t.Run(fault, func(t *testing.T) {
			t.Parallel()
			main := newFake(t, always(fault))
			r, err := http.NewRequestWithContext(t.Context(), "POST", main.url+"/v1/messages", strings.NewReader(simple))
			if err != nil {
				t.Fatal(err)
			}
			r.Header.Set("X-Api-Key", "sk-client")
			resp, err := fairlead.Wrap(nil).Do(r)
			if err != nil {
				t.Fatal(err)
			}
			defer resp.Body.Close()
			if resp.Status != want || resp.Proto != "HTTP/1.1" || resp.Request == nil {
				t.Errorf("status %q, protocol %q, want %q", resp.Status, resp.Proto, want)
			}
		})
	}
}

// TestFakeProgram: the fake as a program of its own, for tests in any language.
func TestFakeProgram(t *testing.T) {
	t.Parallel()
	url := start(t, "fake", "--listen", "127.0.0.1:0").url
	for model, status := range map[string]int{"claude-x": 200, "fail-529": 529} {
		body := fmt.Sprintf(`{"model":%q,"max_tokens":9,"messages":[{"role":"user","content":"hi"}]}`, model)
		if got := send(t, "POST", url+"/v1/messages", body, "x-api-key: any"); got.status != status {
			t.Errorf("%s: status %d: %s", model, got.status, got.body)
		}
	}
	if got := send(t, "PUT", url+"/fake/script", `{"rules":[{"fault":"fail-418"}]}`); got.status != 204 {
		t.Errorf("script: status %d: %s", got.status, got.body)
	}
	if got := send(t, "POST", url+"/v1/messages", simple, "x-api-key: any"); got.status != 418 {
		t.Errorf("under a script: status %d: %s", got.status, got.body)
	}
	if got := send(t, "GET", url+"/fake/attempts", ""); got.status != 200 || len(got.body) < 10 {
		t.Errorf("attempts: status %d: %s", got.status, got.body)
	}
}
