package fakellm

import (
	"fmt"
	"math"
	"net/http"
	"strconv"
	"strings"
	"time"
)

// Limit is a rate limit as providers apply it: token buckets that refill all
// the time, not windows. Every key that matches has buckets of its own. Zero
// switches one off.
type Limit struct {
	Key   string `json:"key"`   // pattern for the key's name in the log; "": every key
	Model string `json:"model"` // pattern for the model; "": all models share the buckets
	RPM   int    `json:"rpm"`   // requests per minute
	ITPM  int    `json:"itpm"`  // input tokens per minute, estimated as body bytes / 4
	OTPM  int    `json:"otpm"`  // output tokens per minute, charged as they are sent
	Burst int    `json:"burst"` // requests that may come at once; 0: a minute's worth
}

func (l *Limit) faults(f *faultList, at string) {
	f.check(l.RPM >= 0, at+".rpm", negative)
	f.check(l.ITPM >= 0, at+".itpm", negative)
	f.check(l.OTPM >= 0, at+".otpm", negative)
	f.check(l.Burst >= 0, at+".burst", negative)
}

// bucket is a token bucket. Its level may fall below zero: output is charged
// after the fact.
type bucket struct {
	limit int     // per minute; 0: off
	size  float64 // level when full
	level float64
	at    time.Time // when level was right
}

func newBucket(perMinute, size int, now time.Time) bucket {
	if size == 0 {
		size = perMinute
	}
	return bucket{limit: perMinute, size: float64(size), level: float64(size), at: now}
}

func (b *bucket) rate() float64 { return float64(b.limit) / float64(time.Minute) }

func (b *bucket) refill(now time.Time) {
	b.level = min(b.size, b.level+float64(now.Sub(b.at))*b.rate())
	b.at = now
}

// wait is how long until the level reaches need: 0 if it does now. A need
// above the bucket's size never fits; the wait is then until it is full, and
// at least a nanosecond.
func (b *bucket) wait(need float64) time.Duration {
	// The tolerance forgives what floating point loses over many refills.
	if b.limit == 0 || b.level+1e-6 >= need {
		return 0
	}
	return max(1, time.Duration(math.Ceil((min(need, b.size)-b.level)/b.rate())))
}

// level is a bucket's state as the response headers tell it.
type level struct {
	limit, remaining int
	reset            time.Duration // until the bucket is full
	short            time.Duration // until the refused request fits; 0: it does
	need             int
}

// levels are the states of a pool's buckets; nil means no limits apply.
type levels map[string]level

// slowest is the bucket that a refused request waits for longest.
func (l levels) slowest() (name string, v level) {
	for _, n := range []string{"requests", "input-tokens", "output-tokens"} {
		if l[n].short > v.short {
			name, v = n, l[n]
		}
	}
	return name, v
}

// pool is the buckets of one key under one limit.
type pool struct{ requests, input, output bucket }

func newPool(l Limit, now time.Time) *pool {
	return &pool{newBucket(l.RPM, l.Burst, now), newBucket(l.ITPM, 0, now), newBucket(l.OTPM, 0, now)}
}

// admit charges a request, or says how long until it fits. It charges all
// buckets or none. Output needs only a level above zero.
func (p *pool) admit(input int, now time.Time) (levels, time.Duration) {
	out := levels{}
	wait := time.Duration(0)
	needs := map[string]int{"requests": 1, "input-tokens": input, "output-tokens": 1}
	for name, b := range p.buckets() {
		if b.limit == 0 {
			continue
		}
		b.refill(now)
		short := b.wait(float64(needs[name]))
		wait = max(wait, short)
		out[name] = level{limit: b.limit, short: short, need: needs[name]}
	}
	if wait == 0 {
		p.requests.level--
		p.input.level -= float64(input)
	}
	for name, b := range p.buckets() {
		if l, on := out[name]; on {
			l.remaining, l.reset = max(0, int(b.level+1e-6)), b.wait(b.size)
			out[name] = l
		}
	}
	return out, wait
}

func (p *pool) buckets() map[string]*bucket {
	return map[string]*bucket{"requests": &p.requests, "input-tokens": &p.input, "output-tokens": &p.output}
}

// spend charges output tokens that were sent.
func (p *pool) spend(tokens int, now time.Time) {
	p.output.refill(now)
	p.output.level -= float64(tokens)
}

// seconds rounds a wait up to what Retry-After can say.
func seconds(d time.Duration) string { return strconv.Itoa(int((d + time.Second - 1) / time.Second)) }

// limitHeaders: resets are whole seconds in RFC 3339, and large token counts
// are rounded to thousands, as the rate limits page says.
func (anthropicWire) limitHeaders(h http.Header, l levels, now time.Time) {
	for name, v := range l {
		remaining := v.remaining
		if name != "requests" && v.limit >= 10_000 {
			remaining = (remaining + 500) / 1000 * 1000
		}
		h.Set("anthropic-ratelimit-"+name+"-limit", strconv.Itoa(v.limit))
		h.Set("anthropic-ratelimit-"+name+"-remaining", strconv.Itoa(remaining))
		full := now.Add(v.reset + time.Second - 1).Truncate(time.Second)
		h.Set("anthropic-ratelimit-"+name+"-reset", full.UTC().Format(time.RFC3339))
	}
}

func (anthropicWire) limited(f failure, l levels, _ string) failure {
	name, v := l.slowest()
	f.message = fmt.Sprintf("This request would exceed your organization's rate limit of %d %s per minute. "+
		"Please reduce the prompt length or the maximum tokens requested, or try again later.", v.limit, strings.ReplaceAll(name, "-", " "))
	return f
}

// limitHeaders: resets are Go-style durations. OpenAI has one token bucket; we
// show the input's there, or the output's if only that is limited.
func (openaiWire) limitHeaders(h http.Header, l levels, _ time.Time) {
	set := func(name string, v level) {
		h.Set("x-ratelimit-limit-"+name, strconv.Itoa(v.limit))
		h.Set("x-ratelimit-remaining-"+name, strconv.Itoa(v.remaining))
		h.Set("x-ratelimit-reset-"+name, v.reset.Round(time.Millisecond).String())
	}
	for _, name := range []string{"output-tokens", "input-tokens"} {
		if v, on := l[name]; on {
			set("tokens", v)
		}
	}
	if v, on := l["requests"]; on {
		set("requests", v)
	}
}

func (openaiWire) limited(f failure, l levels, model string) failure {
	name, v := l.slowest()
	unit, short := "tokens", "TPM"
	if name == "requests" {
		unit, short = "requests", "RPM"
	}
	f.typ = unit
	f.message = fmt.Sprintf("Rate limit reached for %s on %s per min (%s): Limit %d, Used %d, Requested %d. Please try again in %s.",
		model, unit, short, v.limit, max(0, v.limit-v.remaining), v.need, v.short.Round(time.Millisecond))
	return f
}
