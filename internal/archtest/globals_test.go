package archtest

import (
	"go/ast"
	"go/token"
)

// heldByOwner are types and functions whose values wait, wake or write, and so
// belong to whoever can close them. A channel or timer made in one synctest bubble
// must not meet another bubble.
var heldByOwner = map[string][]string{
	"sync":     {"Pool"},
	"time":     {"Timer", "Ticker", "NewTimer", "NewTicker", "After", "AfterFunc", "Tick"},
	"log":      {"Logger", "New", "Default"},
	"log/slog": {"Logger", "New", "Default", "With"},
}

// globals finds channels, pools, timers and loggers at package level.
func globals(t *tree) []fault {
	var faults []fault
	for _, f := range t.files {
		if f.test {
			continue
		}
		for _, d := range f.syntax.Decls {
			if gen, ok := d.(*ast.GenDecl); ok && gen.Tok == token.VAR {
				faults = append(faults, heldGlobally(t, f, gen)...)
			}
		}
	}
	return faults
}

func heldGlobally(t *tree, f *file, gen *ast.GenDecl) []fault {
	var faults []fault
	ast.Inspect(gen, func(n ast.Node) bool {
		what := ""
		switch n := n.(type) {
		case *ast.FuncLit, *ast.FuncType:
			return false // what a function makes or takes is not held
		case *ast.ChanType:
			what = "a channel"
		case *ast.SelectorExpr:
			for pkg, names := range heldByOwner {
				for _, name := range names {
					if f.uses(n, pkg, name) {
						what = pkg + "." + name
					}
				}
			}
		}
		if what != "" {
			faults = append(faults, t.fault(n.Pos(), "globals",
				"make it a field of the value that owns and closes it", "%s at package level", what))
		}
		return true
	})
	return faults
}
