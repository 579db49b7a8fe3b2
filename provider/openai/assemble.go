package openai

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"fairlead.dev/llm"
	"fairlead.dev/sse"
)

// assembled are the fields of a request whose streamed answer is known to hold everything that its plain one does.
var assembled = map[string]bool{
	"model": true, "messages": true, "max_tokens": true, "max_completion_tokens": true, "temperature": true, "top_p": true,
	"top_k": true, "min_p": true, "n": true, "stop": true, "stream": true, "seed": true, "user": true, "metadata": true, "store": true,
	"presence_penalty": true, "frequency_penalty": true, "repetition_penalty": true, "logit_bias": true, "logprobs": true,
	"top_logprobs": true, "tools": true, "tool_choice": true, "parallel_tool_calls": true, "functions": true,
	"function_call": true, "response_format": true, "reasoning_effort": true, "verbosity": true, "service_tier": true,
	"safety_identifier": true, "prompt_cache_key": true, "prompt_cache_retention": true,
}

// Assembles reports whether a plain answer to r can be assembled of a stream, the same field for field. Audio, web
// search, predictions, and what is not known are asked for plainly.
func (Provider) Assembles(r *llm.Request) bool {
	if !strings.HasSuffix(r.Path, "/chat/completions") {
		return false
	}
	s := llm.ScanNested(r.Body, llm.Member{End: len(r.Body)})
	for m, ok := s.Next(); ok; m, ok = s.Next() {
		if !assembled[string(m.Key)] || string(m.Key) == "tools" && !functions(r.Body[m.Start:m.End]) {
			return false
		}
	}
	return s.Err() == nil
}

// functions reports whether all tools are functions. Calls of others have forms of their own.
func functions(tools []byte) bool {
	for _, tool := range members(tools) {
		if word(tool, "type") != "function" {
			return false
		}
	}
	return true
}

// Assembler makes the plain answer to r.
func (Provider) Assembler(*llm.Request) llm.Assembler { return &assembler{} }

// assembler collects the parts of an answer. Texts stay as they were escaped.
type assembler struct {
	answer  llm.Fields
	usage   []byte
	choices []*choice
	ended   bool
	err     error
}

// choice is one choice: what was told of it, and what came to its message.
type choice struct {
	index   int
	fields  llm.Fields // finish_reason, and what some servers add
	message llm.Fields // null members, and texts by the order in which they came
	texts   map[string]*llm.Text
	calls   []*call
	legacy  *call // function_call
	logs    map[string][]byte
	noLogs  bool // logprobs was told as null
}

// call is the call of a tool.
type call struct {
	fields    llm.Fields
	name      llm.Text
	arguments llm.Text
}

// Add takes the next whole event.
func (a *assembler) Add(event []byte) {
	var split sse.Splitter
	_, ev, ok, err := split.Next(event)
	if a.err != nil || !ok || err != nil || len(ev.Data) == 0 {
		return
	}
	if slices.Equal(ev.Data, done) {
		a.ended = true
		return
	}
	chunk, ok := llm.ReadFields(slices.Clone(ev.Data))
	if !ok {
		return // the decoder has judged it
	}
	for _, f := range chunk {
		switch f.Key {
		case "choices":
			a.eachChoice(f.Value)
		case "object", "obfuscation": // the one is another in a plain answer, the other pads streams only
		case "usage":
			if string(f.Value) != "null" {
				a.usage = f.Value
			}
		default:
			if string(f.Value) != "null" || a.answer.Get(f.Key) == nil {
				a.answer.Set(f.Key, f.Value)
			}
		}
	}
}

func (a *assembler) eachChoice(list []byte) {
	for _, raw := range members(list) {
		fields, _ := llm.ReadFields(raw)
		i, _ := llm.Int(fields.Get("index"))
		c := a.choice(i)
		for _, f := range fields {
			switch f.Key {
			case "index":
			case "delta":
				a.note(c.delta(f.Value))
			case "logprobs":
				c.log(f.Value)
			default:
				if string(f.Value) != "null" || c.fields.Get(f.Key) == nil {
					c.fields.Set(f.Key, f.Value)
				}
			}
		}
	}
}

func (a *assembler) note(err error) {
	if a.err == nil {
		a.err = err
	}
}

// choice returns the choice of an index, in order.
func (a *assembler) choice(index int) *choice {
	at, found := slices.BinarySearchFunc(a.choices, index, func(c *choice, i int) int { return c.index - i })
	if !found {
		a.choices = slices.Insert(a.choices, at, &choice{index: index, texts: map[string]*llm.Text{}, logs: map[string][]byte{}})
	}
	return a.choices[at]
}

// delta takes what a chunk adds to the message.
func (c *choice) delta(raw []byte) error {
	fields, _ := llm.ReadFields(raw)
	for _, f := range fields {
		switch kind := kindOf(f.Value); {
		case f.Key == "role":
			c.message.Set("role", f.Value)
		case kind == 'n':
			if c.message.Get(f.Key) == nil {
				c.message.Set(f.Key, f.Value)
			}
		case f.Key == "tool_calls" && kind == '[':
			c.toolCalls(f.Value)
		case f.Key == "function_call" && kind == '{':
			if c.legacy == nil {
				c.legacy = &call{}
			}
			c.legacy.function(f.Value)
		case kind == '"' && (f.Key == "content" || f.Key == "refusal" || f.Key == "reasoning_content" || f.Key == "reasoning"):
			if c.texts[f.Key] == nil {
				c.texts[f.Key] = &llm.Text{}
				c.message.Set(f.Key, nil) // its place
			}
			c.texts[f.Key].Add(f.Value)
		default:
			return fmt.Errorf("openai: no place in a plain answer for a delta %.40q", f.Key)
		}
	}
	return nil
}

