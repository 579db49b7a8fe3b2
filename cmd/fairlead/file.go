package main

import (
	"errors"

	"fairlead.dev/config"
)

// file is what fairlead.yaml may hold. 0 or absence is the default, or what an
// outer block says; "off" switches off.
type file struct {
	Listen    string              `yaml:"listen" default:"127.0.0.1:8080" jsonschema_description:"address for clients; beyond loopback only with auth keys"`
	Admin     string              `yaml:"admin" default:"127.0.0.1:8081" jsonschema_description:"address for people and monitoring: metrics, health, reports; off: none"`
	Providers map[string]provider `yaml:"providers" jsonschema_description:"APIs that requests can be sent to, by name"`
	Models    map[string]model    `yaml:"models" jsonschema_description:"names that clients may ask for; * is any other name"`
	Rules     `yaml:",inline"`
	Queue     queueBlock      `yaml:"queue" jsonschema_description:"who waits for how long when all slots of a target are taken"`
	Auth      authBlock       `yaml:"auth" jsonschema_description:"keys that clients present to Fairlead"`
	TLS       tlsBlock        `yaml:"tls" jsonschema_description:"serve clients over HTTPS"`
	Origins   []string        `yaml:"origins" jsonschema_description:"web origins that may call, such as https://app.example"`
	Hosts     []string        `yaml:"hosts" jsonschema_description:"names that the Host header may have on a listener without keys, beside those of the loopback interface"`
	Drain     config.Duration `yaml:"drain" default:"30s" jsonschema_description:"how long open calls may go on after SIGTERM; off: until they end"`
}

// Reserved names blocks that will come.
func (file) Reserved() map[string]string {
	return laterBlocks("quality", "store", "state", "telemetry")
}

func laterBlocks(names ...string) map[string]string {
	later := map[string]string{}
	for _, n := range names {
		later[n] = "the block " + n + " has no effect in this version\nremove it: nothing is accepted that is not enforced"
	}
	return later
}

// provider is an API that requests can be sent to.
type provider struct {
	Dialect     string                   `yaml:"dialect" jsonschema:"required,enum=anthropic,enum=openai" jsonschema_description:"the API it speaks: anthropic (Messages) or openai (Chat Completions, Responses)"`
	BaseURL     string                   `yaml:"base_url" jsonschema:"required" jsonschema_description:"where it is; a trailing /v1 is tolerated"`
	APIKeys     []config.Secret          `yaml:"api_keys" jsonschema_description:"our keys there; each has rate limits of its own"`
	Credentials string                   `yaml:"credentials" jsonschema:"enum=own,enum=passthrough" jsonschema_description:"own (default): api_keys; passthrough: each client's own key"`
	Proxy       config.Secret            `yaml:"proxy" jsonschema_description:"URL of a proxy; env: HTTP_PROXY, HTTPS_PROXY, NO_PROXY; off (default): none"`
	CAFile      string                   `yaml:"ca_file" jsonschema_description:"PEM file with the authorities that its certificate may come from"`
	Headers     map[string]config.Secret `yaml:"headers" jsonschema_description:"headers added to every request"`
	Query       map[string]config.Secret `yaml:"query" jsonschema_description:"query parameters added to every request"`
	AuthHeader  string                   `yaml:"auth_header" jsonschema_description:"header that carries the key: x-api-key, authorization (as a Bearer token) or another"`
	Adapt       []adaptRow               `yaml:"adapt" jsonschema_description:"what its models cannot take"`
	Rules       `yaml:",inline"`
	Queue       slotsBlock `yaml:"queue"`
}

// Reserved names blocks that will come.
func (provider) Reserved() map[string]string { return laterBlocks("quality") }

// adaptRow says what some models cannot take.
type adaptRow struct {
	Model     string   `yaml:"model" jsonschema:"required" jsonschema_description:"name, or a pattern with *"`
	Window    int      `yaml:"window" jsonschema:"minimum=0" jsonschema_description:"context window in tokens"`
	MaxOutput int      `yaml:"max_output" jsonschema:"minimum=0" jsonschema_description:"max_tokens is clamped to it"`
	Tools     string   `yaml:"tools" jsonschema:"enum=allowed,enum=refused"`
	Images    string   `yaml:"images" jsonschema:"enum=allowed,enum=refused"`
	Prefill   string   `yaml:"prefill" jsonschema:"enum=allowed,enum=refused" jsonschema_description:"whether it goes on from the beginning of an answer, for a stream that was cut"`
	Drop      []string `yaml:"drop" jsonschema_description:"top-level fields that it refuses and that may be left out"`
	DropBetas []string `yaml:"drop_betas" jsonschema_description:"values of the beta header that go with them"`
	Refuse    []string `yaml:"refuse" jsonschema_description:"top-level fields that it refuses and that may not be left out"`
}

