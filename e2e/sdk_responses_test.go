package e2e

import (
	"context"
	"net/http"

	"github.com/openai/openai-go/v3"
	"github.com/openai/openai-go/v3/packages/param"
	"github.com/openai/openai-go/v3/responses"
	"github.com/openai/openai-go/v3/shared"
)

// openAIResponses is OpenAI's SDK, asking as Codex and the AI SDK do.
type openAIResponses struct{ openAI }

func openResponses(base, key string, via *http.Client) sdk {
	return openAIResponses{openOpenAI(base, key, via).(openAI)}
}

func (s openAIResponses) params(q question) responses.ResponseNewParams {
	p := responses.ResponseNewParams{
		Model: q.model, MaxOutputTokens: openai.Int(1000),
		Input: responses.ResponseNewParamsInputUnion{OfString: openai.String("Why do ropes chafe?")},
	}
	if q.tool {
		p.Input.OfString = openai.String("Please use tool inspect.")
		p.Tools = []responses.ToolUnionParam{{OfFunction: &responses.FunctionToolParam{
			Name: "inspect", Strict: param.NewOpt(false), Parameters: map[string]any{
				"type": "object", "properties": map[string]any{"rope": map[string]any{"type": "string"}}, "required": []string{"rope"},
			},
		}}}
	}
	if q.effort != "" {
		p.Reasoning.Effort = shared.ReasoningEffort(q.effort)
	}
	return p
}

func (s openAIResponses) Ask(ctx context.Context, q question) (answer, error) {
	r, err := s.client.Responses.New(ctx, s.params(q))
	if err != nil {
		return answer{}, err
	}
	a := s.ended(r)
	a.text = r.OutputText()
	return a, nil
}

func (s openAIResponses) Stream(ctx context.Context, q question) (a answer, err error) {
	stream := s.client.Responses.NewStreaming(ctx, s.params(q))
	defer stream.Close()
	for stream.Next() {
		switch e := stream.Current(); e.Type {
		case "response.output_text.delta":
			a.text += e.Delta
		case "response.completed", "response.incomplete":
			text := a.text
			a = s.ended(&e.Response)
			a.text = text
		}
	}
	return a, stream.Err()
}

func (openAIResponses) ended(r *responses.Response) answer {
	a := answer{model: r.Model, stop: string(r.Status), output: r.Usage.OutputTokens}
	if why := r.IncompleteDetails.Reason; why != "" {
		a.stop = why
	}
	for _, item := range r.Output {
		if item.Type == "function_call" {
			a.tool += item.Arguments.OfString
		}
	}
	return a
}
