package fakellm_test

import (
	"errors"
	"fmt"
	"reflect"
	"strings"
	"testing"
	"time"

	"fairlead.dev/fakellm"
)

// Each name means what the same fault says when it is spelled out.
func TestNamesSpelledOut(t *testing.T) {
	for name, object := range map[string]string{
		"fail-503":                          `{"status": 503}`,
		"html-502":                          `{"status": 502, "html": true}`,
		"retry-after-2.5":                   `{"status": 429, "retry_after": "2.5"}`,
		"spend-limit":                       `{"error": "spend-limit"}`,
		"ramp-limit":                        `{"error": "ramp-limit"}`,
		"no-quota":                          `{"error": "no-quota"}`,
		"bad-key":                           `{"error": "bad-key"}`,
		"unknown-model":                     `{"error": "unknown-model"}`,
		"too-long":                          `{"error": "too-long"}`,
		"policy":                            `{"error": "policy"}`,
		"refuse":                            `{"stop": "refusal"}`,
		"no-prefill":                        `{"no_prefill": true}`,
		"reset":                             `{"do": "reset"}`,
		"silent":                            `{"do": "silent"}`,
		"slow-headers-1m5s":                 `{"headers_after": "1m5s"}`,
		"slow-first-3s":                     `{"ttft": "3s"}`,
		"slow-tokens-20ms":                  `{"per_token": "20ms"}`,
		"stall-after-7":                     `{"do": "stall", "at": 7}`,
		"cut-after-0":                       `{"do": "cut", "first": 0}`,
		"cut-after-7-twice":                 `{"do": "cut", "at": 7, "first": 2}`,
		"close-after-7":                     `{"do": "close", "at": 7}`,
		"error-after-7":                     `{"do": "error", "at": 7}`,
		"malformed-after-7":                 `{"do": "malformed", "at": 7}`,
		"huge-line-700":                     `{"do": "huge", "size": 700}`,
		"no-end":                            `{"do": "no-end"}`,
		"empty":                             `{"do": "empty"}`,
		"gzip":                              `{"gzip": true}`,
		"wrong-length":                      `{"do": "wrong-length"}`,
		"bad-json":                          `{"do": "bad-json"}`,
		"pings-only":                        `{"do": "pings"}`,
		"lifecycle-only":                    `{"do": "lifecycle"}`,
		"slow-first-1s+cut-after-3+gzip-x4": `{"do": "cut", "at": 3, "ttft": "1s", "gzip": true, "first": 4}`,
	} {
		named := fakellm.MustFault(name)
		spelled := script(t, `{"rules": [{"fault": `+object+`}]}`).Rules[0].Fault
		want(t, name+": its name", named.Name, name)
		if named.Name = ""; !reflect.DeepEqual(named, spelled) {
			t.Errorf("%s is %+v, %s is %+v", name, named, object, spelled)
		}
		inRule := script(t, `{"rules": [{"fault": `+quoted(name)+`}]}`).Rules[0].Fault
		if again := fakellm.MustFault(name); !reflect.DeepEqual(inRule, again) {
			t.Errorf("%s in a rule is %+v", name, inRule)
		}
	}
}

// Parts join in any order; what two parts would both decide is refused.
func TestJoinedNames(t *testing.T) {
	parts := []string{"slow-headers-1s", "slow-first-2s", "slow-tokens-3s", "no-prefill", "gzip", "cut-after-4"}
	one := fakellm.MustFault(strings.Join(parts, "+"))
	for i := range parts {
		turned := append(append([]string(nil), parts[i:]...), parts[:i]...)
		f := fakellm.MustFault(strings.Join(turned, "+"))
		if f.Name = one.Name; !reflect.DeepEqual(f, one) {
			t.Errorf("%v: %+v, want %+v", turned, f, one)
		}
	}
	want(t, "headers", one.HeadersAfter, time.Second)
	want(t, "first", *one.TTFT, 2*time.Second)
	want(t, "tokens", *one.PerToken, 3*time.Second)
	want(t, "rest", fmt.Sprintln(one.NoPrefill, one.Gzip, one.Do, one.At), "true true cut 4\n")
	breaking := []string{"fail-500", "html-500", "retry-after-1", "bad-key", "refuse", "reset", "cut-after-1", "empty", "huge-line-5"}
	for _, a := range breaking {
		for _, b := range append(breaking, "nonsense", "", "fail-x") {
			if _, err := fakellm.ParseFault(a + "+" + b); err == nil || !strings.Contains(err.Error(), "fakellm: ") {
				t.Errorf("%s+%s: %v", a, b, err)
			}
		}
		if _, err := fakellm.ParseFault("ok+" + a); err != nil {
			t.Errorf("ok+%s: %v", a, err)
		}
	}
}

