package breaker_test

import (
	"math"
	"strings"
	"testing"
	"time"

	"fairlead.dev/breaker"
)

func TestValidate(t *testing.T) {
	for _, c := range []struct {
		name string
		cfg  breaker.Config
		want []string // fields; none: fine
	}{
		{"zero", breaker.Config{}, nil},
		{"all off", breaker.Config{FailureRatio: -1, Consecutive: -1, SlowRatio: -1}, nil},
		{"ratios of one", breaker.Config{FailureRatio: 1, SlowRatio: 1}, nil},
		{"open beyond the default cap", breaker.Config{Open: time.Hour}, nil},
		{"open at its cap", breaker.Config{Open: time.Hour, MaxOpen: time.Hour}, nil},
		{"open beyond its cap", breaker.Config{Open: time.Hour, MaxOpen: time.Minute}, []string{"MaxOpen"}},
		{"the default beyond its cap", breaker.Config{MaxOpen: time.Second}, []string{"MaxOpen"}},
		{"short window", breaker.Config{Window: time.Millisecond}, []string{"Window"}},
		{"percent", breaker.Config{FailureRatio: 50, SlowRatio: 80}, []string{"FailureRatio", "SlowRatio"}},
		{"no number", breaker.Config{FailureRatio: math.NaN(), SlowRatio: math.NaN()}, []string{"FailureRatio", "SlowRatio"}},
		{"too many probes", breaker.Config{Probes: 101}, []string{"Probes"}},
		{"negative", breaker.Config{Window: -1, MinAttempts: -1, Open: -1, MaxOpen: -1, Probes: -1, Lease: -1},
			[]string{"Window", "MinAttempts", "Open", "MaxOpen", "Probes", "Lease"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			err := c.cfg.Validate()
			if err == nil {
				if len(c.want) > 0 {
					t.Errorf("accepted, want faults in %v", c.want)
				}
				return
			}
			lines := strings.Split(err.Error(), "\n")
			if len(lines) != len(c.want) {
				t.Fatalf("%d faults, want %v:\n%v", len(lines), c.want, err)
			}
			for i, field := range c.want {
				if !strings.HasPrefix(lines[i], "breaker: "+field+" is ") {
					t.Errorf("fault %q does not name %s", lines[i], field)
				}
			}
		})
	}
}

func TestNewReplacesWhatValidateRefuses(t *testing.T) {
	nan := math.NaN()
	b := breaker.New(breaker.Config{
		Window: -1, MinAttempts: -1, FailureRatio: nan, SlowRatio: nan, Open: -1, MaxOpen: -1, Probes: -1, Lease: -1, Rand: never,
	})
	same := breaker.New(plain())
	for i := range 300 {
		now := at(time.Duration(i) * time.Second)
		p, w, ok := b.Allow(now, breaker.Ask{Call: uint64(i)})
		q, v, same := same.Allow(now, breaker.Ask{Call: uint64(i)})
		if w != v || ok != same || p.Probe() != q.Probe() {
			t.Fatalf("at %d s: %v %v, the default %v %v", i, w, ok, v, same)
		}
		if i%100 > 10 {
			p.Done(breaker.Failure, now)
			q.Done(breaker.Failure, now)
		}
	}
	if x, y := b.Snapshot(at(300*time.Second)), same.Snapshot(at(300*time.Second)); x != y {
		t.Errorf("ends as\n%+v\nthe default as\n%+v", x, y)
	}
}
