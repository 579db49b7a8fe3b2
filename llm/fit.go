package llm

import (
	"cmp"
	"fmt"
	"slices"
	"strconv"
	"strings"
)

// Fit collects the changes that a request needs before one target takes it. A dialect makes one with [NewFit], asks
// [Fit.Check], adds changes of its own, and takes the [Fit.Body]. Every change has a name, and all of them are made in
// one copy.
//
// Fields are named as in [Adapt]: "temperature" is a field of the body, "output_config.effort" one inside a field, and
// "thinking?type=adaptive" the field thinking, but only when its member type is that word.
type Fit struct {
	Request *Request
	Model   Model
	Row     Adapt // what is known of the model

	edits  []Edit
	names  []string
	betas  []string
	gone   []string // fields that are left out: "thinking", "output_config.effort"
	tokens int      // what the answer may have, after clamping; 0: not said
}

// NewFit begins to fit r to the model. own is the dialect's table, which counts after the user's rows. Only a model that is
// not the first to be asked is adapted to: the client chose the first itself, and gets its answer unchanged.
func NewFit(r *Request, m Model, own []Adapt) *Fit {
	f := &Fit{Request: r, Model: m, tokens: r.MaxTokens}
	if m.Hop {
		f.Row = m.Known(own)
	}
	return f
}

// Known is what is known of the model: the user's rows, then the dialect's own.
func (m *Model) Known(own []Adapt) (row Adapt) {
	for _, rows := range [...][]Adapt{m.Adapt, own} {
		for i := range rows {
			if Match(rows[i].Model, m.Name) {
				row = row.or(&rows[i])
			}
		}
	}
	return row
}

// or fills what the row does not know from another. What is dropped from the body and from the beta header is one
// piece of knowledge and comes from one row: with half of it a request is refused.
func (a Adapt) or(b *Adapt) Adapt {
	a.Model = cmp.Or(a.Model, b.Model)
	a.Prefill = cmp.Or(a.Prefill, b.Prefill)
	a.Window, a.MaxOutput = cmp.Or(a.Window, b.Window), cmp.Or(a.MaxOutput, b.MaxOutput)
	a.NoTools, a.NoImages = a.NoTools || b.NoTools, a.NoImages || b.NoImages
	if a.Drop == nil && a.DropBetas == nil {
		a.Drop, a.DropBetas = b.Drop, b.DropBetas
	}
	if a.Refuse == nil {
		a.Refuse = b.Refuse
	}
	return a
}

// bytesPerToken is for the one question whether a prompt is certainly too long: so many bytes that even sparing text
// has a token in them. (English has about four.)
const bytesPerToken = 6

// Check refuses a request that the model cannot take, then notes what it has to go without: fields, beta values,
// tokens. images reports whether the request shows images, and is only asked when that matters.
func (f *Fit) Check(images func() bool) error {
	r, row := f.Request, &f.Row
	switch {
	case row.Window > 0 && len(r.Body)/bytesPerToken > row.Window:
		return f.cannot("about %d tokens of input are more than its window of %d", len(r.Body)/bytesPerToken, row.Window)
	case row.NoTools && r.Tools:
		return f.cannot("it cannot use tools")
	case row.NoImages && images():
		return f.cannot("it cannot see images")
	}
	for _, field := range row.Refuse {
		if path, ok := f.find(field); ok {
			return f.cannot("it does not take %s", path)
		}
	}
	for _, field := range row.Drop {
		f.Drop(field)
	}
	f.dropBetas()
	if row.MaxOutput > 0 && f.tokens > row.MaxOutput && !r.MaxTokensAt.Empty() {
		f.tokens = row.MaxOutput
		f.Replace("max_tokens", r.MaxTokensAt, strconv.Itoa(f.tokens))
	}
	return nil
}

func (f *Fit) cannot(format string, args ...any) error {
	return fmt.Errorf("%w: %s: %s", ErrCannot, f.Model.Name, fmt.Sprintf(format, args...))
}

// Tokens is what the answer may have after clamping; 0 when the client did not say.
func (f *Fit) Tokens() int { return f.tokens }

// Drop leaves a field out, if the request has it.
func (f *Fit) Drop(field string) {
	path, ok := f.find(field)
	if !ok || slices.Contains(f.gone, path) {
		return
	}
	f.gone = append(f.gone, path)
	f.names = append(f.names, "drop:"+path)
}

