package llm_test

import (
	"encoding/json"
	"math"
	"strconv"
	"testing"
	"unicode/utf8"

	"fairlead.dev/llm"
)

func TestStr(t *testing.T) {
	for _, c := range []struct {
		raw, want string
		ok        bool
	}{
		{`""`, "", true}, {`"a"`, "a", true}, {`"\"\\\/\b\f\n\r\t"`, "\"\\/\b\f\n\r\t", true},
		{`"\u0041\u00e9\u4f60\ud83d\ude00z"`, "A\u00e9\u4f60\U0001f600z", true}, {`"\uFFFF"`, "\uffff", true},
		{"", "", false}, {`"`, "", false}, {`"a`, "", false}, {`"a""`, "", false}, {` "a"`, "", false}, {`"a" `, "", false},
		{`"\ud83d"`, "", false}, {`"\q"`, "", false}, {"\"\n\"", "", false}, {"\"\xff\"", "", false},
		{"1", "", false}, {"null", "", false}, {`["a"]`, "", false},
	} {
		if got, ok := llm.Str([]byte(c.raw)); got != c.want || ok != c.ok {
			t.Errorf("Str(%q) = %q, %v", c.raw, got, ok)
		}
		want := "x" + c.want
		if got := llm.AppendUnquoted([]byte("x"), []byte(c.raw)); string(got) != want {
			t.Errorf("AppendUnquoted(%q) = %q", c.raw, got)
		}
	}
}

func TestInt(t *testing.T) {
	for _, c := range []struct {
		raw  string
		want int
		ok   bool
	}{
		{"0", 0, true}, {"-0", 0, true}, {"4096", 4096, true}, {"-1", -1, true},
		{strconv.Itoa(math.MaxInt), math.MaxInt, true}, {strconv.Itoa(math.MinInt), math.MinInt, true},
		{"9223372036854775808", 0, false}, {"1.0", 0, false}, {"1e3", 0, false}, {"+1", 0, false}, {"01", 0, false},
		{"", 0, false}, {"-", 0, false}, {"1 ", 0, false}, {"0x10", 0, false}, {"1_000", 0, false}, {`"1"`, 0, false}, {"null", 0, false},
	} {
		if got, ok := llm.Int([]byte(c.raw)); ok != c.ok || ok && got != c.want {
			t.Errorf("Int(%q) = %d, %v", c.raw, got, ok)
		}
	}
}

func TestBool(t *testing.T) {
	for raw, want := range map[string][2]bool{
		"true": {true, true}, "false": {false, true}, "True": {}, "": {}, "1": {}, "null": {}, `"true"`: {},
	} {
		if v, ok := llm.Bool([]byte(raw)); v != want[0] || ok != want[1] {
			t.Errorf("Bool(%q) = %v, %v", raw, v, ok)
		}
	}
}

func TestGet(t *testing.T) {
	doc := ` {"type":"error","\u0065rror":{"type":"overloaded_error","type":"second","n":[{"x":1}]},"end":"\q"}`
	for _, c := range []struct {
		path []string
		want string
		ok   bool
	}{
		{[]string{"type"}, `"error"`, true},
		{[]string{"error", "type"}, `"overloaded_error"`, true}, // the first of two; the fault behind it is not looked at
		{[]string{"error", "n"}, `[{"x":1}]`, true},
		{[]string{"error", "n", "x"}, "", false}, // keys go into objects only
		{[]string{"error", "Type"}, "", false},
		{[]string{"type", "error"}, "", false},
		{[]string{"end"}, "", false},
		{[]string{"none"}, "", false},
		{nil, "", false}, // the whole is not valid
	} {
		if got, ok := llm.Get([]byte(doc), c.path...); string(got) != c.want || ok != c.ok {
			t.Errorf("Get(%q) = %q, %v", c.path, got, ok)
		}
	}
	if got, ok := llm.Get([]byte(" [1] ")); string(got) != "[1]" || !ok {
		t.Errorf("Get without a path = %q, %v", got, ok)
	}
	for _, html := range []string{"", "<html>", "null", "[DONE]"} {
		if got, ok := llm.Get([]byte(html), "error"); ok {
			t.Errorf("Get in %q = %q", html, got)
		}
	}
}

func TestValid(t *testing.T) {
	for _, good := range []string{"1", " null ", `"x"`, "[]", "{}", "-0.1E+2", `{"a":1,"a":2}`} {
		if err := llm.Valid([]byte(good)); err != nil {
			t.Errorf("%q: %v", good, err)
		}
	}
	for bad, want := range map[string]llm.SyntaxReason{
		"": llm.UnexpectedEnd, "1 2": llm.TrailingData, "\xef\xbb\xbf1": llm.ByteOrderMark, "\xff": llm.ByteOrderMark,
		"[": llm.UnexpectedEnd, "<": llm.UnexpectedByte, "[1}": llm.UnexpectedByte,
	} {
		if bad == "\xff" {
			want = llm.UnexpectedByte
		}
		if e := fault(t, llm.Valid([]byte(bad))); e.Reason != want {
			t.Errorf("%q: %q, want %q", bad, e.Reason, want)
		}
	}
}

func TestAppendQuotedIsReadBackAsItWas(t *testing.T) {
	for _, s := range []string{"", "plain", "q\"b\\s/", "\x00\x1f\x7f\n\r\t\b", "<&>\u2028", "\u00e9\u4f60\U0001f600", "bad\xffbyte\xe4\xbd", "\ufffd"} {
		quoted := llm.AppendQuoted([]byte("x"), s)
		if quoted[0] != 'x' {
			t.Fatalf("%q: dst was lost", s)
		}
		var got string
		if err := json.Unmarshal(quoted[1:], &got); err != nil {
			t.Fatalf("%q: %s: %v", s, quoted, err)
		}
		if want := string([]rune(s)); got != want { // the conversion replaces each byte that is not UTF-8
			t.Errorf("%q: read back as %q, want %q", s, got, want)
		}
		if back, ok := llm.Str(quoted[1:]); ok != true || utf8.ValidString(s) && back != s {
			t.Errorf("%q: Str gives %q, %v", s, back, ok)
		}
	}
	if got := string(llm.AppendQuoted(nil, "<a href=\"x\">&\u2028")); got != "\"<a href=\\\"x\\\">&\u2028\"" {
		t.Errorf("escapes more than it must: %s", got)
	}
}
