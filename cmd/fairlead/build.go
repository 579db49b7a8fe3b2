package main

import (
	"crypto/x509"
	"maps"
	"net"
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"time"

	"fairlead.dev"
	"fairlead.dev/breaker"
	"fairlead.dev/config"
	"fairlead.dev/limit"
	"fairlead.dev/llm"
	"fairlead.dev/provider/anthropic"
	"fairlead.dev/provider/openai"
	"fairlead.dev/queue"
	"fairlead.dev/retry"
)

// apis are the dialects that there are, by name.
var apis = map[string]llm.Provider{"anthropic": anthropic.Provider{}, "openai": openai.Provider{}}

// dialects are those that the gateway serves, the first to requests that belong
// to none.
func dialects() []llm.Dialect { return []llm.Dialect{apis["anthropic"], apis["openai"]} }

// provider checks and builds one provider.
func (v *validator) provider(name string, p provider) {
	path := config.Path("providers", name)
	at := func(field string) string { return config.Path("providers", name, field) }
	if name == "" || strings.ContainsAny(name, "/*") {
		v.fault(path, "%q: a provider's name has no / and no *", name)
	}
	switch {
	case p.Dialect == "":
		v.fault(at("dialect"), "dialect is missing\nwant anthropic or openai")
	case apis[p.Dialect] == nil && slices.Contains([]string{"responses", "gemini", "bedrock"}, p.Dialect):
		v.fault(at("dialect"), "the dialect %s is not in this version\nwant anthropic or openai", p.Dialect)
	case apis[p.Dialect] == nil:
		v.fault(at("dialect"), "there is no dialect %q\nwant anthropic or openai", p.Dialect)
	}
	if p.BaseURL == "" {
		v.fault(at("base_url"), "base_url is missing")
	} else if _, err := fairlead.ParseBaseURL(p.BaseURL); err != nil {
		v.fault(at("base_url"), "want an http or https URL without credentials, query and fragment")
	}
	out := fairlead.Provider{
		Name: name, API: apis[p.Dialect], BaseURL: p.BaseURL, AuthHeader: p.AuthHeader,
		Headers: v.headers(at("headers"), p.Headers), Query: reveal(p.Query),
		Proxy: v.proxy(at("proxy"), p), CAs: v.authorities(at("ca_file"), p.CAFile),
		Policies: v.rules(path, p.Rules, p.Queue),
	}
	v.credentials(name, p, &out)
	for i, row := range p.Adapt {
		out.Adapt = append(out.Adapt, v.adapt(config.Path("providers", name, "adapt", i), row))
	}
	v.client.Providers = append(v.client.Providers, out)
}

// credentials checks whose keys are sent.
func (v *validator) credentials(name string, p provider, out *fairlead.Provider) {
	path := config.Path("providers", name, "credentials")
	switch p.Credentials {
	case "", "own":
	case "passthrough":
		out.Passthrough, v.gateway.Passthrough = true, true
		if len(p.APIKeys) > 0 {
			v.fault(path, "passthrough sends the clients' keys, so api_keys would never be used\ntake one of the two away")
		}
	default:
		v.fault(path, "want own or passthrough")
	}
	if p.AuthHeader != "" && !headerName.MatchString(p.AuthHeader) {
		v.fault(config.Path("providers", name, "auth_header"), "want the name of a header")
	}
	for i, key := range p.APIKeys {
		if slices.Contains(p.APIKeys[:i], key) && key != "" {
			v.fault(config.Path("providers", name, "api_keys", i), "this key is in the list twice")
		}
		out.Keys = append(out.Keys, fairlead.Key{Secret: key.Reveal()})
	}
}

var headerName = regexp.MustCompile("^[A-Za-z0-9!#$%&'*+.^_`|~-]+$")

// ours are headers that a configuration cannot set: they belong to the
// connection, or to the key.
var ours = []string{"Host", "Content-Length", "Transfer-Encoding", "Connection", "Upgrade", "Te", "Trailer", "Keep-Alive", "Proxy-Connection", "Accept-Encoding", "Content-Encoding", "Authorization", "X-Api-Key"}

func (v *validator) headers(path string, headers map[string]config.Secret) map[string]string {
	for name := range headers {
		switch where := join(path, name); {
		case !headerName.MatchString(name):
			v.fault(where, "%q is no name of a header", name)
		case slices.Contains(ours, http.CanonicalHeaderKey(name)):
			v.fault(where, "%q is not for a configuration to set\nkeys belong under api_keys; auth_header says which header carries them", name)
		}
	}
	return reveal(headers)
}

// join appends a key to a path that config.Path has made.
func join(path, key string) string {
	return path + strings.TrimPrefix(config.Path("x", key), "x")
}

