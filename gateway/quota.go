package gateway

import (
	"fmt"
	"net/http"
	"strings"
	"sync"
	"time"

	"fairlead.dev/event"
	"fairlead.dev/limit"
	"fairlead.dev/llm"
)

// quota is what is left of a key's limits. It outlives a reload.
type quota struct {
	pool *limit.Pool // a minute's worth at once
	cost limit.Estimate

	mu       sync.Mutex
	inFlight int // guarded by mu
}

// quotasOf finds the quota of each key, kept or new, and gives it the key's limits.
func (g *Gateway) quotasOf(keys []Key) map[string]*quota {
	now, all := time.Now(), map[string]*quota{}
	var old map[string]*quota
	if s := g.settings.Load(); s != nil {
		old = s.quotas
	}
	for _, k := range keys {
		q := old[k.Name]
		if q == nil {
			q = &quota{pool: limit.NewQuota(k.Limits)}
		}
		q.pool.SetLimits(k.Limits, now)
		all[k.Name] = q
	}
	return all
}

// spending is what one call has taken of its key's quota.
type spending struct {
	of       *quota
	reserved limit.Reservation
	guess    int
}

// spend takes a call's part of its key's quota, or refuses the call in the
// dialect's own words.
func (s *settings) spend(key *Key, r *llm.Request) (*spending, *refusal) {
	if key == nil || r.Op != llm.Generate {
		return nil, nil
	}
	q, now := s.quotas[key.Name], time.Now()
	if !q.enter(key.MaxInFlight) {
		return nil, overQuota(time.Second, "the key %q has %d calls in flight, as many as it may", key.Name, key.MaxInFlight)
	}
	p := &spending{of: q, guess: r.InputTokens()}
	var wait time.Duration
	var ok bool
	if p.reserved, wait, ok = q.pool.Reserve(q.cost.Need(p.guess, r.MaxTokens), 0, now); !ok {
		q.leave()
		return nil, overQuota(wait, "the key %q has used up its limit of %s a minute", key.Name, limitsText(key.Limits))
	}
	return p, nil
}

func overQuota(wait time.Duration, format string, args ...any) *refusal {
	return &refusal{
		status: http.StatusTooManyRequests, verdict: event.RateLimited, retry: max(wait, time.Millisecond), message: fmt.Sprintf(format, args...),
	}
}

func limitsText(l limit.Limits) string {
	var parts []string
	for _, p := range []struct {
		n    int
		what string
	}{{l.RPM, "requests"}, {l.ITPM, "input tokens"}, {l.OTPM, "output tokens"}} {
		if p.n > 0 {
			parts = append(parts, fmt.Sprintf("%d %s", p.n, p.what))
		}
	}
	return strings.Join(parts, ", ")
}

// done corrects what was taken by what the call has used. A call that was
// refused has used nothing but its turn.
func (p *spending) done(r *event.Report) {
	if p == nil {
		return
	}
	now, used := time.Now(), limit.Need{Requests: 1}
	if r != nil {
		u := r.Summary().Usage
		used.Input, used.Output = u.Input+u.CacheWrite, u.Output
		p.of.cost.Learn(p.guess, u.Input+u.CacheRead+u.CacheWrite, u.Output)
	}
	p.reserved.Settle(used, now)
	p.of.leave()
}

func (q *quota) enter(most int) bool {
	q.mu.Lock()
	defer q.mu.Unlock()
	if most > 0 && q.inFlight >= most {
		return false
	}
	q.inFlight++
	return true
}

func (q *quota) leave() {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.inFlight--
}
