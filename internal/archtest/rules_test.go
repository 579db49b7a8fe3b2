package archtest

import (
	"fmt"
	"go/token"
	"slices"
	"strings"
	"testing"
	"testing/fstest"
)

// TestRules shows that each rule can fail, and where it must not.
func TestRules(t *testing.T) {
	for _, tt := range breaches {
		t.Run(tt.rule+"/"+tt.name, func(t *testing.T) {
			house := sources(t, tt.files)
			got := slices.DeleteFunc(rules[tt.rule](house), func(f fault) bool {
				return strings.HasPrefix(f.text, "the exception for ") // of the house, not of this module
			})
			for _, want := range tt.want {
				at, text, _ := strings.Cut(want, ": ")
				i := slices.IndexFunc(got, func(f fault) bool {
					return strings.HasPrefix(f.String(), at+": "+tt.rule+": ") && strings.Contains(f.String(), text)
				})
				if i < 0 {
					t.Errorf("not found: %s", want)
					continue
				}
				got = slices.Delete(got, i, i+1)
			}
			for _, f := range got {
				t.Errorf("not a fault: %v", f)
			}
		})
	}
	for name := range rules {
		if !slices.ContainsFunc(breaches, func(b breach) bool { return b.rule == name && len(b.want) > 0 }) {
			t.Errorf("no source breaks rule %s", name)
		}
	}
}

// sources makes a tree of a text.
func sources(t *testing.T, text string) *tree {
	t.Helper()
	fsys := fstest.MapFS{"go.mod": {Data: []byte("module test.dev\n")}}
	for _, s := range strings.Split(text, "\n-- ")[1:] {
		name, body, _ := strings.Cut(s, " --\n")
		fsys[name] = &fstest.MapFile{Data: []byte(body)}
	}
	house, err := load(fsys)
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range house.broken {
		t.Fatal(f)
	}
	return house
}

func TestFileThatDoesNotParse(t *testing.T) {
	house, err := load(fstest.MapFS{
		"go.mod": {Data: []byte("module test.dev\n")},
		"a/a.go": {Data: []byte("package a\nfunc {")},
	})
	if err != nil || len(house.broken) != 1 || !strings.Contains(house.broken[0].String(), "a/a.go:2") {
		t.Errorf("load = %v, %v; want one fault at a/a.go:2", house.broken, err)
	}
}

func TestExceptionIsUsedOrAFault(t *testing.T) {
	long := "\n-- a/a.go --\npackage a\nfunc F() {" + strings.Repeat("\n", 80) + "}\n"
	checks := map[string]func(*tree, *exceptions) []fault{"sizes": sizes, "words": words, "examples": examples}
	breaks := map[string]struct{ files, name string }{
		"sizes":    {long, "a/a.go:F"},
		"words":    {"\n-- a/a.go --\npackage a\ntype Manager struct{}\n", "a.Manager"},
		"examples": {"\n-- a/a.go --\npackage a\n", "a"},
	}
	for rule, check := range checks {
		b := breaks[rule]
		house := sources(t, b.files)
		if got := check(house, except(map[string]string{b.name: "a reason"})); len(got) != 0 {
			t.Errorf("%s: the exception does not help: %v", rule, got)
		}
		if got := check(house, except(map[string]string{b.name: ""})); len(got) == 0 {
			t.Errorf("%s: an exception without a reason helps", rule)
		}
		got := check(house, except(map[string]string{b.name: "a reason", "gone": "a reason"}))
		if len(got) != 1 || !strings.Contains(got[0].text, "gone") {
			t.Errorf("%s: faults %v, want one for the exception that is not needed", rule, got)
		}
	}
}

func TestEveryPartHasAReason(t *testing.T) {
	for _, p := range house {
		if p.why == "" {
			t.Errorf("%s has no reason", p.dir)
		}
	}
}

func TestMessageSaysWhereWhatAndWhatToDo(t *testing.T) {
	f := fault{token.Position{Filename: "a/a.go", Line: 3}, "sizes", "too long", "split it"}
	if got, want := fmt.Sprint(f), "a/a.go:3: sizes: too long; split it"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
}
