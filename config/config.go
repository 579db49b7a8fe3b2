// Package config reads a YAML file into a struct, strictly.
//
// A configuration that is accepted and not enforced is worse than none, so
// nothing is guessed and nothing is skipped: unknown and duplicate keys, wrong
// types, unset variables are faults, and all of them are reported at once,
// each with its line, a caret and what to do about it.
//
//	bytes -> bounds -> tokens -> tree -> ${...} in scalars -> your struct -> your own checks
//	                                                                         File.Fault(path, ...)
//
// The package knows files, not sections: what the keys mean is the struct's
// affair. Its fields carry `yaml:"name"` tags, and `default:"5s"` for what
// [File.Values] says of a field that the file leaves out. Fields may be structs,
// maps, slices, texts, numbers, bools, and anything that reads itself from
// text, such as [Duration], [Size], [Count], [Ratio] and [Secret]. A struct that
// reads itself from text may be written either way.
//
// Scalars may refer to ${VAR}, ${VAR:-default} and ${file:/path}; "$${" stands
// for a plain "${". References are expanded after parsing and only in values, so
// that no variable can change the structure of the file. Where each value came
// from is remembered, and what a reference brought in, or a [Secret] holds, never
// appears in a fault.
//
// YAML is reduced to what a configuration needs: one document; no anchors,
// aliases, merge keys, tags or directives, and so no alias bombs.
package config

import (
	"cmp"
	"errors"
	"fmt"
	"reflect"
	"regexp"
	"slices"
	"strconv"
	"strings"
)

// Bounds of a file. They stop mistakes (a log file given as configuration)
// before the parser, whose time grows with the square of the number of keys.
const (
	maxBytes  = 1 << 20
	maxTokens = 20_000
	maxFlow   = 32 // nested [ and {
	maxDashes = 16 // block indicators on one line
)

// Reserver is a struct that refuses some unknown keys with words of its own:
// those that will mean something one day.
type Reserver interface {
	// Reserved maps keys to why they are refused.
	Reserved() map[string]string
}

// File is a file that was read: it knows the place of every value. Without a
// file behind it the zero value works too: all origins are defaults then.
type File struct {
	name   string
	lines  []string
	values map[string]place // by path
	keys   map[string]place // by path of the value that they stand before
	faults []Fault
	hidden []hidden // what references brought in
	loaded int      // how many of faults Load has found
	masked []masked // texts that must not be shown
	broken bool     // no tree: every line may hold anything
}

// place is where something stands. Lines and columns count from 1, columns in
// characters.
type place struct {
	line, column, width int
	from                []string // the references that it was made of
}

// hidden is a text that came from outside the file and the reference that
// brought it in.
type hidden struct{ text, reference string }

// masked is a text in the file that is, or may be, a secret. A short one is
// hidden only in its own lines: it may be an ordinary word elsewhere.
type masked struct {
	text     string
	from, to int
}

// Load reads data into the struct that into points to. name is what faults call
// the file. env and readFile resolve references; nil resolves none.
//
// The error is a *[Faults]. The file is returned even then, so that checks of
// the caller's own may add what they find with [File.Fault]; it is nil when data
// is no readable YAML and into was not touched.
func Load(name string, data []byte, env func(string) (string, bool), readFile func(string) ([]byte, error), into any) (*File, error) {
	v := reflect.ValueOf(into)
	if v.Kind() != reflect.Pointer || v.Elem().Kind() != reflect.Struct {
		panic(fmt.Sprintf("config: Load needs a pointer to a struct, not %T", into))
	}
	f := &File{name: name, values: map[string]place{}, keys: map[string]place{}}
	root := f.parse(data)
	if len(f.faults) > 0 {
		f.broken = true
		return nil, f.Err()
	}
	d := decoder{file: f, env: env, readFile: readFile}
	if root != nil {
		d.value("", root, v.Elem())
	}
	f.loaded = len(f.faults)
	return f, f.Err()
}

// Path joins keys (text) and indices (int) to a path such as models.fast.chain[1]
// or providers["my.proxy"].headers.
func Path(parts ...any) string {
	var b strings.Builder
	for _, p := range parts {
		switch p := p.(type) {
		case int:
			fmt.Fprintf(&b, "[%d]", p)
		case string:
			b.WriteString(segment(p, b.Len() == 0))
		default:
			panic(fmt.Sprintf("config: a path is made of texts and ints, not %T", p))
		}
	}
	return b.String()
}

