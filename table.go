package fairlead

import (
	"cmp"
	"errors"
	"fmt"
	"net/url"
	"slices"
	"strings"

	"fairlead.dev/fallback"
	"fairlead.dev/llm"
	"fairlead.dev/queue"
)

// table is one configuration at work. It is immutable but for the states that
// its parts hold; a reload makes a new one that takes over the states of all
// that did not change.
type table struct {
	cfg       Config
	providers []*provider
	targets   []*target // those that chains name, in order
	routes    map[string]*route
	star      *route // the chain "*", or nil
	met       *lru[string, *target]
}

// route is a model name with its chain.
type route struct {
	name  string
	chain []link
	open  bool // an entry is "provider/*"
}

// link is one entry of a chain.
type link struct {
	provider *provider
	target   *target   // nil for "provider/*"
	policies *Policies // in force for this entry: the Config's, its provider's, the model's
	equal    bool      // as good as the first
}

// metTargets bounds how many names a "*" remembers, so that a client that
// invents names cannot grow our memory.
const metTargets = 1000

// build makes a table of cfg. Parts that old has in the same form are taken
// over with their states. The error joins every fault.
func build(cfg Config, old *table) (*table, error) {
	t := &table{cfg: cfg, routes: map[string]*route{}, met: newLRU[string, *target](metTargets)}
	b := &builder{table: t, old: old}
	b.policies("", cfg.Policies)
	for i, p := range cfg.Providers {
		b.provider(i, p)
	}
	for i, m := range cfg.Models {
		b.model(i, m)
	}
	if len(cfg.Providers) == 0 {
		b.fault("Providers", "at least one is needed")
	}
	if len(b.faults) > 0 {
		return nil, errors.Join(b.faults...)
	}
	return t, nil
}

// builder collects faults while a table is made.
type builder struct {
	table  *table
	old    *table
	faults []error
}

func (b *builder) fault(path, format string, args ...any) {
	b.faults = append(b.faults, fmt.Errorf("fairlead: %s: %s", path, fmt.Sprintf(format, args...)))
}

func (b *builder) policies(path string, p Policies) {
	for _, err := range []error{p.Retry.Validate(), p.Breaker.Validate(), p.Queue.Validate(), p.Limits.Validate(), p.Shares.Validate(), p.concurrency().Validate()} {
		if err != nil {
			b.fault(strings.TrimPrefix(path+".Policies", "."), "%v", err)
		}
	}
}

func (b *builder) provider(i int, p Provider) {
	path := fmt.Sprintf("Providers[%d]", i)
	if p.Name == "" || strings.ContainsAny(p.Name, "/*") {
		b.fault(path+".Name", "%q: a name without '/' and '*' is needed", p.Name)
	}
	if b.table.provider(p.Name) != nil {
		b.fault(path+".Name", "%q is used twice", p.Name)
	}
	if p.API == nil {
		b.fault(path+".API", "is missing")
		return
	}
	u, err := ParseBaseURL(p.BaseURL)
	if err != nil {
		b.fault(path+".BaseURL", "%v", err)
		return
	}
	if p.Passthrough && len(p.Keys) > 0 {
		b.fault(path+".Keys", "a provider with Passthrough sends the clients' keys and has none of its own")
	}
	seen := map[string]bool{}
	for j := range p.Keys {
		name := cmp.Or(p.Keys[j].Name, fmt.Sprint(j+1))
		if seen[name] {
			b.fault(fmt.Sprintf("%s.Keys[%d].Name", path, j), "%q is used twice", name)
		}
		seen[name] = true
	}
	b.policies(path, p.Policies)
	b.table.providers = append(b.table.providers, newProvider(p, u, b.table.cfg, b.oldProvider(p.Name)))
}

func (b *builder) oldProvider(name string) *provider {
	if b.old == nil {
		return nil
	}
	return b.old.provider(name)
}

