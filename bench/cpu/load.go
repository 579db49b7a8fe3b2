package main

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"sync"
	"time"
)

// run loads one process for length and returns its CPU time per call in
// microseconds. A call that fails or is cut fails the run of the gateway: the
// bar is zero. Of the proxy it is only counted: Go's reverse proxy cuts healthy
// streams when the provider answers at once (golang/go issue 40747).
func (b *bench) run(k kase, who int, length time.Duration) (us float64, calls int, err error) {
	p := b.under[who]
	client := &http.Client{Transport: &http.Transport{MaxIdleConnsPerHost: k.workers, DisableCompression: true}}
	defer client.CloseIdleConnections()
	req := request(k)
	var (
		mu   sync.Mutex
		wg   sync.WaitGroup
		errs []error
	)
	begun, cpu := time.Now(), p.cpu()
	for range k.workers {
		wg.Go(func() {
			n, cut, err := worker(client, p.url, req, k, begun.Add(length))
			mu.Lock()
			defer mu.Unlock()
			calls += n
			b.cuts[who] += cut
			if err != nil {
				errs = append(errs, err)
			}
		})
	}
	wg.Wait()
	used := p.cpu() - cpu
	if len(errs) > 0 {
		return 0, 0, fmt.Errorf("%s, %s: %w", p.name, k.name, errors.Join(errs[0], fmt.Errorf("%d workers failed", len(errs))))
	}
	return float64(used.Microseconds()) / float64(calls), calls, nil
}

func request(k kase) []byte {
	prompt := strings.Repeat("All ropes chafe where they turn. ", k.prompt/33+1)[:k.prompt]
	return fmt.Appendf(nil, `{"model":"claude-x","max_tokens":512,"stream":%v,"metadata":{"gap":"%s"},"messages":[{"role":"user","content":%q}]}`,
		k.stream, k.gap, prompt)
}

// worker asks one call after another. A cut answer still counts as a call: it
// has cost what it has cost.
func worker(client *http.Client, url string, body []byte, k kase, until time.Time) (n, cut int, err error) {
	for time.Now().Before(until) {
		n++
		whole, err := call(client, url, body, k)
		if err != nil {
			return n, cut, err
		}
		if !whole {
			cut++
		}
	}
	return n, cut, nil
}

func call(client *http.Client, url string, body []byte, k kase) (whole bool, err error) {
	req, err := http.NewRequest("POST", url+"/v1/messages", bytes.NewReader(body))
	if err != nil {
		return false, err
	}
	req.Header = http.Header{"Content-Type": {"application/json"}, "X-Api-Key": {"k"}, "Anthropic-Version": {"2023-06-01"}}
	resp, err := client.Do(req)
	if err != nil {
		return false, nil
	}
	defer resp.Body.Close()
	got, err := io.ReadAll(resp.Body)
	if resp.StatusCode != 200 {
		return false, fmt.Errorf("status %d: %.200s", resp.StatusCode, got)
	}
	return err == nil && (!k.stream || bytes.Contains(got, []byte("message_stop"))), nil
}
