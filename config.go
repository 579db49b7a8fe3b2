package fairlead

import (
	"cmp"
	"context"
	"crypto/x509"
	"net"
	"net/url"
	"time"

	"fairlead.dev/breaker"
	"fairlead.dev/event"
	"fairlead.dev/limit"
	"fairlead.dev/llm"
	"fairlead.dev/queue"
	"fairlead.dev/retry"
)

// Config is what a [Client] works with. The zero value of every field is its
// documented default; in policies 0 means the default (or what an outer block
// says) and a negative value switches off what can be switched off.
type Config struct {
	// Providers are the APIs that requests can be sent to.
	Providers []Provider

	// Models are the names that callers may ask for, each with its chain of
	// targets. A model that no entry names is refused, unless one is "*".
	Models []Model

	// Policies apply everywhere unless a provider or a model overrides them.
	Policies

	// MaxBytes bounds the bodies of all open calls together. Calls beyond it
	// are refused on arrival. Default 256 MiB; negative: no bound.
	MaxBytes int64

	// MaxAnswer bounds one plain answer, and one error body, after decoding.
	// Default 64 MiB.
	MaxAnswer int64

	// Reports is how many finished calls are kept for [Client.Report].
	// Default 1,000.
	Reports int

	// Observe is told every event, in the goroutine of the call that it
	// belongs to. It must be safe for concurrent use and must not block.
	Observe func(event.Event)

	// Dial opens connections to providers. Default: a net.Dialer with TCP
	// keep-alive. Virtual-time tests give an in-memory one.
	Dial func(ctx context.Context, network, addr string) (net.Conn, error)
}

// Policies are the rules of the five patterns. A provider or a model may
// override any field.
type Policies struct {
	Retry    retry.Policy
	Timeouts Timeouts
	Breaker  breaker.Config
	Queue    queue.Config
	Limits   limit.Limits
	Streams  Streams

	Concurrency Concurrency
	Shares      Shares
}

// Streams are the rules for answers that come piece by piece.
type Streams struct {
	// Resume says what becomes of a stream that fails after its first content.
	// Default ResumeAuto.
	Resume Resume

	// Upstream says whether a plain request is asked upstream as a stream, so
	// that the clocks of a stream protect it; its answer is then assembled.
	// Default UpstreamAuto.
	Upstream Upstream

	// Complete hands a stream out only when it is proven whole, so that every
	// failure of it can be repaired. The client waits longer for its beginning.
	// At most Config.MaxAnswer is held. Default off.
	Complete Switch

	// Keepalive is how long the client of a stream may get nothing before it is
	// told to go on waiting. Default 15 s; negative: never.
	Keepalive time.Duration

	// MaxEvent bounds one event, in bytes. A longer one ends the attempt.
	// Default 8 MiB.
	MaxEvent int64
}

// Resume says how the rest of a cut answer is looked for. Only text is resumed,
// and never with a seam that shows: what comes from elsewhere begins exactly
// where the cut answer ends.
type Resume int8

// The ways to resume.
const (
	// ResumeAuto lets a model go on from the beginning of its answer where it
	// accepts one; otherwise it takes another answer whose beginning is, byte
	// for byte, what was sent.
	ResumeAuto Resume = iota + 1
	// ResumeLoose asks, when neither helps, for the rest in another turn.
	ResumeLoose
	// ResumeOff ends the stream with an error event.
	ResumeOff
)

// Upstream says whether plain requests are asked as streams.
type Upstream int8

// When plain requests are asked as streams, always only where every feature of
// the request is one that can be assembled exactly.
const (
	UpstreamAuto   Upstream = iota + 1 // at the official host of a dialect
	UpstreamAlways                     // everywhere
	UpstreamNever                      // nowhere
)

// Switch is a choice whose zero value is the outer one.
type Switch int8

// The positions of a Switch.
const (
	On  Switch = 1
	Off Switch = -1
)

