package main

import (
	"bufio"
	"fmt"
	"io"
	"maps"
	"net"
	"net/http"
	"strings"
	"syscall"
	"testing"
	"time"

	"fairlead.dev/fakellm"
)

// gatewayFile is a file with one provider, which is fake.
func gatewayFile(url string) string {
	return fmt.Sprintf(`listen: 127.0.0.1:0
admin: 127.0.0.1:0
providers:
  anthropic: {dialect: anthropic, base_url: %q, api_keys: ["${OTHER_KEY}"]}
models:
  m: {chain: [anthropic/claude-opus-5-5:fail-529, anthropic/claude-sonnet-5-5]}
  cut: {chain: ["anthropic/cut-after-5"]}
  slow: {chain: ["anthropic/stall-after-5"]}
drain: 30s
`, url)
}

func (w *world) post(url, model string, stream bool, header ...string) (*http.Response, error) {
	body := fmt.Sprintf(`{"model": %q, "max_tokens": 100, "stream": %v, "messages": [{"role": "user", "content": "hi"}]}`, model, stream)
	req, err := http.NewRequestWithContext(w.t.Context(), http.MethodPost, url+"/v1/messages", strings.NewReader(body))
	if err != nil {
		w.t.Fatal(err)
	}
	req.Header.Set("anthropic-version", "2023-06-01")
	for i := 0; i+1 < len(header); i += 2 {
		req.Header.Set(header[i], header[i+1])
	}
	return (&http.Client{Transport: &http.Transport{DisableKeepAlives: true}}).Do(req)
}

func (w *world) mustPost(url, model string, stream bool, header ...string) *http.Response {
	w.t.Helper()
	resp, err := w.post(url, model, stream, header...)
	if err != nil {
		w.t.Fatal(err)
	}
	w.t.Cleanup(func() { resp.Body.Close() })
	return resp
}

func get(t *testing.T, url string) (int, string) {
	t.Helper()
	resp, err := http.Get(url)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	return resp.StatusCode, readAll(t, resp.Body)
}

func TestServeAnswersAndDrains(t *testing.T) {
	w := newWorld(t).withCanaries()
	fake, url := w.fake(fakellm.Config{Keys: map[string]string{"ours": canaries["OTHER_KEY"]}})
	w.file("fairlead.yaml", gatewayFile(url))
	clients, admin, exit := w.serving()
	resp := w.mustPost(clients, "m", false)
	equal(t, "status", resp.StatusCode, 200)
	contains(t, "answer", readAll(t, resp.Body), "w0 w1")
	equal(t, "target", resp.Header.Get("fairlead-target"), "anthropic/claude-sonnet-5-5")
	for _, path := range []string{"/livez", "/readyz", "/metrics", "/api/targets", "/api/calls"} {
		code, text := get(t, admin+path)
		equal(t, path, code, 200)
		for _, canary := range canaries {
			if strings.Contains(text, canary) {
				t.Errorf("%s shows a key", path)
			}
		}
	}
	_, metrics := get(t, admin+"/metrics")
	contains(t, "metrics", metrics, "fairlead_", "claude-sonnet-5-5", `fairlead_breaker_state{state="closed",target="anthropic/claude-sonnet-5-5"} 1`,
		"fairlead_slots{", `fairlead_tenant_calls_total{result="answered",tenant=""} 1`)
	for _, a := range fake.Attempts() {
		equal(t, "the key upstream", a.Key, "ours")
	}

	told := newWorld(t)
	equal(t, "explain", told.run("explain", "--admin", strings.TrimPrefix(admin, "http://"), resp.Header.Get("fairlead-call")), exitOK)
	equal(t, "explain by URL", told.run("explain", "--admin", admin+"/", resp.Header.Get("fairlead-call")), exitOK)
	contains(t, "story", told.out.String(), "claude-opus-5-5:fail-529 was overloaded", "answered by anthropic/claude-sonnet-5-5")
	equal(t, "explain of nothing", told.run("explain", "--admin", strings.TrimPrefix(admin, "http://"), "nope"), exitFailure)

	w.kill <- syscall.SIGTERM
	equal(t, "exit", <-exit, exitOK)
	contains(t, "log", w.err.String(), "draining", "drained")
	if _, err := w.post(clients, "m", false); err == nil {
		t.Error("it still accepts after its end")
	}
}

// An open stream goes on while draining, and new calls are refused.
func TestDrainLetsOpenCallsFinish(t *testing.T) {
	w := newWorld(t).withCanaries()
	_, url := w.fake(fakellm.Config{PerToken: 10 * time.Millisecond})
	w.file("fairlead.yaml", gatewayFile(url)+"  \n")
	clients, _, exit := w.serving()
	resp := w.mustPost(clients, "claude", true)
	equal(t, "unknown model", resp.StatusCode, 404)
	resp = w.mustPost(clients, "m", true)
	r := bufio.NewReader(resp.Body)
	if _, err := r.ReadString('\n'); err != nil {
		t.Fatal(err)
	}
	w.kill <- syscall.SIGTERM
	w.says("draining")
	all, err := io.ReadAll(r)
	if err != nil {
		t.Fatal(err)
	}
	contains(t, "stream", string(all), "message_stop")
	equal(t, "exit", <-exit, exitOK)
}

