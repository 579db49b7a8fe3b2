package fairlead

import (
	"cmp"
	"crypto/tls"
	"fmt"
	"hash/maphash"
	"net"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"fairlead.dev/breaker"
	"fairlead.dev/limit"
	"fairlead.dev/llm"
	"fairlead.dev/queue"
	"fairlead.dev/retry"
)

// target is one model at one provider, with all that is known of its health.
type target struct {
	name     string // provider/model
	model    string
	family   string // names its rate-limit pools
	provider *provider
	set      settings
	limits   limit.Limits
	adapt    []llm.Adapt

	breaker *breaker.Breaker
	pace    *breaker.Pace
	budget  *retry.Budget
	hedges  *hedges
	queue   *queue.Queue
	cost    *limit.Estimate
	bears   *limit.Concurrency
	marked  *atomic.Int64 // misconfigured until this instant, Unix nanoseconds
}

// newTarget makes a target. What old has under the same settings is taken over.
func newTarget(p *provider, model string, pol Policies, old *target) *target {
	t := &target{
		name: p.cfg.Name + "/" + model, model: model, family: p.cfg.API.Family(model), provider: p,
		set: settingsOf(pol), limits: pol.Limits, adapt: p.cfg.Adapt,
	}
	if old != nil && old.set == t.set && old.provider.same(p) {
		t.breaker, t.pace, t.budget, t.hedges, t.marked = old.breaker, old.pace, old.budget, old.hedges, old.marked
		t.queue, t.cost, t.bears = old.queue, old.cost, old.bears
		return t
	}
	t.breaker = breaker.New(pol.Breaker)
	t.pace = &breaker.Pace{}
	t.budget = retry.NewBudget(pol.Retry.Budget)
	t.hedges = &hedges{tokens: hedgeBurst}
	t.queue = queue.New(pol.Queue)
	t.cost = &limit.Estimate{}
	t.bears = limit.NewConcurrency(pol.concurrency())
	t.marked = &atomic.Int64{}
	return t
}

// provider is an API with its connections, credentials and breaker.
type provider struct {
	cfg     Provider
	address *url.URL
	rt      http.RoundTripper
	fresh   func() http.RoundTripper // never gives a reused connection
	breaker *breaker.Breaker
	soft    *atomic.Bool // the breaker was opened for the sake of two open targets, not for being unreachable
	keys    []*key
	clients *lru[uint64, *key] // passthrough: one for each credential that clients sent
	seed    maphash.Seed       // salts the credentials' hashes
	side    []link             // for requests that name no model
	bare    bool               // the address has a path of its own that is not /v1: it stands for the dialect's /v1
}

// clientKeys bounds how many clients' credentials are remembered.
const clientKeys = 10_000

// newProvider makes a provider. What old has in the same form is taken over.
func newProvider(p Provider, address *url.URL, cfg Config, old *provider) *provider {
	n := &provider{cfg: p, address: address}
	if old != nil && old.same(n) {
		n.rt, n.fresh, n.breaker, n.soft, n.clients, n.seed = old.rt, old.fresh, old.breaker, old.soft, old.clients, old.seed
	} else {
		rt := newTransport(p, cfg)
		n.rt = rt
		n.fresh = sync.OnceValue(func() http.RoundTripper {
			once := rt.Clone()
			once.DisableKeepAlives = true
			return once
		})
		n.breaker = breaker.New(cfg.Policies.over(p.Policies).Breaker)
		n.soft = &atomic.Bool{}
		n.clients, n.seed = newLRU[uint64, *key](clientKeys), maphash.MakeSeed()
		old = nil
	}
	for i, k := range p.Keys {
		n.keys = append(n.keys, newKey(cmp.Or(k.Name, fmt.Sprint(i+1)), llm.Credential{Secret: k.Secret, Header: p.AuthHeader}, old))
	}
	if len(p.Keys) == 0 && !p.Passthrough {
		n.keys = append(n.keys, newKey("none", llm.Credential{}, old))
	}
	pol := defaults(cfg.Policies.over(p.Policies))
	n.side = []link{{provider: n, target: newTarget(n, "", pol, nil), policies: &pol}}
	n.side[0].target.name = p.Name
	n.bare = p.API.Name() == "openai" && address.Path != "" && !strings.HasSuffix(strings.TrimRight(p.BaseURL, "/"), "/v1")
	return n
}

