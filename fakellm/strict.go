package fakellm

import (
	"bytes"
	"encoding/json"
	"fmt"
	"reflect"
	"strings"
	"time"
)

// strict decodes JSON into structs and names everything that does not fit with
// its place. encoding/json alone stops at the first unknown key, takes
// duplicates, and knows no durations.
type strict struct{ errs []error }

func decodeScript(data []byte, s *Script) []error {
	if err := json.Unmarshal(data, new(json.RawMessage)); err != nil {
		return []error{fmt.Errorf("fakellm: script: %s%w", lineOf(data, err), err)}
	}
	var d strict
	d.value("", data, reflect.ValueOf(s).Elem())
	return d.errs
}

// lineOf says where a syntax error is.
func lineOf(data []byte, err error) string {
	wrong, ok := err.(*json.SyntaxError)
	if !ok {
		return ""
	}
	before := data[:min(int(wrong.Offset), len(data))]
	line := bytes.Count(before, []byte("\n")) + 1
	return fmt.Sprintf("line %d, column %d: ", line, len(before)-bytes.LastIndexByte(before, '\n')-1)
}

func (d *strict) fail(place, format string, args ...any) {
	if place == "" {
		place = "the top"
	}
	d.errs = append(d.errs, fmt.Errorf("fakellm: script: %s: %w", place, fmt.Errorf(format, args...)))
}

var (
	durationType = reflect.TypeFor[time.Duration]()
	faultType    = reflect.TypeFor[Fault]()
	rawType      = reflect.TypeFor[json.RawMessage]()
)

// value decodes raw, which is valid JSON, into v.
func (d *strict) value(place string, raw json.RawMessage, v reflect.Value) {
	raw = bytes.TrimSpace(raw)
	switch {
	case v.Type() == rawType:
		v.SetBytes(bytes.Clone(raw))
	case string(raw) == "null":
		d.fail(place, "has no value; leave the key out")
	case v.Type() == durationType:
		d.duration(place, raw, v)
	case v.Type() == faultType && raw[0] == '"':
		d.fault(place, raw, v)
	case v.Kind() == reflect.Pointer:
		v.Set(reflect.New(v.Type().Elem()))
		d.value(place, raw, v.Elem())
	case v.Kind() == reflect.Struct, v.Kind() == reflect.Map:
		d.object(place, raw, v)
	case v.Kind() == reflect.Slice:
		d.list(place, raw, v)
	default:
		if err := json.Unmarshal(raw, v.Addr().Interface()); err != nil {
			d.fail(place, "want %s, got %s", kindName(v.Kind()), clip(raw))
		}
	}
}

func (d *strict) duration(place string, raw json.RawMessage, v reflect.Value) {
	var s string
	if string(raw) == "0" { // YAML's 0 needs no unit
		return
	}
	if json.Unmarshal(raw, &s) != nil {
		d.fail(place, `want a duration such as "20s", got %s`, clip(raw))
		return
	}
	length, err := time.ParseDuration(s)
	if err != nil {
		d.fail(place, `want a duration such as "20s", got %s`, clip(raw))
	}
	v.SetInt(int64(length))
}

func (d *strict) fault(place string, raw json.RawMessage, v reflect.Value) {
	var name string
	_ = json.Unmarshal(raw, &name) // raw is a valid string
	f, err := ParseFault(name)
	if err != nil {
		d.fail(place, "%w", err)
		return
	}
	v.Set(reflect.ValueOf(f))
}

func (d *strict) list(place string, raw json.RawMessage, v reflect.Value) {
	var items []json.RawMessage
	if json.Unmarshal(raw, &items) != nil {
		d.fail(place, "want a list, got %s", clip(raw))
		return
	}
	v.Set(reflect.MakeSlice(v.Type(), len(items), len(items)))
	for i, item := range items {
		d.value(fmt.Sprintf("%s[%d]", place, i), item, v.Index(i))
	}
}

// object decodes a struct by its json tags, or a map of strings.
func (d *strict) object(place string, raw json.RawMessage, v reflect.Value) {
	if raw[0] != '{' {
		d.fail(place, "want an object, got %s", clip(raw))
		return
	}
	if v.Kind() == reflect.Map {
		v.Set(reflect.MakeMap(v.Type()))
	}
	seen := map[string]bool{}
	dec := json.NewDecoder(bytes.NewReader(raw))
	_, _ = dec.Token() // the brace
	for dec.More() {
		token, _ := dec.Token()
		key, _ := token.(string)
		var item json.RawMessage
		_ = dec.Decode(&item)
		at := strings.TrimPrefix(place+"."+key, ".")
		if seen[key] {
			d.fail(at, "stands there twice")
			continue
		}
		seen[key] = true
		d.member(at, key, item, v)
	}
}

func (d *strict) member(at, key string, item json.RawMessage, v reflect.Value) {
	if v.Kind() == reflect.Map {
		to := reflect.New(v.Type().Elem()).Elem()
		d.value(at, item, to)
		v.SetMapIndex(reflect.ValueOf(key), to)
		return
	}
	for i := range v.NumField() {
		if tag := v.Type().Field(i).Tag.Get("json"); tag == key && tag != "-" {
			d.value(at, item, v.Field(i))
			return
		}
	}
	d.fail(at, "is not a key that is known here")
}

func kindName(k reflect.Kind) string {
	switch k {
	case reflect.Bool:
		return "true or false"
	case reflect.String:
		return "a string"
	case reflect.Float64:
		return "a number"
	}
	return "a whole number"
}

// clip shortens a value for an error message.
func clip(raw []byte) string {
	if len(raw) > 40 {
		return string(bytes.ToValidUTF8(raw[:40], nil)) + "..."
	}
	return string(raw)
}
