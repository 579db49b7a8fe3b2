package queue

import (
	"errors"
	"fmt"
	"time"
)

// Order is how turns are shared between classes.
type Order int8

// The orders; the zero Order is the default, Weighted.
const (
	Weighted Order = 1 // by weight
	Strict   Order = 2 // the highest class first
)

// Config bounds a queue. The zero value of a field is its default; a negative value switches
// it off.
type Config struct {
	// MaxInFlight is the number of slots. Default 1024. Off: no cap.
	MaxInFlight int

	// MaxWaiting is how many calls of each class may wait; each has its own, so that a crowd of
	// batch work cannot shut out critical calls. Default 10000. Off: no waiting room, ErrFull instead.
	MaxWaiting int

	// MaxWait is the longest wait. Default 60s. Off: only the deadline and the context bound it.
	MaxWait time.Duration

	// Order is how turns are shared between classes. Default Weighted.
	Order Order

	// Ageing is how long the first call of a class waits at most before it goes next, whatever its
	// class. Default 30s. Off: a class may wait for as long as others come.
	Ageing time.Duration
}

// Defaults returns c with every zero field set. What is off stays negative.
func (c Config) Defaults() Config {
	if c.MaxInFlight == 0 {
		c.MaxInFlight = 1024
	}
	if c.MaxWaiting == 0 {
		c.MaxWaiting = 10_000
	}
	if c.MaxWait == 0 {
		c.MaxWait = time.Minute
	}
	if c.Order == 0 {
		c.Order = Weighted
	}
	if c.Ageing == 0 {
		c.Ageing = 30 * time.Second
	}
	return c
}

// Validate reports every fault of c, joined, each with the name of its field.
func (c Config) Validate() error {
	var faults []error
	fault := func(bad bool, format string, args ...any) {
		if bad {
			faults = append(faults, fmt.Errorf("queue: "+format, args...))
		}
	}
	fault(c.MaxInFlight > maxCount, "MaxInFlight: %d is more than %d", c.MaxInFlight, maxCount)
	fault(c.MaxWaiting > maxCount, "MaxWaiting: %d is more than %d", c.MaxWaiting, maxCount)
	fault(c.MaxWait > maxWait, "MaxWait: %v is more than %v", c.MaxWait, maxWait)
	fault(c.Ageing > maxWait, "Ageing: %v is more than %v", c.Ageing, maxWait)
	fault(c.Order < 0 || c.Order > Strict, "Order: %d is neither Weighted nor Strict", c.Order)
	return errors.Join(faults...)
}

// Beyond these a value is taken for a slip of the pen.
const (
	maxCount = 10_000_000
	maxWait  = 24 * time.Hour
)
