package llm

import "bytes"

// MaxDepth is how deep arrays and objects may nest, the outermost counted as one. RFC 8259 section 9 lets an
// implementation set a limit; 512 is far beyond any request body and keeps the stack of a hostile one small.
const MaxDepth = 512

// ValueKind is the type of a JSON value, told by its first byte.
type ValueKind uint8

// The kinds of JSON values. The zero ValueKind is no value.
const (
	Object ValueKind = iota + 1
	Array
	String
	Number
	True
	False
	Null
)

var kindNames = [...]string{"none", "object", "array", "string", "number", "true", "false", "null"}

// String returns the kind's name in JSON's words.
func (k ValueKind) String() string {
	if int(k) < len(kindNames) {
		return kindNames[k]
	}
	return kindNames[0]
}

// kindOf tells the kind of a valid value by its first byte.
func kindOf(c byte) ValueKind {
	switch c {
	case '{':
		return Object
	case '[':
		return Array
	case '"':
		return String
	case 't':
		return True
	case 'f':
		return False
	case 'n':
		return Null
	}
	return Number
}

// Member is one member of an object, or one element of an array. All offsets count from the beginning of the data
// that the scanner was given, so they may be used for edits of the whole body even when a nested value was scanned.
type Member struct {
	Key              []byte    // unescaped; nil in an array; aliases the input unless the key was written with escapes
	KeyStart, KeyEnd int       // the key as written, quotes included; both 0 in an array
	Start, End       int       // the value is data[Start:End], without white space around it
	Kind             ValueKind // type of the value
}

// first is where the member begins: its key, or in an array its value.
func (m Member) first() int {
	if m.Key != nil {
		return m.KeyStart
	}
	return m.Start
}

// Scanner walks over the members of one object or array, once, in order, and validates every byte on its way (RFC
// 8259, with the restrictions that [Valid] lists). It does not allocate, except for a key written with escapes, for
// an object with more than 32 members whose keys must differ, and for an error.
//
// What was scanned is proven valid only when Next has returned false and Err is nil: a caller that stops early has
// seen valid members of a text that may be broken behind them. The data must not change while it is scanned.
type Scanner struct {
	text   text
	pos    int  // next byte to look at
	want   byte // '{' or '[', or 0 for either: what the container must be
	close  byte // the byte that ends the container; 0 before its opening was read
	done   bool
	unique bool // refuse duplicate keys
	seen   keys
}

// ScanObject scans data, which must be exactly one object; white space around it is allowed, a byte order mark is
// not. Two members of the same name (compared without their escapes, case-exact) are refused as [DuplicateKey]:
// parsers disagree on which of them counts, so whoever routes on one could forward the other. The check is made
// for this object only: nested duplicates pass.
func ScanObject(data []byte) Scanner {
	return Scanner{text: text{data: data}, want: '{', unique: true}
}

// ScanArray scans data, which must be exactly one array; white space around it is allowed.
func ScanArray(data []byte) Scanner {
	return Scanner{text: text{data: data}, want: '['}
}

// ScanNested scans the object or array in body[m.Start:m.End], where m is a member that a scan of body has returned.
// Offsets of its members count from the beginning of body. Duplicate keys pass. The bytes are validated again: a
// wrong m gives an error, never a wrong offset. Depth counts from this container.
func ScanNested(body []byte, m Member) Scanner {
	return Scanner{text: text{data: body[:m.End]}, pos: m.Start}
}

// Next returns the next member. It returns false after the last one and at the first fault: see [Scanner.Err].
func (s *Scanner) Next() (Member, bool) {
	if s.done || !s.advance() {
		s.done = true
		return Member{}, false
	}
	var m Member
	i := s.pos
	if s.close == '}' {
		end, value := s.text.key(i)
		if end < 0 {
			return s.stop()
		}
		m.Key, m.KeyStart, m.KeyEnd = s.text.unquoted(i, end), i, end
		if s.unique && s.seen.repeated(&s.text, m) {
			s.text.err.Key = clip(m.Key)
			s.text.fail(i, DuplicateKey)
			return s.stop()
		}
		i = value
	}
	end := s.text.value(i, 1)
	if end < 0 {
		return s.stop()
	}
	m.Start, m.End, m.Kind = i, end, kindOf(s.text.data[i])
	s.pos = end
	return m, true
}

// Err tells why Next returned false: nil at the end of a valid text, else a *[SyntaxError].
func (s *Scanner) Err() error { return s.text.fault() }

func (s *Scanner) stop() (Member, bool) {
	s.done = true
	return Member{}, false
}

// advance moves to where the next member begins, over the opening or a comma; false at the end and at a fault.
func (s *Scanner) advance() bool {
	i := s.text.space(s.pos)
	c := s.text.peek(i)
	switch {
	case s.close == 0:
		if !s.enter(i) {
			return false
		}
		i = s.text.space(i + 1)
		if s.text.peek(i) == s.close {
			return s.leave(i)
		}
	case c == ',':
		i = s.text.space(i + 1)
	case c == s.close:
		return s.leave(i)
	default:
		s.text.unexpected(i)
		return false
	}
	s.pos = i
	return true
}

// enter checks the byte that opens the container and notes the one that will close it.
func (s *Scanner) enter(i int) bool {
	c := s.text.peek(i)
	s.close = '}'
	if c == '[' {
		s.close = ']'
	}
	switch {
	case bytes.HasPrefix(s.text.data[i:], bom):
		s.text.fail(i, ByteOrderMark)
	case c != '{' && c != '[':
		s.text.value(i, 0) // what is wrong with it comes first, that it is no container second
		s.text.fail(i, WrongKind)
	case s.want != 0 && c != s.want:
		s.text.fail(i, WrongKind)
	}
	return s.text.err.Reason == ""
}

// leave checks that nothing but white space follows the closing byte. It always ends the scan.
func (s *Scanner) leave(i int) bool {
	s.text.end(i + 1)
	return false
}
