// Package anthropic speaks the Messages API of Anthropic, as clients speak it and as the provider answers it.
//
// A request goes upstream byte for byte as it came, but for the model's name. Only for a fallback target, whose model
// may refuse what the first one takes, is more changed: what, is a table of facts ([Provider.Adapts]) that users can override,
// and each change has a name in the report.
//
// An answer counts as good only when it proves that it is complete: a stop reason in a plain answer, message_stop (or
// at the least a stop reason and an orderly end) in a stream. What a provider sends with status 200 and without that
// is truncated, empty, or the error that it says it is.
//
//	message_start                          Lifecycle   usage of the input
//	ping, comments                         Ping
//	content_block_start, _stop             Lifecycle   counted
//	content_block_delta, not empty         Content     text, thinking, tool input
//	message_delta                          Lifecycle   stop reason, usage of the output
//	message_stop                           End
//	error                                  Fail        the verdict of its type
//	anything that nobody knows             Lifecycle
//
// Both API versions, 2023-06-01 and 2026-10-21, have these shapes. The version is the client's choice and passes on.
package anthropic

import (
	"strings"

	"fairlead.dev/llm"
)

// version is sent when a client names none: the one that every model takes.
const version = "2023-06-01"

// Provider is the Messages API. It has no state: the zero value is ready and safe for concurrent use.
type Provider struct{}

var _ llm.Provider = Provider{}

// New returns the provider.
func New() Provider { return Provider{} }

// Name returns "anthropic".
func (Provider) Name() string { return "anthropic" }

// families are the names in a model's name that share a rate limit (docs, rate limits: "limits are shared by family").
var families = [...]string{"opus", "sonnet", "haiku", "fable", "mythos"}

// Family returns the family that a model's name tells, "opus" of "claude-opus-5-5" and "sonnet" of
// "claude-3-5-sonnet-20241022"; any other model is a family of its own.
func (Provider) Family(model string) string {
	for _, family := range families {
		if strings.Contains(model, family) {
			return family
		}
	}
	return model
}
