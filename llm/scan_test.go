package llm_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"fairlead.dev/llm"
)

// fault returns the SyntaxError in err, or the zero one.
func fault(t *testing.T, err error) llm.SyntaxError {
	t.Helper()
	if err == nil {
		return llm.SyntaxError{}
	}
	e, ok := errors.AsType[*llm.SyntaxError](err)
	if !ok {
		t.Fatalf("error is a %T, not a *SyntaxError: %v", err, err)
	}
	return *e
}

func TestScanObjectGivesMembersInOrderWithTheirOffsets(t *testing.T) {
	data := " \n{ \"model\" : \"m\" ,\t\"n\":-1.5e3,\"o\":{\"a\":[1]},\"a\":[{}],\"t\":true,\"f\":false,\"z\":null, \"\":\"\" }\r\n"
	want := []string{
		`model "model" "m" string`, `n "n" -1.5e3 number`, `o "o" {"a":[1]} object`, `a "a" [{}] array`,
		`t "t" true true`, `f "f" false false`, `z "z" null null`, ` "" "" string`,
	}
	s := llm.ScanObject([]byte(data))
	var got []string
	for m, ok := s.Next(); ok; m, ok = s.Next() {
		got = append(got, fmt.Sprint(string(m.Key), " ", data[m.KeyStart:m.KeyEnd], " ", data[m.Start:m.End], " ", m.Kind))
	}
	if s.Err() != nil || fmt.Sprint(got) != fmt.Sprint(want) {
		t.Fatalf("err %v\ngot  %q\nwant %q", s.Err(), got, want)
	}
	if _, ok := s.Next(); ok {
		t.Error("Next after the end gave a member")
	}
}

func TestScanArrayGivesElements(t *testing.T) {
	s := llm.ScanArray([]byte(`[1, "b" ,[]]`))
	var got []string
	for m, ok := s.Next(); ok; m, ok = s.Next() {
		if m.Key != nil || m.KeyEnd != 0 {
			t.Errorf("an element has the key %q", m.Key)
		}
		got = append(got, fmt.Sprint(m.Start, m.End, m.Kind))
	}
	if want := "[1 2 number 4 7 string 9 11 array]"; s.Err() != nil || fmt.Sprint(got) != want {
		t.Fatalf("got %v, %v, want %v", got, s.Err(), want)
	}
}

func TestScanNestedCountsOffsetsFromTheBody(t *testing.T) {
	data := []byte(`{"messages":[{"role":"user"},{"role":"user","role":"x"}],"n":1}`)
	s := llm.ScanObject(data)
	m, _ := s.Next()
	var got []string
	list := llm.ScanNested(data, m)
	for e, ok := list.Next(); ok; e, ok = list.Next() {
		inner := llm.ScanNested(data, e)
		for f, ok := inner.Next(); ok; f, ok = inner.Next() {
			got = append(got, string(data[f.KeyStart:f.End]))
		}
		if inner.Err() != nil {
			t.Error("nested duplicates must pass:", inner.Err())
		}
	}
	if want := `["role":"user" "role":"user" "role":"x"]`; list.Err() != nil || fmt.Sprint(got) != want {
		t.Fatalf("got %v, %v", got, list.Err())
	}
}

