package main

import (
	"runtime/debug"
	"testing"
	"testing/synctest"
	"time"
)

func TestGarbageIsBounded(t *testing.T) {
	for live, want := range map[uint64]int{0: 400, 1 << 20: 400, 12 << 20: 400, 24 << 20: 200, 48 << 20: 100, 1 << 30: 100} {
		equal(t, "GOGC", gcPercent(live), want)
	}
}

// The collector follows what lives, and is as it was afterwards.
func TestTheCollectorIsTuned(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		before := debug.SetGCPercent(123)
		defer debug.SetGCPercent(before)
		stop := tuneGC()
		time.Sleep(3 * time.Second)
		if now := debug.SetGCPercent(400); now < minPercent || now > maxPercent {
			t.Errorf("GOGC is %d", now)
		}
		stop()
		equal(t, "GOGC", debug.SetGCPercent(before), 123)
	})
}
