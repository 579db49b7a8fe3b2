package fairlead_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"fairlead.dev"
	"fairlead.dev/fakellm"
)

// post sends a request as an SDK would.
func post(t *testing.T, client *http.Client, url, body string) (*http.Response, []byte) {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), "POST", url, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Content-Type", "application/json")
	req.Header.Set("X-Api-Key", "sk-of-the-sdk")
	req.Header.Set("Authorization", "Bearer sk-of-the-sdk")
	req.Header.Set("User-Agent", "sdk/1.0")
	req.Header.Set("Idempotency-Key", "k1")
	resp, err := client.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	b, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	return resp, b
}

// wrapModes runs f with a wrapped client for each dialect, plain and streamed.
func wrapModes(t *testing.T, f func(w *world, client *http.Client, url, provider string, stream bool)) {
	modes(t, func(t *testing.T, dialect, p string, stream bool) {
		w := newWorld(t, nil)
		client := fairlead.Wrap(&http.Client{Transport: &http.Transport{DialContext: w.net.Dial}})
		t.Cleanup(client.CloseIdleConnections)
		url := "http://a/v1/messages"
		if p == "o" {
			url = "http://o/v1/chat/completions"
		}
		f(w, client, url, p, stream)
	})
}

func TestWrapRepairsWhatItCan(t *testing.T) {
	wrapModes(t, func(w *world, client *http.Client, url, p string, stream bool) {
		for _, model := range []string{"fail-529-twice", "fail-500-once", "retry-after-2-once"} {
			resp, b := post(w.T, client, url, body(model, stream))
			r := result{status: resp.StatusCode, header: resp.Header, body: b}
			r.read(map[string]string{"a": "anthropic", "o": "openai"}[p])
			w.whole(r)
		}
		for _, a := range w.fake[p].Attempts() {
			if a.Header.Get("User-Agent") != "sdk/1.0" || a.Header.Get("Idempotency-Key") != "k1" {
				w.Errorf("the SDK's headers did not arrive: %v", a.Header)
			}
		}
	})
}

// A final failure is an HTTP answer in the provider's words that tells the SDK
// not to try again.
func TestWrapAnswersFailuresAsTheProvider(t *testing.T) {
	wrapModes(t, func(w *world, client *http.Client, url, p string, stream bool) {
		for model, status := range map[string]int{"fail-529": 529, "fail-401": 401, "fail-400": 400, "retry-after-3600": 429, "fail-404": 404} {
			resp, b := post(w.T, client, url, body(model, stream))
			var shape struct {
				Error struct{ Type, Message string }
			}
			if resp.StatusCode != status || json.Unmarshal(b, &shape) != nil || shape.Error.Message == "" {
				w.Errorf("%s: status %d: %s", model, resp.StatusCode, b)
			}
			if resp.Header.Get("X-Should-Retry") != "false" {
				w.Errorf("%s: x-should-retry %q", model, resp.Header.Get("X-Should-Retry"))
			}
		}
	})
}

// A stream that is cut after its first content is never a success.
func TestWrapNeverHidesACut(t *testing.T) {
	wrapModes(t, func(w *world, client *http.Client, url, p string, stream bool) {
		if !stream {
			return
		}
		for _, model := range []string{"cut-after-40+no-prefill", "close-after-40+no-prefill", "error-after-40+no-prefill"} {
			_, b := post(w.T, client, url, body(model, true))
			r := result{body: b}
			r.readEvents()
			if r.complete || r.failure == "" || !strings.HasPrefix(fakellm.Text(60), r.text) || r.text == "" {
				w.Errorf("%s: complete %v, failure %q, text %q", model, r.complete, r.failure, r.text)
			}
		}
	})
}

// Every SDK's own credential goes where it sent it; a rejected one closes
// nothing for others.
func TestWrapKeepsCredentialsApart(t *testing.T) {
	bubble(t, func(t *testing.T) {
		w := newWorld(t, nil)
		w.fake["a"].Close()
		synctest.Wait()
		w.serve("k", fakellm.Config{Keys: map[string]string{"good": "sk-good"}, Listen: w.listen})
		client := fairlead.Wrap(&http.Client{Transport: &http.Transport{DialContext: w.net.Dial}})
		t.Cleanup(client.CloseIdleConnections)
		ask := func(key string) int {
			req, _ := http.NewRequestWithContext(t.Context(), "POST", "http://k/v1/messages", strings.NewReader(body("x", false)))
			req.Header.Set("X-Api-Key", key)
			resp, err := client.Do(req)
			if err != nil {
				t.Fatal(err)
			}
			io.Copy(io.Discard, resp.Body)
			resp.Body.Close()
			return resp.StatusCode
		}
		for range 20 {
			if got := ask("sk-bad"); got != 401 {
				t.Fatalf("a bad key got %d", got)
			}
			if got := ask("sk-good"); got != 200 {
				t.Fatalf("a good key got %d", got)
			}
		}
	})
}

