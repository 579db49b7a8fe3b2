// Package telemetry counts what happens, for Prometheus.
//
// [Metrics.Observe] goes into fairlead.Config.Observe and turns events into
// counters and histograms. What stands rather than happens (breakers, pools,
// calls in flight) is read from the client when somebody scrapes; see
// [Metrics.Watch]. Nothing else is measured: a number here and the report of a
// call come from the same events and cannot disagree.
//
// Models and targets can be any name that a client thinks of, where a chain is
// "*". At most 1,000 of each become labels, and names that no provider knew do
// not become any; all further ones are counted together as "other".
//
// Nothing is global: each [Metrics] has a registry of its own.
package telemetry

import (
	"net/http"
	"runtime"
	"runtime/debug"
	"sync"

	"fairlead.dev/event"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"github.com/prometheus/client_golang/prometheus/promhttp"
)

// seconds are the buckets of all histograms of time: the doubling ones of
// OpenTelemetry's GenAI conventions, and on to ten minutes, because answers of
// thinking models take that long.
var seconds = prometheus.ExponentialBuckets(0.01, 2, 17)

// Metrics counts events and shows the numbers to Prometheus. Make one with
// [New]; it is safe for concurrent use.
type Metrics struct {
	registry *prometheus.Registry
	models   *names
	targets  *names

	events   *tally
	calls    *prometheus.CounterVec // model, verdict
	attempts *prometheus.CounterVec // target, verdict
	took     *prometheus.HistogramVec
	first    *prometheus.HistogramVec
	hops     *prometheus.CounterVec // target, reason
	retries  *prometheus.CounterVec // target
	moves    *prometheus.CounterVec // breaker, to, reason
	tokens   *prometheus.CounterVec // target, direction

	series sync.Map // target label -> *series: what every attempt needs, looked up once
}

// series are the instruments of one target.
type series struct {
	took, first prometheus.Observer
	out, in     prometheus.Counter
}

// New makes the metrics of one process. version is shown as a label of
// fairlead_build_info; empty: what the binary itself knows.
func New(version string) *Metrics {
	m := &Metrics{
		registry: prometheus.NewRegistry(), models: newNames(), targets: newNames(), events: newTally(),
		calls:    counter("calls_total", "Calls that ended, by what became of them.", "model", "verdict"),
		attempts: counter("attempts_total", "Requests sent upstream that ended, by verdict.", "target", "verdict"),
		took:     histogram("attempt_seconds", "From sending a request upstream to the end of its answer."),
		first:    histogram("first_token_seconds", "From sending a request upstream to the first content of its stream."),
		hops:     counter("fallbacks_total", "Times that another target was turned to, by target and why.", "target", "reason"),
		retries:  counter("retries_total", "Waits before the same target was asked again.", "target"),
		moves:    counter("breaker_transitions_total", "State changes of breakers, by the state they went to.", "breaker", "to", "reason"),
		tokens:   counter("tokens_total", "Tokens of answered calls, as the provider counted them.", "target", "direction"),
	}
	m.registry.MustRegister(
		m.events, m.calls, m.attempts, m.took, m.first, m.hops, m.retries, m.moves, m.tokens, buildInfo(version),
		collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}),
	)
	return m
}

func counter(name, help string, labels ...string) *prometheus.CounterVec {
	return prometheus.NewCounterVec(prometheus.CounterOpts{Namespace: "fairlead", Name: name, Help: help}, labels)
}

func histogram(name, help string) *prometheus.HistogramVec {
	return prometheus.NewHistogramVec(prometheus.HistogramOpts{
		Namespace: "fairlead", Name: name, Help: help, Buckets: seconds,
	}, []string{"target"})
}

func buildInfo(version string) prometheus.Collector {
	revision := ""
	if info, ok := debug.ReadBuildInfo(); ok {
		for _, s := range info.Settings {
			if s.Key == "vcs.revision" {
				revision = s.Value
			}
		}
		if version == "" {
			version = info.Main.Version
		}
	}
	g := prometheus.NewGauge(prometheus.GaugeOpts{
		Namespace: "fairlead", Name: "build_info", Help: "1; the labels say what runs.",
		ConstLabels: prometheus.Labels{"version": version, "revision": revision, "go": runtime.Version()},
	})
	g.Set(1)
	return g
}

// Handler shows the metrics in Prometheus' text format, or OpenMetrics to those
// who ask for it. What can be gathered is shown even if something cannot, and
// promhttp_metric_handler_errors_total counts that.
func (m *Metrics) Handler() http.Handler {
	return promhttp.HandlerFor(m.registry, promhttp.HandlerOpts{
		EnableOpenMetrics: true, ErrorHandling: promhttp.ContinueOnError, MaxRequestsInFlight: 4, Registry: m.registry,
	})
}

// Observe counts one event. It does not block; it goes into
// fairlead.Config.Observe.
func (m *Metrics) Observe(e event.Event) {
	m.events.add(e.Kind, e.Reason)
	switch e.Kind {
	case event.Ended:
		m.ended(e)
	case event.Finished:
		m.calls.WithLabelValues(m.models.label(e.Detail, true), e.Verdict.String()).Inc()
		s := m.of(m.targets.label(e.Target, true))
		s.out.Add(float64(max(e.N, 0)))
		s.in.Add(float64(max(e.M, 0)))
	case event.GaveUp:
		m.calls.WithLabelValues(m.models.label(e.Detail, proven(e.Verdict)), e.Verdict.String()).Inc()
	case event.Hopped:
		m.hops.WithLabelValues(m.targets.label(e.Target, false), e.Reason.String()).Inc()
	case event.Waiting:
		if e.Reason != event.Pool { // waiting for a pool is no retry: the target was not asked
			m.retries.WithLabelValues(m.targets.label(e.Target, false)).Inc()
		}
	case event.BreakerMoved:
		m.moves.WithLabelValues(m.targets.label(e.Target, true), newState(e.Detail), e.Reason.String()).Inc()
	}
}

func (m *Metrics) ended(e event.Event) {
	target := m.targets.label(e.Target, proven(e.Verdict))
	m.attempts.WithLabelValues(target, e.Verdict.String()).Inc()
	s := m.of(target)
	s.took.Observe(e.Wait.Seconds())
	if e.First > 0 {
		s.first.Observe(e.First.Seconds())
	}
}

// of returns the instruments of a target's label.
func (m *Metrics) of(target string) *series {
	if s, ok := m.series.Load(target); ok {
		return s.(*series)
	}
	s, _ := m.series.LoadOrStore(target, &series{
		took: m.took.WithLabelValues(target), first: m.first.WithLabelValues(target),
		out: m.tokens.WithLabelValues(target, "output"), in: m.tokens.WithLabelValues(target, "input"),
	})
	return s.(*series)
}

// proven reports whether a verdict lets a name that was never seen become a
// label. Names that clients make up end in one of these.
func proven(v event.Verdict) bool {
	switch v {
	case event.UnknownModel, event.Invalid, event.Unauthorized, event.Canceled:
		return false
	}
	return true
}
