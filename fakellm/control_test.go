package fakellm_test

import (
	"encoding/json"
	"net/http"
	"strings"
	"testing"
	"time"

	"fairlead.dev/fakellm"
)

func TestLog(t *testing.T) {
	var logged []fakellm.Attempt
	cfg := fakellm.Config{KeepAttempts: 3, KeepBody: 20, Log: func(a fakellm.Attempt) { logged = append(logged, a) }}
	bubble(t, cfg, func(b *bed) {
		for range 5 {
			b.post(messages+"?beta=true", streamed("m"), "authorization", "Bearer secret", "anthropic-beta", "x")
		}
		all := b.fake.Attempts()
		want(b, "kept", len(all), 3)
		want(b, "oldest", all[0].N, 3)
		want(b, "newest", all[2].N, 5)
		want(b, "dropped", b.fake.Dropped(), 2)
		want(b, "callbacks", len(logged), 5)
		a := all[2]
		want(b, "path", a.Method+" "+a.Path, "POST /v1/messages")
		want(b, "model", a.Model, "m")
		want(b, "stream", a.Stream, true)
		want(b, "status", a.Status, 200)
		want(b, "tokens", a.Tokens, 60)
		want(b, "body", string(a.Body), streamed("m")[:20])
		want(b, "bytes in", a.BytesIn, int64(len(streamed("m"))))
		want(b, "bytes out", a.BytesOut > 1000, true)
		want(b, "beta", a.Header.Get("anthropic-beta"), "x")
		want(b, "same as logged", logged[4].End, a.End)
		raw, _ := json.Marshal(all)
		for _, secret := range []string{"secret", "sk-test"} {
			want(b, secret+" in the log", strings.Contains(string(raw), secret), false)
		}
		want(b, "hashes", a.Header.Get("x-api-key"), "redacted "+a.Key)
		want(b, "differ", a.Header.Get("authorization") != a.Header.Get("x-api-key"), true)
		b.within(time.Second, messages, prompt("silent"))
		b.fake.Reset()
		want(b, "after Reset", len(b.fake.Attempts())+b.fake.Dropped(), 0)
	})
}

// An attempt shows while it is being served; Reset in between forgets it.
func TestLogOfRunningAttempts(t *testing.T) {
	bubble(t, fakellm.Config{PerToken: time.Second}, func(b *bed) {
		done := make(chan struct{})
		go func() {
			defer close(done)
			b.post(messages, streamed("m"))
		}()
		time.Sleep(10 * time.Second)
		want(b, "status", b.last().Status, 200)
		want(b, "running", b.last().End.IsZero(), true)
		b.fake.Reset()
		b.post(messages, streamed("fail-500"))
		<-done
		all := b.fake.Attempts()
		want(b, "kept", len(all), 1)
		want(b, "the new one", all[0].Model, "fail-500")
	})
}

func TestControl(t *testing.T) {
	bubble(t, fakellm.Config{}, func(b *bed) {
		get := func(path string) result { return b.send(b.Context(), http.MethodGet, path, "", "x-api-key", "") }
		want(b, "empty log", strings.TrimSpace(get("/fake/attempts").body), "[]")
		b.post(messages, prompt("fail-529"))
		r := get("/fake/attempts")
		all := decode[[]fakellm.Attempt](b, r.body)
		want(b, "attempts", len(all), 1)
		want(b, "fault", all[0].Fault, "fail-529")
		want(b, "body", string(all[0].Body), prompt("fail-529"))
		want(b, "body in plain", strings.Contains(r.body, `"body":"{\"model\"`), true)
		want(b, "dropped", r.header.Get("fake-dropped"), "0")
		want(b, "time", all[0].At.Equal(b.last().At), true)

		put := b.send(b.Context(), http.MethodPut, "/fake/script", `{"rules": [{"fault": "fail-418"}]}`, "x-api-key", "")
		want(b, "put", put.status, 204)
		want(b, "plays", b.post(messages, prompt("m")).status, 418)
		bad := b.send(b.Context(), http.MethodPut, "/fake/script", `{"rulez": [], "seed": "x"}`)
		want(b, "bad script", bad.status, 400)
		want(b, "all its faults", strings.Contains(bad.body, "rulez: ") && strings.Contains(bad.body, "seed: "), true)
		want(b, "still plays", b.post(messages, prompt("m")).status, 418)
		want(b, "reset", b.post("/fake/reset", "").status, 204)
		want(b, "forgotten", len(b.fake.Attempts()), 0)
		want(b, "faults", strings.Count(get("/fake/faults").body, "\n"), len(fakellm.Faults()))
		want(b, "other", get("/fake/other").status, 404)
	})
}
