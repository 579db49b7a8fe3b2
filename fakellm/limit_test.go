package fakellm_test

import (
	"context"
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"fairlead.dev/fakellm"
)

// limited runs test against a fake with one limit.
func limited(t *testing.T, l fakellm.Limit, test func(b *bed)) {
	t.Helper()
	bubble(t, fakellm.Config{Limits: []fakellm.Limit{l}}, test)
}

func TestRequestsRefillAllTheTime(t *testing.T) {
	limited(t, fakellm.Limit{RPM: 60, Burst: 2}, func(b *bed) {
		// Two at once, then one a second: no window lets more through.
		for _, status := range []int{200, 200, 429, 429} {
			want(b, "burst", b.post(messages, prompt("m")).status, status)
		}
		want(b, "logged", b.last().Fault, "rate-limit")
		for range 5 {
			time.Sleep(999 * time.Millisecond)
			want(b, "too early", b.post(messages, prompt("m")).status, 429)
			time.Sleep(time.Millisecond)
			want(b, "refilled", b.post(messages, prompt("m")).status, 200)
			want(b, "only one", b.post(messages, prompt("m")).status, 429)
		}
		want(b, "side calls are free", b.post(messages+"/count_tokens", prompt("m")).status, 200)
	})
}

// Whoever waits for Retry-After gets in.
func TestRetryAfterIsTrue(t *testing.T) {
	for _, l := range []fakellm.Limit{{RPM: 7, Burst: 1}, {ITPM: 100}, {OTPM: 100}, {RPM: 11, ITPM: 70, OTPM: 130, Burst: 2}} {
		limited(t, l, func(b *bed) {
			refused := 0
			for range 30 {
				r := b.post(messages, prompt("m"))
				if r.status == 200 {
					continue
				}
				refused++
				secs, err := strconv.Atoi(r.header.Get("Retry-After"))
				if err != nil || secs < 1 {
					b.Fatalf("%+v: retry-after %q", l, r.header.Get("Retry-After"))
				}
				time.Sleep(time.Duration(secs) * time.Second)
				want(b, fmt.Sprintf("%+v: after the hint", l), b.post(messages, prompt("m")).status, 200)
			}
			want(b, "was limited", refused > 5, true)
		})
	}
}

func TestInputLimit(t *testing.T) {
	limited(t, fakellm.Limit{ITPM: 300}, func(b *bed) {
		big := prompt("m", `"system":`+quoted(strings.Repeat("x", 800)))
		want(b, "first", b.post(messages, big).status, 200)
		r := b.post(messages, big)
		want(b, "second", r.status, 429)
		if !strings.Contains(r.body, "300 input tokens per minute") {
			b.Errorf("body: %s", r.body)
		}
		want(b, "a small one fits", b.post(messages, prompt("m")).status, 200)
		want(b, "larger than the bucket", b.post(messages, prompt("m", `"system":`+quoted(strings.Repeat("x", 1300)))).status, 429)
		time.Sleep(time.Hour)
		want(b, "for ever", b.post(messages, prompt("m", `"system":`+quoted(strings.Repeat("x", 1300)))).status, 429)
	})
}

// Output is charged by what was sent, not by max_tokens: into debt if need be.
func TestOutputLimit(t *testing.T) {
	limited(t, fakellm.Limit{OTPM: 60}, func(b *bed) {
		want(b, "cut after 10", b.post(messages, streamed("cut-after-10")).status, 200)
		want(b, "50 left", b.post(messages, streamed("m")).status, 200) // sends 60
		r := b.post(messages, streamed("m"))
		want(b, "in debt", r.status, 429)
		want(b, "hint", r.header.Get("Retry-After"), "11") // from -10 to 1, one a second
		want(b, "remaining", r.header.Get("anthropic-ratelimit-output-tokens-remaining"), "0")
		time.Sleep(11 * time.Second)
		want(b, "paid", b.post(messages, streamed("m")).status, 200)
	})
}

func TestLimitHeaders(t *testing.T) {
	limited(t, fakellm.Limit{RPM: 60, ITPM: 40_000, OTPM: 8_000}, func(b *bed) {
		r := b.post(messages, prompt("m"))
		for name, value := range map[string]string{
			"requests-limit": "60", "requests-remaining": "59", "input-tokens-limit": "40000", "input-tokens-remaining": "40000",
			"output-tokens-limit": "8000", "output-tokens-remaining": "8000",
			"requests-reset":      time.Now().Add(time.Second).UTC().Format(time.RFC3339),
			"output-tokens-reset": time.Now().UTC().Format(time.RFC3339),
		} {
			want(b, name, r.header.Get("anthropic-ratelimit-"+name), value)
		}
		r = b.post(chat, prompt("m"))
		for name, value := range map[string]string{"limit-requests": "60", "remaining-requests": "58", "reset-requests": "2s", "limit-tokens": "40000"} {
			want(b, name, r.header.Get("x-ratelimit-"+name), value)
		}
		if _, err := time.ParseDuration(r.header.Get("x-ratelimit-reset-tokens")); err != nil {
			b.Error(err)
		}
		want(b, "on errors too", b.post(messages, prompt("fail-529")).header.Get("anthropic-ratelimit-requests-limit"), "60")
	})
	bubble(t, fakellm.Config{}, func(b *bed) {
		for name := range b.post(messages, prompt("m")).header {
			want(b, "no limit, no header "+name, strings.Contains(strings.ToLower(name), "ratelimit"), false)
		}
	})
}

