package fairlead_test

import (
	"bufio"
	"bytes"
	"context"
	"crypto/x509"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"fairlead.dev"
	"fairlead.dev/event"
	"fairlead.dev/fakellm"
	"fairlead.dev/internal/memnet"
	"fairlead.dev/llm"
	"fairlead.dev/provider/anthropic"
	"fairlead.dev/provider/openai"
)

// A world is two fake providers on an in-memory network and a client of them:
// "a" speaks the anthropic dialect, "o" openai. It lives in a synctest bubble.
type world struct {
	*testing.T
	net    *memnet.Network
	fake   map[string]*fakellm.Server
	client *fairlead.Client
}

// newWorld makes a world. edit may change the configuration before it is used.
func newWorld(t *testing.T, edit func(*fairlead.Config)) *world {
	t.Helper()
	return makeWorld(t, edit, false)
}

// makeWorld makes a world whose providers speak HTTP/1.1, or HTTP/2 over TLS.
func makeWorld(t *testing.T, edit func(*fairlead.Config), http2 bool) *world {
	t.Helper()
	w := &world{T: t, net: memnet.New(), fake: map[string]*fakellm.Server{}}
	cfg := fairlead.Config{Dial: w.net.Dial}
	for name, api := range map[string]llm.Provider{"a": anthropic.Provider{}, "o": openai.Provider{}} {
		w.serve(name, fakellm.Config{Listen: w.listen})
		cfg.Providers = append(cfg.Providers, fairlead.Provider{
			Name: name, API: api, BaseURL: "http://" + name + ":80", Keys: []fairlead.Key{{Secret: "sk-" + name}},
		})
	}
	if http2 {
		for i := range cfg.Providers {
			w.overHTTP2(&cfg.Providers[i])
		}
	}
	cfg.Models = []fairlead.Model{
		{Name: "*", Chain: []string{"a/*", "o/*"}},
	}
	if edit != nil {
		edit(&cfg)
	}
	c, err := fairlead.New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	w.client = c
	t.Cleanup(func() {
		c.Close()
		for _, f := range w.fake {
			f.Close()
		}
	})
	return w
}

// overHTTP2 serves a fake provider over TLS and HTTP/2 as well, and points p
// there.
func (w *world) overHTTP2(p *fairlead.Provider) {
	w.Helper()
	address := "example.com:" + map[string]string{"a": "8443", "o": "8444"}[p.Name] // what httptest has a certificate for
	srv := httptest.NewUnstartedServer(w.fake[p.Name])
	srv.Listener.Close()
	ln, err := w.net.Listen(address)
	if err != nil {
		w.Fatal(err)
	}
	srv.Listener, srv.EnableHTTP2 = ln, true
	srv.Config.ErrorLog = log.New(io.Discard, "", 0)
	srv.StartTLS()
	p.BaseURL, p.CAs = "https://"+address, x509.NewCertPool()
	p.CAs.AddCert(srv.Certificate())
	w.Cleanup(func() { srv.CloseClientConnections(); srv.Close() })
}

// chain names a model "m" with the given targets.
func chain(targets ...string) func(*fairlead.Config) {
	return func(cfg *fairlead.Config) {
		cfg.Models = append(cfg.Models, fairlead.Model{Name: "m", Chain: targets})
	}
}

func (w *world) listen(_, address string) (net.Listener, error) { return w.net.Listen(address) }

func (w *world) serve(name string, cfg fakellm.Config) {
	w.Helper()
	f, err := fakellm.New(cfg)
	if err != nil {
		w.Fatal(err)
	}
	ln, err := w.net.Listen(name + ":80")
	if err != nil {
		w.Fatal(err)
	}
	w.fake[name] = f
	go f.Serve(ln)
}

// script gives a fake provider a timeline of faults.
func (w *world) script(name, script string) {
	w.Helper()
	s, err := fakellm.ParseScript([]byte(script))
	if err != nil {
		w.Fatal(err)
	}
	if err := w.fake[name].SetScript(s); err != nil {
		w.Fatal(err)
	}
}

// asked lists the models that a provider was asked for, in order.
func (w *world) asked(name string) (models []string) {
	for _, a := range w.fake[name].Attempts() {
		models = append(models, a.Model)
	}
	return models
}

// result is what a caller got.
type result struct {
	status   int
	header   http.Header
	text     string // of the answer
	body     []byte
	stop     string
	complete bool // the end marker came, or the plain answer was whole
	failure  string
	answered bool // there was an answer to read, whole or not
	err      error
	took     time.Duration
	report   *event.Report
}

