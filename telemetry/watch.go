package telemetry

import (
	"fairlead.dev"
	"fairlead.dev/breaker"
	"github.com/prometheus/client_golang/prometheus"
)

// Source is what is read at every scrape: a *fairlead.Client.
type Source interface {
	// Targets returns every target as it stands now.
	Targets() []fairlead.TargetStatus
	// Tenants returns what each tenant's calls have come to.
	Tenants() []fairlead.Tenant
	// Models lists the names that callers of a dialect may ask for.
	Models(dialect string) (names []string, open bool)
}

// dialects are those whose models are asked for, so that the names of the
// configuration are labels before any client can use up the room for them.
var dialects = [...]string{"anthropic", "openai", "responses", "gemini", "bedrock"}

// states are those that a breaker can be in.
var states = [...]breaker.State{breaker.Closed, breaker.Open, breaker.HalfOpen, breaker.Ramp}

// Watch adds the gauges that are read from a client when somebody scrapes. It
// is called once for each [Metrics]; a second time it panics.
func (m *Metrics) Watch(s Source) {
	c := &gauges{
		source: s, models: m.models, targets: m.targets,
		state:    gauge("breaker_state", "1 for the state that the breaker of a target is in.", "target", "state"),
		provider: gauge("provider_breaker_state", "1 for the state that the breaker of a provider is in.", "provider", "state"),
		key:      gauge("key_breaker_state", "1 for the state that the breaker of a credential is in.", "provider", "key", "state"),
		share:    gauge("breaker_share_ratio", "Share of conversations that a breaker lets through.", "target"),
		free:     gauge("target_available", "1 if the target may be asked now.", "target"),
		flight:   gauge("in_flight", "Calls that are with a target.", "target"),
		slots:    gauge("slots", "Calls that may be with a target; it moves with what the target can bear.", "target"),
		waiting:  gauge("waiting", "Calls that wait for a target.", "target"),
		budget:   gauge("retry_budget", "Retries that may be made now.", "target"),
		pool:     gauge("pool_closed", "1 if the rate-limit pool of a target under a key admits nothing.", "target", "key"),
	}
	c.admit()
	m.registry.MustRegister(c, newTenants(s))
}

func gauge(name, help string, labels ...string) *prometheus.Desc {
	return prometheus.NewDesc("fairlead_"+name, help, labels, nil)
}

// gauges reads the state of a client.
type gauges struct {
	source          Source
	models, targets *names

	state, provider, key, share, free, flight, slots, waiting, budget, pool *prometheus.Desc
}

// Describe implements [prometheus.Collector].
func (g *gauges) Describe(ch chan<- *prometheus.Desc) {
	for _, d := range []*prometheus.Desc{g.state, g.provider, g.key, g.share, g.free, g.flight, g.slots, g.waiting, g.budget, g.pool} {
		ch <- d
	}
}

// admit makes labels of the names of the configuration.
func (g *gauges) admit() []fairlead.TargetStatus {
	for _, d := range dialects {
		models, _ := g.source.Models(d)
		for _, name := range models {
			g.models.label(name, true)
		}
	}
	targets := g.source.Targets()
	for i := range targets {
		g.targets.label(targets[i].Name, true)
	}
	return targets
}

// Collect implements [prometheus.Collector]. Targets beyond the bound are added
// up as "other" where that makes sense, and left out where it does not.
func (g *gauges) Collect(ch chan<- prometheus.Metric) {
	send := func(d *prometheus.Desc, v float64, labels ...string) {
		ch <- prometheus.MustNewConstMetric(d, prometheus.GaugeValue, v, labels...)
	}
	var rest struct{ flight, waiting, budget float64 }
	providers := map[string]bool{}
	crowd := false
	for _, t := range g.admit() {
		g.perProvider(send, t, providers)
		label := g.targets.label(t.Name, false)
		if label == other {
			crowd = true
			rest.flight += float64(t.Load.InFlight)
			rest.waiting += float64(t.Load.Waiting)
			rest.budget += t.Budget
			continue
		}
		g.perTarget(send, t, label)
	}
	if crowd {
		send(g.flight, rest.flight, other)
		send(g.waiting, rest.waiting, other)
		send(g.budget, rest.budget, other)
	}
}

type sendFunc func(d *prometheus.Desc, v float64, labels ...string)

func (g *gauges) perTarget(send sendFunc, t fairlead.TargetStatus, label string) {
	for _, s := range states {
		send(g.state, truth(t.Breaker.State == s), label, s.String())
	}
	send(g.share, float64(t.Breaker.Share)/100, label)
	send(g.free, truth(t.Available), label)
	send(g.flight, float64(t.Load.InFlight), label)
	if t.Load.Slots >= 0 {
		send(g.slots, float64(t.Load.Slots), label)
	}
	send(g.waiting, float64(t.Load.Waiting), label)
	send(g.budget, t.Budget, label)
	for _, k := range t.Keys {
		send(g.pool, truth(k.Pool.Closed), label, k.Name)
	}
}

// perProvider sends what targets of one provider have in common, once.
func (g *gauges) perProvider(send sendFunc, t fairlead.TargetStatus, seen map[string]bool) {
	if seen[t.Provider] {
		return
	}
	seen[t.Provider] = true
	for _, s := range states {
		send(g.provider, truth(t.Upstream.State == s), t.Provider, s.String())
		for _, k := range t.Keys {
			send(g.key, truth(k.Breaker.State == s), t.Provider, k.Name, s.String())
		}
	}
}

func truth(b bool) float64 {
	if b {
		return 1
	}
	return 0
}
