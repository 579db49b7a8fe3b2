package fakellm_test

import (
	"net/http"
	"strings"
	"testing"

	"fairlead.dev/fakellm"
)

// The answers below are what the real APIs send, as their documentation and
// their SDKs' recordings show it, but for ids, times and counts.

const goldenText = `event: message_start
data: {"type":"message_start","message":{"id":"msg_fake000001","type":"message","role":"assistant","model":"m","content":[],"stop_reason":null,"stop_sequence":null,"usage":{"input_tokens":22,"cache_creation_input_tokens":0,"cache_read_input_tokens":0,"output_tokens":1,"service_tier":"standard"}}}

event: content_block_start
data: {"type":"content_block_start","index":0,"content_block":{"type":"text","text":""}}

event: ping
data: {"type":"ping"}

event: content_block_delta
data: {"type":"content_block_delta","index":0,"delta":{"type":"text_delta","text":"w0"}}

event: content_block_delta
data: {"type":"content_block_delta","index":0,"delta":{"type":"text_delta","text":" w1"}}

event: content_block_stop
data: {"type":"content_block_stop","index":0}

event: message_delta
data: {"type":"message_delta","delta":{"stop_reason":"end_turn","stop_sequence":null},"usage":{"input_tokens":22,"output_tokens":2}}

event: message_stop
data: {"type":"message_stop"}

`

const goldenThinkingAndTool = `event: message_start
data: {"type":"message_start","message":{"id":"msg_fake000001","type":"message","role":"assistant","model":"m","content":[],"stop_reason":null,"stop_sequence":null,"usage":{"input_tokens":71,"cache_creation_input_tokens":0,"cache_read_input_tokens":0,"output_tokens":1,"service_tier":"standard"}}}

event: content_block_start
data: {"type":"content_block_start","index":0,"content_block":{"type":"thinking","thinking":"","signature":""}}

event: ping
data: {"type":"ping"}

event: content_block_delta
data: {"type":"content_block_delta","index":0,"delta":{"type":"thinking_delta","thinking":"t0"}}

event: content_block_delta
data: {"type":"content_block_delta","index":0,"delta":{"type":"thinking_delta","thinking":" t1"}}

event: content_block_delta
data: {"type":"content_block_delta","index":0,"delta":{"type":"thinking_delta","thinking":" t2"}}

event: content_block_delta
data: {"type":"content_block_delta","index":0,"delta":{"type":"thinking_delta","thinking":" t3"}}

event: content_block_delta
data: {"type":"content_block_delta","index":0,"delta":{"type":"thinking_delta","thinking":" t4"}}

event: content_block_delta
data: {"type":"content_block_delta","index":0,"delta":{"type":"signature_delta","signature":"ZmFrZWxsbSBt"}}

event: content_block_stop
data: {"type":"content_block_stop","index":0}

event: content_block_start
data: {"type":"content_block_start","index":1,"content_block":{"type":"tool_use","id":"toolu_fake000001_1","name":"sum","input":{}}}

event: content_block_delta
data: {"type":"content_block_delta","index":1,"delta":{"type":"input_json_delta","partial_json":""}}

event: content_block_delta
data: {"type":"content_block_delta","index":1,"delta":{"type":"input_json_delta","partial_json":"{\"of\":"}}

event: content_block_delta
data: {"type":"content_block_delta","index":1,"delta":{"type":"input_json_delta","partial_json":"[1]}"}}

event: content_block_stop
data: {"type":"content_block_stop","index":1}

event: message_delta
data: {"type":"message_delta","delta":{"stop_reason":"tool_use","stop_sequence":null},"usage":{"input_tokens":71,"output_tokens":7}}

event: message_stop
data: {"type":"message_stop"}

`

// sum is a tool whose input is short.
const sum = `"tools":[{"name":"sum","input_schema":{"required":["of"],"properties":{"of":{"type":"array","minItems":1,"items":{"type":"number"}}}}}]`