// ask sends a request through Do as a client of the dialect would.
func (w *world) ask(dialect, model string, stream bool, more ...func(*fairlead.Call)) result {
	w.Helper()
	return w.send(context.Background(), dialect, body(model, stream), more...)
}

func body(model string, stream bool) string {
	return fmt.Sprintf(`{"model":%q,"max_tokens":1000,"stream":%v,"messages":[{"role":"user","content":"hi"}]}`, model, stream)
}

func (w *world) send(ctx context.Context, dialect, body string, more ...func(*fairlead.Call)) (res result) {
	w.Helper()
	began := time.Now()
	defer func() { res.took = time.Since(began) }()
	r, err := parse(dialect, body)
	if err != nil {
		return result{err: err}
	}
	if res = w.do(ctx, r, more); res.answered {
		res.read(dialect)
	}
	return res
}

// do sends a request and reads the answer to its end.
func (w *world) do(ctx context.Context, r *llm.Request, more []func(*fairlead.Call)) (res result) {
	w.Helper()
	ask := fairlead.Call{Request: r}
	for _, f := range more {
		f(&ask)
	}
	answer, err := w.client.Do(ctx, ask)
	if err != nil {
		return failed(err)
	}
	defer answer.Close()
	res = result{status: answer.Status, header: answer.Header, report: answer.Report}
	for {
		b, err := answer.Next()
		res.body = append(res.body, b...)
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			res.err = err
			break
		}
	}
	res.answered = true
	return res
}

func failed(err error) result {
	e, ok := errors.AsType[*fairlead.Error](err)
	if !ok {
		return result{err: fmt.Errorf("not an *Error: %w", err)}
	}
	return result{err: err, status: e.Status, header: e.Header, body: e.Body, report: e.Report, failure: string(e.Body)}
}

func parse(dialect, body string) (*llm.Request, error) {
	h := http.Header{"Content-Type": {"application/json"}, "X-Api-Key": {"client-key"}}
	if dialect == "openai" {
		return openai.Provider{}.Parse("POST", "/v1/chat/completions", "", h, []byte(body))
	}
	h.Set("Anthropic-Version", "2023-06-01")
	return anthropic.Provider{}.Parse("POST", "/v1/messages", "", h, []byte(body))
}

// read finds the text of an answer, with no code of ours.
func (r *result) read(dialect string) {
	if !bytes.HasPrefix(bytes.TrimSpace(r.body), []byte("{")) {
		r.readEvents()
		return
	}
	var v struct {
		Content    []struct{ Text string }
		StopReason string `json:"stop_reason"`
		Choices    []struct {
			Message      struct{ Content string }
			FinishReason string `json:"finish_reason"`
		}
	}
	r.complete = json.Unmarshal(r.body, &v) == nil
	for _, c := range v.Content {
		r.text += c.Text
	}
	for _, c := range v.Choices {
		r.text += c.Message.Content
		r.stop = c.FinishReason
	}
	r.stop += v.StopReason
}

func (r *result) readEvents() {
	lines := bufio.NewScanner(bytes.NewReader(r.body))
	lines.Buffer(nil, 1<<24)
	for lines.Scan() {
		data, ok := strings.CutPrefix(lines.Text(), "data: ")
		if !ok {
			continue
		}
		if data == "[DONE]" {
			r.complete = true
			continue
		}
		var v struct {
			Type  string
			Delta struct {
				Text       string
				StopReason string `json:"stop_reason"`
			}
			Choices []struct {
				Delta        struct{ Content string }
				FinishReason string `json:"finish_reason"`
			}
			Error json.RawMessage
		}
		if json.Unmarshal([]byte(data), &v) != nil {
			r.failure += "bad event: " + data
		}
		r.text += v.Delta.Text
		r.stop += v.Delta.StopReason
		for _, c := range v.Choices {
			r.text += c.Delta.Content
			r.stop += c.FinishReason
		}
		if v.Error != nil {
			r.failure += string(v.Error)
		}
		if v.Type == "message_stop" {
			r.complete = true
		}
	}
}

// whole fails the test unless the caller got the whole answer.
func (w *world) whole(r result) {
	w.Helper()
	if r.err != nil || r.status != 200 || r.text != fakellm.Text(60) || !r.complete || r.failure != "" {
		w.Fatalf("not the whole answer: status %d, complete %v, failure %q, err %v, text %q\n%s",
			r.status, r.complete, r.failure, r.err, r.text, story(r.report))
	}
}

// story is a report as text, for failed tests.
func story(r *event.Report) string {
	if r == nil {
		return "no report"
	}
	b, _ := json.MarshalIndent(r, "", " ")
	return string(b)
}
