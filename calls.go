package fairlead

import (
	"context"
	"errors"
)

func (c *Client) register(k *call) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.closing {
		return ErrClosed
	}
	c.calls[k] = lanes{}
	return nil
}

// lanes end the present attempts of a call: one, or two that race.
type lanes [2]context.CancelCauseFunc

func (l lanes) cancel(cause error) {
	for _, cancel := range l {
		if cancel != nil {
			cancel(cause)
		}
	}
}

// track notes how to end an attempt of an open call.
func (c *Client) track(k *call, lane int, cancel context.CancelCauseFunc) {
	c.mu.Lock()
	defer c.mu.Unlock()
	all, ok := c.calls[k]
	if !ok {
		return
	}
	all[lane] = cancel
	c.calls[k] = all
	select {
	case <-c.stop:
		cancel(ErrClosed)
	default:
	}
}

// end ends one of the attempts of a call; it may have ended by itself.
func (c *Client) end(k *call, lane int, cause error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if cancel := c.calls[k][lane]; cancel != nil {
		cancel(cause)
	}
}

// interrupt ends the present attempts of a call, as if its caller had left, and
// sees to it that no other begins.
func (c *Client) interrupt(k *call) {
	k.left.Store(true)
	c.mu.Lock()
	defer c.mu.Unlock()
	c.calls[k].cancel(context.Canceled)
}

// unregister forgets a call that has ended.
func (c *Client) unregister(k *call) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if _, ok := c.calls[k]; !ok {
		return
	}
	delete(c.calls, k)
	if c.closing && len(c.calls) == 0 {
		close(c.idle)
	}
}

// Drain refuses new calls, and those that wait for their first turn, with an
// error that says to come again; and it waits for open ones. When ctx ends first,
// those still open are ended with an error, and ctx's error is returned. The
// client is closed afterwards.
func (c *Client) Drain(ctx context.Context) error {
	c.mu.Lock()
	if !c.closing {
		c.closing = true
		if len(c.calls) == 0 {
			close(c.idle)
		}
	}
	for k := range c.calls { // not the table's: a call may wait at a target of an older one
		for i := range k.links {
			k.links[i].target.queue.Drain()
		}
	}
	c.mu.Unlock()
	var err error
	select {
	case <-c.idle:
	case <-ctx.Done():
		err = ctx.Err()
		c.abort()
		<-c.idle
	}
	c.submitted.Wait()
	for _, p := range c.table.Load().providers {
		p.closeIdle()
	}
	return err
}

// abort ends all open calls: what they wait for, and what they read.
func (c *Client) abort() {
	c.mu.Lock()
	defer c.mu.Unlock()
	select {
	case <-c.stop:
		return
	default:
		close(c.stop)
	}
	for k, all := range c.calls {
		for i := range k.links {
			k.links[i].target.queue.Close()
		}
		all.cancel(ErrClosed)
	}
}

// Close ends all open calls with an error, and returns when they have ended.
// Streams end when their answers are read or closed.
func (c *Client) Close() error {
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	if err := c.Drain(ctx); !errors.Is(err, context.Canceled) {
		return err
	}
	return nil
}