func kindOf(raw []byte) byte {
	if len(raw) == 0 {
		return 0
	}
	return raw[0]
}

func (c *choice) toolCalls(list []byte) {
	for n, raw := range members(list) {
		fields, _ := llm.ReadFields(raw)
		i, ok := llm.Int(fields.Get("index"))
		if !ok {
			i = n
		}
		for i >= 0 && i < maxCalls && len(c.calls) <= i {
			c.calls = append(c.calls, &call{})
		}
		if i < 0 || i >= len(c.calls) {
			continue
		}
		t := c.calls[i]
		for _, f := range fields {
			switch {
			case f.Key == "index":
			case f.Key == "function":
				t.fields.Set("function", nil) // its place
				t.function(f.Value)
			case string(f.Value) != "null":
				t.fields.Set(f.Key, f.Value)
			}
		}
	}
}

// maxCalls bounds the calls of one answer.
const maxCalls = 1 << 10

func (t *call) function(raw []byte) {
	fields, _ := llm.ReadFields(raw)
	t.name.Add(fields.Get("name"))
	t.arguments.Add(fields.Get("arguments"))
}

func (t *call) whole() []byte {
	return llm.Fields{{Key: "name", Value: t.name.JSON()}, {Key: "arguments", Value: t.arguments.JSON()}}.Append(nil)
}

// log joins the lists of log probabilities.
func (c *choice) log(raw []byte) {
	fields, ok := llm.ReadFields(raw)
	if !ok {
		c.noLogs = true
		return
	}
	for _, f := range fields {
		have := c.logs[f.Key]
		if kindOf(f.Value) != '[' || len(have) == 0 || kindOf(have) != '[' {
			c.logs[f.Key] = f.Value
			continue
		}
		if llm.Holds(f.Value) {
			if llm.Holds(have) {
				have = append(have[:len(have)-1:len(have)-1], ',')
			} else {
				have = []byte{'['}
			}
			c.logs[f.Key] = append(have, f.Value[1:]...)
		}
	}
}

var errNotWhole = errors.New("openai: the stream has no whole answer in it")

// Answer returns the plain answer.
func (a *assembler) Answer() ([]byte, error) {
	if a.err != nil {
		return nil, a.err
	}
	if !a.ended || len(a.choices) == 0 {
		return nil, errNotWhole
	}
	own := a.answer.Get("service_tier") != nil // compatible servers tell none
	list := []byte{'['}
	for i, c := range a.choices {
		if i > 0 {
			list = append(list, ',')
		}
		list = append(list, c.whole(own)...)
	}
	// In the order of a plain answer: what a chunk told first, the choices, the rest.
	out := llm.Fields{{Key: "id", Value: a.answer.Get("id")}, {Key: "object", Value: []byte(`"chat.completion"`)},
		{Key: "created", Value: a.answer.Get("created")}, {Key: "model", Value: a.answer.Get("model")}, {Key: "choices", Value: append(list, ']')}}
	if a.usage != nil {
		out.Set("usage", a.usage)
	}
	for _, f := range a.answer {
		out.Set(f.Key, f.Value)
	}
	return slices.DeleteFunc(out, func(f llm.Field) bool { return f.Value == nil }).Append(nil), nil
}

// whole is the choice with everything that came to it. own: OpenAI itself answered, which has a member more in plain
// answers.
func (c *choice) whole(own bool) []byte {
	for key, t := range c.texts {
		c.message.Set(key, t.JSON())
	}
	switch {
	case len(c.calls) > 0:
		list := []byte{'['}
		for i, t := range c.calls {
			if i > 0 {
				list = append(list, ',')
			}
			t.fields.Set("function", t.whole())
			list = t.fields.Append(list)
		}
		c.message.Set("tool_calls", append(list, ']'))
	case c.legacy != nil:
		c.message.Set("function_call", c.legacy.whole())
	case own:
		c.message.Set("annotations", []byte("[]")) // only a web search has any, and is not assembled
	}
	if text := c.texts["content"]; text == nil || (len(c.calls) > 0 || c.legacy != nil) && len(text.JSON()) == 2 {
		c.message.Set("content", []byte("null"))
	}
	out := llm.Fields{{Key: "index", Value: fmt.Append(nil, c.index)}, {Key: "message", Value: c.message.Append(nil)}}
	if logs := c.logprobs(); logs != nil {
		out.Set("logprobs", logs)
	}
	for _, f := range c.fields {
		out.Set(f.Key, f.Value)
	}
	return out.Append(nil)
}

func (c *choice) logprobs() []byte {
	var all llm.Fields
	for _, key := range []string{"content", "refusal"} {
		if v := c.logs[key]; v != nil {
			all.Set(key, v)
		}
	}
	switch {
	case all != nil:
		return all.Append(nil)
	case c.noLogs:
		return []byte("null")
	}
	return nil
}
