package llm

import (
	"bytes"
	"strconv"
	"unicode/utf8"
)

// Str decodes a JSON string. It is false for any other value and for a string that is not valid, quotes included.
func Str(raw []byte) (string, bool) {
	t := text{data: raw}
	if t.peek(0) != '"' || t.str(0) != len(raw) {
		return "", false
	}
	return string(t.unquoted(0, len(raw))), true
}

// Int decodes a JSON number written as an integer that fits an int. It is false for any other value, and for 1.0 and
// 1e3 as well: what an API makes of those is its own affair, so they count as unknown here.
func Int(raw []byte) (int, bool) {
	t := text{data: raw}
	if c := t.peek(0); c != '-' && c-'0' > 9 || t.number(0) != len(raw) {
		return 0, false
	}
	n, err := strconv.Atoi(string(raw))
	if err != nil { // too large; Atoi gives the largest
		return 0, false
	}
	return n, true
}

// Bool decodes true or false. It is false, false for any other value.
func Bool(raw []byte) (value, ok bool) {
	switch string(raw) {
	case "true":
		return true, true
	case "false":
		return false, true
	}
	return false, false
}

// Get follows object keys from the value in data to one inside: Get(body, "error", "type"). Of duplicate keys the
// first counts. Only what stands before the value found, and the value itself, is validated; nothing found and a
// fault on the way both give false. It is for small documents (events, error bodies): each call scans from the
// beginning. Without keys it returns the value in data without the white space around it.
func Get(data []byte, path ...string) (raw []byte, ok bool) {
	if len(path) == 0 {
		t := text{data: data}
		i := t.space(0)
		if end := t.value(i, 0); end >= 0 {
			return data[i:end], true
		}
		return nil, false
	}
	for _, key := range path {
		if data, ok = member(data, key); !ok {
			return nil, false
		}
	}
	return data, true
}

// member returns the value of the first member of that name.
func member(data []byte, key string) ([]byte, bool) {
	s := Scanner{text: text{data: data}, want: '{'}
	for {
		m, ok := s.Next()
		if !ok {
			return nil, false
		}
		if string(m.Key) == key {
			return data[m.Start:m.End], true
		}
	}
}

// unquoted returns the contents of the valid string data[start:end], quotes included: the bytes themselves, or a
// decoded copy when there are escapes.
func (t *text) unquoted(start, end int) []byte {
	raw := t.data[start:end:end]
	if bytes.IndexByte(raw, '\\') < 0 {
		return raw[1 : len(raw)-1 : len(raw)-1]
	}
	return AppendUnquoted(make([]byte, 0, len(raw)), raw)
}

// AppendUnquoted appends the contents of raw, a JSON string with its quotes. Of anything but a valid string it
// appends nothing.
func AppendUnquoted(dst, raw []byte) []byte {
	t := text{data: raw}
	if t.peek(0) != '"' || t.str(0) != len(raw) {
		return dst
	}
	for s := raw[1 : len(raw)-1]; ; {
		i := bytes.IndexByte(s, '\\')
		if i < 0 {
			return append(dst, s...)
		}
		var n int
		dst, n = appendEscape(append(dst, s[:i]...), s[i:])
		s = s[i+n:]
	}
}

// CutString appends the contents of the JSON string that raw begins with, and returns the length of the string, quotes
// included; 0 when raw begins with no valid one.
func CutString(dst, raw []byte) (out []byte, n int) {
	t := text{data: raw}
	if t.peek(0) != '"' {
		return dst, 0
	}
	if n = t.str(0); n < 0 {
		return dst, 0
	}
	if inner := raw[1 : n-1]; bytes.IndexByte(inner, '\\') < 0 {
		return append(dst, inner...), n
	}
	return AppendUnquoted(dst, raw[:n]), n
}

// appendEscape decodes the escape sequence that valid text s begins with, and tells its length.
func appendEscape(dst, s []byte) ([]byte, int) {
	if s[1] != 'u' {
		return append(dst, escapes[s[1]]), 2
	}
	t := text{data: s}
	u := rune(t.hex4(2))
	if u < 0xd800 || u > 0xdfff {
		return utf8.AppendRune(dst, u), 6
	}
	u = (u-0xd800)<<10 + rune(t.hex4(8)) - 0xdc00 + 0x10000
	return utf8.AppendRune(dst, u), 12
}

// AppendQuoted appends s as a JSON string, with no more escapes than RFC 8259 asks for (none for HTML). Bytes that
// are not UTF-8 become U+FFFD, each.
func AppendQuoted(dst []byte, s string) []byte {
	dst = append(dst, '"')
	start := 0
	for i := 0; i < len(s); {
		c := s[i]
		if c >= utf8.RuneSelf {
			r, n := utf8.DecodeRuneInString(s[i:])
			if r == utf8.RuneError && n == 1 {
				dst = append(append(dst, s[start:i]...), "\ufffd"...)
				start = i + 1
			}
			i += n
			continue
		}
		if c < ' ' || c == '"' || c == '\\' {
			dst = appendEscaped(append(dst, s[start:i]...), c)
			start = i + 1
		}
		i++
	}
	return append(append(dst, s[start:]...), '"')
}

// appendEscaped writes a byte that may not stand in a string by itself.
func appendEscaped(dst []byte, c byte) []byte {
	switch c {
	case '"', '\\':
		return append(dst, '\\', c)
	case '\n':
		return append(dst, `\n`...)
	case '\r':
		return append(dst, `\r`...)
	case '\t':
		return append(dst, `\t`...)
	}
	const digits = "0123456789abcdef"
	return append(dst, '\\', 'u', '0', '0', digits[c>>4], digits[c&15])
}
