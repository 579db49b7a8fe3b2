package llm

import (
	"cmp"
	"fmt"
	"slices"
)

// Edit replaces body[Start:End] by With. With Start == End it inserts, with an empty With it removes.
type Edit struct {
	Start, End int
	With       []byte
}

// Apply returns a copy of body with the edits made, in one slice of exactly the size needed; every byte that no edit
// names is unchanged. Edits may come in any order and are sorted in place; insertions at one offset keep their
// order. It panics when two edits overlap or one lies outside the body: that is a mistake of the program, and a
// guess would send a body that nobody meant. Without edits the copy equals body.
func Apply(body []byte, edits []Edit) []byte {
	return appendEdited(make([]byte, 0, edited(body, edits)), body, edits)
}

// edited sorts and checks the edits, and returns the length of the body with all of them made.
func edited(body []byte, edits []Edit) int {
	slices.SortStableFunc(edits, func(a, b Edit) int {
		return cmp.Or(cmp.Compare(a.Start, b.Start), cmp.Compare(a.End, b.End))
	})
	size, last := len(body), 0
	for _, e := range edits {
		if e.Start < last || e.End < e.Start || e.End > len(body) {
			panic(fmt.Sprintf("llm: edit of [%d:%d] after one to %d in %d bytes", e.Start, e.End, last, len(body)))
		}
		size += len(e.With) - (e.End - e.Start)
		last = e.End
	}
	return size
}

func appendEdited(out, body []byte, edits []Edit) []byte {
	last := 0
	for _, e := range edits {
		out = append(append(out, body[last:e.Start]...), e.With...)
		last = e.End
	}
	return append(out, body[last:]...)
}

// Without returns the edits that remove from the object or array in body[m.Start:m.End] the members for which drop
// is true, each with one comma, so that what is left is valid whichever members go: the first, the last, several in
// a row, all. White space before the next comma or the closing byte stays. Member{End: len(body)} stands for the
// whole body. Offsets count from the beginning of body, so the edits may be applied together with others, but not
// with edits inside a member that is dropped, nor with an [Insert] into a container that loses all its members.
// drop is called once for each member, in order. The error is a *[SyntaxError], and then there are no edits.
func Without(body []byte, m Member, drop func(Member) bool) ([]Edit, error) {
	var edits []Edit
	kept, run := -1, false // where the last kept member ended; whether the member before this one was dropped
	s := ScanNested(body, m)
	for m, ok := s.Next(); ok; m, ok = s.Next() {
		dropped := drop(m)
		switch {
		case dropped && run:
			edits[len(edits)-1].End = m.End
		case dropped && kept < 0:
			edits = append(edits, Edit{Start: m.first(), End: m.End})
		case dropped: // the comma before it goes
			edits = append(edits, Edit{Start: kept, End: m.End})
		case run && kept < 0: // those before were the first: the comma behind them goes
			edits[len(edits)-1].End = m.first()
		}
		if !dropped {
			kept = m.End
		}
		run = dropped
	}
	if err := s.Err(); err != nil {
		return nil, err
	}
	return edits, nil
}

// Insert returns the edit that puts item in front of the first member of the object or array in
// body[m.Start:m.End]: a `"key":value` or a value, valid JSON by itself. The error is a *[SyntaxError].
func Insert(body []byte, m Member, item []byte) (Edit, error) {
	t := text{data: body[:m.End]}
	at := t.space(m.Start) + 1 // behind the opening byte
	comma := false
	s := ScanNested(body, m)
	for m, ok := s.Next(); ok; m, ok = s.Next() {
		if !comma {
			at, comma = m.first(), true
		}
	}
	if err := s.Err(); err != nil {
		return Edit{}, err
	}
	if comma {
		item = append(slices.Clip(item), ',')
	}
	return Edit{Start: at, End: at, With: item}, nil
}
