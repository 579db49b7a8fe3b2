package fakellm

import (
	"fmt"
	"strconv"
	"strings"
	"time"
)

// faultForm is one row of the table of fault names.
type faultForm struct {
	form  string // "cut-after-<k>"; without "<" it takes no argument
	means string
	set   func(f *Fault, arg string) error
}

// match reports whether name has this form, and its argument.
func (e *faultForm) match(name string) (arg string, ok bool) {
	stem, _, takes := strings.Cut(e.form, "<")
	if !takes {
		return "", name == e.form
	}
	return strings.CutPrefix(name, stem)
}

// faultTable is all that can go wrong. doc.go shows it; a test keeps them equal.
var faultTable = []faultForm{
	{"ok", "a healthy answer; in a rule it shields a model from later rules", setNothing},
	{"fail-<status>", "this status with the dialect's error body", setStatus},
	{"html-<status>", "this status with an HTML page, as gateways in front send it", setHTML},
	{"retry-after-<seconds>", "429 with a Retry-After header", setRetryAfter},
	{"spend-limit", "429, the customer's spend limit: never worth a retry", setError("spend-limit")},
	{"ramp-limit", "429, traffic grew too fast", setError("ramp-limit")},
	{"no-quota", "credit used up: 400 (anthropic) or 429 insufficient_quota (openai)", setError("no-quota")},
	{"bad-key", "401", setError("bad-key")},
	{"unknown-model", "404", setError("unknown-model")},
	{"too-long", "400, the prompt exceeds the context window", setError("too-long")},
	{"policy", "400, the prompt violates the content policy", setError("policy")},
	{"refuse", "200 with stop_reason refusal or finish_reason content_filter", setRefusal},
	{"no-prefill", "400 if the last message is the assistant's, else healthy", setNoPrefill},
	{"reset", "connection reset before any header", setDo(doReset)},
	{"silent", "no header, no answer, until the client leaves", setDo(doSilent)},
	{"refused", "connection refused (a rule under Serve), else as reset", setDo(doRefused)},
	{"slow-headers-<dur>", "headers late", setHeadersAfter},
	{"slow-first-<dur>", "headers at once, first token late; a plain answer is late as a whole", setTTFT},
	{"slow-tokens-<dur>", "this long for every token", setPerToken},
	{"stall-after-<k>", "k tokens, then silence on an open connection", setDoAt(doStall)},
	{"cut-after-<k>", "k tokens, then the connection is aborted", setDoAt(doCut)},
	{"close-after-<k>", "k tokens, then a clean end without end marker", setDoAt(doClose)},
	{"error-after-<k>", "k tokens, then an error event; a plain request gets 529 or 503", setDoAt(doError)},
	{"malformed-after-<k>", "one broken event more after k tokens; a plain answer is broken there", setDoAt(doMalformed)},
	{"huge-line-<bytes>", "one line of this many bytes before the first token", setHuge},
	{"no-end", "all tokens, but no end marker", setDo(doNoEnd)},
	{"empty", "a finished answer without content", setDo(doEmpty)},
	{"gzip", "the answer compressed, whether the client asked or not", setGzip},
	{"wrong-length", "Content-Length larger than the body", setDo(doLength)},
	{"bad-json", "200 with JSON that breaks off", setDo(doJSON)},
	{"pings-only", "headers, then a ping every second for ever", setDo(doPings)},
	{"lifecycle-only", "headers and the opening event, then silence", setDo(doNothing)},
}

func setNothing(*Fault, string) error { return nil }

func setStatus(f *Fault, arg string) (err error) {
	f.Status, err = number(arg, 200, 999)
	return err
}

func setHTML(f *Fault, arg string) error {
	f.HTML = true
	return setStatus(f, arg)
}

func setRetryAfter(f *Fault, arg string) error {
	if v, err := strconv.ParseFloat(arg, 64); err != nil || v < 0 || strings.Trim(arg, "0123456789.") != "" {
		return fmt.Errorf("%q is not a number of seconds", arg)
	}
	f.Status, f.RetryAfter = 429, arg
	return nil
}

func setError(name string) func(*Fault, string) error {
	return func(f *Fault, _ string) error {
		f.Error = name
		return nil
	}
}

func setRefusal(f *Fault, _ string) error {
	f.Stop = stopRefusal
	return nil
}

func setNoPrefill(f *Fault, _ string) error {
	f.NoPrefill = true
	return nil
}

func setGzip(f *Fault, _ string) error {
	f.Gzip = true
	return nil
}

func setHeadersAfter(f *Fault, arg string) (err error) {
	f.HeadersAfter, err = span(arg)
	return err
}

func setTTFT(f *Fault, arg string) error     { return setSpan(&f.TTFT, arg) }
func setPerToken(f *Fault, arg string) error { return setSpan(&f.PerToken, arg) }

func setSpan(to **time.Duration, arg string) error {
	d, err := span(arg)
	*to = &d
	return err
}

func setHuge(f *Fault, arg string) (err error) {
	f.Do = doHuge
	f.Size, err = number(arg, 1, maxLine)
	return err
}

func setDo(do string) func(*Fault, string) error {
	return func(f *Fault, _ string) error {
		f.Do = do
		return nil
	}
}

func setDoAt(do string) func(*Fault, string) error {
	return func(f *Fault, arg string) (err error) {
		f.Do = do
		f.At, err = number(arg, 0, 1<<30)
		return err
	}
}