func TestGoldenAnthropic(t *testing.T) {
	thinkAndCall := []string{sum, `"tool_choice":{"type":"any"}`, `"thinking":{"type":"enabled"}`}
	tests := []struct{ name, request, answer string }{
		{"text", streamed("m"), goldenText},
		{"thinking and a tool", streamed("m", thinkAndCall...), goldenThinkingAndTool},
		{"plain text", prompt("m"), `{"id":"msg_fake000001","type":"message","role":"assistant","model":"m","content":[{"type":"text","text":"w0 w1"}],` +
			`"stop_reason":"end_turn","stop_sequence":null,"usage":{"input_tokens":18,"cache_creation_input_tokens":0,"cache_read_input_tokens":0,"output_tokens":2,"service_tier":"standard"}}`},
		{"plain thinking and a tool", prompt("m", thinkAndCall...), `{"id":"msg_fake000001","type":"message","role":"assistant","model":"m","content":[` +
			`{"type":"thinking","thinking":"t0 t1 t2 t3 t4","signature":"ZmFrZWxsbSBt"},{"type":"tool_use","id":"toolu_fake000001_1","name":"sum","input":{"of":[1]}}],` +
			`"stop_reason":"tool_use","stop_sequence":null,"usage":{"input_tokens":67,"cache_creation_input_tokens":0,"cache_read_input_tokens":0,"output_tokens":7,"service_tier":"standard"}}`},
		{"plain refusal", prompt("refuse"), `{"id":"msg_fake000001","type":"message","role":"assistant","model":"refuse","content":[],` +
			`"stop_reason":"refusal","stop_sequence":null,"usage":{"input_tokens":20,"cache_creation_input_tokens":0,"cache_read_input_tokens":0,"output_tokens":0,"service_tier":"standard"}}`},
		{"overload", prompt("fail-529"), `{"type":"error","error":{"type":"overloaded_error","message":"Overloaded"},"request_id":"req_fake000001"}`},
		{"a spend limit", prompt("spend-limit"), `{"type":"error","error":{"type":"rate_limit_error","message":"You have reached your organization's monthly spend limit. ` +
			`It resets at the beginning of next month (UTC).","details":{"error_code":"enforced_spend_limit_reached"}},"request_id":"req_fake000001"}`},
		{"no model of that name", prompt("unknown-model"), `{"type":"error","error":{"type":"not_found_error","message":"model: unknown-model"},"request_id":"req_fake000001"}`},
	}
	golden(t, messages, tests)
}

// golden compares whole bodies, each of the first answer of a fake.
func golden(t *testing.T, path string, tests []struct{ name, request, answer string }) {
	t.Helper()
	for _, tt := range tests {
		bubble(t, fakellm.Config{Tokens: 2}, func(b *bed) {
			if got := b.post(path, tt.request).body; got != tt.answer {
				b.Errorf("%s:\ngot  %s\nwant %s", tt.name, got, tt.answer)
			}
		})
	}
}

// chunks writes a stream of OpenAI's from what is inside choices and behind it.
func chunks(inside ...string) string {
	var b strings.Builder
	for _, in := range inside {
		b.WriteString(`data: {"id":"chatcmpl-fake000001","object":"chat.completion.chunk","created":946684800,"model":"m",` +
			`"service_tier":"default","system_fingerprint":"fp_fake","choices":[` + in + "}\n\n")
	}
	return b.String() + "data: [DONE]\n\n"
}

