package archtest

import (
	"go/ast"
	"go/token"
)

const (
	maxFile = 500 // lines of a file that is not a test
	maxFunc = 80  // lines of a function that is not a test
)

// longOnes are files (dir/name.go) and functions (dir/name.go:Func) that may be
// longer, such as lists of wire types and tables.
var longOnes = map[string]string{}

// sizes finds files and functions that are too long to read in one go.
func sizes(t *tree, long *exceptions) []fault {
	var faults []fault
	for _, f := range t.code() {
		n := t.fset.File(f.syntax.FileStart).LineCount()
		if n > maxFile && !long.allows(f.name) {
			faults = append(faults, t.fault(f.syntax.Package, "sizes",
				"split it by idea", "file of %d lines, more than %d", n, maxFile))
		}
		for fn := range f.funcs {
			if n := lines(t.fset, fn); n > maxFunc && !long.allows(f.name+":"+fn.Name.Name) {
				faults = append(faults, t.fault(fn.Pos(), "sizes",
					"give its steps names of their own", "%s has %d lines, more than %d", fn.Name.Name, n, maxFunc))
			}
		}
	}
	return append(faults, long.unused("sizes")...)
}

func lines(fset *token.FileSet, n ast.Node) int {
	return fset.Position(n.End()).Line - fset.Position(n.Pos()).Line + 1
}
