package archtest

import (
	"go/ast"
	"strings"
)

// ofTheProcess are functions that read or end the whole process.
var ofTheProcess = map[string][]string{
	"os":      {"Getenv", "LookupEnv", "Environ", "ExpandEnv", "Exit"},
	"syscall": {"Getenv", "Environ", "Exit"},
	"log":     {"Fatal", "Fatalf", "Fatalln"},
}

// process finds the environment and the end of the process outside cmd.
func process(t *tree) []fault {
	var faults []fault
	for _, f := range t.files {
		if f.test || strings.HasPrefix(f.dir, "cmd/") {
			continue
		}
		ast.Inspect(f.syntax, func(n ast.Node) bool {
			for pkg, names := range ofTheProcess {
				for _, name := range names {
					if f.uses(n, pkg, name) {
						faults = append(faults, t.fault(n.Pos(), "process",
							"take the value as a field or argument, return an error, and leave the rest to cmd",
							"%s.%s outside cmd", pkg, name))
					}
				}
			}
			return true
		})
	}
	return faults
}
