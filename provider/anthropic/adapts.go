package anthropic

import "fairlead.dev/llm"

// Adapts returns what is known of Anthropic's models, as far as a request made for another one may need a change. A
// user's rows count first. What is not in the table is unknown, and unknown means allowed.
//
// Sources, read November 2026:
//
//   - windows and outputs: platform.claude.com, models overview and the page of each model
//   - thinking: adaptive exists from 4.6 on ("adaptive thinking is not supported on this model" before), enabled with a
//     budget is a 400 from Opus 4.7 on, disabled is a 400 where thinking is always on (Opus 5.5, Fable): the same pages;
//     elizaOS/eliza PR 16175 (probed live), lis186/ccxray issue 450, NousResearch/hermes-agent issue 11137
//   - effort: from Opus 4.5 and Sonnet 4.6 on, not Haiku 4.5 ("This model does not support the effort parameter"): the same
//   - sampling parameters are a 400 from Opus 4.7 on: the migration guide of Opus 4.7
//   - prefill: a 400 from Opus 4.6 and Sonnet 4.6 on ("This model does not support assistant message prefill. The
//     conversation must end with a user message."): platform.claude.com, what's new in 4.6; langchain-ai/deepagents
//     issue 1585, agno-agi/docs issue 570 (the same request works with Sonnet 4.5)
//   - forced tool use is refused where thinking is always on: platform.claude.com, Opus 5.5
func (Provider) Adapts() []llm.Adapt { return append([]llm.Adapt(nil), adapts...) }

// Fields and values that only some models take.
const (
	adaptive = "thinking?type=adaptive"
	budgeted = "thinking?type=enabled"
	disabled = "thinking?type=disabled"
	effort   = "output_config.effort"
	refused  = "refused"
)

var (
	sampling = []string{budgeted, "temperature", "top_p", "top_k"}
	alwaysOn = []string{budgeted, disabled, "temperature", "top_p", "top_k"}
	forced   = []string{"tool_choice?type=any", "tool_choice?type=tool"}

	before46    = []string{adaptive, effort}
	before46B   = []string{"adaptive-thinking-*", "effort-*"}
	small46B    = []string{"adaptive-thinking-*", "effort-*", "context-1m-*"}
	opus45Betas = []string{"adaptive-thinking-*", "context-1m-*"}
)

var adapts = []llm.Adapt{
	{Model: "*claude-fable-5*", Prefill: refused, Window: 1_000_000, MaxOutput: 128_000, Drop: alwaysOn, Refuse: forced},
	{Model: "*claude-opus-5-5*", Prefill: refused, Window: 1_000_000, MaxOutput: 128_000, Drop: alwaysOn, Refuse: forced},
	{Model: "*claude-opus-5*", Prefill: refused, Window: 1_000_000, MaxOutput: 128_000, Drop: sampling},
	{Model: "*claude-sonnet-5*", Prefill: refused, Window: 1_000_000, MaxOutput: 128_000, Drop: []string{budgeted}},
	{Model: "*claude-haiku-5*", Prefill: refused, Window: 1_000_000, MaxOutput: 128_000, Drop: []string{budgeted}},
	{Model: "*claude-opus-4-8*", Prefill: refused, MaxOutput: 128_000, Drop: sampling},
	{Model: "*claude-opus-4-7*", Prefill: refused, MaxOutput: 128_000, Drop: sampling},
	{Model: "*claude-opus-4-6*", Prefill: refused, MaxOutput: 128_000},
	{Model: "*claude-sonnet-4-6*", Prefill: refused},
	{Model: "*claude-mythos-*", Prefill: refused},
	{Model: "*claude-opus-4-5*", Window: 200_000, MaxOutput: 64_000, Drop: []string{adaptive}, DropBetas: opus45Betas},
	{Model: "*claude-sonnet-4-5*", MaxOutput: 64_000, Drop: before46, DropBetas: before46B},
	{Model: "*claude-haiku-4-5*", Window: 200_000, MaxOutput: 64_000, Drop: before46, DropBetas: small46B},
	{Model: "*claude-opus-4-1*", Window: 200_000, MaxOutput: 32_000, Drop: before46, DropBetas: small46B},
	{Model: "*claude-opus-4-2*", Window: 200_000, MaxOutput: 32_000, Drop: before46, DropBetas: small46B}, // claude-opus-4-20250514
	{Model: "*claude-sonnet-4-2*", MaxOutput: 64_000, Drop: before46, DropBetas: before46B},
	{Model: "*claude-3*", Window: 200_000, Drop: before46, DropBetas: small46B},
}
