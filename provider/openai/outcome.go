package openai

import (
	"errors"
	"net/http"
	"time"

	"fairlead.dev/event"
	"fairlead.dev/llm"
)

// Why an answer with status 200 is not one.
var (
	errNotJSON  = errors.New("openai: the answer is not JSON")
	errNoStop   = errors.New("openai: a choice of the answer has no finish reason")
	errNothing  = errors.New("openai: the answer is empty")
	errBadEvent = errors.New("openai: an event of the stream is not JSON")
	errCut      = errors.New("openai: the stream ended without [DONE] or a finish reason")
	errNoStream = errors.New("openai: the answer is not an event stream")
	errBroke    = errors.New("openai: the host broke the answer off")
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
	if isError(body) {
		return judge(r.Op, status, h, body, now)
	}
	switch {
	case r.Op == llm.Generate && r.Path == pathResponses:
		return wholeResponse(out, r, body, now)
	case r.Op == llm.Generate:
		return whole(out, r, body, now)
	}
	return out
}

// isError reports whether the body of a 200 is an error all the same (OpenRouter, vLLM). A message by itself is none.
func isError(body []byte) bool {
	if word(body, "object") == "response" { // it has its error where others have none, and a status
		return false
	}

	f, ok := llm.ReadFault(body)
	return ok && (f.Shape >= llm.MarkedShape || word(body, "error") != "")
}

// judge classifies an error. Its body is kept when it is one that clients of this API know.
func judge(op llm.Op, status int, h http.Header, body []byte, now time.Time) llm.Outcome {
	out, fault := llm.Judge(op, status, h, body, now)
	if fault.Shape >= llm.ErrorShape && word(body, "error") == "" && !isArray(body) {
		out.Body = body
	}
	return out
}

func isArray(body []byte) bool {
	body, ok := llm.Get(body)
	return ok && body[0] == '['
}

// whole judges a completion: the worst of its choices counts, but one that was refused beside a good one is no matter.
func whole(out llm.Outcome, r *llm.Request, body []byte, now time.Time) llm.Outcome {
	list, _ := llm.Get(body, "choices")
	var t tally
	for i, choice := range members(list) {
		if fault, ok := llm.Get(choice, "error"); ok && llm.Holds(fault) { // OpenRouter
			return judge(r.Op, out.Status, out.Header, choice, now)
		}
		t.finish(i, word(choice, "finish_reason"))
		message, _ := llm.Get(choice, "message")
		t.something = t.something || says(message)
	}
	if word(body, "object") == "" && t.open == 0 && t.closed() == 0 {
		out.Verdict, out.Err = event.Truncated, errNoStop
		return out
	}
	usage, _ := llm.Get(body, "usage")
	addUsage(&out.Usage, usage)
	out.Verdict, out.Err = t.verdict(out.Usage)
	return out
}

// says reports whether a message or delta brings anything: text, reasoning, a refusal, a call, sound.
func says(raw []byte) bool {
	s := llm.ScanNested(raw, llm.Member{End: len(raw)})
	for m, ok := s.Next(); ok; m, ok = s.Next() {
		if telling(m.Key) && llm.Holds(raw[m.Start:m.End]) {
			return true
		}
	}
	return false
}

// telling reports whether a member of a message or delta carries a part of the answer. "reasoning_content" is DeepSeek's and
// vLLM's, "reasoning" OpenRouter's and Groq's.
func telling(key []byte) bool {
	switch string(key) {
	case "content", "reasoning_content", "reasoning", "refusal", "tool_calls", "function_call", "audio", "images":
		return true
	}
	return false
}
