package queue

import "time"

// Load is how busy a queue is at one moment.
type Load struct {
	InFlight int           `json:"in_flight"`        // slots handed out
	Slots    int           `json:"slots"`            // that there are; -1: no cap
	Waiting  int           `json:"waiting"`          // in all classes
	ByClass  ByClass       `json:"waiting_by_class"` // in each
	Wait     time.Duration `json:"wait_ns"`          // how long a normal call would wait, by estimate; 0: not at all, or nothing is known
	Closed   bool          `json:"closed,omitempty"`
}

// Class returns how many of a class are waiting.
func (l Load) Class(c Class) int { return l.ByClass.Of(c) }

// Load returns how busy the queue is now.
func (q *Queue) Load() Load {
	q.mu.Lock()
	defer q.mu.Unlock()
	l := Load{InFlight: q.inFlight, Slots: q.slots(), Waiting: q.waiting, Closed: q.closed}
	if q.waiting > 0 {
		l.Wait = q.expect(&Ticket{}, time.Now())
	}
	for i := range q.rooms {
		l.ByClass[i] = q.rooms[i].n
	}
	return l
}
