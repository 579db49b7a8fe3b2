package providertest

import "fmt"

// Sample is a dialect on the wire.
type Sample struct {
	Path         string // of Generate
	Text         string // of Whole and of Stream
	Whole        string // a good answer
	Refused      string // an answer that is a refusal
	Empty        string // a finished answer with nothing in it
	Unfinished   string // an answer without a stop reason
	Stream       string // the good answer as a stream; lifecycle first, lines end in LF
	EmptyStream  string
	FirstContent string // the first event of Stream that brings text
	Proof        string // the part of Stream after which it may be called complete
	Broken       string // an event that could have been content and is not JSON
	Error        func(kind, code string) string
	ErrorEvent   func(kind string) string
}

var samples = map[string]Sample{"anthropic": anthropic, "openai": openai}

var anthropic = Sample{
	Path: "/v1/messages",
	Text: "Hé \"you\"",
	Whole: `{"id":"msg_1","type":"message","role":"assistant","model":"claude-x","content":[{"type":"text","text":"H\u00e9 \"you\""}],` +
		`"stop_reason":"end_turn","stop_sequence":null,"usage":{"input_tokens":12,"output_tokens":3}}`,
	Refused:    `{"id":"msg_1","type":"message","role":"assistant","model":"claude-x","content":[],"stop_reason":"refusal","usage":{}}`,
	Empty:      `{"id":"msg_1","type":"message","role":"assistant","model":"claude-x","content":[{"type":"text","text":""}],"stop_reason":"end_turn","usage":{}}`,
	Unfinished: `{"id":"msg_1","type":"message","role":"assistant","model":"claude-x","content":[{"type":"text","text":"H"}],"stop_reason":null,"usage":{}}`,
	Stream: "event: message_start\ndata: {\"type\":\"message_start\",\"message\":{\"id\":\"msg_1\",\"type\":\"message\",\"content\":[],\"stop_reason\":null,\"usage\":{\"input_tokens\":12,\"output_tokens\":1}}}\n\n" +
		"event: ping\ndata: {\"type\":\"ping\"}\n\n" +
		"event: content_block_start\ndata: {\"type\":\"content_block_start\",\"index\":0,\"content_block\":{\"type\":\"text\",\"text\":\"\"}}\n\n" +
		"event: content_block_delta\ndata: {\"type\":\"content_block_delta\",\"index\":0,\"delta\":{\"type\":\"text_delta\",\"text\":\"H\\u00e9\"}}\n\n" +
		": a comment\n\n" +
		"event: content_block_delta\ndata: {\"type\":\"content_block_delta\",\"index\":0,\"delta\":{\"type\":\"text_delta\",\"text\":\" \\\"you\\\"\"}}\n\n" +
		"event: content_block_stop\ndata: {\"type\":\"content_block_stop\",\"index\":0}\n\n" +
		"event: message_delta\ndata: {\"type\":\"message_delta\",\"delta\":{\"stop_reason\":\"end_turn\"},\"usage\":{\"output_tokens\":3}}\n\n" +
		"event: message_stop\ndata: {\"type\":\"message_stop\"}\n\n",
	EmptyStream: "event: message_start\ndata: {\"type\":\"message_start\",\"message\":{\"usage\":{\"input_tokens\":12,\"output_tokens\":1}}}\n\n" +
		"event: content_block_start\ndata: {\"type\":\"content_block_start\",\"index\":0,\"content_block\":{\"type\":\"text\",\"text\":\"\"}}\n\n" +
		"event: message_delta\ndata: {\"type\":\"message_delta\",\"delta\":{\"stop_reason\":\"end_turn\"},\"usage\":{\"output_tokens\":1}}\n\n" +
		"event: message_stop\ndata: {\"type\":\"message_stop\"}\n\n",
	FirstContent: "event: content_block_delta\ndata: {\"type\":\"content_block_delta\",\"index\":0,\"delta\":{\"type\":\"text_delta\",\"text\":\"H\\u00e9\"}}\n\n",
	Proof:        `"stop_reason":"end_turn"`,
	Broken:       "event: content_block_delta\ndata: {\"type\":\"content_block_delta\",\"index\":0,\"delta\":{\"te\n\n",
	Error: func(kind, code string) string {
		details := ""
		if code != "" {
			details = fmt.Sprintf(`,"details":{"error_code":%q}`, code)
		}
		return fmt.Sprintf(`{"type":"error","error":{"type":%q,"message":"no"%s},"request_id":"req_1"}`, kind, details)
	},
	ErrorEvent: func(kind string) string {
		return fmt.Sprintf("event: error\ndata: {\"type\":\"error\",\"error\":{\"type\":%q,\"message\":\"no\"}}\n\n", kind)
	},
}

