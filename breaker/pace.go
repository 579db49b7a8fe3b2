package breaker

import (
	"sync"
	"time"
)

const (
	alwaysFine = 10 * time.Second // a first token within this is never slow
	muchSlower = 3                // times the usual is slow

	firstFew = 5         // answers before anything can be slow
	learning = 20        // answers until the estimate runs: the second largest of twenty is their p95
	longest  = time.Hour // what is waited for longer counts as this
	quickest = time.Millisecond

	gain = 0.1  // the estimate's step: wobbles by a tenth, halves in about 140 answers
	damp = 10.0 // slow answers move it so many times less
)

// Pace knows the usual time to first token of one target and says when an
// answer was much slower: more than 3 times the running 95th percentile, and
// more than 10 s. What is slow for one model is usual for another that thinks
// first, so there is no fixed limit to configure.
//
// The zero value is ready. The methods may be called concurrently and do not
// allocate. A Pace must not be copied after its first use.
type Pace struct {
	mu    sync.Mutex    // guards all below
	seen  int           // answers, up to learning
	top   time.Duration // the longest of them
	usual time.Duration // the second longest while learning, then the estimate of the 95th percentile
}

// Slow takes in the time to first token of a good answer and reports whether
// it was slow. The first five answers never are: nothing is known to compare
// them with. A time of 0 or less is not an answer and counts for nothing.
//
// The estimate is a stochastic approximation: each answer above it raises it
// by 9.5 %, each one below lowers it by 0.5 %, which balance where one in
// twenty lies above. Slow answers raise it by 1 % only: a fifth of them hardly
// moves it, and nothing but slow ones double it in 73 answers.
func (p *Pace) Slow(ttft time.Duration) bool {
	if ttft <= 0 {
		return false
	}
	ttft = min(ttft, longest)
	p.mu.Lock()
	defer p.mu.Unlock()
	slow := p.seen >= firstFew && ttft > max(muchSlower*p.usual, alwaysFine)
	p.observe(ttft, slow)
	return slow
}

// Usual returns the estimate of the 95th percentile, 0 before the second
// answer.
func (p *Pace) Usual() time.Duration {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.usual
}

func (p *Pace) observe(ttft time.Duration, slow bool) {
	if p.seen < learning {
		p.seen++
		p.usual = max(p.usual, min(ttft, p.top))
		p.top = max(p.top, ttft)
		return
	}
	step := -0.05 * gain
	if ttft > p.usual {
		step = 0.95 * gain
	}
	if slow {
		step /= damp
	}
	p.usual = min(max(p.usual+time.Duration(step*float64(p.usual)), quickest), longest)
}
