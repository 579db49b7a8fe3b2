package config_test

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"fairlead.dev/config"
)

// sample has one field of every form that a file can have.
type sample struct {
	Listen  string            `yaml:"listen" default:"127.0.0.1:8080" jsonschema_description:"where to listen"`
	Rows    map[string]row    `yaml:"rows"`
	Tags    map[string]string `yaml:"tags"`
	Keys    []config.Secret   `yaml:"keys"`
	Enabled bool              `yaml:"enabled"`
	Number  int               `yaml:"number"`
	Policy  `yaml:",inline"`
}

// Policy is embedded: its keys stand beside those of sample.
type Policy struct {
	Timeouts clocks       `yaml:"timeouts"`
	Budget   config.Ratio `yaml:"budget" default:"0.2"`
	Tries    config.Count `yaml:"tries"`
	Bytes    config.Size  `yaml:"bytes" default:"256MiB"`
}

type clocks struct {
	Connect config.Duration `yaml:"connect" default:"5s"`
	Idle    config.Duration `yaml:"idle" default:"2m"`
}

// row may be a text or keys and values.
type row struct {
	Target string `yaml:"target"`
	Equal  bool   `yaml:"equal"`
	Steps  []int  `yaml:"steps"`
}

func (r *row) UnmarshalText(text []byte) error {
	r.Target = string(text)
	return nil
}

func (sample) Reserved() map[string]string {
	return map[string]string{"quality": "quality does nothing yet\nremove the block"}
}

var environment = map[string]string{"KEY": "planted-canary-4711", "N": "7", "EMPTY": "", "SPAN": "3s"}

func getenv(name string) (string, bool) {
	v, ok := environment[name]
	return v, ok
}

func readFile(path string) ([]byte, error) {
	if path == "/run/key" {
		return []byte("file-canary-4712\r\n"), nil
	}
	return nil, os.ErrNotExist
}

func load(t *testing.T, text string) (sample, *config.File, error) {
	t.Helper()
	var into sample
	f, err := config.Load("f.yaml", []byte(text), getenv, readFile, &into)
	return into, f, err
}

func TestEveryFormIsRead(t *testing.T) {
	got, f, err := load(t, `# comment
listen: "127.0.0.1:1"
rows:
  "*": short/form
  gpt-4.1: {target: a/b, equal: true, steps: [1, 2]}
tags: {a: "${N}", b: '${KEY}', c: "$${KEY}", d: "$5 ${NONE:-x y}${EMPTY:-}", e: "${EMPTY:-full}"}
keys:
  - ${KEY}
  - ${file:/run/key}
enabled: true
number: ${N}
timeouts:
  connect: ${SPAN}
  idle: off
budget: 0.5
tries: off
bytes: 32MB
`)
	if err != nil {
		t.Fatal(err)
	}
	check(t, "listen", got.Listen, "127.0.0.1:1")
	check(t, "short form", got.Rows["*"].Target, "short/form")
	check(t, "long form", got.Rows["gpt-4.1"].Equal && len(got.Rows["gpt-4.1"].Steps) == 2, true)
	check(t, "tags a", got.Tags["a"], "7")
	check(t, "tags b", got.Tags["b"], "planted-canary-4711")
	check(t, "escape", got.Tags["c"], "${KEY}")
	check(t, "fallback", got.Tags["d"], "$5 x y")
	check(t, "empty is unset", got.Tags["e"], "full")
	check(t, "env secret", got.Keys[0].Reveal(), "planted-canary-4711")
	check(t, "file secret", got.Keys[1].Reveal(), "file-canary-4712")
	check(t, "bool", got.Enabled, true)
	check(t, "number", got.Number, 7)
	check(t, "connect", time.Duration(got.Timeouts.Connect), 3*time.Second)
	check(t, "idle", got.Timeouts.Idle.String(), "off")
	check(t, "budget", float64(got.Budget), 0.5)
	check(t, "tries", int(got.Tries), -1)
	check(t, "bytes", int64(got.Bytes), 32_000_000)
	check(t, "origin of file value", f.Origin("listen").String(), "f.yaml:2")
	check(t, "origin of variable", f.Origin("keys[0]").String(), "${KEY} at f.yaml:8")
	check(t, "origin of a file", f.Origin("keys[1]").String(), "${file:/run/key} at f.yaml:9")
	check(t, "origin of a key with a dot", f.Origin(config.Path("rows", "gpt-4.1", "steps", 1)).String(), "f.yaml:5")
	check(t, "origin of a default", f.Origin("nothing").String(), "default")
}

func check[T comparable](t *testing.T, what string, got, want T) {
	t.Helper()
	if got != want {
		t.Errorf("%s: got %v, want %v", what, got, want)
	}
}

// Each testdata/faults/*.yaml has its faults beside it, as a person reads them.
// Write them anew with UPDATE=1.
func TestAllFaultsAtOnce(t *testing.T) {
	files, _ := filepath.Glob("testdata/faults/*.yaml")
	if len(files) < 5 {
		t.Fatal("no test data")
	}
	for _, path := range files {
		t.Run(filepath.Base(path), func(t *testing.T) {
			text, err := os.ReadFile(path)
			if err != nil {
				t.Fatal(err)
			}
			_, _, err = load(t, string(text))
			if err == nil {
				t.Fatal("accepted")
			}
			golden(t, strings.TrimSuffix(path, ".yaml")+".txt", err.Error()+"\n")
			for _, canary := range []string{"planted-canary", "file-canary", "sk-ant"} {
				if strings.Contains(err.Error(), canary) {
					t.Errorf("a secret shows: %s", canary)
				}
			}
		})
	}
}

