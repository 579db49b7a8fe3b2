package retry_test

import (
	"math"
	"net/http"
	"strconv"
	"strings"
	"testing"
	"time"

	"fairlead.dev/retry"
)

// longestHint is how many bytes of a value are read: 64 digits, most of them zeros, are garbage.
const longestHint = 64

// checkHint is what holds for every parser and every input.
func checkHint(t *testing.T, d time.Duration, ok bool) {
	t.Helper()
	if ok != (d > 0) || d < 0 || d > retry.MaxHint {
		t.Fatalf("hint %v, %v", d, ok)
	}
	if w := (retry.Policy{}).Wait(1, d, 0); w < d || w < retry.MinWait {
		t.Fatalf("hint %v, wait %v", d, w)
	}
}

// FuzzR4HeaderHint compares with an independent reading of plain seconds: never earlier than any valid one.
func FuzzR4HeaderHint(f *testing.F) {
	for _, s := range []string{"", "30", "1.5", "-5", "NaN", "1e300", "Sat, 01 Jan 2000 00:01:30 GMT", "Saturday, 01-Jan-00 00:01:30 GMT",
		"Sat Jan  1 00:01:30 2000", "5, 20", "9223372036", "0.0000000001", "604800.9",
		strings.Repeat("0", 64) + "1"} {
		f.Add(s, "250", "7")
	}
	f.Fuzz(func(t *testing.T, one, ms, two string) {
		d, ok := retry.HeaderHint(http.Header{"Retry-After": {one, two}}, start)
		checkHint(t, d, ok)
		for _, v := range []string{one, two} {
			if n, err := strconv.ParseUint(v, 10, 32); err == nil && n <= 604800 && len(v) <= longestHint && d < time.Duration(n)*time.Second {
				t.Fatalf("%q, %q: %v is early", one, two, d)
			}
			if at, err := http.ParseTime(v); err == nil {
				if want := at.Sub(start); want > 0 && want <= retry.MaxHint && d < want {
					t.Fatalf("%q, %q: %v is before the date", one, two, d)
				}
			}
		}
		m, ok := retry.HeaderHint(http.Header{"Retry-After": {one}, "Retry-After-Ms": {ms}, "X-Ms-Retry-After-Ms": {two}}, start)
		checkHint(t, m, ok)
		if n, err := strconv.ParseUint(ms, 10, 32); err == nil && n <= 604800000 && len(ms) <= longestHint && m < time.Duration(n)*time.Millisecond {
			t.Fatalf("%q: %v is early", ms, m)
		}
	})
}

// FuzzR4ResetHint runs over any now, since the reading of large numbers depends on it.
func FuzzR4ResetHint(f *testing.F) {
	for _, s := range []string{"6m0s", "12ms", "37", "0", "-1", "2000-01-01T00:01:00Z", "946684860", "946684860000", "45.837906927s",
		"9223372036854775807", "1e300", "NaN", "00000000000000000000000000000000000001s"} {
		f.Add(s, int64(946684800))
		f.Add(s, int64(math.MinInt64))
	}
	f.Fuzz(func(t *testing.T, s string, unix int64) {
		now := time.Unix(unix, 0)
		d, ok := retry.ResetHint(s, now)
		checkHint(t, d, ok)
		if want, err := time.ParseDuration(s); err == nil && want > 0 && want <= retry.MaxHint && len(s) <= longestHint && d != want {
			t.Fatalf("%q: %v, want %v", s, d, want)
		}
	})
}

func FuzzR4TextHint(f *testing.F) {
	for _, s := range []string{"Please try again in 41.724s.", "Please try again in 1m9.696s", "Please retry after 37 seconds", "retry in 10h17m",
		"reset after 2m 13s", "retry in 9999999999999h", "retry in 1s1s1s", "retry in retry in 5s"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		d, ok := retry.TextHint(s)
		checkHint(t, d, ok)
		if ok && !strings.Contains(s, " in ") && !strings.Contains(s, " after ") {
			t.Fatalf("%q: %v from no phrase", s, d)
		}
		if longer, _ := retry.TextHint(s + " Please retry in 46s"); longer < d || longer < 46*time.Second {
			t.Fatalf("%q: %v, with 46s more at its end %v", s, d, longer)
		}
	})
}

func FuzzWaits(f *testing.F) {
	f.Add(1, int64(0), 0.5, int64(0), int64(0))
	f.Add(99, int64(math.MaxInt64), 1.0, int64(-1), int64(-1))
	f.Fuzz(func(t *testing.T, n int, hint int64, rnd float64, first, limit int64) {
		p := retry.Policy{Base: time.Duration(first), Max: time.Duration(limit)}
		if p.Validate() != nil {
			return
		}
		w := p.Wait(n, time.Duration(hint), rnd)
		if w < retry.MinWait || w < time.Duration(hint) {
			t.Fatalf("wait %v for hint %v", w, time.Duration(hint))
		}
		if most := max(p.Defaults().Max, 2*retry.MinWait); hint <= 0 && p.Max >= 0 && w > most {
			t.Fatalf("backoff %v over %v", w, most)
		}
	})
}
