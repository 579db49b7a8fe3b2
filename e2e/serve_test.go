package e2e

import (
	"bufio"
	"bytes"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"sync"
	"syscall"
	"testing"
	"time"
)

// patience bounds what should happen at once, on a machine that is busy with
// other tests. No test waits for it to pass.
const patience = 30 * time.Second

// gateway is a running fairlead serve.
type gateway struct {
	asked sync.Once // to end
	url   string    // of the client listener
	admin string    // of the admin listener

	process *os.Process
}

// serve starts the gateway with a configuration and stops it when the test
// ends. Both listeners get free ports.
func serve(t *testing.T, config string) *gateway {
	t.Helper()
	file := filepath.Join(t.TempDir(), "fairlead.yaml")
	config = "listen: 127.0.0.1:0\nadmin: 127.0.0.1:0\n" + config
	if err := os.WriteFile(file, []byte(config), 0o600); err != nil {
		t.Fatal(err)
	}
	return start(t, "serve", "--config", file)
}

// start runs the program until it listens, and ends it after the test.
func start(t *testing.T, args ...string) *gateway {
	t.Helper()
	return startWith(t, nil, args...)
}

// startWith does so with more variables in its environment, which is empty
// otherwise.
func startWith(t *testing.T, env []string, args ...string) *gateway {
	t.Helper()
	cmd := exec.Command(program, args...)
	cmd.Dir = t.TempDir()
	cmd.Env = append([]string{"HOME=" + cmd.Dir, "PATH=" + os.Getenv("PATH")}, env...)
	stderr, err := cmd.StderrPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	g := &gateway{process: cmd.Process}
	log := follow(stderr)
	t.Cleanup(func() { g.stop(t, cmd, log) })
	timeout := time.After(patience)
	for g.url == "" || args[0] == "serve" && g.admin == "" {
		select {
		case l := <-log.listening:
			if l.what == "admin" {
				g.admin = l.url
			} else {
				g.url = l.url
			}
		case <-log.over:
			t.Fatalf("fairlead %q ended at once:\n%s", args, log)
		case <-timeout:
			t.Fatalf("fairlead %q does not say where it listens:\n%s", args, log)
		}
	}
	return g
}

// terminate asks the program to end, once: calls under way may finish, and a
// second signal would end them. An SDK has its answer before the call is over.
func (g *gateway) terminate() { g.asked.Do(func() { _ = g.process.Signal(syscall.SIGTERM) }) }

// stop ends the program. It must end by itself, in order, and soon: no call is
// open any more.
func (g *gateway) stop(t *testing.T, cmd *exec.Cmd, log *serverLog) {
	g.terminate()
	kill := time.AfterFunc(patience, func() { _ = cmd.Process.Kill() })
	<-log.over
	err := cmd.Wait()
	kill.Stop()
	if err != nil {
		t.Errorf("the program did not end in order: %v", err)
	}
	if t.Failed() {
		t.Logf("log of the program:\n%s", log)
	}
}

// serverLog is what the program writes to stderr.
type serverLog struct {
	listening chan listening
	over      chan struct{} // closed at its end

	mu   sync.Mutex
	text bytes.Buffer // guarded by mu
}

type listening struct{ what, url string }

var listeningLine = regexp.MustCompile(`msg=listening for=("[^"]*"|\w+) url=(\S+)`)

func follow(r io.Reader) *serverLog {
	l := &serverLog{listening: make(chan listening, 2), over: make(chan struct{})}
	go func() {
		defer close(l.over)
		for in := bufio.NewScanner(r); in.Scan(); {
			l.mu.Lock()
			fmt.Fprintln(&l.text, in.Text())
			l.mu.Unlock()
			if m := listeningLine.FindStringSubmatch(in.Text()); m != nil {
				l.listening <- listening{m[1], m[2]}
			}
		}
	}()
	return l
}

func (l *serverLog) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.String()
}