func golden(t *testing.T, path, got string) {
	t.Helper()
	if os.Getenv("UPDATE") != "" {
		if err := os.WriteFile(path, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if got != string(want) {
		t.Errorf("%s differs; got:\n%s\nwant:\n%s", path, got, want)
	}
}

func TestFaultsOfTheCaller(t *testing.T) {
	_, f, err := load(t, "listen: x\nrows:\n  a:\n    target: p/m\n    steps: [1, 2]\n  b.c: {}\n")
	if err != nil {
		t.Fatal(err)
	}
	f.Fault(config.Path("rows", "b.c", "target"), "is missing\nname one")
	f.Fault("rows.a.steps[1]", "step %d is too high", 2)
	f.Fault("rows.a", "is odd")
	f.Fault("nowhere.at.all", "is needed")
	faults, ok := config.AsFaults(f.Err())
	if !ok {
		t.Fatal(f.Err())
	}
	var got []string
	for _, one := range faults.List {
		got = append(got, strings.SplitN(one.String(), "\n", 2)[0])
	}
	want := []string{"f.yaml:1:1: is needed", "f.yaml:3:3: is odd", "f.yaml:5:16: step 2 is too high", "f.yaml:6:3: is missing"}
	check(t, "faults", strings.Join(got, "\n"), strings.Join(want, "\n"))
	check(t, "remedy", faults.List[3].Remedy, "name one")
}

// A second fault about one mistake only hides the others.
func TestOneFaultForOneMistake(t *testing.T) {
	_, f, err := load(t, "rows:\n  a:\n    targt: p/m\n    equal: 7\n")
	if err == nil || f == nil {
		t.Fatal(f, err)
	}
	f.Fault("rows.a.target", "is missing")
	f.Fault("rows.a.equal", "must not be true")
	f.Fault("rows", "has rows that are wrong")
	faults, _ := config.AsFaults(f.Err())
	check(t, "faults", len(faults.List), 2)
}

func TestBounds(t *testing.T) {
	says := map[string]string{
		"size": "larger than", "tokens": "too many", "flow depth": "too deep", "block depth": "too deep", "invalid UTF-8": "no text",
		"control": "no text", "alias": "anchors", "merge": "merge keys", "tag": "tags", "two documents": "one document", "directive": "directives",
	}
	tests := map[string]string{
		"size":            strings.Repeat("#", 1<<20+1),
		"tokens":          "tags: [" + strings.Repeat("a, ", 20_000) + "]",
		"flow depth":      "tags: " + strings.Repeat("[", 40) + strings.Repeat("]", 40),
		"block depth":     strings.Repeat("- ", 40) + "a",
		"invalid UTF-8":   "tags: \xff\xfe",
		"control":         "listen: \"a\x00b\"",
		"alias":           "tags: &a {x: y}\nrows: *a",
		"merge":           "tags: {x: y}\n<<: {a: b}",
		"tag":             "listen: !!str 5",
		"two documents":   "listen: a\n---\nlisten: b",
		"directive":       "%YAML 1.2\n---\nlisten: a",
		"a list":          "- a\n- b",
		"one word":        "hello",
		"key is a list":   "? [a]\n: b",
		"not even nearly": "}{",
	}
	for name, text := range tests {
		t.Run(name, func(t *testing.T) {
			_, _, err := load(t, text)
			faults, ok := config.AsFaults(err)
			if !ok || len(faults.List) == 0 || faults.List[0].Line < 1 {
				t.Fatalf("got %v", err)
			}
			if !strings.Contains(faults.List[0].Message, says[name]) {
				t.Errorf("got %v", err)
			}
		})
	}
}

// A check of the caller's may quote a value: what a reference brought in reads
// as the reference.
func TestFaultsOfTheCallerHideReferences(t *testing.T) {
	got, f, err := load(t, "listen: ${KEY}\nrows: {planted-canary-4711: a/b}\n")
	if err != nil {
		t.Fatal(err)
	}
	f.Fault("listen", "%q is no address", got.Listen)
	faults, _ := config.AsFaults(f.Err())
	check(t, "message", faults.List[0].Message, `"${KEY}" is no address (the value comes from ${KEY})`)
}

func TestNothingIsAllowed(t *testing.T) {
	for _, text := range []string{"", "\n\n", "# only a comment\n", "---\n", "listen:\nrows:\nkeys:\n", "\ufefflisten: a\r\nnumber: 5\r\n"} {
		if _, f, err := load(t, text); err != nil || f == nil {
			t.Errorf("%q: %v", text, err)
		}
	}
}

func TestFaultsAreErrors(t *testing.T) {
	_, _, err := load(t, "listen: [")
	var faults *config.Faults
	if !errors.As(err, &faults) {
		t.Fatal(err)
	}
	if _, ok := config.AsFaults(errors.New("other")); ok {
		t.Error("any error is taken for faults")
	}
}
