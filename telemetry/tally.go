package telemetry

import (
	"strings"
	"sync/atomic"

	"fairlead.dev/event"
	"github.com/prometheus/client_golang/prometheus"
)

// maxKinds is more than there are kinds of event; a test sees to it.
const maxKinds = 32

// tally counts events by kind and reason. Both sets are closed, so that a table
// of counters does: every event of every call passes here, and a look-up by
// label would cost ten times the addition.
type tally struct {
	counts [maxKinds][]atomic.Uint64
	desc   *prometheus.Desc
}

func newTally() *tally {
	t := &tally{desc: prometheus.NewDesc("fairlead_events_total", "Decisions, by kind and why.", []string{"kind", "reason"}, nil)}
	for k := range t.counts {
		t.counts[k] = make([]atomic.Uint64, len(event.Reasons())+1)
	}
	return t
}

func (t *tally) add(k event.Kind, r event.Reason) {
	if int(k) < maxKinds && int(r) < len(t.counts[k]) {
		t.counts[k][r].Add(1)
	}
}

// Describe and Collect make a tally a prometheus.Collector.
func (t *tally) Describe(ch chan<- *prometheus.Desc) { ch <- t.desc }

// Collect sends the counters that are not zero.
func (t *tally) Collect(ch chan<- prometheus.Metric) {
	for k := range t.counts {
		for r := range t.counts[k] {
			if n := t.counts[k][r].Load(); n > 0 {
				ch <- prometheus.MustNewConstMetric(t.desc, prometheus.CounterValue, float64(n),
					event.Kind(k).String(), event.Reason(r).String())
			}
		}
	}
}

// newState is the second half of "from>to".
func newState(detail string) string {
	_, to, _ := strings.Cut(detail, ">")
	return to
}
