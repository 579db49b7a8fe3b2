package llm

import "slices"

// Fields are the members of a JSON object in order, as written. They are for objects that are put together from parts
// of others; what is not touched keeps its bytes.
type Fields []Field

// Field is one member.
type Field struct {
	Key   string
	Value []byte // as written; aliases what it was read from until it is set
}

// ReadFields returns the members of the object in raw; of anything else it is false.
func ReadFields(raw []byte) (Fields, bool) {
	var fields Fields
	s := Scanner{text: text{data: raw}, want: '{'}
	for m, ok := s.Next(); ok; m, ok = s.Next() {
		fields.Set(string(m.Key), raw[m.Start:m.End])
	}
	return fields, s.Err() == nil
}

// Get returns the value of a member, nil when there is none.
func (f Fields) Get(key string) []byte {
	if i := f.at(key); i >= 0 {
		return f[i].Value
	}
	return nil
}

func (f Fields) at(key string) int {
	return slices.IndexFunc(f, func(field Field) bool { return field.Key == key })
}

// Set puts a value in the place of a member's, or behind all others.
func (f *Fields) Set(key string, value []byte) {
	if i := f.at(key); i >= 0 {
		(*f)[i].Value = value
		return
	}
	*f = append(*f, Field{key, value})
}

// Append writes the object.
func (f Fields) Append(dst []byte) []byte {
	dst = append(dst, '{')
	for i, field := range f {
		if i > 0 {
			dst = append(dst, ',')
		}
		dst = append(AppendQuoted(dst, field.Key), ':')
		dst = append(dst, field.Value...)
	}
	return append(dst, '}')
}

// Text is a JSON string that is put together from others without decoding them: what is inside the quotes of each is
// joined. The zero Text has not begun.
type Text struct{ raw []byte }

// Add appends a JSON string; anything else is ignored.
func (t *Text) Add(raw []byte) {
	if len(raw) < 2 || raw[0] != '"' {
		return
	}
	if t.raw == nil {
		t.raw = []byte{'"'}
	}
	t.raw = append(t.raw, raw[1:len(raw)-1]...)
}

// Begun reports whether any string was added.
func (t *Text) Begun() bool { return t.raw != nil }

// JSON returns the string, an empty one when none was added. Nothing may be added after it.
func (t *Text) JSON() []byte {
	if t.raw == nil {
		return []byte(`""`)
	}
	return append(t.raw, '"')
}

// AskForStream makes a plain request one for a stream. more are members that go with it, such as
// `"stream_options":{"include_usage":true}`; empty: none.
func (f *Fit) AskForStream(more string) error {
	const name = "stream_upstream"
	r := f.Request
	all := Member{End: len(r.Body)}
	add := more
	s := ScanNested(r.Body, all)
	found := false
	for m, ok := s.Next(); ok; m, ok = s.Next() {
		if string(m.Key) == "stream" {
			f.Replace(name, Span{m.Start, m.End}, "true")
			found = true
		}
	}
	if !found {
		add = `"stream":true`
		if more != "" {
			add += "," + more
		}
	}
	if add == "" {
		return nil
	}
	edit, err := Insert(r.Body, all, []byte(add))
	if err != nil {
		return err
	}
	if found {
		f.edits = append(f.edits, edit)
		return nil
	}
	f.Edit(name, edit)
	return nil
}
