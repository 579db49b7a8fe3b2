package e2e

import (
	"flag"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
)

// program is the fairlead binary, built once for all tests.
var program string

func TestMain(m *testing.M) { os.Exit(run(m)) }

func run(m *testing.M) int {
	forgetEnvironment()
	dir, err := os.MkdirTemp("", "fairlead-e2e-")
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	defer os.RemoveAll(dir)
	program = filepath.Join(dir, "fairlead")
	build := exec.Command("go", "build", "-buildvcs=false", "-o", program, "./cmd/fairlead")
	build.Dir = ".."
	if out, err := build.CombinedOutput(); err != nil {
		fmt.Fprintf(os.Stderr, "cannot build fairlead: %v\n%s", err, out)
		return 1
	}
	raiseParallel()
	return m.Run()
}

// raiseParallel lets more tests run at once than there are cores: they wait for
// backoffs and clocks, they hardly compute.
func raiseParallel() {
	flag.Parse()
	if f := flag.Lookup("test.parallel"); f.Value.String() == f.DefValue || f.Value.String() == fmt.Sprint(runtime.GOMAXPROCS(0)) {
		_ = f.Value.Set("12")
	}
}

// forgetEnvironment makes the SDKs and the gateway see no key, address or proxy
// of whoever runs the tests: they read them by themselves.
func forgetEnvironment() {
	for _, entry := range os.Environ() {
		name, _, _ := strings.Cut(entry, "=")
		upper := strings.ToUpper(name)
		for _, prefix := range []string{"ANTHROPIC_", "OPENAI_", "FAIRLEAD_", "CLAUDE_"} {
			if strings.HasPrefix(upper, prefix) {
				os.Unsetenv(name)
			}
		}
	}
}
