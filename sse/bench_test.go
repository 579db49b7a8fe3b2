package sse_test

import (
	"bytes"
	"strings"
	"testing"

	"fairlead.dev/sse"
)

const delta = `{"type":"content_block_delta","index":0,"delta":{"type":"text_delta","text":" some words of an answer"}}`

func BenchmarkSplitter(b *testing.B) {
	lf := "event: content_block_delta\ndata: " + delta + "\n\n"
	for _, c := range []struct{ name, wire string }{
		{"LF", lf},
		{"CRLF", strings.ReplaceAll(lf, "\n", "\r\n")},
		{"CR", strings.ReplaceAll(lf, "\n", "\r")},
		{"100KiB", "data: " + strings.Repeat("x", 100<<10) + "\n\n"},
	} {
		b.Run(c.name, func(b *testing.B) {
			b.SetBytes(int64(len(c.wire)))
			b.ReportAllocs()
			wire := []byte(c.wire)
			var s sse.Splitter
			for b.Loop() {
				if _, _, ok, err := s.Next(wire); !ok || err != nil {
					b.Fatal(ok, err)
				}
			}
		})
	}
}

func BenchmarkReader(b *testing.B) {
	wire := []byte("event: content_block_delta\ndata: " + delta + "\n\n")
	r := sse.NewReader(&loop{wire: wire})
	b.SetBytes(int64(len(wire)))
	b.ReportAllocs()
	for b.Loop() {
		if _, err := r.Next(); err != nil {
			b.Fatal(err)
		}
		r.Buffered()
	}
}

func BenchmarkAppend(b *testing.B) {
	data, buf := bytes.Repeat([]byte("x"), 100), make([]byte, 0, 256)
	b.ReportAllocs()
	for b.Loop() {
		sse.Append(buf, "content_block_delta", data)
	}
}
