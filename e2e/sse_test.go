package e2e

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"strings"
	"testing"
	"testing/iotest"

	claude "github.com/anthropics/anthropic-sdk-go/v2/packages/ssestream"
	openai "github.com/openai/openai-go/v3/packages/ssestream"

	"fairlead.dev/sse"
)

// TestSSEAgreesWithTheSDKs: on streams that are valid, package sse reads what
// the decoders of both official SDKs read, however the bytes are split.
func TestSSEAgreesWithTheSDKs(t *testing.T) {
	t.Parallel()
	for seed := range uint64(500) {
		wire := randomStream(rand.New(rand.NewPCG(seed, 7)))
		ours := readSSE(t, wire)
		response := func() *http.Response {
			return &http.Response{Header: http.Header{"Content-Type": {"text/event-stream"}}, Body: io.NopCloser(strings.NewReader(wire))}
		}
		var a, o []string
		for d := claude.NewDecoder(response()); d.Next(); {
			if e := d.Event(); len(e.Data) > 0 { // it hands comments on as events of nothing
				a = append(a, e.Type+"|"+string(bytes.TrimSuffix(e.Data, []byte("\n"))))
			}
		}
		for d := openai.NewDecoder(response()); d.Next(); {
			e := d.Event()
			o = append(o, e.Type+"|"+string(bytes.TrimSuffix(e.Data, []byte("\n"))))
		}
		if fmt.Sprint(ours) != fmt.Sprint(a) || fmt.Sprint(ours) != fmt.Sprint(o) {
			t.Fatalf("seed %d: %q\nfairlead  %q\nanthropic %q\nopenai    %q", seed, wire, ours, a, o)
		}
	}
}

func readSSE(t *testing.T, wire string) (events []string) {
	for r := sse.NewReader(iotest.OneByteReader(strings.NewReader(wire))); ; {
		e, err := r.Next()
		if errors.Is(err, io.EOF) {
			return events
		}
		if err != nil {
			t.Fatal(err)
		}
		if len(e.Data) > 0 {
			events = append(events, string(e.Name)+"|"+string(e.Data))
		}
	}
}

// randomStream is a stream as providers send them: names, comments, data of one
// line or several, with and without a space behind the colon.
func randomStream(r *rand.Rand) string {
	var b strings.Builder
	for range 1 + r.IntN(8) {
		space := []string{"", " "}[r.IntN(2)]
		if r.IntN(4) == 0 {
			b.WriteString(": a comment\n\n")
		}
		if r.IntN(2) == 0 {
			b.WriteString("event:" + space + []string{"ping", "content_block_delta", "error"}[r.IntN(3)] + "\n")
		}
		if r.IntN(5) == 0 {
			b.WriteString("id: 7\n")
		}
		for range 1 + r.IntN(3) {
			b.WriteString("data:" + space + `{"text": "` + strings.Repeat("é: ", r.IntN(40)) + "x\"}\n")
		}
		b.WriteString("\n")
	}
	return b.String()
}
