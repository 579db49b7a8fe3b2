package anthropic_test

import (
	"encoding/json"
	"fmt"
	"reflect"
	"strings"
	"testing"

	"fairlead.dev/llm"
	"fairlead.dev/provider/anthropic"
)

// assembled reads events, given as their data, and returns the plain answer.
func assembled(data ...string) ([]byte, error) {
	a := anthropic.Provider{}.Assembler(&llm.Request{})
	for _, d := range data {
		a.Add([]byte("event: x\ndata: " + d + "\n\n"))
	}
	return a.Answer()
}

const (
	startOf   = `{"type":"message_start","message":{"id":"msg_1","type":"message","role":"assistant","model":"m","content":[],"stop_reason":null,"stop_sequence":null,"new":{"a":1},"usage":{"input_tokens":5,"cache_read_input_tokens":7,"output_tokens":1,"service_tier":"standard"}}}`
	endOf     = `{"type":"message_delta","delta":{"stop_reason":"end_turn","stop_sequence":null},"usage":{"output_tokens":9,"server_tool_use":null}}`
	lastOf    = `{"type":"message_stop"}`
	wholeHead = `{"id":"msg_1","type":"message","role":"assistant","model":"m","content":`
	wholeTail = `,"stop_reason":"end_turn","stop_sequence":null,"new":{"a":1},"usage":{"input_tokens":5,"cache_read_input_tokens":7,"output_tokens":9,"service_tier":"standard","server_tool_use":null}}`
)

func beginOf(i int, block string) string {
	return fmt.Sprintf(`{"type":"content_block_start","index":%d,"content_block":%s}`, i, block)
}

func deltaOf(i int, kind, member, value string) string {
	return fmt.Sprintf(`{"type":"content_block_delta","index":%d,"delta":{"type":%q,%q:%s}}`, i, kind, member, value)
}

func TestAssembledBlocks(t *testing.T) {
	for name, c := range map[string]struct {
		events []string
		want   string
	}{
		"nothing": {nil, `[]`},
		"text": {[]string{beginOf(0, `{"type":"text","text":""}`), deltaOf(0, "text_delta", "text", `"a\"\n"`),
			deltaOf(0, "text_delta", "text", `"\ud83d\ude00 é"`), `{"type":"content_block_stop","index":0}`}, `[{"type":"text","text":"a\"\n\ud83d\ude00 é"}]`},
		"text that began at once": {[]string{beginOf(0, `{"type":"text","text":"a"}`), deltaOf(0, "text_delta", "text", `"b"`)}, `[{"type":"text","text":"ab"}]`},
		"thinking": {[]string{beginOf(0, `{"type":"thinking","thinking":"","signature":""}`), deltaOf(0, "thinking_delta", "thinking", `"hm"`),
			deltaOf(0, "signature_delta", "signature", `"c2ln"`), beginOf(1, `{"type":"redacted_thinking","data":"x=="}`), beginOf(2, `{"type":"text","text":""}`),
			deltaOf(2, "text_delta", "text", `"so"`)}, `[{"type":"thinking","thinking":"hm","signature":"c2ln"},{"type":"redacted_thinking","data":"x=="},{"type":"text","text":"so"}]`},
		"tools": {[]string{beginOf(0, `{"type":"tool_use","id":"toolu_1","name":"look","input":{}}`), beginOf(1, `{"type":"tool_use","id":"toolu_2","name":"go","input":{}}`),
			deltaOf(0, "input_json_delta", "partial_json", `""`), deltaOf(0, "input_json_delta", "partial_json", `"{\"q\": \"x"`), deltaOf(1, "input_json_delta", "partial_json", `""`),
			deltaOf(0, "input_json_delta", "partial_json", `"\\n\"}"`)}, `[{"type":"tool_use","id":"toolu_1","name":"look","input":{"q": "x\n"}},{"type":"tool_use","id":"toolu_2","name":"go","input":{}}]`},
	} {
		got, err := assembled(append(append([]string{startOf, `{"type":"ping"}`}, c.events...), endOf, lastOf)...)
		if want := wholeHead + c.want + wholeTail; err != nil || string(got) != want {
			t.Errorf("%s: %v\ngot  %s\nwant %s", name, err, got, want)
		}
	}
}

