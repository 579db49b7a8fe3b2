package main

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"strconv"
	"strings"
	"sync"
	"time"
)

// slow is a stream of which a delta comes every second.
var slow = kase{name: "open", prompt: 1 << 10, stream: true, gap: time.Second}

// openStreams measures what a process needs for each of n streams that are open
// at once: its resident memory while they are, less that at rest.
func (b *bench) openStreams(n int, settle time.Duration) error {
	fmt.Printf("%-10s %12s %12s %14s\n", "process", "rest MiB", "open MiB", "KiB a stream")
	for _, p := range b.under {
		rest, open, err := p.holding(n, settle)
		if err != nil {
			return fmt.Errorf("%s: %w", p.name, err)
		}
		fmt.Printf("%-10s %12.1f %12.1f %14.1f\n", p.name, mib(rest), mib(open), float64(open-rest)/1024/float64(n))
	}
	return nil
}

func mib(n int64) float64 { return float64(n) / (1 << 20) }

// holding opens n streams and returns the memory before and while they are open.
func (p *process) holding(n int, settle time.Duration) (rest, open int64, err error) {
	client := &http.Client{Transport: &http.Transport{MaxIdleConnsPerHost: n, DisableCompression: true}}
	defer client.CloseIdleConnections()
	body := request(slow)
	if whole, err := call(client, p.url, request(kase{prompt: 1 << 10, stream: true}), kase{stream: true}); !whole || err != nil {
		return 0, 0, fmt.Errorf("warming up: %w", errors.Join(err, errors.New("no whole answer")))
	}
	time.Sleep(settle)
	rest = p.resident()
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	var wg sync.WaitGroup
	defer wg.Wait()
	defer cancel()
	begun := make(chan error, n)
	for range n {
		wg.Go(func() { hold(ctx, client, p.url, body, begun) })
		time.Sleep(200 * time.Microsecond) // a listener's backlog is short
	}
	for range n {
		if err := <-begun; err != nil {
			return 0, 0, err
		}
	}
	time.Sleep(settle)
	return rest, p.resident(), nil
}

// hold reads a stream until ctx ends; begun hears of its first delta. A stream
// that is cut before it is begun again: the proxy cuts a few (golang/go issue
// 40747).
func hold(ctx context.Context, client *http.Client, url string, body []byte, begun chan<- error) {
	var err error
	for range 5 {
		var stream io.ReadCloser
		if stream, err = openOne(ctx, client, url, body); err == nil {
			begun <- nil
			_, _ = io.Copy(io.Discard, stream) // until ctx ends
			stream.Close()
			return
		}
	}
	begun <- err
}

// openOne opens a stream and reads up to its first delta.
func openOne(ctx context.Context, client *http.Client, url string, body []byte) (io.ReadCloser, error) {
	req, err := http.NewRequestWithContext(ctx, "POST", url+"/v1/messages", bytes.NewReader(body))
	if err != nil {
		return nil, err
	}
	req.Header = http.Header{"Content-Type": {"application/json"}, "X-Api-Key": {"k"}, "Anthropic-Version": {"2023-06-01"}}
	resp, err := client.Do(req)
	if err != nil {
		return nil, err
	}
	lines := bufio.NewScanner(resp.Body)
	for lines.Scan() {
		if strings.Contains(lines.Text(), "text_delta") {
			return resp.Body, nil
		}
	}
	resp.Body.Close()
	return nil, fmt.Errorf("status %d, no delta: %w", resp.StatusCode, lines.Err())
}

// resident is the memory of the process that is in RAM, in bytes.
func (p *process) resident() int64 {
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/statm", p.cmd.Process.Pid))
	if err != nil {
		return 0
	}
	pages, _ := strconv.ParseInt(strings.Fields(string(text))[1], 10, 64)
	return pages * int64(os.Getpagesize())
}
