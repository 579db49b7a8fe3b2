// Package gateway is the HTTP face of Fairlead: any program in any language
// points its base URL here and keeps its SDK.
//
// It decides who may ask (keys, Host, Origin), how much a request may take of
// us (bytes, time to send them) and what it asks for (route, dialect, the
// fairlead-* headers). Everything about providers is left to [fairlead.Client]:
// the gateway reads a body to its end, hands it to [fairlead.Client.Do] and
// writes what comes back, byte for byte.
//
//	request -> Host, Origin -> key -> route -> fairlead-* -> body -> Parse -> Client.Do -> answer
//	           403             401    404/405  400           408 413 503  400
//
// There are two listeners. [Gateway] itself is the http.Handler for clients;
// [Gateway.Admin] is the one for people and monitoring. Both want a server from
// [NewServer] on a [StrictListener]: what net/http accepts but should not is
// refused there.
//
// Each request costs no goroutine, timer or context beside those of net/http.
package gateway

import (
	"context"
	"log/slog"
	"net/http"
	"sync"
	"sync/atomic"

	"fairlead.dev"
	"fairlead.dev/limit"
	"fairlead.dev/llm"
	"fairlead.dev/queue"
)

// Config is what a [Gateway] works with. Client and Dialects are needed, the
// zero value of every other field is its default.
type Config struct {
	// Client takes the calls.
	Client *fairlead.Client

	// Dialects are the wire formats that are served: anthropic.Provider{},
	// openai.Provider{}. Requests that belong to no dialect are answered in
	// the first.
	Dialects []llm.Dialect

	// Keys are those of clients that may call. Without any, nobody is asked
	// for a key, the listener must be on a loopback address (see [Loopback]),
	// and a foreign Host header is refused.
	Keys []Key

	// Origins are the values of the Origin header that are let in, such as
	// "https://app.example"; a browser sends it when a page calls us. Default:
	// none.
	Origins []string

	// Hosts are names without a port that the Host header may have, beside
	// those of the loopback interface: on the admin listener, and on the
	// client listener when there are no keys.
	Hosts []string

	// MaxBody bounds a request's body. Default 32 MiB, as at the providers.
	MaxBody int64

	// Passthrough lets a client's own credential through to [fairlead.Client],
	// for providers that are set up to be asked with it. A key of ours never
	// goes through; a client that has to present both sends ours as
	// fairlead-key. Default: no credential of a client goes beyond the gateway.
	Passthrough bool

	// Log is told of failures of ours, and of every request at debug level.
	// Default: nobody.
	Log *slog.Logger

	// Mounts are further handlers of the admin listener, by pattern of
	// [http.ServeMux]: "/metrics", "/" for the page.
	Mounts map[string]http.Handler
}

// Key is a key of ours that a client presents.
type Key struct {
	Name   string      // shown in reports; the tenant of its calls unless they name one
	SHA256 [32]byte    // of the key; the key itself is nowhere
	Class  queue.Class // of its calls, and the highest that they may ask for; default Normal

	Limits      limit.Limits // of all its calls, a minute's worth at once; 0: none
	MaxInFlight int          // calls at once; 0: any number
}

// Gateway serves clients over HTTP. Make one with [New].
type Gateway struct {
	settings atomic.Pointer[settings]
	draining atomic.Bool

	mu       sync.Mutex
	watchers map[*http.Request]context.CancelFunc // guarded by mu; open event streams of the admin listener
}

// settings is one valid Config at work; it never changes.
type settings struct {
	Config
	admin  http.Handler
	quotas map[string]*quota // by the names of keys
}

// New makes a gateway. The error names every fault of cfg with its field.
func New(cfg Config) (*Gateway, error) {
	g := &Gateway{watchers: map[*http.Request]context.CancelFunc{}}
	if err := g.Reload(cfg); err != nil {
		return nil, err
	}
	return g, nil
}

// Reload puts cfg in force for the requests that come from now on; those under
// way go on under the old one. A faulty cfg changes nothing.
func (g *Gateway) Reload(cfg Config) error {
	if err := cfg.validate(); err != nil {
		return err
	}
	if cfg.MaxBody == 0 {
		cfg.MaxBody = 32 << 20
	}
	if cfg.Log == nil {
		cfg.Log = slog.New(slog.DiscardHandler)
	}
	s := &settings{Config: cfg}
	mux, err := g.adminMux(s)
	if err != nil {
		return err
	}
	s.admin, s.quotas = mux, g.quotasOf(cfg.Keys)
	g.settings.Store(s)
	return nil
}

// Drain makes the gateway refuse new calls: clients are told to come back in a
// second and their connections are closed, so that they arrive elsewhere. Not
// ready is what /readyz says from now on. Calls under way are not touched;
// event streams of the admin listener end.
func (g *Gateway) Drain() {
	g.draining.Store(true)
	g.mu.Lock()
	defer g.mu.Unlock()
	for _, cancel := range g.watchers {
		cancel()
	}
}

// ServeHTTP answers a client.
func (g *Gateway) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	x := exchange{g: g, settings: g.settings.Load(), w: w, r: r}
	defer x.end()
	if bad := x.serve(); bad != nil {
		x.refuse(bad)
	}
}

// Admin returns the handler of the admin listener. It follows [Gateway.Reload].
func (g *Gateway) Admin() http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		g.settings.Load().serveAdmin(w, r)
	})
}

// dialect returns the dialect of a name, and the first one with false when it
// is not served.
func (s *settings) dialect(name string) (llm.Dialect, bool) {
	for _, d := range s.Dialects {
		if d.Name() == name {
			return d, true
		}
	}
	return s.Dialects[0], false
}