func (b *builder) model(i int, m Model) {
	path := fmt.Sprintf("Models[%d]", i)
	switch {
	case m.Name == "":
		b.fault(path+".Name", "is missing")
	case b.table.routes[m.Name] != nil || m.Name == "*" && b.table.star != nil:
		b.fault(path+".Name", "%q is used twice", m.Name)
	case len(m.Chain) == 0:
		b.fault(path+".Chain", "is empty: name at least one target as provider/model")
	case len(m.Chain) > fallback.MaxChain:
		b.fault(path+".Chain", "has %d targets, at most %d are asked", len(m.Chain), fallback.MaxChain)
	}
	b.policies(path, m.Policies)
	r := &route{name: m.Name}
	for j, name := range m.Chain {
		b.link(fmt.Sprintf("%s.Chain[%d]", path, j), r, name, m)
	}
	for j, name := range m.Equal {
		if !slices.Contains(m.Chain, name) {
			b.fault(fmt.Sprintf("%s.Equal[%d]", path, j), "%q is not in the chain", name)
		}
	}
	if m.Name == "*" {
		b.table.star = r
	} else {
		b.table.routes[m.Name] = r
	}
}

func (b *builder) link(path string, r *route, name string, m Model) {
	pname, model, ok := strings.Cut(name, "/")
	if !ok || model == "" {
		b.fault(path, "%q: a target is written provider/model", name)
		return
	}
	p := b.table.provider(pname)
	if p == nil {
		b.fault(path, "%q: there is no provider %q", name, pname)
		return
	}
	if len(r.chain) > 0 && r.chain[0].provider.dialect() != p.dialect() && !(m.Name == "*" && b.allOpen(m)) {
		b.fault(path, "%q speaks %s, but the chain begins with %s: a chain keeps one dialect", name, p.dialect(),
			r.chain[0].provider.dialect())
		return
	}
	pol := defaults(b.table.cfg.Policies.over(p.cfg.Policies).over(m.Policies))
	l := link{provider: p, policies: &pol, equal: slices.Contains(m.Equal, name)}
	if model != "*" {
		l.target = b.target(path, p, model, pol)
		for _, other := range r.chain {
			if other.target == l.target {
				b.fault(path, "%q is twice in the chain", name)
				return
			}
		}
	}
	r.open = r.open || l.target == nil
	r.chain = append(r.chain, l)
}

// allOpen reports whether every entry of a chain is "provider/*".
func (b *builder) allOpen(m Model) bool {
	for _, name := range m.Chain {
		if !strings.HasSuffix(name, "/*") {
			return false
		}
	}
	return true
}

// target makes a target, or finds the one that another chain made.
func (b *builder) target(path string, p *provider, model string, pol Policies) *target {
	name := p.cfg.Name + "/" + model
	for _, t := range b.table.targets {
		if t.name != name {
			continue
		}
		if t.set != settingsOf(pol) {
			b.fault(path, "%q has other breaker, queue or limits settings in another chain; "+
				"they belong to the target, so set them under its provider", name)
		}
		return t
	}
	t := newTarget(p, model, pol, b.oldTarget(p, name))
	b.table.targets = append(b.table.targets, t)
	return t
}

func (b *builder) oldTarget(p *provider, name string) *target {
	if b.old == nil {
		return nil
	}
	for _, t := range b.old.targets {
		if t.name == name {
			return t
		}
	}
	t, _ := b.old.met.get(name)
	return t
}

// settings is what of the policies a target's own state is made of. Two that
// are equal may share the state.
type settings struct {
	breaker [9]float64
	queue   queue.Config
	bears   Concurrency
	limits  [3]int
	budget  float64
}

