package config

import (
	"encoding"
	"fmt"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/goccy/go-yaml/ast"
	"github.com/goccy/go-yaml/token"
)

// decoder walks the tree and the struct side by side.
type decoder struct {
	file     *File
	env      func(string) (string, bool)
	readFile func(string) ([]byte, error)
}

// value reads node n, which stands at path, into v. Nothing (null) is absence.
func (d *decoder) value(path string, n ast.Node, v reflect.Value) {
	d.file.values[path] = placeOf(n)
	if n.Type() == ast.NullType {
		return
	}
	text, isText := v.Addr().Interface().(encoding.TextUnmarshaler)
	_, isScalar := scalarOf(n)
	switch {
	case isText && (isScalar || v.Kind() != reflect.Struct):
		d.unmarshal(path, n, text)
	case v.Kind() == reflect.Struct:
		d.object(path, n, v)
	case v.Kind() == reflect.Map:
		d.dictionary(path, n, v)
	case v.Kind() == reflect.Slice:
		d.list(path, n, v)
	default:
		d.plain(path, n, v)
	}
}

// placeOf is where a node begins. Only scalars have a width.
func placeOf(n ast.Node) place {
	p := at(n.GetToken())
	if m, ok := n.(ast.MapNode); ok && n.GetToken().Type != token.MappingStartType {
		if it := m.MapRange(); it.Next() { // the token is the first colon
			p = at(it.Key().GetToken())
		}
	}
	if s, ok := scalarOf(n); ok {
		line, _, _ := strings.Cut(s.text, "\n")
		p.width = utf8.RuneCountInString(line)
		if s.quoted {
			p.width += 2
		}
		p.width = max(1, p.width)
	}
	return p
}

// wrong notes that a node has the wrong form.
func (d *decoder) wrong(path string, n ast.Node, want string) {
	d.mask(n)
	d.file.add(d.file.find(path), Fault{Path: path, Message: fmt.Sprintf("want %s, have %s", want, kindOf(n))})
}

// mask keeps the scalars in n out of what is shown: what stands at the wrong
// place may be a secret.
func (d *decoder) mask(n ast.Node) {
	switch n := n.(type) {
	case ast.MapNode:
		for it := n.MapRange(); it.Next(); {
			d.mask(it.Value())
		}
	case ast.ArrayNode:
		for it := n.ArrayRange(); it.Next(); {
			d.mask(it.Value())
		}
	default:
		if s, ok := scalarOf(n); ok && !justReferences.MatchString(s.text) {
			d.maskText(n, s.text)
		}
	}
}

func (d *decoder) maskText(n ast.Node, text string) {
	from := at(n.GetToken()).line
	for line := range strings.SplitSeq(text, "\n") {
		if line = strings.TrimSpace(line); len(line) > 2 {
			d.file.masked = append(d.file.masked, masked{line, from, from + 1 + strings.Count(text, "\n")})
		}
	}
}

// object reads a mapping into a struct.
func (d *decoder) object(path string, n ast.Node, v reflect.Value) {
	m, ok := n.(ast.MapNode)
	if !ok {
		d.wrong(path, n, "keys and values")
		return
	}
	fields, names := fieldsOf(v.Type())
	seen := map[string]int{}
	for it := m.MapRange(); it.Next(); {
		key, ok := d.key(path, it, seen)
		if !ok {
			continue
		}
		if index, known := fields[key]; known {
			d.value(join(path, key), it.Value(), v.FieldByIndex(index))
			continue
		}
		d.mask(it.Value())
		d.unknown(path, key, names, v)
	}
}

// unknown notes a key that the struct does not have.
func (d *decoder) unknown(path, key string, names []string, v reflect.Value) {
	fault := Fault{Path: join(path, key), Message: fmt.Sprintf("unknown key %q", key), unknown: true}
	if r, ok := v.Interface().(Reserver); ok && r.Reserved()[key] != "" {
		fault.Message, fault.Remedy, _ = strings.Cut(r.Reserved()[key], "\n")
	} else if guess := Nearest(key, names); guess != "" {
		fault.Remedy = fmt.Sprintf("did you mean %q?", guess)
	} else {
		fault.Remedy = "known here: " + strings.Join(names, ", ")
	}
	d.file.add(d.file.keys[fault.Path], fault)
}

