package llm_test

import (
	"bytes"
	"fmt"
	"strings"
	"testing"

	"fairlead.dev/llm"
)

// prompt is text as people send it: words, a line break about every 70 bytes, now and then a quotation.
func prompt(n int) string {
	const line = `The quick brown fox jumps over the lazy dog, said \"nobody\" in particular.\n`
	return strings.Repeat(line, n/len(line)+1)[:n/len(line)*len(line)]
}

// body is a Messages request of about n bytes.
func body(n int) []byte {
	head := `{"model":"claude-opus-5-5","max_tokens":4096,"stream":true,"system":"You are terse.",` +
		`"metadata":{"user_id":"u-17"},"messages":[{"role":"user","content":"`
	return []byte(head + prompt(n-len(head)) + `"}],"temperature":0.7}`)
}

// turns is a request of about n bytes made of many small messages, each with blocks.
func turns(n int) []byte {
	var b bytes.Buffer
	b.WriteString(`{"model":"claude-opus-5-5","max_tokens":4096,"messages":[`)
	for i := 0; b.Len() < n; i++ {
		if i > 0 {
			b.WriteByte(',')
		}
		fmt.Fprintf(&b, `{"role":"user","content":[{"type":"text","text":"turn %d, and so on"},`+
			`{"type":"tool_result","tool_use_id":"toolu_%d","content":"ok","is_error":false}]}`, i, i)
	}
	b.WriteString(`]}`)
	return b.Bytes()
}

// manyKeys is an object of n members.
func manyKeys(n int) []byte {
	b := []byte{'{'}
	for i := range n {
		if i > 0 {
			b = append(b, ',')
		}
		b = fmt.Appendf(b, `"%x":%d`, i, i%10)
	}
	return append(b, '}')
}

func scanAll(data []byte) (n int, err error) {
	s := llm.ScanObject(data)
	for _, ok := s.Next(); ok; _, ok = s.Next() {
		n++
	}
	return n, s.Err()
}

func BenchmarkScanObject(b *testing.B) {
	chinese := strings.Repeat("快速的棕色狐狸跳过懒狗。", 2900)
	for _, c := range []struct {
		name string
		data []byte
	}{
		{"1KiB", body(1 << 10)},
		{"10KiB", body(10 << 10)},
		{"100KiB", body(100 << 10)},
		{"100KiB_turns", turns(100 << 10)},
		{"100KiB_chinese", []byte(`{"model":"m","messages":[{"role":"user","content":"` + chinese + `"}]}`)},
		{"1M_keys", manyKeys(1_000_000)},
	} {
		b.Run(c.name, func(b *testing.B) {
			b.SetBytes(int64(len(c.data)))
			b.ReportAllocs()
			for b.Loop() {
				if _, err := scanAll(c.data); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

func BenchmarkGet(b *testing.B) {
	event := []byte(`{"type":"content_block_delta","index":0,"delta":{"type":"text_delta","text":"hello there"}}`)
	b.ReportAllocs()
	for b.Loop() {
		if _, ok := llm.Get(event, "delta", "text"); !ok {
			b.Fatal("not found")
		}
	}
}

func BenchmarkApply(b *testing.B) {
	data := body(100 << 10)
	edits := []llm.Edit{{Start: 9, End: 26, With: []byte(`"claude-sonnet-5"`)}}
	b.SetBytes(int64(len(data)))
	b.ReportAllocs()
	for b.Loop() {
		llm.Apply(data, edits)
	}
}
