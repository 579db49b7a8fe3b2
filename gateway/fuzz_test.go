package gateway_test

import (
	"context"
	"encoding/json"
	"errors"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"

	"fairlead.dev"
	"fairlead.dev/gateway"
	"fairlead.dev/llm"
	"fairlead.dev/provider/anthropic"
	"fairlead.dev/provider/openai"
)

// offline is a gateway whose provider cannot be reached.
func offline(t testing.TB, more func(*gateway.Config)) *gateway.Gateway {
	t.Helper()
	client := must(fairlead.New(fairlead.Config{
		Providers: []fairlead.Provider{{Name: "a", API: anthropic.Provider{}, BaseURL: "http://nowhere", Keys: []fairlead.Key{{Secret: "sk"}}}},
		Models:    []fairlead.Model{{Name: "opus", Chain: []string{"a/opus"}}},
		Dial: func(context.Context, string, string) (net.Conn, error) {
			return nil, errors.New("offline")
		},
	}))
	t.Cleanup(func() { client.Close() })
	cfg := gateway.Config{Client: client, Dialects: []llm.Dialect{anthropic.Provider{}, openai.Provider{}}}
	if more != nil {
		more(&cfg)
	}
	return must(gateway.New(cfg))
}

// FuzzRequest: whatever a client sends, it is answered in JSON with a status
// that says whose mistake it was, and a header of ours never makes a 500.
func FuzzRequest(f *testing.F) {
	for _, c := range refusals {
		header := "x: y"
		if len(c.headers) > 0 {
			header = c.headers[0]
		}
		name, value, _ := strings.Cut(header, ": ")
		f.Add(c.method, c.path, name, value, c.body)
	}
	f.Add("GET", "/v1/models", "anthropic-version", "1", "")
	f.Add("GET", "/v1/models/opus", "anthropic-version", "1", "")
	f.Add("POST", "/v1/messages", "fairlead-tenant", "blue", message("opus"))
	f.Add("POST", "/v1/messages", "fairlead-key", "fl-web", message("none"))
	open, closed := offline(f, nil), offline(f, withKeys)
	f.Fuzz(func(t *testing.T, method, path, name, value, body string) {
		u, err := url.ParseRequestURI(path)
		if err != nil || strings.Contains(body, `"opus"`) && !strings.Contains(name, "airlead") {
			return // a call that gets through takes the time of its retries
		}
		for _, gw := range []*gateway.Gateway{open, closed} {
			r := &http.Request{
				Method: method, URL: u, Host: "localhost", Header: http.Header{}, ContentLength: int64(len(body)),
				Body: http.NoBody, Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1,
			}
			r.Header.Add(name, value)
			if body != "" {
				r = r.WithContext(t.Context())
				r.Body = readCloser{strings.NewReader(body)}
			}
			r.Header.Set("fairlead-deadline-ms", "1")
			w := httptest.NewRecorder()
			gw.ServeHTTP(w, r)
			if w.Code == 500 || w.Body.Len() > 0 && !json.Valid(w.Body.Bytes()) && w.Body.String() != "ok\n" {
				t.Errorf("%s %q with %q: %q: %d %s", method, path, name, value, w.Code, w.Body)
			}
		}
	})
}

type readCloser struct{ *strings.Reader }

func (readCloser) Close() error { return nil }