func TestGoldenOpenAI(t *testing.T) {
	const none, role = `,"logprobs":null,"finish_reason":null}]`, `"delta":{"role":"assistant","content":"","refusal":null}`
	sumFunction := strings.NewReplacer(`{"name"`, `{"type":"function","function":{"name"`, "input_schema", "parameters", "}}]", "}}}]").Replace(sum)
	const usage = `"usage":{"prompt_tokens":18,"completion_tokens":2,"total_tokens":20,"prompt_tokens_details":{"cached_tokens":0},"completion_tokens_details":{"reasoning_tokens":0}}`
	call := []string{sumFunction, `"tool_choice":"required"`}
	tests := []struct{ name, request, answer string }{
		{"text", streamed("m"), chunks(`{"index":0,`+role+none, `{"index":0,"delta":{"content":"w0"}`+none, `{"index":0,"delta":{"content":" w1"}`+none,
			`{"index":0,"delta":{},"logprobs":null,"finish_reason":"stop"}]`)},
		{"two choices and the usage", streamed("m", `"n":2`, `"stream_options":{"include_usage":true}`), chunks(
			`{"index":0,`+role+none+`,"usage":null`, `{"index":1,`+role+none+`,"usage":null`,
			`{"index":0,"delta":{"content":"w0"}`+none+`,"usage":null`, `{"index":1,"delta":{"content":"w0"}`+none+`,"usage":null`,
			`{"index":0,"delta":{"content":" w1"}`+none+`,"usage":null`, `{"index":1,"delta":{"content":" w1"}`+none+`,"usage":null`,
			`{"index":0,"delta":{},"logprobs":null,"finish_reason":"stop"}],"usage":null`, `{"index":1,"delta":{},"logprobs":null,"finish_reason":"stop"}],"usage":null`,
			`],"usage":{"prompt_tokens":33,"completion_tokens":4,"total_tokens":37,"prompt_tokens_details":{"cached_tokens":0},"completion_tokens_details":{"reasoning_tokens":0}}`)},
		{"a tool", streamed("m", call...), chunks(`{"index":0,`+role+none,
			`{"index":0,"delta":{"tool_calls":[{"index":0,"id":"call_fake000001_0","type":"function","function":{"name":"sum","arguments":""}}]}`+none,
			`{"index":0,"delta":{"tool_calls":[{"index":0,"function":{"arguments":"{\"of\":"}}]}`+none,
			`{"index":0,"delta":{"tool_calls":[{"index":0,"function":{"arguments":"[1]}"}}]}`+none,
			`{"index":0,"delta":{},"logprobs":null,"finish_reason":"tool_calls"}]`)},
		{"plain text", prompt("m"), `{"id":"chatcmpl-fake000001","object":"chat.completion","created":946684800,"model":"m","choices":[` +
			`{"index":0,"message":{"role":"assistant","content":"w0 w1","refusal":null,"annotations":[]},"logprobs":null,"finish_reason":"stop"}],` +
			usage + `,"service_tier":"default","system_fingerprint":"fp_fake"}`},
		{"a plain tool", prompt("m", call...), `{"id":"chatcmpl-fake000001","object":"chat.completion","created":946684800,"model":"m","choices":[` +
			`{"index":0,"message":{"role":"assistant","content":null,"refusal":null,"tool_calls":[{"id":"call_fake000001_0","type":"function","function":{"name":"sum","arguments":"{\"of\":[1]}"}}]},` +
			`"logprobs":null,"finish_reason":"tool_calls"}],` + strings.NewReplacer(`18,`, `66,`, `:20`, `:68`).Replace(usage) + `,"service_tier":"default","system_fingerprint":"fp_fake"}`},
		{"a wrong key", prompt("bad-key"), `{"error":{"message":"Incorrect API key provided.","type":"invalid_request_error","param":null,"code":"invalid_api_key"}}`},
		{"no quota", prompt("no-quota"), `{"error":{"message":"You exceeded your current quota, please check your plan and billing details.","type":"insufficient_quota","param":null,"code":"credit_balance_exhausted"}}`},
		{"options without a stream", prompt("m", `"stream_options":{"include_usage":true}`),
			`{"error":{"message":"The 'stream_options' parameter is only allowed when 'stream' is enabled.","type":"invalid_request_error","param":"stream_options","code":null}}`},
	}
	golden(t, chat, tests)
}

func TestGoldenSideCalls(t *testing.T) {
	const version = "anthropic-version"
	opus := `{"type":"model","id":"claude-opus-5-5","display_name":"claude-opus-5-5","created_at":"2026-10-01T00:00:00Z","max_input_tokens":200000,"max_tokens":128000,"lifecycle":"active"}`
	tests := []struct{ method, path, header, answer string }{
		{http.MethodGet, "/v1/models", version, `{"data":[` + opus + `,` + strings.ReplaceAll(opus, "opus", "sonnet") + `],"has_more":false,"first_id":"claude-opus-5-5","last_id":"claude-sonnet-5-5"}`},
		{http.MethodGet, "/v1/models/claude-opus-5-5", version, opus},
		{http.MethodGet, "/v1/models/gone", version, `{"type":"error","error":{"type":"not_found_error","message":"model: gone"},"request_id":"req_fake000003"}`},
		{http.MethodGet, "/models", "x", `{"object":"list","data":[{"id":"claude-opus-5-5","object":"model","created":1790812800,"owned_by":"fakellm"},` +
			`{"id":"claude-sonnet-5-5","object":"model","created":1790812800,"owned_by":"fakellm"}]}`},
		{http.MethodGet, "/v1/models/gone", "x", `{"error":{"message":"The model ` + "`gone`" + ` does not exist or you do not have access to it.","type":"invalid_request_error","param":"model","code":"model_not_found"}}`},
		{http.MethodPost, "/v1/nothing", "x", `{"error":{"message":"Invalid URL (POST /v1/nothing)","type":"invalid_request_error","param":null,"code":null}}`},
		{http.MethodGet, "/v1/nothing", version, `{"type":"error","error":{"type":"not_found_error","message":"Invalid URL (GET /v1/nothing)"},"request_id":"req_fake000007"}`},
		{http.MethodPost, "/v1/embeddings", "x", `{"object":"list","data":[{"object":"embedding","index":0,"embedding":[0.5,-0.5,0.5,-0.5]}],"model":"m","usage":{"prompt_tokens":6,"total_tokens":6}}`},
	}
	bubble(t, fakellm.Config{Models: []string{"claude-opus-5-5", "claude-sonnet-5-5"}}, func(b *bed) {
		for _, tt := range tests {
			if got := b.send(b.Context(), tt.method, tt.path, `{"model":"m","input":"hi"}`, tt.header, "2023-06-01").body; got != tt.answer {
				b.Errorf("%s %s:\ngot  %s\nwant %s", tt.method, tt.path, got, tt.answer)
			}
		}
	})
}