var openai = Sample{
	Path: "/v1/chat/completions",
	Text: "Hé \"you\"",
	Whole: `{"id":"c","object":"chat.completion","model":"gpt-x","choices":[{"index":0,"message":{"role":"assistant","content":"H\u00e9 \"you\"","refusal":null},` +
		`"finish_reason":"stop"}],"usage":{"prompt_tokens":12,"completion_tokens":3,"total_tokens":15}}`,
	Refused:    `{"object":"chat.completion","choices":[{"index":0,"message":{"role":"assistant","content":""},"finish_reason":"content_filter"}]}`,
	Empty:      `{"object":"chat.completion","choices":[{"index":0,"message":{"role":"assistant","content":"","tool_calls":[]},"finish_reason":"stop"}]}`,
	Unfinished: `{"object":"chat.completion","choices":[{"index":0,"message":{"role":"assistant","content":"H"},"finish_reason":null}]}`,
	Stream: "data: {\"id\":\"c\",\"object\":\"chat.completion.chunk\",\"choices\":[{\"index\":0,\"delta\":{\"role\":\"assistant\",\"content\":\"\"},\"finish_reason\":null}]}\n\n" +
		": a comment\n\n" +
		"data: {\"id\":\"c\",\"object\":\"chat.completion.chunk\",\"choices\":[{\"index\":0,\"delta\":{\"content\":\"H\\u00e9\"},\"finish_reason\":null}]}\n\n" +
		"data: {\"id\":\"c\",\"object\":\"chat.completion.chunk\",\"choices\":[{\"index\":0,\"delta\":{\"content\":\" \\\"you\\\"\"},\"finish_reason\":null}]}\n\n" +
		"data: {\"id\":\"c\",\"object\":\"chat.completion.chunk\",\"choices\":[{\"index\":0,\"delta\":{},\"finish_reason\":\"stop\"}]}\n\n" +
		"data: {\"id\":\"c\",\"object\":\"chat.completion.chunk\",\"choices\":[],\"usage\":{\"prompt_tokens\":12,\"completion_tokens\":3}}\n\n" +
		"data: [DONE]\n\n",
	EmptyStream: "data: {\"choices\":[{\"index\":0,\"delta\":{\"role\":\"assistant\",\"content\":\"\"},\"finish_reason\":null}]}\n\n" +
		"data: {\"choices\":[{\"index\":0,\"delta\":{},\"finish_reason\":\"stop\"}]}\n\ndata: [DONE]\n\n",
	FirstContent: "data: {\"id\":\"c\",\"object\":\"chat.completion.chunk\",\"choices\":[{\"index\":0,\"delta\":{\"content\":\"H\\u00e9\"},\"finish_reason\":null}]}\n\n",
	Proof:        `"finish_reason":"stop"`,
	Broken:       "data: {\"choices\":[{\"index\":0,\"delta\":{\"cont\n\n",
	Error: func(kind, code string) string {
		return fmt.Sprintf(`{"error":{"message":"no","type":%q,"param":null,"code":%s}}`, kind, quoteOrNull(code))
	},
	ErrorEvent: func(kind string) string {
		return fmt.Sprintf("data: {\"error\":{\"message\":\"no\",\"type\":%q,\"param\":null,\"code\":null}}\n\n", kind)
	},
}

func quoteOrNull(s string) string {
	if s == "" {
		return "null"
	}
	return fmt.Sprintf("%q", s)
}
