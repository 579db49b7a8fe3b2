package llm

import "strconv"

// SyntaxReason is why a text is refused: one of the constants below, a closed set.
type SyntaxReason string

// The reasons of a [SyntaxError].
const (
	UnexpectedByte   SyntaxReason = "unexpected_byte"   // a byte that the grammar does not allow there
	UnexpectedEnd    SyntaxReason = "unexpected_end"    // the text ends too early
	TrailingData     SyntaxReason = "trailing_data"     // more than white space behind the value
	ControlCharacter SyntaxReason = "control_character" // an unescaped byte below 0x20 in a string
	InvalidUTF8      SyntaxReason = "invalid_utf8"      // bytes in a string that are not UTF-8
	InvalidEscape    SyntaxReason = "invalid_escape"    // an unknown escape, or \u without four hexadecimal digits
	LoneSurrogate    SyntaxReason = "lone_surrogate"    // \ud800 to \udfff that is not a pair, high half first
	ByteOrderMark    SyntaxReason = "byte_order_mark"   // U+FEFF before the value
	TooDeep          SyntaxReason = "too_deep"          // nested deeper than MaxDepth
	DuplicateKey     SyntaxReason = "duplicate_key"     // two members of one name in an object where names must differ
	WrongKind        SyntaxReason = "wrong_kind"        // valid so far, but not the object or array that was asked for
)

// SyntaxError tells where and why a JSON text is refused.
type SyntaxError struct {
	Offset int          // bytes before the fault; the length of the text where it ends too early
	Reason SyntaxReason // from a closed set
	Key    string       // for DuplicateKey the name, unescaped, at most 64 bytes of it; else empty
	found  byte         // the byte at Offset
}

// Error is one line in printable ASCII. Of the text it shows one byte at most, or the duplicate key.
func (e *SyntaxError) Error() string {
	return "llm: invalid JSON at offset " + strconv.Itoa(e.Offset) + ": " + e.detail()
}

func (e *SyntaxError) detail() string {
	switch e.Reason {
	case UnexpectedByte:
		return "unexpected " + show(e.found)
	case TrailingData:
		return "unexpected " + show(e.found) + " after the value"
	case UnexpectedEnd:
		return "unexpected end"
	case ControlCharacter:
		return "control character " + show(e.found) + " in a string"
	case InvalidUTF8:
		return "invalid UTF-8 in a string"
	case InvalidEscape:
		return "invalid escape in a string"
	case LoneSurrogate:
		return "escape of half a surrogate pair in a string"
	case ByteOrderMark:
		return "byte order mark"
	case TooDeep:
		return "nested deeper than " + strconv.Itoa(MaxDepth)
	case DuplicateKey:
		return "duplicate key " + strconv.QuoteToASCII(e.Key)
	case WrongKind:
		return "not the kind of value wanted"
	}
	return string(e.Reason)
}

// show writes one byte so that it is safe in a log.
func show(c byte) string {
	if c < ' ' || c > '~' {
		const digits = "0123456789abcdef"
		return "byte 0x" + string([]byte{digits[c>>4], digits[c&15]})
	}
	return "'" + string(rune(c)) + "'"
}

// clip copies at most 64 bytes of a key for an error text.
func clip(key []byte) string { return string(key[:min(len(key), 64)]) }
