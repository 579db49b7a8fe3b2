package fairlead

import (
	"errors"
	"fmt"
	"time"

	"fairlead.dev/breaker"
	"fairlead.dev/event"
	"fairlead.dev/limit"
	"fairlead.dev/queue"
)

// TargetStatus is a target as it stands now.
type TargetStatus struct {
	Name          string           `json:"target"` // provider/model
	Provider      string           `json:"provider"`
	Model         string           `json:"model"`
	Available     bool             `json:"available"`                    // may be asked now
	Reason        event.Reason     `json:"reason,omitempty"`             // why not
	Until         time.Time        `json:"until,omitzero"`               // when it may be asked again, if known
	Breaker       breaker.Snapshot `json:"breaker"`                      // its own
	Upstream      breaker.Snapshot `json:"provider_breaker"`             // its provider's
	Load          queue.Load       `json:"load"`                         // calls in flight and waiting
	Budget        float64          `json:"retry_budget"`                 // retries that may be made now
	Misconfigured time.Time        `json:"misconfigured_until,omitzero"` // the provider does not know the model
	Keys          []KeyStatus      `json:"keys"`
}

// KeyStatus is one credential of a target's provider, with the rate-limit pool
// that the target uses under it.
type KeyStatus struct {
	Name    string           `json:"key"`
	Breaker breaker.Snapshot `json:"breaker"`
	Pool    limit.State      `json:"pool"`
}

// Targets returns every target as it stands now, in the order of the
// configuration, then those that "*" has met.
func (c *Client) Targets() []TargetStatus {
	t, now := c.table.Load(), time.Now()
	all := t.all()
	out := make([]TargetStatus, 0, len(all))
	for _, target := range all {
		out = append(out, target.status(now))
	}
	return out
}

func (t *target) status(now time.Time) TargetStatus {
	p := t.provider
	s := TargetStatus{
		Name: t.name, Provider: p.cfg.Name, Model: t.model, Breaker: t.breaker.Snapshot(now),
		Upstream: p.breaker.Snapshot(now), Load: t.queue.Load(), Budget: t.budget.Level(now),
	}
	if until := t.marked.Load(); until > now.UnixNano() {
		s.Misconfigured = time.Unix(0, until)
	}
	for _, k := range p.keys {
		s.Keys = append(s.Keys, KeyStatus{Name: k.name, Breaker: k.breaker.Snapshot(now), Pool: k.pool(t).Snapshot(now)})
	}
	s.Reason, s.Until = t.available(now)
	s.Available = s.Reason == 0
	return s
}

// available says why a target may not be asked now, and until when; 0 when it
// may.
func (t *target) available(now time.Time) (event.Reason, time.Time) {
	if wait, ok := t.breaker.Peek(now, breaker.Ask{}); !ok {
		return event.BreakerOpen, after(now, wait)
	}
	if wait, ok := t.provider.breaker.Peek(now, breaker.Ask{}); !ok && t.provider.down(t, now) {
		return event.ProviderDown, after(now, wait)
	}
	reason, first := event.KeyShut, time.Time{}
	for _, k := range t.provider.keys {
		wait, ok := k.breaker.Peek(now, breaker.Ask{})
		until, _, closed := k.pool(t).Closed(now)
		if ok && !closed {
			return 0, time.Time{}
		}
		if !ok {
			until = after(now, wait)
		} else {
			reason = event.PoolShut
		}
		if first.IsZero() || until.Before(first) {
			first = until
		}
	}
	if t.provider.cfg.Passthrough {
		return 0, time.Time{} // each client brings its own
	}
	return reason, first
}

// Ready returns nil when at least one target may be asked now, else why not.
func (c *Client) Ready() error {
	t, now := c.table.Load(), time.Now()
	if t.star != nil && len(t.targets) == 0 {
		for _, p := range t.providers {
			if _, ok := p.breaker.Peek(now, breaker.Ask{}); ok {
				return nil
			}
		}
	}
	var errs []error
	for _, target := range t.targets {
		reason, _ := target.available(now)
		if reason == 0 {
			return nil
		}
		errs = append(errs, fmt.Errorf("%s: %s", target.name, reason))
	}
	if len(errs) == 0 {
		return errors.New("fairlead: no models are configured")
	}
	return fmt.Errorf("fairlead: no target may be asked now: %w", errors.Join(errs...))
}

// Models lists the names that callers of a dialect may ask for, and whether
// other names are taken too (a chain "*").
func (c *Client) Models(dialect string) (names []string, open bool) {
	t := c.table.Load()
	for _, m := range t.cfg.Models {
		if r := t.routes[m.Name]; r != nil && r.chain[0].provider.dialect() == dialect {
			names = append(names, m.Name)
		}
	}
	if t.star != nil {
		for _, l := range t.star.chain {
			open = open || l.provider.dialect() == dialect
		}
	}
	return names, open
}