// model is a name that clients may ask for.
type model struct {
	Chain []entry `yaml:"chain" jsonschema:"required,minItems=1" jsonschema_description:"targets as provider/model, best first"`
	Rules `yaml:",inline"`
	Queue slotsBlock `yaml:"queue"`
}

// Reserved names blocks that will come.
func (model) Reserved() map[string]string { return laterBlocks("quality") }

// entry is one target of a chain: provider/model, or {target: provider/model}.
type entry struct {
	Target string `yaml:"target" jsonschema:"required"`
	Equal  bool   `yaml:"equal" jsonschema_description:"as good as the first target: asked beside it after hedge_after"`
}

// UnmarshalText reads the short form.
func (e *entry) UnmarshalText(text []byte) error {
	e.Target = string(text)
	return nil
}

// Rules are the policy blocks that may stand at the top, under a provider and
// under a model.
type Rules struct {
	Retry    retryBlock    `yaml:"retry" jsonschema_description:"whether and when a target is asked again"`
	Timeouts timeoutsBlock `yaml:"timeouts" jsonschema_description:"the clocks of a call and its attempts"`
	Breaker  breakerBlock  `yaml:"breaker" jsonschema_description:"when a target is asked no more for a while"`
	Stream   streamBlock   `yaml:"stream" jsonschema_description:"what becomes of streams that stall, fail or are slow"`
	Limits   limitsBlock   `yaml:"limits" jsonschema_description:"limits of one key, a minute; 0: what the provider says"`
	Shares   sharesBlock   `yaml:"shares" jsonschema_description:"part of each limit that calls of a class leave to higher classes"`
}

type retryBlock struct {
	Attempts    config.Count    `yaml:"attempts" default:"2" jsonschema_description:"attempts per target and call"`
	MaxAttempts config.Count    `yaml:"max_attempts_per_call" default:"5" jsonschema_description:"attempts per call over all targets"`
	Base        config.Duration `yaml:"base" default:"500ms" jsonschema_description:"upper end of the first wait; doubles"`
	Max         config.Duration `yaml:"max" default:"8s" jsonschema_description:"upper end of all waits"`
	Patience    config.Duration `yaml:"patience" default:"5s" jsonschema_description:"a wait up to this long is preferred to asking another target"`
	Budget      config.Ratio    `yaml:"budget" default:"0.2" jsonschema_description:"share of calls that may be retries"`
}

type timeoutsBlock struct {
	Connect    config.Duration `yaml:"connect" default:"5s" jsonschema_description:"DNS, TCP and TLS together"`
	Headers    config.Duration `yaml:"headers" default:"60s" jsonschema_description:"a stream: until its headers"`
	FirstToken config.Duration `yaml:"first_token" default:"60s" jsonschema_description:"a stream: until its first content"`
	HedgeAfter config.Duration `yaml:"hedge_after" default:"off" jsonschema_description:"a stream: without content until then, a target marked equal is asked too"`
	Idle       config.Duration `yaml:"idle" default:"2m" jsonschema_description:"a stream: between two content events"`
	Answer     config.Duration `yaml:"answer" default:"10m" jsonschema_description:"one plain attempt"`
	Total      config.Duration `yaml:"total" default:"10m" jsonschema_description:"a plain call to its end, a stream to its first content"`
	MaxStream  config.Duration `yaml:"max_stream" default:"off" jsonschema_description:"a stream to its end"`
}

type breakerBlock struct {
	Window       config.Duration `yaml:"window" default:"30s" jsonschema_description:"how far back results count"`
	MinAttempts  config.Count    `yaml:"min_attempts" default:"10" jsonschema_description:"attempts below which no ratio is judged"`
	FailureRatio config.Ratio    `yaml:"failure_ratio" default:"0.5" jsonschema_description:"share of failures that opens"`
	Consecutive  config.Count    `yaml:"consecutive" default:"5" jsonschema_description:"failures in a row that open"`
	SlowRatio    config.Ratio    `yaml:"slow_ratio" default:"0.8" jsonschema_description:"share of slow attempts that opens"`
	Open         config.Duration `yaml:"open" default:"5s" jsonschema_description:"first open interval; doubles"`
	MaxOpen      config.Duration `yaml:"max_open" default:"2m" jsonschema_description:"longest open interval"`
	Probes       config.Count    `yaml:"probes" default:"1" jsonschema_description:"attempts at once while half-open"`
	Lease        config.Duration `yaml:"lease" default:"90s" jsonschema_description:"time until a probe counts as failed"`
}

