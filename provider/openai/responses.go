package openai

import (
	"bytes"
	"errors"
	"strings"
	"time"

	"fairlead.dev/event"
	"fairlead.dev/llm"
	"fairlead.dev/sse"
)

// The Responses API is another form of the same API: the same hosts, keys, limits and errors. A request is of this
// form by its path.
//
//	response.created, .in_progress, .output_item.*, .content_part.*, *.done   Lifecycle
//	*.delta with something in it                                              Content
//	response.completed, response.incomplete                                   End
//	response.failed, error                                                    Fail      the verdict of its code
//
// Nothing but its own end marker proves an answer complete, and nobody but the provider can write it: it repeats the
// whole answer.
const pathResponses = "/v1/responses"

var (
	errNoEnd  = errors.New("openai: the stream ended without response.completed or response.incomplete")
	errStatus = errors.New("openai: the response has no status that ends it")
)

// noteResponses notes what only requests of this form have. previous_response_id and conversation name what the
// provider remembers: nobody else can go on with it.
func (l *limits) noteResponses(r *llm.Request, m llm.Member, raw []byte) (err error) {
	switch string(m.Key) {
	case "max_output_tokens":
		l.new.at = llm.Span{Start: m.Start, End: m.End}
		l.new.tokens, err = llm.Count(m, raw)
	case "input":
		r.MessagesAt = llm.Span{Start: m.Start, End: m.End}
	case "previous_response_id", "conversation":
		r.Bound = r.Bound || llm.Holds(raw)
	case "reasoning":
		r.Thinking = r.Thinking || m.Kind == llm.Object && llm.Holds(raw)
	}
	return err
}

// wholeResponse judges a plain answer. One that works on in the background has said all that it can for now.
func wholeResponse(out llm.Outcome, r *llm.Request, body []byte, now time.Time) llm.Outcome {
	usage, _ := llm.Get(body, "usage")
	addResponseUsage(&out.Usage, usage)
	switch status := word(body, "status"); status {
	case "queued", "in_progress", "cancelled":
		return out
	case "failed":
		fault, _ := llm.Get(body, "error")
		return judge(r.Op, out.Status, out.Header, errorBody(fault), now)
	case "completed", "incomplete":
		out.Verdict, out.Err = responseVerdict(body, false)
	default:
		if word(body, "object") == "response" { // whatever else it is, it is whole
			out.Verdict, out.Err = event.Truncated, errStatus
		}
	}
	return out
}

// responseVerdict judges a response that has ended. something: its stream brought content.
func responseVerdict(body []byte, something bool) (event.Verdict, error) {
	switch reason := word(body, "incomplete_details", "reason"); {
	case reason == "content_filter":
		return event.Refused, nil
	case something || reason != "":
		return event.OK, nil
	}
	if output, _ := llm.Get(body, "output"); !llm.Holds(output) {
		return event.Empty, errNothing
	}
	return event.OK, nil
}

// errorBody is an error of a response in the shape of an error body.
func errorBody(fault []byte) []byte {
	if len(fault) == 0 || fault[0] != '{' {
		fault = []byte(`{"message":"the response failed","type":"server_error","code":"server_error"}`)
	}
	return append(append([]byte(`{"error":`), fault...), '}')
}

func addResponseUsage(u *event.Usage, raw []byte) {
	if len(raw) == 0 || raw[0] != '{' {
		return
	}
	n := func(path ...string) int {
		value, _ := llm.Get(raw, path...)
		n, _ := llm.Int(value)
		return max(n, 0)
	}
	u.CacheRead = n("input_tokens_details", "cached_tokens")
	u.Input = max(n("input_tokens")-u.CacheRead, 0)
	u.Output = n("output_tokens")
}

// responses reads one stream of this form.
type responses struct {
	decoder
	stop      string
	something bool // the answer has something in it
}

// Next looks at the first whole event of b.
func (d *responses) Next(b []byte) (n int, k llm.Kind, text []byte) {
	n, ev, ok, err := d.split.Next(b)
	if err != nil {
		return 0, d.fail(event.Truncated, err), nil
	}
	if !ok {
		return 0, llm.Lifecycle, nil
	}
	k, text = d.event(&ev)
	return n, k, text
}

