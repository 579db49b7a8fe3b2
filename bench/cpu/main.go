// Command cpu measures what the gateway costs: CPU time per call of a whole
// `fairlead serve`, against a tuned httputil.ReverseProxy that only copies, as
// the median of interleaved paired runs on this machine.
//
//	go run ./cpu                    all cases, 7 rounds
//	go run ./cpu -case sse-200 -rounds 11
//	go run ./cpu -open 5000         memory of open streams
//	go run ./cpu -delay             how late deltas arrive
//
// Everything runs in processes of its own on loopback: a provider that answers
// at once, the gateway, the proxy, and the load in this one. CPU is user and
// system time of the process under test as the kernel counts it. Machines are
// noisy, so only ratios within a run mean anything.
package main

import (
	"cmp"
	"context"
	"flag"
	"fmt"
	"os"
	"slices"
	"time"
)

// kase is one kind of load.
type kase struct {
	name    string
	prompt  int  // bytes of the prompt
	stream  bool // 200 events
	workers int  // connections that ask one call after another
	gap     time.Duration
}

var kases = []kase{
	{name: "json-1k", prompt: 1 << 10, workers: 32},
	{name: "json-100k", prompt: 100 << 10, workers: 16},
	{name: "sse-200", prompt: 1 << 10, stream: true, workers: 64, gap: 2 * time.Millisecond},
	{name: "sse-200-burst", prompt: 1 << 10, stream: true, workers: 32},
	{name: "sse-200-fast", prompt: 1 << 10, stream: true, workers: 32, gap: 1},
}

func main() {
	role := flag.String("role", "", "provider or proxy: be that process (used by the command itself)")
	rounds := flag.Int("rounds", 7, "paired rounds")
	only := flag.String("case", "", "json-1k, json-100k, sse-200 or sse-200-burst; default all")
	length := flag.Duration("length", 3*time.Second, "length of one measurement")
	open := flag.Int("open", 0, "measure the memory of this many open streams instead")
	delay := flag.Bool("delay", false, "measure how late deltas arrive instead")
	limit := flag.Float64("limit", 0, "fail when the median ratio of a case is above this")
	flag.Parse()
	switch *role {
	case "provider":
		serveProvider()
	case "proxy":
		serveProxy(flag.Arg(0))
	case "":
		if err := measure(*only, *rounds, *length, *limit, *open, *delay); err != nil {
			fmt.Fprintln(os.Stderr, "cpu:", err)
			os.Exit(1)
		}
	}
}

func measure(only string, rounds int, length time.Duration, limit float64, open int, delay bool) error {
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	b, err := startBench(ctx)
	if err != nil {
		return err
	}
	defer b.stop()
	switch {
	case open > 0:
		return b.openStreams(open, 5*time.Second)
	case delay:
		return b.delays(rounds, length)
	}
	var over []string
	fmt.Printf("%-14s %12s %12s %8s %10s   (ratio: median, least, greatest of %d rounds)\n", "case", "proxy us", "fairlead us", "ratio", "calls", rounds)
	for _, k := range kases {
		if only != "" && k.name != only {
			continue
		}
		median, err := b.pairs(k, rounds, length)
		if err != nil {
			return err
		}
		if limit > 0 && median > limit {
			over = append(over, fmt.Sprintf("%s %.2f", k.name, median))
		}
	}
	fmt.Printf("answers cut: proxy %d, fairlead %d\n", b.cuts[0], b.cuts[1])
	if b.cuts[1] > 0 {
		return fmt.Errorf("the gateway failed or cut %d healthy calls", b.cuts[1])
	}
	if len(over) > 0 {
		return fmt.Errorf("above %.2f: %v", limit, over)
	}
	return nil
}

// pairs measures proxy and gateway in turns and prints one line.
func (b *bench) pairs(k kase, rounds int, length time.Duration) (float64, error) {
	var proxy, gateway, ratios []float64
	calls := 0
	for i := range rounds + 1 {
		pair := [2]float64{}
		order := []int{0, 1}
		if i%2 == 1 {
			slices.Reverse(order)
		}
		for _, who := range order {
			us, n, err := b.run(k, who, length)
			if err != nil {
				return 0, err
			}
			pair[who] = us
			calls += n
		}
		if i == 0 {
			continue // warms up
		}
		proxy, gateway = append(proxy, pair[0]), append(gateway, pair[1])
		ratios = append(ratios, pair[1]/pair[0])
	}
	median := middle(ratios)
	fmt.Printf("%-14s %12.1f %12.1f %8.3f %10d   (%.3f to %.3f)\n", k.name, middle(proxy), middle(gateway), median, calls, slices.Min(ratios), slices.Max(ratios))
	return median, nil
}

func middle[T cmp.Ordered](v []T) T {
	s := slices.Sorted(slices.Values(v))
	return s[len(s)/2]
}