// Dropped reports whether a field of the body is left out.
func (f *Fit) Dropped(field string) bool { return slices.Contains(f.gone, field) }

// Replace puts a value in the place of another. The span must not lie in a field that is dropped.
func (f *Fit) Replace(name string, at Span, with string) {
	f.Edit(name, Edit{Start: at.Start, End: at.End, With: []byte(with)})
}

// Edit notes edits under one name.
func (f *Fit) Edit(name string, edits ...Edit) {
	f.edits = append(f.edits, edits...)
	f.names = append(f.names, name)
}

// find looks for a field as Adapt names it: its path when the request has it, and has it so.
func (f *Fit) find(field string) (path string, ok bool) {
	path, condition, conditional := strings.Cut(field, "?")
	raw, ok := Get(f.Request.Body, strings.Split(path, ".")...)
	if !ok || !conditional {
		return path, ok
	}
	member, want, _ := strings.Cut(condition, "=")
	value, _ := Get(raw, member)
	return path, wordOf(value) == want
}

// dropBetas notes the values of the beta header that go.
func (f *Fit) dropBetas() {
	for _, line := range f.Request.Header["Anthropic-Beta"] {
		for v := range strings.SplitSeq(line, ",") {
			v = strings.TrimSpace(v)
			gone := slices.ContainsFunc(f.Row.DropBetas, func(p string) bool { return Match(p, v) })
			if gone && v != "" && !slices.Contains(f.betas, v) {
				f.betas = append(f.betas, v)
				f.names = append(f.names, "drop-beta:"+v)
			}
		}
	}
}

// Body makes all changes, the model's name among them. Without any it is the request's own body.
func (f *Fit) Body() (Body, error) {
	r := f.Request
	if len(f.edits)+len(f.gone)+len(f.betas) == 0 {
		return r.Named(f.Model), nil
	}
	if f.Model.Name != r.Model && !r.ModelAt.Empty() {
		f.edits = append(f.edits, Edit{Start: r.ModelAt.Start, End: r.ModelAt.End, With: AppendQuoted(nil, f.Model.Name)})
		f.names = slices.Insert(f.names, 0, "model")
	}
	if len(f.gone) > 0 {
		if err := f.cut(); err != nil {
			return Body{}, err
		}
	}
	b := Body{Bytes: r.Body, Betas: f.betas, Edits: f.names}
	if len(f.edits) > 0 {
		b.Bytes = appendEdited(f.Model.room(edited(r.Body, f.edits)), r.Body, f.edits)
	}
	return b, nil
}

// modelEdit is the list of changes of nearly every request.
var modelEdit = []string{"model"}

// Named is the body with another model's name in place, all other bytes unchanged: the one change that the first target
// of a chain gets.
func (r *Request) Named(m Model) Body {
	if m.Name == r.Model || r.ModelAt.Empty() {
		return Body{Bytes: r.Body}
	}
	b := append(m.room(len(r.Body)+len(m.Name)+len(`""`)), r.Body[:r.ModelAt.Start]...)
	b = AppendQuoted(b, m.Name)
	return Body{Bytes: append(b, r.Body[r.ModelAt.End:]...), Edits: modelEdit}
}

// room is empty, with a capacity of at least n.
func (m *Model) room(n int) []byte {
	if m.Room == nil {
		return make([]byte, 0, n)
	}
	return m.Room(n)[:0]
}

// cut turns the fields that are left out into edits. A field of which every member goes, goes as a whole.
func (f *Fit) cut() error {
	body := f.Request.Body
	var inner []Edit
	edits, err := Without(body, Member{End: len(body)}, func(m Member) bool {
		key := string(m.Key)
		if slices.Contains(f.gone, key) {
			return true
		}
		nested, all := f.cutInside(m, key+".")
		if !all {
			inner = append(inner, nested...)
		}
		return all
	})
	f.edits = append(append(f.edits, edits...), inner...)
	return err
}

// cutInside makes the edits inside one field, and reports whether nothing would be left of it.
func (f *Fit) cutInside(m Member, prefix string) (edits []Edit, all bool) {
	if m.Kind != Object || !slices.ContainsFunc(f.gone, func(path string) bool { return strings.HasPrefix(path, prefix) }) {
		return nil, false
	}
	left := 0
	edits, _ = Without(f.Request.Body, m, func(in Member) bool {
		gone := slices.Contains(f.gone, prefix+string(in.Key))
		if !gone {
			left++
		}
		return gone
	})
	return edits, len(edits) > 0 && left == 0
}
