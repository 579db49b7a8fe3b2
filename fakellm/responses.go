package fakellm

import (
	"encoding/json"
	"fmt"
	"iter"
	"strings"
)

// responsesWire speaks OpenAI's Responses: the same API as Chat Completions,
// with other requests, answers and events.
type responsesWire struct{ openaiWire }

// readResponses lets a request of this form look like one of the others: its
// input is the messages.
func (r *request) readResponses() {
	r.MaxCompletionTokens = r.MaxOutputTokens
	r.N = nil
	if r.Input == nil {
		return
	}
	var list []message
	if json.Unmarshal(r.Input, &list) != nil {
		list = []message{{Role: "user", Content: r.Input}}
	}
	r.Messages = &list
}

func (w responsesWire) check(r *request) *failure {
	if r.Model != "" && r.Messages == nil {
		f := w.invalid("input", "Missing required parameter: 'input'.")
		f.code = "missing_required_parameter"
		return &f
	}
	return w.openaiWire.check(r)
}

// prefill: an answer is never begun by the client.
func (responsesWire) prefill(*request) (string, bool) { return "", false }

// whole is the response as it is when it has ended.
func (w responsesWire) whole(m *reply, a answer) []byte {
	items := make([]string, len(a.blocks))
	for i, b := range a.blocks {
		items[i] = w.item(m, i, b, "completed", b.text)
	}
	status, _ := w.ending(a)
	return []byte(w.response(m, a, status, strings.Join(items, ",")))
}

// ending is how the response ends.
func (responsesWire) ending(a answer) (status, details string) {
	switch a.stop {
	case stopLength:
		return "incomplete", `{"reason":"max_output_tokens"}`
	case stopRefusal:
		return "incomplete", `{"reason":"content_filter"}`
	}
	return "completed", "null"
}

// response renders the object that a plain answer is, and that lifecycle events
// repeat.
func (w responsesWire) response(m *reply, a answer, status, items string) string {
	details, usage := "null", "null"
	if status == "completed" || status == "incomplete" {
		_, details = w.ending(a)
		usage = fmt.Sprintf(`{"input_tokens":%d,"input_tokens_details":{"cached_tokens":0},"output_tokens":%d,`+
			`"output_tokens_details":{"reasoning_tokens":0},"total_tokens":%d}`, a.input, a.output, a.input+a.output)
	}
	return fmt.Sprintf(`{"id":"resp_%s","object":"response","created_at":%d,"status":%q,"error":null,"incomplete_details":%s,`+
		`"model":%s,"output":[%s],"parallel_tool_calls":true,"previous_response_id":null,"service_tier":"default","store":true,`+
		`"tool_choice":"auto","tools":[],"usage":%s,"metadata":{}}`, m.id, m.at.Unix(), status, details, quote(m.request.Model), items, usage)
}

// item renders the i-th thing of the output with so much of its text.
func (responsesWire) item(m *reply, i int, b block, status, text string) string {
	if b.kind == "tool_use" {
		return fmt.Sprintf(`{"id":"fc_%s_%d","type":"function_call","status":%q,"call_id":"call_%s_%d","name":%s,"arguments":%s}`,
			m.id, i, status, m.id, i, quote(b.tool), quote(text))
	}
	content := part(text)
	if status == "in_progress" {
		content = ""
	}
	return fmt.Sprintf(`{"id":"msg_%s_%d","type":"message","status":%q,"role":"assistant","content":[%s]}`, m.id, i, status, content)
}

func part(text string) string {
	return fmt.Sprintf(`{"type":"output_text","text":%s,"annotations":[],"logprobs":[]}`, quote(text))
}

// sequence gives events their sequence numbers.
type sequence struct{ n int }

func (s *sequence) event(kind, rest string) []byte {
	s.n++
	return fmt.Appendf(nil, "event: %s\ndata: {\"type\":%q,\"sequence_number\":%d,%s}\n\n", kind, kind, s.n-1, rest)
}

// frames opens the response, then each item of the output, and ends with the
// whole response, which is the end marker.
func (w responsesWire) frames(m *reply, a answer) iter.Seq[frame] {
	return func(yield func(frame) bool) {
		var seq sequence
		begun := `"response":` + w.response(m, a, "in_progress", "")
		ok := yield(frame{wire: seq.event("response.created", begun), head: true}) &&
			yield(frame{wire: seq.event("response.in_progress", begun), head: true})
		for i, b := range a.blocks {
			ok = ok && w.block(m, &seq, i, b, yield)
		}
		status, _ := w.ending(a)
		if ok {
			yield(frame{wire: seq.event("response."+status, `"response":`+string(w.whole(m, a))), marker: true})
		}
	}
}

// block sends one item of the output; false: nobody wants more.
func (w responsesWire) block(m *reply, seq *sequence, i int, b block, yield func(frame) bool) bool {
	kind, id := "response.output_text", fmt.Sprintf(`"item_id":"msg_%s_%d","output_index":%d`, m.id, i, i)
	where := id + `,"content_index":0`
	if b.kind == "tool_use" {
		kind, where = "response.function_call_arguments", strings.Replace(id, "msg_", "fc_", 1)
	}
	send := func(kind, rest string) bool { return yield(frame{wire: seq.event(kind, rest)}) }
	added := fmt.Sprintf(`"output_index":%d,"item":%s`, i, w.item(m, i, b, "in_progress", ""))
	if !send("response.output_item.added", added) {
		return false
	}
	if b.kind != "tool_use" && !send("response.content_part.added", where+`,"part":`+part("")) {
		return false
	}
	for t := range b.tokens() {
		if !yield(frame{wire: seq.event(kind+".delta", where+`,"delta":`+quote(t)), token: t}) {
			return false
		}
	}
	member := "text"
	if b.kind == "tool_use" {
		member = "arguments"
	}
	return send(kind+".done", where+`,"`+member+`":`+quote(b.text)) &&
		(b.kind == "tool_use" || send("response.content_part.done", where+`,"part":`+part(b.text))) &&
		send("response.output_item.done", fmt.Sprintf(`"output_index":%d,"item":%s`, i, w.item(m, i, b, "completed", b.text)))
}

// errorEvent is the API's own: code and message at the top.
func (responsesWire) errorEvent(f failure, _ string) []byte {
	code := f.code
	if code == "" {
		code = f.typ
	}
	return fmt.Appendf(nil, "event: error\ndata: {\"type\":\"error\",\"code\":%s,\"message\":%s,\"param\":null,\"sequence_number\":0}\n\n",
		quote(code), quote(f.message))
}

func (responsesWire) broken() []byte {
	return []byte("event: response.output_text.delta\ndata: {\"type\":\"response.output_text.delta\",\"delta\":\"w\n\n")
}
