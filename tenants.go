package fairlead

import (
	"cmp"
	"slices"
	"sync"

	"fairlead.dev/event"
	"fairlead.dev/queue"
)

// Tenant is what the calls of a tenant have come to since the client was made.
type Tenant struct {
	Name     string      `json:"tenant"`   // "" for calls that name none, "other" for tenants beyond the bound
	Open     int         `json:"open"`     // calls that have not ended
	Calls    int64       `json:"calls"`    // all of them
	Answered int64       `json:"answered"` // to their end
	Refused  int64       `json:"refused"`  // by us, before any attempt
	Failed   int64       `json:"failed"`   // otherwise
	Usage    event.Usage `json:"usage"`
}

// maxTenants bounds the tenants that are counted by name: names may come from
// clients.
const maxTenants = 1000

// otherTenants are those beyond the bound.
const otherTenants = "other"

// tenants counts calls by tenant.
type tenants struct {
	mu   sync.Mutex
	list map[string]*Tenant // guarded by mu
}

// of returns a tenant's counts. mu is held.
func (t *tenants) of(name string) *Tenant {
	if c := t.list[name]; c != nil {
		return c
	}
	if len(t.list) >= maxTenants {
		if name = otherTenants; t.list[name] != nil {
			return t.list[name]
		}
	}
	c := &Tenant{Name: name}
	t.list[name] = c
	return c
}

func (t *tenants) began(name string) {
	t.mu.Lock()
	defer t.mu.Unlock()
	c := t.of(name)
	c.Open++
	c.Calls++
}

// ended counts a call that is over. attempts is how many were sent for it.
func (t *tenants) ended(name string, v event.Verdict, attempts int, u event.Usage) {
	t.mu.Lock()
	defer t.mu.Unlock()
	c := t.of(name)
	c.Open--
	c.Usage = sum(c.Usage, u)
	switch {
	case v == event.OK || v == event.Refused:
		c.Answered++
	case attempts == 0 && v != event.Canceled:
		c.Refused++
	default:
		c.Failed++
	}
}

// Tenants returns what each tenant's calls have come to, the largest users
// first.
func (c *Client) Tenants() []Tenant {
	c.tenants.mu.Lock()
	defer c.tenants.mu.Unlock()
	all := make([]Tenant, 0, len(c.tenants.list))
	for _, t := range c.tenants.list {
		all = append(all, *t)
	}
	slices.SortFunc(all, func(a, b Tenant) int {
		return cmp.Or(cmp.Compare(b.Usage.Input+b.Usage.Output, a.Usage.Input+a.Usage.Output), cmp.Compare(b.Calls, a.Calls), cmp.Compare(a.Name, b.Name))
	})
	return all
}

// Load is what is going on at this moment.
type Load struct {
	Calls    int          `json:"calls"`     // open
	InFlight int          `json:"in_flight"` // attempts, over all targets
	Waiting  int          `json:"waiting"`   // calls in the queues of targets
	Bytes    int64        `json:"bytes"`     // of request bodies that are held
	Targets  []TargetLoad `json:"targets"`
}

// TargetLoad is what is going on at a target.
type TargetLoad struct {
	Target string     `json:"target"`
	Queue  queue.Load `json:"queue"`
}

// Load returns what is going on now. It is cheap enough to be asked every
// second.
func (c *Client) Load() Load {
	c.mu.Lock()
	l := Load{Calls: len(c.calls)}
	c.mu.Unlock()
	l.Bytes = c.buffers.held.Held()
	for _, t := range c.table.Load().all() {
		now := t.queue.Load()
		l.InFlight, l.Waiting = l.InFlight+now.InFlight, l.Waiting+now.Waiting
		l.Targets = append(l.Targets, TargetLoad{t.name, now})
	}
	return l
}
