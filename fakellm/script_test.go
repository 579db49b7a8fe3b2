package fakellm_test

import (
	"strings"
	"testing"
	"time"

	"fairlead.dev/fakellm"
)

// script parses a script or ends the test.
func script(t testing.TB, text string) *fakellm.Script {
	t.Helper()
	s, err := fakellm.ParseScript([]byte(text))
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func TestParseScript(t *testing.T) {
	s := script(t, `{
		"clock": "first", "seed": 3, "tokens": 10, "ttft": "1s", "per_token": "5ms", "strict": true, "require_version": true,
		"capacity": 4, "keys": {"web": "sk"},
		"rules": [
			{"match": {"model": "a*", "key": "web", "path": "*/messages", "stream": false}, "from": "10s", "to": "70s",
			 "every": 2, "probability": 0.5, "seed": 9, "times": 7, "fault": "fail-529-once"},
			{"from": 0, "fault": {"status": 503, "type": "t", "code": "c", "message": "m", "retry_after": "3",
			 "headers": {"x-a": "b"}}},
			{"fault": {"body": {"any": [1]}, "gzip": true}},
			{"fault": {"ttft": "1s", "per_token": "1ms", "tokens": 5, "stop": "pause_turn", "do": "cut", "at": 3}},
			{"fault": {"text": "hello", "headers_after": "1s"}}
		],
		"limits": [{"key": "*", "model": "*", "rpm": 60, "itpm": 1, "otpm": 2, "burst": 5}],
		"models": [{"name": "a*", "max_tokens": 1, "context": 2, "reject_fields": ["x"], "reject_betas": ["y"],
		 "no_images": true, "no_prefill": true, "own_thinking": true, "capacity": 1}]
	}`)
	r := s.Rules[0]
	want(t, "from", r.From, 10*time.Second)
	want(t, "stream", *r.Match.Stream, false)
	want(t, "probability", *r.Probability, 0.5)
	want(t, "first", r.Fault.First, 1)
	want(t, "body", string(s.Rules[2].Fault.Body), `{"any": [1]}`)
	want(t, "ttft", *s.Rules[3].Fault.TTFT, time.Second)
	want(t, "limit", s.Limits[0], fakellm.Limit{Key: "*", Model: "*", RPM: 60, ITPM: 1, OTPM: 2, Burst: 5})
	want(t, "field", s.Models[0].RejectFields[0], "x")
}

// Everything that is wrong is named at once, with its place.
func TestScriptFaults(t *testing.T) {
	tests := map[string]string{
		`{"rules": [}`:                          "line 1, column 12",
		"{\n\"a\": tru}":                        "line 2, column 9",
		`[]`:                                    "the top: want an object",
		`{"rulez": []}`:                         "rulez: is not a key",
		`{"seed": 1, "seed": 2}`:                "seed: stands there twice",
		`{"rules": {}}`:                         "rules: want a list",
		`{"rules": [3]}`:                        "rules[0]: want an object",
		`{"clock": "noon"}`:                     `clock: want "start" or "first"`,
		`{"ttft": 3}`:                           `ttft: want a duration such as "20s", got 3`,
		`{"ttft": "3"}`:                         `ttft: want a duration`,
		`{"ttft": "-3s"}`:                       `ttft: must not be negative`,
		`{"tokens": 1.5}`:                       "tokens: want a whole number, got 1.5",
		`{"tokens": null}`:                      "tokens: has no value",
		`{"strict": "yes"}`:                     `strict: want true or false, got "yes"`,
		`{"clock": 1}`:                          "clock: want a string",
		`{"keys": {"a": ""}}`:                   "keys: a key and its name",
		`{"rules": [{}]}`:                       "rules[0].fault: is missing",
		`{"rules": [{"fault": "fial"}]}`:        `rules[0].fault: fakellm: not the name of a fault: "fial"`,
		`{"rules": [{"fault": "cut-after-x"}]}`: "rules[0].fault: fakellm: fault \"cut-after-x\": want cut-after-<k>",
		`{"rules": [{"fault": {"do": "explode"}}]}`:                                `rules[0].fault.do: "explode" is none of`,
		`{"rules": [{"fault": {"error": "what"}}]}`:                                `rules[0].fault.error: there is no error named "what"`,
		`{"rules": [{"fault": {"status": 42}}]}`:                                   "rules[0].fault.status: must be from",
		`{"rules": [{"fault": {"tokens": 1, "text": "x"}}]}`:                       "rules[0].fault: tokens and text exclude",
		`{"rules": [{"fault": {"status": 500, "do": "cut"}}]}`:                     "rules[0].fault: an error status",
		`{"rules": [{"fault": {"html": true, "status": 502, "body": 1}}]}`:         "html and body exclude",
		`{"rules": [{"fault": "ok", "from": "2s", "to": "1s"}]}`:                   "rules[0].to: must be later than from",
		`{"rules": [{"fault": "ok", "times": -1}]}`:                                "rules[0].times: must not be negative",
		`{"rules": [{"fault": "ok", "probability": 2}]}`:                           "rules[0].probability: must be from 0 to 1",
		`{"rules": [{"fault": "ok", "match": {"modle": "x"}}]}`:                    "rules[0].match.modle: is not a key",
		`{"rules": [{"fault": "refused", "match": {"model": "x"}}]}`:               "rules[0]: refused shuts the whole listener",
		`{"limits": [{"rpm": -1}]}`:                                                "limits[0].rpm: must not be negative",
		`{"models": [{"name": "m", "context": -1}]}`:                               "models[0].context: must not be negative",
		`{"models": [{"name": "x", "reject_fields": [""]}]}`:                       "models[0].reject_fields: a field",
		`{"a": 1, "tokens": "x", "rules": [{"fault": "ok"}, {"fault": "fail-x"}]}`: "a: is not|tokens: want|rules[1].fault: ",
		`{"tokens": -1, "capacity": -1, "models": [{}]}`:                           "tokens: must|capacity: must|models[0].name: is missing",
	}
	for text, places := range tests {
		_, err := fakellm.ParseScript([]byte(text))
		for place := range strings.SplitSeq(places, "|") {
			if err == nil || !strings.Contains(err.Error(), place) {
				t.Errorf("%s: %v\nlacks %q", text, err, place)
			}
		}
		if err != nil && strings.Count(err.Error(), "\n") != strings.Count(places, "|") {
			t.Errorf("%s: %v\nwant %d faults", text, err, strings.Count(places, "|")+1)
		}
	}
}

func TestNewNamesAllFaults(t *testing.T) {
	_, err := fakellm.New(fakellm.Config{Tokens: -1, KeepBody: -1, Keys: map[string]string{"": "k"}, Limits: []fakellm.Limit{{RPM: -1}},
		Script: &fakellm.Script{Rules: []fakellm.Rule{{Times: -1}}}})
	for _, place := range []string{"Config.Tokens", "Config.KeepBody", "Config.Keys", "Config.Limits[0].rpm", "rules[0].times", "rules[0].fault"} {
		if err == nil || !strings.Contains(err.Error(), place) {
			t.Errorf("%v lacks %s", err, place)
		}
	}
}

// statuses posts n times, a second apart, and returns the statuses. For use in
// bubbles only.
func (b *bed) statuses(n int, model string) string {
	b.Helper()
	var out []string
	for range n {
		r := b.post(messages, prompt(model))
		out = append(out, map[int]string{200: "."}[r.status]+map[bool]string{true: "X"}[r.status != 200])
		time.Sleep(time.Second)
	}
	return strings.Join(out, "")
}

func TestRules(t *testing.T) {
	tests := []struct{ name, rules, want string }{
		{"window", `{"from": "3s", "to": "6s", "fault": "fail-500"}`, "...XXX...."},
		{"for ever", `{"from": "8s", "fault": "fail-500"}`, "........XX"},
		{"times", `{"times": 3, "fault": "fail-500"}`, "XXX......."},
		{"first", `{"fault": "fail-500-twice"}`, "XX........"},
		{"every", `{"every": 3, "fault": "fail-500"}`, "..X..X..X."},
		{"every and times", `{"every": 3, "times": 2, "fault": "fail-500"}`, "..X..X...."},
		{"never", `{"probability": 0, "fault": "fail-500"}`, ".........."},
		{"always", `{"probability": 1, "fault": "fail-500"}`, "XXXXXXXXXX"},
		{"first match wins", `{"to": "5s", "fault": "ok"}, {"fault": "fail-500"}`, ".....XXXXX"},
		{"exhausted lets the next look", `{"times": 1, "fault": "ok"}, {"times": 2, "fault": "fail-500"}`, ".XX......."},
		{"model", `{"match": {"model": "m?x*"}, "fault": "fail-500"}`, "XXXXXXXXXX"},
		{"other model", `{"match": {"model": "m"}, "fault": "fail-500"}`, ".........."},
		{"key", `{"match": {"key": "web"}, "fault": "fail-500"}`, "XXXXXXXXXX"},
		{"other key", `{"match": {"key": "we"}, "fault": "fail-500"}`, ".........."},
		{"path", `{"match": {"path": "*/messages"}, "fault": "fail-500"}`, "XXXXXXXXXX"},
		{"other path", `{"match": {"path": "*/completions"}, "fault": "fail-500"}`, ".........."},
		{"stream", `{"match": {"stream": false}, "fault": "fail-500"}`, "XXXXXXXXXX"},
		{"streams only", `{"match": {"stream": true}, "fault": "fail-500"}`, ".........."},
	}
	for _, tt := range tests {
		cfg := fakellm.Config{Script: script(t, `{"keys": {"web": "sk-test"}, "rules": [`+tt.rules+`]}`)}
		bubble(t, cfg, func(b *bed) { want(b, tt.name, b.statuses(10, "m/x/y"), tt.want) })
	}
}

func TestChanceRepeats(t *testing.T) {
	run := func(seed string) (out string) {
		cfg := fakellm.Config{Script: script(t, `{"seed": `+seed+`, "rules": [{"probability": 0.3, "fault": "fail-500"}]}`)}
		bubble(t, cfg, func(b *bed) { out = b.statuses(200, "m") })
		return out
	}
	one := run("1")
	want(t, "same seed", run("1"), one)
	want(t, "other seed differs", run("2") != one, true)
	if n := strings.Count(one, "X"); n < 40 || n > 80 {
		t.Errorf("%d of 200 failed, want about 60", n)
	}
}

func TestClockFromFirstRequest(t *testing.T) {
	rules := `"rules": [{"from": "2s", "to": "4s", "fault": "fail-500"}]`
	for clock, pattern := range map[string]string{"first": "..XX..", "start": "......"} {
		cfg := fakellm.Config{Script: script(t, `{"clock": "`+clock+`", `+rules+`}`)}
		bubble(t, cfg, func(b *bed) {
			time.Sleep(time.Hour)
			want(b, clock, b.statuses(6, "m"), pattern)
			b.fake.Reset()
			want(b, clock+" after Reset", b.statuses(6, "m"), "..XX..")
		})
	}
}

func TestExplicitFaults(t *testing.T) {
	cfg := fakellm.Config{Script: script(t, `{"rules": [
		{"match": {"model": "text"}, "fault": {"text": "a  b\"c ", "stop": "pause_turn"}},
		{"match": {"model": "tokens"}, "fault": {"tokens": 5, "do": "cut", "at": 2}},
		{"match": {"model": "string"}, "fault": {"status": 418, "body": "teapot", "headers": {"x-a": "b", "request-id": ""}}},
		{"match": {"model": "object"}, "fault": {"body": {"any": 1}}},
		{"match": {"model": "words"}, "fault": {"error": "policy", "type": "t", "code": "c", "message": "m", "retry_after": "9"}},
		{"match": {"model": "event"}, "fault": {"do": "error", "at": 1, "type": "rate_limit_error"}},
		{"match": {"model": "late"}, "fault": {"ttft": "1s", "per_token": "1s", "headers_after": "1s", "tokens": 3}},
		{"match": {"model": "page"}, "fault": {"status": 504, "html": true}}
	]}`)}
	bubble(t, cfg, func(b *bed) {
		got := read(b.post(messages, streamed("text")).body)
		want(b, "text", got.text+"|"+got.stop, `a  b"c |pause_turn`)
		want(b, "named", b.last().Fault, "custom")
		want(b, "cut", read(b.post(messages, streamed("tokens")).body).text, fakellm.Text(2))
		want(b, "named", b.last().Fault, "cut")
		r := b.post(messages, prompt("string"))
		want(b, "string", r.body+r.header.Get("x-a")+r.header.Get("request-id"), "teapotb")
		want(b, "status", r.status, 418)
		r = b.post(messages, prompt("object"))
		want(b, "object", r.body+r.header.Get("content-type"), `{"any": 1}application/json`)
		r = b.post(chat, prompt("words"))
		want(b, "words", r.body, `{"error":{"message":"m","type":"t","param":null,"code":"c"}}`)
		want(b, "hint", r.header.Get("retry-after"), "9")
		want(b, "event", read(b.post(messages, streamed("event")).body).failed, "rate_limit_error")
		want(b, "late", b.post(messages, streamed("late")).took, 4*time.Second)
		want(b, "page", strings.Contains(b.post(messages, prompt("page")).body, "504 Gateway Timeout"), true)
	})
}

func TestScriptDefaults(t *testing.T) {
	cfg := fakellm.Config{Tokens: 99, Script: script(t, `{"tokens": 3, "ttft": "1s", "per_token": "1s", "strict": true,
		"require_version": true, "models": [{"name": "m"}]}`)}
	bubble(t, cfg, func(b *bed) {
		r := b.post(messages, streamed("m"), "anthropic-version", "2023-06-01")
		want(b, "text", read(r.body).text, fakellm.Text(3))
		want(b, "took", r.took, 3*time.Second)
		want(b, "no version", b.post(messages, prompt("m")).status, 400)
		want(b, "unknown", b.post(messages, prompt("n"), "anthropic-version", "2023-06-01").status, 404)
		want(b, "logged", b.last().Fault, "unknown-model")
		if err := b.fake.SetScript(nil); err != nil {
			b.Fatal(err)
		}
		want(b, "no script", read(b.post(messages, streamed("n")).body).text, fakellm.Text(99))
		if err := b.fake.SetScript(&fakellm.Script{Tokens: -1}); err == nil {
			b.Error("a bad script was accepted")
		}
	})
}