func withKey(ctx context.Context, url, body string) *http.Request {
	req, err := http.NewRequestWithContext(ctx, "POST", url, strings.NewReader(body))
	if err != nil {
		panic(err)
	}
	req.Header.Set("X-Api-Key", "k")
	req.Header.Set("Authorization", "Bearer k")
	return req
}

func TestWrapHearsWhenItsCallerLeaves(t *testing.T) {
	wrapModes(t, func(w *world, client *http.Client, url, p string, stream bool) {
		ctx, cancel := context.WithTimeout(w.Context(), time.Second)
		defer cancel()
		_, err := client.Do(withKey(ctx, url, body("silent", stream)))
		if !errors.Is(err, context.DeadlineExceeded) {
			w.Errorf("err %v", err)
		}
		synctest.Wait()
		if got := w.fake[p].Attempts(); len(got) != 1 || !got[0].Canceled {
			w.Errorf("the provider saw %+v", got)
		}
	})
}

// lateContext has a deadline that nobody wakes it at, as on a busy machine.
type lateContext struct {
	context.Context
	deadline time.Time
}

func (c lateContext) Deadline() (time.Time, bool) { return c.deadline, true }

// The caller's own deadline is the caller's own error, whichever timer fires
// first.
func TestWrapNamesTheDeadlineOfItsCaller(t *testing.T) {
	wrapModes(t, func(w *world, client *http.Client, url, p string, stream bool) {
		ctx := lateContext{w.Context(), time.Now().Add(4 * time.Second)}
		req := withKey(ctx, url, body("silent", stream))
		if resp, err := client.Transport.RoundTrip(req); !errors.Is(err, context.DeadlineExceeded) {
			w.Errorf("got %v, %v", resp, err)
		}
	})
}

// What is no call to a model goes through as it is.
func TestWrapPassesTheRestOn(t *testing.T) {
	bubble(t, func(t *testing.T) {
		w := newWorld(t, nil)
		client := fairlead.Wrap(&http.Client{Transport: &http.Transport{DialContext: w.net.Dial}})
		t.Cleanup(client.CloseIdleConnections)
		resp, b := post(t, client, "http://o/v1/embeddings", `{"model":"e","input":"x"}`)
		if resp.StatusCode != 200 || !bytes.Contains(b, []byte("embedding")) {
			t.Errorf("status %d: %s", resp.StatusCode, b)
		}
		resp, b = post(t, client, "http://o/v1/nowhere", `{}`)
		if resp.StatusCode != 404 || len(b) == 0 {
			t.Errorf("status %d: %s", resp.StatusCode, b)
		}
	})
}

// A client's HTTPClient gives an SDK the whole chain.
func TestHTTPClientHasTheChain(t *testing.T) {
	modes(t, func(t *testing.T, dialect, p string, stream bool) {
		w := newWorld(t, chain(p+"/fail-529", p+"/good"))
		url := "http://anything/v1/messages"
		if p == "o" {
			url = "http://anything/v1/chat/completions"
		}
		resp, b := post(t, w.client.HTTPClient(), url, body("m", stream))
		r := result{status: resp.StatusCode, header: resp.Header, body: b}
		r.read(dialect)
		w.whole(r)
		for _, a := range w.fake[p].Attempts() {
			if strings.Contains(a.Key, "sdk") {
				t.Errorf("the SDK's key went upstream: %q", a.Key)
			}
		}
	})
}

// An SDK closes a stream while it reads it.
func TestClosingWhileReading(t *testing.T) {
	wrapModes(t, func(w *world, client *http.Client, url, p string, stream bool) {
		if !stream {
			return
		}
		req, _ := http.NewRequestWithContext(w.Context(), "POST", url, strings.NewReader(body("slow-tokens-1s", true)))
		req.Header.Set("X-Api-Key", "k")
		req.Header.Set("Authorization", "Bearer k")
		resp, err := client.Do(req)
		if err != nil {
			w.Fatal(err)
		}
		done := make(chan error)
		go func() {
			_, err := io.Copy(io.Discard, resp.Body)
			done <- err
		}()
		time.Sleep(5500 * time.Millisecond) // in bubble
		resp.Body.Close()
		if err := <-done; err == nil {
			w.Error("the read ended well")
		}
		synctest.Wait()
		if got := w.fake[p].Attempts(); len(got) != 1 || !got[0].Canceled {
			w.Errorf("the provider saw %+v", got)
		}
	})
}
