package main

import (
	"bufio"
	"context"
	"fmt"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"time"
)

// process is a process under test.
type process struct {
	name string
	url  string
	cmd  *exec.Cmd
}

// bench is the set of processes: under[0] is the proxy, under[1] the gateway.
type bench struct {
	dir      string
	provider *process
	under    [2]*process
	cuts     [2]int // answers of each that were not whole
}

func startBench(ctx context.Context) (*bench, error) {
	dir, err := os.MkdirTemp("", "fairlead-cpu")
	if err != nil {
		return nil, err
	}
	b := &bench{dir: dir}
	if b.provider, err = self(ctx, "provider"); err == nil {
		if b.under[0], err = self(ctx, "proxy", b.provider.url); err == nil {
			b.under[1], err = gateway(ctx, dir, b.provider.url)
		}
	}
	if err != nil {
		b.stop()
		return nil, err
	}
	return b, nil
}

func (b *bench) stop() {
	for _, p := range []*process{b.provider, b.under[0], b.under[1]} {
		if p != nil {
			p.cmd.Process.Kill()
			p.cmd.Wait()
		}
	}
	os.RemoveAll(b.dir)
}

// self starts this program in another role. It prints its address first.
func self(ctx context.Context, role string, args ...string) (*process, error) {
	exe, err := os.Executable()
	if err != nil {
		return nil, err
	}
	cmd := exec.CommandContext(ctx, exe, append([]string{"-role", role}, args...)...)
	out, err := cmd.StdoutPipe()
	if err != nil {
		return nil, err
	}
	cmd.Stderr = os.Stderr
	if err := cmd.Start(); err != nil {
		return nil, err
	}
	line, err := bufio.NewReader(out).ReadString('\n')
	return &process{name: role, url: strings.TrimSpace(line), cmd: cmd}, err
}

// gateway builds and starts `fairlead serve` in front of the provider.
func gateway(ctx context.Context, dir, provider string) (*process, error) {
	exe := filepath.Join(dir, "fairlead")
	build := exec.CommandContext(ctx, "go", "build", "-o", exe, "./cmd/fairlead")
	build.Dir = ".." // the command runs in bench/
	build.Stderr = os.Stderr
	if err := build.Run(); err != nil {
		return nil, fmt.Errorf("building the gateway: %w", err)
	}
	listen, err := freeAddress()
	if err != nil {
		return nil, err
	}
	admin, err := freeAddress()
	if err != nil {
		return nil, err
	}
	cfg := filepath.Join(dir, "fairlead.yaml")
	text := fmt.Sprintf(`listen: %s
admin: %s
providers:
  p: {dialect: anthropic, base_url: %q, api_keys: [key]}
models:
  "*": {chain: ["p/*"]}
queue: {max_in_flight: 20000}
`, listen, admin, provider)
	if err := os.WriteFile(cfg, []byte(text), 0o600); err != nil {
		return nil, err
	}
	cmd := exec.CommandContext(ctx, exe, "serve", "--config", cfg)
	cmd.Stderr = os.Stderr
	if os.Getenv("CPU_VERBOSE") == "" {
		cmd.Stderr = nil
	}
	if err := cmd.Start(); err != nil {
		return nil, err
	}
	p := &process{name: "fairlead", url: "http://" + listen, cmd: cmd}
	return p, p.awaken()
}

func freeAddress() (string, error) {
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return "", err
	}
	defer ln.Close()
	return ln.Addr().String(), nil
}

// awaken waits until the process answers.
func (p *process) awaken() error {
	for range 100 {
		if resp, err := http.Get(p.url + "/healthz"); err == nil {
			resp.Body.Close()
			return nil
		}
		time.Sleep(50 * time.Millisecond)
	}
	return fmt.Errorf("%s does not answer at %s", p.name, p.url)
}

// cpu is the CPU time that the process has used, of all its threads. The
// kernel counts it in ticks of 10 ms.
func (p *process) cpu() time.Duration {
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", p.cmd.Process.Pid))
	if err != nil {
		return 0
	}
	// The second field is the name in parentheses, which may hold spaces.
	fields := strings.Fields(string(text[strings.LastIndexByte(string(text), ')')+1:]))
	user, _ := strconv.Atoi(fields[11])
	system, _ := strconv.Atoi(fields[12])
	return time.Duration(user+system) * 10 * time.Millisecond
}
