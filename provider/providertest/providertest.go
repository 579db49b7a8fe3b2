// Package providertest is the conformance suite of providers: what the loop, the gateway and the report rely on, as
// tests that every [llm.Provider] must pass. A new dialect brings its [Sample]s and one test:
//
//	func TestConformance(t *testing.T) { providertest.Run(t, openai.New()) }
//
// The files in testdata are facts about providers: the errors that they send, hints and streams, each with its source.
package providertest

import (
	"bytes"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"fairlead.dev/llm"
)

// Now is the instant at which hints are read.
var Now = time.Date(2026, 11, 24, 12, 0, 0, 0, time.UTC)

// Run checks a provider against the promises of package llm. Its dialect must have a [Sample].
func Run(t *testing.T, p llm.Provider) {
	s, ok := samples[p.Name()]
	if !ok {
		t.Fatalf("providertest has no sample of the dialect %q", p.Name())
	}
	c := &suite{Provider: p, Sample: s}
	t.Run("request", c.request)
	t.Run("body", c.body)
	t.Run("header", c.header)
	t.Run("bad request", c.badRequest)
	t.Run("answers", c.answers)
	t.Run("errors", c.errors)
	t.Run("hints", c.hints)
	t.Run("streams", c.streams)
	t.Run("splits", c.splits)
	t.Run("failures", c.failures)
	t.Run("models", c.models)
}

type suite struct {
	llm.Provider
	Sample
}

