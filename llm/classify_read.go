package llm

import (
	"bytes"
	"encoding/json"
	"strconv"
	"strings"
)

// ReadFault reads an error body in any of the shapes that providers use. It is false for anything else: HTML, text,
// broken JSON, an answer. A body that is one error in an array (Gemini) is read as that error.
func ReadFault(body []byte) (Fault, bool) {
	body, ok := whole(body)
	if !ok {
		return Fault{}, false
	}
	if body[0] == '[' {
		s := ScanArray(body)
		m, _ := s.Next()
		body = body[m.Start:m.End]
	}
	var f Fault
	var top string
	if raw, ok := member(body, "error"); ok {
		f.readError(raw) // before all that stands around it, in whatever order
	}
	eachMember(body, func(key string, raw []byte) {
		switch key {
		case "type":
			top = wordOf(raw)
		case "object":
			if wordOf(raw) == "error" {
				f.Shape = max(f.Shape, MarkedShape)
			}
		case "message", "detail", "code", "__type", "error_type":
			f.readFlat(key, raw)
		}
	})
	if top == "error" && f.Shape == ErrorShape && f.Type != "" {
		f.Shape = TypedShape
	} else if f.Shape == MarkedShape && f.Type == "" && top != "error" {
		f.Type = top
	}
	return f, f.Shape != NoShape
}

// whole returns the one JSON value in body. Text with half a surrogate pair or invalid UTF-8, which models produce,
// is mended first: what a provider says is read as well as it can be.
func whole(body []byte) ([]byte, bool) {
	if Valid(body) != nil {
		mended, ok := Mend(body)
		if !ok {
			return nil, false
		}
		body = mended
	}
	return Get(body)
}

// Mend rewrites JSON that is valid but for text that [Valid] refuses: half a surrogate pair, bytes that are not
// UTF-8. They become U+FFFD. It is slow and for answers only; a request is never mended.
func Mend(data []byte) ([]byte, bool) {
	if !json.Valid(data) {
		return nil, false
	}
	var v any
	if json.Unmarshal(data, &v) != nil {
		return nil, false
	}
	out, err := json.Marshal(v)
	return out, err == nil && Valid(out) == nil
}

// readError reads the value of the member "error".
func (f *Fault) readError(raw []byte) {
	if s, ok := Str(raw); ok {
		f.Shape, f.Message = max(f.Shape, FlatShape), s
		return
	}
	eachMember(raw, func(key string, raw []byte) {
		f.Shape = ErrorShape
		switch key {
		case "type":
			f.Type = wordOf(raw)
		case "status": // Gemini
			if f.Type == "" {
				f.Type = wordOf(raw)
			}
		case "code":
			f.setCode(raw)
		case "message":
			f.Message = wordOf(raw)
		case "param":
			f.Param = wordOf(raw)
		case "details":
			f.readDetails(raw)
		case "metadata": // OpenRouter: epoch milliseconds
			if reset, ok := Get(raw, "headers", "X-RateLimit-Reset"); ok {
				f.reset = wordOf(reset)
			}
		}
	})
}

// readFlat reads a member beside the error, or of a body that has none. Of an error object only the code is missing at
// times.
func (f *Fault) readFlat(key string, raw []byte) {
	s := wordOf(raw)
	switch {
	case s == "":
	case key == "code":
		f.setCode(raw)
	case f.Shape >= ErrorShape:
	case key == "__type" || key == "error_type":
		_, after, found := strings.Cut(s, "#") // AWS: a namespace before it
		if f.Type = s; found {
			f.Type = after
		}
	case key == "message" || f.Message == "":
		f.Shape, f.Message = max(f.Shape, FlatShape), s
	}
}

// setCode takes a code that is a word, or a number that is a status.
func (f *Fault) setCode(raw []byte) {
	s := wordOf(raw)
	if n, err := strconv.Atoi(s); err == nil {
		if n >= 400 && n < 600 && f.Status == 0 {
			f.Status = n
		}
		return
	}
	if f.Code == "" {
		f.Code = s
	}
}

// readDetails reads error.details: an object with error_code (Anthropic), or a list of google.rpc messages.
func (f *Fault) readDetails(raw []byte) {
	if code, ok := Get(raw, "error_code"); ok {
		f.Code = wordOf(code)
		return
	}
	eachMember(raw, func(_ string, item []byte) {
		eachMember(item, func(key string, raw []byte) {
			switch key {
			case "retryDelay":
				f.delay = wordOf(raw)
			case "reason":
				f.Code = wordOf(raw)
			case "violations":
				f.Daily = f.Daily || strings.Contains(string(raw), "PerDay")
			}
		})
	})
}

// eachMember calls f for the members of an object or the elements of an array, and not at all for anything else.
func eachMember(data []byte, f func(key string, raw []byte)) {
	s := ScanNested(data, Member{End: len(data)})
	for m, ok := s.Next(); ok; m, ok = s.Next() {
		f(string(m.Key), data[m.Start:m.End])
	}
}

// wordOf is a string, or a number as it is written; empty for anything else.
func wordOf(raw []byte) string {
	if s, ok := Str(raw); ok {
		return s
	}
	if len(raw) > 0 && kindOf(raw[0]) == Number {
		return string(raw)
	}
	return ""
}

// OneLine returns valid JSON without line ends, for a field of an event stream: the API of a provider may indent its
// errors. In JSON a line end can only be white space.
func OneLine(data []byte) []byte {
	out := bytes.Clone(data)
	for i, c := range out {
		if c == '\n' || c == '\r' {
			out[i] = ' '
		}
	}
	return out
}
