package e2e

import (
	"context"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"fairlead.dev/fakellm"
)

// curl runs the program with headers included in its output. It skips the test
// where there is none.
func curl(t *testing.T, args ...string) (head map[string]string, body string) {
	t.Helper()
	path, err := exec.LookPath("curl")
	if err != nil {
		t.Skip("curl is not installed: what a person sees in a terminal is not tested")
	}
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	// -q: the configuration file of whoever runs the tests is none of ours.
	cmd := exec.CommandContext(ctx, path, append([]string{"-q", "-sS", "-i", "--noproxy", "*"}, args...)...)
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("curl %q: %v: %s", args, err, out)
	}
	top, body, _ := strings.Cut(string(out), "\r\n\r\n")
	lines := strings.Split(top, "\r\n")
	head = map[string]string{"status": strings.Fields(lines[0])[1]}
	for _, line := range lines[1:] {
		name, value, _ := strings.Cut(line, ": ")
		head[strings.ToLower(name)] = value
	}
	return head, body
}

func TestCurl(t *testing.T) {
	t.Parallel()
	main, spare := newFake(t, ""), newFake(t, "")
	g := serve(t, chains(main, spare, false))
	t.Run("plain", func(t *testing.T) {
		head, body := curl(t, g.url+"/v1/messages", "-H", "anthropic-version: 2023-06-01", "-d", simple)
		if head["status"] != "200" || !strings.Contains(body, whole) {
			t.Errorf("%v\n%s", head, body)
		}
		wantOurHeaders(t, head, "main/claude-opus-5-5")
	})
	t.Run("openai", func(t *testing.T) {
		head, body := curl(t, g.url+"/v1/chat/completions", "-H", "content-type: application/json",
			"-d", `{"model":"gpt-5.5","messages":[{"role":"user","content":"hi"}]}`)
		if head["status"] != "200" || !strings.Contains(body, whole) {
			t.Errorf("%v\n%s", head, body)
		}
		wantOurHeaders(t, head, "main-oai/gpt-5.5")
	})
	t.Run("stream", func(t *testing.T) {
		head, body := curl(t, "-N", g.url+"/v1/messages", "-d", strings.Replace(simple, "{", `{"stream":true,`, 1))
		if head["status"] != "200" || !strings.HasPrefix(head["content-type"], "text/event-stream") ||
			!strings.HasSuffix(body, "event: message_stop\ndata: {\"type\":\"message_stop\"}\n\n") ||
			strings.Count(body, "text_delta") != len(strings.Fields(whole)) {
			t.Errorf("%v\n%s", head, body)
		}
		wantOurHeaders(t, head, "main/claude-opus-5-5")
	})
	t.Run("probes", func(t *testing.T) {
		for _, args := range [][]string{{"-I", g.url + "/"}, {"-I", g.url + "/api/hello"}, {g.url + "/healthz"}, {g.admin + "/livez"}, {g.admin + "/readyz"}} {
			if head, body := curl(t, args...); head["status"] != "200" {
				t.Errorf("%q: %v\n%s", args, head, body)
			}
		}
	})
	t.Run("models", func(t *testing.T) {
		for model, args := range map[string][]string{"claude-opus-5-5": {"-H", "anthropic-version: 2023-06-01"}, "gpt-5.5": {}} {
			head, body := curl(t, append(args, g.url+"/v1/models")...)
			if head["status"] != "200" || !strings.Contains(body, `"id":"`+model+`"`) {
				t.Errorf("%v\n%s", head, body)
			}
		}
	})
}

// wantOurHeaders fails the test unless the answer says what became of the call.
func wantOurHeaders(t *testing.T, head map[string]string, target string) {
	t.Helper()
	want := map[string]string{"fairlead-target": target, "fairlead-attempts": "1", "fairlead-fallback": "false", "fairlead-queued-ms": "0"}
	for name, value := range want {
		if head[name] != value {
			t.Errorf("%s: %q, want %q", name, head[name], value)
		}
	}
	if !strings.HasPrefix(head["fairlead-call"], "call_") {
		t.Errorf("fairlead-call: %q is no id", head["fairlead-call"])
	}
}

// TestCurlFallback: a person sees in the headers who answered, and why.
func TestCurlFallback(t *testing.T) {
	t.Parallel()
	main, spare := newFake(t, always("fail-529")), newFake(t, "")
	g := serve(t, chains(main, spare, false))
	args := []string{g.url + "/v1/messages", "-d", simple}
	head, body := curl(t, args...)
	if head["status"] != "200" || !strings.Contains(body, fakellm.Text(60)) {
		t.Errorf("%v\n%s", head, body)
	}
	for name, value := range map[string]string{
		"fairlead-target": "spare/claude-sonnet-5-5", "fairlead-fallback": "true", "fairlead-attempts": "3", "fairlead-reason": "overloaded",
	} {
		if head[name] != value {
			t.Errorf("%s: %q, want %q", name, head[name], value)
		}
	}
	head, body = curl(t, append(args, "-H", "fairlead-fallback: off")...)
	if head["status"] != "529" || !strings.Contains(body, "overloaded_error") || head["x-should-retry"] != "false" {
		t.Errorf("without fallback: %v\n%s", head, body)
	}
}

// TestCurlUploads: what curl does with large bodies (Expect: 100-continue) and
// with those of unknown length (chunks). The provider sees the same bytes.
func TestCurlUploads(t *testing.T) {
	t.Parallel()
	up := newStub(t, streamed(openStream...))
	g := serve(t, direct(up.url))
	body := strings.Replace(simple, `"hi"`, `"`+strings.Repeat("rope ", 1<<20)+`"`, 1)
	body = strings.Replace(body, "{", `{"stream":true,`, 1)
	file := filepath.Join(t.TempDir(), "body.json")
	if err := os.WriteFile(file, []byte(body), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, more := range [][]string{{"-H", "Expect: 100-continue"}, {"-H", "Transfer-Encoding: chunked"}, {"-H", "Expect:"}} {
		args := append([]string{"-N", g.url + "/v1/messages", "-H", "anthropic-version: 2023-06-01", "--data-binary", "@" + file}, more...)
		if _, text := curl(t, args...); !strings.HasSuffix(text, openStream[len(openStream)-1]) {
			t.Errorf("%q: %.300s", more, text)
		}
	}
	seen := up.requests()
	if len(seen) != 3 {
		t.Fatalf("the provider was asked %d times, want 3", len(seen))
	}
	for i, r := range seen {
		if string(r.body) != body {
			t.Errorf("request %d: the provider saw %d other bytes of %d", i, len(r.body), len(body))
		}
	}
}
