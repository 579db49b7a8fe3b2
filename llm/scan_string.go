package llm

import (
	"encoding/binary"
	"math/bits"
	"unicode/utf8"
)

// One bit pattern for each of the eight bytes of a word.
const (
	ones    = 0x0101010101010101
	highs   = 0x80 * ones
	twos    = 0x02 * ones
	limits  = 0x21 * ones
	slashes = '\\' * ones
)

// special sets the high bit of the bytes of w that cannot be skipped inside a string: quote, backslash, control
// character, not ASCII. Swapping bit 1 puts the quote right above the control characters, so that c^2 < 0x21 finds
// both at once. Bytes beyond ASCII need no term of their own: c^0x5c keeps their high bit, and so does taking one
// from it, but for 0xdc, which the first term finds. The lowest bit found is exact; above it a borrow may have set
// others, so look at the lowest only. Bits other than the high ones are noise.
func special(w uint64) uint64 {
	return ((w ^ twos) - limits) | ((w ^ slashes) - ones)
}

// plain skips whole words of bytes that need no look; it may stop up to 31 bytes before the first that does.
// Prompts are nearly all plain and this is where a large body spends its time, hence 32 bytes a turn.
func plain(data []byte, i int) int {
	for len(data)-i >= 32 {
		chunk := data[i : i+32]
		a := special(binary.LittleEndian.Uint64(chunk)) | special(binary.LittleEndian.Uint64(chunk[8:]))
		b := special(binary.LittleEndian.Uint64(chunk[16:])) | special(binary.LittleEndian.Uint64(chunk[24:]))
		if (a|b)&highs != 0 {
			break
		}
		i += 32
	}
	return i
}

// str skips the string whose opening quote is at i.
func (t *text) str(i int) int {
	data := t.data
	i++
	for long := i + 64; i < len(data); {
		if len(data)-i >= 8 {
			w := special(binary.LittleEndian.Uint64(data[i:])) & highs
			if w == 0 {
				if i += 8; i > long {
					i = plain(data, i)
				}
				continue
			}
			long = i + 64
			i += bits.TrailingZeros64(w) / 8
		}
		switch c := data[i]; {
		case c == '"':
			return i + 1
		case c == '\\':
			if i+1 < len(data) && data[i+1] != 'u' && escapes[data[i+1]] != 0 {
				i += 2
			} else if i = t.escape(i); i < 0 {
				return -1
			}
		case c < ' ':
			return t.fail(i, ControlCharacter)
		case c < utf8.RuneSelf:
			i++
		default:
			if i = t.runes(i); i < 0 {
				return -1
			}
		}
	}
	return t.unexpected(i)
}

// escapes maps the byte behind a backslash to what the two stand for; 'u' to itself, and 0 is no escape.
var escapes = [256]byte{'"': '"', '\\': '\\', '/': '/', 'b': '\b', 'f': '\f', 'n': '\n', 'r': '\r', 't': '\t', 'u': 'u'}

// runes skips a run of characters beyond ASCII; in most scripts they come in words. Three bytes is the length of
// nearly all of Chinese, Japanese and Korean; 0xe0 and 0xed are left to the careful way, for what must not follow them.
func (t *text) runes(i int) int {
	for data := t.data; i < len(data) && data[i] >= utf8.RuneSelf; {
		if c := data[i]; c > 0xe0 && c < 0xf0 && c != 0xed && i+2 < len(data) &&
			data[i+1]&0xc0 == 0x80 && data[i+2]&0xc0 == 0x80 {
			i += 3
			continue
		}
		r, n := utf8.DecodeRune(data[i:])
		if r == utf8.RuneError && n == 1 {
			return t.fail(i, InvalidUTF8)
		}
		i += n
	}
	return i
}

// escape skips the escape sequence whose backslash is at i; a surrogate pair is one sequence.
func (t *text) escape(i int) int {
	switch c := t.peek(i + 1); {
	case i+1 >= len(t.data):
		return t.unexpected(i + 1)
	case escapes[c] == 0:
		return t.fail(i+1, InvalidEscape)
	case c != 'u':
		return i + 2
	}
	u := t.hex4(i + 2)
	switch {
	case u < 0:
		return -1
	case u < 0xd800 || u > 0xdfff:
		return i + 6
	case u > 0xdbff || t.peek(i+6) != '\\' || t.peek(i+7) != 'u':
		return t.fail(i, LoneSurrogate)
	}
	if low := t.hex4(i + 8); low < 0 {
		return -1
	} else if low < 0xdc00 || low > 0xdfff {
		return t.fail(i, LoneSurrogate)
	}
	return i + 12
}

// hex4 returns the value of the four hexadecimal digits at i.
func (t *text) hex4(i int) int {
	u := 0
	for end := i + 4; i < end; i++ {
		switch c := t.peek(i); {
		case '0' <= c && c <= '9':
			u = u<<4 | int(c-'0')
		case 'a' <= c|0x20 && c|0x20 <= 'f':
			u = u<<4 | int(c|0x20-'a'+10)
		case i >= len(t.data):
			return t.unexpected(i)
		default:
			return t.fail(i, InvalidEscape)
		}
	}
	return u
}
