package e2e

import (
	"bytes"
	"compress/gzip"
	"crypto/sha256"
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"

	"fairlead.dev/fakellm"
)

// TestEncodedBody: what we do not understand is not passed on.
func TestEncodedBody(t *testing.T) {
	t.Parallel()
	main := newFake(t, "")
	g := serve(t, direct(main.url))
	var zipped bytes.Buffer
	z := gzip.NewWriter(&zipped)
	_, _ = io.WriteString(z, simple) // into memory
	_ = z.Close()
	for _, encoding := range []string{"gzip", "zstd", "br"} {
		got := send(t, "POST", g.url+"/v1/messages", zipped.String(), append(claudeHeaders, "content-encoding: "+encoding)...)
		if got.status != http.StatusUnsupportedMediaType || !strings.Contains(got.body, `"type":"error"`) {
			t.Errorf("%s: status %d: %s", encoding, got.status, got.body)
		}
	}
	if n := len(main.Attempts()); n != 0 {
		t.Errorf("the provider got %d requests", n)
	}
}

// TestProbes: what clients ask before they begin is answered without a key.
func TestProbes(t *testing.T) {
	t.Parallel()
	g := serve(t, direct(newFake(t, "").url)+withKey)
	for _, probe := range []string{"HEAD /", "HEAD /api/hello", "GET /healthz", "HEAD /healthz"} {
		method, path, _ := strings.Cut(probe, " ")
		if got := send(t, method, g.url+path, ""); got.status != http.StatusOK {
			t.Errorf("%s: status %d: %s", probe, got.status, got.body)
		}
	}
	if got := send(t, "POST", g.url+"/v1/messages", simple, "x-api-key: sk-client"); got.status != http.StatusUnauthorized {
		t.Errorf("without our key: status %d: %s", got.status, got.body)
	}
}

// withKey makes a gateway want the key "fl-web" of its clients.
var withKey = fmt.Sprintf("auth: {keys: [{name: web, sha256: \"%x\"}]}\n", sha256.Sum256([]byte("fl-web")))

// TestBothCredentials: of Authorization and x-api-key neither is dropped
// silently when a client sends both for the provider.
func TestBothCredentials(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name, config string
		more         []string
	}{
		{"no keys", "", nil},
		{"our key beside them", withKey, []string{"fairlead-key: fl-web"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			up := newStub(t, streamed(openStream...))
			config := fmt.Sprintf("providers:\n  main: {dialect: anthropic, base_url: %q, credentials: passthrough}\n"+
				"models:\n  \"*\": {chain: [\"main/*\"]}\n%s", up.url, c.config)
			headers := append([]string{"authorization: Bearer token-of-client"}, claudeHeaders...)
			got := send(t, "POST", serve(t, config).url+"/v1/messages", claudeBody(t), append(headers, c.more...)...)
			if got.status != http.StatusOK {
				t.Fatalf("status %d: %s", got.status, got.body)
			}
			h := up.only(t).header
			if h.Get("authorization") != "Bearer token-of-client" || h.Get("x-api-key") != "sk-client" {
				t.Errorf("the provider saw authorization %q and x-api-key %q", h.Get("authorization"), h.Get("x-api-key"))
			}
			if leak := h.Get("fairlead-key"); leak != "" {
				t.Errorf("our own key went upstream: %q", leak)
			}
		})
	}
}

// TestNoCredentialLeaks: where we have keys of our own, none of the client's
// goes upstream, in either header.
func TestNoCredentialLeaks(t *testing.T) {
	t.Parallel()
	up := newStub(t, streamed(openStream...))
	g := serve(t, direct(up.url)+withKey)
	got := send(t, "POST", g.url+"/v1/messages", claudeBody(t),
		append([]string{"authorization: Bearer fl-web", "cookie: session=1"}, claudeHeaders...)...)
	if got.status != http.StatusOK {
		t.Fatalf("status %d: %s", got.status, got.body)
	}
	for name, values := range up.only(t).header {
		text := strings.Join(values, " ")
		if strings.Contains(text, "fl-web") || strings.Contains(text, "sk-client") || strings.Contains(text, "session=1") {
			t.Errorf("%s: %s went upstream", name, text)
		}
	}
}

