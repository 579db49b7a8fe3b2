package fakellm

import (
	"math/rand/v2"
	"sync"
	"time"
)

// stage is a script being played: its clock, its counters, its buckets.
type stage struct {
	script         *Script // nil: no script; never changed
	tokens         int
	ttft, perToken time.Duration
	keys           map[string]string // key to name
	limits         []Limit

	mu     sync.Mutex
	origin time.Time         // guarded by mu; zero until the first request if the clock waits for it
	rules  []ruleState       // guarded by mu
	named  map[string]int    // guarded by mu; faults by model name that count: attempts so far
	pools  map[poolKey]*pool // guarded by mu
	busy   map[string]int    // guarded by mu; requests being answered, per model pattern and "" for all
}

type ruleState struct {
	matched, applied int
	chance           *rand.Rand
}

type poolKey struct {
	limit int
	key   string
}

func newStage(cfg *Config, script *Script, now time.Time) *stage {
	st := &stage{script: script, tokens: cfg.Tokens, ttft: cfg.TTFT, perToken: cfg.PerToken, keys: map[string]string{},
		limits: cfg.Limits, named: map[string]int{}, pools: map[poolKey]*pool{}, busy: map[string]int{}}
	for name, key := range cfg.Keys {
		st.keys[key] = name
	}
	st.origin = now
	if script != nil {
		st.follow(script)
	}
	return st
}

// follow lets the script override the configuration.
func (st *stage) follow(script *Script) {
	for name, key := range script.Keys {
		st.keys[key] = name
	}
	if script.Clock == "first" {
		st.origin = time.Time{}
	}
	if script.Tokens > 0 {
		st.tokens = script.Tokens
	}
	if script.TTFT > 0 {
		st.ttft = script.TTFT
	}
	if script.PerToken > 0 {
		st.perToken = script.PerToken
	}
	st.limits = append(append([]Limit(nil), script.Limits...), st.limits...)
	st.rules = make([]ruleState, len(script.Rules))
	for i, r := range script.Rules {
		seed := r.Seed
		if seed == 0 {
			seed = script.Seed
		}
		st.rules[i].chance = rand.New(rand.NewPCG(seed, uint64(i)))
	}
}

// start lets the clock run if it waits for the first request, and reports
// whether it did.
func (st *stage) start(now time.Time) bool {
	st.mu.Lock()
	defer st.mu.Unlock()
	if !st.origin.IsZero() {
		return false
	}
	st.origin = now
	return true
}

// query is what a rule looks at.
type query struct {
	model, key, path string
	stream           bool
}

func (m *Match) fits(q query) bool {
	return glob(m.Model, q.model) && glob(m.Key, q.key) && glob(m.Path, q.path) &&
		(m.Stream == nil || *m.Stream == q.stream)
}

// choose returns the fault for one request: of the first rule that applies,
// else of the model's name. The error is a model name that looks like a fault
// and is none.
func (st *stage) choose(q query, now time.Time) (Fault, error) {
	st.mu.Lock()
	defer st.mu.Unlock()
	for i := range st.rules {
		r := &st.script.Rules[i]
		if r.Fault.Do != doRefused && r.Match.fits(q) && st.within(r, now) && st.rules[i].apply(r) {
			f := r.Fault
			if f.Name == "" {
				f.Name = f.describe()
			}
			return f, nil
		}
	}
	f, ok, err := faultOfModel(q.model)
	if !ok || f.First == 0 {
		return f, err
	}
	counter := q.path + " " + q.model
	st.named[counter]++
	if st.named[counter] > f.First {
		return Fault{}, nil
	}
	return f, nil
}

// within reports whether the rule's window is open. mu is held.
func (st *stage) within(r *Rule, now time.Time) bool {
	if st.origin.IsZero() {
		return false
	}
	t := now.Sub(st.origin)
	return t >= r.From && (r.To == 0 || t < r.To)
}

// apply counts a request that the rule matched and decides whether it is meant.
func (s *ruleState) apply(r *Rule) bool {
	s.matched++
	if (r.Times > 0 && s.applied >= r.Times) || (r.Fault.First > 0 && s.applied >= r.Fault.First) {
		return false
	}
	if r.Every > 1 && s.matched%r.Every != 0 {
		return false
	}
	if r.Probability != nil && s.chance.Float64() >= *r.Probability {
		return false
	}
	s.applied++
	return true
}

// refused reports whether the listener is shut now, and when that will change;
// zero means never, or not before something else happens.
func (st *stage) refused(now time.Time) (shut bool, change time.Time) {
	st.mu.Lock()
	defer st.mu.Unlock()
	if st.script == nil || st.origin.IsZero() {
		return false, time.Time{}
	}
	for i := range st.script.Rules {
		r := &st.script.Rules[i]
		if r.Fault.Do != doRefused {
			continue
		}
		shut = shut || st.within(r, now)
		for _, edge := range []time.Duration{r.From, r.To} {
			at := st.origin.Add(edge)
			if at.After(now) && (change.IsZero() || at.Before(change)) {
				change = at
			}
		}
	}
	return shut, change
}

// admit charges the rate limit that applies to the request, if any.
func (st *stage) admit(q query, input int, now time.Time) (p *pool, l levels, wait time.Duration) {
	st.mu.Lock()
	defer st.mu.Unlock()
	for i, limit := range st.limits {
		if !glob(limit.Key, q.key) || !glob(limit.Model, q.model) {
			continue
		}
		at := poolKey{i, q.key}
		if st.pools[at] == nil {
			st.pools[at] = newPool(limit, now)
		}
		p = st.pools[at]
		l, wait = p.admit(input, now)
		return p, l, wait
	}
	return nil, nil, 0
}

func (st *stage) spend(p *pool, tokens int) {
	st.mu.Lock()
	defer st.mu.Unlock()
	p.spend(tokens, time.Now())
}

// enter takes a place among the requests being answered, or reports that there
// is none. leave gives it back.
func (st *stage) enter(model *Model) (leave func(), ok bool) {
	if st.script == nil {
		return func() {}, true
	}
	bounds := map[string]int{}
	if st.script.Capacity > 0 {
		bounds[""] = st.script.Capacity
	}
	if model != nil && model.Capacity > 0 {
		bounds[model.Name] = model.Capacity
	}
	st.mu.Lock()
	defer st.mu.Unlock()
	for name, bound := range bounds {
		if st.busy[name] >= bound {
			return nil, false
		}
	}
	for name := range bounds {
		st.busy[name]++
	}
	return func() { st.leave(bounds) }, true
}

func (st *stage) leave(bounds map[string]int) {
	st.mu.Lock()
	defer st.mu.Unlock()
	for name := range bounds {
		st.busy[name]--
	}
}
