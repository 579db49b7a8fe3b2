package anthropic

import (
	"net/http"
	"slices"
	"strings"

	"fairlead.dev/llm"
)

const (
	pathMessages = "/v1/messages"
	pathCount    = "/v1/messages/count_tokens"
	pathModels   = "/v1/models"
)

// Parse finds the envelope of a request. POST /v1/messages is an answer wanted, its count_tokens a count, GET
// /v1/models and /v1/models/{id} the models; anything else is passed on without a look at its body.
func (Provider) Parse(method, path, query string, h http.Header, body []byte) (*llm.Request, error) {
	path, err := llm.CleanPath(path)
	if err != nil {
		return nil, err
	}
	r := &llm.Request{
		Op: opOf(method, path), Dialect: "anthropic", Method: method, Path: path, Query: query, Header: h, Body: body, Choices: 1,
	}
	if len(body) > 0 {
		if err := llm.PlainBody(h); err != nil {
			return nil, err
		}
	}
	if r.Op > llm.CountTokens {
		return r, nil
	}
	err = r.Envelope(func(m llm.Member, raw []byte) error { return noteMember(r, m, raw) })
	if err != nil {
		return nil, err
	}
	return r, nil
}

func opOf(method, path string) llm.Op {
	id, isModel := strings.CutPrefix(path, pathModels+"/")
	switch {
	case method == http.MethodPost && path == pathMessages:
		return llm.Generate
	case method == http.MethodPost && path == pathCount:
		return llm.CountTokens
	case method == http.MethodGet && (path == pathModels || isModel && id != "" && !strings.Contains(id, "/")):
		return llm.Models
	}
	return llm.Other
}

// Header fills dst with what the provider should see of the client's headers, and the credential. All anthropic-*
// headers pass, known or not: a gateway that lists them breaks every new feature (code.claude.com, llm-gateway-protocol).
func (Provider) Header(dst http.Header, r *llm.Request, b *llm.Body, cred llm.Credential) {
	r.Forward(dst, b.Bytes, allowed)
	if len(b.Betas) > 0 {
		dropBetas(dst, b.Betas)
	}
	if len(dst["Anthropic-Version"]) == 0 {
		dst["Anthropic-Version"] = []string{version}
	}
	usual := "x-api-key"
	if strings.HasPrefix(cred.Secret, "sk-ant-oat") { // a token of a subscription, not a key
		usual = "authorization"
	}
	cred.Sign(dst, r.Header, usual)
}

// allowList is for headers without a prefix of the provider's or its SDKs'.
var allowList = map[string]bool{
	"Accept": true, "Content-Type": true, "User-Agent": true, "X-App": true, "X-Claude-Code-Session-Id": true,
	"X-Request-Id": true, "X-Client-Request-Id": true, "Traceparent": true, "Tracestate": true,
}

func allowed(name string) bool {
	return allowList[name] || strings.HasPrefix(name, "Anthropic-") || strings.HasPrefix(name, "X-Stainless-")
}

// dropBetas takes values out of the beta header, and the header away when none is left.
func dropBetas(dst http.Header, gone []string) {
	var left []string
	for _, line := range dst["Anthropic-Beta"] {
		for v := range strings.SplitSeq(line, ",") {
			if v = strings.TrimSpace(v); v != "" && !slices.Contains(gone, v) {
				left = append(left, v)
			}
		}
	}
	delete(dst, "Anthropic-Beta")
	if len(left) > 0 {
		dst["Anthropic-Beta"] = []string{strings.Join(left, ",")}
	}
}

// noteMember notes what only this dialect has: the limit of the answer, and whether it may think.
func noteMember(r *llm.Request, m llm.Member, raw []byte) (err error) {
	switch string(m.Key) {
	case "max_tokens":
		if r.MaxTokens, err = llm.Count(m, raw); r.MaxTokens > 0 {
			r.MaxTokensAt = llm.Span{Start: m.Start, End: m.End}
		}
	case "thinking":
		r.Thinking = r.Thinking || thinks(typeOf(raw))
	case "output_config":
		_, effort := llm.Get(raw, "effort")
		r.Thinking = r.Thinking || effort
	}
	return err
}

// thinks reports whether a type of the field thinking switches it on.
func thinks(mode string) bool { return mode == "enabled" || mode == "adaptive" }

// typeOf returns the member "type" of an object.
func typeOf(raw []byte) string { return word(raw, "type") }

// word returns a string inside an object, empty when there is none.
func word(raw []byte, path ...string) string {
	value, _ := llm.Get(raw, path...)
	s, _ := llm.Str(value)
	return s
}
