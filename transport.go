package fairlead

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"sync/atomic"

	"fairlead.dev/event"
	"fairlead.dev/llm"
	"fairlead.dev/provider/anthropic"
	"fairlead.dev/provider/openai"
	"fairlead.dev/queue"
	"fairlead.dev/retry"
)

// Wrap puts retries, breakers, limits and honest endings under an SDK, in one
// line:
//
//	client := anthropic.NewClient(option.WithHTTPClient(fairlead.Wrap(nil)))
//
// base makes the connections; nil is the default one. The SDK's own credential
// goes where the SDK sends it and nowhere else, and since there is no chain,
// nobody else is asked. A call is tried four times rather than the default two,
// because nobody else can be; the SDK is told not to add tries of its own.
//
// A final failure is an HTTP answer in the provider's shape, not a Go error:
// an SDK would repeat a Go error three times.
func Wrap(base *http.Client) *http.Client {
	out := http.Client{}
	if base != nil {
		out = *base
	}
	out.Transport = &wrapped{rt: out.Transport, clients: newLRU[string, *Client](maxOrigins)}
	return &out
}

// maxOrigins bounds how many different hosts one Wrap remembers.
const maxOrigins = 100

// wrapped is the RoundTripper of Wrap: a Client for every origin that the SDK
// talks to.
type wrapped struct {
	rt      http.RoundTripper
	clients *lru[string, *Client]
}

// RoundTrip sends one request of an SDK through the loop.
func (w *wrapped) RoundTrip(req *http.Request) (*http.Response, error) {
	api := dialectOf(req)
	client := w.clients.getOr(api.Name()+" "+req.URL.Scheme+"://"+req.URL.Host, func() *Client { return w.client(api, req.URL) })
	return client.roundTrip(req, api, func(ask *Call) { ask.raw = req.URL })
}

// client makes the Client for an origin. Its configuration is ours, so it
// cannot be faulty.
func (w *wrapped) client(api llm.Provider, u *url.URL) *Client {
	origin := url.URL{Scheme: u.Scheme, Host: u.Host}
	c, err := New(Config{
		Providers: []Provider{{Name: u.Hostname(), API: api, BaseURL: origin.String(), Passthrough: true}},
		Models:    []Model{{Name: "*", Chain: []string{u.Hostname() + "/*"}}},
		Policies:  Policies{Retry: retry.Policy{Attempts: 4}},
		MaxBytes:  -1, // the bodies are the SDK's
	})
	if err != nil {
		panic(err)
	}
	if w.rt != nil {
		c.table.Load().providers[0].rt = w.rt
		c.table.Load().providers[0].fresh = func() http.RoundTripper { return w.rt }
	}
	return c
}

// CloseIdleConnections closes the connections that no call uses.
func (w *wrapped) CloseIdleConnections() {
	for _, c := range w.clients.all() {
		c.table.Load().providers[0].closeIdle()
	}
}

// dialectOf tells the dialect of an SDK's request by its path and headers.
func dialectOf(req *http.Request) llm.Provider {
	if strings.Contains(req.URL.Path, "/messages") || req.Header.Get("Anthropic-Version") != "" {
		return anthropic.Provider{}
	}
	return openai.Provider{}
}

// HTTPClient returns a client for an SDK, with everything of c under it: chains,
// limits, queues. The SDK's base URL and credential do not matter; its dialect
// does.
func (c *Client) HTTPClient() *http.Client { return &http.Client{Transport: transport{c}} }

// transport is the RoundTripper of HTTPClient.
type transport struct{ c *Client }

// RoundTrip sends one request of an SDK through the loop.
func (t transport) RoundTrip(req *http.Request) (*http.Response, error) {
	return t.c.roundTrip(req, dialectOf(req), func(ask *Call) { ask.Trusted = true })
}