func reveal(secrets map[string]config.Secret) map[string]string {
	if len(secrets) == 0 {
		return nil
	}
	plain := make(map[string]string, len(secrets))
	for k, s := range secrets {
		plain[k] = s.Reveal()
	}
	return plain
}

// proxy finds the proxy of a provider: none unless the file asks for one.
func (v *validator) proxy(path string, p provider) *url.URL {
	text := p.Proxy.Reveal()
	switch text {
	case "", "off":
		return nil
	case "env":
		text = v.system.proxyFor(p.BaseURL)
		if text == "" {
			return nil
		}
	}
	u, err := url.Parse(text)
	if err != nil || u.Host == "" || !slices.Contains([]string{"http", "https", "socks5", "socks5h"}, u.Scheme) {
		v.fault(path, "want the URL of a proxy (http, https or socks5), env or off")
		return nil
	}
	return u
}

// proxyFor is the proxy that the environment names for a URL, or "".
func (s *system) proxyFor(target string) string {
	u, err := url.Parse(target)
	if err != nil {
		return ""
	}
	either := func(name string) string {
		if v, _ := s.env(name); v != "" {
			return v
		}
		v, _ := s.env(strings.ToLower(name))
		return v
	}
	for name := range strings.SplitSeq(either("NO_PROXY"), ",") {
		name = strings.TrimPrefix(strings.TrimSpace(name), ".")
		if name == "*" || name != "" && (u.Hostname() == name || strings.HasSuffix(u.Hostname(), "."+name)) {
			return ""
		}
	}
	if ip := net.ParseIP(u.Hostname()); u.Hostname() == "localhost" || ip != nil && ip.IsLoopback() {
		return ""
	}
	proxy := either(strings.ToUpper(u.Scheme) + "_PROXY")
	if proxy != "" && !strings.Contains(proxy, "://") {
		return "http://" + proxy
	}
	return proxy
}

// authorities reads the certificates that a provider's may come from.
func (v *validator) authorities(path, name string) *x509.CertPool {
	if name == "" {
		return nil
	}
	pem, err := v.system.readFile(name)
	if err != nil {
		v.fault(path, "cannot read the file: %v", err)
		return nil
	}
	pool := x509.NewCertPool()
	if !pool.AppendCertsFromPEM(pem) {
		v.fault(path, "the file holds no certificate in PEM form")
	}
	return pool
}

// adapt checks and builds one row of the adapt table.
func (v *validator) adapt(path string, row adaptRow) llm.Adapt {
	if row.Model == "" {
		v.fault(path+".model", "model is missing: a name, or a pattern with *")
	}
	for _, n := range []struct {
		name  string
		value int
	}{{"window", row.Window}, {"max_output", row.MaxOutput}} {
		if n.value < 0 {
			v.fault(path+"."+n.name, "must not be negative")
		}
	}
	v.refused(path+".prefill", row.Prefill)
	return llm.Adapt{
		Prefill: row.Prefill,
		Model:   row.Model, Window: row.Window, MaxOutput: row.MaxOutput,
		NoTools: v.refused(path+".tools", row.Tools), NoImages: v.refused(path+".images", row.Images),
		Drop: row.Drop, DropBetas: row.DropBetas, Refuse: row.Refuse,
	}
}

func (v *validator) refused(path, word string) bool {
	if word != "" && word != "allowed" && word != "refused" {
		v.fault(path, "want allowed or refused")
	}
	return word == "refused"
}

// built makes a model of its parts.
func (v *validator) built(path, name string, chain, equal []string, m model) fairlead.Model {
	return fairlead.Model{Name: name, Chain: chain, Equal: equal, Policies: v.rules(path, m.Rules, m.Queue)}
}