// Timeouts are the clocks of a call and of its attempts. 0 means the default,
// negative off. The default of Headers and FirstToken grows with the prompt, by
// 1 s per 2,000 tokens, and to five times that when the model thinks; any other
// value is meant as it is.
type Timeouts struct {
	Connect    time.Duration // an attempt: DNS, TCP and TLS together; 5 s
	Headers    time.Duration // a streamed attempt: until the answer's headers; 60 s
	FirstToken time.Duration // a streamed attempt: until its first content; 60 s
	HedgeAfter time.Duration // a streamed attempt: without content until then, a target marked as equal is asked too; off
	Idle       time.Duration // a stream: between two content events, counted only while we read; 2 m
	Answer     time.Duration // a plain attempt: until the answer is whole; 10 m
	Total      time.Duration // a plain call to its end, a stream to its first content; 10 m
	MaxStream  time.Duration // a stream to its end; off
}

// Provider is an API that requests can be sent to.
type Provider struct {
	// Name is the part before the slash in the targets of chains.
	Name string

	// API speaks the provider's dialect: anthropic.Provider{} or
	// openai.Provider{}.
	API llm.Provider

	// BaseURL is where it is, such as https://api.anthropic.com. A trailing
	// /v1 is tolerated.
	BaseURL string

	// Keys are our credentials; each has rate limits of its own.
	Keys []Key

	// Passthrough sends each client's own credential instead of ours.
	Passthrough bool

	// AuthHeader overrides the header that carries a key: "x-api-key",
	// "authorization" (as a Bearer token) or another name.
	AuthHeader string

	// Headers and Query are added to every request.
	Headers map[string]string
	Query   map[string]string

	// Proxy is an HTTP or SOCKS5 proxy to reach it by. Default: none, whatever
	// the environment says.
	Proxy *url.URL

	// CAs are the authorities that its certificate may come from. Default: the
	// system's. TLS is 1.2 at least, and is always verified.
	CAs *x509.CertPool

	// Adapt says what models of this provider cannot take, before what the
	// API's package knows itself.
	Adapt []llm.Adapt

	// Policies override those of the Config field by field.
	Policies
}

// Key is one credential of ours at a provider.
type Key struct {
	Name   string // shown in events and metrics; default "1", "2", ...
	Secret string // never shown
}

// Model is a name that callers may ask for.
type Model struct {
	// Name is matched exactly. "*" is any name that no other entry has.
	Name string

	// Chain lists targets as "provider/model", best first. "provider/*" asks
	// the provider for the name that the caller gave. All targets of a chain
	// speak one dialect; only the chain of "*" may list providers of several,
	// and then serves each caller from those of the caller's own.
	Chain []string

	// Equal names targets of the chain that are as good as the first: the same
	// model elsewhere, or one that the caller accepts as equal. Only they are
	// asked beside the one before them after Timeouts.HedgeAfter.
	Equal []string

	// Policies override those of the provider and the Config field by field.
	Policies
}

// defaultTimeouts are the documented defaults of [Timeouts].
var defaultTimeouts = Timeouts{
	Connect: 5 * time.Second, Headers: time.Minute, FirstToken: time.Minute, Idle: 2 * time.Minute,
	Answer: 10 * time.Minute, Total: 10 * time.Minute, MaxStream: -1, HedgeAfter: -1,
}

// defaultStreams are the documented defaults of [Streams].
var defaultStreams = Streams{
	Resume: ResumeAuto, Upstream: UpstreamAuto, Complete: Off, Keepalive: 15 * time.Second, MaxEvent: 8 << 20,
}

