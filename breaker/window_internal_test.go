package breaker

import (
	"math"
	"testing"
	"time"
)

// The counters are unexported because only two billion attempts would show
// their end.

func TestASliceStopsAsAWhole(t *testing.T) {
	w := window{slice: time.Second}
	now := time.Unix(1, 0)
	w.record(Success, now)
	w.ring[w.at] = tally{attempts: full - 1, failures: full/2 - 1, slow: 7}
	w.record(Failure, now)
	for range 1000 {
		w.record(Failure, now)
		w.record(Slow, now)
	}
	if got, want := w.ring[w.at], (tally{full, full / 2, 7}); got != want {
		t.Errorf("a full slice counts %+v, want %+v", got, want)
	}
	if w.total(slices).reaches(Failure, 0.51, 10) {
		t.Error("a counter ran on alone and moved the ratio")
	}
	w.record(Success, now.Add(time.Second))
	if w.ring[w.at].attempts != 1 {
		t.Error("the next slice does not count")
	}
}

func TestAFullWindowFitsASmallInt(t *testing.T) {
	var w window
	for i := range w.ring {
		w.ring[i] = tally{full, full, full}
	}
	if n := w.total(slices).attempts; n > math.MaxInt32 {
		t.Errorf("%d attempts", n)
	}
}

func TestARunStopsCounting(t *testing.T) {
	s := streak{n: math.MaxInt32, at: time.Unix(1, 0)}
	s.fail(1, time.Unix(2, 0), time.Hour)
	if s.n != math.MaxInt32 {
		t.Errorf("counts %d", s.n)
	}
}

func TestManyOpeningsStayAtTheCap(t *testing.T) {
	b := New(Config{Open: 1, MaxOpen: math.MaxInt64, Rand: func() float64 { return 0.999 }})
	b.openings = 63
	if d := b.nextInterval(time.Unix(1, 0)); d <= 0 {
		t.Errorf("interval %v", d)
	}
}
