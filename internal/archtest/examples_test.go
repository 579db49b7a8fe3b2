package archtest

import (
	"go/ast"
	"slices"
	"strings"
)

// withoutExample are public packages that need no Example.
var withoutExample = map[string]string{
	"provider/providertest": "a suite is called from a test, which an Example is not",
}

// examples finds public packages without an Example and parsers without a fuzz
// target.
func examples(t *tree, without *exceptions) []fault {
	var faults []fault
	for _, files := range t.dirs() {
		dir := files[0].dir
		public := !strings.HasPrefix(dir, "internal/") && !strings.HasPrefix(dir, "cmd/")
		if public && !hasTest(files, "Example") && !without.allows(dir) {
			faults = append(faults, t.fault(files[0].syntax.Package, "examples",
				"add example_test.go with the story that a user would start from", "package %s has no Example", dir))
		}
		if hasTest(files, "Fuzz") {
			continue
		}
		for _, fn := range parsers(files) {
			faults = append(faults, t.fault(fn.Pos(), "examples",
				"add fuzz_test.go", "%s reads foreign input and its package has no fuzz target", fn.Name.Name))
		}
	}
	return append(faults, without.unused("examples")...)
}

// hasTest reports whether a test file has a function named kind or kindX.
func hasTest(files []*file, kind string) bool {
	for _, f := range files {
		for fn := range f.funcs {
			if f.test && fn.Recv == nil && strings.HasPrefix(fn.Name.Name, kind) {
				return true
			}
		}
	}
	return false
}

// parsers are the exported functions whose names say that they read.
func parsers(files []*file) []*ast.FuncDecl {
	var found []*ast.FuncDecl
	for _, f := range files {
		for fn := range f.funcs {
			reads := slices.ContainsFunc([]string{"Parse", "Unmarshal", "Scan"}, func(verb string) bool {
				return strings.HasPrefix(fn.Name.Name, verb)
			})
			if reads && !f.test && fn.Recv == nil {
				found = append(found, fn)
			}
		}
	}
	return found
}
