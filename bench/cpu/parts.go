package main

import (
	"bytes"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"net/http/httputil"
	"net/url"
	"os"
	"strconv"
	"strings"
	"sync"
	"time"
)

// serveProvider is a provider that answers at once, as cheaply as net/http can.
func serveProvider() {
	answer := fmt.Appendf(nil, `{"id":"msg_1","type":"message","role":"assistant","model":"claude-x","content":[{"type":"text","text":%q}],`+
		`"stop_reason":"end_turn","stop_sequence":null,"usage":{"input_tokens":250,"output_tokens":200}}`, strings.Repeat("chafe ", 150))
	events := stream()
	serve(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		if !bytes.Contains(body, []byte(`"stream":true`)) {
			w.Header().Set("Content-Type", "application/json")
			w.Write(answer)
			return
		}
		w.Header().Set("Content-Type", "text/event-stream")
		gap := gapOf(body)
		if gap == 0 {
			w.Write(bytes.Join(events, nil))
			return
		}
		for _, e := range events {
			if bytes.Contains(e, []byte("text_delta")) {
				e = delta(stamped + strconv.FormatInt(time.Now().UnixNano(), 10))
			}
			w.Write(e)
			w.(http.Flusher).Flush()
			time.Sleep(gap)
		}
	}))
}

func gapOf(body []byte) time.Duration {
	_, rest, _ := bytes.Cut(body, []byte(`"gap":"`))
	word, _, _ := bytes.Cut(rest, []byte(`"`))
	d, _ := time.ParseDuration(string(word))
	return d
}

// stream is an answer of 200 deltas.
func stream() (events [][]byte) {
	add := func(name, data string) {
		events = append(events, fmt.Appendf(nil, "event: %s\ndata: %s\n\n", name, data))
	}
	add("message_start", `{"type":"message_start","message":{"id":"msg_1","type":"message","role":"assistant","model":"claude-x","content":[],"stop_reason":null,"usage":{"input_tokens":250,"output_tokens":1}}}`)
	add("content_block_start", `{"type":"content_block_start","index":0,"content_block":{"type":"text","text":""}}`)
	for i := range 200 {
		events = append(events, delta(fmt.Sprintf("word%d of the answer, ", i)))
	}
	add("content_block_stop", `{"type":"content_block_stop","index":0}`)
	add("message_delta", `{"type":"message_delta","delta":{"stop_reason":"end_turn","stop_sequence":null},"usage":{"output_tokens":200}}`)
	add("message_stop", `{"type":"message_stop"}`)
	return events
}

// delta is an event with a text.
func delta(text string) []byte {
	return fmt.Appendf(nil, "event: content_block_delta\ndata: {\"type\":\"content_block_delta\",\"index\":0,\"delta\":{\"type\":\"text_delta\",\"text\":%q}}\n\n", text)
}

// serveProxy is the yardstick: Go's reverse proxy with its transport tuned, and
// pooled buffers. It copies and looks at nothing.
func serveProxy(target string) {
	u, err := url.Parse(target)
	if err != nil {
		log.Fatal(err)
	}
	serve(&httputil.ReverseProxy{
		Rewrite:       func(r *httputil.ProxyRequest) { r.SetURL(u) },
		Transport:     &http.Transport{MaxIdleConnsPerHost: 4096, DisableCompression: true},
		FlushInterval: -1,
		BufferPool:    &buffers{},
		ErrorLog:      log.New(io.Discard, "", 0),
	})
}

type buffers struct{ pool sync.Pool }

func (b *buffers) Get() []byte {
	if v, ok := b.pool.Get().(*[]byte); ok {
		return *v
	}
	return make([]byte, 32<<10)
}

func (b *buffers) Put(p []byte) { b.pool.Put(&p) }

func serve(h http.Handler) {
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		log.Fatal(err)
	}
	fmt.Fprintf(os.Stdout, "http://%s\n", ln.Addr())
	log.Fatal(http.Serve(ln, h))
}
