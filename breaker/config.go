package breaker

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"time"
)

// Config says when a breaker opens and how it comes back. The zero value of
// every field is its default; a negative value switches a rule off where the
// field says so.
type Config struct {
	// Window is how far back results count, in ten slices that age out when
	// read. Default 30 s, at least 10 ms.
	Window time.Duration

	// MinAttempts is the number of attempts in the window below which no ratio
	// is judged. Default 10: the 100 of resilience4j and Polly never trips at
	// 60 requests a minute. The ramp, which sees few calls, judges at half.
	MinAttempts int

	// FailureRatio opens the breaker when this part of the window's attempts
	// failed. Default 0.5, at most 1, negative is off. The last two slices
	// alone suffice when they hold twice MinAttempts, so that a long healthy
	// past does not hide an outage: at ten calls a second and 60 % errors it
	// opens within 10 s, at 10 % it does not open.
	FailureRatio float64

	// Consecutive opens the breaker after so many failures with no success
	// between, from at least two calls: one bad prompt opens nothing. Default
	// 5, negative is off. It is the fast path of a total outage and of low
	// traffic. Where attempts fail anyway more are asked for, until the run
	// would come by chance once in 1e8: at 10 % errors and ten calls a second,
	// five in a row come every three hours. A run ends after ten windows
	// without a failure.
	Consecutive int

	// SlowRatio opens the breaker when this part of the window's attempts was
	// Slow. Default 0.8, at most 1, negative is off.
	SlowRatio float64

	// Open is the first open interval. Default 5 s. Intervals are jittered
	// downwards, x U(0.7, 1.0), and double with each opening until the breaker
	// has been closed for a whole Window.
	Open time.Duration

	// MaxOpen caps the interval, before the jitter, so that capped intervals
	// are neither longer nor synchronised. Default 2 m, or Open if that is
	// longer.
	MaxOpen time.Duration

	// Probes is how many probes may be out at once while half-open. Default 1,
	// at most 100.
	Probes int

	// Lease is how long a probe may take before it counts as failed. Default
	// 90 s: the first-token limit of 60 s and a margin.
	Lease time.Duration

	// Rand returns the jitter's numbers, in [0, 1). It is called under the
	// breaker's lock and must not call the breaker. Default math/rand/v2.
	Rand func() float64
}

const (
	shortest  = 10 * time.Millisecond // of a window
	maxProbes = 100                   // all are looked at for each admission while half-open
)

var defaults = Config{
	Window: 30 * time.Second, MinAttempts: 10, FailureRatio: 0.5, Consecutive: 5, SlowRatio: 0.8,
	Open: 5 * time.Second, MaxOpen: 2 * time.Minute, Probes: 1, Lease: 90 * time.Second, Rand: rand.Float64,
}

// Validate returns all faults of the configuration, each with the name of its
// field, or nil.
func (c Config) Validate() error {
	d := c.withDefaults()
	return errors.Join(
		fault(d.Window < shortest, "Window", c.Window, "at least 10ms"),
		fault(d.MinAttempts < 1, "MinAttempts", c.MinAttempts, "at least 1"),
		fault(!(d.FailureRatio <= 1), "FailureRatio", c.FailureRatio, "at most 1, or negative for off"),
		fault(!(d.SlowRatio <= 1), "SlowRatio", c.SlowRatio, "at most 1, or negative for off"),
		fault(d.Open < 0, "Open", c.Open, "positive"),
		fault(d.MaxOpen < max(0, d.Open), "MaxOpen", c.MaxOpen, "at least Open"),
		fault(d.Probes < 1 || d.Probes > maxProbes, "Probes", c.Probes, "1 to 100"),
		fault(d.Lease < 0, "Lease", c.Lease, "positive: a probe that never answers would block the breaker"),
	)
}

func fault(bad bool, field string, got any, want string) error {
	if !bad {
		return nil
	}
	return fmt.Errorf("breaker: %s is %v, must be %s", field, got, want)
}

// withDefaults fills in the fields that are zero.
func (c Config) withDefaults() Config {
	orElse(&c.Window, defaults.Window, c.Window == 0)
	orElse(&c.MinAttempts, defaults.MinAttempts, c.MinAttempts == 0)
	orElse(&c.FailureRatio, defaults.FailureRatio, c.FailureRatio == 0)
	orElse(&c.Consecutive, defaults.Consecutive, c.Consecutive == 0)
	orElse(&c.SlowRatio, defaults.SlowRatio, c.SlowRatio == 0)
	orElse(&c.Open, defaults.Open, c.Open == 0)
	orElse(&c.MaxOpen, max(defaults.MaxOpen, c.Open), c.MaxOpen == 0)
	orElse(&c.Probes, defaults.Probes, c.Probes == 0)
	orElse(&c.Lease, defaults.Lease, c.Lease == 0)
	orElse(&c.Rand, defaults.Rand, c.Rand == nil)
	return c
}

// complete also replaces what Validate refuses, so that no method has to
// expect it.
func (c Config) complete() Config {
	c = c.withDefaults()
	orElse(&c.Window, defaults.Window, c.Window < shortest)
	orElse(&c.MinAttempts, defaults.MinAttempts, c.MinAttempts < 1)
	orElse(&c.FailureRatio, defaults.FailureRatio, !(c.FailureRatio <= 1)) // NaN too
	orElse(&c.SlowRatio, defaults.SlowRatio, !(c.SlowRatio <= 1))
	orElse(&c.Open, defaults.Open, c.Open < 0)
	orElse(&c.MaxOpen, max(defaults.MaxOpen, c.Open), c.MaxOpen < c.Open)
	orElse(&c.Probes, defaults.Probes, c.Probes < 1 || c.Probes > maxProbes)
	orElse(&c.Lease, defaults.Lease, c.Lease < 0)
	return c
}

func orElse[T any](field *T, value T, unfit bool) {
	if unfit {
		*field = value
	}
}
