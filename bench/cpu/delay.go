package main

import (
	"bufio"
	"bytes"
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"
)

// stamped marks a delta with the time at which the provider sent it.
const stamped = "sent at "

// delays measures how much later a delta arrives than it was sent, through each
// process in turns.
func (b *bench) delays(rounds int, length time.Duration) error {
	k := kase{name: "delay", prompt: 1 << 10, stream: true, gap: 5 * time.Millisecond, workers: 50}
	var all [2][]float64
	for range rounds {
		for i, p := range b.under {
			d, err := p.delay(k, length)
			if err != nil {
				return fmt.Errorf("%s: %w", p.name, err)
			}
			all[i] = append(all[i], d)
		}
	}
	proxy, gateway := middle(all[0]), middle(all[1])
	fmt.Printf("delay p50 of a delta, 10,000 a second: proxy %.0f us, fairlead %.0f us, ratio %.2f\n", proxy, gateway, gateway/proxy)
	return nil
}

// delay returns the median in microseconds.
func (p *process) delay(k kase, length time.Duration) (float64, error) {
	client := &http.Client{Transport: &http.Transport{MaxIdleConnsPerHost: k.workers, DisableCompression: true}}
	defer client.CloseIdleConnections()
	var (
		mu   sync.Mutex
		seen []float64
		errs []error
		wg   sync.WaitGroup
	)
	until := time.Now().Add(length)
	for range k.workers {
		wg.Go(func() {
			var own []float64
			var err error
			for err == nil && time.Now().Before(until) {
				own, err = arrivals(client, p.url, request(k), own)
			}
			mu.Lock()
			defer mu.Unlock()
			if seen = append(seen, own...); err != nil {
				errs = append(errs, err)
			}
		})
	}
	wg.Wait()
	if len(seen) == 0 {
		return 0, fmt.Errorf("no deltas: %v", errs)
	}
	slices.Sort(seen)
	return seen[len(seen)/2], nil
}

// arrivals reads one stream, and how late each of its deltas is.
func arrivals(client *http.Client, url string, body []byte, late []float64) ([]float64, error) {
	req, err := http.NewRequest("POST", url+"/v1/messages", bytes.NewReader(body))
	if err != nil {
		return late, err
	}
	req.Header = http.Header{"Content-Type": {"application/json"}, "X-Api-Key": {"k"}, "Anthropic-Version": {"2023-06-01"}}
	resp, err := client.Do(req)
	if err != nil {
		return late, nil // the proxy cuts a few
	}
	defer resp.Body.Close()
	for lines := bufio.NewScanner(resp.Body); lines.Scan(); {
		_, after, ok := strings.Cut(lines.Text(), stamped)
		number, _, _ := strings.Cut(after, `"`)
		if n, err := strconv.ParseInt(number, 10, 64); ok && err == nil {
			late = append(late, float64(time.Now().UnixNano()-n)/1000)
		}
	}
	return late, nil
}
