package anthropic_test

import (
	"fmt"
	"net/http"
	"time"

	"fairlead.dev/llm"
	"fairlead.dev/provider/anthropic"
)

// A request made for Opus goes to Haiku, which does not know all that Opus takes. What was changed has a name.
func ExampleProvider_Body() {
	p := anthropic.New()
	body := `{"model":"claude-opus-5-5","max_tokens":128000,"thinking":{"type":"adaptive"},"messages":[{"role":"user","content":"hi"}]}`
	r, err := p.Parse("POST", "/v1/messages", "", http.Header{}, []byte(body))
	if err != nil {
		fmt.Println(err)
		return
	}
	b, err := p.Body(r, llm.Model{Name: "claude-haiku-4-5", Primary: "claude-opus-5-5", Hop: true})
	fmt.Printf("%s\n%q %v\n", b.Bytes, b.Edits, err)
	// Output:
	// {"model":"claude-haiku-4-5","max_tokens":64000,"messages":[{"role":"user","content":"hi"}]}
	// ["model" "drop:thinking" "max_tokens"] <nil>
}

// The type in the body wins over the status: this is overload, not a rate limit of ours.
func ExampleProvider_Outcome() {
	body := []byte(`{"type":"error","error":{"type":"overloaded_error","message":"Overloaded"}}`)
	out := anthropic.New().Outcome(&llm.Request{}, 429, http.Header{"Retry-After": {"3"}}, body, time.Now())
	fmt.Println(out.Verdict, out.Hint, out.Safe)
	// Output: overloaded 3s true
}

// A stream that ends without its end marker is not an answer.
func ExampleProvider_Decoder() {
	d := anthropic.New().Decoder(&llm.Request{}, 200, nil)
	wire := []byte("event: content_block_delta\ndata: {\"type\":\"content_block_delta\",\"delta\":{\"type\":\"text_delta\",\"text\":\"Hel\"}}\n\n")
	n, kind, text := d.Next(wire)
	fmt.Printf("%v %q\n", kind == llm.Content, text)
	fmt.Println(d.EOF(wire[n:]).Verdict)
	// Output:
	// true "Hel"
	// truncated
}