// rules checks and builds the policy blocks that stand under path.
func (v *validator) rules(path string, r Rules, q slotsBlock) fairlead.Policies {
	t := r.Timeouts
	p := fairlead.Policies{
		Retry: retry.Policy{
			Attempts: int(r.Retry.Attempts), MaxAttempts: int(r.Retry.MaxAttempts), Base: time.Duration(r.Retry.Base),
			Max: time.Duration(r.Retry.Max), Patience: time.Duration(r.Retry.Patience), Budget: float64(r.Retry.Budget),
		},
		Timeouts: fairlead.Timeouts{
			Connect: time.Duration(t.Connect), Headers: time.Duration(t.Headers), FirstToken: time.Duration(t.FirstToken),
			HedgeAfter: time.Duration(t.HedgeAfter),
			Idle:       time.Duration(t.Idle), Answer: time.Duration(t.Answer), Total: time.Duration(t.Total), MaxStream: time.Duration(t.MaxStream),
		},
		Breaker: breakerOf(r.Breaker),
		Queue:   v.queue(within(path, "queue"), q),
		Streams: v.streams(within(path, "stream"), r.Stream),
		Limits:  limit.Limits{RPM: int(r.Limits.RPM), ITPM: int(r.Limits.ITPM), OTPM: int(r.Limits.OTPM)},
	}
	p.Concurrency = fairlead.Concurrency{
		Min: int(q.MinInFlight),
		Adaptive: word(v, within(path, "queue")+".concurrency", q.Concurrency, map[string]fairlead.Switch{
			"adaptive": fairlead.On, "fixed": fairlead.Off,
		}),
	}
	if q.MinInFlight < 0 || q.MaxInFlight > 0 && q.MinInFlight > q.MaxInFlight {
		v.fault(within(path, "queue")+".min_in_flight", "must be between 1 and max_in_flight")
	}
	p.Shares = fairlead.Shares{
		High: float64(r.Shares.High), Normal: float64(r.Shares.Normal), Low: float64(r.Shares.Low), Batch: float64(r.Shares.Batch),
	}
	v.block(within(path, "shares"), p.Shares.Validate())
	v.block(within(path, "retry"), p.Retry.Validate())
	v.block(within(path, "breaker"), p.Breaker.Validate())
	v.block(within(path, "queue"), p.Queue.Validate())
	v.block(within(path, "limits"), p.Limits.Validate())
	return p
}

func (v *validator) streams(path string, s streamBlock) fairlead.Streams {
	return fairlead.Streams{
		Resume: word(v, path+".resume", s.Resume, map[string]fairlead.Resume{
			"auto": fairlead.ResumeAuto, "loose": fairlead.ResumeLoose, "off": fairlead.ResumeOff,
		}),
		Upstream: word(v, path+".stream_upstream", s.Upstream, map[string]fairlead.Upstream{
			"auto": fairlead.UpstreamAuto, "always": fairlead.UpstreamAlways, "never": fairlead.UpstreamNever,
		}),
		Complete:  word(v, path+".complete", string(s.Complete), map[string]fairlead.Switch{"on": fairlead.On, "off": fairlead.Off}),
		Keepalive: time.Duration(s.Keepalive), MaxEvent: int64(s.MaxEvent),
	}
}

func (v *validator) queue(path string, q slotsBlock) queue.Config {
	return queue.Config{
		MaxInFlight: int(q.MaxInFlight), MaxWaiting: int(q.MaxWaiting), MaxWait: time.Duration(q.MaxWait), Ageing: time.Duration(q.Ageing),
		Order: word(v, path+".order", q.Order, map[string]queue.Order{"weighted": queue.Weighted, "strict": queue.Strict}),
	}
}

// word is what a word means; the empty one is what an outer block says.
func word[T any](v *validator, path, text string, known map[string]T) (meaning T) {
	meaning, ok := known[text]
	if !ok && text != "" {
		v.fault(path, "want %s", strings.Join(slices.Sorted(maps.Keys(known)), ", "))
	}
	return meaning
}

func breakerOf(b breakerBlock) breaker.Config {
	return breaker.Config{
		Window: time.Duration(b.Window), MinAttempts: int(b.MinAttempts), FailureRatio: float64(b.FailureRatio),
		Consecutive: int(b.Consecutive), SlowRatio: float64(b.SlowRatio), Open: time.Duration(b.Open),
		MaxOpen: time.Duration(b.MaxOpen), Probes: int(b.Probes), Lease: time.Duration(b.Lease),
	}
}

func within(path, block string) string { return strings.TrimPrefix(path+"."+block, ".") }

// block gives each fault that a package found in its Config to the key of the
// field: "retry: MaxAttempts: ..." to retry.max_attempts_per_call.
func (v *validator) block(path string, err error) {
	if err == nil {
		return
	}
	for line := range strings.SplitSeq(err.Error(), "\n") {
		_, rest, _ := strings.Cut(line, ": ")
		field, message, ok := strings.Cut(rest, ": ")
		if !ok {
			v.fault(path, "%s", line)
			continue
		}
		v.fault(path+"."+snake(field), "%s: %s", snake(field), message)
	}
}

// snake is the key of a field: MaxInFlight is max_in_flight, RPM is rpm.
func snake(field string) string {
	if field == "MaxAttempts" {
		return "max_attempts_per_call"
	}
	if strings.ToUpper(field) == field {
		return strings.ToLower(field)
	}
	return strings.ToLower(strings.Trim(capitals.ReplaceAllString(field, "_$0"), "_"))
}

var capitals = regexp.MustCompile(`[A-Z]`)
