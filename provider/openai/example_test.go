package openai_test

import (
	"fmt"
	"net/http"
	"time"

	"fairlead.dev/llm"
	"fairlead.dev/provider/openai"
)

// A request made for a model that does not reason goes to one that does, which has another name for the limit.
func ExampleProvider_Body() {
	p := openai.New()
	body := `{"model":"gpt-4o","max_tokens":500,"temperature":0.2,"messages":[{"role":"user","content":"hi"}]}`
	r, err := p.Parse("POST", "/v1/chat/completions", "", http.Header{}, []byte(body))
	if err != nil {
		fmt.Println(err)
		return
	}
	b, err := p.Body(r, llm.Model{Name: "o4-mini", Primary: "gpt-4o", Hop: true})
	fmt.Printf("%s\n%q %v\n", b.Bytes, b.Edits, err)
	// Output:
	// {"model":"o4-mini","max_completion_tokens":500,"messages":[{"role":"user","content":"hi"}]}
	// ["model" "drop:temperature" "max_tokens>max_completion_tokens"] <nil>
}

// Two answers with status 429: one ends by waiting, the other does not.
func ExampleProvider_Outcome() {
	for _, body := range []string{
		`{"error":{"message":"Rate limit reached. Please try again in 1m9.696s.","type":"tokens","code":"rate_limit_exceeded"}}`,
		`{"error":{"message":"You exceeded your current quota.","type":"insufficient_quota","code":"credit_balance_exhausted"}}`,
	} {
		out := openai.New().Outcome(&llm.Request{}, 429, http.Header{}, []byte(body), time.Now())
		fmt.Println(out.Verdict, out.Hint, out.KeyWide)
	}
	// Output:
	// rate_limited 1m9.696s false
	// quota_exhausted 0s true
}

// Some hosts never send [DONE]: the finish reason and an orderly end prove the answer as well.
func ExampleProvider_Decoder() {
	d := openai.New().Decoder(&llm.Request{Choices: 1}, 200, nil)
	wire := []byte("data: {\"choices\":[{\"index\":0,\"delta\":{\"content\":\"Hello\"},\"finish_reason\":\"stop\"}]}\n\n")
	n, _, text := d.Next(wire)
	fmt.Printf("%s: %s\n", text, d.EOF(wire[n:]).Verdict)
	// Output: Hello: ok
}
