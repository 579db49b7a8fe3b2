package main

import (
	"bytes"
	"io"
	"io/fs"
	"net"
	"net/http/httptest"
	"os"
	"regexp"
	"strings"
	"sync"
	"syscall"
	"testing"

	"fairlead.dev/fakellm"
)

// canaries are keys that no output may ever hold.
var canaries = map[string]string{
	"ANTHROPIC_API_KEY": "sk-ant-planted-canary-1", "OPENAI_API_KEY": "planted-canary-2", "OTHER_KEY": "planted-canary-3",
}

// world is a system of a test: variables, files and signals of its own. All that
// a command writes is watched for canaries.
type world struct {
	*system
	t        *testing.T
	out, err *watched
	vars     map[string]string
	mu       sync.Mutex
	files    map[string]string // guarded by mu
	kill     chan os.Signal
}

func newWorld(t *testing.T) *world {
	w := &world{t: t, out: newWatched(), err: newWatched(), vars: map[string]string{}, files: map[string]string{}, kill: make(chan os.Signal, 4)}
	w.system = &system{
		env: func(name string) (string, bool) {
			v, ok := w.vars[name]
			return v, ok
		},
		readFile: func(name string) ([]byte, error) {
			w.mu.Lock()
			defer w.mu.Unlock()
			text, ok := w.files[name]
			if !ok {
				return nil, &fs.PathError{Op: "open", Path: name, Err: fs.ErrNotExist}
			}
			return []byte(text), nil
		},
		stdin: strings.NewReader(""), stdout: w.out, stderr: w.err, listen: net.Listen,
		signals: func(...os.Signal) (<-chan os.Signal, func()) { return w.kill, func() {} },
	}
	t.Cleanup(func() {
		for _, all := range []string{w.out.String(), w.err.String()} {
			for _, canary := range canaries {
				if strings.Contains(all, canary) {
					t.Errorf("a key shows in the output:\n%s", all)
				}
			}
		}
	})
	return w
}

// file puts a file where the program finds it.
func (w *world) file(name, text string) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.files[name] = text
}

func (w *world) run(args ...string) int { return run(w.system, args) }

// fake is a fake provider, and its address.
func (w *world) fake(cfg fakellm.Config) (*fakellm.Server, string) {
	w.t.Helper()
	s, err := fakellm.New(cfg)
	if err != nil {
		w.t.Fatal(err)
	}
	srv := httptest.NewServer(s)
	w.t.Cleanup(func() {
		_ = s.Close()
		srv.Close()
	})
	return s, srv.URL
}

// serving starts the gateway; exit gives its code once it has ended.
func (w *world) serving(args ...string) (clients, admin string, exit <-chan int) {
	w.t.Helper()
	done := make(chan int, 1)
	go func() { done <- w.run(append([]string{"serve"}, args...)...) }()
	ended := make(chan struct{})
	exited := make(chan int, 1)
	go func() {
		exited <- <-done
		close(ended)
	}()
	urls := regexp.MustCompile(`for=(\w+) url=(\S+)`)
	found := w.err.wait(ended, func(text string) bool { return len(urls.FindAllString(text, -1)) == 2 })
	all := urls.FindAllStringSubmatch(found, -1)
	if len(all) != 2 {
		w.t.Fatalf("it did not start:\n%s", found)
	}
	w.t.Cleanup(func() {
		w.kill <- syscall.SIGTERM
		<-ended
	})
	return all[0][2], all[1][2], exited
}

// watched is a writer that a test can wait on.
type watched struct {
	mu   sync.Mutex
	text bytes.Buffer
	news chan struct{}
}

func newWatched() *watched { return &watched{news: make(chan struct{}, 1)} }

func (w *watched) Write(p []byte) (int, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.text.Write(p)
	select {
	case w.news <- struct{}{}:
	default:
	}
	return len(p), nil
}

func (w *watched) String() string {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.text.String()
}

// wait returns the text once it satisfies, or when there will be no more.
func (w *watched) wait(ended <-chan struct{}, satisfied func(string) bool) string {
	for !satisfied(w.String()) {
		select {
		case <-w.news:
		case <-ended:
			return w.String()
		}
	}
	return w.String()
}

// says waits until stderr holds a text.
func (w *world) says(text string) {
	w.t.Helper()
	w.err.wait(w.t.Context().Done(), func(all string) bool { return strings.Contains(all, text) })
}

func contains(t *testing.T, what, text string, wants ...string) {
	t.Helper()
	for _, want := range wants {
		if !strings.Contains(text, want) {
			t.Errorf("%s does not hold %q:\n%s", what, want, text)
		}
	}
}

func equal[T comparable](t *testing.T, what string, got, want T) {
	t.Helper()
	if got != want {
		t.Errorf("%s: got %v, want %v", what, got, want)
	}
}

// golden compares with a file in testdata. UPDATE=1 writes it anew.
func golden(t *testing.T, name, got string) {
	t.Helper()
	path := "testdata/" + name
	if os.Getenv("UPDATE") != "" {
		if err := os.WriteFile(path, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if got != string(want) {
		t.Errorf("%s differs; got:\n%s", path, got)
	}
}

func readAll(t *testing.T, r io.Reader) string {
	t.Helper()
	data, err := io.ReadAll(r)
	if err != nil {
		t.Fatal(err)
	}
	return string(data)
}

// text reads a file of testdata.
func text(t *testing.T, name string) string {
	t.Helper()
	data, err := os.ReadFile("testdata/" + name)
	if err != nil {
		t.Fatal(err)
	}
	return string(data)
}
