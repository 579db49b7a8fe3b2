package main

import (
	"crypto/sha256"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"fairlead.dev/fakellm"
)

func TestUsage(t *testing.T) {
	tests := map[string]struct {
		args []string
		code int
		want string
	}{
		"help":            {nil, exitOK, "Available Commands"},
		"unknown command": {[]string{"chekc"}, exitUsage, "Did you mean this?\n\tcheck"},
		"unknown flag":    {[]string{"check", "--confg", "x"}, exitUsage, "did you mean --config?"},
		"no name":         {[]string{"key", "new"}, exitUsage, "accepts 1 arg"},
		"bad name":        {[]string{"key", "new", "a\nb"}, exitUsage, "printable"},
		"no prompt":       {[]string{"ask"}, exitUsage, "there is no prompt"},
		"nobody to ask":   {[]string{"ask", "hi"}, exitConfig, "ANTHROPIC_API_KEY"},
		"version":         {[]string{"version"}, exitOK, "fairlead "},
		"completion":      {[]string{"completion", "bash"}, exitOK, "__start_fairlead"},
		"faults":          {[]string{"fake", "--help"}, exitOK, "cut-after-<k>"},
		"no script":       {[]string{"fake", "--script", "nowhere"}, exitConfig, "nowhere"},
	}
	for name, c := range tests {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t)
			equal(t, "exit", w.run(c.args...), c.code)
			contains(t, "output", w.out.String()+w.err.String(), c.want)
			if c.code != exitOK && strings.Contains(w.err.String(), "Usage:") {
				t.Error("usage is printed on an error")
			}
		})
	}
}

func TestKeyNew(t *testing.T) {
	w := newWorld(t)
	equal(t, "exit", w.run("key", "new", "web"), exitOK)
	key := strings.TrimSpace(w.out.String())
	line := strings.TrimSpace(strings.SplitN(w.err.String(), "\n", 2)[1])
	contains(t, "line", line, fmt.Sprintf("%x", sha256.Sum256([]byte(key))))
	if strings.Contains(w.err.String(), key) || len(key) < 25 {
		t.Errorf("key %q, stderr %q", key, w.err)
	}
	w.file("fairlead.yaml", "listen: 0.0.0.0:0\nproviders: {a: {dialect: anthropic, base_url: \"http://127.0.0.1:1\"}}\nmodels: {m: {chain: [a/x]}}\nauth:\n  keys:\n    "+line+"\n")
	equal(t, "the line is valid", w.run("check"), exitOK)
	other := newWorld(t)
	other.run("key", "new", "web")
	if strings.TrimSpace(other.out.String()) == key {
		t.Error("two keys are equal")
	}
}

func TestAsk(t *testing.T) {
	w := newWorld(t).withCanaries()
	_, url := w.fake(fakellm.Config{Tokens: 6})
	w.file("fairlead.yaml", gatewayFile(url))
	equal(t, "exit", w.run("ask", "why", "is", "it?"), exitOK)
	equal(t, "answer", w.out.String(), fakellm.Text(6)+"\n")
	contains(t, "stderr", w.err.String(), "answered by anthropic/claude-sonnet-5-5 after ", ", because claude-opus-5-5:fail-529 was overloaded")
}

func TestAskFromStdin(t *testing.T) {
	w := newWorld(t).withCanaries()
	fake, url := w.fake(fakellm.Config{})
	w.file("fairlead.yaml", gatewayFile(url))
	w.stdin, w.piped = strings.NewReader("the piped prompt"), true
	equal(t, "exit", w.run("ask", "-v", "--system", "be brief", "--max-tokens", "3", "-"), exitOK)
	equal(t, "answer", w.out.String(), fakellm.Text(3)+"\n")
	all := fake.Attempts()
	contains(t, "request", string(all[len(all)-1].Body), "the piped prompt", "be brief")
	contains(t, "story", w.err.String(), "arrived", "started", "ended")
}

func TestAskFails(t *testing.T) {
	w := newWorld(t).withCanaries()
	_, url := w.fake(fakellm.Config{})
	w.file("fairlead.yaml", gatewayFile(url))
	equal(t, "cut", w.run("ask", "-m", "cut", "hi"), exitFailure)
	contains(t, "what came is shown", w.out.String(), "w0 w1")
	contains(t, "stderr", w.err.String(), "fairlead: ", "truncated")
	equal(t, "unknown model", w.run("ask", "-m", "nope", "hi"), exitFailure)
	contains(t, "stderr", w.err.String(), "unknown model")
}

