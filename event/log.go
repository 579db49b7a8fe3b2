package event

import (
	"context"
	"iter"
	"sync"
	"sync/atomic"
)

// subscriberBuffer is how many events a slow subscriber may be behind before
// events are dropped for it. Dropping is counted, never waited for: nobody who
// watches may slow a call down.
const subscriberBuffer = 1024

// Log keeps the reports of the latest calls and hands events to whoever
// watches. Make one with [NewLog].
type Log struct {
	mu      sync.Mutex
	ring    []*Report // guarded by mu; oldest is at next
	next    int       // guarded by mu
	subs    []*subscriber
	watched atomic.Int32 // len(subs), read without the lock on every event
	dropped atomic.Uint64
}

type subscriber struct{ ch chan Event }

// NewLog makes a log of the latest size calls.
func NewLog(size int) *Log { return &Log{ring: make([]*Report, max(size, 1))} }

// Open lists a report. The oldest one is forgotten when the log is full.
func (l *Log) Open(r *Report) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.ring[l.next] = r
	l.next = (l.next + 1) % len(l.ring)
}

// Publish hands an event to everyone who watches. It never waits.
func (l *Log) Publish(e Event) {
	if l.watched.Load() == 0 {
		return
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, s := range l.subs {
		select {
		case s.ch <- e:
		default:
			l.dropped.Add(1)
		}
	}
}

// Watched reports whether anyone watches.
func (l *Log) Watched() bool { return l.watched.Load() > 0 }

// Dropped returns how many events were not handed to a subscriber that was too
// slow for them.
func (l *Log) Dropped() uint64 { return l.dropped.Load() }

// Find returns the report of a call, if it is still kept.
func (l *Log) Find(id string) (*Report, bool) {
	for _, r := range l.Latest() {
		if r.Summary().ID == id {
			return r, true
		}
	}
	return nil, false
}

// Latest returns the kept reports, newest first.
func (l *Log) Latest() []*Report {
	l.mu.Lock()
	defer l.mu.Unlock()
	out := make([]*Report, 0, len(l.ring))
	for i := range l.ring {
		if r := l.ring[(l.next+len(l.ring)-1-i)%len(l.ring)]; r != nil {
			out = append(out, r)
		}
	}
	return out
}

// Watch returns the events of all calls from now on, until ctx ends or the
// loop over it is left. A watcher that is more than 1,024 events behind misses
// some; [Log.Dropped] counts them.
func (l *Log) Watch(ctx context.Context) iter.Seq[Event] {
	return func(yield func(Event) bool) {
		s := &subscriber{ch: make(chan Event, subscriberBuffer)}
		l.subscribe(s)
		defer l.unsubscribe(s)
		for {
			select {
			case e := <-s.ch:
				if !yield(e) {
					return
				}
			case <-ctx.Done():
				return
			}
		}
	}
}

func (l *Log) subscribe(s *subscriber) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.subs = append(l.subs, s)
	l.watched.Store(int32(len(l.subs)))
}

func (l *Log) unsubscribe(s *subscriber) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for i := range l.subs {
		if l.subs[i] == s {
			l.subs = append(l.subs[:i], l.subs[i+1:]...)
			break
		}
	}
	l.watched.Store(int32(len(l.subs)))
}
