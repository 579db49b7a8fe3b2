package fakellm_test

import (
	"strings"
	"testing"
	"time"

	"fairlead.dev/fakellm"
)

// Silence of every kind lasts until the client leaves, and the log knows.
func TestSilence(t *testing.T) {
	tests := []struct {
		fault  string
		status int
		tokens int
		body   string // in what came, of a stream
	}{
		{"silent", 0, 0, ""},
		{"stall-after-20", 200, 20, `" w19"`},
		{"lifecycle-only", 200, 0, "message_start"},
		{"pings-only", 200, 0, "event: ping"},
		{"slow-headers-2h", 0, 0, ""},
		{"slow-first-2h", 200, 0, "message_start"},
		{"slow-tokens-2h", 200, 1, `"w0"`},
	}
	bubble(t, fakellm.Config{}, func(b *bed) {
		for _, tt := range tests {
			r := b.within(time.Hour, messages, streamed(tt.fault))
			a := b.last()
			want(b, tt.fault+": took", r.took, time.Hour)
			want(b, tt.fault+": status", r.status, tt.status)
			want(b, tt.fault+": tokens", a.Tokens, tt.tokens)
			want(b, tt.fault+": canceled", a.Canceled, true)
			want(b, tt.fault+": end", a.End.Sub(a.At), time.Hour)
			if !strings.Contains(r.body, tt.body) {
				b.Errorf("%s: %q lacks %q", tt.fault, r.body, tt.body)
			}
		}
		pings := b.within(time.Minute+time.Millisecond, messages, streamed("pings-only"))
		want(b, "pings", strings.Count(pings.body, "event: ping"), 61)
		plain := b.within(time.Hour, messages, prompt("stall-after-20"))
		want(b, "plain stall", plain.status == 200 && strings.Contains(plain.body, "w10") && plain.took == time.Hour, true)
		white := b.within(time.Minute, chat, prompt("pings-only"))
		want(b, "plain pings", strings.Trim(white.body, "\n") == "" && len(white.body) >= 60, true)
		want(b, "plain lifecycle", b.within(time.Minute, chat, prompt("lifecycle-only")).status, 200)
		want(b, "plain late", b.within(time.Minute, chat, prompt("slow-first-2m")).status, 0)
	})
}

func TestLatency(t *testing.T) {
	cfg := fakellm.Config{Tokens: 11, TTFT: 2 * time.Second, PerToken: 100 * time.Millisecond}
	bubble(t, cfg, func(b *bed) {
		r := b.post(messages, streamed("m"))
		want(b, "headers", r.opened, 0)
		want(b, "end", r.took, 3*time.Second)
		a := b.last()
		want(b, "log: first", a.First.Sub(a.At), 0)
		want(b, "log: end", a.End.Sub(a.At), 3*time.Second)
		plain := b.post(messages, prompt("m"))
		want(b, "plain headers", plain.opened, 3*time.Second)
		late := b.post(messages, streamed("slow-headers-5s+slow-first-1s+slow-tokens-1s+close-after-5"))
		want(b, "late headers", late.opened, 5*time.Second)
		want(b, "late end", late.took, 10*time.Second)
		want(b, "tokens", b.last().Tokens, 5)
	})
}

func TestNoPrefillFault(t *testing.T) {
	bubble(t, fakellm.Config{}, func(b *bed) {
		for _, path := range []string{messages, chat} {
			r := b.post(path, prompt("no-prefill", `"messages":[{"role":"user","content":"x"},{"role":"assistant","content":"w0"}]`))
			want(b, "prefill", r.status, 400)
			want(b, "type", decode[struct{ Error struct{ Type string } }](b, r.body).Error.Type, "invalid_request_error")
			want(b, "none", b.post(path, prompt("no-prefill")).status, 200)
		}
	})
}
