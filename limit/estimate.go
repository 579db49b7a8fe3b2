package limit

import (
	"math"
	"sync"
)

// Estimate learns what attempts at one model cost, to reserve it before it is known. Its zero value
// guesses. Safe for concurrent use.
type Estimate struct {
	mu     sync.Mutex
	ratio  float64 // guarded by mu, as are all below: real tokens of input for each guessed one; 0: not known
	output float64 // tokens of an answer: a moving average
	spread float64 // and how far answers are from it
}

const (
	firstOutput = 1000 // tokens of an answer, before any was seen
	learning    = 0.1  // weight of the latest answer
	leastRatio  = 0.1
	mostRatio   = 10
)

// Need is what one attempt will cost. guess is what its prompt is guessed to have, in tokens; most bounds
// its answer, 0 does not. An answer is taken to have what answers usually have, and half of what they differ
// by.
func (e *Estimate) Need(guess, most int) Need {
	e.mu.Lock()
	defer e.mu.Unlock()
	n := Need{Requests: 1, Input: guess, Output: firstOutput}
	if e.ratio > 0 {
		n.Input = int(math.Ceil(float64(guess) * e.ratio))
	}
	if e.output > 0 {
		n.Output = int(math.Ceil(e.output + e.spread/2))
	}
	if most > 0 {
		n.Output = min(n.Output, most)
	}
	return n
}

// Learn takes over what an attempt has used of which the prompt had been guessed. Input of 0 tells nothing.
func (e *Estimate) Learn(guess, input, output int) {
	e.mu.Lock()
	defer e.mu.Unlock()
	if guess > 0 && input > 0 {
		ratio := min(max(float64(input)/float64(guess), leastRatio), mostRatio)
		if e.ratio == 0 {
			e.ratio = ratio
		}
		e.ratio += (ratio - e.ratio) * learning
	}
	if output <= 0 {
		return
	}
	if e.output == 0 {
		e.output, e.spread = float64(output), float64(output)/2
	}
	e.spread += (math.Abs(float64(output)-e.output) - e.spread) * learning
	e.output += (float64(output) - e.output) * learning
}
