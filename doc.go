// Package fairlead keeps LLM applications running when LLM APIs fail.
//
// A call to a model is retried with judgement, stopped by circuit breakers,
// answered by another model when the first cannot, queued within its limits,
// and explained: what happened, and why. It is one loop with three faces.
//
// One line around an SDK:
//
//	client := anthropic.NewClient(option.WithHTTPClient(fairlead.Wrap(nil)))
//
// A client with a chain of models:
//
//	c, err := fairlead.New(fairlead.Config{
//		Providers: []fairlead.Provider{{
//			Name: "anthropic", API: anthropic.Provider{}, BaseURL: "https://api.anthropic.com",
//			Keys: []fairlead.Key{{Secret: key}},
//		}},
//		Models: []fairlead.Model{{
//			Name:  "claude-opus-5-5",
//			Chain: []string{"anthropic/claude-opus-5-5", "anthropic/claude-sonnet-5-5"},
//		}},
//	})
//	defer c.Close()
//	resp, err := c.Query(ctx, fairlead.Request{Prompt: "Why do ropes chafe?"})
//	fmt.Println(resp.Text, resp.Model, resp.Report)
//
// And the gateway, package gateway and the command fairlead serve, for programs
// in any language.
//
// # The five patterns
//
//	retry      whether and when to try again      package retry
//	breaker    when to stop calling               package breaker
//	fallback   whom to ask instead                package fallback
//	queue      who goes first                     package queue
//	limit      how much may go now                package limit
//
// Each works alone. Here they work together:
//
//	arrive ── deadline fixed
//	   └─▶ next target of the chain that may be asked
//	          ├─ queue: a turn      ├─ limit: room in the pool of a credential
//	          └─ breaker: a permit of the provider and of the target
//	       attempt: until the first content, or the whole plain answer
//	       verdict: decided once, by the provider's package
//	       settle: each breaker, pool and credential hears its own kind of news
//	       plan: answer ─ same target after a wait ─ next target ─ give up honestly
//	   └─▶ report: every decision with its reason and its numbers
//
// # What a caller can rely on
//
//   - An answer is complete. A stream that ends without its own end marker, or
//     with an error after its 200, is never a success: before the first content
//     somebody else is asked and nobody notices, after it the caller gets an
//     error in the words of its dialect.
//   - One deadline covers queueing, waits, attempts and fallbacks. No wait
//     begins that cannot end in time to be useful.
//   - At most five attempts a call over all targets, and retries are at most a
//     fifth of the traffic, so that an outage is not made worse.
//   - Nothing is changed silently. An answer of another target than the first
//     says so; bodies go upstream byte for byte but for named edits.
//   - The final error is that of the chain's first target, in the provider's
//     own words, and tells SDKs not to try again by themselves.
package fairlead