// refused holds texts that no object scan may accept.
var refused = []struct {
	data   string
	offset int
	reason llm.SyntaxReason
	text   string // the end of the error's text
}{
	{"", 0, llm.UnexpectedEnd, "offset 0: unexpected end"},
	{" \t", 2, llm.UnexpectedEnd, ""},
	{"{", 1, llm.UnexpectedEnd, ""},
	{`{"a"`, 4, llm.UnexpectedEnd, ""},
	{`{"a":`, 5, llm.UnexpectedEnd, ""},
	{`{"a":1`, 6, llm.UnexpectedEnd, ""},
	{`{"a":1,`, 7, llm.UnexpectedEnd, ""},
	{`{"a`, 3, llm.UnexpectedEnd, ""},
	{`{"a\`, 4, llm.UnexpectedEnd, ""},
	{`{"a\u12`, 7, llm.UnexpectedEnd, ""},
	{`{"a":tru`, 8, llm.UnexpectedEnd, ""},
	{`{"a":-`, 6, llm.UnexpectedEnd, ""},
	{`{"a":1.`, 7, llm.UnexpectedEnd, ""},
	{`{"a":1e+`, 8, llm.UnexpectedEnd, ""},
	{`{,}`, 1, llm.UnexpectedByte, "offset 1: unexpected ','"},
	{`{"a":1,}`, 7, llm.UnexpectedByte, "unexpected '}'"},
	{`{"a" 1}`, 5, llm.UnexpectedByte, ""},
	{`{"a":1 "b":2}`, 7, llm.UnexpectedByte, `unexpected '"'`},
	{`{a:1}`, 1, llm.UnexpectedByte, ""},
	{`{'a':1}`, 1, llm.UnexpectedByte, ""},
	{`{"a":01}`, 6, llm.UnexpectedByte, ""},
	{`{"a":+1}`, 5, llm.UnexpectedByte, ""},
	{`{"a":.5}`, 5, llm.UnexpectedByte, ""},
	{`{"a":1.e3}`, 7, llm.UnexpectedByte, ""},
	{`{"a":1e}`, 7, llm.UnexpectedByte, ""},
	{`{"a":- 1}`, 6, llm.UnexpectedByte, ""},
	{`{"a":NaN}`, 5, llm.UnexpectedByte, ""},
	{`{"a":True}`, 5, llm.UnexpectedByte, ""},
	{`{"a":nul1}`, 8, llm.UnexpectedByte, ""},
	{`{"a":[1,]}`, 8, llm.UnexpectedByte, ""},
	{`{"a":[1 2]}`, 8, llm.UnexpectedByte, ""},
	{`{"a":[1}`, 7, llm.UnexpectedByte, ""},
	{`{"a":{"b":1]`, 11, llm.UnexpectedByte, ""},
	{`{"a":{"b" 1}}`, 10, llm.UnexpectedByte, ""},
	{`{"a":{1:1}}`, 6, llm.UnexpectedByte, ""},
	{"{\"a\":\v1}", 5, llm.UnexpectedByte, "unexpected byte 0x0b"},
	{"{\"a\":\x00}", 5, llm.UnexpectedByte, "unexpected byte 0x00"},
	{"{\"a\":\u00a01}", 5, llm.UnexpectedByte, "unexpected byte 0xc2"},
	{`{"a":/**/1}`, 5, llm.UnexpectedByte, ""},
	{"{}\x00", 2, llm.TrailingData, "unexpected byte 0x00 after the value"},
	{`{}{}`, 2, llm.TrailingData, ""},
	{`{},`, 2, llm.TrailingData, ""},
	{`{}]`, 2, llm.TrailingData, ""},
	{"{\"a\nb\":1}", 3, llm.ControlCharacter, "control character byte 0x0a in a string"},
	{"{\"a\":\"twelve bytes\x1f\"}", 18, llm.ControlCharacter, ""},
	{"{\"a\":\"\x00\"}", 6, llm.ControlCharacter, ""},
	{"{\"a\":\"\xff\"}", 6, llm.InvalidUTF8, ""},
	{"{\"a\":\"\xc0\x80\"}", 6, llm.InvalidUTF8, ""},
	{"{\"a\":\"\xe0\x80\x80\"}", 6, llm.InvalidUTF8, ""},
	{"{\"a\":\"\xed\xa0\x80\"}", 6, llm.InvalidUTF8, ""},
	{"{\"a\":\"\xf4\x90\x80\x80\"}", 6, llm.InvalidUTF8, ""},
	{"{\"a\":\"\xe4\xbd\"}", 6, llm.InvalidUTF8, ""},
	{"{\"a\":\"\xe4\xbd", 6, llm.InvalidUTF8, ""},
	{`{"a":"\x"}`, 7, llm.InvalidEscape, ""},
	{`{"a":"\u12g4"}`, 10, llm.InvalidEscape, ""},
	{`{"a":"\U0041"}`, 7, llm.InvalidEscape, ""},
	{`{"a":"\ud800"}`, 6, llm.LoneSurrogate, ""},
	{`{"a":"\ud800\n"}`, 6, llm.LoneSurrogate, ""},
	{`{"a":"\ud800A"}`, 6, llm.LoneSurrogate, ""},
	{`{"a":"\udc00\ud800"}`, 6, llm.LoneSurrogate, ""},
	{`{"a":"\udc00\udc00"}`, 6, llm.LoneSurrogate, ""},
	{`{"a":"\ud800\ud800"}`, 6, llm.LoneSurrogate, ""},
	{`{"a":"\ud800\u0041"}`, 6, llm.LoneSurrogate, ""},
	{`{"a":"\ud800\ue000"}`, 6, llm.LoneSurrogate, ""},
	{`{"a":"\ud83d\uzzzz"}`, 14, llm.InvalidEscape, ""},
	{"\xef\xbb\xbf{}", 0, llm.ByteOrderMark, "byte order mark"},
	{`[1]`, 0, llm.WrongKind, ""},
	{`"x"`, 0, llm.WrongKind, ""},
	{`nope`, 1, llm.UnexpectedByte, ""},
	{`<html>`, 0, llm.UnexpectedByte, "unexpected '<'"},
	{`{"a":1,"a":2}`, 7, llm.DuplicateKey, `duplicate key "a"`},
	{`{"model":"cheap","mod\u0065l":"dear"}`, 17, llm.DuplicateKey, `duplicate key "model"`},
	{`{"\ud83d\ude00":1,"😀":2}`, 18, llm.DuplicateKey, `duplicate key "\U0001f600"`},
	{`{"":1,"":2}`, 6, llm.DuplicateKey, `duplicate key ""`},
}

func TestScanObjectRefuses(t *testing.T) {
	for _, c := range refused {
		_, err := scanAll([]byte(c.data))
		if e := fault(t, err); e.Reason != c.reason || e.Offset != c.offset {
			t.Errorf("%q: %q at %d, want %q at %d", c.data, e.Reason, e.Offset, c.reason, c.offset)
		} else if !strings.HasSuffix(err.Error(), c.text) || !strings.HasPrefix(err.Error(), "llm: invalid JSON at offset ") {
			t.Errorf("%q: text %q, want it to end in %q", c.data, err, c.text)
		}
	}
}

func TestScanObjectAccepts(t *testing.T) {
	for _, data := range []string{
		`{}`, " { } ", `{"a":{}}`, `{"a":[]}`, `{"a":[ ]}`, `{"a":-0}`, `{"a":0.0E-0}`, `{"a":1e400}`,
		`{"model":1,"Model":2}`,           // names are case-exact
		`{"a":{"b":1,"b":2},"b":{"a":1}}`, // nested duplicates pass
		`{"a":"\u0000\"\\\/\b\f\n\r\t"}`, `{"a":"\ud83d\ude00\uFFFF"}`, "{\"a\":\"\u00e9\u4f60\U0001f600\x7f\uFFFD\"}",
		"{\"a\":\"\xed\x9f\xbf\xee\x80\x80\xe0\xa0\x80\"}", // the neighbours of the surrogates; the least three-byte one
	} {
		if _, err := scanAll([]byte(data)); err != nil {
			t.Errorf("%q: %v", data, err)
		}
	}
}

// The word-wise skipping of strings must see every special byte at every place of a word and of a chunk, and no other.
func TestEveryByteAtEveryPlaceOfAString(t *testing.T) {
	for _, length := range []int{1, 7, 8, 9, 16, 40, 120} {
		for at := range length {
			for c := range 256 {
				s := []byte(strings.Repeat("x", length))
				s[at] = byte(c)
				data := []byte(`{"k":"` + string(s) + `"}`)
				_, err := scanAll(data)
				if bad := c >= 0x80 || !json.Valid(data); bad != (err != nil) {
					t.Fatalf("0x%02x at %d of %d: %v", c, at, length, err)
				}
			}
		}
	}
}

func TestDepthIsLimitedWhereverItIsReached(t *testing.T) {
	deep := func(n int, open, inner, shut string) string {
		return strings.Repeat(open, n) + inner + strings.Repeat(shut, n)
	}
	for _, c := range []struct {
		data string
		ok   bool
	}{
		{deep(llm.MaxDepth, `{"a":`, "1", "}"), true},
		{deep(llm.MaxDepth+1, `{"a":`, "1", "}"), false},
		{`{"a":` + deep(llm.MaxDepth-1, "[", "", "]") + "}", true},
		{`{"a":` + deep(llm.MaxDepth, "[", "", "]") + "}", false},
		{`{"a":` + strings.Repeat("[", 1<<20), false}, // hostile: never closed
	} {
		_, err := scanAll([]byte(c.data))
		if e := fault(t, err); (e.Reason == "") != c.ok || !c.ok && e.Reason != llm.TooDeep {
			t.Errorf("%.20s... (%d bytes): %v", c.data, len(c.data), err)
		}
		if err := llm.Valid([]byte(c.data)); (err == nil) != c.ok {
			t.Errorf("Valid: %.20s... (%d bytes): %v", c.data, len(c.data), err)
		}
	}
}

func TestDuplicatesAreFoundAmongAnyNumberOfKeys(t *testing.T) {
	for _, n := range []int{1, 2, 31, 32, 33, 34, 64, 1000} {
		data := manyKeys(n)
		if got, err := scanAll(data); err != nil || got != n {
			t.Fatalf("%d keys: got %d, %v", n, got, err)
		}
		for _, k := range []int{0, n / 2, n - 1} {
			again := fmt.Appendf(data[:len(data)-1:len(data)-1], `,"%x":0}`, k)
			_, err := scanAll(again)
			if e := fault(t, err); e.Reason != llm.DuplicateKey || e.Offset != len(data) || e.Key != fmt.Sprintf("%x", k) {
				t.Errorf("%d keys and %d again: %v", n, k, err)
			}
		}
	}
}

// A body of a million members must not cost their square. Quadratic is a thousand times the bound and more.
func TestAMillionKeysCostLinearTime(t *testing.T) {
	data := manyKeys(1_000_000)
	start := time.Now()
	if n, err := scanAll(data); n != 1_000_000 || err != nil {
		t.Fatal(n, err)
	}
	if took := time.Since(start); took > 20*time.Second {
		t.Errorf("took %v", took)
	}
}

func TestErrorShowsAtMost64BytesOfAKey(t *testing.T) {
	key := strings.Repeat("k\u00e9", 1000)
	_, err := scanAll([]byte(`{"` + key + `":1,"` + key + `":2}`))
	if e := fault(t, err); len(e.Key) != 64 || len(e.Error()) > 200 {
		t.Errorf("key of %d bytes, text of %d", len(e.Key), len(e.Error()))
	}
}

func TestScanningDoesNotAllocate(t *testing.T) {
	data, nested := body(100<<10), turns(10<<10)
	for name, f := range map[string]func(){
		"ScanObject": func() { scanAll(data) },
		"ScanNested": func() {
			s := llm.ScanNested(nested, llm.Member{End: len(nested)})
			for m, ok := s.Next(); ok; m, ok = s.Next() {
				if m.Kind == llm.Array {
					a := llm.ScanNested(nested, m)
					for _, ok := a.Next(); ok; _, ok = a.Next() {
					}
				}
			}
		},
		"Valid": func() { llm.Valid(data) },
		"Get":   func() { llm.Get(nested, "messages") },
		"Int":   func() { llm.Int([]byte("4096")) },
		"Bool":  func() { llm.Bool([]byte("true")) },
	} {
		if n := testing.AllocsPerRun(20, f); n != 0 {
			t.Errorf("%s: %v allocations", name, n)
		}
	}
}