func TestAskIsInterrupted(t *testing.T) {
	w := newWorld(t).withCanaries()
	_, url := w.fake(fakellm.Config{})
	w.file("fairlead.yaml", gatewayFile(url))
	done := make(chan int, 1)
	go func() { done <- w.run("ask", "-m", "slow", "hi") }()
	w.out.wait(nil, func(all string) bool { return strings.Contains(all, "w0") })
	w.kill <- syscall.SIGINT
	equal(t, "exit", <-done, exitInterrupted)
}

func TestAskWithOnlyAStar(t *testing.T) {
	w := newWorld(t)
	w.vars["OPENAI_API_KEY"] = canaries["OPENAI_API_KEY"]
	equal(t, "exit", w.run("ask", "hi"), exitUsage)
	contains(t, "stderr", w.err.String(), "--model is needed")
}

func TestFakeWithAScript(t *testing.T) {
	w := newWorld(t)
	w.file("script.yaml", "rules:\n  - match: {model: claude-*}\n    fault: fail-529\n")
	done := make(chan int, 1)
	go func() {
		done <- w.run("fake", "--listen", "127.0.0.1:0", "--script", "script.yaml", "--tokens", "4", "--ttft", "1ms")
	}()
	text := w.err.wait(nil, func(all string) bool { return strings.Contains(all, "url=") })
	_, url, _ := strings.Cut(strings.TrimSpace(text), "url=")
	equal(t, "by the script", w.mustPost(url, "claude-x", false, "x-api-key", "k").StatusCode, 529)
	resp := w.mustPost(url, "other", false, "x-api-key", "k")
	contains(t, "answer", readAll(t, resp.Body), fakellm.Text(4))
	w.err.wait(nil, func(all string) bool { return strings.Count(all, "msg=attempt") == 2 })
	w.kill <- syscall.SIGTERM
	equal(t, "exit", <-done, exitOK)
	contains(t, "log", w.err.String(), "fault=fail-529")
	for _, bad := range []string{"rules: [{fault: nope}]", "\xff\xfe", "a: [", `{"rules": 5}`} {
		w.file("bad", bad)
		equal(t, bad, w.run("fake", "--script", "bad"), exitConfig)
	}
}

func TestMan(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "man")
	equal(t, "exit", newWorld(t).run("man", dir), exitOK)
	page, err := os.ReadFile(filepath.Join(dir, "fairlead-serve.1"))
	if err != nil {
		t.Fatal(err)
	}
	contains(t, "page", string(page), "SIGTERM", "fairlead-serve")
}

func TestSentence(t *testing.T) {
	start := time.Now()
	s := story{Target: "a/good", Attempts: 3, Start: start, End: start.Add(2100 * time.Millisecond), Events: []happening{
		{Kind: "ended", Target: "a/best", Verdict: "overloaded"}, {Kind: "ended", Target: "a/best", Verdict: "overloaded"},
		{Kind: "skipped", Target: "a/next", Reason: "breaker_open"}, {Kind: "ended", Target: "a/good", Verdict: "ok"},
	}}
	equal(t, "sentence", s.sentence(), "answered by a/good after 3 attempts in 2.1s, because best was overloaded and next was not asked (breaker open)")
	s = story{Target: "a/good", Attempts: 1, Start: start, End: start.Add(120 * time.Millisecond)}
	equal(t, "sentence", s.sentence(), "answered by a/good in 120ms")
}

func TestLinesOfWaiting(t *testing.T) {
	start := time.Now()
	for want, e := range map[string]happening{
		"  +0ms      queued      a/best because of pool closed for 2.0s":         {Kind: "queued", Target: "a/best", Reason: "pool_closed", Wait: 2 * time.Second},
		"  +0ms      narrowed    a/best overloaded to 18 calls at once, from 20": {Kind: "narrowed", Target: "a/best", Reason: "verdict", Verdict: "overloaded", N: 18, M: 20},
		"  +0ms      skipped     a/best because of too late":                     {Kind: "skipped", Target: "a/best", Reason: "too_late"},
	} {
		e.At = start
		equal(t, "line", strings.Join(strings.Fields(e.line(start)), " "), strings.Join(strings.Fields(want), " "))
	}
}

func TestProxyFromTheEnvironment(t *testing.T) {
	w := newWorld(t)
	w.vars = map[string]string{"HTTPS_PROXY": "http://p:1", "http_proxy": "q:2", "NO_PROXY": "inside.test, .corp.test"}
	for target, want := range map[string]string{
		"https://api.test": "http://p:1", "http://api.test": "http://q:2", "https://inside.test": "", "https://a.corp.test": "",
		"https://notinside.test": "http://p:1", "http://127.0.0.1:1": "", "http://localhost": "",
	} {
		equal(t, target, w.proxyFor(target), want)
	}
}
