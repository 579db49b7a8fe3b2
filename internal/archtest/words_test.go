package archtest

import (
	"go/ast"
	"go/token"
	"path"
	"regexp"
	"slices"
	"strings"
	"unicode"
)

// oddNames are identifiers (dir.Name), files (dir/name.go) and directories that
// may use a word of the list below.
var oddNames = map[string]string{
	"fakellm.schemaNode": "a node of a JSON Schema",
}

// emptyWords say nothing about the part that they name. Their plurals do not
// either.
var emptyWords = []string{"manager", "service", "helper", "util", "common", "core", "base", "engine", "handler", "schema"}

const sayWhat = "name it for what it does (the words are in docs/architecture.md)"

// A named is one name of ours: an identifier, a file or a directory.
type named struct {
	name string
	full string // what an exception calls it
	pos  token.Pos
	decl ast.Node // nil for files and directories
	f    *file
}

// words finds names of ours that say nothing, and those that say what kind of
// thing they are instead of what it does.
func words(t *tree, odd *exceptions) []fault {
	var faults []fault
	for _, n := range names(t) {
		for _, w := range parts(n.name) {
			if empty(w) && !n.allowed(w) && !odd.allows(n.full) {
				faults = append(faults, t.fault(n.pos, "words", sayWhat, "%q in the name %s", w, n.full))
			}
		}
		if why := n.typeInName(); why != "" && !odd.allows(n.full) {
			faults = append(faults, t.fault(n.pos, "words", sayWhat, "%s in the name %s", why, n.full))
		}
	}
	return append(faults, odd.unused("words")...)
}

func names(t *tree) []named {
	var all []named
	for _, files := range t.dirs() {
		if dir := files[0].dir; dir != "." {
			all = append(all, named{path.Base(dir), dir, files[0].syntax.Package, nil, files[0]})
		}
	}
	for _, f := range t.files {
		name := strings.TrimSuffix(path.Base(f.name), ".go")
		all = append(all, named{name, f.name, f.syntax.Package, nil, f})
	}
	for _, f := range t.code() {
		for fn := range f.funcs {
			all = append(all, named{fn.Name.Name, f.dir + "." + fn.Name.Name, fn.Name.Pos(), signature(fn), f})
		}
		for _, s := range f.types {
			all = append(all, named{s.Name.Name, f.dir + "." + s.Name.Name, s.Name.Pos(), s, f})
		}
	}
	return all
}

// signature is a function without its body.
func signature(fn *ast.FuncDecl) ast.Node {
	return &ast.FuncDecl{Recv: fn.Recv, Name: fn.Name, Type: fn.Type}
}

// parts splits a name into its words, in lower case: JSONSchemaFor_v2 is json,
// schema, for, v2.
func parts(name string) []string {
	var words []string
	for _, s := range strings.FieldsFunc(name, func(r rune) bool { return r == '_' || r == '-' || r == '.' }) {
		r, start := []rune(s), 0
		for i := 1; i < len(r); i++ {
			rise := unicode.IsUpper(r[i]) && !unicode.IsUpper(r[i-1])
			last := unicode.IsUpper(r[i]) && i+1 < len(r) && unicode.IsLower(r[i+1])
			if rise || last {
				words = append(words, strings.ToLower(string(r[start:i])))
				start = i
			}
		}
		words = append(words, strings.ToLower(string(r[start:])))
	}
	return words
}

func empty(word string) bool {
	return slices.Contains(emptyWords, word) || slices.Contains(emptyWords, strings.TrimSuffix(word, "s"))
}

// allowed knows the uses of a word that do say something.
func (n named) allowed(word string) bool {
	switch strings.TrimSuffix(word, "s") {
	case "base": // of a wait, and of a URL
		return n.name == "Base" || strings.Contains(strings.ToLower(n.name), "baseurl")
	case "schema": // JSON Schema
		return strings.Contains(strings.ToLower(n.name), "jsonschema") || n.f.dir == "structured" ||
			n.f.dir == "cmd/fairlead" && strings.HasPrefix(path.Base(n.f.name), "schema")
	case "handler": // net/http's
		faces := []string{"gateway", "telemetry", "dash", "fakellm", "cmd/fairlead"}
		return slices.Contains(faces, n.f.dir) && strings.HasSuffix(n.name, "andler") && n.f.mentions(n.decl, "net/http")
	}
	return false
}

// mentions reports whether a declaration uses the package at importPath.
func (f *file) mentions(decl ast.Node, importPath string) bool {
	found := false
	if decl == nil {
		return false
	}
	ast.Inspect(decl, func(n ast.Node) bool {
		if sel, ok := n.(*ast.SelectorExpr); ok && f.uses(sel, importPath, sel.Sel.Name) {
			found = true
		}
		return !found
	})
	return found
}

var javaInterface = regexp.MustCompile(`^I[A-Z][a-z]`)

// typeInName finds IProvider and providerImpl.
func (n named) typeInName() string {
	if n.decl == nil {
		return ""
	}
	if strings.HasSuffix(n.name, "Impl") {
		return "the suffix Impl"
	}
	if s, ok := n.decl.(*ast.TypeSpec); ok {
		if _, ok := s.Type.(*ast.InterfaceType); ok && javaInterface.MatchString(n.name) {
			return "the prefix I of an interface"
		}
	}
	return ""
}