// StopReason is the status that the response ended with, or why it is incomplete.
func (d *responses) StopReason() string { return d.stop }

// Outcome is the verdict after End or Fail; before, the stream is truncated.
func (d *responses) Outcome() llm.Outcome {
	if !d.over {
		return d.outcome(event.Truncated, errNoEnd)
	}
	return d.out
}

// EOF is the verdict of a stream that ended in order without its end marker. The last event may lack its blank line.
func (d *responses) EOF(rest []byte) llm.Outcome {
	if d.over {
		return d.out
	}
	if ev, _ := d.split.Last(rest); ev.HasData {
		d.event(&ev)
	}
	if !d.over {
		d.eof(bytes.TrimSpace(rest))
		if d.out.Err == errCut {
			d.out.Err = errNoEnd
		}
	}
	return d.out
}

// Ending is nothing: only the provider can write the end marker, and EOF is good only with it.
func (*responses) Ending() []byte { return nil }

// Seam is nothing: items of a response have identities that no other response shares.
func (*responses) Seam() llm.Seam { return nil }

func (d *responses) event(ev *sse.Event) (llm.Kind, []byte) {
	data := bytes.TrimSpace(ev.Data)
	switch {
	case len(data) == 0:
		return llm.Ping, nil
	case d.over || bytes.Equal(data, done): // some servers end with it all the same
		return llm.Lifecycle, nil
	}
	d.seen = true
	fields, ok := llm.ReadFields(data)
	if !ok {
		return d.fail(event.Truncated, errBadEvent), nil
	}
	kind, _ := llm.Str(fields.Get("type"))
	if kind == "" {
		kind = string(ev.Name)
	}
	switch response := fields.Get("response"); kind {
	case "response.completed", "response.incomplete":
		return d.end(response), nil
	case "response.failed":
		fault, _ := llm.Get(response, "error")
		return d.failWith(errorBody(fault)), nil
	case "error":
		if fault := fields.Get("error"); fault != nil {
			data = fault
		}
		return d.failWith(errorBody(data)), nil
	case "response.output_item.added", "response.output_item.done":
		d.something = true
		return llm.Lifecycle, nil
	}
	return d.delta(kind, fields.Get("delta"))
}

// delta reads an event that brings a part of the answer: text, reasoning, the input of a tool, whatever comes.
func (d *responses) delta(kind string, delta []byte) (llm.Kind, []byte) {
	if !strings.HasSuffix(kind, ".delta") || !llm.Holds(delta) {
		return llm.Lifecycle, nil
	}
	d.something = true
	d.text = d.text[:0]
	if kind == "response.output_text.delta" {
		d.text = llm.AppendUnquoted(d.text, delta)
	}
	return llm.Content, d.text
}

func (d *responses) end(response []byte) llm.Kind {
	usage, _ := llm.Get(response, "usage")
	addResponseUsage(&d.usage, usage)
	if d.stop = word(response, "incomplete_details", "reason"); d.stop == "" {
		d.stop = word(response, "status")
	}
	d.over = true
	d.out = d.outcome(responseVerdict(response, d.something))
	return llm.End
}

// responseFailure is an error event of this form. The API's own has code and message at the top, where OpenAI's SDKs
// take it for an event like others; they raise an error for the member error, so it is there as well. Codex sees no
// end marker behind it and reports the stream as broken.
func responseFailure(body []byte) []byte {
	fault, _ := llm.Get(body, "error")
	event := llm.Fields{{Key: "type", Value: []byte(`"error"`)}}
	for _, key := range []string{"code", "message", "param"} {
		value, ok := llm.Get(fault, key)
		if !ok {
			value = []byte("null")
		}
		event.Set(key, value)
	}
	event.Set("sequence_number", []byte("0"))
	event.Set("error", fault)
	return sse.Append(nil, "error", llm.OneLine(event.Append(nil)))
}