// over returns p with the fields that inner sets taken from inner.
func (p Policies) over(inner Policies) Policies {
	return Policies{
		Retry: retry.Policy{
			Attempts:    cmp.Or(inner.Retry.Attempts, p.Retry.Attempts),
			MaxAttempts: cmp.Or(inner.Retry.MaxAttempts, p.Retry.MaxAttempts),
			Base:        cmp.Or(inner.Retry.Base, p.Retry.Base),
			Max:         cmp.Or(inner.Retry.Max, p.Retry.Max),
			Patience:    cmp.Or(inner.Retry.Patience, p.Retry.Patience),
			Budget:      cmp.Or(inner.Retry.Budget, p.Retry.Budget),
		},
		Timeouts: p.Timeouts.over(inner.Timeouts),
		Breaker:  overBreaker(p.Breaker, inner.Breaker),
		Queue: queue.Config{
			MaxInFlight: cmp.Or(inner.Queue.MaxInFlight, p.Queue.MaxInFlight),
			MaxWaiting:  cmp.Or(inner.Queue.MaxWaiting, p.Queue.MaxWaiting),
			MaxWait:     cmp.Or(inner.Queue.MaxWait, p.Queue.MaxWait),
			Order:       cmp.Or(inner.Queue.Order, p.Queue.Order),
			Ageing:      cmp.Or(inner.Queue.Ageing, p.Queue.Ageing),
		},
		Limits: limit.Limits{
			RPM:  cmp.Or(inner.Limits.RPM, p.Limits.RPM),
			ITPM: cmp.Or(inner.Limits.ITPM, p.Limits.ITPM),
			OTPM: cmp.Or(inner.Limits.OTPM, p.Limits.OTPM),
		},
		Streams: p.Streams.over(inner.Streams),
		Concurrency: Concurrency{
			Adaptive: cmp.Or(inner.Concurrency.Adaptive, p.Concurrency.Adaptive),
			Min:      cmp.Or(inner.Concurrency.Min, p.Concurrency.Min),
		},
		Shares: p.Shares.over(inner.Shares),
	}
}

func (s Streams) over(inner Streams) Streams {
	return Streams{
		Resume:    cmp.Or(inner.Resume, s.Resume),
		Upstream:  cmp.Or(inner.Upstream, s.Upstream),
		Complete:  cmp.Or(inner.Complete, s.Complete),
		Keepalive: cmp.Or(inner.Keepalive, s.Keepalive),
		MaxEvent:  cmp.Or(inner.MaxEvent, s.MaxEvent),
	}
}

func (t Timeouts) over(inner Timeouts) Timeouts {
	return Timeouts{
		Connect:    cmp.Or(inner.Connect, t.Connect),
		Headers:    cmp.Or(inner.Headers, t.Headers),
		FirstToken: cmp.Or(inner.FirstToken, t.FirstToken),
		HedgeAfter: cmp.Or(inner.HedgeAfter, t.HedgeAfter),
		Idle:       cmp.Or(inner.Idle, t.Idle),
		Answer:     cmp.Or(inner.Answer, t.Answer),
		Total:      cmp.Or(inner.Total, t.Total),
		MaxStream:  cmp.Or(inner.MaxStream, t.MaxStream),
	}
}

func overBreaker(outer, inner breaker.Config) breaker.Config {
	return breaker.Config{
		Window:       cmp.Or(inner.Window, outer.Window),
		MinAttempts:  cmp.Or(inner.MinAttempts, outer.MinAttempts),
		FailureRatio: cmp.Or(inner.FailureRatio, outer.FailureRatio),
		Consecutive:  cmp.Or(inner.Consecutive, outer.Consecutive),
		SlowRatio:    cmp.Or(inner.SlowRatio, outer.SlowRatio),
		Open:         cmp.Or(inner.Open, outer.Open),
		MaxOpen:      cmp.Or(inner.MaxOpen, outer.MaxOpen),
		Probes:       cmp.Or(inner.Probes, outer.Probes),
		Lease:        cmp.Or(inner.Lease, outer.Lease),
	}
}

// defaults fills in what the loop reads of the policies; the packages of the
// breaker, the queue and the limits fill in their own.
func defaults(p Policies) Policies {
	p.Retry = p.Retry.Defaults()
	p.Timeouts = defaultTimeouts.over(p.Timeouts)
	p.Streams = defaultStreams.over(p.Streams)
	p.Shares = defaultShares.over(p.Shares)
	return p
}
