package llm_test

import (
	"fmt"

	"fairlead.dev/llm"
)

// The envelope of a request in one pass: what routing needs, and where it stands for an edit.
func ExampleScanObject() {
	body := []byte(`{"model":"claude-opus-5-5","max_tokens":4096,"messages":[{"role":"user","content":"hi"}]}`)
	s := llm.ScanObject(body)
	var edits []llm.Edit
	for m, ok := s.Next(); ok; m, ok = s.Next() {
		raw := body[m.Start:m.End]
		switch string(m.Key) {
		case "model":
			name, _ := llm.Str(raw)
			fmt.Println("model:", name)
			edits = append(edits, llm.Edit{Start: m.Start, End: m.End, With: llm.AppendQuoted(nil, "claude-sonnet-5")})
		case "max_tokens":
			n, _ := llm.Int(raw)
			fmt.Println("max_tokens:", n)
		}
	}
	if err := s.Err(); err != nil { // only now is the body known to be valid
		fmt.Println(err)
		return
	}
	fmt.Println(string(llm.Apply(body, edits)))
	// Output:
	// model: claude-opus-5-5
	// max_tokens: 4096
	// {"model":"claude-sonnet-5","max_tokens":4096,"messages":[{"role":"user","content":"hi"}]}
}

// Two parsers would read two different models out of this body, so it is refused.
func ExampleScanObject_duplicate() {
	s := llm.ScanObject([]byte(`{"model":"cheap","mod\u0065l":"dear"}`))
	for _, ok := s.Next(); ok; _, ok = s.Next() {
	}
	fmt.Println(s.Err())
	// Output: llm: invalid JSON at offset 17: duplicate key "model"
}

func ExampleGet() {
	answer := []byte(`{"type":"error","error":{"type":"overloaded_error","message":"Overloaded"}}`)
	raw, ok := llm.Get(answer, "error", "type")
	fmt.Println(string(raw), ok)
	// Output: "overloaded_error" true
}

func ExampleWithout() {
	body := []byte(`{"model":"m", "thinking":{"type":"enabled"}, "messages":[]}`)
	edits, err := llm.Without(body, llm.Member{End: len(body)}, func(m llm.Member) bool {
		return string(m.Key) == "thinking"
	})
	fmt.Println(string(llm.Apply(body, edits)), err)
	// Output: {"model":"m", "messages":[]} <nil>
}
