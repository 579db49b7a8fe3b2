package archtest

import (
	"go/ast"
	"regexp"
)

// bubbles finds sleeps in real time. A test may sleep inside a function literal
// that it gives to synctest.Test or to a function of its package that calls it,
// and in a function whose comment says "in bubble". Other code waits with a timer
// and its context.
func bubbles(t *tree) []fault {
	makers := bubbleMakers(t)
	var faults []fault
	for _, f := range t.files {
		if f.importName("time") == "" {
			continue
		}
		for _, d := range f.syntax.Decls {
			if fn, ok := d.(*ast.FuncDecl); ok && f.test && saysInBubble.MatchString(fn.Doc.Text()) {
				continue
			}
			faults = append(faults, realSleeps(t, f, d, makers[f.dir])...)
		}
	}
	return faults
}

var saysInBubble = regexp.MustCompile(`\bin\s+(a\s+)?bubbles?\b`)

// bubbleMakers returns, for each directory, the functions of its tests that call
// synctest.Test, themselves or through another one of them.
func bubbleMakers(t *tree) map[string]map[string]bool {
	makers := make(map[string]map[string]bool)
	for found := true; found; {
		found = false
		for _, f := range t.files {
			for fn := range f.funcs {
				if !f.test || makers[f.dir][fn.Name.Name] || !callsMaker(f, fn, makers[f.dir]) {
					continue
				}
				if makers[f.dir] == nil {
					makers[f.dir] = make(map[string]bool)
				}
				makers[f.dir][fn.Name.Name], found = true, true
			}
		}
	}
	return makers
}

func callsMaker(f *file, fn *ast.FuncDecl, makers map[string]bool) bool {
	calls := false
	ast.Inspect(fn, func(n ast.Node) bool {
		if call, ok := n.(*ast.CallExpr); ok && makesBubble(f, call, makers) {
			calls = true
		}
		return !calls
	})
	return calls
}

func realSleeps(t *tree, f *file, root ast.Node, makers map[string]bool) []fault {
	var faults []fault
	ast.Inspect(root, func(n ast.Node) bool {
		if call, ok := n.(*ast.CallExpr); ok && f.test && makesBubble(f, call, makers) {
			return false
		}
		if !f.uses(n, "time", "Sleep") {
			return true
		}
		remedy := "wait in a select with a timer and ctx.Done()"
		if f.test {
			remedy = `move it into synctest.Test, or say "in bubble" in the comment of a function that only bubbles call`
		}
		faults = append(faults, t.fault(n.Pos(), "bubbles", remedy, "time.Sleep in real time"))
		return true
	})
	return faults
}

func makesBubble(f *file, call *ast.CallExpr, makers map[string]bool) bool {
	switch fun := call.Fun.(type) {
	case *ast.Ident:
		return makers[fun.Name]
	case *ast.SelectorExpr:
		return makers[fun.Sel.Name] || f.uses(fun, "testing/synctest", "Test")
	}
	return false
}
