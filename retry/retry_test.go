package retry_test

import (
	"math"
	"math/rand/v2"
	"strings"
	"testing"
	"time"

	"fairlead.dev/retry"
)

func TestDefaults(t *testing.T) {
	std := retry.Policy{Attempts: 2, MaxAttempts: 5, Base: 500 * time.Millisecond, Max: 8 * time.Second,
		Patience: 5 * time.Second, Budget: 0.2}
	with := func(change func(*retry.Policy)) retry.Policy { p := std; change(&p); return p }
	off := retry.Policy{Attempts: -1, MaxAttempts: -1, Base: -1, Max: -1, Patience: -1, Budget: -1}
	tests := []struct {
		name     string
		in, want retry.Policy
	}{
		{"zero", retry.Policy{}, std},
		{"off stays off", off, off},
		{"fewer attempts in all", retry.Policy{MaxAttempts: 1}, with(func(p *retry.Policy) { p.MaxAttempts, p.Attempts = 1, 1 })},
		{"more attempts each", retry.Policy{Attempts: 7}, with(func(p *retry.Policy) { p.Attempts, p.MaxAttempts = 7, 7 })},
		{"no cap in all", retry.Policy{MaxAttempts: -1}, with(func(p *retry.Policy) { p.MaxAttempts = -1 })},
		{"low cap", retry.Policy{Max: 450 * time.Millisecond}, with(func(p *retry.Policy) {
			p.Base, p.Max = 450*time.Millisecond, 450*time.Millisecond
		})},
		{"long base", retry.Policy{Base: time.Minute}, with(func(p *retry.Policy) { p.Base, p.Max = time.Minute, time.Minute })},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			got := tt.in.Defaults()
			if got != tt.want {
				t.Errorf("Defaults() = %+v, want %+v", got, tt.want)
			}
			if again := got.Defaults(); again != got {
				t.Errorf("twice: %+v, once: %+v", again, got)
			}
			if err := tt.in.Validate(); err != nil {
				t.Errorf("Validate() = %v", err)
			}
		})
	}
}

func TestValidateNamesEveryFault(t *testing.T) {
	err := retry.Policy{Attempts: 9, MaxAttempts: 3, Patience: 1000 * time.Hour, Budget: 1.5}.Validate()
	if err == nil {
		t.Fatal("accepted")
	}
	for _, want := range []string{"Attempts: 9", "Patience: 1000h", "Budget: 1.5"} {
		if !strings.Contains(err.Error(), "retry: "+want) {
			t.Errorf("no fault %q in:\n%v", want, err)
		}
	}
	for _, p := range []retry.Policy{
		{Budget: math.NaN()}, {Budget: math.Inf(1)}, {Base: time.Minute, Max: time.Second}, {Max: 1000 * time.Hour},
	} {
		if p.Validate() == nil {
			t.Errorf("%+v accepted", p)
		}
	}
}

// R2: the upstream sees at most the configured number of attempts, whatever the plan does.
func TestR2AttemptsAreCapped(t *testing.T) {
	for _, p := range []retry.Policy{{}, {Attempts: -1}, {Attempts: 4, MaxAttempts: 7}, {MaxAttempts: 1}} {
		d, total := p.Defaults(), 0
		for range 10 { // targets
			here := 0
			for ok := total < d.MaxAttempts; ok; ok = p.Again(here, total) {
				here, total = here+1, total+1
			}
			if here > max(d.Attempts, 1) {
				t.Errorf("%+v: %d attempts at one target", p, here)
			}
		}
		if total != d.MaxAttempts {
			t.Errorf("%+v: %d attempts, want %d", p, total, d.MaxAttempts)
		}
	}
	if !(retry.Policy{Attempts: 100, MaxAttempts: -1}).Again(99, 1000) {
		t.Error("MaxAttempts off still caps")
	}
}

// R3: over 10,000 draws the coefficient of variation is at least 0.25 at every n, also at the cap.
func TestR3BackoffStaysSpread(t *testing.T) {
	rnd := rand.New(rand.NewPCG(1, 2))
	for name, p := range map[string]retry.Policy{
		"default": {}, "tiny": {Base: 1, Max: 1}, "no growth": {Base: -1}, "no cap": {Max: -1},
		"least": {Base: 400 * time.Millisecond, Max: 400 * time.Millisecond},
	} {
		for n := 1; n <= 12; n++ {
			var sum, squares float64
			const draws = 10_000
			for range draws {
				w := p.Backoff(n, rnd.Float64()).Seconds()
				sum, squares = sum+w, squares+w*w
			}
			mean := sum / draws
			if cv := math.Sqrt(max(0, squares/draws-mean*mean)) / mean; cv < 0.25 {
				t.Errorf("%s, retry %d: sd/mean = %.3f", name, n, cv)
			}
		}
	}
}

