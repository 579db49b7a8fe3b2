// Command fairlead keeps calls to LLM APIs running: as a gateway for any
// program (fairlead serve) and for a person (fairlead ask).
//
// This is the only package that knows flags, the environment and the end of the
// process. It declares what fairlead.yaml may hold (file.go), checks what the
// words in it mean (validate*.go), builds the library's configuration of it
// (build.go), and wires the parts together (server.go). Each command has a file
// of its own.
//
// Exit codes: 0 ok, 1 failure, 2 usage, 78 bad configuration, 130 interrupted.
package main

import (
	"bufio"
	"io"
	"net"
	"os"
	"os/signal"
	"syscall"
)

func main() { os.Exit(run(process(), os.Args[1:])) }

// process is the real world.
func process() *system {
	return &system{
		env:      os.LookupEnv,
		readFile: readBounded,
		stdin:    os.Stdin,
		piped:    piped(os.Stdin),
		stdout:   os.Stdout,
		stderr:   os.Stderr,
		listen:   net.Listen,
		signals: func(all ...os.Signal) (<-chan os.Signal, func()) {
			c := make(chan os.Signal, 4)
			signal.Notify(c, all...)
			return c, func() { signal.Stop(c) }
		},
	}
}

// system is what a command sees of the world outside.
type system struct {
	env            func(string) (string, bool)
	readFile       func(string) ([]byte, error)
	stdin          io.Reader
	piped          bool // stdin is no terminal
	stdout, stderr io.Writer
	listen         func(network, addr string) (net.Listener, error)
	signals        func(...os.Signal) (<-chan os.Signal, func())
}

// What we listen to.
var (
	ending    = []os.Signal{syscall.SIGTERM, os.Interrupt}
	reloading = syscall.SIGHUP
)

// maxFile bounds files that are read whole; a configuration is smaller.
const maxFile = 4 << 20

// readBounded reads a file, but not without end.
func readBounded(name string) ([]byte, error) {
	f, err := os.Open(name)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	return io.ReadAll(io.LimitReader(bufio.NewReader(f), maxFile))
}

func piped(f *os.File) bool {
	info, err := f.Stat()
	return err == nil && info.Mode()&os.ModeCharDevice == 0
}
