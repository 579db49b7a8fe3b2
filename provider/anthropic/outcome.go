package anthropic

import (
	"errors"
	"net/http"
	"time"

	"fairlead.dev/event"
	"fairlead.dev/llm"
)

// Why an answer with status 200 is not one.
var (
	errNotJSON  = errors.New("anthropic: the answer is not JSON")
	errNoStop   = errors.New("anthropic: the answer has no stop reason")
	errNothing  = errors.New("anthropic: the answer is empty")
	errBadEvent = errors.New("anthropic: an event of the stream is not JSON")
	errTwoStart = errors.New("anthropic: the stream started twice")
	errCut      = errors.New("anthropic: the stream ended without message_stop")
	errNoStream = errors.New("anthropic: the answer is not an event stream")
)

// Outcome judges a whole answer.
func (Provider) Outcome(r *llm.Request, status int, h http.Header, body []byte, now time.Time) llm.Outcome {
	out := llm.Outcome{Verdict: event.OK, Status: status, Header: h}
	switch {
	case status/100 != 2:
		return judge(r.Op, status, h, body, now)
	case r.Op == llm.Other:
		return out
	case llm.Valid(body) != nil:
		mended, ok := llm.Mend(body)
		if !ok {
			out.Verdict, out.Err = event.ServerError, errNotJSON
			return out
		}
		body = mended
	}
	if typeOf(body) == "error" {
		return judge(r.Op, status, h, body, now)
	}
	if r.Op == llm.Generate {
		out.Verdict, out.Err = verdictOf(r, body, &out.Usage)
	}
	return out
}

// judge classifies an error. Its body is kept when it is one that clients of this API know.
func judge(op llm.Op, status int, h http.Header, body []byte, now time.Time) llm.Outcome {
	out, fault := llm.Judge(op, status, h, body, now)
	if fault.Shape == llm.TypedShape {
		out.Body = body
	}
	return out
}

// verdictOf judges a whole message, and notes what it cost.
func verdictOf(r *llm.Request, body []byte, u *event.Usage) (event.Verdict, error) {
	stop, content := "", llm.Member{}
	s := llm.ScanNested(body, llm.Member{End: len(body)})
	for m, ok := s.Next(); ok; m, ok = s.Next() {
		switch string(m.Key) {
		case "stop_reason":
			stop, _ = llm.Str(body[m.Start:m.End])
		case "content":
			content = m
		case "usage":
			addUsage(u, body[m.Start:m.End])
		}
	}
	if stop == "" {
		return event.Truncated, errNoStop
	}
	return finished(r, stop, eachBlock(body, content, func(blockType string, b llm.Member) bool {
		return blockType != "text" || word(body[b.Start:b.End], "text") != ""
	}))
}

// finished is the verdict of an answer that came to its end for the given reason. An answer without anything in it is
// empty, unless the client itself allowed it no more: a stop sequence can come first, and a limit of one token or none
// warms a cache.
func finished(r *llm.Request, stop string, something bool) (event.Verdict, error) {
	switch {
	case stop == "refusal":
		return event.Refused, nil
	case something, stop == "stop_sequence", stop == "max_tokens" && r.MaxTokens <= 1:
		return event.OK, nil
	case stop == "model_context_window_exceeded":
		return event.TooLarge, errNothing
	}
	return event.Empty, errNothing
}
