package sse_test

import (
	"errors"
	"fmt"
	"io"
	"strings"

	"fairlead.dev/sse"
)

// A stream is passed on event by event, and what its last event means is known.
func ExampleReader() {
	stream := "event: delta\ndata: {\"text\":\"hi\"}\n\n: ping\n\nevent: stop\ndata: {}\n\ndata: cut he"
	r := sse.NewReader(strings.NewReader(stream))
	for {
		ev, err := r.Next()
		if errors.Is(err, sse.ErrIncomplete) {
			fmt.Printf("%v: %q\n", err, r.Rest())
			break
		} else if err == io.EOF {
			break
		}
		if ev.Comment {
			fmt.Printf("comment %q\n", ev.Raw)
			continue
		}
		fmt.Printf("%s %s, more at hand: %v\n", ev.Name, ev.Data, r.Buffered())
	}
	// Output:
	// delta {"text":"hi"}, more at hand: true
	// comment ": ping\n\n"
	// stop {}, more at hand: false
	// sse: stream ended inside an event: "data: cut he"
}

// Bytes arrive in any pieces; the events are the same.
func ExampleSplitter() {
	var s sse.Splitter
	var buf []byte
	for _, piece := range []string{"data: on", "e\r\n\r", "\ndata: two\r\n\r\nda"} {
		buf = append(buf, piece...)
		for {
			n, ev, ok, err := s.Next(buf)
			if err != nil || !ok {
				break
			}
			fmt.Printf("%s\n", ev.Data)
			buf = buf[n:]
		}
	}
	fmt.Printf("left: %q\n", buf)
	// Output:
	// one
	// two
	// left: "da"
}

func ExampleAppend() {
	b := sse.Append(nil, "message_stop", []byte(`{"type":"message_stop"}`))
	b = sse.AppendComment(b, "ping")
	fmt.Printf("%q\n", b)
	// Output: "event: message_stop\ndata: {\"type\":\"message_stop\"}\n\n: ping\n\n"
}
