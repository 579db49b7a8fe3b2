package limit_test

import (
	"testing"

	"fairlead.dev/limit"
)

func TestEstimate(t *testing.T) {
	e := &limit.Estimate{}
	if in, out, capped := e.Input(500), e.Output(0), e.Output(64); in != 500 || out != 1000 || capped != 64 {
		t.Errorf("guesses %d, %d, %d", in, out, capped)
	}
	for range 100 {
		e.Learn(1000, 1500, 200)
		e.Learn(1000, 1500, 400)
	}
	if in := e.Input(500); in != 750 {
		t.Errorf("input %d of a prompt that is denser by half", in)
	}
	if out := e.Output(0); out < 320 || out > 390 {
		t.Errorf("output %d of answers of 200 and 400", out)
	}
	e.Learn(1000, 0, 0) // nothing was told
	e.Learn(0, 10, 0)
	if in := e.Input(500); in != 750 {
		t.Errorf("input %d after news that say nothing", in)
	}
	for range 100 {
		e.Learn(1, 1_000_000, 1)
	}
	if in, out := e.Input(10), e.Output(0); in > 101 || out > 2 {
		t.Errorf("input %d, output %d", in, out)
	}
}
