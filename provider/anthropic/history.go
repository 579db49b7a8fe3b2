package anthropic

import (
	"fmt"

	"fairlead.dev/llm"
)

// strip takes the thinking blocks out of the assistant's turns and reports whether there were any. A turn of nothing
// else goes as a whole: the API takes no empty turn, and joins the turns of the user around it.
func strip(f *llm.Fit) (stripped bool, err error) {
	body := f.Request.Body
	var blocks []llm.Edit
	empty, turns := map[int]bool{}, 0
	err = eachTurn(f.Request, func(turn, content llm.Member, role string) {
		turns++
		if role != "assistant" || content.Kind != llm.Array {
			return
		}
		left := 0
		edits, err := llm.Without(body, content, func(b llm.Member) bool {
			gone := isThinking(typeOf(body[b.Start:b.End]))
			if !gone {
				left++
			}
			return gone
		})
		if err != nil || len(edits) == 0 {
			return
		}
		stripped = true
		if empty[turn.Start] = left == 0; left > 0 {
			blocks = append(blocks, edits...)
		}
	})
	if err != nil || !stripped {
		return false, err
	}
	return true, dropTurns(f, blocks, empty, turns)
}

// dropTurns notes the edits of strip: blocks inside turns, and turns that would be empty.
func dropTurns(f *llm.Fit, blocks []llm.Edit, empty map[int]bool, turns int) error {
	body, gone := f.Request.Body, 0
	edits, err := llm.Without(body, messagesOf(f.Request), func(turn llm.Member) bool {
		if empty[turn.Start] {
			gone++
		}
		return empty[turn.Start]
	})
	if err != nil {
		return err
	}
	if gone == turns {
		return fmt.Errorf("%w: %s: nothing is left of the messages without the thinking of another model", llm.ErrCannot, f.Model.Name)
	}
	f.Edit("strip-thinking-blocks", blocks...)
	if gone > 0 {
		f.Edit("drop-empty-turns", edits...)
	}
	return nil
}

func isThinking(blockType string) bool {
	return blockType == "thinking" || blockType == "redacted_thinking"
}

// insideToolLoop reports whether the last turn brings the result of a tool.
func insideToolLoop(r *llm.Request) bool {
	loop := false
	eachTurn(r, func(_, content llm.Member, role string) {
		loop = role == "user" && eachBlock(r.Body, content, func(blockType string, _ llm.Member) bool { return blockType == "tool_result" })
	})
	return loop
}

// showsImages reports whether a turn holds an image, itself or in the result of a tool.
func showsImages(r *llm.Request) bool {
	shows := false
	eachTurn(r, func(_, content llm.Member, _ string) {
		shows = shows || eachBlock(r.Body, content, func(blockType string, b llm.Member) bool {
			if blockType != "tool_result" {
				return blockType == "image"
			}
			inner, _ := field(r.Body, b, "content")
			return eachBlock(r.Body, inner, func(blockType string, _ llm.Member) bool { return blockType == "image" })
		})
	})
	return shows
}

func messagesOf(r *llm.Request) llm.Member {
	return llm.Member{Start: r.MessagesAt.Start, End: r.MessagesAt.End}
}

// eachTurn calls see for each message with its content and role.
func eachTurn(r *llm.Request, see func(turn, content llm.Member, role string)) error {
	if r.MessagesAt.Empty() || r.Body[r.MessagesAt.Start] != '[' {
		return nil
	}
	s := llm.ScanNested(r.Body, messagesOf(r))
	for turn, ok := s.Next(); ok; turn, ok = s.Next() {
		content, _ := field(r.Body, turn, "content")
		see(turn, content, word(r.Body[turn.Start:turn.End], "role"))
	}
	return s.Err()
}

// eachBlock reports whether found is true for a block of the content.
func eachBlock(body []byte, content llm.Member, found func(blockType string, b llm.Member) bool) bool {
	if content.Kind != llm.Array {
		return false
	}
	s := llm.ScanNested(body, content)
	for b, ok := s.Next(); ok; b, ok = s.Next() {
		if found(typeOf(body[b.Start:b.End]), b) {
			return true
		}
	}
	return false
}

// field returns a member of the object at m, with offsets in body. Of duplicates the last counts, as for most parsers.
func field(body []byte, m llm.Member, key string) (found llm.Member, ok bool) {
	if m.End <= m.Start || body[m.Start] != '{' && m.Start > 0 {
		return llm.Member{}, false
	}
	s := llm.ScanNested(body, m)
	for in, more := s.Next(); more; in, more = s.Next() {
		if string(in.Key) == key {
			found, ok = in, true
		}
	}
	return found, ok
}
