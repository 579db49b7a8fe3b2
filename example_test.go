package fairlead_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"

	"fairlead.dev"
	"fairlead.dev/event"
	"fairlead.dev/fakellm"
	"fairlead.dev/provider/anthropic"
)

// pretend is a provider for the examples: models fail as their names say.
func pretend() (url string, stop func()) {
	fake, err := fakellm.New(fakellm.Config{Tokens: 6})
	if err != nil {
		panic(err)
	}
	s := httptest.NewServer(fake)
	return s.URL, func() { s.Close(); fake.Close() }
}

// A chain: when the first model is overloaded, the next one answers, and the
// answer says so.
func Example_chain() {
	url, stop := pretend()
	defer stop()
	c, err := fairlead.New(fairlead.Config{
		Providers: []fairlead.Provider{{
			Name: "anthropic", API: anthropic.Provider{}, BaseURL: url, Keys: []fairlead.Key{{Secret: "sk-example"}},
		}},
		Models: []fairlead.Model{{
			Name: "best", Chain: []string{"anthropic/claude-opus-5-5:fail-529", "anthropic/claude-sonnet-5-5"},
		}},
	})
	if err != nil {
		fmt.Println(err)
		return
	}
	defer c.Close()
	resp, err := c.Query(context.Background(), fairlead.Request{Model: "best", Prompt: "Why do ropes chafe?"})
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(resp.Text)
	fmt.Println("answered by", resp.Model)
	fmt.Println("because the first was", resp.Report.Summary().Reason)
	// Output:
	// w0 w1 w2 w3 w4 w5
	// answered by anthropic/claude-sonnet-5-5
	// because the first was overloaded
}

// One line around an SDK: what the SDK sends through this client is retried
// with judgement, and a cut stream is an error rather than a short answer.
func ExampleWrap() {
	url, stop := pretend()
	defer stop()
	client := fairlead.Wrap(nil) // anthropic.NewClient(option.WithHTTPClient(fairlead.Wrap(nil)))
	req, err := http.NewRequest("POST", url+"/v1/messages", strings.NewReader(
		`{"model":"fail-529-once","max_tokens":100,"messages":[{"role":"user","content":"Why do ropes chafe?"}]}`))
	if err != nil {
		fmt.Println(err)
		return
	}
	req.Header.Set("X-Api-Key", "sk-example")
	resp, err := client.Do(req)
	if err != nil {
		fmt.Println(err)
		return
	}
	defer resp.Body.Close()
	fmt.Println(resp.StatusCode, "after", resp.Header.Get("Fairlead-Attempts"), "attempts")
	// Output:
	// 200 after 2 attempts
}

// The answer piece by piece. A failure before the first piece is repaired
// without a trace; one after it is an error.
func ExampleClient_Stream() {
	url, stop := pretend()
	defer stop()
	c, err := fairlead.New(fairlead.Config{
		Providers: []fairlead.Provider{{Name: "p", API: anthropic.Provider{}, BaseURL: url, Keys: []fairlead.Key{{Secret: "k"}}}},
		Models:    []fairlead.Model{{Name: "*", Chain: []string{"p/*"}}},
	})
	if err != nil {
		fmt.Println(err)
		return
	}
	defer c.Close()
	for chunk, err := range c.Stream(context.Background(), fairlead.Request{Model: "cut-after-3+no-prefill", Prompt: "hi"}) {
		if failed, ok := errors.AsType[*fairlead.Error](err); ok {
			fmt.Println("\n" + failed.Verdict.String())
			return
		}
		fmt.Print(chunk.Text)
	}
	// Output:
	// w0 w1 w2
	// truncated
}

// A report tells what happened to a call and why.
func ExampleClient_Report() {
	url, stop := pretend()
	defer stop()
	c, err := fairlead.New(fairlead.Config{
		Providers: []fairlead.Provider{
			{Name: "work", API: anthropic.Provider{}, BaseURL: url, Keys: []fairlead.Key{{Secret: "k1"}}},
			{Name: "spare", API: anthropic.Provider{}, BaseURL: url, Keys: []fairlead.Key{{Secret: "k2"}}},
		},
		Models: []fairlead.Model{{Name: "m", Chain: []string{"work/spend-limit", "spare/good"}}},
	})
	if err != nil {
		fmt.Println(err)
		return
	}
	defer c.Close()
	resp, err := c.Query(context.Background(), fairlead.Request{Prompt: "hi"})
	if err != nil {
		fmt.Println(err)
		return
	}
	for _, e := range resp.Report.Events() {
		if e.Kind == event.Ended || e.Kind == event.KeyClosed {
			fmt.Println(strings.Join(strings.Fields(fmt.Sprint(e.Kind, " ", e.Target, " ", e.Verdict, " ", e.Reason, " ", e.Detail)), " "))
		}
	}
	// Output:
	// ended work/spend-limit quota_exhausted enforced_spend_limit_reached
	// key_closed work/spend-limit quota_exhausted
	// ended spare/good ok
}

// New names every fault of a configuration at once.
func ExampleNew() {
	_, err := fairlead.New(fairlead.Config{
		Providers: []fairlead.Provider{{Name: "p", API: anthropic.Provider{}, BaseURL: "ftp://example.com"}},
		Models:    []fairlead.Model{{Name: "m", Chain: []string{"q/model"}}},
	})
	fmt.Println(err)
	// Output:
	// fairlead: Providers[0].BaseURL: "ftp://example.com": an http or https URL is needed
	// fairlead: Models[0].Chain[0]: "q/model": there is no provider "q"
}