// TestRejectedKeyVerbatim: the 401 of a client's own key, byte for byte.
func TestRejectedKeyVerbatim(t *testing.T) {
	t.Parallel()
	main := newFake(t, `{"keys":{"good":"sk-good"}}`)
	g := serve(t, passthrough(main))
	got := send(t, "POST", g.url+"/v1/messages", simple, "x-api-key: sk-bad", "anthropic-version: 2023-06-01")
	said := main.said()
	if len(said) != 1 {
		t.Fatalf("the provider was asked %d times", len(said))
	}
	got.wants(t, http.StatusUnauthorized, string(said[0].body))
	if id := got.header.Get("request-id"); id != said[0].header.Get("request-id") {
		t.Errorf("request-id %q, want %q", id, said[0].header.Get("request-id"))
	}
}

// TestDuplicateKeys: a body that two parsers read differently is refused.
func TestDuplicateKeys(t *testing.T) {
	t.Parallel()
	main := newFake(t, "")
	g := serve(t, direct(main.url))
	body := strings.Replace(simple, `{`, `{"model":"claude-haiku-5-5",`, 1)
	if got := send(t, "POST", g.url+"/v1/messages", body, claudeHeaders...); got.status != http.StatusBadRequest {
		t.Errorf("status %d: %s", got.status, got.body)
	}
	nested := strings.Replace(simple, `"content":"hi"`, `"content":"no","content":"hi"`, 1)
	if got := send(t, "POST", g.url+"/v1/messages", nested, claudeHeaders...); got.status != http.StatusOK {
		t.Errorf("nested: status %d: %s", got.status, got.body)
	}
	asked := main.asked()
	if len(asked) != 1 || string(asked[0].Body) != nested {
		t.Errorf("the provider was asked %d times: %v", len(asked), bodies(asked))
	}
}

func bodies(attempts []fakellm.Attempt) (list []string) {
	for _, a := range attempts {
		list = append(list, string(a.Body))
	}
	return list
}

// TestOneModel: /v1/models/{id} in both dialects, and a name that nobody has.
func TestOneModel(t *testing.T) {
	t.Parallel()
	g := serve(t, chains(newFake(t, ""), newFake(t, ""), false))
	const claude = "anthropic-version: 2023-06-01"
	for path, want := range map[string]int{"/v1/models/claude-opus-5-5": 200, "/v1/models/claude-nobody": 404} {
		if got := send(t, "GET", g.url+path, "", claude); got.status != want || want == 404 && !strings.Contains(got.body, "not_found_error") {
			t.Errorf("%s: status %d: %s", path, got.status, got.body)
		}
	}
	if got := send(t, "GET", g.url+"/v1/models/gpt-5.5", ""); got.status != http.StatusOK || !strings.Contains(got.body, `"object":"model"`) {
		t.Errorf("status %d: %s", got.status, got.body)
	}
}

// TestOtherPaths: what we do not know is forwarded, not answered by us, to the
// provider of its dialect.
func TestOtherPaths(t *testing.T) {
	t.Parallel()
	for path, header := range map[string]string{
		"/v1/messages/batches": "anthropic-version: 2023-06-01",
		"/v1/responses":        "user-agent: OpenAI/JS",
		"/v1/embeddings":       "user-agent: OpenAI/JS",
	} {
		t.Run(path, func(t *testing.T) {
			t.Parallel()
			const said = `{"id": "x_1", "new":true}`
			up := newStub(t, func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, said) })
			g := serve(t, fmt.Sprintf("providers:\n  a: {dialect: anthropic, base_url: %[1]q, api_keys: [sk-main]}\n"+
				"  o: {dialect: openai, base_url: %[1]q, api_keys: [sk-main]}\nmodels:\n  \"*\": {chain: [\"a/*\", \"o/*\"]}\n", up.url))
			const body = `{"model":"gpt-5.5", "input":"hi","requests":[]}`
			send(t, "POST", g.url+path+"?x=1", body, header, "content-type: application/json").wants(t, http.StatusOK, said)
			r := up.only(t)
			if r.uri != path+"?x=1" || string(r.body) != body {
				t.Errorf("the provider was asked for %s with %s", r.uri, r.body)
			}
			if key := r.header.Get("x-api-key") + strings.TrimPrefix(r.header.Get("authorization"), "Bearer "); key != "sk-main" {
				t.Errorf("the provider saw the key %q", key)
			}
		})
	}
}
