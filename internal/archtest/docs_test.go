package archtest

import (
	"go/ast"
	"go/token"
	"slices"
	"strings"
)

const explain = "write a comment that says what it is for, its units, defaults and errors"

// docs finds packages, exported identifiers and fields of configuration that no
// comment explains.
func docs(t *tree) []fault {
	var faults []fault
	for _, files := range t.dirs() {
		if !slices.ContainsFunc(files, func(f *file) bool { return !f.test && f.syntax.Doc.Text() != "" }) {
			faults = append(faults, t.fault(files[0].syntax.Package, "docs",
				"open doc.go or its main file with the story of the package",
				"package %s has no package comment", files[0].dir))
		}
	}
	for _, f := range t.code() {
		if f.syntax.Name.Name == "main" {
			continue
		}
		for _, name := range unexplained(f) {
			faults = append(faults, t.fault(name.Pos(), "docs", explain, "%s has no comment", name.Name))
		}
	}
	return faults
}

// unexplained returns the exported names of a file that have no comment.
func unexplained(f *file) []*ast.Ident {
	var bare []*ast.Ident
	for fn := range f.funcs {
		if fn.Name.IsExported() && fn.Doc.Text() == "" && exportedReceiver(fn) {
			bare = append(bare, fn.Name)
		}
	}
	for _, d := range f.syntax.Decls {
		if gen, ok := d.(*ast.GenDecl); ok && gen.Tok != token.IMPORT {
			bare = append(bare, unexplainedSpecs(gen)...)
		}
	}
	return bare
}

// exportedReceiver reports whether fn is a function, or a method of an exported
// type.
func exportedReceiver(fn *ast.FuncDecl) bool {
	if fn.Recv == nil || len(fn.Recv.List) == 0 {
		return true
	}
	name := ""
	ast.Inspect(fn.Recv.List[0].Type, func(n ast.Node) bool {
		if id, ok := n.(*ast.Ident); ok && name == "" {
			name = id.Name
		}
		return true
	})
	return ast.IsExported(name)
}

// unexplainedSpecs looks at one declaration. The comment of a group of constants
// or variables explains all of them; each type needs its own.
func unexplainedSpecs(gen *ast.GenDecl) []*ast.Ident {
	var bare []*ast.Ident
	for _, s := range gen.Specs {
		switch s := s.(type) {
		case *ast.TypeSpec:
			alone := !gen.Lparen.IsValid() && gen.Doc.Text() != ""
			if s.Name.IsExported() && !alone && !commented(s.Doc, s.Comment) {
				bare = append(bare, s.Name)
			}
			bare = append(bare, unexplainedFields(s)...)
		case *ast.ValueSpec:
			if !commented(gen.Doc, s.Doc, s.Comment) {
				bare = append(bare, exported(s.Names)...)
			}
		}
	}
	return bare
}

// unexplainedFields looks at the fields of a type that configures something: one
// that is called Config or Policy, or ends so.
func unexplainedFields(s *ast.TypeSpec) []*ast.Ident {
	st, ok := s.Type.(*ast.StructType)
	configures := strings.HasSuffix(s.Name.Name, "Config") || strings.HasSuffix(s.Name.Name, "Policy")
	if !ok || !configures || !s.Name.IsExported() {
		return nil
	}
	var bare []*ast.Ident
	for _, field := range st.Fields.List {
		if !commented(field.Doc, field.Comment) {
			bare = append(bare, exported(field.Names)...)
		}
	}
	return bare
}

func exported(names []*ast.Ident) []*ast.Ident {
	return slices.DeleteFunc(slices.Clone(names), func(n *ast.Ident) bool { return !n.IsExported() })
}

func commented(groups ...*ast.CommentGroup) bool {
	return slices.ContainsFunc(groups, func(g *ast.CommentGroup) bool { return g.Text() != "" })
}
