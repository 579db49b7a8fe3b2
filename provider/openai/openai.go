// Package openai speaks the Chat Completions API, and the Responses API beside it (responses.go), as OpenAI and the many hosts that copy it do: Azure, vLLM, Groq,
// Together, OpenRouter, Mistral, DeepSeek, Gemini's compatible endpoint. It takes each as it is, so it reads errors in
// every shape that they use, and only the names that decide are listed (package llm).
//
// A request goes upstream byte for byte as it came, but for the model's name; for a fallback target also the changes
// of a table of facts ([Provider.Adapts]), each with a name in the report.
//
// An answer counts as good only when it proves that it is complete: every choice has a finish reason, and in a stream
// [DONE] or, because some hosts never send it, an orderly end after the last finish reason.
//
//	delta with content, reasoning, refusal, tool calls    Content
//	delta with a role or nothing, usage, unknown          Lifecycle
//	: comments                                            Ping
//	[DONE]                                                End
//	{"error":...}, {"object":"error"}, event: error       Fail      the verdict of its type
package openai

import (
	"regexp"
	"strings"

	"fairlead.dev/llm"
)

// Provider is the Chat Completions API. It has no state: the zero value is ready and safe for concurrent use.
type Provider struct{}

var _ llm.Provider = Provider{}

// New returns the provider.
func New() Provider { return Provider{} }

// Name returns "openai".
func (Provider) Name() string { return "openai" }

// dated is a model's name with the date of a snapshot: gpt-4o-2024-08-06, gpt-4-0613, or 20250807.
var dated = regexp.MustCompile(`^(.+)-(\d{4}-\d{2}-\d{2}|\d{8}|\d{4})$`)

// Family returns the name without the date of a snapshot: snapshots share the limit of their model.
func (Provider) Family(model string) string {
	if m := dated.FindStringSubmatch(model); m != nil {
		return m[1]
	}
	return model
}

// reasons reports whether a model is one of OpenAI's that reason: they know max_completion_tokens only, and refuse
// max_tokens (developers.openai.com, reasoning; the code is unsupported_parameter).
func reasons(model string) bool {
	if i := strings.LastIndexByte(model, '/'); i >= 0 {
		model = model[i+1:] // openai/o3 at a router
	}
	for _, prefix := range [...]string{"o1", "o3", "o4", "gpt-5"} {
		if model == prefix || strings.HasPrefix(model, prefix+"-") || strings.HasPrefix(model, prefix+".") {
			return true
		}
	}
	return false
}
