package llm

var bom = []byte("\xef\xbb\xbf")

// text is JSON text under validation. Its methods take the offset where something begins and return the offset
// behind it, or -1 after noting the fault: an int is cheaper to pass up than an error, and only one fault is told.
type text struct {
	data []byte
	err  SyntaxError // Reason is empty while all is well
}

// Valid reports whether data is exactly one JSON value: nil, or a *[SyntaxError].
//
// Strictly RFC 8259, and where that leaves a choice, the stricter one, as in RFC 7493 and encoding/json/v2: strings
// are valid UTF-8 and have no escapes for half a surrogate pair (Anthropic refuses these as well), there is no byte
// order mark, nothing but white space follows, and values nest at most [MaxDepth] deep. Duplicate keys pass.
func Valid(data []byte) error {
	t := text{data: data}
	i := t.space(0)
	if i < len(data) && data[i] == bom[0] {
		t.fail(i, ByteOrderMark)
	} else if i = t.value(i, 0); i >= 0 {
		t.end(i)
	}
	return t.fault()
}

// fault returns the fault as an error. The copy is what keeps a text, and so a Scanner, off the heap.
func (t *text) fault() error {
	if t.err.Reason == "" {
		return nil
	}
	e := t.err
	return &e
}

// fail notes the first fault; later ones are consequences.
func (t *text) fail(i int, r SyntaxReason) int {
	if t.err.Reason == "" {
		t.err.Offset, t.err.Reason = i, r
		if i < len(t.data) {
			t.err.found = t.data[i]
		}
	}
	return -1
}

// unexpected notes that the byte at i cannot stand there, or that the text ends there.
func (t *text) unexpected(i int) int {
	if i >= len(t.data) {
		return t.fail(len(t.data), UnexpectedEnd)
	}
	return t.fail(i, UnexpectedByte)
}

// end checks that only white space follows.
func (t *text) end(i int) {
	if i = t.space(i); i < len(t.data) {
		t.fail(i, TrailingData)
	}
}

// peek returns the byte at i, and 0 at the end; a 0 in the text is as unexpected as its end.
func (t *text) peek(i int) byte {
	if i < len(t.data) {
		return t.data[i]
	}
	return 0
}

// space skips white space.
func (t *text) space(i int) int {
	for i < len(t.data) {
		if c := t.data[i]; c > ' ' || c != ' ' && c != '\n' && c != '\r' && c != '\t' {
			break
		}
		i++
	}
	return i
}

// value skips one value that lies inside depth containers.
func (t *text) value(i, depth int) int {
	switch c := t.peek(i); c {
	case '"':
		return t.str(i)
	case '{':
		return t.object(i, depth+1)
	case '[':
		return t.array(i, depth+1)
	case 't':
		return t.literal(i, "true")
	case 'f':
		return t.literal(i, "false")
	case 'n':
		return t.literal(i, "null")
	case '-', '0', '1', '2', '3', '4', '5', '6', '7', '8', '9':
		return t.number(i)
	}
	return t.unexpected(i)
}

func (t *text) object(i, depth int) int {
	if depth > MaxDepth {
		return t.fail(i, TooDeep)
	}
	i = t.space(i + 1)
	if t.peek(i) == '}' {
		return i + 1
	}
	for {
		if _, i = t.key(i); i < 0 {
			return -1
		}
		if i = t.value(i, depth); i < 0 {
			return -1
		}
		i = t.space(i)
		switch t.peek(i) {
		case ',':
			i = t.space(i + 1)
		case '}':
			return i + 1
		default:
			return t.unexpected(i)
		}
	}
}

// key skips a key and its colon: where the key ends, and where its value begins.
func (t *text) key(i int) (end, value int) {
	if t.peek(i) != '"' {
		return -1, t.unexpected(i)
	}
	if end = t.str(i); end < 0 {
		return -1, -1
	}
	if i = t.space(end); t.peek(i) != ':' {
		return -1, t.unexpected(i)
	}
	return end, t.space(i + 1)
}

func (t *text) array(i, depth int) int {
	if depth > MaxDepth {
		return t.fail(i, TooDeep)
	}
	i = t.space(i + 1)
	if t.peek(i) == ']' {
		return i + 1
	}
	for {
		if i = t.value(i, depth); i < 0 {
			return -1
		}
		i = t.space(i)
		switch t.peek(i) {
		case ',':
			i = t.space(i + 1)
		case ']':
			return i + 1
		default:
			return t.unexpected(i)
		}
	}
}

// literal skips a word whose first byte has been seen.
func (t *text) literal(i int, word string) int {
	for k := 1; k < len(word); k++ {
		if t.peek(i+k) != word[k] {
			return t.unexpected(i + k)
		}
	}
	return i + len(word)
}

// number skips a number: a minus sign, an integer without leading zeros, a fraction, an exponent.
func (t *text) number(i int) int {
	if t.data[i] == '-' {
		i++
	}
	if t.peek(i) == '0' {
		i++
	} else if i = t.digits(i); i < 0 {
		return -1
	}
	if t.peek(i) == '.' {
		if i = t.digits(i + 1); i < 0 {
			return -1
		}
	}
	if t.peek(i)|0x20 == 'e' {
		i++
		if c := t.peek(i); c == '+' || c == '-' {
			i++
		}
		return t.digits(i)
	}
	return i
}

// digits skips at least one digit.
func (t *text) digits(i int) int {
	start := i
	for i < len(t.data) && t.data[i]-'0' <= 9 {
		i++
	}
	if i == start {
		return t.unexpected(i)
	}
	return i
}
