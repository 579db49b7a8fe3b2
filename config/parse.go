package config

import (
	"bytes"
	"errors"
	"strings"
	"unicode/utf8"

	"github.com/goccy/go-yaml/ast"
	"github.com/goccy/go-yaml/lexer"
	"github.com/goccy/go-yaml/parser"
	"github.com/goccy/go-yaml/token"
)

// parse makes a tree of the file's text, or notes why it cannot. An empty file
// has no tree and no fault.
func (f *File) parse(data []byte) ast.Node {
	text, ok := f.text(data)
	if !ok {
		return nil
	}
	defer func() { // the parser is a guest: whatever it meets, we answer with a fault
		if recover() != nil {
			f.faults = append(f.faults[:0], Fault{File: f.name, Line: 1, Column: 1, Message: "this is no YAML that can be read"})
		}
	}()
	tokens := mend(lexer.Tokenize(text))
	f.scan(tokens)
	if len(f.faults) > 0 {
		return nil
	}
	tree, err := parser.Parse(tokens, 0, parser.AllowDuplicateMapKey())
	if err != nil {
		f.syntax(err)
		return nil
	}
	for _, doc := range tree.Docs {
		if doc.Body != nil {
			return doc.Body
		}
	}
	return nil
}

// text checks what the lexer lets through: it takes any bytes and any amount of
// them, though 20,000 keys took the parser 33 s.
func (f *File) text(data []byte) (string, bool) {
	if len(data) > maxBytes {
		f.add(place{line: 1, column: 1}, Fault{Message: "the file is larger than 1 MiB"})
		return "", false
	}
	data = bytes.ReplaceAll(bytes.TrimPrefix(data, []byte("\ufeff")), []byte("\r\n"), []byte("\n"))
	f.lines = strings.Split(string(data), "\n")
	for i, line := range f.lines {
		column := 1
		for _, r := range line {
			if r == utf8.RuneError || r < ' ' && r != '\t' || r == 0x7f || r == '\ufeff' {
				f.add(place{line: i + 1, column: column}, Fault{Message: "a character that is no text", Remedy: "the file must be UTF-8 without control characters"})
				return "", false
			}
			column++
		}
	}
	return string(data), true
}

// refused are the parts of YAML that a configuration does without.
var refused = map[token.Type]string{
	token.AnchorType:      "anchors are not supported: write the value out where it is needed",
	token.AliasType:       "aliases are not supported: write the value out (a name that begins with * needs quotes)",
	token.MergeKeyType:    "merge keys are not supported: write the values out",
	token.TagType:         "tags are not supported",
	token.DirectiveType:   "directives are not supported",
	token.MappingKeyType:  `keys are written "key: value", without "?"`,
	token.DocumentEndType: "a file is one document",
	token.InvalidType:     "this is no valid YAML",
}

// scan bounds what the parser will do: number of tokens, nesting, features.
func (f *File) scan(tokens token.Tokens) {
	flow, dashes, line, content := 0, 0, 0, false
	for _, t := range tokens {
		fault := func(message string) {
			f.add(at(t), Fault{Message: message})
		}
		if t.Position.Line != line {
			dashes, line = 0, t.Position.Line
		}
		switch t.Type {
		case token.MappingStartType, token.SequenceStartType:
			flow++
		case token.MappingEndType, token.SequenceEndType:
			flow--
		case token.SequenceEntryType:
			dashes++
		case token.DocumentHeaderType:
			if content {
				fault("a file is one document")
			}
		case token.InvalidType:
			message := refused[t.Type]
			if t.Error != "" {
				message = t.Error
			}
			fault(message)
		default:
			if why := refused[t.Type]; why != "" {
				fault(why)
			}
		}
		content = content || t.Type != token.CommentType
		if flow > maxFlow || dashes > maxDashes {
			fault("nested too deep")
			return
		}
	}
	if len(tokens) > maxTokens {
		f.add(place{line: 1, column: 1}, Fault{Message: "the file has too many values"})
	}
}

// at is the place of a token.
func at(t *token.Token) place {
	if t == nil || t.Position == nil {
		return place{line: 1, column: 1}
	}
	return place{line: max(t.Position.Line, 1), column: max(t.Position.Column, 1)}
}

// syntax notes what the parser refused.
func (f *File) syntax(err error) {
	var placed interface {
		error
		GetMessage() string
		GetToken() *token.Token
	}
	if !errors.As(err, &placed) {
		f.add(place{line: 1, column: 1}, Fault{Message: "this is no YAML that can be read"})
		return
	}
	p, remedy := at(placed.GetToken()), "this is no valid YAML: look at indentation, brackets and quotes"
	if p.line <= len(f.lines) && strings.Contains(f.lines[p.line-1], "${") {
		remedy = "a reference inside [ ] or { } needs quotes: \"${VAR}\""
	}
	f.add(p, Fault{Message: placed.GetMessage(), Remedy: remedy})
}
