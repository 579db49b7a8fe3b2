package fakellm

import (
	"iter"
	"strings"
)

// Stop reasons, in Anthropic's words; the openai dialect translates them.
const (
	stopEnd     = "end_turn"
	stopLength  = "max_tokens"
	stopTool    = "tool_use"
	stopRefusal = "refusal"
)

// block is one content block of an answer.
type block struct {
	kind string // "thinking", "text" or "tool_use", as on Anthropic's wire
	text string // for a tool call, the JSON of its input
	tool string // its name
}

// tokens splits the block into what one event carries.
func (b *block) tokens() iter.Seq[string] {
	if b.kind == "tool_use" {
		return pieces(b.text)
	}
	return words(b.text)
}

// answer is what the model says and why it stops, before a dialect renders it.
type answer struct {
	blocks        []block
	stop          string
	input, output int // tokens, for usage
}

// compose decides on the answer to a valid request.
func compose(r *request, f *Fault, standard int, prefill string, thinking bool) answer {
	a := answer{input: r.inputTokens(), stop: stopEnd}
	left := r.budget()
	if f.silentAnswer() {
		left, a.stop = 0, stopEnd
	} else {
		if thinking && r.thinks() {
			left = a.add(block{kind: "thinking", text: Thinking()}, left)
		}
		if t, ok := r.wantsTool(); ok && f.Text == nil {
			a.stop = stopTool
			left = a.add(block{kind: "tool_use", text: sampleInput(t.params()), tool: t.name()}, left)
		} else {
			rest, _ := strings.CutPrefix(f.answerText(standard), prefill)
			left = a.add(block{kind: "text", text: rest}, left)
		}
		if left == cutShort {
			a.stop = stopLength
		}
	}
	if f.Stop != "" {
		a.stop = f.Stop
	}
	return a
}

// cutShort is the budget after a block that did not fit.
const cutShort = -2

// add appends as much of b as the budget allows and returns what is left of it.
func (a *answer) add(b block, budget int) int {
	if budget == cutShort || b.text == "" {
		return budget
	}
	most := budget
	if budget < 0 {
		most = len(b.text) // no token is shorter than a byte
	}
	text, n, cut := firstTokens(b.tokens(), most)
	b.text = text
	if n > 0 {
		a.blocks = append(a.blocks, b)
		a.output += n
	}
	switch {
	case cut:
		return cutShort
	case budget < 0:
		return budget
	}
	return budget - n
}

// silentAnswer reports whether the model finishes without saying anything.
func (f *Fault) silentAnswer() bool {
	return f.Do == doEmpty || (f.Stop == stopRefusal && f.Text == nil && f.Tokens == nil)
}

// answerText is the whole text that the fault, or nobody, wants said.
func (f *Fault) answerText(standard int) string {
	switch {
	case f.Text != nil:
		return *f.Text
	case f.Tokens != nil:
		return Text(*f.Tokens)
	}
	return Text(standard)
}
