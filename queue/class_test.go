package queue_test

import (
	"encoding/json"
	"testing"

	"fairlead.dev/queue"
)

func TestClassText(t *testing.T) {
	all := []queue.Class{queue.Critical, queue.High, queue.Normal, queue.Low, queue.Batch}
	text, err := json.Marshal(all)
	if want := `["critical","high","normal","low","batch"]`; err != nil || string(text) != want {
		t.Errorf("%s, %v", text, err)
	}
	var back []queue.Class
	if err := json.Unmarshal([]byte(`["critical","high","","low","batch"]`), &back); err != nil {
		t.Fatal(err)
	}
	for i, c := range all {
		if back[i] != c {
			t.Errorf("%v came back as %v", c, back[i])
		}
		if i > 0 && c >= all[i-1] {
			t.Errorf("%v is not below %v", c, all[i-1])
		}
	}
	var zero queue.Class
	if zero != queue.Normal || zero.String() != "normal" {
		t.Errorf("the zero class is %v", zero)
	}
}

func TestClassUnknown(t *testing.T) {
	c := queue.High
	for _, name := range []string{"urgent", "Critical", " high", "2"} {
		if err := c.UnmarshalText([]byte(name)); err == nil || c != queue.High {
			t.Errorf("%q: %v, %v", name, c, err)
		}
	}
	if got := queue.Class(7).String() + queue.Class(-7).String(); got != "Class(7)Class(-7)" {
		t.Error(got)
	}
	// Numbers beyond the classes count as the nearest.
	if l := (queue.Load{}); l.Class(queue.Class(100)) != 0 || l.Class(queue.Class(-100)) != 0 {
		t.Error("out of range")
	}
}

func TestByClass(t *testing.T) {
	counts := queue.ByClass{1, 2, 3, 4, 5}
	text, err := json.Marshal(counts)
	if want := `{"critical":1,"high":2,"normal":3,"low":4,"batch":5}`; err != nil || string(text) != want {
		t.Errorf("%s, %v", text, err)
	}
	var back queue.ByClass
	if err := json.Unmarshal(text, &back); err != nil || back != counts || back.Of(queue.Low) != 4 {
		t.Errorf("%v, %v", back, err)
	}
	if err := json.Unmarshal([]byte(`[1]`), &back); err == nil {
		t.Error("a list was taken")
	}
}