// What does not end in time is ended with an error event, and the exit says so.
func TestDrainEndsWhatIsTooSlow(t *testing.T) {
	for name, second := range map[string]bool{"limit": false, "second signal": true} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t).withCanaries()
			_, url := w.fake(fakellm.Config{})
			file := gatewayFile(url)
			if !second {
				file = strings.Replace(file, "drain: 30s", "drain: 50ms", 1)
			}
			w.file("fairlead.yaml", file)
			clients, _, exit := w.serving()
			resp := w.mustPost(clients, "slow", true)
			r := bufio.NewReader(resp.Body)
			if _, err := r.ReadString('\n'); err != nil {
				t.Fatal(err)
			}
			w.kill <- syscall.SIGTERM
			if second {
				w.says("draining")
				w.kill <- syscall.SIGTERM
			}
			rest, _ := io.ReadAll(r)
			contains(t, "stream", string(rest), "event: error")
			equal(t, "exit", <-exit, exitFailure)
			contains(t, "stderr", w.err.String(), "open calls were ended")
		})
	}
}

func TestReload(t *testing.T) {
	w := newWorld(t).withCanaries()
	_, url := w.fake(fakellm.Config{})
	good := gatewayFile(url)
	w.file("fairlead.yaml", good)
	clients, _, _ := w.serving()

	w.file("fairlead.yaml", good+"nonsense: 1\nqueue: {max_wait: never}\n")
	w.kill <- syscall.SIGHUP
	w.says("the old one stays")
	contains(t, "log", w.err.String(), "unknown key", "want a duration")
	equal(t, "after a bad file", w.mustPost(clients, "m", false).StatusCode, 200)

	w.file("fairlead.yaml", strings.Replace(good, "admin: 127.0.0.1:0", "admin: 127.0.0.1:1", 1))
	w.kill <- syscall.SIGHUP
	w.says("needs a restart")

	w.file("fairlead.yaml", strings.Replace(good, "  m: {", "  renamed: {", 1)+
		"auth: {keys: [{name: web, sha256: \"2c26b46b68ffc68ff99b453c1d30413413422d706483bfa0f98a5e886266e7ae\"}]}\n")
	w.kill <- syscall.SIGHUP
	w.says("msg=reloaded")
	equal(t, "without a key", w.mustPost(clients, "renamed", false).StatusCode, 401)
	equal(t, "with a key", w.mustPost(clients, "renamed", false, "x-api-key", "foo").StatusCode, 200)
	equal(t, "the old name", w.mustPost(clients, "m", false, "x-api-key", "foo").StatusCode, 404)
}

func TestServeRefusesToStart(t *testing.T) {
	taken, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer taken.Close()
	free := gatewayFile("http://127.0.0.1:1")
	tests := map[string]struct {
		file string
		args []string
		vars map[string]string
		code int
		want string
	}{
		"bad file":         {free + "x: 1\n", nil, nil, exitConfig, "unknown key"},
		"bad log level":    {free, nil, map[string]string{"FAIRLEAD_LOG_LEVEL": "loud"}, exitConfig, "FAIRLEAD_LOG_LEVEL"},
		"taken":            {free, []string{"--listen", taken.Addr().String()}, nil, exitFailure, "cannot listen for clients"},
		"admin taken":      {free, []string{"--admin", taken.Addr().String()}, nil, exitFailure, "cannot open the admin listener"},
		"variable":         {free, nil, map[string]string{"FAIRLEAD_LISTEN": "0.0.0.0:0"}, exitConfig, "the value comes from ${FAIRLEAD_LISTEN}"},
		"flag":             {free, []string{"--listen", "0.0.0.0:0"}, nil, exitConfig, "the value comes from --listen"},
		"missing file":     {free, []string{"--config", "nowhere.yaml"}, nil, exitConfig, "nowhere.yaml"},
		"unknown flag":     {free, []string{"--lisen", "x"}, nil, exitUsage, "did you mean --listen?"},
		"arguments":        {free, []string{"x"}, nil, exitUsage, "x"},
		"certificate gone": {free + "tls: {cert: /c, key: /k}\n", nil, nil, exitConfig, "cannot use the certificate"},
	}
	for name, c := range tests {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t).withCanaries()
			maps.Copy(w.vars, c.vars)
			w.file("fairlead.yaml", c.file)
			equal(t, "exit", w.run(append([]string{"serve"}, c.args...)...), c.code)
			contains(t, "stderr", w.err.String(), c.want)
			if strings.Contains(w.err.String(), "msg=listening") {
				t.Error("half of it was started")
			}
		})
	}
}

// With nothing but a variable, serve prints the file that it stands for.
func TestServeWithoutConfiguration(t *testing.T) {
	w := newWorld(t)
	fake, url := w.fake(fakellm.Config{})
	w.vars = map[string]string{"ANTHROPIC_API_KEY": canaries["ANTHROPIC_API_KEY"], "ANTHROPIC_BASE_URL": url}
	clients, _, exit := w.serving("--listen", "127.0.0.1:0", "--admin", "127.0.0.1:0")
	equal(t, "status", w.mustPost(clients, "claude-anything", false).StatusCode, 200)
	equal(t, "model upstream", fake.Attempts()[0].Model, "claude-anything")
	contains(t, "stdout", w.out.String(), `api_keys: ["${ANTHROPIC_API_KEY}"]`, "base_url: ${ANTHROPIC_BASE_URL}")
	w.kill <- syscall.SIGHUP
	w.says("msg=reloaded")
	w.kill <- syscall.SIGTERM
	equal(t, "exit", <-exit, exitOK)
}

// Without any key the client's own goes to Anthropic.
func TestServePassesThrough(t *testing.T) {
	w := newWorld(t)
	_, url := w.fake(fakellm.Config{Keys: map[string]string{"theirs": "client-key"}})
	w.vars = map[string]string{"ANTHROPIC_BASE_URL": url}
	clients, _, _ := w.serving("--listen", "127.0.0.1:0", "--admin", "127.0.0.1:0")
	equal(t, "their key", w.mustPost(clients, "claude-x", false, "x-api-key", "client-key").StatusCode, 200)
	equal(t, "another key", w.mustPost(clients, "claude-x", false, "x-api-key", "wrong").StatusCode, 401)
}
