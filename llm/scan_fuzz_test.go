package llm_test

import (
	"bytes"
	"encoding/json"
	"io"
	"testing"

	"github.com/go-json-experiment/json/jsontext"

	"fairlead.dev/llm"
)

// strict reads data by a strict library: is it one value, how deep, what are its top-level keys and values.
type strict struct {
	ok     bool
	kind   jsontext.Kind
	depth  int
	keys   []string
	values []string
}

func readStrict(data []byte) (r strict) {
	d := jsontext.NewDecoder(bytes.NewReader(data), jsontext.AllowDuplicateNames(true))
	r.kind = d.PeekKind()
	for {
		tok, err := d.ReadToken()
		if err == io.EOF {
			r.ok = r.depth >= 0 && len(bytes.TrimSpace(data)) > 0
			break
		}
		if err != nil {
			return strict{depth: r.depth}
		}
		_ = tok
		r.depth = max(r.depth, d.StackDepth())
	}
	// A stream of values is no single value.
	d = jsontext.NewDecoder(bytes.NewReader(data), jsontext.AllowDuplicateNames(true))
	if err := d.SkipValue(); err != nil {
		return strict{depth: r.depth}
	}
	if _, err := d.ReadToken(); err != io.EOF {
		return strict{depth: r.depth}
	}
	d = jsontext.NewDecoder(bytes.NewReader(data), jsontext.AllowDuplicateNames(true))
	if d.PeekKind() != '{' && d.PeekKind() != '[' {
		return r
	}
	d.ReadToken()
	for d.PeekKind() != '}' && d.PeekKind() != ']' {
		if r.kind == '{' {
			k, _ := d.ReadToken()
			r.keys = append(r.keys, k.String())
		}
		v, err := d.ReadValue()
		if err != nil {
			panic(err)
		}
		r.values = append(r.values, string(v))
	}
	return r
}

// repeats tells whether a name stands twice in names.
func repeats(names []string) bool {
	seen := map[string]bool{}
	for _, n := range names {
		if seen[n] {
			return true
		}
		seen[n] = true
	}
	return false
}

func addSeeds(f *testing.F) {
	for _, c := range refused {
		f.Add([]byte(c.data))
	}
	for _, s := range []string{`{"a":{"b":[1,2.5e-3,true,false,null,"\u00e9\ud83d\ude00"]}}`, `[]`, `[1,"x",{}]`, `7`, `"é"`, " { } "} {
		f.Add([]byte(s))
	}
	f.Add(body(300))
	f.Add(turns(600))
	f.Add(manyKeys(40))
}

// FuzzScanAgreesWithAStrictLibrary: what is accepted, and what the members are, must be what jsontext says.
func FuzzScanAgreesWithAStrictLibrary(f *testing.F) {
	addSeeds(f)
	f.Fuzz(func(t *testing.T, data []byte) {
		want := readStrict(data)
		if want.depth >= llm.MaxDepth { // the limits differ by intent
			return
		}
		if err := llm.Valid(data); (err == nil) != want.ok {
			t.Fatalf("Valid: %v, the strict library says %v", err, want.ok)
		}
		s, isContainer := llm.ScanObject(data), want.ok && want.kind == '{' && !repeats(want.keys)
		if want.kind == '[' {
			s, isContainer = llm.ScanArray(data), want.ok
		}
		i := 0
		for m, ok := s.Next(); ok; m, ok = s.Next() {
			if isContainer && (string(data[m.Start:m.End]) != want.values[i] || want.kind == '{' && string(m.Key) != want.keys[i]) {
				t.Fatalf("member %d is %q: %s", i, m.Key, data[m.Start:m.End])
			}
			if want.kind == '{' {
				if key, ok := llm.Str(data[m.KeyStart:m.KeyEnd]); !ok || key != string(m.Key) {
					t.Fatalf("key %q is written %s", m.Key, data[m.KeyStart:m.KeyEnd])
				}
			}
			i++
		}
		if (s.Err() == nil) != isContainer || isContainer && i != len(want.values) {
			t.Fatalf("%d members, %v; the strict library: %+v", i, s.Err(), want)
		}
	})
}

// FuzzStringsAgreeWithEncodingJSON: quoting and unquoting must be each other's inverse, and mean what JSON means.
func FuzzStringsAgreeWithEncodingJSON(f *testing.F) {
	addSeeds(f)
	f.Add([]byte(`"\ud83d\ude00\n\/"`))
	f.Fuzz(func(t *testing.T, data []byte) {
		quoted := llm.AppendQuoted(nil, string(data))
		var want string
		if err := json.Unmarshal(quoted, &want); err != nil {
			t.Fatalf("%s: %v", quoted, err)
		}
		if got, ok := llm.Str(quoted); !ok || got != want || got != string([]rune(string(data))) {
			t.Fatalf("%s is read as %q, encoding/json reads %q", quoted, got, want)
		}
		got, ok := llm.Str(data)
		if !ok {
			return
		}
		if err := json.Unmarshal(data, &want); err != nil || got != want {
			t.Fatalf("%s is read as %q, encoding/json reads %q, %v", data, got, want, err)
		}
	})
}

// FuzzWithoutStaysValid: removing any members of a valid text leaves valid text with the others in it.
func FuzzWithoutStaysValid(f *testing.F) {
	addSeeds(f)
	f.Fuzz(func(t *testing.T, data []byte) {
		if llm.Valid(data) != nil {
			return
		}
		all := llm.Member{End: len(data)}
		for mask := range uint(16) {
			var kept []string
			i := uint(0)
			edits, err := llm.Without(data, all, func(m llm.Member) bool {
				drop := mask>>(i%4)&1 == 1
				if i++; !drop {
					kept = append(kept, string(data[max(m.Start, m.KeyEnd):m.End]))
				}
				return drop
			})
			if err != nil {
				return // no container
			}
			out := llm.Apply(data, edits)
			want := readStrict(out)
			if !want.ok || len(want.values) != len(kept) {
				t.Fatalf("mask %04b: %s -> %s", mask, data, out)
			}
			for k := range kept {
				if want.values[k] != kept[k] {
					t.Fatalf("mask %04b: member %d of %s is %s, want %s", mask, k, out, want.values[k], kept[k])
				}
			}
		}
	})
}