func TestWhatCannotBeAssembled(t *testing.T) {
	for name, events := range map[string][]string{
		"no end":             {startOf},
		"no beginning":       {endOf, lastOf},
		"an unknown event":   {startOf, `{"type":"surprise"}`, endOf, lastOf},
		"an unknown block":   {startOf, beginOf(0, `{"type":"server_tool_use"}`), endOf, lastOf},
		"an unknown delta":   {startOf, beginOf(0, `{"type":"text","text":""}`), deltaOf(0, "citations_delta", "citation", `{}`), endOf, lastOf},
		"a delta of nothing": {startOf, deltaOf(0, "text_delta", "text", `"x"`), endOf, lastOf},
		"half of an input":   {startOf, beginOf(0, `{"type":"tool_use","input":{}}`), deltaOf(0, "input_json_delta", "partial_json", `"{\"q\":"`), endOf, lastOf},
	} {
		if got, err := assembled(events...); err == nil {
			t.Errorf("%s: %s", name, got)
		}
	}
}

func TestAssembles(t *testing.T) {
	for body, want := range map[string]bool{
		`{"model":"m","messages":[],"max_tokens":1}`: true,
		`{"model":"m","messages":[],"tools":[{"name":"f","input_schema":{}},{"type":"custom"},{"type":"bash_20250124"}]}`: true,
		`{"model":"m","messages":[],"thinking":{"type":"enabled"},"system":"s","top_k":1,"stream":false}`:                 true,
		`{"model":"m","messages":[],"tools":[{"type":"code_execution_20250825"}]}`:                                        false,
		`{"model":"m","messages":[],"mcp_servers":[]}`:                                                                    false,
		`{"model":"m","messages":[{"content":[{"type":"document","citations":{"enabled":true}}]}]}`:                       false,
	} {
		if got := (anthropic.Provider{}).Assembles(&llm.Request{Body: []byte(body)}); got != want {
			t.Errorf("%s: %v", body, got)
		}
	}
	for beta, want := range map[string]bool{"context-1m-2025-08-07, effort-2025-11-24": true, "files-api-2025-04-14": false, "": true} {
		r := &llm.Request{Body: []byte(`{"model":"m"}`), Header: map[string][]string{"Anthropic-Beta": {beta}}}
		if got := (anthropic.Provider{}).Assembles(r); got != want {
			t.Errorf("%s: %v", beta, got)
		}
	}
}

// FuzzAssemble: any split of a text into deltas is the same text, and whatever
// else comes is valid JSON or an error.
func FuzzAssemble(f *testing.F) {
	f.Add("a\"b\\ \u00e9 \U0001f600", uint8(3), `{"type":"ping"}`)
	f.Add("", uint8(0), startOf)
	f.Add("x", uint8(1), deltaOf(0, "thinking_delta", "thinking", `"x"`))
	f.Fuzz(func(t *testing.T, text string, step uint8, more string) {
		text = strings.ToValidUTF8(text, "?")
		events := []string{startOf, beginOf(0, `{"type":"text","text":""}`)}
		for rest := []rune(text); len(rest) > 0; {
			n := min(int(step)+1, len(rest))
			events = append(events, deltaOf(0, "text_delta", "text", string(llm.AppendQuoted(nil, string(rest[:n])))))
			rest = rest[n:]
		}
		got, err := assembled(append(events, endOf, lastOf)...)
		var m struct{ Content []struct{ Text string } }
		if err != nil || json.Unmarshal(got, &m) != nil || !reflect.DeepEqual(m.Content, []struct{ Text string }{{text}}) {
			t.Fatalf("%q: %v, %s", text, err, got)
		}
		more = strings.ReplaceAll(strings.ReplaceAll(more, "\n", " "), "\r", " ")
		if got, err := assembled(append(events, more, endOf, lastOf)...); err == nil && !json.Valid(got) {
			t.Fatalf("not JSON: %s", got)
		}
	})
}