func settingsOf(p Policies) settings {
	b, q, l := p.Breaker, p.Queue, p.Limits
	return settings{
		breaker: [9]float64{float64(b.Window), float64(b.MinAttempts), b.FailureRatio, float64(b.Consecutive),
			b.SlowRatio, float64(b.Open), float64(b.MaxOpen), float64(b.Probes), float64(b.Lease)},
		queue:  q,
		limits: [3]int{l.RPM, l.ITPM, l.OTPM},
		budget: p.Retry.Budget,
		bears:  p.Concurrency,
	}
}

func (t *table) provider(name string) *provider {
	for _, p := range t.providers {
		if p.cfg.Name == name {
			return p
		}
	}
	return nil
}

// speaks returns the first provider of a dialect, for requests that name no
// model: one that "*" lists, else any.
func (t *table) speaks(dialect string) *provider {
	if t.star != nil {
		for _, l := range t.star.chain {
			if l.provider.dialect() == dialect {
				return l.provider
			}
		}
	}
	for _, p := range t.providers {
		if p.dialect() == dialect {
			return p
		}
	}
	return nil
}

// api returns the client's side of a dialect, or nil when no provider has it.
func (t *table) api(dialect string) llm.Dialect {
	if p := t.speaks(dialect); p != nil {
		return p.cfg.API
	}
	return nil
}

// links returns whom a request may be sent to.
func (t *table) links(r *llm.Request) ([]link, error) {
	if r.Op == llm.Generate || r.Op == llm.CountTokens {
		return t.find(r.Model, r.Dialect)
	}
	return t.speaks(r.Dialect).side, nil
}

// all returns every target: those that chains name, then those that "*" met.
func (t *table) all() []*target { return append(slices.Clip(t.targets), t.met.all()...) }

// wildcard makes the target that "provider/*" means for a name, or finds it.
// Names beyond the bound push out those that were not used for longest.
func (t *table) wildcard(l link, model string) *target {
	name := l.provider.cfg.Name + "/" + model
	for _, known := range t.targets {
		if known.name == name {
			return known
		}
	}
	return t.met.getOr(name, func() *target {
		return newTarget(l.provider, model, *l.policies, nil)
	})
}

// find returns the chain of a model for callers of a dialect.
func (t *table) find(model, dialect string) ([]link, error) {
	if r := t.routes[model]; r != nil {
		if d := r.chain[0].provider.dialect(); d != dialect {
			return nil, llm.Badf(400, "model %q is served in the %s dialect, not in %s", model, d, dialect)
		}
		return t.resolve(r, model, dialect), nil
	}
	if t.star == nil {
		return nil, ErrUnknownModel
	}
	links := t.resolve(t.star, model, dialect)
	if len(links) == 0 {
		return nil, ErrUnknownModel
	}
	return links, nil
}

// resolve puts targets in place of a chain's wildcards.
func (t *table) resolve(r *route, model, dialect string) []link {
	if !r.open {
		return r.chain
	}
	links := make([]link, 0, len(r.chain))
	for _, l := range r.chain {
		if l.provider.dialect() != dialect {
			continue
		}
		if l.target == nil {
			l.target = t.wildcard(l, model)
		}
		links = append(links, l)
	}
	return links
}

// ParseBaseURL reads the address of a provider. A trailing slash or /v1 is
// tolerated; credentials, a query or a fragment are not.
func ParseBaseURL(s string) (*url.URL, error) {
	u, err := url.Parse(s)
	switch {
	case strings.Contains(s, "@"): // before anything is printed
		return nil, errors.New("credentials do not belong into the URL: use keys")
	case err != nil:
		return nil, fmt.Errorf("%q is no URL", s)
	case u.Scheme != "http" && u.Scheme != "https" || u.Host == "":
		return nil, fmt.Errorf("%q: an http or https URL is needed", s)
	case u.RawQuery != "" || u.Fragment != "":
		return nil, fmt.Errorf("%q: no query and no fragment belong here", s)
	}
	u.Path = strings.TrimSuffix(strings.TrimRight(u.Path, "/"), "/v1")
	u.RawPath = ""
	return u, nil
}