// roundTrip is a call as an http.RoundTripper has it.
func (c *Client) roundTrip(req *http.Request, api llm.Provider, more func(*Call)) (*http.Response, error) {
	body, err := readRequest(req)
	if err != nil {
		return nil, err
	}
	r, err := api.Parse(req.Method, apiPath(req.URL.Path), req.URL.RawQuery, req.Header, body)
	if err != nil {
		return response(req, refusal(api, &llm.Request{}, err)), nil
	}
	ask := Call{Request: r, Class: queue.Normal, Pinned: req.Header.Get("Fairlead-Fallback") == "off"}
	more(&ask)
	answer, err := c.Do(req.Context(), ask)
	var failed *Error
	switch {
	case err == nil:
		return served(req, answer), nil
	case errors.As(err, &failed) && failed.Verdict == event.Canceled:
		return nil, failed.Err
	}
	return response(req, failed), nil
}

// apiPath cuts off what stands before the path that a dialect knows.
func apiPath(path string) string {
	if i := strings.LastIndex(path, "/v1/"); i >= 0 {
		return path[i:]
	}
	for _, known := range [...]string{"/chat/completions", "/responses", "/messages/count_tokens", "/messages", "/models"} {
		if strings.HasSuffix(path, known) {
			return "/v1" + known
		}
	}
	return path
}

func readRequest(req *http.Request) ([]byte, error) {
	if req.Body == nil {
		return nil, nil
	}
	defer req.Body.Close()
	if req.ContentLength > 0 {
		b := make([]byte, req.ContentLength)
		_, err := io.ReadFull(req.Body, b)
		return b, err
	}
	return io.ReadAll(req.Body)
}

func statusLine(code int) string {
	return strings.TrimSpace(fmt.Sprint(code, " ", http.StatusText(code)))
}

// response is a failure as HTTP has it.
func response(req *http.Request, e *Error) *http.Response {
	return &http.Response{
		Status: statusLine(e.Status), StatusCode: e.Status, Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1,
		Header: e.Header, Body: io.NopCloser(bytes.NewReader(e.Body)), ContentLength: int64(len(e.Body)), Request: req,
	}
}

// served is an answer as HTTP has it.
func served(req *http.Request, a *Answer) *http.Response {
	r := &http.Response{
		Status: statusLine(a.Status), StatusCode: a.Status, Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1,
		Header: a.Header, Body: &reader{answer: a}, ContentLength: -1, Request: req,
	}
	if !a.Streaming() {
		r.ContentLength = int64(len(a.plain))
	}
	return r
}

// reader is an Answer as an io.ReadCloser. Unlike an Answer it may be closed
// while it is being read: an SDK does that to stop a stream.
type reader struct {
	busy   sync.Mutex  // held while reading or closing; only ever tried
	closed atomic.Bool // closed while somebody was reading, who has to end the call
	answer *Answer
	rest   []byte
	err    error
}

// Read returns the answer's bytes. A stream that fails after its first content
// ends with an error event in the SDK's dialect, which the SDK reports as its
// own typed error.
func (r *reader) Read(p []byte) (int, error) {
	if !r.busy.TryLock() {
		return 0, http.ErrBodyReadAfterClose
	}
	defer r.busy.Unlock()
	defer func() {
		if r.closed.Load() {
			r.rest, r.err = nil, http.ErrBodyReadAfterClose
			r.answer.Close()
		}
	}()
	for len(r.rest) == 0 {
		if r.err != nil {
			return 0, r.err
		}
		b, err := r.answer.Next()
		r.rest, r.err = b, err
		var failed *Error
		if errors.As(err, &failed) {
			r.rest, r.err = failed.Event, io.EOF
			if failed.Verdict == event.Canceled {
				r.rest, r.err = nil, context.Canceled
			}
		}
	}
	n := copy(p, r.rest)
	r.rest = r.rest[n:]
	return n, nil
}

// Close ends the call. When somebody is reading, that read fails, and settles
// the call.
func (r *reader) Close() error {
	r.closed.Store(true)
	if !r.busy.TryLock() {
		r.answer.call.c.interrupt(r.answer.call)
		return nil
	}
	defer r.busy.Unlock()
	r.err = http.ErrBodyReadAfterClose
	return r.answer.Close()
}
