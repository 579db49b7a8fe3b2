package fakellm_test

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"fairlead.dev/fakellm"
)

func hashed(s string) string {
	sum := sha256.Sum256([]byte(s))
	return hex.EncodeToString(sum[:4])
}

// Every gate that refuses says so in the log, with what was known by then.
func TestTheLogNamesTheGate(t *testing.T) {
	cfg := fakellm.Config{
		Keys: map[string]string{"web": "sk-test", "job": "sk-job"},
		Script: script(t, `{"strict": true, "require_version": true, "models": [{"name": "m"}, {"name": "full", "capacity": 1}, {"name": "short", "max_tokens": 1}, {"name": "*500"}],
			"limits": [{"key": "job", "rpm": 1}], "rules": [{"match": {"model": "full"}, "fault": "silent-once"}]}`),
	}
	version := []string{"anthropic-version", "2023-06-01"}
	tests := []struct {
		path, body string
		header     []string
		fault, key string
		model      string
		status     int
	}{
		{messages, prompt("m"), version, "", "web", "m", 200},
		{messages, prompt("m"), []string{"x-api-key", "sk-wrong"}, "unauthorized", hashed("sk-wrong"), "m", 401},
		{messages, prompt("m"), []string{"x-api-key", ""}, "unauthorized", "", "m", 401},
		{messages, prompt("m"), nil, "invalid", "web", "m", 400},
		{messages, `{"model":"m"}`, version, "invalid", "web", "m", 400},
		{messages, `{"model":`, version, "invalid", "web", "", 400},
		{messages, prompt("gone"), version, "unknown-model", "web", "gone", 404},
		{messages, prompt("short"), version, "incapable", "web", "short", 400},
		{messages, prompt("fail-500"), version, "fail-500", "web", "fail-500", 500},
		{messages, prompt("m"), append(version, "x-api-key", "sk-job"), "", "job", "m", 200},
		{messages, prompt("m"), append(version, "x-api-key", "sk-job"), "rate-limit", "job", "m", 429},
		{"/v1/nothing", prompt("m"), version, "unknown-path", "web", "m", 404},
		{messages, prompt("full"), version, "capacity", "web", "full", 529},
	}
	bubble(t, cfg, func(b *bed) {
		ctx, leave := context.WithCancel(b.Context())
		var held sync.WaitGroup
		held.Go(func() { b.send(ctx, http.MethodPost, messages, prompt("full"), version...) })
		defer held.Wait()
		defer leave()
		synctest.Wait()
		for _, tt := range tests {
			r := b.post(tt.path, tt.body, tt.header...)
			a := b.last()
			name := fmt.Sprintf("%s %v", tt.body, tt.header)
			want(b, name+": status", r.status, tt.status)
			want(b, name+": fault", a.Fault, tt.fault)
			want(b, name+": key", a.Key, tt.key)
			want(b, name+": model", a.Model, tt.model)
			want(b, name+": logged status", a.Status, tt.status)
			want(b, name+": bytes", a.BytesIn, int64(len(tt.body)))
			want(b, name+": bytes out", a.BytesOut, int64(len(r.body)))
			want(b, name+": not canceled", a.Canceled, false)
		}
	})
}

// Times are those of the wire: the request read, the headers out, the last byte.
func TestTimesOfTheLog(t *testing.T) {
	tests := []struct {
		fault       string
		stream      bool
		first, last time.Duration // after the request; first < 0: never
	}{
		{"m", true, 0, 0},
		{"slow-headers-3s", true, 3 * time.Second, 3 * time.Second},
		{"slow-first-2s", true, 0, 2 * time.Second},
		{"slow-first-2s", false, 2 * time.Second, 2 * time.Second},
		{"slow-headers-3s+slow-first-2s+slow-tokens-1s", true, 3 * time.Second, 64 * time.Second},
		{"slow-headers-3s+slow-first-2s+slow-tokens-1s", false, 64 * time.Second, 64 * time.Second},
		{"slow-tokens-1s+cut-after-5", true, 0, 4 * time.Second}, // as soon as the fifth is out
		{"slow-headers-3s+reset", true, -1, 3 * time.Second},
		{"slow-headers-3s+fail-500", true, 3 * time.Second, 3 * time.Second},
		{"slow-first-2s+fail-500", true, 0, 0},
	}
	bubble(t, fakellm.Config{}, func(b *bed) {
		for _, tt := range tests {
			time.Sleep(time.Second)
			sent := time.Now()
			body := prompt(tt.fault)
			if tt.stream {
				body = streamed(tt.fault)
			}
			b.post(messages, body)
			a := b.last()
			want(b, tt.fault+": at", a.At, sent)
			want(b, tt.fault+": no headers", a.First.IsZero(), tt.first < 0)
			if tt.first >= 0 {
				want(b, tt.fault+": first", a.First.Sub(a.At), tt.first)
			}
			want(b, tt.fault+": end", a.End.Sub(a.At), tt.last)
		}
	})
}