func TestOpenAILimitError(t *testing.T) {
	limited(t, fakellm.Limit{RPM: 60, Burst: 1}, func(b *bed) {
		b.post(chat, prompt("gpt"))
		time.Sleep(421 * time.Millisecond)
		r := b.post(chat, prompt("gpt"))
		e := decode[struct {
			Error struct{ Type, Code, Message string }
		}](b, r.body).Error
		want(b, "type", e.Type+" "+e.Code, "requests rate_limit_exceeded")
		if !strings.Contains(e.Message, "requests per min (RPM): Limit 60") || !strings.HasSuffix(e.Message, "try again in 579ms.") {
			b.Errorf("message: %s", e.Message)
		}
	})
	limited(t, fakellm.Limit{ITPM: 30}, func(b *bed) {
		b.post(chat, prompt("gpt"))
		if r := b.post(chat, prompt("gpt")); !strings.Contains(r.body, `"type":"tokens"`) || !strings.Contains(r.body, "(TPM)") {
			b.Errorf("body: %s", r.body)
		}
	})
}

// Buckets belong to a key; the first limit that fits a request counts.
func TestLimitsPerKey(t *testing.T) {
	cfg := fakellm.Config{
		Keys: map[string]string{"web": "k1", "job": "k2", "free": "k3"},
		Limits: []fakellm.Limit{
			{Key: "free"},
			{Key: "*", Model: "opus*", RPM: 1},
			{Key: "*", RPM: 2},
		},
	}
	bubble(t, cfg, func(b *bed) {
		passed := func(key, model string) (n int) {
			for range 5 {
				if b.post(messages, prompt(model), "x-api-key", key).status == 200 {
					n++
				}
			}
			return n
		}
		want(b, "web", passed("k1", "haiku"), 2)
		want(b, "job has its own", passed("k2", "haiku"), 2)
		want(b, "opus has its own", passed("k1", "opus-5"), 1)
		want(b, "free", passed("k3", "opus-5"), 5)
		b.fake.Reset()
		want(b, "after Reset", passed("k1", "haiku"), 2)
	})
}

// Over an hour of hammering, the bucket lets through its size plus its rate.
func TestLimitOverTime(t *testing.T) {
	limited(t, fakellm.Limit{RPM: 30, Burst: 5}, func(b *bed) {
		passed := 0
		for start := time.Now(); time.Since(start) < time.Hour; time.Sleep(700 * time.Millisecond) {
			if b.post(messages, prompt("m", `"max_tokens":1`)).status == 200 {
				passed++
			}
		}
		if passed < 1795 || passed > 1805 {
			b.Errorf("%d passed in an hour of 30 a minute", passed)
		}
	})
}

func TestCapacity(t *testing.T) {
	cfg := fakellm.Config{Script: script(t, `{"capacity": 3, "models": [{"name": "opus", "capacity": 2}]}`)}
	bubble(t, cfg, func(b *bed) {
		ctx, leave := context.WithCancel(b.Context())
		defer leave()
		var clients sync.WaitGroup
		hold := func(model string) {
			clients.Go(func() { b.send(ctx, http.MethodPost, messages, streamed(model)) })
			synctest.Wait()
		}
		hold("silent")
		hold("silent")
		want(b, "two silent, one free", b.post(messages, prompt("opus")).status, 200)
		hold("stall-after-1")
		r := b.post(messages, prompt("opus"))
		want(b, "full", r.status, 529)
		want(b, "logged", b.last().Fault, "capacity")
		want(b, "openai says", b.post(chat, prompt("gpt")).status, 503)
		leave()
		clients.Wait()
		synctest.Wait()
		want(b, "free again", b.post(messages, prompt("opus")).status, 200)
	})
	slow := fakellm.Config{PerToken: time.Second, Script: script(t, `{"models": [{"name": "opus*", "capacity": 2}]}`)}
	bubble(t, slow, func(b *bed) {
		var clients sync.WaitGroup
		for range 2 {
			clients.Go(func() { want(b, "inside", b.post(messages, prompt("opus-1")).status, 200) })
		}
		synctest.Wait()
		want(b, "third", b.post(messages, prompt("opus-2")).status, 529)
		want(b, "another model", b.post(messages, prompt("haiku")).status, 200)
		clients.Wait()
		want(b, "later", b.post(messages, prompt("opus-2")).status, 200)
	})
}
