package fairlead

import (
	"time"

	"fairlead.dev/breaker"
	"fairlead.dev/event"
	"fairlead.dev/fallback"
	"fairlead.dev/llm"
)

// admit gets everything that an attempt at a target needs before it is sent: a
// body that the target can take, a slot of its queue, a credential with room in
// its pool, and the permits of the breakers. Without one of them the attempt is
// nil, and the step says what to do instead.
func (k *call) admit(l *link) (*attempt, fallback.Step) {
	a := &attempt{call: k, link: l, target: l.target}
	if no := a.take(); no.why != 0 {
		return nil, k.refuse(l.target, no)
	}
	return a, fallback.Step{}
}

// denial is why an attempt is not sent.
type denial struct {
	why    event.Reason // 0: it may be sent
	until  time.Time    // when that may change; zero: unknown
	detail string
}

// take gets what the attempt needs, or nothing.
func (a *attempt) take() denial {
	if r := a.call.unfit(a.link); r != 0 {
		return denial{why: r}
	}
	if err := a.prepare(); err != nil {
		return denial{why: event.Cannot, detail: err.Error()}
	}
	if r, until := a.enter(); r != 0 {
		a.release()
		return denial{why: r, until: until}
	}
	return denial{}
}

// unfit says why a target should not even be considered, or 0.
func (k *call) unfit(l *link) event.Reason {
	t, head := l.target, &k.links[0]
	switch {
	case l == head:
	case head.provider.cfg.Passthrough && !l.provider.cfg.Passthrough && !k.ask.Trusted:
		// Whoever brings any credential would be answered on ours.
		return event.Untrusted
	}
	if t.marked.Load() > k.now.UnixNano() && k.elsewhere(t) {
		return event.Misconfigured
	}
	return 0
}

// prepare makes the request's body ready for the target.
func (a *attempt) prepare() (err error) {
	k, t := a.call, a.target
	if k.req.Op > llm.CountTokens {
		a.body.Bytes = k.req.Body
		return nil
	}
	m := llm.Model{Name: t.model, Primary: k.links[0].target.model, Hop: a.link != &k.links[0], Adapt: t.adapt}
	if m.Stream = k.assembles(a.link); m.Stream {
		a.builder = t.provider.cfg.API.Assembler(k.req)
	}
	if k.cut != nil {
		a.prefer = k.cut.way(k.req, t, m)
		m.Resume, m.Sent = a.prefer, k.cut.sent
	}
	if pooled(len(k.req.Body)) {
		m.Room = a.room
	}
	a.body, err = t.provider.cfg.API.Body(k.req, m)
	if err != nil && m.Resume == llm.Prefill {
		a.prefer, m.Resume = llm.Afresh, llm.Afresh
		a.body, err = t.provider.cfg.API.Body(k.req, m)
	}
	return err
}

// unprepare lets go of what prepare made.
func (a *attempt) unprepare() {
	a.copy.Free()
	a.copy, a.body, a.builder = nil, llm.Body{}, nil
}

// room lends memory for a changed body.
func (a *attempt) room(n int) []byte {
	a.copy = a.call.c.buffers.get(int64(n))
	return a.copy.Bytes
}

// elsewhere reports whether a later target of the chain, in another pool than
// t, may be asked now. It takes nothing from it.
func (k *call) elsewhere(t *target) bool {
	if k.plan.Pinned {
		return false
	}
	for i := k.plan.Target() + 1; i < len(k.links); i++ {
		o := k.links[i].target
		if !samePool(o, t) && o.breakerAllows(k.now) && k.otherKey(o) {
			return true
		}
	}
	return false
}

func (t *target) breakerAllows(now time.Time) bool {
	if _, ok := t.breaker.Peek(now, breaker.Ask{}); !ok {
		return false
	}
	return !t.provider.down(t, now)
}

// otherKey reports whether any credential may be used for t now.
func (k *call) otherKey(t *target) bool {
	for _, key := range k.keys(t.provider) {
		if _, ok := key.breaker.Peek(k.now, breaker.Ask{}); !ok {
			continue
		}
		if _, _, closed := key.pool(t).Closed(k.now); !closed {
			return true
		}
	}
	return false
}

