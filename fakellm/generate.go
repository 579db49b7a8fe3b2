package fakellm

import (
	"bytes"
	"net/http"
	"strconv"
	"time"
)

// generate answers a prompt.
func (x *exchange) generate() {
	if x.fault.NoPrefill {
		if f := refusePrefill(x.wire, x.req); f != nil {
			x.answerFailure(*f)
			return
		}
	}
	_, thinking := x.wire.(anthropicWire)
	prefill, _ := x.wire.prefill(x.req)
	a := compose(x.req, &x.fault, x.stage.tokens, prefill, thinking)
	m := &reply{id: x.replyID(), at: x.attempt.At, request: x.req}
	if x.req.Stream {
		x.stream(m, a)
	} else {
		x.plain(m, a)
	}
}

// ttft and perToken are the latencies that hold for this request.
func (x *exchange) ttft() time.Duration {
	if x.fault.TTFT != nil {
		return *x.fault.TTFT
	}
	return x.stage.ttft
}

func (x *exchange) perToken() time.Duration {
	if x.fault.PerToken != nil {
		return *x.fault.PerToken
	}
	return x.stage.perToken
}

// stream sends the answer's events, and lets the fault strike between two.
func (x *exchange) stream(m *reply, a answer) {
	h := x.w.Header()
	h.Set("Content-Type", "text/event-stream; charset=utf-8")
	h.Set("Cache-Control", "no-cache")
	if x.fault.Do == doLength {
		h.Set("Content-Length", strconv.Itoa(maxRequest))
	}
	x.open(http.StatusOK)
	x.flush()
	if x.fault.Do == doPings {
		x.pings(x.wire.ping())
		return
	}
	started, struck := false, false
	for f := range x.wire.frames(m, a) {
		if !f.head && !started {
			started = true
			x.flush()
			x.wait(x.ttft())
		}
		if !f.head && !struck && x.attempt.Tokens >= x.fault.At && (x.fault.Do != doHuge || f.token != "") {
			struck = true
			if x.strike(&f) {
				return
			}
		}
		if x.sendFrame(f); x.gone {
			return
		}
	}
	x.flush()
}

// sendFrame sends one event, at the pace of the tokens.
func (x *exchange) sendFrame(f frame) {
	if f.marker && x.fault.Do == doNoEnd {
		return
	}
	pace := x.perToken()
	if f.token != "" && x.attempt.Tokens > 0 {
		x.wait(pace)
	}
	x.write(f.wire)
	if f.token != "" {
		x.sent(1)
	}
	// Without a pace nothing is gained by a packet for every event.
	if pace > 0 || f.head {
		x.flush()
	}
}

// sent counts output tokens and charges them.
func (x *exchange) sent(tokens int) {
	if x.gone {
		return
	}
	x.attempt.Tokens += tokens
	if x.pool != nil && tokens > 0 {
		x.stage.spend(x.pool, tokens)
	}
}

// strike does what the fault does to a stream before its next event. It reports
// whether that was the end.
func (x *exchange) strike(next *frame) (over bool) {
	switch x.fault.Do {
	case doStall, doNothing:
		x.flush()
		x.silence()
	case doCut:
		x.abort()
	case doClose:
	case doError:
		x.write(x.wire.errorEvent(x.streamFailure(), x.requestID()))
	case doMalformed:
		x.write(x.wire.broken())
		return false
	case doHuge:
		x.huge(next)
		return false
	default:
		return false
	}
	return true
}

// huge sends an event like the next one, with filler for its token.
func (x *exchange) huge(next *frame) {
	start := bytes.LastIndex(next.wire, []byte(quote(next.token))) + 1
	end := start + len(escaped(next.token))
	line := bytes.LastIndexByte(next.wire[:start], '\n') + 1
	x.write(next.wire[:start])
	x.fill(x.fault.Size - (start - line) - (len(next.wire) - len("\n\n") - end))
	x.write(next.wire[end:])
}

// pings beats until the client leaves.
func (x *exchange) pings(beat []byte) {
	for !x.gone {
		x.write(beat)
		x.flush()
		x.wait(pingEvery)
	}
}

// plain sends the answer as one JSON body, when it is complete. A fault after
// k tokens strikes at the end of the k-th in the body, if there is one.
func (x *exchange) plain(m *reply, a answer) {
	tokens := a.output * m.request.choices()
	if x.fault.At > tokens {
		x.fault.Do = ""
	}
	if x.fault.Do != doPings && x.fault.Do != doNothing {
		x.wait(x.ttft() + time.Duration(max(0, a.output-1))*x.perToken())
	}
	if x.gone {
		return
	}
	if x.fault.Do == doError {
		x.answerFailure(x.streamFailure())
		return
	}
	body := x.wire.whole(m, a)
	x.w.Header().Set("Content-Type", "application/json")
	if x.fault.Do == doLength {
		x.w.Header().Set("Content-Length", strconv.Itoa(len(body)+64))
	}
	x.open(http.StatusOK)
	x.plainBody(m, body, a, tokens)
}

// openings are what stands before a block's contents in a plain body.
var openings = map[string][]string{
	"thinking": {`"thinking":"`},
	"text":     {`"text":"`, `"content":"`},
	"tool_use": {`"input":`, `"arguments":"`},
}

// cutPoint is where the k-th token ends in a plain body, or its contents begin.
func cutPoint(body []byte, a answer, choices, k int) int {
	pos := 1
	for range choices {
		for _, b := range a.blocks {
			for _, opening := range openings[b.kind] {
				if i := bytes.Index(body[pos:], []byte(opening)); i >= 0 {
					pos += i + len(opening)
					break
				}
			}
			text, n, _ := firstTokens(b.tokens(), k)
			if body[pos-1] == '"' {
				text = escaped(text)
			}
			pos += len(text)
			if k -= n; k <= 0 {
				return min(pos, len(body)-1)
			}
		}
	}
	return pos
}

// escaped is s as it stands between the quotes of a JSON string.
func escaped(s string) string {
	q := quote(s)
	return q[1 : len(q)-1]
}

func (x *exchange) plainBody(m *reply, body []byte, a answer, tokens int) {
	switch x.fault.Do {
	case doStall, doCut, doClose, doMalformed:
		x.write(body[:cutPoint(body, a, m.request.choices(), x.fault.At)])
		x.sent(x.fault.At)
		x.flush()
		switch x.fault.Do {
		case doStall:
			x.silence()
		case doCut:
			x.abort()
		}
	case doNoEnd:
		x.write(body[:len(body)-1])
		x.sent(tokens)
	case doPings:
		x.pings([]byte("\n")) // white space before the JSON, as some hosts send it
	case doNothing:
		x.flush()
		x.silence()
	case doHuge:
		x.write([]byte(`{"filler":"`))
		x.fill(x.fault.Size - len(body) - len(`{"filler":"",`) + 1)
		x.write([]byte(`",`))
		x.write(body[1:])
		x.sent(tokens)
	default:
		x.write(body)
		x.sent(tokens)
	}
}
