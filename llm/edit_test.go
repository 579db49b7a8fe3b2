package llm_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"math/rand/v2"
	"reflect"
	"strings"
	"testing"

	"fairlead.dev/llm"
)

func TestApply(t *testing.T) {
	const body = "0123456789"
	for _, c := range []struct {
		edits []llm.Edit
		want  string
	}{
		{nil, body},
		{[]llm.Edit{{2, 4, []byte("ab")}}, "01ab456789"},
		{[]llm.Edit{{2, 4, nil}}, "01456789"},
		{[]llm.Edit{{0, 0, []byte("<")}, {10, 10, []byte(">")}}, "<0123456789>"},
		{[]llm.Edit{{8, 10, []byte("z")}, {0, 1, []byte("longer")}}, "longer1234567z"}, // any order
		{[]llm.Edit{{2, 4, []byte("x")}, {4, 6, []byte("y")}}, "01xy6789"},             // neighbours
		{[]llm.Edit{{2, 4, nil}, {2, 2, []byte("b")}, {2, 2, []byte("a")}}, "01ba456789"},
		{[]llm.Edit{{0, 10, nil}}, ""},
	} {
		got := llm.Apply([]byte(body), c.edits)
		if string(got) != c.want || cap(got) > 64 {
			t.Errorf("%v: got %q (cap %d), want %q", c.edits, got, cap(got), c.want)
		}
	}
}

func TestInsertionsAtOneOffsetKeepTheirOrder(t *testing.T) {
	var edits []llm.Edit
	for c := range 26 {
		edits = append(edits, llm.Edit{Start: 5, End: 5, With: []byte{'a' + byte(c)}}, llm.Edit{Start: 2, End: 2, With: []byte{'A' + byte(c)}})
	}
	if got := string(llm.Apply([]byte("0123456789"), edits)); got != "01ABCDEFGHIJKLMNOPQRSTUVWXYZ234abcdefghijklmnopqrstuvwxyz56789" {
		t.Error(got)
	}
}

func TestInsertDoesNotWriteBehindItsItem(t *testing.T) {
	shared := []byte(`"x":1!`)
	if _, err := llm.Insert([]byte(`{"a":1}`), llm.Member{End: 7}, shared[:5]); err != nil || string(shared) != `"x":1!` {
		t.Errorf("%s, %v", shared, err)
	}
}

func TestApplyPanicsRatherThanGuess(t *testing.T) {
	for _, edits := range [][]llm.Edit{
		{{2, 5, nil}, {4, 6, nil}}, {{2, 8, nil}, {3, 4, nil}}, {{2, 8, nil}, {3, 3, []byte("x")}},
		{{-1, 2, nil}}, {{3, 2, nil}}, {{9, 11, nil}}, {{11, 11, nil}},
	} {
		func() {
			defer func() {
				if recover() == nil {
					t.Errorf("%v: no panic", edits)
				}
			}()
			llm.Apply([]byte("0123456789"), edits)
		}()
	}
}

func TestApplyIsACopyInOneAllocation(t *testing.T) {
	data := body(10 << 10)
	edits := []llm.Edit{{9, 26, []byte(`"claude-sonnet-5"`)}, {100, 110, nil}}
	if n := testing.AllocsPerRun(100, func() { llm.Apply(data, edits) }); n != 1 {
		t.Errorf("%v allocations", n)
	}
	if got := llm.Apply(data, nil); &got[0] == &data[0] {
		t.Error("the copy is the body itself")
	}
}

func TestWithout(t *testing.T) {
	for _, c := range []struct{ body, drop, want string }{
		{`{"a":1,"b":2,"c":3}`, "a", `{"b":2,"c":3}`},
		{`{"a":1,"b":2,"c":3}`, "b", `{"a":1,"c":3}`},
		{`{"a":1,"b":2,"c":3}`, "c", `{"a":1,"b":2}`},
		{`{"a":1,"b":2,"c":3}`, "ab", `{"c":3}`},
		{`{"a":1,"b":2,"c":3}`, "ac", `{"b":2}`},
		{`{"a":1,"b":2,"c":3}`, "bc", `{"a":1}`},
		{`{"a":1,"b":2,"c":3}`, "abc", `{}`},
		{`{"a":1,"b":2,"c":3}`, "x", `{"a":1,"b":2,"c":3}`},
		{`{"a":1}`, "a", `{}`},
		{`{}`, "a", `{}`},
		{"{\n  \"a\": 1,\n  \"b\": 2,\n  \"c\": 3\n}", "a", "{\n  \"b\": 2,\n  \"c\": 3\n}"},
		{"{\n  \"a\": 1,\n  \"b\": 2,\n  \"c\": 3\n}", "b", "{\n  \"a\": 1,\n  \"c\": 3\n}"},
		{"{\n  \"a\": 1,\n  \"b\": 2,\n  \"c\": 3\n}", "c", "{\n  \"a\": 1,\n  \"b\": 2\n}"},
		{"{ \"a\" : 1 , \"b\" : 2 }", "ab", "{  }"},
	} {
		edits, err := llm.Without([]byte(c.body), llm.Member{End: len(c.body)}, func(m llm.Member) bool {
			return strings.Contains(c.drop, string(m.Key))
		})
		if got := llm.Apply([]byte(c.body), edits); err != nil || string(got) != c.want {
			t.Errorf("%s without %s: got %s, %v, want %s", c.body, c.drop, got, err, c.want)
		}
	}
}

