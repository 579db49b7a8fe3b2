package gateway_test

import (
	"crypto/sha256"
	"fmt"
	"log"
	"net/http"
	"net/http/httptest"
	"strings"

	"fairlead.dev"
	"fairlead.dev/fakellm"
	"fairlead.dev/gateway"
	"fairlead.dev/llm"
	"fairlead.dev/provider/anthropic"
	"fairlead.dev/queue"
)

// A gateway for programs that speak the Messages API: they use the gateway's
// address as their base URL and a key that the gateway knows.
func ExampleNew() {
	fake, err := fakellm.New(fakellm.Config{Tokens: 3}) // instead of https://api.anthropic.com
	if err != nil {
		log.Fatal(err)
	}
	provider := httptest.NewServer(fake)
	defer provider.Close()

	client, err := fairlead.New(fairlead.Config{
		Providers: []fairlead.Provider{{
			Name: "anthropic", API: anthropic.Provider{}, BaseURL: provider.URL, Keys: []fairlead.Key{{Secret: "sk-ant-1"}},
		}},
		Models: []fairlead.Model{{Name: "opus", Chain: []string{"anthropic/fail-529", "anthropic/haiku"}}},
	})
	if err != nil {
		log.Fatal(err)
	}
	defer client.Close()
	gw, err := gateway.New(gateway.Config{
		Client:   client,
		Dialects: []llm.Dialect{anthropic.Provider{}},
		Keys:     []gateway.Key{{Name: "web", SHA256: sha256.Sum256([]byte("fl-secret")), Class: queue.High}},
	})
	if err != nil {
		log.Fatal(err)
	}

	r := httptest.NewRequest("POST", "/v1/messages",
		strings.NewReader(`{"model":"opus","max_tokens":9,"messages":[{"role":"user","content":"hi"}]}`))
	r.Header.Set("x-api-key", "fl-secret")
	w := httptest.NewRecorder()
	gw.ServeHTTP(w, r) // a program serves gw with NewServer on a StrictListener

	fmt.Println(w.Code)
	for _, name := range []string{"fairlead-target", "fairlead-fallback"} { // in lower case, also on the wire
		fmt.Println(name, w.Header()[name])
	}
	fmt.Println(strings.Contains(w.Body.String(), fakellm.Text(3)))
	// Output:
	// 200
	// fairlead-target [anthropic/haiku]
	// fairlead-fallback [true]
	// true
}

// A listener that other machines can reach needs keys.
func ExampleLoopback() {
	for _, addr := range []string{"127.0.0.1:8080", "localhost:8080", ":8080"} {
		fmt.Println(addr, gateway.Loopback(addr))
	}
	// Output:
	// 127.0.0.1:8080 true
	// localhost:8080 true
	// :8080 false
}

// A server with the bounds that a public listener wants.
func ExampleNewServer() {
	gw := http.NotFoundHandler() // a *gateway.Gateway
	server := gateway.NewServer(gw, nil)
	fmt.Println(server.ReadHeaderTimeout, server.MaxHeaderBytes)
	// Output: 10s 65536
}
