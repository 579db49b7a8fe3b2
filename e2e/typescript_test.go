package e2e

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"

	"fairlead.dev/fakellm"
)

// installTime bounds npm ci: it fetches a few packages.
const installTime = 4 * time.Minute

// TestTypeScript runs the checks of ts/acceptance.mjs, each as a subtest.
func TestTypeScript(t *testing.T) {
	t.Parallel()
	dir := installNode(t, "ts", "acceptance.mjs")
	const cut = "slow-tokens-10ms+cut-after-20"
	at, err := json.Marshal(map[string]string{
		"healthy":  serve(t, chains(newFake(t, ""), newFake(t, ""), false)).url,
		"fallback": serve(t, chains(newFake(t, always("fail-529")), newFake(t, ""), false)).url,
		"failing":  serve(t, chains(newFake(t, always("fail-529")), newFake(t, always("fail-504")), false)).url,
		"cut":      serve(t, chains(newFake(t, always(cut)), newFake(t, always(cut)), false)).url,
		"whole":    whole,
		"rope":     fakellm.Text(3),
	})
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 4*patience)
	defer cancel()
	cmd := exec.CommandContext(ctx, "node", "acceptance.mjs", string(at))
	cmd.Dir = dir
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	if err != nil {
		t.Errorf("the script did not end in order: %v\n%s", err, &stderr)
	}
	checks := 0
	for in := bufio.NewScanner(bytes.NewReader(out)); in.Scan(); checks++ {
		var check struct{ Name, Wrong string }
		if err := json.Unmarshal(in.Bytes(), &check); err != nil {
			t.Fatalf("the script printed %q", in.Text())
		}
		t.Run(check.Name, func(t *testing.T) {
			if check.Wrong != "" {
				t.Error(check.Wrong)
			}
		})
	}
	if checks == 0 {
		t.Error("the script checked nothing")
	}
}

// installNode installs the packages of a folder into a folder of its own, so that
// the checkout stays as it is, and skips the test where there is no Node.
func installNode(t *testing.T, from, script string) (dir string) {
	t.Helper()
	for _, tool := range []string{"node", "npm"} {
		if _, err := exec.LookPath(tool); err != nil {
			t.Skipf("%s is not installed: the clients of %s are not tested", tool, from)
		}
	}
	dir = t.TempDir()
	for _, name := range []string{"package.json", "package-lock.json", ".npmrc", script} {
		data, err := os.ReadFile(filepath.Join(from, name))
		if err == nil {
			err = os.WriteFile(filepath.Join(dir, name), data, 0o600)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	ctx, cancel := context.WithTimeout(t.Context(), installTime)
	defer cancel()
	cmd := exec.CommandContext(ctx, "npm", "ci", "--no-audit", "--no-fund", "--ignore-scripts", "--prefer-offline")
	cmd.Dir = dir
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("npm ci: %v\n%s", err, out)
	}
	return dir
}