func TestWithoutAndInsertWorkInsideABody(t *testing.T) {
	data := []byte(`{"model":"m","messages":[{"type":"thinking"},{"type":"text"},{"type":"thinking"}],"opts":{}, "n":1}`)
	var edits []llm.Edit
	s := llm.ScanObject(data)
	for m, ok := s.Next(); ok; m, ok = s.Next() {
		switch string(m.Key) {
		case "messages":
			e, err := llm.Without(data, m, func(e llm.Member) bool {
				kind, _ := llm.Get(data[e.Start:e.End], "type")
				return string(kind) == `"thinking"`
			})
			if err != nil {
				t.Fatal(err)
			}
			edits = append(edits, e...)
		case "opts":
			e, err := llm.Insert(data, m, []byte(`"x":true`))
			if err != nil {
				t.Fatal(err)
			}
			edits = append(edits, e)
		}
	}
	e, err := llm.Insert(data, llm.Member{End: len(data)}, []byte(`"stream":true`))
	if err != nil {
		t.Fatal(err)
	}
	got := llm.Apply(data, append(edits, e))
	if want := `{"stream":true,"model":"m","messages":[{"type":"text"}],"opts":{"x":true}, "n":1}`; string(got) != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
}

func TestEditsOfBrokenTextAreRefused(t *testing.T) {
	data := []byte(`{"a":1,"b":}`)
	all := llm.Member{End: len(data)}
	edits, err := llm.Without(data, all, func(llm.Member) bool { return true })
	if _, ok := errors.AsType[*llm.SyntaxError](err); !ok || edits != nil {
		t.Errorf("Without: %v, %v", edits, err)
	}
	for _, bad := range []string{"", "  ", "{", "7", `{"a":}`, "[1", `{"a" 1}`} {
		if e, err := llm.Insert([]byte(bad), llm.Member{End: len(bad)}, []byte(`"x":1`)); err == nil {
			t.Errorf("Insert into %q: %v", bad, e)
		}
	}
}

// scatter writes white space of up to two bytes.
func scatter(r *rand.Rand) string { return []string{"", "", " ", "\n", "\t "}[r.IntN(5)] }

// Whatever goes, what is left must read as the same container without it.
func TestWithoutLeavesWhatEncodingJSONLeaves(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	for range 20_000 {
		n, array := r.IntN(7), r.IntN(2) == 0
		var parts []string
		var list []any
		object, drop := map[string]any{}, map[int]bool{}
		for i := range n {
			value := []string{"1", `"a,b"`, "[1,2]", `{"x":{}}`, "null"}[r.IntN(5)]
			var v any
			if err := json.Unmarshal([]byte(value), &v); err != nil {
				t.Fatal(err)
			}
			key := ""
			if !array {
				key = fmt.Sprintf("%s\"k%d\"%s:%s", scatter(r), i, scatter(r), scatter(r))
			}
			parts = append(parts, key+scatter(r)+value+scatter(r))
			if drop[i] = r.IntN(2) == 0; !drop[i] {
				list, object[fmt.Sprintf("k%d", i)] = append(list, v), v
			}
		}
		inner := strings.Join(parts, ",")
		text, want := "{"+scatter(r)+inner+"}", any(object)
		if array {
			text, want = "["+scatter(r)+inner+"]", any(list)
		}
		prefix := []string{"", "  ", `[1, `}[r.IntN(3)]
		data := []byte(prefix + text)
		i := -1
		edits, err := llm.Without(data, llm.Member{Start: len(prefix), End: len(data)}, func(llm.Member) bool { i++; return drop[i] })
		if err != nil {
			t.Fatalf("%s: %v", data, err)
		}
		got := llm.Apply(data, edits)[len(prefix):]
		var v any
		if err := json.Unmarshal(got, &v); err != nil {
			t.Fatalf("%s without %v: %s: %v", data, drop, got, err)
		}
		if l, ok := v.([]any); ok && len(l) == 0 && len(list) == 0 {
			continue
		}
		if !reflect.DeepEqual(v, want) {
			t.Fatalf("%s without %v: %s, want %v", data, drop, got, want)
		}
	}
}