// upstream is where a request goes.
func (k *call) upstream(p *provider) *url.URL {
	if k.ask.raw != nil {
		return k.ask.raw
	}
	u, path := *p.address, k.req.Path
	if p.bare {
		path = strings.TrimPrefix(path, "/v1")
	}
	u.Path += path
	u.RawQuery = k.req.Query
	if len(p.cfg.Query) > 0 {
		q := u.Query()
		for name, value := range p.cfg.Query {
			q.Set(name, value)
		}
		u.RawQuery = q.Encode()
	}
	return &u
}

func (p *provider) closeIdle() {
	if t, ok := p.rt.(interface{ CloseIdleConnections() }); ok {
		t.CloseIdleConnections()
	}
}

func (p *provider) dialect() string { return p.cfg.API.Name() }

// same reports whether two providers are reached in the same way, so that
// connections and breakers of the one hold for the other.
func (p *provider) same(q *provider) bool {
	return p.cfg.Name == q.cfg.Name && p.address.String() == q.address.String() && p.dialect() == q.dialect() &&
		p.cfg.Passthrough == q.cfg.Passthrough && p.cfg.Timeouts.Connect == q.cfg.Timeouts.Connect &&
		fmt.Sprint(p.cfg.Proxy) == fmt.Sprint(q.cfg.Proxy) && p.cfg.CAs.Equal(q.cfg.CAs)
}

// client returns the key that stands for a client's own credential.
func (p *provider) client(h http.Header) *key {
	var id maphash.Hash
	id.SetSeed(p.seed)
	for _, name := range [...]string{"X-Api-Key", "Authorization"} {
		id.WriteString(h.Get(name))
		id.WriteByte(0)
	}
	return p.clients.getOr(id.Sum64(), func() *key { return newKey("client", llm.Credential{Client: true}, nil) })
}

// key is one credential with its breaker and its pools.
type key struct {
	name    string
	cred    llm.Credential
	breaker *breaker.Breaker
	mu      sync.Mutex
	pools   map[string]*limit.Pool // by family; guarded by mu
}

func newKey(name string, cred llm.Credential, old *provider) *key {
	if old != nil {
		for _, k := range old.keys {
			if k.name == name && k.cred == cred {
				return k
			}
		}
	}
	// A credential opens by Trip only: one rejection is proof enough, and
	// nothing else is news to it.
	cfg := breaker.Config{FailureRatio: -1, SlowRatio: -1, Consecutive: -1, Open: keyRetry, MaxOpen: keySpent}
	return &key{name: name, cred: cred, breaker: breaker.New(cfg), pools: map[string]*limit.Pool{}}
}

// How long a credential stays closed: a rejected one is tried again after
// keyRetry, doubling; one whose budget is spent after keySpent, unless the
// provider said when.
const (
	keyRetry = 30 * time.Second
	keySpent = 10 * time.Minute
)

// pool returns the rate-limit pool of a family under the key. What was learned
// of it survives a reload; limits of ours are those of the newest configuration.
func (k *key) pool(t *target) *limit.Pool {
	k.mu.Lock()
	defer k.mu.Unlock()
	p := k.pools[t.family]
	if p == nil {
		p = limit.NewPool(t.limits)
		k.pools[t.family] = p
	}
	return p
}

// applyLimits gives the pools that are there the limits of this configuration.
func (t *table) applyLimits(now time.Time) {
	for _, target := range t.all() {
		for _, k := range append(target.provider.clients.all(), target.provider.keys...) {
			k.mu.Lock()
			p := k.pools[target.family]
			k.mu.Unlock()
			if p != nil {
				p.SetLimits(target.limits, now)
			}
		}
	}
}

// newTransport makes the connections to a provider.
func newTransport(p Provider, cfg Config) *http.Transport {
	connect := defaultTimeouts.over(cfg.Timeouts).over(p.Timeouts).Connect
	dial := dialFunc(cfg.Dial)
	if dial == nil {
		dial = (&net.Dialer{KeepAlive: 15 * time.Second}).DialContext
	}
	return &http.Transport{
		DialContext:         dial.within(connect),
		Proxy:               http.ProxyURL(p.Proxy),
		TLSClientConfig:     &tls.Config{MinVersion: tls.VersionTLS12, RootCAs: p.CAs},
		TLSHandshakeTimeout: max(connect, 0),
		ForceAttemptHTTP2:   true,
		DisableCompression:  true, // bytes go through as they came; see body.go for answers that are packed all the same
		// Two idle connections per host, the default, cost 2.7 times the CPU
		// under load (reference/performance.md, section 5).
		MaxIdleConnsPerHost:    4096,
		IdleConnTimeout:        90 * time.Second,
		MaxResponseHeaderBytes: 256 << 10,
	}
}
