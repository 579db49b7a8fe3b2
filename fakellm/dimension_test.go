package fakellm_test

import (
	"fmt"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"fairlead.dev/fakellm"
)

// sized is a prompt of exactly so many input tokens.
func sized(tokens int, more ...string) string {
	body := prompt("m", append(more, `"system":"@"`)...)
	return strings.Replace(body, "@", strings.Repeat("x", 4*tokens-len(body)+1), 1)
}

// Each dimension refuses by itself, says which one it is, when a request of this
// size fits again, and then lets it in.
func TestEachDimensionRefuses(t *testing.T) {
	const rate = "This request would exceed your organization's rate limit of "
	const advice = " per minute. Please reduce the prompt length or the maximum tokens requested, or try again later."
	tests := []struct {
		name      string
		limit     fakellm.Limit
		first     string // uses the limit up
		second    string // is refused
		wait      time.Duration
		anthropic string // message of the error
		openai    string
	}{
		{"requests", fakellm.Limit{RPM: 6}, sized(100), sized(100), 10 * time.Second,
			rate + "6 requests" + advice, "Rate limit reached for m on requests per min (RPM): Limit 6, Used 6, Requested 1. Please try again in 10s."},
		{"requests at once", fakellm.Limit{RPM: 120, Burst: 1}, sized(100), sized(100), 500 * time.Millisecond,
			rate + "120 requests" + advice, "Rate limit reached for m on requests per min (RPM): Limit 120, Used 120, Requested 1. Please try again in 500ms."},
		{"input", fakellm.Limit{ITPM: 600}, sized(500), sized(300), 20 * time.Second,
			rate + "600 input tokens" + advice, "Rate limit reached for m on tokens per min (TPM): Limit 600, Used 500, Requested 300. Please try again in 20s."},
		{"output", fakellm.Limit{OTPM: 60}, sized(100), sized(100), time.Second,
			rate + "60 output tokens" + advice, "Rate limit reached for m on tokens per min (TPM): Limit 60, Used 60, Requested 1. Please try again in 1s."},
		{"the slowest counts", fakellm.Limit{RPM: 60, Burst: 1, ITPM: 600, OTPM: 6000}, sized(500), sized(300), 20 * time.Second,
			rate + "600 input tokens" + advice, "Rate limit reached for m on tokens per min (TPM): Limit 600, Used 500, Requested 300. Please try again in 20s."},
	}
	for _, tt := range tests {
		for path, message := range map[string]string{messages: tt.anthropic, chat: tt.openai} {
			limited(t, tt.limit, func(b *bed) {
				uses := tt.limit.RPM
				if tt.limit.Burst > 0 || uses == 0 {
					uses = 1
				}
				for range uses {
					want(b, tt.name+": fits", b.post(path, tt.first).status, 200)
				}
				r := b.post(path, tt.second)
				e := decode[struct{ Error struct{ Message string } }](b, r.body).Error
				want(b, tt.name+": status", r.status, 429)
				want(b, tt.name+": message", e.Message, message)
				want(b, tt.name+": retry-after", r.header.Get("Retry-After"), fmt.Sprint(int((tt.wait+time.Second-1)/time.Second)))
				time.Sleep(tt.wait - time.Millisecond)
				want(b, tt.name+": a moment too early", b.post(path, tt.second).status, 429)
				time.Sleep(time.Millisecond)
				want(b, tt.name+": in time", b.post(path, tt.second).status, 200)
			})
		}
	}
}

