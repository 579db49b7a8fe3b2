package archtest

import (
	"cmp"
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"path"
	"slices"
	"strconv"
	"strings"
)

// A tree is every Go file of one module, parsed.
type tree struct {
	module string // the module's path
	fset   *token.FileSet
	files  []*file // by name
	broken []fault // files that do not parse
}

// A file is one Go file.
type file struct {
	name   string // slash separated, from the root of the module
	dir    string // "." for the root
	test   bool   // its name ends in _test.go
	syntax *ast.File
}

// A fault is one place that breaks a rule.
type fault struct {
	pos    token.Position
	rule   string
	text   string
	remedy string
}

func (f fault) String() string {
	return fmt.Sprintf("%s:%d: %s: %s; %s", f.pos.Filename, max(f.pos.Line, 1), f.rule, f.text, f.remedy)
}

// load parses the module at the root of fsys. Directories that are modules of
// their own, hidden or testdata are not part of it.
func load(fsys fs.FS) (*tree, error) {
	mod, err := fs.ReadFile(fsys, "go.mod")
	if err != nil {
		return nil, err
	}
	first, _, _ := strings.Cut(string(mod), "\n")
	t := &tree{module: strings.TrimSpace(strings.TrimPrefix(first, "module")), fset: token.NewFileSet()}
	err = fs.WalkDir(fsys, ".", func(name string, d fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case d.IsDir() && foreign(fsys, name):
			return fs.SkipDir
		case d.IsDir() || path.Ext(name) != ".go":
			return nil
		}
		return t.parse(fsys, name)
	})
	return t, err
}

// foreign reports whether a directory is not part of the module's own code.
func foreign(fsys fs.FS, name string) bool {
	if name == "." {
		return false
	}
	switch base := path.Base(name); {
	case strings.HasPrefix(base, "."), strings.HasPrefix(base, "_"), base == "testdata", base == "node_modules":
		return true
	case name == "e2e", name == "tools", name == "bench":
		return true
	}
	_, err := fs.Stat(fsys, path.Join(name, "go.mod"))
	return err == nil
}

func (t *tree) parse(fsys fs.FS, name string) error {
	src, err := fs.ReadFile(fsys, name)
	if err != nil {
		return err
	}
	syntax, err := parser.ParseFile(t.fset, name, src, parser.ParseComments|parser.SkipObjectResolution)
	if err != nil {
		t.broken = append(t.broken, fault{token.Position{Filename: name}, "syntax", err.Error(), "make it parse"})
		return nil
	}
	t.files = append(t.files, &file{name: name, dir: path.Dir(name),
		test: strings.HasSuffix(name, "_test.go"), syntax: syntax})
	return nil
}

// fault makes a fault of rule at pos.
func (t *tree) fault(pos token.Pos, rule, remedy, format string, args ...any) fault {
	return fault{t.fset.Position(pos), rule, fmt.Sprintf(format, args...), remedy}
}

// dirs returns the files of each package directory, in order, and leaves out
// directories that hold only tests.
func (t *tree) dirs() [][]*file {
	byDir := make(map[string][]*file)
	for _, f := range t.files {
		byDir[f.dir] = append(byDir[f.dir], f)
	}
	var all [][]*file
	for _, files := range byDir {
		if slices.ContainsFunc(files, func(f *file) bool { return !f.test }) {
			all = append(all, files)
		}
	}
	slices.SortFunc(all, func(a, b []*file) int { return cmp.Compare(a[0].dir, b[0].dir) })
	return all
}

// code returns the files that are neither tests nor generated.
func (t *tree) code() []*file {
	return slices.DeleteFunc(slices.Clone(t.files), func(f *file) bool {
		return f.test || ast.IsGenerated(f.syntax)
	})
}

// importName returns what a file calls the package at importPath, or "".
func (f *file) importName(importPath string) string {
	for _, spec := range f.syntax.Imports {
		if p, _ := strconv.Unquote(spec.Path.Value); p != importPath {
			continue
		}
		if spec.Name != nil {
			return spec.Name.Name
		}
		return path.Base(importPath)
	}
	return ""
}

// uses reports whether n is importPath's name, written pkg.name in this file.
func (f *file) uses(n ast.Node, importPath, name string) bool {
	sel, ok := n.(*ast.SelectorExpr)
	if !ok || sel.Sel.Name != name {
		return false
	}
	x, ok := sel.X.(*ast.Ident)
	return ok && x.Name == f.importName(importPath)
}

// funcs calls yield for each function and method of the file.
func (f *file) funcs(yield func(*ast.FuncDecl) bool) {
	for _, d := range f.syntax.Decls {
		if fn, ok := d.(*ast.FuncDecl); ok && !yield(fn) {
			return
		}
	}
}

// types calls yield for each type that the file declares at its top level.
func (f *file) types(yield func(*ast.GenDecl, *ast.TypeSpec) bool) {
	for _, d := range f.syntax.Decls {
		gen, ok := d.(*ast.GenDecl)
		if !ok || gen.Tok != token.TYPE {
			continue
		}
		for _, s := range gen.Specs {
			if !yield(gen, s.(*ast.TypeSpec)) {
				return
			}
		}
	}
}

// exceptions are names that a rule lets pass, each with its reason. A rule asks
// allows where it would report a fault; unused then finds what nobody asked for.
type exceptions struct {
	reasons map[string]string
	asked   map[string]bool
}

func except(reasons map[string]string) *exceptions {
	return &exceptions{reasons: reasons, asked: make(map[string]bool)}
}

func (e *exceptions) allows(name string) bool {
	e.asked[name] = true
	return e.reasons[name] != ""
}

// unused returns a fault for each exception that is not needed any more.
func (e *exceptions) unused(rule string) []fault {
	var faults []fault
	for name := range e.reasons {
		if !e.asked[name] {
			faults = append(faults, fault{token.Position{Filename: "internal/archtest/" + rule + "_test.go"},
				rule, "the exception for " + name + " is not needed", "remove it from the table"})
		}
	}
	return faults
}
