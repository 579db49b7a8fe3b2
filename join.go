package fairlead

import (
	"bytes"
	"errors"

	"fairlead.dev/llm"
)

// errDiffers is why an answer cannot be the rest of another.
var errDiffers = errors.New("the answer does not begin like the one that was cut")

// join fits the events of an answer behind the text that the client has.
type join struct {
	cut     *resumption
	way     llm.Resume
	comment string
	want    []byte // what the answer must begin with and was not seen yet
	seen    []byte // for NewTurn: what was seen of it
	pending []pending
	begun   bool   // the client gets something of it
	out     []byte // what the client gets, not yet handed out
}

// pending is an event before the first that goes beyond what the client has.
type pending struct {
	raw  []byte
	kind llm.Kind
}

func newJoin(cut *resumption, way llm.Resume, comment string) *join {
	j := &join{cut: cut, way: way, comment: comment, want: cut.sent}
	if way == llm.Prefill { // white space at the end was left away
		j.want = cut.sent[len(bytes.TrimRight(cut.sent, " \t\r\n")):]
	}
	return j
}

// add takes the next event. It returns the text that the client gets of it, and
// false when the answer is not the rest of what the client has.
func (j *join) add(raw []byte, k llm.Kind, text []byte) (said []byte, ok bool) {
	switch {
	case j.begun:
		j.out = j.cut.seam.Pass(j.out, raw, k)
		return text, true
	case k == llm.Thought:
		return nil, true // the client has the thinking of the answer that was cut
	case k != llm.Content:
		j.pending = append(j.pending, pending{bytes.Clone(raw), k})
		return nil, true
	case len(j.want) == 0:
		j.begin()
		j.out = j.cut.seam.Pass(j.out, raw, k)
		return text, true
	case len(text) == 0:
		return nil, false // a tool where the client has text
	}
	return j.match(text)
}

// match compares text with what the client has.
func (j *join) match(text []byte) (said []byte, ok bool) {
	n := 0
	for n < len(text) && n < len(j.want) && text[n] == j.want[n] {
		n++
	}
	if n < len(text) && n < len(j.want) {
		// Asked in a new turn a model may go on at once. One that repeats half of
		// the answer and then goes another way began again.
		if j.way != llm.NewTurn || len(j.seen)+n >= restart {
			return nil, false
		}
		said = append(j.seen, text...)
	} else {
		j.want = j.want[n:]
		if j.way == llm.NewTurn {
			j.seen = append(j.seen, text[:n]...)
		}
		if said = text[n:]; len(said) == 0 {
			return nil, true
		}
	}
	j.want = nil
	j.begin()
	j.out = j.cut.seam.Text(j.out, said)
	return said, true
}

// restart is how many bytes of the beginning of an answer are no coincidence.
const restart = 16

// begin lets the client have the answer from here on.
func (j *join) begin() {
	j.begun = true
	tokens := 0
	if j.way != llm.Afresh {
		tokens = (len(j.cut.sent) + 3) / 4 // nobody told how many they were; four bytes are the usual ratio
	}
	j.cut.seam.Begin(tokens)
	j.out = append(j.out, j.comment...)
	for _, p := range j.pending {
		j.out = j.cut.seam.Pass(j.out, p.raw, p.kind)
	}
	j.pending = nil
}

// take hands out what the client gets.
func (j *join) take() []byte {
	b := j.out
	j.out = j.out[len(j.out):]
	return b
}