// The suffixes, and what only looks like one.
func TestSuffixes(t *testing.T) {
	for name, first := range map[string]int{
		"reset": 0, "reset-once": 1, "RESET-ONCE": 1, "reset-twice": 2, "reset-x1": 1, "reset-x99": 99, "cut-after-3-once": 1, "slow-first-1s+reset-twice": 2,
	} {
		want(t, name, fakellm.MustFault(name).First, first)
	}
	for _, name := range []string{"reset-x0", "reset-x", "reset-x-1", "reset-thrice", "reset-once-twice", "reset-once+gzip", "reset-x2147483648"} {
		if _, err := fakellm.ParseFault(name); err == nil {
			t.Errorf("%s was taken", name)
		}
	}
}

// Only a name that begins like a fault is a mistake; others are names of models.
func TestMistakesInNames(t *testing.T) {
	for name, says := range map[string]string{
		"fail-5290": `want fail-<status>: "5290" is not a number from 200 to 999`, "fail-199": "from 200 to 999", "cut-after-": `""`, "cut-after-1.5": `"1.5"`,
		"slow-first-": `"" is not a duration such as 20s`, "slow-first-5": "not a duration", "huge-line-1073741825": "from 1 to 1073741824",
		"retry-after-": `"" is not a number of seconds`, "retry-after-1.2.3": "seconds", "retry-after-1e3": "seconds", "html-abc": "html-<status>",
	} {
		_, err := fakellm.ParseFault(name)
		if err == nil || errors.Is(err, fakellm.ErrNoFault) || !strings.Contains(err.Error(), says) || !strings.Contains(err.Error(), quoted(name)) {
			t.Errorf("%s: %v, want %q", name, err, says)
		}
	}
	defer func() { want(t, "MustFault panics", recover() != nil, true) }()
	fakellm.MustFault("fail-x")
}

// Where a model's name hides a fault, and how it shows in the log.
func TestFaultsInModelNames(t *testing.T) {
	bubble(t, fakellm.Config{}, func(b *bed) {
		for model, status := range map[string]int{
			"fail-529": 529, "FAIL-529": 529, "claude:fail-529": 529, "fake/fail-529": 529, "a/b/c:fail-529": 529, "a:b/fail-529": 529, "x:fail-529-once": 529,
			"fail-529-preview": 400, "my-fail-529": 200, "claude-fail-529": 200, "fail-529:latest": 400, "claude:fail": 200, "a:": 200, "/": 200, "ok": 200, "x/ok": 200,
		} {
			r := b.post(messages, prompt(model))
			want(b, model, r.status, status)
			fault := map[int]string{200: "", 400: "invalid", 529: model[strings.LastIndexAny(model, ":/")+1:]}[status]
			if strings.HasSuffix(model, "ok") {
				fault = "ok"
			}
			want(b, model+" in the log", b.last().Fault, fault)
		}
		for path, n := range map[string]int{messages: 2, chat: 2, messages + "/count_tokens": 2} {
			for i := range 4 {
				want(b, fmt.Sprint(path, i), b.post(path, prompt("m:fail-500-twice")).status == 500, i < n)
			}
		}
	})
}

// A rule goes before the name, and "ok" shields from it.
func TestRulesGoBeforeNames(t *testing.T) {
	cfg := fakellm.Config{Script: script(t, `{"rules": [
		{"match": {"model": "shielded/*"}, "fault": "ok"},
		{"match": {"stream": true}, "fault": "fail-503"}
	]}`)}
	bubble(t, cfg, func(b *bed) {
		want(b, "shielded", b.post(messages, streamed("shielded/fail-500")).status, 200)
		want(b, "the rule", b.post(messages, streamed("fail-500")).status, 503)
		want(b, "the name", b.post(messages, prompt("fail-500")).status, 500)
	})
}

// Patterns: "*" is anything, slashes too, "?" one character.
func TestPatterns(t *testing.T) {
	for pattern, models := range map[string][2]string{ // those that fit, those that do not
		"":      {"a a/b", ""},
		"*":     {"a a/b", ""},
		"a":     {"a", "b aa A"},
		"a*":    {"a ab a/b", "ba"},
		"*a":    {"a ba a/a", "ab"},
		"a*b*c": {"abc a-b-c abbc", "ac ab acb"},
		"?":     {"a é 😀", "ab éa"},
		"a?c":   {"abc a/c", "ac abbc"},
		"*/?-5": {"x/a-5 x/y/b-5", "x/ab-5 a-5"},
		"**b":   {"b aab", "a"},
		"a*a":   {"aa aba", "a"},
		"[a]":   {"[a]", "a"},
	} {
		cfg := fakellm.Config{Script: script(t, `{"rules": [{"match": {"model": `+quoted(pattern)+`}, "fault": "fail-418"}]}`)}
		bubble(t, cfg, func(b *bed) {
			for i, list := range models {
				for model := range strings.FieldsSeq(list) {
					want(b, pattern+" "+model, b.post(messages, prompt(model)).status == 418, i == 0)
				}
			}
		})
	}
}