// A ring of n keeps the last n, in order, and counts what it forgot.
func TestTheRing(t *testing.T) {
	for _, keep := range []int{1, 2, 5} {
		bubble(t, fakellm.Config{KeepAttempts: keep}, func(b *bed) {
			for sent := 1; sent <= 12; sent++ {
				b.post(messages, prompt(fmt.Sprint("m", sent)))
				all := b.fake.Attempts()
				want(b, "kept", len(all), min(sent, keep))
				want(b, "dropped", b.fake.Dropped(), max(0, sent-keep))
				for i, a := range all {
					want(b, "number", a.N, sent-len(all)+i+1)
					want(b, "model", a.Model, fmt.Sprint("m", a.N))
				}
			}
			all := b.fake.Attempts()
			all[0].Model = "changed"
			want(b, "a copy", b.fake.Attempts()[0].Model != "changed", true)
			b.fake.Reset()
			b.post(messages, prompt("again"))
			want(b, "numbers start anew", b.last().N, 1)
			want(b, "and ids", b.post(messages, prompt("m")).header.Get("request-id"), "req_fake000002")
		})
	}
}

// A request that outlives the ring does not come back into it.
func TestTheRingForgetsForGood(t *testing.T) {
	bubble(t, fakellm.Config{KeepAttempts: 2}, func(b *bed) {
		done := make(chan result)
		go func() { done <- b.post(messages, streamed("slow-first-1m")) }()
		synctest.Wait()
		want(b, "shows while served", b.last().Model, "slow-first-1m")
		for range 2 {
			b.post(messages, prompt("m"))
		}
		<-done
		for _, a := range b.fake.Attempts() {
			want(b, "model", a.Model, "m")
		}
	})
}

// No secret is in the log; one that came twice can still be told from another.
func TestSecretsStayOut(t *testing.T) {
	secrets := []string{"Authorization", "Proxy-Authorization", "Cookie", "X-Api-Key", "Api-Key", "X-Goog-Api-Key", "Fairlead-Key"}
	bubble(t, fakellm.Config{}, func(b *bed) {
		var header []string
		for _, name := range secrets {
			header = append(header, name, "secret of "+name)
		}
		b.post(messages, prompt("m"), append(header, "anthropic-beta", "kept", "x-other", "kept")...)
		a := b.last()
		for _, name := range secrets {
			want(b, name, a.Header.Get(name), "redacted "+hashed("secret of "+name))
		}
		want(b, "others", a.Header.Get("anthropic-beta")+a.Header.Get("x-other"), "keptkept")
		for value, key := range map[string]string{"Bearer k": "k", "bearer  k ": "k", "BEARER k": "k", "k": "k", "Basic k": "Basic k"} {
			b.post(chat, prompt("m"), "x-api-key", "", "authorization", value)
			want(b, value, b.last().Key, hashed(key))
		}
		b.post(chat, prompt("m"), "x-api-key", "first", "authorization", "Bearer second")
		want(b, "x-api-key wins", b.last().Key, hashed("first"))
	})
}

// The log's JSON has the documented names, and reads back as it was.
func TestTheLogAsJSON(t *testing.T) {
	bubble(t, fakellm.Config{KeepBody: 1 << 20}, func(b *bed) {
		b.post(messages, streamed("cut-after-2", `"x":"é\u0000<\""`))
		b.post(messages, prompt("reset"))
		r := b.send(b.Context(), http.MethodGet, "/fake/attempts", "")
		raw := decode[[]map[string]json.RawMessage](b, r.body)
		names := "at body bytes_in bytes_out canceled end fault first header key method model n path status stream tokens"
		for name := range strings.FieldsSeq(names) {
			want(b, name, raw[0][name] != nil, true)
		}
		want(b, "no others", len(raw[0]), len(strings.Fields(names)))
		want(b, "without headers there is no first", raw[1]["first"] == nil, true)
		back := decode[[]fakellm.Attempt](b, r.body)
		for i, a := range b.fake.Attempts() {
			one, _ := json.Marshal(a)
			two, _ := json.Marshal(back[i])
			want(b, "round trip", string(two), string(one))
			want(b, "body", string(back[i].Body), string(a.Body))
		}
	})
}
