package main

import (
	"runtime/debug"
	"runtime/metrics"
	"sync"
	"time"
)

// What lives in a gateway is small and what calls allocate dies young:
// collecting at Go's default of 100 percent costs a tenth of its CPU (measured
// with bench/cpu). With thousands of open streams, when much lives, the same
// percentage would be hundreds of megabytes of garbage. So garbage may be as
// much as maxPercent of what lives, and no more than slack unless what lives is
// more than that.
const (
	maxPercent = 400
	minPercent = 100
	slack      = 48 << 20
)

// gcPercent is the GOGC for so many bytes that live.
func gcPercent(live uint64) int {
	return int(min(maxPercent, max(minPercent, slack*100/max(live, 1))))
}

// tuneGC keeps the garbage collector at gcPercent until stop is called.
func tuneGC() (stop func()) {
	sample := []metrics.Sample{{Name: "/gc/heap/live:bytes"}}
	percent := maxPercent
	before := debug.SetGCPercent(percent)
	done := make(chan struct{})
	var wg sync.WaitGroup
	wg.Go(func() {
		tick := time.NewTicker(time.Second)
		defer tick.Stop()
		for {
			select {
			case <-done:
				return
			case <-tick.C:
			}
			metrics.Read(sample)
			// Each change stops the world for a moment.
			if now := gcPercent(sample[0].Value.Uint64()); now < percent*9/10 || now > percent*11/10 || now == maxPercent && percent != now {
				percent = now
				debug.SetGCPercent(percent)
			}
		}
	})
	return func() {
		close(done)
		wg.Wait()
		debug.SetGCPercent(before)
	}
}
