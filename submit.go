package fairlead

import (
	"context"
	"fmt"
	"time"

	"fairlead.dev/event"
)

// Submit asks as [Client.Query] does, and returns at once: done gets the answer
// or the error, in a goroutine of its own. It is called exactly once, whatever
// happens: also when the client is drained or closed, before or after, and when
// another callback panics. A panic of done ends no other call; it is told as an
// event of kind Panicked.
//
// Who submits more than can be answered need not hold back: calls wait for their
// turn by class, and who would not have one in time is refused at once.
//
// [Client.Drain] and [Client.Close] return when all callbacks have; so done must
// not call them.
func (c *Client) Submit(ctx context.Context, r Request, done func(Response, error)) {
	c.mu.Lock()
	joined := !c.closing
	if joined {
		c.submitted.Add(1)
	}
	c.mu.Unlock()
	go func() {
		if joined {
			defer c.submitted.Done()
		}
		c.submit(ctx, r, done)
	}()
}

func (c *Client) submit(ctx context.Context, r Request, done func(Response, error)) {
	got, err := c.query(ctx, r)
	defer func() {
		if v := recover(); v != nil {
			c.publish(event.Event{At: time.Now(), Kind: event.Panicked, Detail: fmt.Sprintf("a callback: %T", v)})
		}
	}()
	done(got, err)
}

// query is Query for a goroutine of ours: a panic in it is an error.
func (c *Client) query(ctx context.Context, r Request) (got Response, err error) {
	defer func() {
		if v := recover(); v != nil {
			got, err = Response{}, &Error{Verdict: event.ServerError, Status: 500, Err: fmt.Errorf("fairlead: panic: %v", v)}
		}
	}()
	return c.Query(ctx, r)
}
