package llm_test

import (
	"net/http"
	"testing"
	"time"

	"fairlead.dev/limit"
	"fairlead.dev/llm"
)

// FuzzLimitHeaders: whatever a provider writes, what is believed of it makes sense.
func FuzzLimitHeaders(f *testing.F) {
	f.Add("4000", "3800", "2026-11-24T03:51:00Z")
	f.Add("10", "9", "100ms")
	f.Add("-1", "-1", "")
	f.Add("99999999999", "1", "6m0s")
	f.Fuzz(func(t *testing.T, most, remaining, reset string) {
		names := llm.LimitHeaders{Limit: "L", Remaining: "R", Reset: "T"}
		h := http.Header{"L": {most}, "R": {remaining}, "T": {reset}}
		now := time.Date(2026, 11, 24, 3, 50, 0, 0, time.UTC)
		s := names.Seen(h, now)
		if s.Limit < 0 || s.Limit > limit.Most || s.Remaining < 0 || s.Remaining > limit.Most || s.Reset < 0 || !s.Known && s != (limit.Seen{}) {
			t.Fatalf("%+v", s)
		}
		p := limit.NewPool(limit.Limits{})
		r, _, _ := p.Reserve(limit.Need{Requests: 1}, 0, now)
		r.Learn(limit.Report{s, s, s}, true, now)
		if l := p.Snapshot(now).Limits; l.RPM < 0 || l.RPM > limit.Most {
			t.Fatalf("%+v of %+v", l, s)
		}
		if _, wait, ok := p.Reserve(limit.Need{Requests: 1}, 0, now.Add(time.Hour)); !ok {
			t.Fatalf("still closed after an hour, for %v: %+v", wait, s)
		}
	})
}
