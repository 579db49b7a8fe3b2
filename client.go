package fairlead

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"math"
	"net/http"
	"net/url"
	"sync"
	"sync/atomic"
	"time"

	"fairlead.dev/breaker"
	"fairlead.dev/event"
	"fairlead.dev/fallback"
	"fairlead.dev/llm"
	"fairlead.dev/queue"
)

// Call is one request and what its caller says about it.
type Call struct {
	Request  *llm.Request
	Buffer   *Buffer       // what Request.Body lies in, to be freed by the caller after the answer was closed; nil: memory that is not used again
	Class    queue.Class   // default Normal
	Tenant   string        // for reports; empty: none
	Deadline time.Duration // from now; 0: only Timeouts.Total and ctx
	Trusted  bool          // the caller is one of ours: a hop from its own credential to ours is allowed
	Pinned   bool          // the caller asked for `fairlead-fallback: off`: the primary only
	Complete bool          // a stream is handed out only when it is proven whole
	Final    bool          // a stream that is cut is not resumed

	// Quiet is called, in a goroutine of its own, whenever the caller of a stream
	// has got nothing for Streams.Keepalive, from Do on. call is the call's id. It
	// may be called once more while the call ends. Optional.
	Quiet func(call string)

	raw  *url.URL // Wrap: where the caller's SDK sent it
	text bool     // the caller wants the text of a stream's events
}

// Client keeps calls running when providers fail. Make one with [New]; it is
// safe for concurrent use.
type Client struct {
	table   atomic.Pointer[table]
	log     *event.Log
	buffers *buffers
	number  atomic.Uint64
	tenants tenants
	asked   *lru[uint64, time.Time] // what clients that repeat without saying so asked for in vain, and when
	open    func(*attempt)          // (*attempt).open, but for a benchmark of everything else

	reloading sync.Mutex // one Reload at a time

	mu        sync.Mutex
	calls     map[*call]lanes // guarded by mu; the open ones, with what ends the present attempts of each
	closing   bool            // guarded by mu
	submitted sync.WaitGroup  // callbacks that are still to be called
	idle      chan struct{}   // closed when closing and no call is open
	stop      chan struct{}   // closed when open calls must end
}

// New makes a client. The error names every fault of cfg with its field.
func New(cfg Config) (*Client, error) {
	t, err := build(cfg, nil)
	if err != nil {
		return nil, err
	}
	c := &Client{
		log: event.NewLog(orDefault(cfg.Reports, 1000)), buffers: &buffers{held: queue.NewBytes(orDefault(cfg.MaxBytes, 256<<20))},
		open: (*attempt).open, calls: map[*call]lanes{}, tenants: tenants{list: map[string]*Tenant{}},
		asked: newLRU[uint64, time.Time](maxAsked), idle: make(chan struct{}), stop: make(chan struct{}),
	}
	c.table.Store(t)
	return c, nil
}

func orDefault[T int | int64](v, otherwise T) T {
	if v == 0 {
		return otherwise
	}
	return v
}

// Do sends one request through the loop. The error is an *[Error] and ready to
// be told to the caller. An answer must be closed.
func (c *Client) Do(ctx context.Context, ask Call) (*Answer, error) {
	t := c.table.Load()
	api := t.api(ask.Request.Dialect)
	if api == nil {
		return nil, &Error{Status: http.StatusNotFound, Header: http.Header{}, Err: ErrUnknownModel,
			Body: fmt.Appendf(nil, "no provider speaks %s\n", ask.Request.Dialect)}
	}
	links, err := t.links(ask.Request)
	if err != nil {
		return nil, refusal(api, ask.Request, err)
	}
	k, err := c.begin(ctx, t, api, links, ask)
	if err != nil {
		return nil, refusal(api, ask.Request, err)
	}
	ended := false
	defer func() {
		if !ended { // a panic of ours must not make Close wait for ever
			k.stopQuiet()
			c.unregister(k)
		}
	}()
	if !k.above() {
		ended = true
		return nil, k.giveUp(event.BudgetSpent)
	}
	k.keepAlive()
	a, why := k.run(fallback.Step{Kind: fallback.AskNow})
	ended = true
	if a == nil {
		return nil, k.giveUp(why)
	}
	return k.answer(a), nil
}

// refusal is the error of a call that was refused before it had a report.
func refusal(api llm.Dialect, r *llm.Request, err error) *Error {
	e := &Error{Status: http.StatusServiceUnavailable, Header: http.Header{}, Err: err, Verdict: event.Invalid}
	text := err.Error()
	var bad *llm.BadRequest
	switch {
	case errors.As(err, &bad):
		e.Status, text = bad.Status, "fairlead: "+bad.Message
	case errors.Is(err, ErrUnknownModel):
		e.Status, e.Verdict = http.StatusNotFound, event.UnknownModel
		text = fmt.Sprintf("fairlead: model %q is not configured", r.Model)
	case errors.Is(err, ErrClosed):
		e.Verdict = event.Overloaded
		e.Header.Set("Retry-After-Ms", "1000")
	}
	e.Header.Set("X-Should-Retry", fmt.Sprint(errors.Is(err, ErrClosed)))
	e.Header.Set("Content-Type", "application/json")
	e.Body = api.Failure(llm.Failure{Status: e.Status, Verdict: e.Verdict, Message: text})
	return e
}

