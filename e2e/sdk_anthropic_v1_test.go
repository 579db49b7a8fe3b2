package e2e

import (
	"context"
	"errors"
	"net/http"

	"github.com/anthropics/anthropic-sdk-go"
	"github.com/anthropics/anthropic-sdk-go/option"
)

// anthropicV1 is the major before: API version 2023-06-01, the key as X-Api-Key.
// Many programs will stay with it for years.
type anthropicV1 struct{ client anthropic.Client }

func openAnthropicV1(base, key string, via *http.Client) sdk {
	return anthropicV1{anthropic.NewClient(option.WithBaseURL(base), option.WithAPIKey(key), option.WithHTTPClient(via))}
}

func (s anthropicV1) params(q question) (anthropic.MessageNewParams, []option.RequestOption) {
	p := anthropic.MessageNewParams{
		Model: anthropic.Model(q.model), MaxTokens: 1000,
		Messages: []anthropic.MessageParam{anthropic.NewUserMessage(anthropic.NewTextBlock("Why do ropes chafe?"))},
	}
	if q.tool {
		p.Tools = []anthropic.ToolUnionParam{anthropic.ToolUnionParamOfTool(anthropic.ToolInputSchemaParam{
			Properties: map[string]any{"rope": map[string]any{"type": "string"}}, Required: []string{"rope"},
		}, "inspect")}
		p.ToolChoice = anthropic.ToolChoiceUnionParam{OfAuto: &anthropic.ToolChoiceAutoParam{}}
		p.Messages = append(p.Messages[:0], anthropic.NewUserMessage(anthropic.NewTextBlock("Please use tool inspect.")))
	}
	if q.think {
		p.Thinking = anthropic.ThinkingConfigParamUnion{OfAdaptive: &anthropic.ThinkingConfigAdaptiveParam{}}
	}
	if q.effort != "" {
		p.OutputConfig.Effort = anthropic.OutputConfigEffort(q.effort)
	}
	var opts []option.RequestOption
	if q.beta != "" {
		opts = append(opts, option.WithHeader("anthropic-beta", q.beta))
	}
	return p, opts
}

func (s anthropicV1) Ask(ctx context.Context, q question) (answer, error) {
	p, opts := s.params(q)
	m, err := s.client.Messages.New(ctx, p, opts...)
	if err != nil {
		return answer{}, err
	}
	return s.answer(m), nil
}

func (s anthropicV1) Stream(ctx context.Context, q question) (answer, error) {
	p, opts := s.params(q)
	stream := s.client.Messages.NewStreaming(ctx, p, opts...)
	defer stream.Close()
	var m anthropic.Message
	for stream.Next() {
		if err := m.Accumulate(stream.Current()); err != nil {
			return s.answer(&m), err
		}
	}
	return s.answer(&m), stream.Err()
}

func (s anthropicV1) answer(m *anthropic.Message) answer {
	a := answer{model: string(m.Model), stop: string(m.StopReason), output: m.Usage.OutputTokens}
	for _, b := range m.Content {
		switch b.Type {
		case "text":
			a.text += b.Text
		case "thinking":
			a.thinking += b.Thinking
		case "tool_use":
			a.tool += string(b.Input)
		}
	}
	return a
}

func (s anthropicV1) CountTokens(ctx context.Context, model string) (int64, error) {
	n, err := s.client.Messages.CountTokens(ctx, anthropic.MessageCountTokensParams{
		Model:    anthropic.Model(model),
		Messages: []anthropic.MessageParam{anthropic.NewUserMessage(anthropic.NewTextBlock("Why do ropes chafe?"))},
	})
	if err != nil {
		return 0, err
	}
	return n.InputTokens, nil
}

func (s anthropicV1) Models(ctx context.Context) (names []string, err error) {
	pages := s.client.Models.ListAutoPaging(ctx, anthropic.ModelListParams{})
	for pages.Next() {
		names = append(names, string(pages.Current().ID))
	}
	return names, pages.Err()
}

func (s anthropicV1) Failure(err error) (failure, bool) {
	var e *anthropic.Error
	if !errors.As(err, &e) {
		return failure{}, false
	}
	return failure{status: e.StatusCode, kind: string(e.Type()), body: e.RawJSON()}, true
}
