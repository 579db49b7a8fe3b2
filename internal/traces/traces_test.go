package traces_test

import (
	"testing"

	"fairlead.dev/internal/traces"
)

func TestTraces(t *testing.T) {
	for _, name := range traces.Names {
		list := traces.Read(name)
		if len(list) != 3000 || list[0].At != 0 {
			t.Errorf("%s: %d arrivals, the first at %v", name, len(list), list[0].At)
		}
		for i, a := range list {
			if a.Input <= 0 || a.Output <= 0 || i > 0 && a.At < list[i-1].At {
				t.Fatalf("%s: arrival %d: %+v", name, i, a)
			}
		}
	}
}