// All headers of a limit, as they go down and up again.
func TestHeadersFollowTheBuckets(t *testing.T) {
	at := func(seconds int) string { return fmt.Sprintf("2000-01-01T00:%02d:%02dZ", seconds/60, seconds%60) }
	headers := func(b *bed, r result, names string, values ...string) {
		b.Helper()
		for i, name := range strings.Fields(names) {
			want(b, name, r.header.Get(name), values[i])
		}
	}
	const requests = "anthropic-ratelimit-requests-limit anthropic-ratelimit-requests-remaining anthropic-ratelimit-requests-reset"
	input, output := strings.ReplaceAll(requests, "requests", "input-tokens"), strings.ReplaceAll(requests, "requests", "output-tokens")
	limited(t, fakellm.Limit{RPM: 30, ITPM: 6000, OTPM: 600}, func(b *bed) {
		r := b.post(messages, sized(1000))
		headers(b, r, requests, "30", "29", at(2))
		headers(b, r, input, "6000", "5000", at(10))
		headers(b, r, output, "600", "600", at(0)) // charged as it is sent
		time.Sleep(5 * time.Second)
		r = b.post(messages, sized(1000, `"max_tokens":10`))
		headers(b, r, requests, "30", "29", at(7))
		headers(b, r, input, "6000", "4500", at(20))
		headers(b, r, output, "600", "590", at(6)) // 60 in debt, 50 of it paid
		r = b.post(messages, sized(5500))
		want(b, "refused", r.status, 429)
		headers(b, r, requests, "30", "29", at(7)) // what is refused is charged nowhere
		headers(b, r, input, "6000", "4500", at(20))
		time.Sleep(time.Minute)
		headers(b, b.post(messages, sized(50)), input, "6000", "5950", at(66))
	})
	limited(t, fakellm.Limit{RPM: 30, ITPM: 6000, OTPM: 600}, func(b *bed) {
		b.post(chat, sized(1000))
		r := b.post(chat, sized(1005))
		headers(b, r, "x-ratelimit-limit-requests x-ratelimit-remaining-requests x-ratelimit-reset-requests", "30", "28", "4s")
		headers(b, r, "x-ratelimit-limit-tokens x-ratelimit-remaining-tokens x-ratelimit-reset-tokens", "6000", "3995", "20.05s")
		for name := range r.header {
			want(b, name, strings.HasPrefix(name, "Anthropic"), false)
		}
	})
	limited(t, fakellm.Limit{OTPM: 600}, func(b *bed) {
		b.post(chat, sized(50))
		headers(b, b.post(chat, sized(50)), "x-ratelimit-limit-tokens x-ratelimit-remaining-tokens x-ratelimit-reset-tokens x-ratelimit-limit-requests", "600", "540", "6s", "")
	})
	limited(t, fakellm.Limit{ITPM: 12_000}, func(b *bed) { // large counts are rounded to thousands
		headers(b, b.post(messages, sized(400)), input, "12000", "12000", at(2))
		headers(b, b.post(messages, sized(400)), input, "12000", "11000", at(4))
	})
}

// Output is charged while it is being sent, also that of an answer which breaks.
func TestOutputIsChargedAsItIsSent(t *testing.T) {
	const left = "anthropic-ratelimit-output-tokens-remaining"
	limited(t, fakellm.Limit{OTPM: 600}, func(b *bed) {
		remaining := func() string { return b.post(messages, sized(50, `"max_tokens":1`)).header.Get(left) }
		done := make(chan struct{})
		go func() {
			defer close(done)
			b.send(b.Context(), http.MethodPost, messages, streamed("slow-tokens-10ms"))
		}()
		time.Sleep(195 * time.Millisecond)
		synctest.Wait()
		want(b, "20 sent, 1.95 refilled", remaining(), "581")
		<-done
		time.Sleep(time.Minute)
		for fault, tokens := range map[string]int{"cut-after-30": 30, "stall-after-30": 30, "error-after-30": 30, "silent": 0, "fail-500": 0, "no-end": 60} {
			b.within(time.Millisecond, messages, streamed(fault))
			want(b, fault, remaining(), fmt.Sprint(600-tokens))
			time.Sleep(time.Minute)
		}
	})
}

// The first limit that fits key and model is the only one that counts, and a
// script's limits stand before the configuration's.
func TestScriptLimitsComeFirst(t *testing.T) {
	cfg := fakellm.Config{
		Limits: []fakellm.Limit{{RPM: 3}},
		Script: script(t, `{"limits": [{"model": "big*", "rpm": 1}, {"model": "free", "rpm": 0}]}`),
	}
	bubble(t, cfg, func(b *bed) {
		for model, passed := range map[string]int{"big-1": 1, "free": 9, "other": 3} {
			n := 0
			for range 9 {
				if b.post(messages, prompt(model)).status == 200 {
					n++
				}
			}
			want(b, model, n, passed)
		}
		want(b, "no header without a limit", b.post(messages, prompt("free")).header.Get("anthropic-ratelimit-requests-limit"), "")
		if err := b.fake.SetScript(nil); err != nil {
			b.Fatal(err)
		}
		want(b, "the configuration's", b.post(messages, prompt("big-1")).header.Get("anthropic-ratelimit-requests-limit"), "3")
	})
}

// A request that another gate refuses costs nothing of a limit; one that a fault
// strikes costs a request.
func TestWhatALimitCharges(t *testing.T) {
	cfg := fakellm.Config{Keys: map[string]string{"web": "sk-test"}, Limits: []fakellm.Limit{{RPM: 60}},
		Script: script(t, `{"models": [{"name": "short", "max_tokens": 9}, {"name": "*"}]}`)}
	bubble(t, cfg, func(b *bed) {
		free := []result{
			b.post(messages, prompt("m"), "x-api-key", "wrong"), b.post(messages, "{"), b.post(messages, prompt("short")),
			b.post(messages+"/count_tokens", prompt("m")), b.send(b.Context(), http.MethodGet, "/v1/models", ""),
		}
		for i, status := range []int{401, 400, 400, 200, 200} {
			want(b, "status", free[i].status, status)
			want(b, "no headers", free[i].header.Get("anthropic-ratelimit-requests-limit"), "")
		}
		for i, fault := range []string{"m", "fail-500", "bad-key", "refuse"} {
			want(b, fault, b.post(messages, prompt(fault)).header.Get("anthropic-ratelimit-requests-remaining"), fmt.Sprint(59-i))
		}
	})
}
