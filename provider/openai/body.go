package openai

import (
	"fmt"
	"slices"
	"strings"

	"fairlead.dev/llm"
)

// Body makes the request's body ready for one target. The first target of a chain gets the client's bytes and its own
// model name; a later one the changes that it needs.
func (Provider) Body(r *llm.Request, m llm.Model) (llm.Body, error) {
	if r.Op != llm.Generate {
		return llm.Body{Bytes: r.Body}, nil
	}
	if !m.Hop && !m.Stream && m.Resume == llm.Afresh {
		return r.Named(m), nil
	}
	if m.Hop && r.Bound {
		return llm.Body{}, fmt.Errorf("%w: %s: the request goes on from a response that another provider keeps", llm.ErrCannot, m.Name)
	}
	f := llm.NewFit(r, m, adapts)
	if err := f.Check(func() bool { return showsImages(r) }); err != nil {
		return llm.Body{}, err
	}
	if m.Hop && reasons(m.Name) {
		renameLimit(f)
	}
	if err := f.Resume(`,"prefix":true`); err != nil { // DeepSeek, Mistral and others know it by this name
		return llm.Body{}, err
	}
	if m.Stream {
		if err := f.AskForStream(`"stream_options":{"include_usage":true}`); err != nil {
			return llm.Body{}, err
		}
	}
	return f.Body()
}

// renameLimit gives the limit of the answer the only name that a reasoning model takes. When both names are there, the
// old one is left out.
func renameLimit(f *llm.Fit) {
	r := f.Request
	if _, both := llm.Get(r.Body, "max_completion_tokens"); both {
		f.Drop("max_tokens")
		return
	}
	s := llm.ScanNested(r.Body, llm.Member{End: len(r.Body)})
	for m, ok := s.Next(); ok; m, ok = s.Next() {
		if string(m.Key) == "max_tokens" {
			f.Edit("max_tokens>max_completion_tokens", llm.Edit{Start: m.KeyStart, End: m.KeyEnd, With: []byte(`"max_completion_tokens"`)})
		}
	}
}

// showsImages reports whether a message has a part that is an image.
func showsImages(r *llm.Request) bool {
	if r.MessagesAt.Empty() {
		return false
	}
	messages := r.Body[r.MessagesAt.Start:r.MessagesAt.End]
	return slices.ContainsFunc(members(messages), func(message []byte) bool {
		content, _ := llm.Get(message, "content")
		return slices.ContainsFunc(members(content), func(part []byte) bool {
			kind := word(part, "type")
			return strings.HasPrefix(kind, "image") || kind == "input_image"
		})
	})
}

// members returns the elements of an array, none of anything else.
func members(raw []byte) (list [][]byte) {
	if len(raw) == 0 || raw[0] != '[' {
		return nil
	}
	s := llm.ScanArray(raw)
	for m, ok := s.Next(); ok; m, ok = s.Next() {
		list = append(list, raw[m.Start:m.End])
	}
	return list
}
