package llm_test

import (
	"errors"
	"fmt"
	"net/http"
	"strings"
	"testing"

	"fairlead.dev/event"
	"fairlead.dev/llm"
)

// request reads the envelope of a body.
func request(t testing.TB, body string) *llm.Request {
	t.Helper()
	r := &llm.Request{Header: http.Header{}, Body: []byte(body)}
	if err := r.Envelope(func(llm.Member, []byte) error { return nil }); err != nil {
		t.Fatalf("%s: %v", body, err)
	}
	return r
}

// conversation is a request with so many turns of a user and a model after what stands
// before them.
func conversation(t testing.TB, before, first string, n int) *llm.Request {
	t.Helper()
	var b strings.Builder
	fmt.Fprintf(&b, `{"model":"m%d","messages":[%s{"role":"user","content":%q}`, n, before, first)
	for i := 1; i < n; i++ {
		fmt.Fprintf(&b, `,{"role":"assistant","content":"a%d"},{"role":"user","content":"u%d"}`, i, i)
	}
	return request(t, b.String()+"]}")
}

// TestAConversationKeepsItsHash: over its turns, however short the first one was.
func TestAConversationKeepsItsHash(t *testing.T) {
	system := fmt.Sprintf(`{"role":"system","content":%q},`, strings.Repeat("You are terse. ", 300))
	for _, before := range []string{"", system, system + `{"content":"also","role":"developer"},`} {
		for _, first := range []string{"", "hi", strings.Repeat("long ", 1000)} {
			one := conversation(t, before, first, 1).Conversation()
			for n := 2; n < 5; n++ {
				if again := conversation(t, before, first, n).Conversation(); again != one {
					t.Errorf("%.20q: turn %d has another hash", first, n)
				}
			}
			if other := conversation(t, before, first+"?", 1).Conversation(); len(first) < 2000 && other == one {
				t.Errorf("%.20q: another conversation of the same program has the same hash", first)
			}
		}
	}
}

// TestConversationsSpread: a program's long instructions are no reason to treat
// all of its conversations alike.
func TestConversationsSpread(t *testing.T) {
	system := fmt.Sprintf(`{"role":"system","content":%q},`, strings.Repeat("x", 10_000))
	tenth := 0
	for i := range 1000 {
		if conversation(t, system, fmt.Sprintf("question %d", i), 1).Conversation()%100 < 10 {
			tenth++
		}
	}
	if tenth < 60 || tenth > 140 {
		t.Errorf("%d of 1000 conversations fall into a tenth", tenth)
	}
}

// TestConversationOfASession: the client's own word counts, whatever the body is.
func TestConversationOfASession(t *testing.T) {
	for _, name := range []string{"X-Claude-Code-Session-Id", "Session-Id"} {
		a, b := conversation(t, "", "one", 1), conversation(t, "", "two", 1)
		a.Header.Set(name, "s")
		b.Header.Set(name, "s")
		if a.Conversation() != b.Conversation() {
			t.Errorf("%s does not make it one conversation", name)
		}
		b.Header.Set(name, "other")
		if a.Conversation() == b.Conversation() {
			t.Errorf("%s does not make it another conversation", name)
		}
	}
	for _, body := range []string{`{"model":"m"}`, `{"model":"m","messages":"odd"}`, `{"model":"m","messages":[]}`, `{"model":"m","messages":[7,{"role":"system"}]}`} {
		if request(t, body).Conversation() == 0 {
			t.Errorf("%s: no hash", body)
		}
	}
}

func TestConversationDoesNotAllocate(t *testing.T) {
	r := conversation(t, `{"role":"system","content":"x"},`, "hi", 9)
	if n := testing.AllocsPerRun(100, func() { r.Conversation() }); n > 0 {
		t.Errorf("%v allocations", n)
	}
}

func TestInputTokens(t *testing.T) {
	for bytes, want := range map[int]int{0: 0, 3: 0, 4: 1, 4000: 1000} {
		if got := (&llm.Request{Body: make([]byte, bytes)}).InputTokens(); got != want {
			t.Errorf("%d bytes: %d tokens, want %d", bytes, got, want)
		}
	}
}

func TestOpNames(t *testing.T) {
	for op, want := range []string{"generate", "count_tokens", "models", "other"} {
		if got := llm.Op(op).String(); got != want {
			t.Errorf("%d: %s, want %s", op, got, want)
		}
	}
}

// TestGood: a refusal of the model is an answer, a refusal to let it answer is not.
func TestGood(t *testing.T) {
	for v := range event.Canceled + 1 {
		for _, status := range []int{0, 200, 201, 400, 500} {
			out := llm.Outcome{Verdict: v, Status: status}
			if want := v == event.OK || v == event.Refused && (status == 200 || status == 201); out.Good() != want {
				t.Errorf("%s with %d: good %v", v, status, out.Good())
			}
		}
	}
}

func TestMatch(t *testing.T) {
	for _, row := range []struct {
		pattern string
		yes, no []string
	}{
		{"", []string{""}, []string{"a"}},
		{"a", []string{"a"}, []string{"", "ab", "ba", "A"}},
		{"*", []string{"", "a", "a*b"}, nil},
		{"a*", []string{"a", "ab", "a/b"}, []string{"", "ba"}},
		{"*a", []string{"a", "ba", "aa"}, []string{"", "ab"}},
		{"a*b*c", []string{"abc", "a1b2c", "abbc", "abcbc"}, []string{"ac", "acb", "abcd", "bc"}},
		{"*claude-opus-4-2*", []string{"claude-opus-4-20250514", "eu.anthropic.claude-opus-4-20250514-v1:0"}, []string{"claude-opus-4-1", "claude-opus-4"}},
		{"a**b", []string{"ab", "axb"}, []string{"a"}},
		{"aa*aa", []string{"aaaa", "aaxaa"}, []string{"aaa", "aa"}},
		{"gpt-?", []string{"gpt-?"}, []string{"gpt-5"}}, // no other character is special
	} {
		for _, name := range row.yes {
			if !llm.Match(row.pattern, name) {
				t.Errorf("%q does not match %q", row.pattern, name)
			}
		}
		for _, name := range row.no {
			if llm.Match(row.pattern, name) {
				t.Errorf("%q matches %q", row.pattern, name)
			}
		}
	}
}

// TestBadf: a caller's mistake has a status, and can be told from other errors.
func TestBadf(t *testing.T) {
	err := fmt.Errorf("gateway: %w", llm.Badf(http.StatusTeapot, "%d cups", 3))
	bad, ok := errors.AsType[*llm.BadRequest](err)
	if !ok || bad.Status != http.StatusTeapot || bad.Message != "3 cups" || err.Error() != "gateway: llm: 3 cups" {
		t.Errorf("%+v, %v", bad, err)
	}
}