// begin opens a call.
func (c *Client) begin(ctx context.Context, t *table, api llm.Dialect, links []link, ask Call) (*call, error) {
	now, r := time.Now(), ask.Request
	k := &call{
		c: c, table: t, ctx: ctx, ask: ask, req: r, api: api, links: links, id: newID(), number: c.number.Add(1),
		share: r.Conversation(), now: now, began: now,
	}
	pol := links[0].policies
	r.MaxEvent = int(pol.Streams.MaxEvent)
	if r.MaxEvent < 0 {
		r.MaxEvent = math.MaxInt
	}
	k.deadline = deadline(ctx, now, ask.Deadline, pol.Timeouts.Total)
	k.plan = fallback.Plan{Policy: pol.Retry, Length: len(links), Pinned: ask.Pinned}
	if len(links) > 1 {
		k.plan.Window = k.window
	}
	k.report = event.NewReport(event.Summary{
		ID: k.id, Model: r.Model, Dialect: r.Dialect, Class: ask.Class.String(), Tenant: ask.Tenant, Start: now,
	})
	if err := c.register(k); err != nil {
		return nil, err
	}
	c.tenants.began(ask.Tenant)
	c.log.Open(k.report)
	k.note(event.Event{Kind: event.Arrived, N: r.InputTokens(), Wait: k.deadline.Sub(now), Detail: r.Model})
	return k, nil
}

// deadline is the earliest of what the context, the caller and the
// configuration allow.
func deadline(ctx context.Context, now time.Time, asked, total time.Duration) time.Time {
	limit := time.Duration(math.MaxInt64)
	if total > 0 {
		limit = total
	}
	if asked > 0 {
		limit = min(limit, asked)
	}
	const year = 365 * 24 * time.Hour // now + MaxInt64 would overflow
	d := now.Add(min(limit, year))
	if t, ok := ctx.Deadline(); ok && t.Before(d) {
		// The context ends the call by itself, with its own error: our clock,
		// which fires at the deadline too, must come second.
		return t.Add(time.Millisecond)
	}
	return d
}

// window is the context window of the i-th target of the chain, in tokens; 0
// when it is not known.
func (k *call) window(i int) int {
	t := k.links[i].target
	for _, rows := range [...][]llm.Adapt{t.adapt, t.provider.cfg.API.Adapts()} {
		for i := range rows {
			if rows[i].Window > 0 && llm.Match(rows[i].Model, t.model) {
				return rows[i].Window
			}
		}
	}
	return 0
}

// Reload takes a new configuration. Targets that did not change keep their
// breakers, budgets, pools and queues; open calls go on under the old one. A
// faulty cfg changes nothing.
func (c *Client) Reload(cfg Config) error {
	c.reloading.Lock()
	defer c.reloading.Unlock()
	t, err := build(cfg, c.table.Load())
	if err != nil {
		return err
	}
	c.buffers.held.Resize(orDefault(cfg.MaxBytes, 256<<20))
	c.table.Store(t)
	t.applyLimits(time.Now())
	return nil
}

// Report returns the report of one of the latest calls.
func (c *Client) Report(id string) (*event.Report, bool) { return c.log.Find(id) }

// Reports returns the reports of the latest calls, newest first.
func (c *Client) Reports() []*event.Report { return c.log.Latest() }

// Events returns what happens from now on, until ctx ends.
func (c *Client) Events(ctx context.Context) iter.Seq[event.Event] { return c.log.Watch(ctx) }

// Override sets a target's breaker by hand, for "provider/model", or the one of
// a whole provider, for "provider".
func (c *Client) Override(name string, o breaker.Override) error {
	t := c.table.Load()
	b := (*breaker.Breaker)(nil)
	if p := t.provider(name); p != nil {
		b = p.breaker
	}
	for _, target := range t.all() {
		if target.name == name {
			b = target.breaker
		}
	}
	if b == nil {
		return fmt.Errorf("fairlead: there is no target or provider %q", name)
	}
	now := time.Now()
	if change, ok := b.Override(o, now); ok {
		e := breakerEvent(name, change)
		e.At = now
		c.publish(e)
	}
	return nil
}

func (c *Client) watched() bool { return c.table.Load().cfg.Observe != nil || c.log.Watched() }

func (c *Client) publish(e event.Event) {
	if observe := c.table.Load().cfg.Observe; observe != nil {
		observe(e)
	}
	c.log.Publish(e)
}

func (c *Client) maxAnswer() int64 {
	n := orDefault(c.table.Load().cfg.MaxAnswer, 64<<20)
	if n < 0 {
		return math.MaxInt64 - 1
	}
	return n
}
