package config_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"fairlead.dev/config"
)

func configLoad(text string, into any) (*config.File, error) {
	return config.Load("f.yaml", []byte(text), getenv, readFile, into)
}

// Whatever a file holds, Load returns: with a struct, or with faults that each
// have a place in it. What came from outside is in none of them.
func FuzzLoad(f *testing.F) {
	seeds, _ := filepath.Glob("testdata/faults/*.yaml")
	for _, path := range seeds {
		if text, err := os.ReadFile(path); err == nil {
			f.Add(string(text))
		}
	}
	for _, text := range []string{"", "a", "}{", "? [a]\n: b", "rows: {a: [b:c]}", "- - -", "a: |\n  b", "\xff", "tags: {a: '${KEY}'}", "x: ${KEY}", "&a *a", "a: !!x y", "a:\n\t- b", "[a: b, c]: d"} {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		if len(text) > 2000 {
			return
		}
		var into sample
		file, err := configLoad(text, &into)
		if err == nil {
			for _, v := range file.Values(&into) {
				if v.Path == "" || v.Origin.Line < 0 || v.Origin.Line > strings.Count(text, "\n")+1 {
					t.Fatalf("a value without a place: %+v", v)
				}
			}
			return
		}
		faults, ok := config.AsFaults(err)
		if !ok || len(faults.List) == 0 {
			t.Fatalf("not a list of faults: %v", err)
		}
		for _, one := range faults.List {
			if one.Line < 1 || one.Column < 1 || one.Line > strings.Count(text, "\n")+1 || one.Message == "" {
				t.Fatalf("a fault without a place: %+v", one)
			}
		}
		if strings.Contains(err.Error(), "planted-canary-4711") && !strings.Contains(text, "planted") {
			t.Fatalf("a secret shows:\n%v", err)
		}
	})
}
