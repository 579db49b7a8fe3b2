package e2e

import (
	"bytes"
	"context"
	"errors"
	"io"
	"net/http"
	"sync"
	"testing"

	"fairlead.dev"
)

// errUnsupported is returned for what a dialect does not have.
var errUnsupported = errors.New("the API has no such thing")

// sdk is an official SDK, reduced to what the tests compare.
type sdk interface {
	Ask(ctx context.Context, q question) (answer, error)
	// Stream returns what came before an error, too.
	Stream(ctx context.Context, q question) (answer, error)
	CountTokens(ctx context.Context, model string) (int64, error)
	Models(ctx context.Context) ([]string, error)
	// Failure reads the SDK's own error type; ok is false for any other error.
	Failure(err error) (f failure, ok bool)
}

// question is a request for an answer.
type question struct {
	model  string
	tool   bool   // offer a tool and demand its use
	think  bool   // switch thinking on
	effort string // how much of it
	beta   string // of anthropic-beta
}

// answer is what the SDK made of the bytes.
type answer struct {
	text, thinking string
	tool           string // the input of a tool call, as JSON
	model, stop    string
	output         int64 // tokens, by the provider's count
}

// failure is an error as the SDK types it.
type failure struct {
	status int
	kind   string
	body   string
}

// maker makes an SDK's client for a base URL without /v1.
type maker struct {
	name    string
	open    func(base, key string, via *http.Client) sdk
	primary string // the public model whose chain is main, spare
	spare   string // what the model is called at spare
	claude  bool   // it speaks the Messages API
	resumes bool   // the rest of its streams can come from elsewhere
	stops   string // why a healthy answer ends, in the dialect's words
}

var makers = []maker{
	{name: "anthropic-v2", open: openAnthropicV2, primary: "claude-opus-5-5", spare: "claude-sonnet-5-5", claude: true, stops: "end_turn", resumes: true},
	{name: "anthropic-v1", open: openAnthropicV1, primary: "claude-opus-5-5", spare: "claude-sonnet-5-5", claude: true, stops: "end_turn", resumes: true},
	{name: "openai-v3", open: openOpenAI, primary: "gpt-5.5", spare: "gpt-5.5-mini", stops: "stop", resumes: true},
	{name: "openai-v3-responses", open: openResponses, primary: "gpt-5.5", spare: "gpt-5.5-mini", stops: "completed"},
}

// bench is one SDK in front of Fairlead in front of the fakes.
type bench struct {
	sdk
	maker
	main, spare *fake
	sent        *counter
}

// setup says what is behind the SDK. The zero value is two healthy providers.
type setup struct {
	main, spare string                         // scripts
	short       bool                           // with clocks of a few seconds; see shortClock
	wired       func(main, spare *fake) string // all of it, instead of chains
}

// Ways for an SDK to use Fairlead.
const (
	viaWrap    = "wrap"    // one line around its HTTP client; nobody to fall back to
	viaClient  = "client"  // a fairlead.Client with chains as its HTTP client
	viaGateway = "gateway" // its base URL
)

// eachSDK runs a test with every SDK on a bench of its own.
func eachSDK(t *testing.T, way string, s setup, test func(t *testing.T, b *bench)) {
	t.Run(way, func(t *testing.T) {
		t.Parallel()
		for _, m := range makers {
			t.Run(m.name, func(t *testing.T) {
				t.Parallel()
				test(t, newBench(t, m, way, s))
			})
		}
	})
}

// eachWay runs a test with every SDK in every way.
func eachWay(t *testing.T, s setup, test func(t *testing.T, b *bench)) {
	eachSDK(t, viaWrap, s, test)
	eachChain(t, s, test)
}

// eachChain runs a test with every SDK in the ways that have a chain.
func eachChain(t *testing.T, s setup, test func(t *testing.T, b *bench)) {
	eachSDK(t, viaClient, s, test)
	eachSDK(t, viaGateway, s, test)
}

func newBench(t *testing.T, m maker, way string, s setup) *bench {
	b := &bench{maker: m, main: newFake(t, s.main), spare: newFake(t, s.spare)}
	switch way {
	case viaWrap:
		b.connect(t, b.main.url, "sk-client", fairlead.Wrap(nil))
	case viaClient:
		c, err := fairlead.New(chainsInGo(b.main, b.spare, s.short))
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = c.Close() }) // calls that a failed test left open
		b.connect(t, "http://any.invalid", "sk-client", c.HTTPClient())
	default:
		config := chains(b.main, b.spare, s.short)
		if s.wired != nil {
			config = s.wired(b.main, b.spare)
		}
		b.connect(t, serve(t, config).url, "sk-client", plainClient())
	}
	return b
}

// connect gives the bench its SDK.
func (b *bench) connect(t *testing.T, base, key string, via *http.Client) {
	b.sent = &counter{base: via.Transport}
	client := *via
	client.Transport = b.sent
	b.sdk = b.open(base, key, &client)
	t.Cleanup(via.CloseIdleConnections)
}

// call asks, streamed or not.
func (b *bench) call(t *testing.T, q question, streamed bool) (answer, error) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 2*patience)
	defer cancel()
	if streamed {
		return b.Stream(ctx, q)
	}
	return b.Ask(ctx, q)
}

// forms runs a test for a plain and for a streamed call.
func forms(t *testing.T, test func(t *testing.T, streamed bool)) {
	t.Run("plain", func(t *testing.T) { test(t, false) })
	t.Run("stream", func(t *testing.T) { test(t, true) })
}

// counter sees the HTTP requests that an SDK really sends.
type counter struct {
	base http.RoundTripper

	mu    sync.Mutex
	calls []exchange // guarded by mu
}

// exchange is one HTTP request of an SDK, and the head of its answer.
type exchange struct {
	path   string
	body   []byte
	status int // 0: a Go error
	header http.Header
}

// RoundTrip notes the request and passes it on.
func (c *counter) RoundTrip(r *http.Request) (*http.Response, error) {
	x := exchange{path: r.URL.Path}
	if r.Body != nil {
		body, err := io.ReadAll(r.Body)
		if err != nil {
			return nil, err
		}
		x.body, r.Body = body, io.NopCloser(bytes.NewReader(body))
	}
	resp, err := c.base.RoundTrip(r)
	if err == nil {
		x.status, x.header = resp.StatusCode, resp.Header.Clone()
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.calls = append(c.calls, x)
	return resp, err
}

// all returns what was sent so far.
func (c *counter) all() []exchange {
	c.mu.Lock()
	defer c.mu.Unlock()
	return append([]exchange(nil), c.calls...)
}

// last returns the latest exchange.
func (c *counter) last(t *testing.T) exchange {
	t.Helper()
	all := c.all()
	if len(all) == 0 {
		t.Fatal("the SDK sent nothing")
	}
	return all[len(all)-1]
}

// plainClient is an HTTP client that shares nothing with other tests.
func plainClient() *http.Client { return &http.Client{Transport: &http.Transport{}} }
