package config

import (
	"regexp"

	"github.com/goccy/go-yaml/ast"
	"github.com/goccy/go-yaml/token"
)

// scalar is one value as it was written, and with its references replaced.
type scalar struct {
	raw    string // as written, without quotes
	text   string
	kind   ast.NodeType
	quoted bool
	from   []string
	bare   bool // its source holds nothing but references
}

// justReferences matches what may be shown of a value that may be a secret.
var justReferences = regexp.MustCompile(`^(\$\{(file:[^}]*|[A-Za-z_][A-Za-z0-9_]*)\})+$`)

// scalarOf returns what a scalar node holds; ok is false for mappings, lists and
// nothing.
func scalarOf(n ast.Node) (s scalar, ok bool) {
	switch n := n.(type) {
	case *ast.StringNode:
		quoted := n.Token.Type == token.DoubleQuoteType || n.Token.Type == token.SingleQuoteType
		return scalar{raw: n.Value, text: n.Value, kind: ast.StringType, quoted: quoted}, true
	case *ast.LiteralNode:
		return scalar{raw: n.Value.Value, text: n.Value.Value, kind: ast.LiteralType}, true
	case *ast.IntegerNode, *ast.FloatNode, *ast.BoolNode, *ast.InfinityNode, *ast.NanNode:
		text := n.GetToken().Value
		return scalar{raw: text, text: text, kind: n.Type()}, true
	}
	return scalar{}, false
}

// scalar reads the scalar at path and replaces its references.
func (d *decoder) scalar(path string, n ast.Node) (scalar, bool) {
	s, ok := scalarOf(n)
	if !ok {
		d.wrong(path, n, "one value")
		return s, false
	}
	x, err := d.expand(s.raw)
	p := d.file.values[path]
	p.from = x.from
	d.file.values[path] = p
	if err != nil {
		d.mask(n)
		d.refuse(path, scalar{}, err.Error())
		return s, false
	}
	s.text, s.from, s.bare = x.text, x.from, x.bare
	return s, true
}

// kindOf names the form of a node.
func kindOf(n ast.Node) string {
	switch n.Type() {
	case ast.MappingType, ast.MappingValueType:
		return "keys and values"
	case ast.SequenceType:
		return "a list"
	case ast.IntegerType, ast.FloatType, ast.InfinityType, ast.NanType:
		return "a number"
	case ast.BoolType:
		return "true or false"
	case ast.StringType, ast.LiteralType:
		return "text"
	}
	return "something else"
}
