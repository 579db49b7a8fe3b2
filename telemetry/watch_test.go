package telemetry_test

import (
	"fmt"
	"strings"
	"testing"

	"fairlead.dev"
	"fairlead.dev/breaker"
	"fairlead.dev/event"
	"fairlead.dev/telemetry"
)

// source is a client that stands still.
type source struct {
	targets []fairlead.TargetStatus
	models  []string
	tenants []fairlead.Tenant
}

func (s source) Targets() []fairlead.TargetStatus { return s.targets }
func (s source) Tenants() []fairlead.Tenant       { return s.tenants }
func (s source) Models(d string) ([]string, bool) { return s.models, true }

func target(name string, state breaker.State) fairlead.TargetStatus {
	p, model, _ := strings.Cut(name, "/")
	t := fairlead.TargetStatus{Name: name, Provider: p, Model: model, Available: state == breaker.Closed, Budget: 2.5}
	t.Breaker.State, t.Breaker.Share = state, 30
	t.Load.InFlight, t.Load.Slots, t.Load.Waiting = 3, 20, 4
	key := fairlead.KeyStatus{Name: "main"}
	key.Breaker.State = breaker.Open
	key.Pool.Closed = true
	t.Keys = []fairlead.KeyStatus{key}
	return t
}

func TestWatch(t *testing.T) {
	m := telemetry.New("")
	m.Watch(source{targets: []fairlead.TargetStatus{target("a/opus", breaker.Ramp), target("a/haiku", breaker.Closed)}})
	got := scrape(t, m)
	for sample, want := range map[string]string{
		`fairlead_breaker_state{state="` + breaker.Ramp.String() + `",target="a/opus"}`: "1",
		`fairlead_breaker_state{state="closed",target="a/opus"}`:                        "0",
		`fairlead_breaker_state{state="closed",target="a/haiku"}`:                       "1",
		`fairlead_breaker_share_ratio{target="a/opus"}`:                                 "0.3",
		`fairlead_provider_breaker_state{provider="a",state="closed"}`:                  "1",
		`fairlead_key_breaker_state{key="main",provider="a",state="open"}`:              "1",
		`fairlead_target_available{target="a/opus"}`:                                    "0",
		`fairlead_target_available{target="a/haiku"}`:                                   "1",
		`fairlead_in_flight{target="a/opus"}`:                                           "3",
		`fairlead_slots{target="a/opus"}`:                                               "20",
		`fairlead_waiting{target="a/opus"}`:                                             "4",
		`fairlead_retry_budget{target="a/opus"}`:                                        "2.5",
		`fairlead_pool_closed{key="main",target="a/haiku"}`:                             "1",
	} {
		if got[sample] != want {
			t.Errorf("%s is %q, want %s", sample, got[sample], want)
		}
	}
}

func TestWatchTenants(t *testing.T) {
	m := telemetry.New("")
	m.Watch(source{tenants: []fairlead.Tenant{
		{Name: "blue", Open: 2, Calls: 12, Answered: 7, Refused: 2, Failed: 1, Usage: event.Usage{Input: 10, Output: 5, CacheRead: 3, CacheWrite: 2}}, {},
	}})
	got := scrape(t, m)
	for sample, want := range map[string]string{
		`fairlead_tenant_calls_total{result="answered",tenant="blue"}`: "7",
		`fairlead_tenant_calls_total{result="refused",tenant="blue"}`:  "2",
		`fairlead_tenant_calls_total{result="failed",tenant="blue"}`:   "1",
		`fairlead_tenant_tokens_total{direction="in",tenant="blue"}`:   "15",
		`fairlead_tenant_tokens_total{direction="out",tenant="blue"}`:  "5",
		`fairlead_tenant_open{tenant="blue"}`:                          "2",
		`fairlead_tenant_open{tenant=""}`:                              "0",
	} {
		if got[sample] != want {
			t.Errorf("%s is %q, want %s", sample, got[sample], want)
		}
	}
}

// TestWatchManyTargets: beyond the bound, loads are added up. Two samples with
// the same labels would make the whole scrape fail.
func TestWatchManyTargets(t *testing.T) {
	var targets []fairlead.TargetStatus
	for i := range 10_000 {
		targets = append(targets, target(fmt.Sprintf("a/m%d", i), breaker.Closed))
	}
	m := telemetry.New("")
	m.Watch(source{targets: targets})
	got := scrape(t, m)
	if n := count(got, "fairlead_in_flight", "target"); n != 1001 {
		t.Errorf("%d targets are labels, want 1000 and other", n)
	}
	if v := got[`fairlead_in_flight{target="other"}`]; v != "27000" {
		t.Errorf("in flight at all others: %s, want 9000 times 3", v)
	}
	if v, ok := got[`fairlead_breaker_state{state="closed",target="other"}`]; ok {
		t.Errorf("9,000 breakers were shown as one: %s", v)
	}
}
