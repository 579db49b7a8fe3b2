package config

import (
	"cmp"
	"fmt"
	"reflect"
	"slices"
)

// Value is one value in force and where it came from.
type Value struct {
	Path   string
	Text   string // secrets read "(set)"
	Origin Origin
}

// Values lists what is in force in the struct that Load has filled, in the order
// of its fields: what the file says, and what the `default` tags say of the rest.
// Entries of maps and lists show only what is set there.
func (f *File) Values(of any) []Value {
	w := walk{file: f}
	w.value("", reflect.Indirect(reflect.ValueOf(of)), "", true)
	return w.out
}

type walk struct {
	file *File
	out  []Value
}

func (w *walk) value(path string, v reflect.Value, byDefault string, defaults bool) {
	_, words := v.Interface().(fmt.Stringer)
	switch {
	case words || v.Kind() != reflect.Struct && v.Kind() != reflect.Map && v.Kind() != reflect.Slice:
		w.scalar(path, v, byDefault, defaults)
	case v.Kind() == reflect.Struct:
		_, names := fieldsOf(v.Type())
		for _, name := range names {
			field := fieldOf(v, name)
			w.value(join(path, name), field.value, field.byDefault, defaults)
		}
	case v.Kind() == reflect.Map:
		for _, key := range w.keys(path, v) {
			w.value(join(path, key), v.MapIndex(reflect.ValueOf(key).Convert(v.Type().Key())), "", false)
		}
	default:
		for i := range v.Len() {
			w.value(fmt.Sprintf("%s[%d]", path, i), v.Index(i), "", false)
		}
	}
}

type fieldValue struct {
	value     reflect.Value
	byDefault string
}

func fieldOf(v reflect.Value, name string) fieldValue {
	fields, _ := fieldsOf(v.Type())
	index := fields[name]
	return fieldValue{v.FieldByIndex(index), v.Type().FieldByIndex(index).Tag.Get("default")}
}

// keys are those of a map in the order of the file, then any others.
func (w *walk) keys(path string, v reflect.Value) []string {
	order := w.file.Keys(path)
	var keys []string
	for _, k := range v.MapKeys() {
		keys = append(keys, k.String())
	}
	at := func(key string) int {
		if i := slices.Index(order, key); i >= 0 {
			return i
		}
		return len(order)
	}
	slices.SortFunc(keys, func(a, b string) int { return cmp.Or(cmp.Compare(at(a), at(b)), cmp.Compare(a, b)) })
	return keys
}

func (w *walk) scalar(path string, v reflect.Value, byDefault string, defaults bool) {
	switch {
	case !v.IsZero():
		w.out = append(w.out, Value{path, Redact(fmt.Sprint(v.Interface())), w.file.Origin(path)})
	case byDefault != "" && defaults:
		w.out = append(w.out, Value{Path: path, Text: byDefault})
	}
}
