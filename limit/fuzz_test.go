package limit_test

import (
	"testing"
	"time"

	"fairlead.dev/limit"
)

// FuzzReserve: whatever the numbers and clocks, a refusal names a wait, and that wait is long enough
// where nobody else takes.
func FuzzReserve(f *testing.F) {
	f.Add(60, 1, int64(0), 10)
	f.Add(1, 1<<62, int64(-5), -1)
	f.Add(-1, -1, int64(1)<<62, 1<<62)
	f.Fuzz(func(t *testing.T, perMinute, need int, gap int64, used int) {
		l := limit.Limits{RPM: perMinute, ITPM: perMinute}
		if l.Validate() != nil {
			return
		}
		p := limit.NewPool(l)
		n := limit.Need{Requests: 1, Input: need}
		r, wait, ok := p.Reserve(n, 0, start)
		if !ok || wait != 0 {
			t.Fatalf("a fresh pool refused %+v: %v", n, wait)
		}
		now := start.Add(time.Duration(gap))
		r.Settle(limit.Need{Input: used}, now)
		_, wait, ok = p.Reserve(n, 0, now)
		if ok != (wait == 0) || wait < 0 {
			t.Fatalf("wait %v, ok %v", wait, ok)
		}
		if late := now.Add(wait); !ok && late.After(start) && wait < 24*time.Hour {
			if _, more, ok := p.Reserve(n, 0, late); !ok && more > time.Microsecond && gap >= 0 {
				t.Fatalf("after %v another %v", wait, more)
			}
		}
		if s := p.Snapshot(now); s.Left.Requests > s.Burst.Requests || s.Left.Input > s.Burst.Input {
			t.Fatalf("%+v", s)
		}
	})
}

func FuzzCause(f *testing.F) {
	f.Add([]byte("rate_limited"))
	f.Add([]byte(""))
	f.Fuzz(func(t *testing.T, text []byte) {
		var c limit.Cause
		if err := c.UnmarshalText(text); err == nil && c.String() != string(text) {
			t.Fatalf("%q became %v", text, c)
		}
	})
}