type streamBlock struct {
	Resume    string          `yaml:"resume" default:"auto" jsonschema:"enum=auto,enum=loose,enum=off" jsonschema_description:"after a cut: auto takes the rest from a model that goes on exactly there; loose may also ask for it in another turn; off: an error event"`
	Upstream  string          `yaml:"stream_upstream" default:"auto" jsonschema:"enum=auto,enum=always,enum=never" jsonschema_description:"ask plain requests as streams, and assemble the answer; auto: at api.anthropic.com and api.openai.com"`
	Complete  onOff           `yaml:"complete" default:"off" jsonschema:"enum=on,enum=off" jsonschema_description:"on: hand a stream out only when it is proven whole"`
	Keepalive config.Duration `yaml:"keepalive" default:"15s" jsonschema_description:"a client that got nothing for this long gets a ping"`
	MaxEvent  config.Size     `yaml:"max_event" default:"8MiB" jsonschema_description:"longest event of a stream"`
}

// onOff is a switch that an outer block may have set.
type onOff string

// UnmarshalText reads on or off, and true or false too.
func (s *onOff) UnmarshalText(text []byte) error {
	switch *s = onOff(text); *s {
	case "on", "off":
	case "true":
		*s = "on"
	case "false":
		*s = "off"
	default:
		return errors.New("want on or off")
	}
	return nil
}

// slotsBlock is the part of the queue that every target has of its own.
type slotsBlock struct {
	MaxInFlight config.Count    `yaml:"max_in_flight" default:"1024" jsonschema_description:"calls at once per target"`
	MaxWaiting  config.Count    `yaml:"max_waiting" default:"10000" jsonschema_description:"calls that wait, per class"`
	MaxWait     config.Duration `yaml:"max_wait" default:"60s" jsonschema_description:"longest wait"`
	Order       string          `yaml:"order" default:"weighted" jsonschema:"enum=weighted,enum=strict" jsonschema_description:"turns of the classes: by weight, or the highest class first"`
	MinInFlight config.Count    `yaml:"min_in_flight" default:"4" jsonschema_description:"calls at once that an overloaded target is still given"`
	Concurrency string          `yaml:"concurrency" default:"adaptive" jsonschema:"enum=adaptive,enum=fixed" jsonschema_description:"calls at once: as many as the target can bear, or always max_in_flight"`
	Ageing      config.Duration `yaml:"ageing" default:"30s" jsonschema_description:"the first call of a class that has waited this long goes next"`
}

// Reserved points to where the bound of all bodies stands.
func (slotsBlock) Reserved() map[string]string {
	return map[string]string{"max_bytes": "max_bytes bounds the bodies of all calls together\nit stands in the queue block at the top"}
}

// queueBlock is the queue at the top.
type queueBlock struct {
	SlotsOfAll `yaml:",inline"`
	MaxBytes   config.Size `yaml:"max_bytes" default:"256MiB" jsonschema_description:"bytes of all bodies at once; more are refused on arrival"`
}

// SlotsOfAll makes the fields of slotsBlock part of queueBlock.
type SlotsOfAll = slotsBlock

type sharesBlock struct {
	High   config.Ratio `yaml:"high" default:"0" jsonschema_description:"for critical calls"`
	Normal config.Ratio `yaml:"normal" default:"0" jsonschema_description:"for calls above normal"`
	Low    config.Ratio `yaml:"low" default:"0.1" jsonschema_description:"for calls above low"`
	Batch  config.Ratio `yaml:"batch" default:"0.2" jsonschema_description:"for calls above batch"`
}

type limitsBlock struct {
	RPM  config.Count `yaml:"rpm" default:"0" jsonschema_description:"requests"`
	ITPM config.Count `yaml:"itpm" default:"0" jsonschema_description:"input tokens"`
	OTPM config.Count `yaml:"otpm" default:"0" jsonschema_description:"output tokens"`
}

type authBlock struct {
	Keys []authKey `yaml:"keys" jsonschema_description:"'fairlead key new NAME' makes one"`
}

// authKey is a key that a client presents to us.
type authKey struct {
	Name   string `yaml:"name" jsonschema:"required"`
	SHA256 string `yaml:"sha256" jsonschema:"required" jsonschema_description:"of the key, in hex"`
	Class  string `yaml:"class" jsonschema:"enum=critical,enum=high,enum=normal,enum=low,enum=batch" jsonschema_description:"of its calls, and the highest that they may ask for; default normal"`

	RPM         config.Count `yaml:"rpm" jsonschema_description:"requests a minute of all its calls; 0: any number"`
	ITPM        config.Count `yaml:"itpm" jsonschema_description:"input tokens a minute"`
	OTPM        config.Count `yaml:"otpm" jsonschema_description:"output tokens a minute"`
	MaxInFlight config.Count `yaml:"max_in_flight" jsonschema_description:"calls at once"`
}

type tlsBlock struct {
	Cert string `yaml:"cert" jsonschema_description:"PEM file with the certificate and its chain"`
	Key  string `yaml:"key" jsonschema_description:"PEM file with its private key"`
}
