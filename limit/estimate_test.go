package limit_test

import (
	"testing"

	"fairlead.dev/limit"
)

func TestEstimate(t *testing.T) {
	e := &limit.Estimate{}
	if open, capped := e.Need(500, 0), e.Need(500, 64); open != (limit.Need{Requests: 1, Input: 500, Output: 1000}) || capped.Output != 64 {
		t.Errorf("guesses %+v, %+v", open, capped)
	}
	for range 100 {
		e.Learn(1000, 1500, 200)
		e.Learn(1000, 1500, 400)
	}
	if n := e.Need(500, 0); n.Input != 750 || n.Output < 320 || n.Output > 390 {
		t.Errorf("%+v for a prompt that is denser by half, and answers of 200 and 400", n)
	}
	e.Learn(1000, 0, 0) // nothing was told
	e.Learn(0, 10, 0)
	if n := e.Need(500, 0); n.Input != 750 {
		t.Errorf("%+v after news that say nothing", n)
	}
	for range 100 {
		e.Learn(1, 1_000_000, 1)
	}
	if n := e.Need(10, 0); n.Input > 101 || n.Output > 2 {
		t.Errorf("%+v", n)
	}
}
