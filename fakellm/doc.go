// Package fakellm is a fake LLM provider that fails on purpose.
//
// It is an [http.Handler] that speaks Anthropic's Messages and OpenAI's Chat
// Completions as the real APIs do, down to rate limit headers and the order of
// stream events, and breaks its answers in all the ways that real providers
// do: refusing, stalling, cutting a stream, lying about a length. What it does
// to a request is decided by a script, a timeline of faults, or by the name of
// the requested model. A log keeps the provider's side of the story.
//
// It is an oracle: it imports nothing of Fairlead, so that it shares none of
// its bugs. Time comes from package time alone and every wait ends when the
// client leaves, so it runs in testing/synctest bubbles over in-memory
// connections. It starts no goroutine of its own.
//
// # What it answers
//
//	POST /v1/messages               anthropic; JSON or server-sent events
//	POST /v1/messages/count_tokens
//	POST /v1/chat/completions       openai; JSON or server-sent events
//	POST /v1/responses              openai; JSON or server-sent events
//	POST /v1/embeddings
//	GET  /v1/models[/{id}]          anthropic if an anthropic-version header is there
//	HEAD (any path)                 200
//
// The /v1 may be left out. Every healthy answer is [Text] of 60 tokens, in
// every model, so that a test can compare it whole; max_tokens cuts it. A
// request that allows thinking gets [Thinking] first. A request with tools gets
// a tool call if tool_choice demands one or the last message says "use tool".
// An Anthropic prefill (a last message of the assistant) that is a prefix of
// the text is continued; the openai dialect does so only if the message says
// "prefix": true or the request "continue_final_message": true. Bodies are
// checked as the real APIs check them. Input tokens are bytes of the body / 4.
//
// # Faults
//
// A request for a model that is named like a fault, or whose name ends in ":"
// or "/" and a fault, gets it: "fail-529", "claude-x:cut-after-40",
// "fake/slow-first-20s". The form is a fault's name in any case; a name that
// begins like a fault with a bad argument ("fail-abc") is answered with 400.
//
//	ok                      a healthy answer; in a rule it shields a model from later rules
//	fail-<status>           this status with the dialect's error body
//	html-<status>           this status with an HTML page, as gateways in front send it
//	retry-after-<seconds>   429 with a Retry-After header
//	spend-limit             429, the customer's spend limit: never worth a retry
//	ramp-limit              429, traffic grew too fast
//	no-quota                credit used up: 400 (anthropic) or 429 insufficient_quota (openai)
//	bad-key                 401
//	unknown-model           404
//	too-long                400, the prompt exceeds the context window
//	policy                  400, the prompt violates the content policy
//	refuse                  200 with stop_reason refusal or finish_reason content_filter
//	no-prefill              400 if the last message is the assistant's, else healthy
//	reset                   connection reset before any header
//	silent                  no header, no answer, until the client leaves
//	refused                 connection refused (a rule under Serve), else as reset
//	slow-headers-<dur>      headers late
//	slow-first-<dur>        headers at once, first token late; a plain answer is late as a whole
//	slow-tokens-<dur>       this long for every token
//	stall-after-<k>         k tokens, then silence on an open connection
//	cut-after-<k>           k tokens, then the connection is aborted
//	close-after-<k>         k tokens, then a clean end without end marker
//	error-after-<k>         k tokens, then an error event; a plain request gets 529 or 503
//	malformed-after-<k>     one broken event more after k tokens; a plain answer is broken there
//	huge-line-<bytes>       one line of this many bytes before the first token
//	no-end                  all tokens, but no end marker
//	empty                   a finished answer without content
//	gzip                    the answer compressed, whether the client asked or not
//	wrong-length            Content-Length larger than the body
//	bad-json                200 with JSON that breaks off
//	pings-only              headers, then a ping every second for ever
//	lifecycle-only          headers and the opening event, then silence
//
// A suffix limits a fault to the first attempts for that model name and path:
// "fail-529-once", "reset-twice", "stall-after-20-x3". Names that do not
// contradict each other are joined by "+": "slow-first-2s+cut-after-40".
//
// The k of a fault counts output tokens, those of thinking and of tool input
// too, and all choices of n > 1. A fault at k = 0 strikes after the opening
// event and before the first block; at k = all tokens, before the end of the
// block. A k that is never reached leaves the answer healthy, so a
// continuation shorter than k succeeds. A plain (not streamed) answer has the
// same faults: its latency comes before the headers, and what strikes after k
// tokens strikes where the k-th ends in the body. Models, count_tokens and
// embeddings know only the faults that act instead of an answer.
//
// # Script
//
// A script is JSON; the keys are documented at [Script], [Rule], [Fault],
// [Limit] and [Model]:
//
//	{
//	  "clock": "first",
//	  "rules": [
//	    {"match": {"model": "claude-opus-*"}, "from": "10s", "to": "70s", "fault": "fail-529"},
//	    {"match": {"key": "web", "stream": true}, "every": 3, "times": 5, "fault": "cut-after-40"},
//	    {"probability": 0.02, "seed": 7, "fault": {"status": 503, "headers": {"retry-after": "2"}, "body": "busy"}},
//	    {"from": "2m", "to": "3m", "fault": "refused"}
//	  ],
//	  "limits": [{"key": "*", "rpm": 60, "itpm": 40000, "otpm": 8000, "burst": 5}],
//	  "models": [{"name": "claude-haiku-*", "max_tokens": 64000, "reject_fields": ["output_config.effort"], "no_prefill": true}],
//	  "keys": {"web": "sk-web"},
//	  "capacity": 100
//	}
//
// A request passes, in this order: the refused listener, its key, the check of
// its body, the model's capabilities, the rate limit, the capacity, the rules,
// the model's name. What an earlier one refuses is not counted by a later one.
//
// # Control
//
// Tests in another process use the same port, without a key:
//
//	GET  /fake/attempts  the log as a JSON array of [Attempt], header fake-dropped
//	POST /fake/reset     [Server.Reset]
//	PUT  /fake/script    [Server.SetScript]; 400 with all that is wrong
//	GET  /fake/faults    the table above
package fakellm
