package openai

import (
	"math/bits"

	"fairlead.dev/event"
	"fairlead.dev/llm"
)

// tally counts how the choices of an answer came to their ends.
type tally struct {
	done      [maxChoices / 64]uint64 // by index of the choice
	open      int                     // choices without an end, of a whole answer
	filtered  int                     // ended by a content filter
	broken    string                  // a finish reason that says the host failed
	long      bool                    // ended by the limit of tokens
	stop      string                  // the first reason told
	something bool                    // any choice has something in it
}

// finish notes the finish reason of a choice; an empty one says that it has not ended.
func (t *tally) finish(index int, reason string) {
	if reason == "" {
		t.open++
		return
	}
	if i := uint(index); i < maxChoices {
		t.done[i/64] |= 1 << (i % 64)
	}
	if t.stop == "" {
		t.stop = reason
	}
	switch reason {
	case "content_filter":
		t.filtered++
	case "length":
		t.long = true
	case "error", "insufficient_system_resource": // OpenRouter; DeepSeek, api-docs.deepseek.com
		t.broken = reason
	}
}

// closed is how many choices have ended.
func (t *tally) closed() int { return bits.OnesCount64(t.done[0]) + bits.OnesCount64(t.done[1]) }

// verdict judges choices that all came to their ends. An answer that ran into the client's limit while reasoning where
// nobody sees it is as the client asked, not empty: the usage shows that the model worked.
func (t *tally) verdict(u event.Usage) (event.Verdict, error) {
	switch {
	case t.broken == "insufficient_system_resource":
		return event.Overloaded, errBroke
	case t.broken != "":
		return event.ServerError, errBroke
	case t.open > 0:
		return event.Truncated, errNoStop
	case t.filtered > 0 && t.filtered >= t.closed():
		return event.Refused, nil
	case !t.something && !(t.long && u.Output > 0):
		return event.Empty, errNothing
	}
	return event.OK, nil
}

// addUsage takes over what a usage object tells. Of the prompt, what came from the cache is counted apart, as
// Anthropic does: Input + CacheRead is OpenAI's prompt_tokens.
func addUsage(u *event.Usage, raw []byte) {
	if len(raw) == 0 || raw[0] != '{' {
		return
	}
	n := func(path ...string) int {
		value, _ := llm.Get(raw, path...)
		n, _ := llm.Int(value)
		return max(n, 0)
	}
	cached := n("prompt_tokens_details", "cached_tokens")
	u.Input = max(n("prompt_tokens")-cached, 0)
	u.CacheRead = cached
	u.Output = n("completion_tokens")
}
