package e2e

import (
	"fmt"
	"time"

	"fairlead.dev"
	"fairlead.dev/provider/anthropic"
	"fairlead.dev/provider/openai"
)

// shortClock is for providers that say nothing. It is still long enough for a
// healthy answer on a busy machine.
const shortClock = 3 * time.Second

// chains is a configuration with the two fakes behind it, in both dialects:
// each public model has a first target at main and a second one at spare. The
// keys are sk-main and sk-spare.
func chains(main, spare *fake, short bool) string {
	more := ""
	if short {
		more = fmt.Sprintf("timeouts: {headers: %[1]v, first_token: %[1]v, answer: %[1]v, idle: %[1]v}", shortClock)
	}
	return fmt.Sprintf(`providers:
  main:       {dialect: anthropic, base_url: "%[1]s", api_keys: [sk-main]}
  spare:      {dialect: anthropic, base_url: "%[2]s", api_keys: [sk-spare]}
  main-oai:   {dialect: openai, base_url: "%[1]s/v1", api_keys: [sk-main]}
  spare-oai:  {dialect: openai, base_url: "%[2]s/v1", api_keys: [sk-spare]}
models:
  claude-opus-5-5: {chain: [main/claude-opus-5-5, spare/claude-sonnet-5-5]}
  gpt-5.5:         {chain: [main-oai/gpt-5.5, spare-oai/gpt-5.5-mini]}
%[3]s
`, main.url, spare.url, more)
}

// chainsInGo is the same for a program that imports fairlead.
func chainsInGo(main, spare *fake, short bool) fairlead.Config {
	keys := func(secret string) []fairlead.Key { return []fairlead.Key{{Secret: secret}} }
	cfg := fairlead.Config{
		Providers: []fairlead.Provider{
			{Name: "main", API: anthropic.Provider{}, BaseURL: main.url, Keys: keys("sk-main")},
			{Name: "spare", API: anthropic.Provider{}, BaseURL: spare.url, Keys: keys("sk-spare")},
			{Name: "main-oai", API: openai.Provider{}, BaseURL: main.url + "/v1", Keys: keys("sk-main")},
			{Name: "spare-oai", API: openai.Provider{}, BaseURL: spare.url + "/v1", Keys: keys("sk-spare")},
		},
		Models: []fairlead.Model{
			{Name: "claude-opus-5-5", Chain: []string{"main/claude-opus-5-5", "spare/claude-sonnet-5-5"}},
			{Name: "gpt-5.5", Chain: []string{"main-oai/gpt-5.5", "spare-oai/gpt-5.5-mini"}},
		},
	}
	if short {
		cfg.Timeouts = fairlead.Timeouts{Headers: shortClock, FirstToken: shortClock, Answer: shortClock, Idle: shortClock}
	}
	return cfg
}

// passthrough is a configuration in which each client brings its own key, and
// in which any model name goes to main unchanged.
func passthrough(main *fake) string {
	return fmt.Sprintf(`providers:
  main:     {dialect: anthropic, base_url: "%[1]s", credentials: passthrough}
  main-oai: {dialect: openai, base_url: "%[1]s/v1", credentials: passthrough}
models:
  "*": {chain: ["main/*", "main-oai/*"]}
`, main.url)
}
