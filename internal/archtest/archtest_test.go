package archtest

import (
	"os"
	"testing"
)

// rules are all rules, with the exceptions of this house.
var rules = map[string]func(*tree) []fault{
	"floors":   func(t *tree) []fault { return floors(t, house) },
	"docs":     docs,
	"sizes":    func(t *tree) []fault { return sizes(t, except(longOnes)) },
	"words":    func(t *tree) []fault { return words(t, except(oddNames)) },
	"bubbles":  bubbles,
	"process":  process,
	"globals":  globals,
	"examples": func(t *tree) []fault { return examples(t, except(withoutExample)) },
}

// TestHouse holds the whole module to every rule.
func TestHouse(t *testing.T) {
	house, err := load(os.DirFS("../.."))
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range house.broken {
		t.Error(f)
	}
	for name, rule := range rules {
		t.Run(name, func(t *testing.T) {
			for _, f := range rule(house) {
				t.Error(f)
			}
		})
	}
}
