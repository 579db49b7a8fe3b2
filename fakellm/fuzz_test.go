package fakellm_test

import (
	"context"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"fairlead.dev/fakellm"
)

// A script that parses can be played; one that does not says why.
func FuzzParseScript(f *testing.F) {
	for _, seed := range []string{`{}`, `[]`, `{"rules":[{"fault":"fail-529","from":"1s"}]}`, `{"rules":[{"fault":{"status":503,"body":{}}}]}`,
		`{"limits":[{"rpm":1}],"models":[{"name":"*","context":9}],"keys":{"a":"b"},"capacity":1}`, `{"a":1,"a":2}`, `{"ttft":0}`, "{\"\xff\":0}"} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		s, err := fakellm.ParseScript(data)
		if err != nil {
			if s != nil || !strings.HasPrefix(err.Error(), "fakellm: script: ") {
				t.Errorf("%v, %v", s, err)
			}
			return
		}
		if _, err := fakellm.New(fakellm.Config{Script: s}); err != nil {
			t.Errorf("parsed, but New says: %v", err)
		}
	})
}

// A name parses, or is no fault, or is wrong; upper case changes nothing, and a
// model named after the fault behaves like it.
func FuzzParseFault(f *testing.F) {
	for _, d := range fakellm.Faults() {
		f.Add(d.Name)
	}
	for _, seed := range []string{"fail-529-once", "cut-after-40-x3", "slow-first-1s+reset", "claude-opus-5-5", "-x1", "+", "ok+ok"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, name string) {
		fault, err := fakellm.ParseFault(name)
		upper, again := fakellm.ParseFault(strings.ToUpper(name))
		if isASCII(name) && (err == nil) != (again == nil) {
			t.Errorf("%q: %v, in upper case %v", name, err, again)
		}
		if err != nil {
			return
		}
		if fault.First < 0 || fault.At < 0 || fault.HeadersAfter < 0 || upper.Do != fault.Do {
			t.Errorf("%q: %+v", name, fault)
		}
		if _, err := fakellm.New(fakellm.Config{Script: &fakellm.Script{Rules: []fakellm.Rule{{Fault: fault}}}}); err != nil && fault.Do != "refused" {
			t.Errorf("%q parses, but a rule refuses it: %v", name, err)
		}
	})
}

func isASCII(s string) bool {
	return strings.IndexFunc(s, func(r rune) bool { return r > 127 }) < 0
}

// No body makes the fake panic or wait for a client that has left.
func FuzzRequest(f *testing.F) {
	f.Add(messages, prompt("m"))
	f.Add(chat, streamed("m", `"n":2`, weather, `"tool_choice":"required"`))
	f.Add(messages, streamed("m", `"thinking":{"type":"adaptive"}`, weather))
	f.Add("/v1/embeddings", `{"model":"m","input":[""]}`)
	f.Add(messages, `{"model":"m","max_tokens":1,"messages":[{}]}`)
	f.Fuzz(func(t *testing.T, path, body string) {
		fake, err := fakellm.New(fakellm.Config{})
		if err != nil {
			t.Fatal(err)
		}
		req := httptest.NewRequest(http.MethodPost, messages, strings.NewReader(body))
		if strings.HasPrefix(path, "/v1/") && !strings.ContainsAny(path, "%?#\x7f \x00") {
			req.URL.Path = path
		}
		req.Header.Set("x-api-key", "k")
		defer func() {
			if v := recover(); v != nil && v != any(http.ErrAbortHandler) {
				panic(v)
			}
		}()
		ctx, cancel := context.WithCancel(t.Context())
		cancel() // whatever waits ends at once
		w := httptest.NewRecorder()
		fake.ServeHTTP(w, req.WithContext(ctx))
		if w.Code < 200 || w.Code > 999 {
			t.Errorf("status %d", w.Code)
		}
	})
}