func (c *suite) encode(t *testing.T, stream bool) *llm.Request {
	t.Helper()
	r, err := c.Encode(llm.Prompt{
		Model: "some-model", System: "Be terse.", Messages: []llm.Message{{Role: "user", Text: "hi \"you\"\n"}}, MaxTokens: 77, Stream: stream,
	})
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// request: what Encode writes, Parse reads.
func (c *suite) request(t *testing.T) {
	for _, stream := range []bool{false, true} {
		r := c.encode(t, stream)
		if r.Op != llm.Generate || r.Dialect != c.Name() || r.Model != "some-model" || r.Stream != stream || r.MaxTokens != 77 || r.Choices != 1 {
			t.Errorf("encoded and parsed: %+v", r)
		}
		if got := string(r.Body[r.ModelAt.Start:r.ModelAt.End]); got != `"some-model"` {
			t.Errorf("the model is said to stand at %s", got)
		}
		if got := string(r.Body[r.MaxTokensAt.Start:r.MaxTokensAt.End]); got != "77" {
			t.Errorf("the limit is said to stand at %s", got)
		}
		if got := string(r.Body[r.MessagesAt.Start:r.MessagesAt.End]); !strings.HasPrefix(got, "[") || !strings.Contains(got, "hi ") {
			t.Errorf("the messages are said to be %s", got)
		}
		if r.Path != c.Path || r.Method != http.MethodPost {
			t.Errorf("%s %s", r.Method, r.Path)
		}
	}
	r, err := c.Parse("GET", "/v1/models", "limit=5", http.Header{}, nil)
	if err != nil || r.Op != llm.Models || r.Query != "limit=5" {
		t.Errorf("models: %+v, %v", r, err)
	}
	r, err = c.Parse("POST", "/v1/v1"+strings.TrimPrefix(c.Path, "/v1"), "", http.Header{}, []byte(`{"model":"m"}`))
	if err != nil || r.Path != c.Path || r.Op != llm.Generate {
		t.Errorf("a doubled /v1: %+v, %v", r, err)
	}
	odd := []byte("not JSON at all")
	if r, err = c.Parse("POST", "/v1/unheard-of", "", http.Header{}, odd); err != nil || r.Op != llm.Other || !bytes.Equal(r.Body, odd) {
		t.Errorf("an unknown path: %+v, %v", r, err)
	}
}

// body: every byte but the model's name goes upstream as it came, and the client's own is never written to.
func (c *suite) body(t *testing.T) {
	src := []byte(" {\"new_field\" : [1.50, {\"a\":1,\"a\":2}],\r\n \"model\":\"old\\u002dname\", \"messages\": [ ] , \"x\":\"\\u00e9 \xc3\xa9\" }\n")
	kept := bytes.Clone(src)
	r, err := c.Parse("POST", c.Path, "", http.Header{}, src)
	if err != nil {
		t.Fatal(err)
	}
	same, err := c.Body(r, llm.Model{Name: "old-name", Primary: "old-name"})
	if err != nil || &same.Bytes[0] != &src[0] || len(same.Bytes) != len(src) || len(same.Edits) != 0 {
		t.Errorf("the same model: a copy or a change, %v, %v", same.Edits, err)
	}
	for _, m := range []llm.Model{{Name: "n\"w", Primary: "n\"w"}, {Name: "n\"w", Primary: "other", Hop: true}} {
		b, err := c.Body(r, m)
		if want := strings.Replace(string(src), `"old\u002dname"`, `"n\"w"`, 1); err != nil || string(b.Bytes) != want {
			t.Errorf("%v\ngot  %s\nwant %s", err, b.Bytes, want)
		}
		if !slices.Equal(b.Edits, []string{"model"}) {
			t.Errorf("edits %q", b.Edits)
		}
	}
	if !bytes.Equal(src, kept) {
		t.Error("the client's body was written to")
	}
}

// header: no credential of the client and nothing about it goes upstream, what the SDKs send does.
func (c *suite) header(t *testing.T) {
	const leak = "LEAK"
	client := http.Header{"X-Stainless-Lang": {"go"}, "User-Agent": {"sdk"}, "Traceparent": {"00-1"}, "Connection": {"X-Stainless-Os"}, "X-Stainless-Os": {leak}}
	for _, name := range []string{"Authorization", "X-Api-Key", "Api-Key", "X-Goog-Api-Key", "Cookie", "Fairlead-Key", "Fairlead-Class", "Proxy-Authorization",
		"X-Forwarded-For", "Forwarded", "X-Real-Ip", "Idempotency-Key", "X-Idempotency-Key", "Te", "Transfer-Encoding", "Host", "X-Something"} {
		client[name] = []string{leak}
	}
	r := c.encode(t, false)
	r.Header = client
	for _, cred := range []llm.Credential{{}, {Secret: "ours"}, {Secret: "ours", Header: "x-api-key"}, {Secret: "ours", Header: "authorization"}, {Secret: "ours", Header: "api-key"}} {
		dst := http.Header{}
		c.Header(dst, r, &llm.Body{Bytes: r.Body}, cred)
		all := joined(dst)
		if strings.Contains(all, leak) {
			t.Errorf("%+v: the client's own went upstream: %s", cred, all)
		}
		if got := strings.Count(all, "ours"); got != min(len(cred.Secret), 1) {
			t.Errorf("%+v: our credential stands %d times in %s", cred, got, all)
		}
		if cred.Header != "" && dst.Get(cred.Header) == "" {
			t.Errorf("%+v: not under its header: %s", cred, all)
		}
		for name, want := range map[string]string{"X-Stainless-Lang": "go", "User-Agent": "sdk", "Traceparent": "00-1", "Accept-Encoding": "identity", "Content-Type": "application/json"} {
			if dst.Get(name) != want {
				t.Errorf("%s is %q, want %q", name, dst.Get(name), want)
			}
		}
	}
	r.Header = http.Header{"Authorization": {"Bearer theirs"}, "X-Api-Key": {"theirs too"}, "Cookie": {leak}}
	dst := http.Header{}
	c.Header(dst, r, &llm.Body{Bytes: r.Body}, llm.Credential{Client: true})
	if dst.Get("Authorization") != "Bearer theirs" || dst.Get("X-Api-Key") != "theirs too" || dst.Get("Cookie") != "" {
		t.Errorf("passed through: %v", dst)
	}
}

func joined(h http.Header) string {
	var b strings.Builder
	h.Write(&b)
	return b.String()
}

// badRequest: the client's mistakes, told as such.
func (c *suite) badRequest(t *testing.T) {
	for _, row := range []struct {
		body, encoding string
		status         int
		says           string
	}{
		{`{"model":"a","messages":[`, "", 400, "offset"},
		{`{"model":"a","messages":[],"model":"b"}`, "", 400, `"model"`},
		{`{"model":"a","x":1,"x":2}`, "", 400, `"x"`},
		{``, "", 400, "body"},
		{`[]`, "", 400, "object"},
		{`{"messages":[]}`, "", 400, "model"},
		{`{"model":""}`, "", 400, "model"},
		{`{"model":7}`, "", 400, "model"},
		{`{"model":null}`, "", 400, "model"},
		{`{"model":"` + strings.Repeat("m", 1000) + `"}`, "", 400, "model"},
		{`{"model":"a","stream":"yes"}`, "", 400, "stream"},
		{`{"model":"a","max_tokens":"7"}`, "", 400, "max_tokens"},
		{`{"model":"a"}`, "zstd", 415, "zstd"},
	} {
		h := http.Header{}
		if row.encoding != "" {
			h.Set("Content-Encoding", row.encoding)
		}
		r, err := c.Parse("POST", c.Path, "", h, []byte(row.body))
		bad, ok := err.(*llm.BadRequest)
		if !ok || r != nil || bad.Status != row.status || !strings.Contains(bad.Message, row.says) {
			t.Errorf("%.60s: %+v, %v; want %d and %q", row.body, r, err, row.status, row.says)
		}
	}
	if _, err := c.Parse("POST", "/v1/x/%2E%2e/models", "", http.Header{}, nil); err == nil {
		t.Error("a path with dot segments was taken")
	}
	for _, body := range []string{`{"model":"a","stream":null,"max_tokens":null}`, `{"model":"a","messages":"odd"}`, `{"model":"a","max_tokens":1e3}`} {
		if _, err := c.Parse("POST", c.Path, "", http.Header{"Content-Encoding": {"identity"}}, []byte(body)); err != nil {
			t.Errorf("%s is for the provider to judge: %v", body, err)
		}
	}
}
