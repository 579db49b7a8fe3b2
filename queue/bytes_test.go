package queue_test

import (
	"math"
	"sync"
	"testing"

	"fairlead.dev/queue"
)

func TestBytes(t *testing.T) {
	b := queue.NewBytes(100)
	steps := []struct {
		take int64
		ok   bool
		held int64
	}{{60, true, 60}, {41, false, 60}, {40, true, 100}, {1, false, 100}, {0, true, 100}, {-5, true, 100}, {math.MaxInt64, false, 100}}
	for _, s := range steps {
		if ok := b.Take(s.take); ok != s.ok || b.Held() != s.held {
			t.Errorf("Take(%d) = %v, held %d, want %v, %d", s.take, ok, b.Held(), s.ok, s.held)
		}
	}
	b.Give(60)
	b.Give(-60)
	if b.Held() != 40 || !b.Take(60) {
		t.Errorf("held %d after giving back", b.Held())
	}
	b.Resize(50)
	b.Give(60)
	if b.Take(11) || !b.Take(10) {
		t.Errorf("held %d after Resize", b.Held())
	}
}

func TestBytesDefaultAndOff(t *testing.T) {
	b := queue.NewBytes(0)
	if b.Take(256<<20+1) || !b.Take(256<<20) || b.Take(1) {
		t.Error("the default is not 256 MiB")
	}
	b = queue.NewBytes(-1)
	for range 3 {
		if !b.Take(1 << 60) {
			t.Error("off still bounds")
		}
	}
}

func TestBytesRace(t *testing.T) {
	b := queue.NewBytes(1000)
	var wg sync.WaitGroup
	for range 8 {
		wg.Go(func() {
			for i := range int64(5000) {
				if n := 1 + i%400; b.Take(n) {
					if held := b.Held(); held > 1000 || held < n {
						t.Errorf("held %d", held)
					}
					b.Give(n)
				}
			}
		})
	}
	wg.Wait()
	if b.Held() != 0 {
		t.Errorf("held %d at the end", b.Held())
	}
}
