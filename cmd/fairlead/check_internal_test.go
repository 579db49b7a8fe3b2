package main

import (
	"maps"
	"strings"
	"testing"

	"github.com/goccy/go-yaml"
	"github.com/santhosh-tekuri/jsonschema/v6"
)

func (w *world) withCanaries() *world {
	maps.Copy(w.vars, canaries)
	w.file("/run/secrets/other", "sk-ant-planted-canary-1\n")
	return w
}

func TestCheckShowsEveryValueWithItsOrigin(t *testing.T) {
	w := newWorld(t).withCanaries()
	w.file("fairlead.yaml", text(t, "sample.yaml"))
	equal(t, "exit", w.run("check"), exitOK)
	golden(t, "sample.txt", w.out.String())
	contains(t, "output", w.out.String(), "(set, from ${ANTHROPIC_API_KEY})", "(set, from ${file:/run/secrets/other})")
}

func TestCheckListsAllFaults(t *testing.T) {
	w := newWorld(t)
	w.file("bad.yaml", text(t, "bad.yaml"))
	equal(t, "exit", w.run("check", "bad.yaml"), exitConfig)
	golden(t, "bad.txt", w.err.String())
	equal(t, "stdout", w.out.String(), "")
}

// One change to a good file, one fault.
func TestFaults(t *testing.T) {
	const good = `listen: 127.0.0.1:0
providers:
  a: {dialect: anthropic, base_url: "http://127.0.0.1:1", api_keys: ["k"]}
  o: {dialect: openai, base_url: "http://127.0.0.1:2/v1"}
models:
  m: {chain: [a/x, a/y]}
  "*": {chain: ["a/*", "o/*"]}
`
	tests := map[string]struct{ old, new, want string }{
		"good":                 {"", "", ""},
		"equal false":          {"[a/x, a/y]", "[a/x, {target: a/y, equal: false}]", ""},
		"equal true":           {"[a/x, a/y]", "[a/x, {target: a/y, equal: true}]", ""},
		"hedging off":          {"listen", "timeouts: {hedge_after: off}\nlisten", ""},
		"hedging":              {"listen", "timeouts: {hedge_after: 1s}\nlisten", ""},
		"streams":              {"[a/x, a/y]", "[a/x], stream: {resume: loose, stream_upstream: never, complete: true, keepalive: off, max_event: 1MiB}", ""},
		"resume":               {"listen", "stream: {resume: maybe}\nlisten", "1:18: want auto, loose, off"},
		"stream upstream":      {"[a/x, a/y]", "[a/x], stream: {stream_upstream: yes}", "6:47: want always, auto, never"},
		"complete":             {"listen", "stream: {complete: maybe}\nlisten", "1:20: want on or off"},
		"mixed":                {"a/y]", "o/y]", "6:20: o/y speaks openai"},
		"mixed star":           {`"o/*"`, `o/x`, "7:24: o/x speaks openai"},
		"unknown provider":     {"a/y]", "b/y]", `6:20: there is no provider "b"`},
		"open to the network":  {"127.0.0.1:0", "0.0.0.0:80", "1:9: an address beyond loopback needs keys"},
		"all interfaces":       {"127.0.0.1:0", "\":80\"", "1:9: an address beyond loopback needs keys"},
		"admin open":           {"listen", "admin: 0.0.0.0:81\nlisten", "1:8: an address beyond loopback needs hosts"},
		"admin off":            {"listen", "admin: off\nlisten", ""},
		"empty chain":          {"[a/x, a/y]", "[]", "6:7: the chain is empty"},
		"no chain":             {"{chain: [a/x, a/y]}", "{}", "6:3: the chain is empty"},
		"passthrough and keys": {`"k"]`, `"k"], credentials: passthrough`, "3:89: passthrough sends"},
		"empty key":            {`"k"]`, `""]`, "3:70: is set, but empty"},
		"key twice":            {`"k"]`, `"k", "k"]`, "3:75: this key is in the list twice"},
		"file url":             {"http://127.0.0.1:1", "file:///etc", "3:37: want an http or https URL"},
		"credentials in url":   {"http://127.0.0.1:1", "http://u:p@h", "3:37: want an http or https URL"},
		"dialect":              {"dialect: openai", "dialect: responses", "4:16: the dialect responses is not in this version"},
		"later block":          {"listen", "store: {}\nlisten", "1:1: the block store has no effect"},
		"attempts":             {"listen", "retry: {attempts: 9, max_attempts_per_call: 3}\nlisten", "1:19: attempts: 9 is more than"},
		"key without hash":     {"listen", "auth: {keys: [{name: a}]}\nlisten", "1:15: sha256 is missing"},
		"queue bytes inside":   {"[a/x, a/y]", "[a/x], queue: {max_bytes: 1MiB}", "6:29: max_bytes bounds"},
		"least above most":     {"listen", "queue: {max_in_flight: 5, min_in_flight: 10}\nlisten", "1:42: must be between"},
		"a share too large":    {"listen", "shares: {batch: 0.95}\nlisten", "1:17: batch: 0.95 is more"},
		"colon in a model":     {"a/y]", "a/y:tag]", ""},
		"same addresses":       {"127.0.0.1:0", "127.0.0.1:8081", "1:1: is the address of listen"},
		"no providers":         {"a/y]", "a/y]", ""},
	}
	for name, c := range tests {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t)
			changed := strings.Replace(good, c.old, c.new, 1)
			w.file("fairlead.yaml", changed)
			code := w.run("check")
			if c.want == "" {
				equal(t, "exit", code, exitOK)
				return
			}
			equal(t, "exit", code, exitConfig)
			contains(t, "stderr", w.err.String(), "fairlead.yaml:"+c.want)
			equal(t, "faults", strings.Count(w.err.String(), "fairlead.yaml:"), 1)
		})
	}
}

