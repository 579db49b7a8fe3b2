package llm

import (
	"bytes"
	"fmt"
)

// Resume adds to the messages what asks for the rest of an answer: the text that was cut as the last turn, of the
// model, and for [NewTurn] a turn of the user behind it. mark is a member that the dialect wants in a turn that is
// only the beginning of one, such as `"prefix":true`; empty: none.
//
// Of a prefilled text, white space at the end is left away: Anthropic refuses it there. The rest of the answer begins
// with that white space.
func (f *Fit) Resume(mark string) error {
	r, m := f.Request, &f.Model
	if m.Resume == Afresh {
		return nil
	}
	sent := m.Sent
	if m.Resume == Prefill {
		sent = bytes.TrimRight(sent, " \t\r\n")
	}
	if len(sent) == 0 || r.MessagesAt.Empty() || r.Body[r.MessagesAt.Start] != '[' {
		return f.cannot("there is nothing that it could go on from")
	}
	last, turns := Member{}, 0
	s := ScanNested(r.Body, Member{Start: r.MessagesAt.Start, End: r.MessagesAt.End})
	for turn, ok := s.Next(); ok; turn, ok = s.Next() {
		last, turns = turn, turns+1
	}
	if turns == 0 {
		return f.cannot("there are no messages")
	}
	if role, _ := Get(r.Body[last.Start:last.End], "role"); string(role) == `"assistant"` {
		return f.cannot("the request begins the answer itself")
	}
	turn := append([]byte(`,{"role":"assistant","content":`), AppendQuoted(nil, string(sent))...)
	name := "resume:prefill"
	if m.Resume == Prefill {
		turn = append(turn, mark...)
	}
	turn = append(turn, '}')
	if m.Resume == NewTurn {
		name = "resume:turn"
		turn = fmt.Appendf(turn, `,{"role":"user","content":%q}`, goOn)
	}
	f.Edit(name, Edit{Start: last.End, End: last.End, With: turn})
	return nil
}

// goOn asks for the rest of an answer.
const goOn = "Your answer was cut off. Continue exactly where it stopped, with the very next character. " +
	"Do not repeat anything, do not start over, and write nothing about the interruption."
