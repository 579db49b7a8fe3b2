package limit

import "time"

// cruise finds the rate of a provider that tells no limits, from its 429s alone.
//
// A 429 says that the provider's bucket is empty. What it took between two such moments is what flowed in:
// the limit itself. So after a 429 requests go at nine tenths of that rate, which fills the bucket a
// little, and then ever faster along a cubic (as CUBIC and the AWS SDKs' adaptive mode do): at the found
// rate after 20 s, and above it until the next 429.
//
//	rate / found
//	1.1 │                        ╱ 429
//	1.0 │        ________-------╱
//	0.9 │   ╱‾‾‾‾
//	    └────────────────────────────
//	    429          20 s      40 s
type cruise struct {
	on    bool
	found float64   // requests a second
	since time.Time // the last 429, or the first request
	count int       // taken by the provider since, as far as we know
	level float64   // of a bucket of one second's requests
	at    time.Time
}

const (
	cut        = 0.9
	growth     = 20 * time.Second // until the rate is the found one again
	maxGrowth  = 2                // times the found rate, which then is found anew
	minFound   = 0.2              // requests a second
	fewest     = 5                // requests that tell a rate
	loseAtMost = 0.7              // of the found rate, in one cut: there may have been little to do
	oneCut     = time.Second      // 429s within this of another one tell nothing new
	mostFound  = Most / 60        // requests a second that are no limit any more
)

// admitted notes a request that goes.
func (c *cruise) admitted(now time.Time) {
	if c.since.IsZero() {
		c.since = now
	}
	c.count++
	if c.on {
		c.level--
	}
}

// cancelled notes that one did not go after all, or was refused.
func (c *cruise) cancelled() { c.count-- }

// throttled notes a 429. known: limits are, so there is nothing to find.
func (c *cruise) throttled(now time.Time, known bool) {
	c.count--
	switch {
	case known:
		*c = cruise{}
		return
	case now.Sub(c.since) < oneCut:
		return
	}
	switch {
	case c.count >= fewest:
		found := float64(c.count) / now.Sub(c.since).Seconds()
		c.found = max(found, loseAtMost*c.found, minFound)
	case c.on:
		c.found = max(loseAtMost*c.found, minFound)
	default:
		c.since, c.count = now, 0
		return
	}
	c.on, c.since, c.count = true, now, 0
	c.level, c.at = min(c.level, 0), now
}

// now is the rate at a moment, in requests a second; 0: not known. What has grown to be no limit is forgotten.
func (c *cruise) now(now time.Time) float64 {
	if !c.on {
		return 0
	}
	x := float64(now.Sub(c.since)-growth) / float64(growth)
	rate := c.found * (1 + (1-cut)*x*x*x)
	if rate < maxGrowth*c.found {
		return rate
	}
	if c.found *= maxGrowth; c.found > mostFound {
		*c = cruise{}
		return 0
	}
	c.since, c.count = now.Add(-growth), 0
	return c.found
}

// wait is how long until the next request may go.
func (c *cruise) wait(now time.Time) time.Duration {
	rate := c.now(now)
	if rate == 0 {
		return 0
	}
	if d := now.Sub(c.at); d > 0 {
		c.level = min(c.level+d.Seconds()*rate, max(rate, 1))
		c.at = now
	}
	if c.level >= 1-slack {
		return 0
	}
	return max(time.Duration((1-c.level)/rate*float64(time.Second)), time.Millisecond)
}
