package fakellm_test

import (
	"bytes"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"

	"fairlead.dev/fakellm"
)

// askFor posts a prompt for model and returns the status and the body.
func askFor(url, model string) (int, string) {
	body := `{"model":"` + model + `","max_tokens":100,"messages":[{"role":"user","content":"hi"}]}`
	req, err := http.NewRequest(http.MethodPost, url+"/v1/messages", strings.NewReader(body))
	if err != nil {
		return 0, err.Error()
	}
	req.Header.Set("x-api-key", "any")
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return 0, err.Error()
	}
	defer resp.Body.Close()
	data, err := io.ReadAll(resp.Body)
	if err != nil {
		return resp.StatusCode, err.Error()
	}
	return resp.StatusCode, string(bytes.TrimSpace(data))
}

// A model that is named after a fault has it.
func Example() {
	fake, err := fakellm.New(fakellm.Config{})
	if err != nil {
		panic(err)
	}
	server := httptest.NewServer(fake)
	defer server.Close()
	defer fake.Close()

	for range 2 {
		status, _ := askFor(server.URL, "claude-x:fail-529-once")
		fmt.Println(status)
	}
	_, body := askFor(server.URL, "claude-x:cut-after-40")
	fmt.Println(body)
	for _, a := range fake.Attempts() {
		fmt.Println(a.N, a.Fault, a.Status, a.Tokens)
	}
	// Output:
	// 529
	// 200
	// unexpected EOF
	// 1 fail-529-once 529 0
	// 2  200 60
	// 3 cut-after-40 200 40
}

// A script gives a timeline; rules are tried in order.
func ExampleParseScript() {
	script, err := fakellm.ParseScript([]byte(`{
		"rules": [
			{"match": {"model": "claude-opus-*"}, "times": 2, "fault": "retry-after-3"},
			{"match": {"model": "claude-haiku-*"}, "fault": {"text": "Hello."}}
		]
	}`))
	if err != nil {
		panic(err)
	}
	fake, err := fakellm.New(fakellm.Config{Script: script})
	if err != nil {
		panic(err)
	}
	server := httptest.NewServer(fake)
	defer server.Close()
	defer fake.Close()

	for _, model := range []string{"claude-opus-5-5", "claude-opus-5-5", "claude-opus-5-5", "claude-haiku-5-5"} {
		status, body := askFor(server.URL, model)
		fmt.Println(model, status, strings.Contains(body, "Hello."))
	}
	// Output:
	// claude-opus-5-5 429 false
	// claude-opus-5-5 429 false
	// claude-opus-5-5 200 false
	// claude-haiku-5-5 200 true
}

// All that is wrong with a script is named at once.
func ExampleParseScript_faults() {
	_, err := fakellm.ParseScript([]byte(`{"rules": [{"from": "soon", "fault": "fail-5290"}], "limits": [{"rpn": 1}]}`))
	fmt.Println(err)
	// Output:
	// fakellm: script: rules[0].from: want a duration such as "20s", got "soon"
	// fakellm: script: rules[0].fault: fakellm: fault "fail-5290": want fail-<status>: "5290" is not a number from 200 to 999
	// fakellm: script: limits[0].rpn: is not a key that is known here
}

func ExampleText() {
	fmt.Println(fakellm.Text(5))
	// Output: w0 w1 w2 w3 w4
}
