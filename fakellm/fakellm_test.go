package fakellm_test

import (
	"context"
	"encoding/json"
	"io"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"fairlead.dev/fakellm"
	"fairlead.dev/internal/memnet"
)

// bed is a fake under test and a client of it, in one bubble of virtual time.
type bed struct {
	*testing.T
	fake   *fakellm.Server
	client *http.Client
}

// bubble runs test against a fake over in-memory connections. The bubble fails
// if anything is left running in the end.
func bubble(t *testing.T, cfg fakellm.Config, test func(b *bed)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		fake, err := fakellm.New(cfg)
		if err != nil {
			t.Fatal(err)
		}
		ln := memnet.Listen()
		served := make(chan error, 1)
		go func() { served <- fake.Serve(ln) }()
		transport := &http.Transport{DialContext: ln.Dial, DisableCompression: true}
		defer func() {
			transport.CloseIdleConnections()
			if err := fake.Close(); err != nil {
				t.Errorf("Close: %v", err)
			}
			if err := <-served; err != nil {
				t.Errorf("Serve: %v", err)
			}
		}()
		test(&bed{t, fake, &http.Client{Transport: transport}})
	})
}

// result is what a client saw of one exchange.
type result struct {
	status int
	header http.Header
	body   string
	err    error         // of the exchange, or of reading the body
	took   time.Duration // to the end
	opened time.Duration // to the headers
}

// send makes one request with a key, and reads the answer to its end.
func (b *bed) send(ctx context.Context, method, path, body string, header ...string) result {
	b.Helper()
	req, err := http.NewRequestWithContext(ctx, method, "http://fake"+path, strings.NewReader(body))
	if err != nil {
		b.Fatal(err)
	}
	req.Header.Set("x-api-key", "sk-test")
	for i := 0; i < len(header); i += 2 {
		if req.Header.Set(header[i], header[i+1]); header[i+1] == "" {
			req.Header.Del(header[i])
		}
	}
	start := time.Now()
	resp, err := b.client.Do(req)
	r := result{err: err, took: time.Since(start), opened: time.Since(start)}
	if err != nil {
		return r
	}
	defer resp.Body.Close()
	data, err := io.ReadAll(resp.Body)
	r.status, r.header, r.body, r.err, r.took = resp.StatusCode, resp.Header, string(data), err, time.Since(start)
	return r
}

func (b *bed) post(path, body string, header ...string) result {
	b.Helper()
	return b.send(b.Context(), http.MethodPost, path, body, header...)
}

// within is post by a client that leaves after d.
func (b *bed) within(d time.Duration, path, body string) result {
	b.Helper()
	ctx, cancel := context.WithTimeout(b.Context(), d)
	defer cancel()
	r := b.send(ctx, http.MethodPost, path, body)
	synctest.Wait() // until the fake has noticed
	return r
}

// last is the newest attempt in the log.
func (b *bed) last() fakellm.Attempt {
	b.Helper()
	all := b.fake.Attempts()
	if len(all) == 0 {
		b.Fatal("the log is empty")
	}
	return all[len(all)-1]
}

const (
	messages = "/v1/messages"
	chat     = "/v1/chat/completions"
)

// prompt is a request that both dialects take; more is appended fields.
func prompt(model string, more ...string) string {
	fields := append([]string{`"model":` + quoted(model), `"max_tokens":1000`}, more...)
	all := strings.Join(fields, ",")
	if !strings.Contains(all, `"messages"`) {
		all += `,"messages":[{"role":"user","content":"hi"}]`
	}
	return "{" + all + "}"
}

func streamed(model string, more ...string) string {
	return prompt(model, append(more, `"stream":true`)...)
}

func quoted(s string) string {
	b, _ := json.Marshal(s)
	return string(b)
}

// told is what a streamed answer said, as a strict reader understands it.
type told struct {
	events   []string // names, or for openai "role", "content", "finish", ...
	text     string
	thinking string
	input    string // of a tool call
	stop     string
	done     bool   // the end marker came
	failed   string // type of the error event
	broken   int    // events that are no JSON
	longest  int    // the longest line
	usage    string // the last one
}

func read(body string) told {
	var r told
	for part := range strings.SplitSeq(body, "\n\n") {
		name := ""
		for line := range strings.SplitSeq(part, "\n") {
			r.longest = max(r.longest, len(line))
			if v, ok := strings.CutPrefix(line, "event: "); ok {
				name = v
			}
			if v, ok := strings.CutPrefix(line, "data: "); ok {
				r.event(name, v)
			}
		}
	}
	return r
}

// wireEvent has the fields of both dialects' events.
type wireEvent struct {
	Type  string
	Delta struct {
		Text, Thinking, Signature string
		PartialJSON               string `json:"partial_json"`
		StopReason                string `json:"stop_reason"`
	}
	Usage   json.RawMessage
	Error   *struct{ Type string }
	Choices []struct {
		Delta struct {
			Role      string
			Content   string
			ToolCalls []struct {
				Function struct{ Arguments string }
			} `json:"tool_calls"`
		}
		FinishReason string `json:"finish_reason"`
	}
}

func (r *told) event(name, data string) {
	if data == "[DONE]" {
		r.events, r.done = append(r.events, "done"), true
		return
	}
	var e wireEvent
	if json.Unmarshal([]byte(data), &e) != nil {
		r.broken++
		return
	}
	if name != "" {
		r.events = append(r.events, name)
	}
	r.text += e.Delta.Text
	r.thinking += e.Delta.Thinking
	r.input += e.Delta.PartialJSON
	r.stop += e.Delta.StopReason
	if e.Error != nil {
		r.failed = e.Error.Type
	}
	if len(e.Usage) > 0 && string(e.Usage) != "null" {
		r.usage = string(e.Usage)
	}
	r.done = r.done || e.Type == "message_stop"
	for _, c := range e.Choices {
		r.text += c.Delta.Content
		r.stop += c.FinishReason
		for _, t := range c.Delta.ToolCalls {
			r.input += t.Function.Arguments
		}
	}
}

// decode reads JSON into a new T.
func decode[T any](b *bed, data string) T {
	b.Helper()
	var v T
	if err := json.Unmarshal([]byte(data), &v); err != nil {
		b.Fatalf("%v in %s", err, data)
	}
	return v
}

// want compares, naming what differs.
func want[T comparable](b testing.TB, what string, got, want T) {
	b.Helper()
	if got != want {
		b.Errorf("%s: got %v, want %v", what, got, want)
	}
}