// keys returns the credentials that the call may use at a provider.
func (k *call) keys(p *provider) []*key {
	if !p.cfg.Passthrough {
		return p.keys
	}
	if k.client == nil || k.clientOf != p {
		k.client, k.clientOf = []*key{p.client(k.req.Header)}, p
	}
	return k.client
}

// down reports whether the provider as a whole must not be asked for t. An
// unreachable provider must not; one that only has two open targets is down
// for those that have not just answered.
func (p *provider) down(t *target, now time.Time) bool {
	if _, ok := p.breaker.Peek(now, breaker.Ask{}); ok {
		return false
	}
	return !t.breaker.Succeeded(now)
}

// enter takes what the attempt needs, in the order of the house: a turn, room
// in a pool, permits. The reason is 0 when it has everything.
func (a *attempt) enter() (event.Reason, time.Time) {
	k, t := a.call, a.target
	if k.req.Op != llm.Generate {
		return a.takeKey() // side calls feed nothing that messages depend on, and take nothing from them
	}
	if wait, ok := k.peek(t); !ok {
		return event.BreakerOpen, after(k.now, wait) // do not queue for a closed door
	}
	if r, until := a.takeTurn(); r != 0 {
		return r, until
	}
	if r, until := a.takeProvider(); r != 0 {
		return r, until
	}
	return a.takePermit()
}

// takeKey chooses a credential for a request that takes nothing from the pools
// of messages.
func (a *attempt) takeKey() (event.Reason, time.Time) {
	k := a.call
	keys := k.keys(a.target.provider)
	first := time.Duration(0)
	for i := range keys {
		key := keys[(int(k.share%uint32(len(keys)))+i)%len(keys)]
		permit, wait, ok := key.breaker.Allow(k.now, breaker.Ask{Call: k.number})
		if ok {
			a.key, a.keyPermit = key, permit
			return 0, time.Time{}
		}
		if first == 0 || wait < first {
			first = wait
		}
	}
	return event.KeyShut, after(k.now, first)
}

// peek reports whether a target's breaker lets the call through, or how long it
// will not.
func (k *call) peek(t *target) (wait time.Duration, ok bool) {
	if wait, ok = t.breaker.Peek(k.now, breaker.Ask{}); ok || k.elsewhere(t) {
		return wait, ok
	}
	return t.breaker.Peek(k.now, breaker.Ask{Alone: true})
}

func (a *attempt) takeProvider() (event.Reason, time.Time) {
	k, p := a.call, a.target.provider
	permit, wait, ok := p.breaker.Allow(k.now, breaker.Ask{Call: k.number, Share: k.share})
	if !ok && !k.elsewhere(a.target) {
		permit, wait, ok = p.breaker.Allow(k.now, breaker.Ask{Call: k.number, Share: k.share, Alone: true})
	}
	k.drained(p.cfg.Name, p.breaker)
	if ok {
		a.upPermit = permit
		return 0, time.Time{}
	}
	if a.target.breaker.Succeeded(k.now) || p.soft.Load() && !k.elsewhere(a.target) {
		return 0, time.Time{}
	}
	return event.ProviderDown, after(k.now, wait)
}

func (a *attempt) takePermit() (event.Reason, time.Time) {
	k, b := a.call, a.target.breaker
	ask := breaker.Ask{Call: k.number, Share: k.share, Elsewhere: true}
	permit, wait, ok := b.Allow(k.now, ask)
	reason := event.BreakerOpen
	if !ok {
		// Only a recovering target may be asked by those outside its share,
		// and only when nobody else can take the call.
		ask.Elsewhere = false
		ask.Alone = !k.elsewhere(a.target)
		if _, open := b.Peek(k.now, ask); open {
			if reason = event.Ramp; ask.Alone {
				permit, wait, ok = b.Allow(k.now, ask)
			}
		}
	}
	k.drained(a.target.name, b)
	if ok {
		a.permit, a.probe = permit, permit.Probe()
		return 0, time.Time{}
	}
	return reason, after(k.now, wait)
}

// after is now + wait, or the zero time when wait is not known.
func after(now time.Time, wait time.Duration) time.Time {
	if wait <= 0 {
		return time.Time{}
	}
	return now.Add(wait)
}
