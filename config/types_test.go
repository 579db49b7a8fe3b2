package config_test

import (
	"encoding"
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"fairlead.dev/config"
)

// Each type reads its text, writes it back, and refuses what is close to it.
func TestTypes(t *testing.T) {
	type value interface {
		encoding.TextUnmarshaler
		fmt.Stringer
	}
	tests := []struct {
		make      func() value
		good, bad []string // good: "text=what String gives"
	}{
		{func() value { return new(config.Duration) }, []string{"off=off", "0=0s", "90s=1m30s", "2m=2m", "1h=1h", "1h5m=1h5m", "500ms=500ms"}, []string{"", "-1s", "5", "five", "1d", "Off"}},
		{func() value { return new(config.Size) }, []string{"off=off", "0=0", "1024=1KiB", "256MiB=256MiB", "32MB=31250KiB", "1.5KiB=1536", "7=7", "2GiB=2GiB", "3 MiB=3MiB", "12B=12"}, []string{"", "-1", "1e3", "0x10", "MiB", "12 parsecs", "99999999999GiB", "NaN", "Inf"}},
		{func() value { return new(config.Count) }, []string{"off=off", "0=0", "7=7"}, []string{"", "-1", "1.5", "x", "99999999999"}},
		{func() value { return new(config.Ratio) }, []string{"off=off", "0=0", "0.25=0.25", "1=1"}, []string{"", "-0.1", "1.1", "NaN", "50%"}},
		{func() value { return new(config.Secret) }, []string{"s3cret=(set)"}, []string{"", "a\nb", " a", "a\x00"}},
	}
	for _, test := range tests {
		for _, good := range test.good {
			text, want, _ := strings.Cut(good, "=")
			v := test.make()
			if err := v.UnmarshalText([]byte(text)); err != nil || v.String() != want {
				t.Errorf("%T %q: got %q, %v, want %q", v, text, v, err, want)
			}
		}
		for _, bad := range test.bad {
			v := test.make()
			if err := v.UnmarshalText([]byte(bad)); err == nil {
				t.Errorf("%T took %q as %v", v, bad, v)
			} else if bad != "" && len(bad) > 3 && strings.Contains(err.Error(), bad) {
				t.Errorf("%T repeats what may be a secret: %v", v, err)
			}
		}
	}
}

func TestSecretsAreNeverFormatted(t *testing.T) {
	s := config.Secret("planted-canary")
	encoded, err := json.Marshal(map[string]any{"a": s, "b": []config.Secret{s}})
	if err != nil {
		t.Fatal(err)
	}
	all := fmt.Sprintf("%s %v %+v %#v %q", s, s, struct{ S config.Secret }{s}, s, s) + string(encoded)
	if strings.Contains(all, "canary") {
		t.Errorf("a secret shows: %s", all)
	}
	check(t, "revealed", s.Reveal(), "planted-canary")
	check(t, "empty", config.Secret("").String(), "(not set)")
}

func TestRedact(t *testing.T) {
	for in, want := range map[string]string{
		"key sk-ant-api03-xyz here":      "key **************** here",
		"https://user:pw@host/x":         "https://*******@host/x",
		"task-list and https://h/a@b":    "task-list and https://h/a@b",
		"a\x1b[31mb\r\nc":                "a [31mb  c",
		"plain text stays as it was (é)": "plain text stays as it was (é)",
	} {
		check(t, in, config.Redact(in), want)
	}
}

func TestNearest(t *testing.T) {
	known := []string{"listen", "timeouts", "api_keys", "retry"}
	for word, want := range map[string]string{"listne": "listen", "Listen": "listen", "timeout": "timeouts", "apikeys": "api_keys", "rtery": "retry", "zzz": "", "x": ""} {
		check(t, word, config.Nearest(word, known), want)
	}
}

func TestPath(t *testing.T) {
	check(t, "path", config.Path("models", "gpt-4.1", "chain", 1), `models["gpt-4.1"].chain[1]`)
	check(t, "star", config.Path("models", "*", "chain"), `models["*"].chain`)
	check(t, "quotes", config.Path("a", `x["y"]`), `a["x[\"y\"]"]`)
}

func TestKeysInTheOrderOfTheFile(t *testing.T) {
	var into sample
	f, err := configLoad("rows: {z: {}, \"b.c\": {}, a: {}}\nlisten: x\n", &into)
	if err != nil {
		t.Fatal(err)
	}
	check(t, "rows", strings.Join(f.Keys("rows"), " "), "z b.c a")
	check(t, "top", strings.Join(f.Keys(""), " "), "rows listen")
	f.Override("listen", "--listen")
	check(t, "overridden", f.Origin("listen").String(), "--listen")
}

// That a validator takes and refuses the right files is tested where the file's
// struct is, in cmd/fairlead.
func TestJSONSchemaOfAFile(t *testing.T) {
	text, err := config.JSONSchema(&sample{}, "https://x.test/s.json", "sample")
	if err != nil {
		t.Fatal(err)
	}
	var got struct {
		ID                   string `json:"$id"`
		Title                string
		AdditionalProperties *bool
		Properties           map[string]struct{ Description string }
	}
	if err := json.Unmarshal(text, &got); err != nil {
		t.Fatal(err)
	}
	check(t, "id", got.ID, "https://x.test/s.json")
	check(t, "title", got.Title, "sample")
	check(t, "strict", got.AdditionalProperties != nil && !*got.AdditionalProperties, true)
	check(t, "described", got.Properties["listen"].Description, "where to listen")
	for _, key := range []string{"rows", "tags", "keys", "enabled", "number", "timeouts", "budget", "tries", "bytes"} {
		if _, ok := got.Properties[key]; !ok {
			t.Errorf("%s is missing", key)
		}
	}
	check(t, "number of keys", len(got.Properties), 10)
}
