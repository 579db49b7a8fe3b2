package limit

import (
	"math"
	"time"
)

const (
	burstParts = 6    // a bucket of a pool holds limit/6: ten seconds' worth
	slack      = 1e-6 // of a request or token, for rounding in floats
)

// bucket is a token bucket: it fills at a steady rate up to burst. Its zero value has no limit.
type bucket struct {
	rate   float64   // per second; 0: no limit
	burst  float64   // level when full, at least 1
	level  float64   // what is there; negative: debt
	at     time.Time // level is right for this moment; zero: not used yet
	raised time.Time // when the provider's word last raised the level
}

func (b *bucket) limited() bool { return b.rate != 0 }

// set changes the limit. A bucket that had none starts full; it
// holds one of so many parts of a minute's limit.
func (b *bucket) set(perMinute int, parts float64) {
	fresh := !b.limited()
	if perMinute <= 0 {
		*b = bucket{}
		return
	}
	b.rate = float64(perMinute) / 60
	b.burst = math.Floor(max(1, float64(perMinute)/parts))
	if b.level = min(b.level, b.burst); fresh {
		b.level = b.burst
	}
}

// wait refills the bucket and returns how long to wait for n, 0 if it can be taken now. A share of
// the burst is kept; speed is the part of the rate at which it refills.
func (b *bucket) wait(n int, keep, speed float64, now time.Time) time.Duration {
	if !b.limited() || n == 0 {
		return 0
	}
	b.refill(speed, now)
	missing := min(float64(n)+keep*b.burst, b.burst) - b.level
	if missing <= slack {
		return 0
	}
	ns := math.Ceil(missing / (b.rate * speed) * float64(time.Second))
	if ns >= math.MaxInt64 {
		return math.MaxInt64
	}
	return time.Duration(ns)
}

// take takes n, which may leave a debt; a negative n gives back, up to the burst.
func (b *bucket) take(n float64) {
	if b.limited() {
		b.level = min(b.level-n, b.burst)
	}
}

func (b *bucket) refill(speed float64, now time.Time) {
	if b.at.IsZero() {
		b.at = now
		return
	}
	if d := now.Sub(b.at); d > 0 { // a late caller's now may lie behind
		b.level = min(b.level+d.Seconds()*b.rate*speed, b.burst)
		b.at = now
	}
}
