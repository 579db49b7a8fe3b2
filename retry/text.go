package retry

import (
	"strings"
	"time"
)

// textPatterns are the only phrases that TextHint reads, each followed by a duration. Message text
// is the last resort, where a provider gives the number nowhere else.
var textPatterns = [...]string{
	"Please try again in ", // OpenAI, 429: 579ms, 41.724s, 1m9.696s (Pythagora-io/gpt-pilot PR 608, gitlab wally#62)
	"Please retry after ",  // Azure OpenAI, 429: 37 seconds (openai-dotnet issue 838)
	"retry in ",            // Gemini, 429: Please retry in 41.065029449s; 10h17m (RESOURCE_EXHAUSTED message)
	"reset after ",         // gateways in front, Gemini Code Assist: 2m 13s, 42h1m20s (NousResearch/hermes-agent PR 76225)
}

// textUnits are the unit words seen after those phrases, in the spelling of time.ParseDuration.
var textUnits = map[string]string{
	"ms": "ms", "s": "s", "m": "m", "h": "h",
	"second": "s", "seconds": "s", "minute": "m", "minutes": "m",
}

// TextHint returns the wait that an error message names in one of the known phrases, and
// whether it names one. The longest counts if there are several. It is for messages of a
// provider's rate limit errors only: any other text may quote such a phrase.
func TextHint(msg string) (time.Duration, bool) {
	var longest time.Duration
	for _, phrase := range textPatterns {
		for rest := msg; ; {
			var found bool
			if _, rest, found = strings.Cut(rest, phrase); !found {
				break
			}
			longest = max(longest, leadingDuration(rest))
		}
	}
	return longest, longest > 0
}

// leadingDuration reads numbers with units from the start of s: "1m9.696s", "2m 13s",
// "37 seconds". It returns 0 if there is none or the sum is absurd.
func leadingDuration(s string) time.Duration {
	var sum time.Duration
	for s != "" {
		d, rest, ok := leadingPart(s)
		if !ok && isDigit(s[0]) { // "1m9.696": cut off, do not guess
			return 0
		}
		if !ok { // other text begins
			break
		}
		if sum += d; sum > MaxHint {
			return 0
		}
		s = rest
	}
	d, _ := sane(sum)
	return d
}

// leadingPart reads one number with its unit, and a space before either.
func leadingPart(s string) (d time.Duration, rest string, ok bool) {
	s = strings.TrimPrefix(s, " ")
	n := span(s, func(c byte) bool { return isDigit(c) || c == '.' })
	if n == 0 || n > maxHintText || !isDigit(s[0]) {
		return 0, "", false
	}
	word := strings.TrimPrefix(s[n:], " ")
	u := span(word, func(c byte) bool { return 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z' })
	unit, known := textUnits[word[:u]]
	if !known {
		return 0, "", false
	}
	d, err := time.ParseDuration(s[:n] + unit)
	return d, word[u:], err == nil && d <= MaxHint
}

// span counts the bytes at the start of s that are in the set.
func span(s string, in func(byte) bool) int {
	n := 0
	for n < len(s) && in(s[n]) {
		n++
	}
	return n
}

func isDigit(c byte) bool { return '0' <= c && c <= '9' }