// dictionary reads a mapping into a map.
func (d *decoder) dictionary(path string, n ast.Node, v reflect.Value) {
	m, ok := n.(ast.MapNode)
	if !ok {
		d.wrong(path, n, "keys and values")
		return
	}
	v.Set(reflect.MakeMap(v.Type()))
	seen := map[string]int{}
	for it := m.MapRange(); it.Next(); {
		key, ok := d.key(path, it, seen)
		if !ok {
			continue
		}
		entry := reflect.New(v.Type().Elem()).Elem()
		d.value(join(path, key), it.Value(), entry)
		v.SetMapIndex(reflect.ValueOf(key).Convert(v.Type().Key()), entry)
	}
}

// key reads one key and remembers its place. ok is false for one that is
// refused.
func (d *decoder) key(path string, it *ast.MapNodeIter, seen map[string]int) (key string, ok bool) {
	node, isNode := it.Key().(ast.Node)
	s, isScalar := scalarOf(node)
	if !isNode || !isScalar || s.text == "" {
		d.file.add(at(node.GetToken()), Fault{Path: path, Message: "a key must be a plain text"})
		return "", false
	}
	p := placeOf(node)
	if line := seen[s.text]; line > 0 {
		d.mask(it.Value())
		d.file.add(p, Fault{Path: join(path, s.text), Message: fmt.Sprintf("the key %q occurs twice, first on line %d", s.text, line)})
		return "", false
	}
	seen[s.text] = p.line
	d.file.keys[join(path, s.text)] = p
	return s.text, true
}

// list reads a sequence into a slice.
func (d *decoder) list(path string, n ast.Node, v reflect.Value) {
	s, ok := n.(ast.ArrayNode)
	if !ok {
		d.wrong(path, n, "a list: [a, b]")
		return
	}
	v.Set(reflect.MakeSlice(v.Type(), 0, 4))
	i := 0
	for it := s.ArrayRange(); it.Next(); i++ {
		entry := reflect.New(v.Type().Elem()).Elem()
		p := fmt.Sprintf("%s[%d]", path, i)
		if it.Value().Type() == ast.NullType {
			d.file.add(at(it.Value().GetToken()), Fault{Path: p, Message: "an entry of a list must not be empty"})
		}
		d.value(p, it.Value(), entry)
		v.Set(reflect.Append(v, entry))
	}
}

// field is where a key goes.
type field = []int

// fieldsOf lists the keys of a struct in order; structs without a key of their
// own are part of it.
func fieldsOf(t reflect.Type) (fields map[string]field, names []string) {
	fields = map[string]field{}
	for _, f := range reflect.VisibleFields(t) {
		if name := f.Tag.Get("yaml"); plainKey.MatchString(name) && name != "-" {
			fields[name] = f.Index
			names = append(names, name)
		}
	}
	return fields, names
}

// unmarshal lets a type read itself from text.
func (d *decoder) unmarshal(path string, n ast.Node, into encoding.TextUnmarshaler) {
	s, ok := d.scalar(path, n)
	if !ok {
		return
	}
	if _, secret := into.(*Secret); secret && !s.bare {
		d.maskText(n, s.raw)
	}
	if err := into.UnmarshalText([]byte(s.text)); err != nil {
		d.refuse(path, s, err.Error())
	}
}

// refuse notes that a scalar cannot be used.
func (d *decoder) refuse(path string, s scalar, message string) {
	message, remedy, _ := strings.Cut(message, "\n")
	if len(s.from) > 0 {
		message += fmt.Sprintf(" (the value comes from %s)", strings.Join(s.from, " and "))
	}
	d.file.add(d.file.find(path), Fault{Path: path, Message: message, Remedy: remedy})
}

// plain reads a scalar into a text, a number or a bool.
func (d *decoder) plain(path string, n ast.Node, v reflect.Value) {
	s, ok := d.scalar(path, n)
	if !ok {
		return
	}
	expanded := len(s.from) > 0
	switch {
	case v.Kind() == reflect.String:
		if !expanded && s.kind != ast.StringType && s.kind != ast.LiteralType {
			d.refuse(path, s, "want text, have "+kindOf(n)+"\nput it in quotes")
			return
		}
		v.SetString(s.text)
	case v.Kind() == reflect.Bool:
		b, err := strconv.ParseBool(s.text)
		if err != nil || s.quoted && !expanded || !slices.Contains([]string{"true", "false"}, s.text) {
			d.refuse(path, s, "want true or false")
			return
		}
		v.SetBool(b)
	case v.CanInt():
		i, err := strconv.ParseInt(s.text, 10, v.Type().Bits())
		if err != nil || s.quoted && !expanded {
			d.refuse(path, s, "want a whole number")
			return
		}
		v.SetInt(i)
	default:
		panic(fmt.Sprintf("config: %s: a field cannot have the type %s", path, v.Type()))
	}
}
