package telemetry

import (
	"fairlead.dev"
	"github.com/prometheus/client_golang/prometheus"
)

// tenants shows what each tenant's calls have come to. The client counts them,
// at most 1,000 by name.
type tenants struct {
	source              Source
	calls, tokens, open *prometheus.Desc
}

func newTenants(s Source) *tenants {
	return &tenants{
		source: s,
		calls:  gauge("tenant_calls_total", "Calls of a tenant that ended, by how.", "tenant", "result"),
		tokens: gauge("tenant_tokens_total", "Tokens of a tenant's calls.", "tenant", "direction"),
		open:   gauge("tenant_open", "Calls of a tenant that have not ended.", "tenant"),
	}
}

// Describe implements [prometheus.Collector].
func (t *tenants) Describe(ch chan<- *prometheus.Desc) { ch <- t.calls; ch <- t.tokens; ch <- t.open }

// Collect implements [prometheus.Collector].
func (t *tenants) Collect(ch chan<- prometheus.Metric) {
	for _, tenant := range t.source.Tenants() {
		t.one(ch, &tenant)
	}
}

func (t *tenants) one(ch chan<- prometheus.Metric, tenant *fairlead.Tenant) {
	for _, r := range []struct {
		result string
		n      int64
	}{{"answered", tenant.Answered}, {"refused", tenant.Refused}, {"failed", tenant.Failed}} {
		ch <- prometheus.MustNewConstMetric(t.calls, prometheus.CounterValue, float64(r.n), tenant.Name, r.result)
	}
	u := tenant.Usage
	for _, d := range []struct {
		direction string
		n         int
	}{{"in", u.Input + u.CacheRead + u.CacheWrite}, {"out", u.Output}} {
		ch <- prometheus.MustNewConstMetric(t.tokens, prometheus.CounterValue, float64(d.n), tenant.Name, d.direction)
	}
	ch <- prometheus.MustNewConstMetric(t.open, prometheus.GaugeValue, float64(tenant.Open), tenant.Name)
}
