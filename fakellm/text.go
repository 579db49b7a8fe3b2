package fakellm

import (
	"iter"
	"strconv"
	"strings"
)

// Text returns the answer of n tokens that every healthy model gives:
// "w0 w1 w2 ...". A token is a word with the space before it, so an answer cut
// after k tokens reads Text(k) and never ends in a space (which the real API
// refuses in a prefill).
func Text(n int) string { return numbered("w", n) }

// Thinking returns what a model with thinking switched on thinks first:
// [ThinkingTokens] tokens.
func Thinking() string { return numbered("t", ThinkingTokens) }

// ThinkingTokens is the length of the thinking block. The k of faults such as
// cut-after-k counts them before those of the text.
const ThinkingTokens = 5

func numbered(letter string, n int) string {
	var b strings.Builder
	for i := range n {
		if i > 0 {
			b.WriteByte(' ')
		}
		b.WriteString(letter)
		b.WriteString(strconv.Itoa(i))
	}
	return b.String()
}

// words splits text into tokens: spaces and the word behind them.
func words(text string) iter.Seq[string] {
	return func(yield func(string) bool) {
		for text != "" {
			n := wordEnd(text)
			if !yield(text[:n]) {
				return
			}
			text = text[n:]
		}
	}
}

func wordEnd(text string) int {
	start := len(text) - len(strings.TrimLeft(text, " "))
	if i := strings.IndexByte(text[start:], ' '); i >= 0 && strings.Trim(text[start+i:], " ") != "" {
		return start + i
	}
	return len(text) // the last word keeps the spaces behind it
}

// pieces splits the JSON of a tool's input as providers stream it: in scraps
// that are no JSON by themselves.
func pieces(text string) iter.Seq[string] {
	return func(yield func(string) bool) {
		for text != "" {
			n := min(6, len(text))
			for n < len(text) && text[n]&0xC0 == 0x80 {
				n++ // never inside a UTF-8 sequence
			}
			if !yield(text[:n]) {
				return
			}
			text = text[n:]
		}
	}
}

// firstTokens returns the first n tokens of text and how many there were.
func firstTokens(tokens iter.Seq[string], n int) (text string, count int, cut bool) {
	var b strings.Builder
	for t := range tokens {
		if count == n {
			return b.String(), count, true
		}
		count++
		b.WriteString(t)
	}
	return b.String(), count, false
}
