package e2e

import (
	"context"
	"errors"
	"net/http"

	"github.com/openai/openai-go/v3"
	"github.com/openai/openai-go/v3/option"
	"github.com/openai/openai-go/v3/packages/ssestream"
	"github.com/openai/openai-go/v3/shared"
)

// openAI is OpenAI's SDK. Its base URL has the /v1.
type openAI struct{ client openai.Client }

func openOpenAI(base, key string, via *http.Client) sdk {
	return openAI{openai.NewClient(option.WithBaseURL(base+"/v1"), option.WithAPIKey(key), option.WithHTTPClient(via))}
}

func (s openAI) params(q question) openai.ChatCompletionNewParams {
	p := openai.ChatCompletionNewParams{
		Model:               q.model,
		MaxCompletionTokens: openai.Int(1000),
		Messages:            []openai.ChatCompletionMessageParamUnion{openai.UserMessage("Why do ropes chafe?")},
	}
	if q.tool {
		p.Messages[0] = openai.UserMessage("Please use tool inspect.")
		p.Tools = []openai.ChatCompletionToolUnionParam{openai.ChatCompletionFunctionTool(shared.FunctionDefinitionParam{
			Name: "inspect", Parameters: shared.FunctionParameters{
				"type": "object", "properties": map[string]any{"rope": map[string]any{"type": "string"}}, "required": []string{"rope"},
			},
		})}
	}
	if q.effort != "" {
		p.ReasoningEffort = shared.ReasoningEffort(q.effort)
	}
	return p
}

func (s openAI) Ask(ctx context.Context, q question) (answer, error) {
	c, err := s.client.Chat.Completions.New(ctx, s.params(q))
	if err != nil {
		return answer{}, err
	}
	return s.answer(c), nil
}

func (s openAI) Stream(ctx context.Context, q question) (answer, error) {
	p := s.params(q)
	p.StreamOptions.IncludeUsage = openai.Bool(true)
	stream := s.client.Chat.Completions.NewStreaming(ctx, p)
	defer stream.Close()
	var acc openai.ChatCompletionAccumulator
	for stream.Next() {
		if !acc.AddChunk(stream.Current()) {
			return s.answer(&acc.ChatCompletion), errors.New("the SDK cannot add up the chunks")
		}
	}
	return s.answer(&acc.ChatCompletion), stream.Err()
}

func (s openAI) answer(c *openai.ChatCompletion) answer {
	a := answer{model: c.Model, output: c.Usage.CompletionTokens}
	for _, choice := range c.Choices {
		a.text += choice.Message.Content
		a.stop = choice.FinishReason
		for _, call := range choice.Message.ToolCalls {
			a.tool += call.Function.Arguments
		}
	}
	return a
}

func (s openAI) CountTokens(context.Context, string) (int64, error) { return 0, errUnsupported }

func (s openAI) Models(ctx context.Context) (names []string, err error) {
	pages := s.client.Models.ListAutoPaging(ctx)
	for pages.Next() {
		names = append(names, pages.Current().ID)
	}
	return names, pages.Err()
}

// Failure knows both error types: the one of an HTTP status, and the one of an
// error inside a stream, which has no status.
func (s openAI) Failure(err error) (failure, bool) {
	var e *openai.Error
	if errors.As(err, &e) {
		return failure{status: e.StatusCode, kind: e.Type, body: e.RawJSON()}, true
	}
	var cut *ssestream.StreamError
	if errors.As(err, &cut) {
		return failure{status: http.StatusOK, body: string(cut.Event.Data)}, true
	}
	return failure{}, false
}
