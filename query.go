package fairlead

import (
	"context"
	"fmt"

	"fairlead.dev/event"
	"fairlead.dev/llm"
	"fairlead.dev/queue"
)

// Classes of priority, for [Request.Class].
const (
	Normal   = queue.Normal
	Critical = queue.Critical
	High     = queue.High
	Low      = queue.Low
	Batch    = queue.Batch
)

// Request is a question in neutral words.
type Request struct {
	Model     string        // a name of Config.Models; empty: the first of them
	System    string        // instructions; optional
	Prompt    string        // the question; stands after Messages
	Messages  []llm.Message // earlier turns; optional
	MaxTokens int           // default 4,096
	Class     queue.Class   // default Normal
	Tenant    string        // for reports; optional
	Pinned    bool          // never answered by another target than the primary
}

// Response is a whole answer.
type Response struct {
	Text       string
	Model      string // who answered, as "provider/model"
	StopReason string // in the provider's words
	Usage      event.Usage
	Report     *event.Report // what it took, and why
}

// Query asks and waits for the whole answer. The error is an *[Error].
func (c *Client) Query(ctx context.Context, r Request) (Response, error) {
	ask, api, err := c.ask(r, false)
	if err != nil {
		return Response{}, err
	}
	answer, err := c.Do(ctx, ask)
	if err != nil {
		return Response{}, err
	}
	defer answer.Close()
	body, err := answer.Next()
	if err != nil {
		return Response{}, err
	}
	got, err := api.Decode(body)
	if err != nil {
		return Response{}, &Error{Verdict: event.ServerError, Status: answer.Status, Report: answer.Report, Err: err}
	}
	return Response{
		Text: got.Text, Model: answer.Target, StopReason: got.StopReason, Usage: got.Usage, Report: answer.Report,
	}, nil
}

// ask writes a request in the dialect of the model's chain.
func (c *Client) ask(r Request, stream bool) (Call, llm.Provider, error) {
	t := c.table.Load()
	model := r.Model
	if model == "" && len(t.cfg.Models) > 0 {
		model = t.cfg.Models[0].Name
	}
	api := t.dialectOf(model)
	if api == nil {
		return Call{}, nil, &Error{Verdict: event.UnknownModel, Status: 404, Err: fmt.Errorf("%w: %q", ErrUnknownModel, model)}
	}
	messages := append([]llm.Message(nil), r.Messages...)
	if r.Prompt != "" {
		messages = append(messages, llm.Message{Role: "user", Text: r.Prompt})
	}
	p := llm.Prompt{Model: model, System: r.System, Messages: messages, MaxTokens: r.MaxTokens, Stream: stream}
	req, err := api.Encode(p)
	if err != nil {
		return Call{}, nil, &Error{Verdict: event.Invalid, Status: 400, Err: err}
	}
	return Call{Request: req, Class: r.Class, Tenant: r.Tenant, Pinned: r.Pinned, Trusted: true}, api, nil
}

// dialectOf returns the provider whose dialect the chain of a model speaks.
func (t *table) dialectOf(model string) llm.Provider {
	r := t.routes[model]
	if r == nil {
		r = t.star
	}
	if r == nil {
		return nil
	}
	return r.chain[0].provider.cfg.API
}
