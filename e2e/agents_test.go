package e2e

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"
)

var (
	withAgents = flag.Bool("agents", false, "run Claude Code, Codex and the Vercel AI SDK: 700 MB are installed for them")
	tableFile  = flag.String("table", "", "write what became of each agent's turn to this `file`")
)

// turnTime is how long a person waits for a turn.
const turnTime = time.Minute

// agent is a program that people work with.
type agent struct {
	name string
	// turn is the command of one turn against an API at url.
	turn func(ctx context.Context, dir, url string) *exec.Cmd
}

var agents = []agent{
	{"Claude Code", claudeCode},
	{"AI SDK, Anthropic", aiSDK("anthropic", "claude-opus-5-5")},
	{"AI SDK, OpenAI chat", aiSDK("openai", "gpt-5.5")},
	{"Codex", codex},
}

// turns are what goes wrong with the first target in every request, while the
// second one is well.
var turns = []struct{ title, fault string }{
	{"nothing", "ok"},
	{"529", "fail-529"},
	{"connection reset", "reset"},
	{"error event at once", "error-after-0"},
	{"clean close at once", "close-after-0"},
	{"lifecycle events, then silence", "lifecycle-only"},
	{"pings only", "pings-only"},
	{"first token after 20 s", "slow-first-20s"},
	{"stall at token 20", "stall-after-20"},
	{"cut at token 40", "cut-after-40"},
	{"clean close at token 40", "close-after-40"},
	{"error event at token 40", "error-after-40"},
	{"malformed event at token 10", "malformed-after-10"},
	{"no end marker", "no-end"},
}

func claudeCode(ctx context.Context, dir, url string) *exec.Cmd {
	cmd := exec.CommandContext(ctx, "node", filepath.Join(dir, "node_modules/@anthropic-ai/claude-code/cli-wrapper.cjs"),
		"-p", "Why do ropes chafe?")
	cmd.Env = []string{
		"ANTHROPIC_BASE_URL=" + url, "ANTHROPIC_API_KEY=sk-client", "ANTHROPIC_MODEL=claude-opus-5-5",
		"CLAUDE_CODE_DISABLE_NONESSENTIAL_TRAFFIC=1",
	}
	return cmd
}

func codex(ctx context.Context, dir, url string) *exec.Cmd {
	cmd := exec.CommandContext(ctx, "node", filepath.Join(dir, "node_modules/@openai/codex/bin/codex.js"), "exec", "--skip-git-repo-check",
		"-c", `model="gpt-5.5"`, "-c", `model_provider="api"`,
		"-c", fmt.Sprintf(`model_providers.api={name="api",base_url="%s/v1",wire_api="responses",env_key="API_KEY"}`, url), "Why do ropes chafe?")
	cmd.Env = []string{"API_KEY=sk-client"}
	return cmd
}

func aiSDK(dialect, model string) func(ctx context.Context, dir, url string) *exec.Cmd {
	return func(ctx context.Context, dir, url string) *exec.Cmd {
		return exec.CommandContext(ctx, "node", filepath.Join(dir, "ai.mjs"), dialect, url, model)
	}
}

// What becomes of a turn.
const (
	finished = "the answer"
	short    = "**half an answer, taken for a whole one**"
	failing  = "an error"
	hanging  = "nothing within a minute"
)

// TestAgents: through the gateway every turn ends with the whole answer,
// whatever the first target does. What becomes of it without is written beside
// it. It takes minutes, so only make agents runs it.
func TestAgents(t *testing.T) {
	if !*withAgents {
		t.Skip("run by make agents")
	}
	dir := installNode(t, "agents", "ai.mjs")
	var results sync.Map
	t.Run("turns", func(t *testing.T) {
		for _, turn := range turns {
			for _, a := range agents {
				t.Run(a.name+"/"+turn.title, func(t *testing.T) {
					t.Parallel()
					main, spare := newFake(t, always(turn.fault)), newFake(t, "")
					g := serve(t, chains(main, spare, false)+"timeouts: {headers: 3s, first_token: 3s, idle: 3s}\n")
					without, _ := a.play(t, dir, main.url)
					with, said := a.play(t, dir, g.url)
					if with != finished {
						t.Errorf("through the gateway: %s\n%s", with, said)
					}
					results.Store(a.name+turn.title, [2]string{without, with})
				})
			}
		}
	})
	if *tableFile != "" && !t.Failed() {
		if err := os.WriteFile(*tableFile, agentsTable(t, dir, &results), 0o644); err != nil {
			t.Fatal(err)
		}
	}
}

// play lets an agent take one turn, and tells what became of it.
func (a agent) play(t *testing.T, dir, url string) (result, said string) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), turnTime)
	defer cancel()
	home := t.TempDir()
	cmd := a.turn(ctx, dir, url)
	cmd.Dir = home
	cmd.Env = append(cmd.Env, "HOME="+home, "PATH="+os.Getenv("PATH"))
	cmd.WaitDelay = time.Second
	var stdout, stderr bytes.Buffer
	cmd.Stdout, cmd.Stderr = &stdout, &stderr
	err := cmd.Run()
	said = fmt.Sprintf("%v\n%s\n%s", err, &stdout, &stderr)
	var exit *exec.ExitError
	switch {
	case ctx.Err() != nil:
		return hanging, said
	case errors.As(err, &exit):
		return failing, said
	case err != nil:
		t.Fatalf("%s did not run: %v", a.name, err)
	case strings.TrimSpace(stdout.String()) == whole:
		return finished, said
	}
	return short, said
}

// agentsTable is the page of docs.
func agentsTable(t *testing.T, dir string, results *sync.Map) []byte {
	t.Helper()
	var b bytes.Buffer
	fmt.Fprintf(&b, `# Agents, with and without the gateway

What becomes of one turn of programs that people work with, when the first target fails in every request, straight to it and through
the gateway with a second target that is well. `+"`make agents`"+` runs every turn and writes this page; it ends with an error unless each
turn through the gateway ends with the whole answer.

The agents: %s.

Codex speaks the Responses API, whose streams cannot be gone on with (their items have identities): it asks again by itself when it is
told honestly that an answer was cut, and then finds the second target.

| the first target | agent | without | with |
|---|---|---|---|
`, versions(t, dir))
	for _, turn := range turns {
		for _, a := range agents {
			r, ok := results.Load(a.name + turn.title)
			if !ok {
				t.Fatalf("no result for %s, %s", a.name, turn.title)
			}
			pair := r.([2]string)
			fmt.Fprintf(&b, "| %s | %s | %s | %s |\n", turn.title, a.name, pair[0], pair[1])
		}
	}
	return b.Bytes()
}

// versions lists the agents as they were installed.
func versions(t *testing.T, dir string) string {
	t.Helper()
	var list []string
	for _, p := range []struct{ title, name string }{
		{"Claude Code", "@anthropic-ai/claude-code"}, {"Codex", "@openai/codex"}, {"Vercel AI SDK", "ai"},
	} {
		var v struct{ Version string }
		data, err := os.ReadFile(filepath.Join(dir, "node_modules", p.name, "package.json"))
		if err == nil {
			err = json.Unmarshal(data, &v)
		}
		if err != nil {
			t.Fatal(err)
		}
		list = append(list, p.title+" "+v.Version)
	}
	return strings.Join(list, ", ")
}
