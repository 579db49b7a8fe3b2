package anthropic

import (
	"strconv"

	"fairlead.dev/llm"
)

// Body makes the request's body ready for one target. The first target of a chain gets the client's bytes and its own
// model name; a later one the changes that it needs.
func (Provider) Body(r *llm.Request, m llm.Model) (llm.Body, error) {
	if r.Op > llm.CountTokens {
		return llm.Body{Bytes: r.Body}, nil
	}
	if !m.Hop && !m.Stream && m.Resume == llm.Afresh {
		return r.Named(m), nil
	}
	f := llm.NewFit(r, m, adapts)
	if err := f.Check(func() bool { return showsImages(r) }); err != nil {
		return llm.Body{}, err
	}
	if m.Hop {
		if err := fitThinking(f); err != nil {
			return llm.Body{}, err
		}
	}
	if err := f.Resume(""); err != nil {
		return llm.Body{}, err
	}
	if m.Stream {
		if err := f.AskForStream(""); err != nil {
			return llm.Body{}, err
		}
	}
	return f.Body()
}

// minBudget is the smallest thinking budget that the API takes.
const minBudget = 1024

// fitThinking makes what a request says of thinking valid for another model. Thinking blocks in the history are signed
// for the model that wrote them and are refused by others. Without them a conversation in the middle of a tool loop
// may not ask for thinking any more; and the budget of thinking must stay below max_tokens.
func fitThinking(f *llm.Fit) error {
	r := f.Request
	raw, _ := llm.Get(r.Body, "thinking")
	mode := typeOf(raw)
	if f.Model.Name != f.Model.Primary {
		stripped, err := strip(f)
		if err != nil {
			return err
		}
		if stripped && thinks(mode) && insideToolLoop(r) {
			f.Drop("thinking")
		}
	}
	if mode == "enabled" && !f.Dropped("thinking") {
		fitBudget(f)
	}
	if f.Dropped("thinking") {
		return dropDependents(f)
	}
	return nil
}

// fitBudget keeps the budget of thinking below the limit of the answer, after that was clamped.
func fitBudget(f *llm.Fit) {
	at, budget := budgetOf(f.Request)
	if f.Tokens() == f.Request.MaxTokens || budget < f.Tokens() {
		return // as the client asked: with interleaved thinking a budget may even be larger
	}
	if f.Tokens() < 2*minBudget {
		f.Drop("thinking")
		return
	}
	f.Replace("budget_tokens", at, strconv.Itoa(f.Tokens()/2))
}

func budgetOf(r *llm.Request) (at llm.Span, budget int) {
	m, _ := field(r.Body, llm.Member{End: len(r.Body)}, "thinking")
	m, ok := field(r.Body, m, "budget_tokens")
	if ok {
		budget, _ = llm.Int(r.Body[m.Start:m.End])
	}
	return llm.Span{Start: m.Start, End: m.End}, budget
}

// dropDependents leaves out what is refused without thinking: the context edit that clears thinking blocks
// (platform docs, context editing: clear_thinking needs thinking to be on). Other edits stay, and so does their beta.
func dropDependents(f *llm.Fit) error {
	body := f.Request.Body
	m, _ := field(body, llm.Member{End: len(body)}, "context_management")
	m, ok := field(body, m, "edits")
	if !ok || m.Kind != llm.Array || f.Dropped("context_management") {
		return nil
	}
	edits, err := llm.Without(body, m, func(e llm.Member) bool {
		return typeOf(body[e.Start:e.End]) == "clear_thinking_20251015"
	})
	if len(edits) > 0 {
		f.Edit("drop:clear_thinking", edits...)
	}
	return err
}