func TestWhereTheConfigurationIsFound(t *testing.T) {
	const file = "listen: 127.0.0.1:%\nproviders: {a: {dialect: anthropic, base_url: \"http://127.0.0.1:1\"}}\nmodels: {m: {chain: [a/x]}}\n"
	w := newWorld(t)
	for i, name := range []string{"flag.yaml", "variable.yaml", "fairlead.yaml", "/etc/fairlead/fairlead.yaml"} {
		w.file(name, strings.ReplaceAll(file, "%", string(rune('1'+i))))
	}
	w.vars["FAIRLEAD_CONFIG"] = "variable.yaml"
	for i, args := range [][]string{{"check", "--config", "flag.yaml"}, {"check"}, {"check"}, {"check"}} {
		if i == 2 {
			delete(w.vars, "FAIRLEAD_CONFIG")
		}
		if i == 3 {
			delete(w.files, "fairlead.yaml")
		}
		before := len(w.out.String())
		equal(t, "exit", w.run(args...), exitOK)
		contains(t, "output", w.out.String()[before:], "127.0.0.1:"+string(rune('1'+i)))
	}
	w.vars["FAIRLEAD_CONFIG"] = "missing.yaml"
	equal(t, "a named file that is not there", w.run("check"), exitConfig)
}

func TestNoConfigurationAtAll(t *testing.T) {
	tests := map[string]map[string]string{
		"none":      {},
		"anthropic": {"ANTHROPIC_API_KEY": canaries["ANTHROPIC_API_KEY"]},
		"both":      {"ANTHROPIC_API_KEY": canaries["ANTHROPIC_API_KEY"], "OPENAI_API_KEY": canaries["OPENAI_API_KEY"], "OPENAI_BASE_URL": "http://127.0.0.1:9/v1", "ANTHROPIC_BASE_URL": ""},
		"elsewhere": {"ANTHROPIC_BASE_URL": "http://127.0.0.1:9"},
	}
	for name, vars := range tests {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t)
			w.vars = vars
			made := w.fromEnvironment()
			golden(t, "environment-"+name+".yaml", made)
			equal(t, "check", w.run("check"), exitOK)
			// What is printed is a file that works.
			w.file("fairlead.yaml", made)
			equal(t, "check of what is printed", w.run("check"), exitOK)
		})
	}
}

func TestTheSampleFitsTheJSONSchema(t *testing.T) {
	w := newWorld(t)
	equal(t, "exit", w.run("schema"), exitOK)
	doc, err := jsonschema.UnmarshalJSON(strings.NewReader(w.out.String()))
	if err != nil {
		t.Fatal(err)
	}
	c := jsonschema.NewCompiler()
	if err := c.AddResource("s.json", doc); err != nil {
		t.Fatal(err)
	}
	s, err := c.Compile("s.json")
	if err != nil {
		t.Fatal(err)
	}
	valid := func(text string) error {
		data, err := yaml.YAMLToJSON([]byte(text))
		if err != nil {
			t.Fatal(err)
		}
		v, err := jsonschema.UnmarshalJSON(strings.NewReader(string(data)))
		if err != nil {
			t.Fatal(err)
		}
		return s.Validate(v)
	}
	sample := text(t, "sample.yaml")
	if err := valid(sample); err != nil {
		t.Errorf("the sample: %v", err)
	}
	for _, change := range []struct{ old, new string }{
		{"dialect: openai", "dialect: klingon"}, {"connect: 5s", "connect: 5"},
		{"class: normal", "class: urgent"}, {"retry: {attempts: 3}", "retry: {atempts: 3}"}, {"max_bytes: 256MiB", "max_bytes: lots"},
		{"images: refused", "images: maybe"}, {"budget: 0.2", "budget: 1.2"}, {"probes: 1", "probes: -1"}, {"proxy: off", "prox: off"},
		{"listen: 127", "lisen: 127"}, {"equal: false", "equal: perhaps"},
	} {
		if valid(strings.Replace(sample, change.old, change.new, 1)) == nil {
			t.Errorf("%s is accepted", change.new)
		}
	}
}
