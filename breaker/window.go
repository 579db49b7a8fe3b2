package breaker

import (
	"math"
	"time"
)

const (
	slices = 10 // of the window
	recent = 2  // slices that show an outage which a long healthy past would hide
)

// tally counts results.
type tally struct{ attempts, failures, slow uint64 }

// window counts results in slices of time. It is aged when it is read or
// written, never by a timer.
type window struct {
	slice time.Duration
	start time.Time // of the newest slice; slices are aligned to the first time seen
	at    int       // index of the newest slice
	ring  [slices]tally
}

// advance makes the slice of now the newest. Time that runs backwards stays in
// the newest slice.
func (w *window) advance(now time.Time) {
	if w.start.IsZero() {
		w.start = now
	}
	gone := now.Sub(w.start)
	n := gone / w.slice
	if n <= 0 {
		return
	}
	w.start = w.start.Add(n * w.slice)
	if gone == math.MaxInt64 { // centuries: no Duration leads from there to now
		w.start = now
	}
	for range min(n, slices) {
		w.at = (w.at + 1) % slices
		w.ring[w.at] = tally{}
	}
}

func (w *window) record(n News, now time.Time) {
	w.advance(now)
	w.ring[w.at].add(n)
}

// forget empties the window and keeps its alignment.
func (w *window) forget() { w.ring = [slices]tally{} }

// total sums the newest n slices.
func (w *window) total(n int) (t tally) {
	for i := range n {
		s := &w.ring[(w.at+slices-i)%slices]
		t.attempts += s.attempts
		t.failures += s.failures
		t.slow += s.slow
	}
	return t
}

// full is where a slice stops counting: high enough never to matter, low
// enough that ten slices fit an int of 32 bits. A slice stops as a whole, so
// that no counter runs on alone and moves the ratio.
const full = math.MaxInt32 / slices

func (t *tally) add(n News) {
	if t.attempts == full {
		return
	}
	t.attempts++
	switch n {
	case Failure:
		t.failures++
	case Slow:
		t.slow++
	}
}

// reaches reports whether the part of attempts that were n is at least ratio.
// It divides: 0.1 x 30 is more than 3 in floating point.
func (t tally) reaches(n News, ratio float64, least int) bool {
	hits := t.failures
	if n == Slow {
		hits = t.slow
	}
	return t.attempts >= uint64(least) && float64(hits)/float64(t.attempts) >= ratio
}

// streak is a run of failures with no success between.
type streak struct {
	n    int
	call uint64 // of the first failure
	many bool   // failures of another call are among them
	at   time.Time
}

// fail adds a failure. A run that has been silent for longer than memory is
// over: four failures yesterday and one today are not five in a row.
func (s *streak) fail(call uint64, now time.Time, memory time.Duration) {
	if s.length(now, memory) == 0 {
		*s = streak{call: call}
	}
	s.n = min(s.n+1, math.MaxInt32)
	s.many = s.many || call != s.call
	s.at = now
}

// length is the number of failures in the run, 0 if it is over.
func (s *streak) length(now time.Time, memory time.Duration) int {
	if now.Sub(s.at) > memory {
		return 0
	}
	return s.n
}
