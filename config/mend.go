package config

import (
	"unicode/utf8"

	"github.com/goccy/go-yaml/token"
)

// mend joins again what the lexer takes apart: in a list inside of { }, it reads
// the colon of p/model:tag as that of a key, though YAML wants a space after
// that one (goccy/go-yaml v1.19.2, scanMapDelim).
func mend(tokens token.Tokens) token.Tokens {
	var out token.Tokens
	var open []token.Type
	for i := 0; i < len(tokens); i++ {
		t := tokens[i]
		switch t.Type {
		case token.MappingStartType, token.SequenceStartType:
			open = append(open, t.Type)
		case token.MappingEndType, token.SequenceEndType:
			open = open[:max(len(open)-1, 0)]
		}
		inList := len(open) > 0 && open[len(open)-1] == token.SequenceStartType
		if inList && i+2 < len(tokens) && touching(t, tokens[i+1], tokens[i+2]) {
			t = token.New(t.Value+":"+tokens[i+2].Value, t.Value+":"+tokens[i+2].Origin, t.Position)
			i += 2
		}
		out.Add(t)
	}
	return out
}

// touching reports whether key, colon and value are plain words without a space
// between them.
func touching(key, colon, value *token.Token) bool {
	if key.Type != token.StringType || colon.Type != token.MappingValueType || key.Position.Line != value.Position.Line {
		return false
	}
	switch value.Type {
	case token.StringType, token.IntegerType, token.FloatType, token.BoolType:
		end := key.Position.Column + utf8.RuneCountInString(key.Value)
		return colon.Position.Column == end && value.Position.Column == end+1
	}
	return false
}
