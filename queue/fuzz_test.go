package queue_test

import (
	"testing"

	"fairlead.dev/queue"
)

// FuzzParseClass: what is accepted is a name of a class and comes back as itself.
func FuzzParseClass(f *testing.F) {
	for _, s := range []string{"", "critical", "normal", "batch", "Class(7)", "nørmal"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		c, err := queue.ParseClass(s)
		if err != nil && c != queue.Normal {
			t.Fatalf("%q: %v with an error", s, c)
		}
		if err == nil && s != "" && c.String() != s {
			t.Fatalf("%q became %v", s, c)
		}
	})
}

// FuzzBytes: never above the bound, never lost.
func FuzzBytes(f *testing.F) {
	f.Add(int64(100), int64(60), int64(60))
	f.Add(int64(0), int64(1)<<62, int64(1)<<62)
	f.Fuzz(func(t *testing.T, limit, one, two int64) {
		if limit < 0 {
			return
		}
		b := queue.NewBytes(limit)
		if limit == 0 {
			limit = 256 << 20
		}
		for _, n := range []int64{one, two} {
			before := b.Held()
			fits := n <= 0 || n <= limit-before
			if ok := b.Take(n); ok != fits || b.Held() > limit || b.Held() < before {
				t.Fatalf("Take(%d) = %v, held %d of %d", n, ok, b.Held(), limit)
			}
		}
	})
}
