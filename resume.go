package fairlead

import (
	"errors"
	"fmt"
	"strconv"
	"strings"

	"fairlead.dev/event"
	"fairlead.dev/fallback"
	"fairlead.dev/llm"
)

// maxSent bounds the text that is kept of an answer in case it is cut. A longer
// answer is not resumed.
const maxSent = 1 << 20

// resumption is the state of a call whose stream was cut after its first
// content: the client has the beginning of an answer, and the loop looks for
// the rest. It lives on when the rest is cut too.
type resumption struct {
	seam  llm.Seam
	sent  []byte      // the text that the client has
	first llm.Outcome // why the stream was cut first: the final error, if there is no rest
	from  string      // the target that was cut first
	spent event.Usage // of all cut answers
	ways  map[*target]llm.Resume
}

// way is how a target is asked for the rest.
func (c *resumption) way(r *llm.Request, t *target, m llm.Model) llm.Resume {
	if way, known := c.ways[t]; known {
		return way
	}
	if t.provider.cfg.API.Prefills(r, m) {
		return llm.Prefill
	}
	return llm.Afresh
}

// otherwise says whether the same target is to be asked for the rest in another
// way, after it failed in this one.
func (k *call) otherwise(a *attempt) (fallback.Step, bool) {
	if k.cut == nil || k.plan.Attempts() >= k.plan.Limit() {
		return fallback.Step{}, false
	}
	differs := errors.Is(a.out.Err, errDiffers)
	refused := a.out.Verdict == event.Invalid || a.out.Verdict == event.Incompatible && !differs
	next, why := llm.Afresh, event.PrefillRefused
	switch {
	case a.prefer == llm.Prefill && refused:
	case a.prefer == llm.Prefill && differs:
		why = event.Differs
	case a.prefer == llm.Afresh && differs && a.link.policies.Streams.Resume == ResumeLoose:
		next, why = llm.NewTurn, event.Differs
	default:
		return fallback.Step{}, false
	}
	k.cut.ways[a.target] = next
	k.note(event.Event{Kind: event.Waiting, Reason: why, Target: a.target.name, Detail: wayNames[next]})
	return fallback.Step{Kind: fallback.AskNow, Reason: why}, true
}

var wayNames = [...]string{llm.Afresh: "afresh", llm.Prefill: "prefill", llm.NewTurn: "turn"}

// resume looks for the rest of a stream that failed after its first content. It
// returns the attempt that brings it, or nil when the call is over.
func (k *call) resume(a *attempt) *attempt {
	if a.out.Good() || k.over || !k.resumable(a) {
		return nil
	}
	if k.cut == nil {
		seam := a.stream.dec.Seam()
		if seam == nil {
			return nil
		}
		k.cut = &resumption{seam: seam, first: a.out, from: a.target.name, ways: map[*target]llm.Resume{}}
	} else if a.join != nil && a.stream.dec.Seam() == nil {
		return nil
	}
	k.cut.sent = append(k.cut.sent, a.stream.said...)
	k.cut.spent = sum(k.cut.spent, a.usage())
	a.end()
	k.renew()
	b, why := k.run(k.after(a))
	if b == nil {
		k.stopped = why == event.Left
		return nil
	}
	k.served = b.link
	k.note(event.Event{Kind: event.Resumed, Target: b.target.name, Attempt: b.number, N: len(k.cut.sent), Detail: wayNames[b.prefer]})
	if k.why == "" {
		k.why = k.cut.first.Verdict.String()
	}
	b.stream.deadline, b.stream.last = a.stream.deadline, a.stream.last
	b.trusted()
	return b
}

// resumable reports whether a failed stream may be gone on with.
func (k *call) resumable(a *attempt) bool {
	return k.keeps(a.link) && a.decoding() && !a.stream.long && a.out.Verdict != event.Canceled &&
		len(a.stream.said) > 0 && k.gone() == nil
}

// keeps reports whether the text of a stream is kept in case it is cut.
func (k *call) keeps(l *link) bool {
	return k.req.Stream && !k.ask.Final && l.policies.Streams.Resume != ResumeOff
}

// renew gives the search for the rest a time of its own. The total limit is for
// the first content, which was long ago; the caller's own deadlines hold.
func (k *call) renew() {
	asked := k.ask.Deadline
	if asked > 0 {
		asked = max(asked-k.now.Sub(k.began), 1)
	}
	k.deadline = deadline(k.ctx, k.now, asked, k.links[0].policies.Timeouts.Total)
}

func sum(a, b event.Usage) event.Usage {
	return event.Usage{
		Input: a.Input + b.Input, Output: a.Output + b.Output,
		CacheRead: a.CacheRead + b.CacheRead, CacheWrite: a.CacheWrite + b.CacheWrite,
	}
}

// end takes the event that ends the answer, and reports whether the client has
// all of it. An answer that is, word for word, what the client has proves that
// only the end was missing. A model that was asked to go on and said nothing
// proves nothing: that may be its own fault.
func (j *join) end(raw []byte) bool {
	if !j.begun && (len(j.want) > 0 || j.way == llm.Prefill) {
		return false
	}
	if !j.begun {
		j.begin()
	}
	j.out = j.cut.seam.Pass(j.out, raw, llm.End)
	return true
}

// comment is a line of a stream that says who answers, for a client that has
// its headers already.
func (k *call) comment(target string, attempts int, fallback bool, why string) string {
	s := fmt.Sprintf(": fairlead-target=%s fairlead-attempts=%d fairlead-fallback=%s", target, attempts, strconv.FormatBool(fallback))
	if why != "" {
		s += " fairlead-reason=" + why
	}
	oneLine := func(r rune) rune { // a model's name may come from the client
		if r < ' ' {
			return ' '
		}
		return r
	}
	return strings.Map(oneLine, s) + "\n\n"
}
