package config_test

import (
	"strings"
	"testing"
)

func TestColonsWithoutSpaceInFlowLists(t *testing.T) {
	type in struct {
		text string
		want string
	}
	for _, c := range []in{
		{"rows: {r: {steps: []}, a: {target: p/m:x}}", "p/m:x"},
		{"listen: a\nlists: {a: [p/m:x, q/n:8, b]}", "p/m:x q/n:8 b"},
		{"lists:\n  a: [p/m:x, http://h:80/y]", "p/m:x http://h:80/y"},
		{"lists: {a: [p:x:0, z]}", "p:x:0 z"},
		{"lists: {a: [\"p:x\", 'q: y']}", "p:x q: y"},
	} {
		var into struct {
			Listen string              `yaml:"listen"`
			Lists  map[string][]string `yaml:"lists"`
			R      map[string]row      `yaml:"rows"`
		}
		if _, err := configLoad(c.text, &into); err != nil {
			t.Errorf("%s:\n%v", c.text, err)
			continue
		}
		got := strings.Join(into.Lists["a"], " ") + into.R["a"].Target
		check(t, c.text, got, c.want)
	}
}
