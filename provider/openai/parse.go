package openai

import (
	"net/http"
	"strings"

	"fairlead.dev/llm"
)

const (
	pathChat   = "/v1/chat/completions"
	pathModels = "/v1/models"
)

// maxChoices bounds n; the API takes at most 128.
const maxChoices = 128

// Parse finds the envelope of a request. POST /v1/chat/completions or /v1/responses is an answer wanted, GET /v1/models and
// /v1/models/{id} the models, with or without /v1, which SDKs expect in the base URL; anything else is passed on
// without a look at its body.
func (Provider) Parse(method, path, query string, h http.Header, body []byte) (*llm.Request, error) {
	path, err := llm.CleanPath(path)
	if err != nil {
		return nil, err
	}
	if short := "/v1" + path; opOf(method, short) != llm.Other {
		path = short
	}
	r := &llm.Request{
		Op: opOf(method, path), Dialect: "openai", Method: method, Path: path, Query: query, Header: h, Body: body, Choices: 1,
	}
	if len(body) > 0 {
		if err := llm.PlainBody(h); err != nil {
			return nil, err
		}
	}
	if r.Op != llm.Generate {
		return r, nil
	}
	var seen limits
	note := seen.note
	if path == pathResponses {
		note = seen.noteResponses
	}
	if err = r.Envelope(func(m llm.Member, raw []byte) error { return note(r, m, raw) }); err != nil {
		return nil, err
	}
	seen.settle(r)
	return r, nil
}

func opOf(method, path string) llm.Op {
	switch {
	case method == http.MethodPost && (path == pathChat || path == pathResponses):
		return llm.Generate
	case method == http.MethodGet && (path == pathModels || strings.HasPrefix(path, pathModels+"/") && len(path) > len(pathModels)+1):
		return llm.Models
	}
	return llm.Other
}

// limits are the two fields that say how long the answer may be, whichever comes first in the body.
type limits struct{ old, new bound }

type bound struct {
	tokens int
	at     llm.Span
}

// settle lets the newer name win, as the API does.
func (l *limits) settle(r *llm.Request) {
	for _, one := range [...]bound{l.old, l.new} {
		if one.tokens > 0 {
			r.MaxTokens, r.MaxTokensAt = one.tokens, one.at
		}
	}
}

// note notes what only this dialect has.
func (l *limits) note(r *llm.Request, m llm.Member, raw []byte) (err error) {
	at := llm.Span{Start: m.Start, End: m.End}
	switch string(m.Key) {
	case "max_tokens":
		l.old.at = at
		l.old.tokens, err = llm.Count(m, raw)
	case "max_completion_tokens":
		l.new.at = at
		l.new.tokens, err = llm.Count(m, raw)
	case "reasoning_effort":
		effort, _ := llm.Str(raw)
		r.Thinking = r.Thinking || effort != "" && effort != "none"
	case "reasoning": // OpenRouter
		r.Thinking = r.Thinking || m.Kind == llm.Object && llm.Holds(raw)
	case "functions":
		r.Tools = r.Tools || llm.Holds(raw)
	case "n":
		n, _ := llm.Int(raw)
		r.Choices = min(max(n, 1), maxChoices)
	}
	return err
}

// Header fills dst with what the provider should see of the client's headers, and the credential. The client's
// organization and project belong to its own key and go only with that.
func (Provider) Header(dst http.Header, r *llm.Request, b *llm.Body, cred llm.Credential) {
	r.Forward(dst, b.Bytes, func(name string) bool {
		if name == "Openai-Organization" || name == "Openai-Project" {
			return cred.Client
		}
		return allowed(name)
	})
	cred.Sign(dst, r.Header, "authorization")
}

// allowList is for headers without a prefix of the provider's or its SDKs'. The last two are OpenRouter's.
var allowList = map[string]bool{
	"Accept": true, "Content-Type": true, "User-Agent": true, "Originator": true, "Session-Id": true, "Thread-Id": true,
	"X-Request-Id": true, "X-Client-Request-Id": true, "Traceparent": true, "Tracestate": true,
	"Http-Referer": true, "X-Title": true,
}

func allowed(name string) bool {
	return allowList[name] || strings.HasPrefix(name, "Openai-") || strings.HasPrefix(name, "X-Stainless-") ||
		strings.HasPrefix(name, "X-Codex-")
}

// word returns a string inside an object, empty when there is none.
func word(raw []byte, path ...string) string {
	value, _ := llm.Get(raw, path...)
	s, _ := llm.Str(value)
	return s
}
