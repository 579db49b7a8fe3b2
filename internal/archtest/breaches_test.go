package archtest

import "strings"

// A breach is a small module that breaks a rule.
type breach struct {
	name  string
	rule  string
	files string   // sources, each after a line "-- name --"
	want  []string // faults, as file:line and a part of the message
}

var breaches = []breach{
	{"up, sideways, aside and out", "floors", `
-- retry/retry.go --
package retry
import (
	"time"
	"test.dev/event"
	"test.dev/breaker"
	"test.dev/llm"
	"test.dev/internal/memnet"
	"example.com/lib"
)
-- retry/retry_test.go --
package retry_test
import (
	"test.dev/retry"
	"test.dev/fakellm"
	"test.dev/internal/memnet"
	"pgregory.net/rapid"
	"test.dev/gateway"
	"github.com/stretchr/testify"
)
`, []string{"retry/retry.go:5: test.dev/breaker; a part imports from floors below only",
		"retry/retry.go:6: test.dev/llm; a part imports", "retry/retry.go:7: only tests",
		"retry/retry.go:8: use the standard library",
		"retry/retry_test.go:7: test.dev/gateway", "retry/retry_test.go:8: testify"}},
	{"every floor", "floors", `
-- event/event.go --
package event
import "test.dev/retry"
-- llm/llm.go --
package llm
import "test.dev/sse"
-- provider/one/one.go --
package one
import ("test.dev/llm"; "test.dev/event"; "test.dev/provider/two"; "test.dev/health")
-- face.go --
package face
import ("test.dev/provider/one"; "test.dev/breaker"; "test.dev/gateway")
-- gateway/gateway.go --
package gateway
import ("test.dev"; "test.dev/event"; "test.dev/dash")
-- telemetry/telemetry.go --
package telemetry
import ("github.com/prometheus/client_golang/prometheus"; "github.com/goccy/go-yaml")
-- provider/providertest/suite.go --
package providertest
import "test.dev/provider/one"
-- provider/providertest/suite_test.go --
package providertest
import ("test.dev/provider/one"; "test.dev/health")
-- rehearse/rehearse.go --
package rehearse
import ("test.dev/internal/memnet"; "test.dev/gateway"; "test.dev/config")
-- cmd/fairlead/main.go --
package main
import ("test.dev/rehearse"; "test.dev/fakellm"; "example.com/any"; "test.dev/internal/memnet")
-- fakellm/fakellm.go --
package fakellm
import "test.dev/sse"
`, []string{"event/event.go:2: test.dev/retry", "provider/one/one.go:2: provider/two", "provider/one/one.go:2: health",
		"face.go:2: gateway",
		"provider/providertest/suite.go:2: provider/one", "provider/providertest/suite_test.go:2: health", "gateway/gateway.go:2: dash", "telemetry/telemetry.go:2: go-yaml",
		"rehearse/rehearse.go:2: config", "cmd/fairlead/main.go:2: only tests", "fakellm/fakellm.go:2: sse"}},
	{"unknown package", "floors", `
-- extra/extra.go --
package extra
-- health/health.go --
package health
import "test.dev/extra"
-- e2e/e2e.go --
package e2e
-- other/go.mod --
module other
-- other/other.go --
package other
-- retry/testdata/bad.go --
package bad
-- notyet/only_test.go --
package notyet
`, []string{"extra/extra.go:1: add it to the table", "health/health.go:2: add extra to the table"}},

	{"no comments", "docs", `
-- a/a.go --
package a
func F() {}
// G is explained.
func G() {}
type T struct{ X int }
func (*T) M() {}
func (t T) m() {}
type u struct{}
func (u) String() string { return "" }
const C = 1
// Some constants.
const (
	D = 1
	E = 2
)
var (
	H = 1 // explained
	I = 2
)
-- a/a_test.go --
// Package a has its comment in a test only.
package a
func Bare() {}
`, []string{"a/a.go:1: package a has no package comment", "a/a.go:2: F has", "a/a.go:5: T has",
		"a/a.go:6: M has", "a/a.go:10: C has", "a/a.go:18: I has"}},
	{"fields of configuration", "docs", `
-- a/a.go --
// Package a is explained.
package a
// Config is explained.
type Config struct {
	A int // explained
	// B is explained.
	B int
	C, D int
	e int
}
// Wire is not configuration.
type Wire struct { A int }
type config struct { A int }
`, []string{"a/a.go:8: C has", "a/a.go:8: D has"}},

	{"long file", "sizes", "\n-- a/a.go --\npackage a\n" + strings.Repeat("\n", 500) +
		"\n-- b/b.go --\npackage b\n" + strings.Repeat("\n", 400) + "\n-- a/a_test.go --\npackage a\n" + strings.Repeat("\n", 600),
		[]string{"a/a.go:1: more than 500"}},
	{"long function", "sizes", "\n-- a/a.go --\npackage a\nfunc F() {" + strings.Repeat("\n", 80) + "}\nfunc G() {" +
		strings.Repeat("\n", 79) + "}\n", []string{"a/a.go:2: F has 81 lines"}},

	{"words that say nothing", "words", `
-- a/http_utils.go --
package a
type QueueManager struct{}
type Encore struct{}
type Database struct{}
func scoreOf() {}
func (Encore) coreLoop() {}
func helpers() {}
type IProvider interface{}
type Item interface{}
type ID interface{}
type providerImpl struct{}
type Base struct{}
func baseURL() {}
func baseWait() {}
func JSONSchema() {}
func SchemaFor() {}
-- common/x.go --
package common
-- a/helper_test.go --
package a
type manager struct{}
`, []string{"common/x.go:1: common", "a/http_utils.go:1: utils", "a/http_utils.go:2: manager",
		"a/http_utils.go:6: core", "a/http_utils.go:7: helpers", "a/http_utils.go:8: prefix I",
		"a/http_utils.go:11: suffix Impl", "a/http_utils.go:14: base", "a/http_utils.go:16: schema",
		"a/helper_test.go:1: helper"}},
	{"handlers and schemas", "words", `
-- gateway/gateway.go --
package gateway
import "net/http"
func Handler() http.Handler { return nil }
type pageHandler struct { next http.Handler }
func eventHandler(x int) { http.Error(nil, "", 0) }
-- retry/retry.go --
package retry
import "net/http"
func Handler() http.Handler { return nil }
-- cmd/fairlead/schema.go --
package main
func writeSchema() {}
-- cmd/fairlead/main.go --
package main
func readSchema() {}
-- structured/schema.go --
package structured
type Schema struct{}
`, []string{"gateway/gateway.go:5: handler", "retry/retry.go:3: handler", "cmd/fairlead/main.go:2: schema"}},

	{"sleeps", "bubbles", `
-- a/a.go --
package a
import "time"
func F() { time.Sleep(1) }
-- a/a_test.go --
package a
import (
	clock "time"
	"testing"
	"testing/synctest"
)
func TestReal(t *testing.T) { clock.Sleep(1) }
func TestBubble(t *testing.T) { synctest.Test(t, func(t *testing.T) { clock.Sleep(1) }) }
// slow sleeps, and is called in
// bubble only.
func slow() { clock.Sleep(1) }
func TestBoth(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {})
	go func() { clock.Sleep(1) }()
}
var f = func() { clock.Sleep(1) }
var g = clock.Sleep
func bubble(t *testing.T, f func()) { synctest.Test(t, func(*testing.T) { f() }) }
func noBubble(t *testing.T, f func()) { f() }
-- a/more_test.go --
package a
import "time"
func TestMaker(t *testing.T) {
	bubble(t, func() { time.Sleep(1) })
	noBubble(t, func() { time.Sleep(1) })
	twice(t, func() { time.Sleep(1) })
}
func twice(t *testing.T, f func()) { bubble(t, f); bubble(t, f) }
-- b/b.go --
package b
type sleeper struct{}
func (sleeper) Sleep(int) {}
func F(time sleeper) { time.Sleep(1) }
`, []string{"a/a.go:3: select", "a/a_test.go:7: synctest.Test", "a/a_test.go:14: real", "a/a_test.go:16: real", "a/a_test.go:17: real",
		"a/more_test.go:5: real"}},

	{"process", "process", `
-- a/a.go --
package a
import (
	"os"
	"log"
)
func F() {
	os.Getenv("X")
	os.Exit(1)
	log.Fatalf("")
	os.ReadFile("")
	f := os.LookupEnv
}
-- cmd/fairlead/main.go --
package main
import "os"
func main() { os.Exit(1) }
-- a/a_test.go --
package a
import "os"
func F() { os.Getenv("X") }
`, []string{"a/a.go:7: os.Getenv", "a/a.go:8: os.Exit", "a/a.go:9: log.Fatalf", "a/a.go:11: os.LookupEnv"}},

	{"globals", "globals", `
-- a/a.go --
package a
import (
	"errors"
	"log/slog"
	"sync"
	"time"
)
var ErrX = errors.New("x")
var waiters = make(chan int)
var pools map[string]*sync.Pool
var (
	tick = time.NewTicker(time.Second)
	log *slog.Logger
)
var make1 = func() chan int { return make(chan int) }
var wait = 5 * time.Second
func f() { var c chan int }
-- a/a_test.go --
package a
var c chan int
`, []string{"a/a.go:9: a channel", "a/a.go:10: sync.Pool", "a/a.go:12: time.NewTicker", "a/a.go:13: log/slog.Logger"}},

	{"examples and fuzz targets", "examples", `
-- a/a.go --
package a
func ParseThing() {}
func (T) ScanThing() {}
-- b/b.go --
package b
func UnmarshalThing() {}
-- b/b_test.go --
package b_test
func ExampleUnmarshalThing() {}
func FuzzUnmarshalThing() {}
-- internal/c/c.go --
package c
-- cmd/d/d.go --
package main
`, []string{"a/a.go:1: no Example", "a/a.go:2: ParseThing"}},
}