func TestBackoffBounds(t *testing.T) {
	edge := math.Nextafter(1, 0)
	tests := []struct {
		p    retry.Policy
		n    int
		rnd  float64
		want time.Duration
	}{
		{retry.Policy{}, 1, 0, retry.MinWait},
		{retry.Policy{}, 1, 0.5, 250 * time.Millisecond},
		{retry.Policy{}, 2, 0.5, 500 * time.Millisecond},
		{retry.Policy{}, 4, 0.5, 2 * time.Second},
		{retry.Policy{}, 5, 0.5, 4 * time.Second},
		{retry.Policy{}, 6, 0.5, 4 * time.Second},
		{retry.Policy{}, math.MaxInt, 0.5, 4 * time.Second},
		{retry.Policy{}, 0, 0.5, 250 * time.Millisecond},
		{retry.Policy{}, -7, 0.5, 250 * time.Millisecond},
		{retry.Policy{}, 3, math.NaN(), retry.MinWait},
		{retry.Policy{}, 3, -1, retry.MinWait},
		{retry.Policy{Base: -1}, 9, 0.75, 300 * time.Millisecond},
		{retry.Policy{Max: -1}, 7, 0.5, 16 * time.Second},
		{retry.Policy{Max: -1}, math.MaxInt, 0.5, retry.MaxHint / 2},
	}
	for _, tt := range tests {
		if got := tt.p.Backoff(tt.n, tt.rnd); got != tt.want {
			t.Errorf("%+v.Backoff(%d, %v) = %v, want %v", tt.p, tt.n, tt.rnd, got, tt.want)
		}
	}
	for n := range 20 {
		if w := (retry.Policy{}).Backoff(n, edge); w > 8*time.Second {
			t.Errorf("retry %d: %v is over the cap", n, w)
		}
	}
	if w := (retry.Policy{}).Backoff(9, 17); w > 8*time.Second {
		t.Errorf("rnd out of range: %v", w)
	}
}

// R5: clients with the same hint spread over at least 10% of it, and none is early.
func TestR5HintsAreSpreadAndNeverEarly(t *testing.T) {
	rnd := rand.New(rand.NewPCG(3, 4))
	for _, hint := range []time.Duration{
		time.Nanosecond, 9 * time.Millisecond, 250 * time.Millisecond, 2 * time.Second, time.Minute, time.Hour, retry.MaxHint,
	} {
		first, last := time.Duration(math.MaxInt64), time.Duration(0)
		for range 1000 {
			w := (retry.Policy{}).Wait(1, hint, rnd.Float64())
			first, last = min(first, w), max(last, w)
		}
		floor := max(hint, retry.MinWait)
		if first < floor {
			t.Errorf("hint %v: a client waits only %v", hint, first)
		}
		spread := max(50*time.Millisecond, floor/10)
		if got := last - first; got < spread*98/100 || got > spread {
			t.Errorf("hint %v: spread over %v, want about %v", hint, got, spread)
		}
	}
	for _, hint := range []time.Duration{math.MaxInt64, math.MaxInt64 - 1} {
		if w := (retry.Policy{}).AfterHint(hint, 0.99); w < hint {
			t.Errorf("hint %v: overflow to %v", hint, w)
		}
	}
	if got, want := (retry.Policy{}).Wait(2, 0, 0.5), (retry.Policy{}).Backoff(2, 0.5); got != want {
		t.Errorf("no hint: Wait = %v, want the backoff %v", got, want)
	}
}

// R6: no wait starts that cannot end in time to be useful.
func TestR6Fits(t *testing.T) {
	const s = time.Second
	tests := []struct {
		wait, left, useful time.Duration
		want               bool
	}{
		{5 * s, 10 * s, 2 * s, true},
		{5 * s, 7 * s, 2 * s, true},
		{5 * s, 7*s - 1, 2 * s, false},
		{0, 0, 0, false},
		{0, -s, 0, false},
		{0, s, s, true},
		{-s, s, s, true},
		{s, s, -s, true},
		{math.MaxInt64, math.MaxInt64, 0, true},
		{math.MaxInt64, math.MaxInt64, 1, false},
		{math.MaxInt64, s, math.MaxInt64, false},
		{s, s, math.MinInt64, true},
	}
	for _, tt := range tests {
		if got := retry.Fits(tt.wait, tt.left, tt.useful); got != tt.want {
			t.Errorf("Fits(%v, %v, %v) = %v", tt.wait, tt.left, tt.useful, got)
		}
	}
}

// R10: a target is waited for only up to the price of staying with it.
func TestR10Patience(t *testing.T) {
	tests := []struct {
		patience, wait time.Duration
		want           bool
	}{
		{0, 5 * time.Second, true},
		{0, 5*time.Second + 1, false},
		{time.Minute, 59 * time.Second, true},
		{-1, 0, false},
		{-1, time.Nanosecond, false},
	}
	for _, tt := range tests {
		if got := (retry.Policy{Patience: tt.patience}).Patient(tt.wait); got != tt.want {
			t.Errorf("Patience %v: Patient(%v) = %v", tt.patience, tt.wait, got)
		}
	}
}