var plainKey = regexp.MustCompile(`^[A-Za-z0-9_-]+$`)

func segment(key string, first bool) string {
	switch {
	case !plainKey.MatchString(key):
		return "[" + strconv.Quote(key) + "]"
	case first:
		return key
	}
	return "." + key
}

// join appends one key to a path.
func join(path, key string) string { return path + segment(key, path == "") }

// parent cuts the last key or index off a path.
func parent(path string) string {
	switch {
	case strings.HasSuffix(path, `"]`):
		return path[:max(strings.LastIndex(path, `["`), 0)]
	case strings.HasSuffix(path, "]"):
		return path[:max(strings.LastIndexByte(path, '['), 0)]
	}
	return path[:max(strings.LastIndexByte(path, '.'), strings.LastIndexByte(path, ']')+1, 0)]
}

// Origin says where the value at path came from.
func (f *File) Origin(path string) Origin {
	p, ok := f.values[path]
	if outer, short := f.values[parent(path)]; !ok && short && outer.width > 0 {
		p, ok = outer, true // a struct that was written as one text
	}
	if !ok {
		return Origin{}
	}
	return Origin{File: f.name, Line: p.line, Column: p.column, From: p.from}
}

// Has reports whether the file has something at path, be it empty.
func (f *File) Has(path string) bool {
	_, ok := f.values[path]
	return ok
}

// Override says that the value at path does not come from the file: a flag, or a
// variable that stands for the key.
func (f *File) Override(path, from string) { f.values[path] = place{from: []string{from}} }

// Keys lists the keys of the mapping at path in the order of the file.
func (f *File) Keys(path string) []string {
	type placed struct {
		key string
		place
	}
	var all []placed
	for p, at := range f.keys {
		if key, ok := lastKey(p); ok && parent(p) == path {
			all = append(all, placed{key, at})
		}
	}
	slices.SortFunc(all, func(a, b placed) int {
		return cmp.Or(cmp.Compare(a.line, b.line), cmp.Compare(a.column, b.column))
	})
	names := make([]string, len(all))
	for i := range all {
		names[i] = all[i].key
	}
	return names
}

// lastKey undoes segment for the end of a path; ok is false for an index.
func lastKey(path string) (key string, ok bool) {
	last := path[len(parent(path)):]
	if quoted, isQuoted := strings.CutPrefix(last, "["); isQuoted {
		key, err := strconv.Unquote(strings.TrimSuffix(quoted, "]"))
		return key, err == nil
	}
	return strings.TrimPrefix(last, "."), true
}

// Fault adds a fault at a path that a check of the caller's own has found. It is
// dropped where Load already has one: at the path, beneath it, or an unknown key
// that may be the missing one misspelled. A path that the file does not have is
// shown where its nearest parent stands. A line break in the message separates
// the remedy.
func (f *File) Fault(path, format string, args ...any) {
	for _, known := range f.faults[:f.loaded] {
		missing := !f.Has(path) && known.unknown && parent(known.Path) == parent(path)
		if beneath(known.Path, path) || missing {
			return
		}
	}
	message, remedy, _ := strings.Cut(fmt.Sprintf(format, args...), "\n")
	if from := f.values[path].from; len(from) > 0 {
		message += fmt.Sprintf(" (the value comes from %s)", strings.Join(from, " and "))
	}
	f.add(f.find(path), Fault{Path: path, Message: message, Remedy: remedy})
}

// beneath reports whether path is outer or something in it.
func beneath(path, outer string) bool {
	rest, ok := strings.CutPrefix(path, outer)
	return ok && (rest == "" || outer == "" || rest[0] == '.' || rest[0] == '[')
}

// find returns where to point for a path: at a scalar itself, else at the key.
func (f *File) find(path string) place {
	for {
		p, ok := f.values[path]
		if key, named := f.keys[path]; ok && named && p.width == 0 {
			return key
		}
		if ok || path == "" {
			return place{line: max(p.line, 1), column: max(p.column, 1), width: p.width}
		}
		path = parent(path)
	}
}

// Err returns all faults so far as a *[Faults], by line, or nil.
func (f *File) Err() error {
	if len(f.faults) == 0 {
		return nil
	}
	return f.report()
}

// AsFaults returns the faults that err holds, if it is about a file.
func AsFaults(err error) (*Faults, bool) { return errors.AsType[*Faults](err) }
