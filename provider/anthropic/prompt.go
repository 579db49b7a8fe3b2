package anthropic

import (
	"errors"
	"net/http"
	"strconv"

	"fairlead.dev/llm"
)

// defaultMaxTokens is asked for when a prompt does not say: the API demands a limit.
const defaultMaxTokens = 4096

// Encode makes a Messages request of a prompt.
func (p Provider) Encode(q llm.Prompt) (*llm.Request, error) {
	b := llm.AppendQuoted([]byte(`{"model":`), q.Model)
	limit := q.MaxTokens
	if limit <= 0 {
		limit = defaultMaxTokens
	}
	b = strconv.AppendInt(append(b, `,"max_tokens":`...), int64(limit), 10)
	if q.System != "" {
		b = llm.AppendQuoted(append(b, `,"system":`...), q.System)
	}
	b = append(b, `,"messages":[`...)
	for i, m := range q.Messages {
		if i > 0 {
			b = append(b, ',')
		}
		b = llm.AppendQuoted(append(b, `{"role":`...), m.Role)
		b = append(llm.AppendQuoted(append(b, `,"content":`...), m.Text), '}')
	}
	b = append(b, ']')
	if q.Stream {
		b = append(b, `,"stream":true`...)
	}
	h := http.Header{"Content-Type": {"application/json"}, "Anthropic-Version": {version}}
	return p.Parse(http.MethodPost, pathMessages, "", h, append(b, '}'))
}

var errNoMessage = errors.New("anthropic: the answer is not a message")

// Decode reads a whole good answer: its text blocks joined.
func (Provider) Decode(body []byte) (llm.Response, error) {
	var r llm.Response
	if llm.Valid(body) != nil {
		mended, ok := llm.Mend(body)
		if !ok {
			return r, errNoMessage
		}
		body = mended
	}
	content, ok := field(body, llm.Member{End: len(body)}, "content")
	if !ok {
		return r, errNoMessage
	}
	r.Model, r.StopReason = word(body, "model"), word(body, "stop_reason")
	eachBlock(body, content, func(blockType string, b llm.Member) bool {
		if blockType == "text" {
			r.Text += word(body[b.Start:b.End], "text")
		}
		return false
	})
	usage, _ := llm.Get(body, "usage")
	addUsage(&r.Usage, usage)
	return r, nil
}
