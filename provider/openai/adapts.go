package openai

import "fairlead.dev/llm"

// Adapts returns what is known of OpenAI's models, as far as a request made for another one may need a change. A user's
// rows count first. What is not in the table is unknown, and unknown means allowed: names at compatible hosts are theirs.
//
// Sources: platform.openai.com, the page of each model (window, output, images, tools); the reasoning guide: sampling
// parameters are refused by models that reason (unsupported_value), reasoning_effort by those that do not.
func (Provider) Adapts() []llm.Adapt { return append([]llm.Adapt(nil), adapts...) }

var (
	thinking = []string{"reasoning_effort"}
	sampling = []string{"temperature", "top_p", "presence_penalty", "frequency_penalty", "logprobs", "top_logprobs", "logit_bias"}
)

var adapts = []llm.Adapt{
	{Model: "gpt-4o*", Window: 128_000, MaxOutput: 16_384, Drop: thinking},
	{Model: "chatgpt-4o*", Window: 128_000, MaxOutput: 16_384, Drop: thinking},
	{Model: "gpt-4.1*", Window: 1_047_576, MaxOutput: 32_768, Drop: thinking},
	{Model: "gpt-4-turbo*", Window: 128_000, MaxOutput: 4_096, Drop: thinking},
	{Model: "gpt-3.5-turbo*", Window: 16_385, MaxOutput: 4_096, NoImages: true, Drop: thinking},
	{Model: "o1*", Window: 200_000, MaxOutput: 100_000, Drop: sampling},
	{Model: "o3-mini*", Window: 200_000, MaxOutput: 100_000, NoImages: true, Drop: sampling},
	{Model: "o3*", Window: 200_000, MaxOutput: 100_000, Drop: sampling},
	{Model: "o4-mini*", Window: 200_000, MaxOutput: 100_000, Drop: sampling},
	{Model: "gpt-5-chat*", MaxOutput: 16_384, Drop: thinking},
	{Model: "gpt-5", MaxOutput: 128_000, Drop: sampling},
	{Model: "gpt-5-*", MaxOutput: 128_000, Drop: sampling}, // gpt-5-mini, gpt-5-nano, snapshots
}
